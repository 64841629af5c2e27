"""Clearing and allocation: invariants against a bisection, and one example of each outcome by hand."""

from math import fsum, inf, nan
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.roles.auction.allocation import allocate
from gridbus.roles.auction.clearing import Clearing, Outcome, SupplyCurve, clear
from gridbus.roles.auction.curves import DemandCurve, FloatArray, aggregate, stack_bids

Bid = list[tuple[float, float]]
Market = tuple[FloatArray, FloatArray]

CAP, FLOOR = 0.3, 0.0
prices = st.integers(-5, 35).map(lambda k: k / 100) | st.floats(-0.05, 0.35).map(lambda p: round(p, 5))
whole_kw = st.integers(-6, 6).map(float)
limits = st.none() | st.integers(0, 12).map(float)
bands = st.sampled_from([(FLOOR, CAP), (-0.05, 0.3), (-0.05, 0.0), (0.1, 0.1), (0.3, 0.35)])


@st.composite
def markets(draw: st.DrawFn) -> Market:
    count, size = draw(st.integers(0, 8)), draw(st.integers(1, 4))
    rows = st.lists(whole_kw, min_size=size, max_size=size).map(sorted)
    columns = st.lists(prices, min_size=size, max_size=size).map(lambda row: sorted(row, reverse=True))
    quantity = [draw(rows) for _ in range(count)]
    price = [draw(columns) for _ in range(count)]
    return np.array(quantity).reshape(count, size), np.array(price).reshape(count, size)


@st.composite
def supplies(draw: st.DrawFn) -> SupplyCurve:
    if draw(st.booleans()):
        quantity = draw(st.sampled_from([0.0, 5.0, 20.0, inf]))
        return SupplyCurve.flat(draw(prices), quantity, export_kw=draw(st.sampled_from([0.0, 4.0, inf])))
    points = draw(st.lists(st.tuples(st.integers(-9, 20), prices), min_size=1, max_size=5))
    quantity_kw, price = (sorted(map(float, values)) for values in zip(*points, strict=True))
    return SupplyCurve.from_points(np.array(quantity_kw), np.array(price))


def cleared(
    demand: DemandCurve,
    supply: SupplyCurve,
    limit_kw: float | None = None,
    *,
    band: tuple[float, float] = (FLOOR, CAP),
) -> Clearing:
    return clear(demand, supply, price_floor=band[0], price_cap=band[1], limit_kw=limit_kw)


def excess(demand: DemandCurve, supply: SupplyCurve, limit_kw: float | None, price: float) -> tuple[float, float]:
    low, high = demand.quantity_range_at(price)
    limit = inf if limit_kw is None else limit_kw
    least, most = (min(kw, limit) for kw in supply.limits_at(price))
    return low - most, high - least


@given(markets(), supplies(), limits, whole_kw, bands)
def test_the_price_is_where_a_bisection_finds_it(
    market: Market, supply: SupplyCurve, limit_kw: float | None, fixed_kw: float, band: tuple[float, float]
) -> None:
    demand = aggregate(*market, fixed_kw=fixed_kw)
    result = cleared(demand, supply, limit_kw, band=band)

    lower, upper = band
    if excess(demand, supply, limit_kw, upper)[0] > 0:
        assert result.outcome is Outcome.AT_CAP
        lower = upper
    elif excess(demand, supply, limit_kw, lower)[1] < 0:
        assert result.outcome is Outcome.AT_FLOOR
        upper = lower
    for _ in range(60):
        middle = (lower + upper) / 2
        if excess(demand, supply, limit_kw, middle)[0] > 0:
            lower = middle
        else:
            upper = middle
    least, most = excess(demand, supply, limit_kw, result.price_per_kwh)

    assert result.price_per_kwh >= upper - 1e-9
    # Above the first price that clears, only one that leaves no excess either is right.
    assert result.price_per_kwh <= upper + 1e-9 or abs(least) < 1e-9 or abs(most) < 1e-9


@given(markets(), supplies(), limits, whole_kw, bands)
def test_what_holds_in_every_market(
    market: Market, supply: SupplyCurve, limit_kw: float | None, fixed_kw: float, band: tuple[float, float]
) -> None:
    demand = aggregate(*market, fixed_kw=fixed_kw)
    result = cleared(demand, supply, limit_kw, band=band)
    low, high = demand.quantity_range_at(result.price_per_kwh)
    least, most = supply.limits_at(result.price_per_kwh)

    assert band[0] <= result.price_per_kwh <= band[1]
    assert 0 <= result.marginal_fraction <= 1
    assert result.congestion_price_per_kwh >= 0
    assert limit_kw is None or result.quantity_kw <= limit_kw
    assert low - 1e-9 <= result.quantity_kw + result.shed_kw <= high + 1e-9
    if result.outcome in (Outcome.CLEARED, Outcome.NO_TRADE):
        assert result.shed_kw == pytest.approx(0, abs=1e-9)
        assert min(least, inf if limit_kw is None else limit_kw) - 1e-9 <= result.quantity_kw <= most + 1e-9
        assert (result.quantity_kw == 0) == (result.outcome is Outcome.NO_TRADE)
    if limit_kw is None:
        assert result.congestion_price_per_kwh == 0
    if result.congestion_price_per_kwh > 0 and result.quantity_kw > 0:
        assert result.quantity_kw == pytest.approx(limit_kw)


@given(markets(), supplies(), limits, whole_kw)
def test_awards_and_fixed_load_add_up(
    market: Market, supply: SupplyCurve, limit_kw: float | None, fixed_kw: float
) -> None:
    quantity, price = market
    result = cleared(aggregate(quantity, price, fixed_kw=fixed_kw), supply, limit_kw)
    awards = allocate(quantity, price, result)
    wanted = allocate(quantity, price, Clearing(result.price_per_kwh, 0, Outcome.CLEARED, result.marginal_fraction))
    cut = wanted.sum() - awards.sum()

    assert awards.shape == (len(quantity),)
    assert wanted.sum() + fixed_kw == pytest.approx(result.quantity_kw + result.shed_kw, abs=1e-9)
    # Nobody is cut below zero, so fixed load bears what is left of a cut.
    bearable = np.maximum(np.sign(result.shed_kw) * wanted, 0).sum()
    assert abs(cut) == pytest.approx(min(abs(result.shed_kw), bearable), abs=1e-9)


@given(markets(), supplies(), limits)
def test_no_bid_gets_more_than_it_asked(market: Market, supply: SupplyCurve, limit_kw: float | None) -> None:
    quantity, price = market
    result = cleared(aggregate(quantity, price), supply, limit_kw)

    for award, q, p in zip(allocate(quantity, price, result), quantity, price, strict=True):
        low, high = aggregate(q[np.newaxis], p[np.newaxis]).quantity_range_at(result.price_per_kwh)
        assert min(low, 0.0 if result.shed_kw > 0 else low) - 1e-9 <= award
        assert award <= max(high, 0.0 if result.shed_kw < 0 else high) + 1e-9


@given(markets(), supplies(), st.randoms(use_true_random=False))
def test_order_and_scale_do_not_matter(market: Market, supply: SupplyCurve, random: Random) -> None:
    quantity, price = market
    order = sorted(range(len(quantity)), key=lambda _: random.random())
    result = cleared(aggregate(quantity, price), supply)
    doubled = SupplyCurve(supply.price_per_kwh, supply.below_kw * 2, supply.above_kw * 2)
    other = cleared(aggregate(quantity[order] * 2, price[order]), doubled)

    assert other.outcome is result.outcome
    assert other.price_per_kwh == pytest.approx(result.price_per_kwh, abs=1e-9)
    assert other.quantity_kw == pytest.approx(2 * result.quantity_kw, abs=1e-9)
    awards = allocate(quantity, price, result)[order]
    assert allocate(quantity[order] * 2, price[order], other) == pytest.approx(2 * awards, abs=1e-6)


def demand_of(*bids: Bid, fixed_kw: float = 0.0) -> DemandCurve:
    return aggregate(*stack_bids(bids), fixed_kw=fixed_kw)


FALLING: Bid = [(0, 0.3), (20, 0.1)]


def test_flat_supply_sets_the_price() -> None:
    result = cleared(demand_of(FALLING), SupplyCurve.flat(0.2))

    assert (result.price_per_kwh, result.outcome, result.shed_kw) == (0.2, Outcome.CLEARED, 0)
    assert result.quantity_kw == pytest.approx(10)


def test_a_binding_limit_raises_the_price_and_shows_the_congestion() -> None:
    result = cleared(demand_of(FALLING), SupplyCurve.flat(0.2), limit_kw=5)

    assert result.outcome is Outcome.CLEARED
    assert result.quantity_kw == 5
    assert result.price_per_kwh == pytest.approx(0.25)
    assert result.congestion_price_per_kwh == pytest.approx(0.05)


@pytest.mark.parametrize("limit_kw", [10.5, inf, None])
def test_a_limit_that_does_not_bind_changes_nothing(limit_kw: float | None) -> None:
    assert cleared(demand_of(FALLING), SupplyCurve.flat(0.2), limit_kw).congestion_price_per_kwh == 0


def test_a_thousand_bids_fill_the_limit_to_the_last_digit() -> None:
    generator = np.random.default_rng(7)
    quantity = np.sort(generator.uniform(-2, 5, (1000, 4)), axis=1)
    price = -np.sort(-generator.uniform(0.05, 0.25, (1000, 4)), axis=1)
    demand = aggregate(quantity, price, fixed_kw=50)

    for limit_kw in range(100, 1500, 100):
        result = cleared(demand, SupplyCurve.flat(0.06), limit_kw)
        assert result.quantity_kw == limit_kw
        assert allocate(quantity, price, result).sum() + 50 == pytest.approx(limit_kw, rel=1e-12)


def test_a_segment_too_narrow_for_a_slope_is_a_step_for_all() -> None:
    quantity, price = stack_bids([[(0, 0.2 + 5e-10), (8, 0.2)]])
    demand = aggregate(quantity, price)
    result = cleared(demand, SupplyCurve.flat(0.1, 2))

    assert demand.quantity_range_at(0.2) == (0, 8)
    assert demand.quantity_at(0.2 + 2e-10) == 0
    assert (result.price_per_kwh, result.quantity_kw, result.marginal_fraction) == (0.2, 2, 0.25)
    assert allocate(quantity, price, result).tolist() == [2]


def test_the_steepest_slope_is_awarded_within_the_digits_of_the_price() -> None:
    quantity, price = stack_bids([[(0, 0.2 + 2e-9), (8, 0.2)]])
    result = cleared(aggregate(quantity, price), SupplyCurve.flat(0.1), limit_kw=3)

    assert allocate(quantity, price, result).tolist() == pytest.approx([3], abs=1e-6)


def test_a_price_raised_by_the_floor_is_no_congestion() -> None:
    result = cleared(demand_of([(1, 0.0)]), SupplyCurve.flat(-0.01, 5), limit_kw=2)

    assert result == Clearing(FLOOR, 1, Outcome.AT_FLOOR)


def test_scarce_supply_is_no_congestion() -> None:
    result = cleared(demand_of(FALLING), SupplyCurve.flat(0.2, 5), limit_kw=8)

    assert result.price_per_kwh == pytest.approx(0.25)
    assert result.congestion_price_per_kwh == 0


def test_sloping_supply_meets_sloping_demand() -> None:
    supply = SupplyCurve.from_points((0, 40), (0.1, 0.3))
    result = cleared(demand_of(FALLING), supply)

    assert result.quantity_kw == pytest.approx(40 / 3)
    assert result.price_per_kwh == pytest.approx(0.1 + 0.2 / 3)
    limited = cleared(demand_of(FALLING), supply, limit_kw=10)
    assert limited.price_per_kwh == pytest.approx(0.2)
    assert limited.congestion_price_per_kwh == pytest.approx(0.05)


def test_inelastic_load_that_just_fits_the_limit_is_no_shortage() -> None:
    quantity, price = np.full((1000, 1), 0.1), np.zeros((1000, 1))
    demand = aggregate(quantity, price).shifted(1e-11)

    assert demand.quantity_at(0.1) > 100
    assert cleared(demand, SupplyCurve.flat(0.1), limit_kw=100) == Clearing(0.1, 100, Outcome.CLEARED)


def test_must_run_supply_that_nobody_wants_is_not_taken() -> None:
    result = cleared(demand_of([(3, 0.2)]), SupplyCurve.from_points((5.0, 9.0), (0.1, 0.1)))

    assert result == Clearing(FLOOR, 3, Outcome.AT_FLOOR)


def test_bids_at_the_margin_share_alike() -> None:
    quantity, price = stack_bids([[(0, 0.2), (4, 0.2)], [(1, 0.2), (9, 0.2)], [(2, 0.5)]])
    result = cleared(aggregate(quantity, price), SupplyCurve.flat(0.1, 9))

    assert (result.price_per_kwh, result.quantity_kw) == (0.2, 9)
    assert result.marginal_fraction == pytest.approx(0.5)
    assert allocate(quantity, price, result).tolist() == pytest.approx([2, 5, 2])


def test_a_shortage_is_shed_at_the_cap() -> None:
    quantity, price = stack_bids([[(4, 0.9)], [(-1, 0.0)], [(0, 0.2), (3, 0.2)]])
    result = cleared(aggregate(quantity, price, fixed_kw=8), SupplyCurve.flat(0.1), limit_kw=5)

    assert result.outcome is Outcome.AT_CAP
    assert (result.price_per_kwh, result.quantity_kw, result.shed_kw) == (CAP, 5, 6)
    assert result.congestion_price_per_kwh == pytest.approx(0.2)
    assert allocate(quantity, price, result, fixed_kw=8).tolist() == pytest.approx([2, -1, 0])
    assert allocate(quantity, price, result).tolist() == [0, -1, 0]


def test_a_surplus_is_curtailed_at_the_floor() -> None:
    quantity, price = stack_bids([[(-6, 0.0)], [(-2, 0.1)], [(3, 0.1)]])
    result = cleared(aggregate(quantity, price), SupplyCurve.flat(0.1, export_kw=1))

    assert result.outcome is Outcome.AT_FLOOR
    assert (result.price_per_kwh, result.quantity_kw, result.shed_kw) == (FLOOR, -1, -4)
    assert allocate(quantity, price, result).tolist() == pytest.approx([-3, -1, 3])


def test_supply_that_absorbs_export_clears_it_at_its_price() -> None:
    supply = SupplyCurve.from_points((-9, 0, 0, inf), (0.05, 0.05, 0.12, 0.12))
    result = cleared(demand_of([(-6, 0.0)]), supply)

    assert (result.price_per_kwh, result.quantity_kw, result.outcome) == (0.05, -6, Outcome.CLEARED)


def test_customers_who_balance_each_other_trade_nothing_with_supply() -> None:
    quantity, price = stack_bids([[(-5, 0.15), (0, 0.05)], [(0, 0.25), (5, 0.05)]])
    result = cleared(aggregate(quantity, price), SupplyCurve.flat(0.28))

    assert result.outcome is Outcome.NO_TRADE
    assert result.price_per_kwh == pytest.approx(8.75 / 75)
    assert allocate(quantity, price, result).sum() == pytest.approx(0, abs=1e-9)


def test_batteries_that_neither_charge_nor_discharge_trade_nothing() -> None:
    battery: Bid = [(-0.1, 0.3), (0, 0.3), (0, 0.2), (0.1, 0.2), (0.1, 0.15), (0.2, 0.15), (0.3, 0.15), (0.7, 0.1)]
    demand = demand_of(battery, battery, battery)

    # The sum of the jumps below leaves a rounding error, which is no purchase.
    assert demand.quantity_at(0.25) != 0
    assert cleared(demand, SupplyCurve.flat(0.25)) == Clearing(0.25, 0, Outcome.NO_TRADE)


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6])
def test_fixed_load_that_is_all_the_limit_is_no_shortage_at_any_scale(scale: float) -> None:
    generator = np.random.default_rng(3)
    for _ in range(20):
        quantity = generator.uniform(0, 10 * scale, (2000, 1))
        limit_kw = fsum(quantity.ravel().tolist())
        result = cleared(aggregate(quantity, np.full_like(quantity, 0.1)), SupplyCurve.flat(0.05), limit_kw)

        assert (result.outcome, result.quantity_kw) == (Outcome.CLEARED, limit_kw)


@pytest.mark.parametrize("bids", [[], [[(0, 0.1), (5, 0.05)]], [[(0, 0.3)]]])
def test_without_a_buyer_the_price_is_what_supply_asks(bids: list[Bid]) -> None:
    demand = aggregate(*stack_bids(bids))

    assert cleared(demand, SupplyCurve.flat(0.12)) == Clearing(0.12, 0, Outcome.NO_TRADE)


def test_no_bids_get_no_awards() -> None:
    assert allocate(np.empty((0, 4)), np.empty((0, 4)), Clearing(0.1, 0, Outcome.NO_TRADE)).shape == (0,)


@pytest.mark.parametrize(
    "arguments",
    [
        {"price_cap": 0.1, "price_floor": 0.2},
        {"price_cap": nan},
        {"price_cap": inf},
        {"price_cap": 1.0, "limit_kw": -1.0},
        {"price_cap": 1.0, "limit_kw": nan},
    ],
)
def test_impossible_terms_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"price floor|limit_kw"):
        clear(demand_of(FALLING), SupplyCurve.flat(0.1), **arguments)


@pytest.mark.parametrize(
    ("quantity", "price"),
    [
        ((5.0, 0.0), (0.1, 0.1)),
        ((0.0, 5.0), (0.2, 0.1)),
        ((0.0, inf), (0.1, 0.2)),
        ((nan, 5.0), (0.1, 0.1)),
        ((0.0, 5.0), (nan, nan)),
        ((0.0,), (0.1, 0.2)),
        ((inf,), (0.1,)),
        ((), ()),
    ],
)
def test_impossible_supply_is_refused(quantity: tuple[float, ...], price: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"suppl|curve"):
        SupplyCurve.from_points(quantity, price)


def test_the_price_of_a_quantity_is_the_last_kwh_of_import_and_the_next_of_export() -> None:
    supply = SupplyCurve.from_points((-4, 0, 0, 10, 10, 20), (0.05, 0.05, 0.1, 0.1, 0.2, 0.3))

    asked = [supply.price_at(kw) for kw in (-9, -4, -1, 0, 5, 10, 15, 20, 99)]
    assert asked == pytest.approx([0.05, 0.05, 0.05, 0.1, 0.1, 0.1, 0.25, 0.3, 0.3])


def test_outcomes_are_lowercase_words() -> None:
    assert [str(outcome) for outcome in Outcome] == ["cleared", "at_cap", "at_floor", "no_trade"]
