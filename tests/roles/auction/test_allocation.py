"""Ties at the margin by time of arrival: what has to hold whatever the bids, and each rule by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gridbus.roles.auction.allocation import allocate
from gridbus.roles.auction.clearing import Clearing, Outcome, SupplyCurve, TieRule, clear
from gridbus.roles.auction.curves import FloatArray, aggregate, stack_bids

Market = tuple[FloatArray, FloatArray, NDArray[np.intp]]

# A coarse grid of prices: ties are the rule.
prices = st.integers(0, 4).map(lambda k: k / 10)
whole_kw = st.integers(-6, 6).map(float)


@st.composite
def markets(draw: st.DrawFn) -> Market:
    count, size = draw(st.integers(0, 8)), draw(st.integers(1, 3))
    quantity = [sorted(draw(st.lists(whole_kw, min_size=size, max_size=size))) for _ in range(count)]
    price = [sorted(draw(st.lists(prices, min_size=size, max_size=size)), reverse=True) for _ in range(count)]
    arrival = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    return (
        np.array(quantity).reshape(count, size),
        np.array(price).reshape(count, size),
        np.array(arrival, dtype=np.intp),
    )


supplies = st.builds(
    lambda price, kw, export: SupplyCurve.flat(price, kw, export_kw=export),
    prices,
    st.integers(0, 9).map(float),
    st.integers(0, 9).map(float),
)


def cleared(market: Market, supply: SupplyCurve, fixed_kw: float = 0.0) -> Clearing:
    return clear(aggregate(*market[:2], fixed_kw=fixed_kw), supply, price_cap=0.4)


def by_time(market: Market, clearing: Clearing) -> FloatArray:
    quantity, price, arrival = market
    return allocate(quantity, price, clearing, ties=TieRule.TIME, arrival=arrival)


def ends(market: Market, price: float) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest quantity of each bid at a price."""
    rows = [aggregate(q[np.newaxis], p[np.newaxis]).quantity_range_at(price) for q, p in zip(*market[:2], strict=True)]
    low, high = np.array(rows).reshape(-1, 2).T
    return low, high


@given(markets(), supplies, whole_kw)
def test_awards_by_time_add_up_as_those_pro_rata_do(market: Market, supply: SupplyCurve, fixed_kw: float) -> None:
    result = cleared(market, supply, fixed_kw)
    total = by_time(market, result).sum()

    assert total == pytest.approx(allocate(*market[:2], result).sum(), abs=1e-9)
    if not result.shed_kw:
        assert total + fixed_kw == pytest.approx(result.quantity_kw, abs=1e-9)


@given(markets(), supplies)
def test_nobody_is_awarded_beyond_what_it_asked_for(market: Market, supply: SupplyCurve) -> None:
    result = cleared(market, supply)
    low, high = ends(market, result.price_per_kwh)
    awards = by_time(market, result)

    assert (awards >= np.where(result.shed_kw > 0, np.minimum(low, 0.0), low) - 1e-9).all()
    assert (awards <= np.where(result.shed_kw < 0, np.maximum(high, 0.0), high) + 1e-9).all()


@given(markets(), supplies)
def test_whoever_lacks_something_came_after_all_who_have_some_of_it(market: Market, supply: SupplyCurve) -> None:
    result = cleared(market, supply)
    low, high = ends(market, result.price_per_kwh)
    neutral, awards = np.clip(0.0, low, high), by_time(market, result)
    rank = market[2].argsort(kind="stable")
    if result.shed_kw:
        return
    for sign, most in ((1.0, high), (-1.0, low)):
        alone = np.sign(low) * np.sign(high) >= 0
        wanted, given_kw = sign * (most - neutral)[rank], (sign * (awards - neutral)).clip(0.0)[rank]
        wanted, given_kw = wanted[alone[rank]], given_kw[alone[rank]]
        lacking = np.flatnonzero(given_kw < wanted - 1e-9)
        if lacking.size:
            assert (given_kw[lacking[0] + 1 :] <= 1e-9).all()


@given(markets(), supplies)
def test_buyers_and_sellers_at_the_margin_exchange_all_they_can(market: Market, supply: SupplyCurve) -> None:
    result = cleared(market, supply)
    low, high = ends(market, result.price_per_kwh)
    neutral, awards = np.clip(0.0, low, high), by_time(market, result)
    if result.shed_kw or ((low < 0) & (high > 0)).any():
        return
    bought, sold = (awards - neutral).clip(0.0).sum(), (neutral - awards).clip(0.0).sum()

    assert min((high - neutral).sum() - bought, (neutral - low).sum() - sold) == pytest.approx(0.0, abs=1e-9)


@given(markets(), supplies)
def test_without_a_tie_the_rule_does_not_matter(market: Market, supply: SupplyCurve) -> None:
    result = cleared(market, supply)
    low, high = ends(market, result.price_per_kwh)

    if (low == high).all() and not result.shed_kw:
        assert by_time(market, result) == pytest.approx(allocate(*market[:2], result), abs=1e-9)


@given(markets(), supplies)
def test_the_order_of_the_rows_does_not_matter_when_arrivals_differ(market: Market, supply: SupplyCurve) -> None:
    quantity, price, _ = market
    arrival = np.arange(len(quantity))[::-1].copy()
    result = cleared(market, supply)
    turned = by_time((quantity[::-1], price[::-1], arrival[::-1]), result)

    assert turned[::-1] == pytest.approx(by_time((quantity, price, arrival), result), abs=1e-9)


def market_of(*bids: tuple[list[tuple[float, float]], int]) -> Market:
    quantity, price = stack_bids([bid for bid, _ in bids])
    return quantity, price, np.array([arrival for _, arrival in bids], dtype=np.intp)


BUYS, SELLS = [(0.0, 0.2), (4.0, 0.2)], [(-4.0, 0.2), (0.0, 0.2)]


def test_the_earliest_buyers_are_served_and_the_next_gets_the_rest() -> None:
    market = market_of((BUYS, 3), (BUYS, 1), (BUYS, 2))
    result = cleared(market, SupplyCurve.flat(0.1, 6))

    assert by_time(market, result).tolist() == [0, 4, 2]
    assert allocate(*market[:2], result).tolist() == [2, 2, 2]


def test_the_earliest_sellers_sell_and_the_next_sells_the_rest() -> None:
    market = market_of((SELLS, 3), (SELLS, 1), (SELLS, 2), ([(5.0, 0.4), (5.0, 0.0)], 0))
    result = cleared(market, SupplyCurve.flat(0.3))

    assert (result.price_per_kwh, result.outcome) == (0.2, Outcome.NO_TRADE)
    assert by_time(market, result).tolist() == [0, -4, -1, 5]


def test_of_buyers_and_sellers_only_the_longer_side_is_ranked() -> None:
    market = market_of((BUYS, 2), (SELLS, 3), (BUYS, 1))
    result = cleared(market, SupplyCurve.flat(0.3))

    assert by_time(market, result).tolist() == [0, -4, 4]


def test_bids_that_arrive_together_rank_in_the_order_of_the_rows() -> None:
    market = market_of((BUYS, 1), (BUYS, 1))

    assert by_time(market, cleared(market, SupplyCurve.flat(0.1, 5))).tolist() == [4, 1]


def test_load_is_shed_from_those_who_came_last() -> None:
    market = market_of(([(4.0, 0.9)], 2), ([(3.0, 0.9)], 1), ([(-1.0, 0.0)], 3), ([(2.0, 0.9)], 4))
    result = cleared(market, SupplyCurve.flat(0.1, 5))

    assert (result.outcome, result.shed_kw) == (Outcome.AT_CAP, 3)
    assert by_time(market, result).tolist() == [3, 3, -1, 0]


def test_injection_is_curtailed_from_those_who_came_last() -> None:
    market = market_of(([(-4.0, 0.0)], 2), ([(-3.0, 0.0)], 1), ([(1.0, 0.1)], 3))
    result = cleared(market, SupplyCurve.flat(0.1, 5, export_kw=2))

    assert (result.outcome, result.quantity_kw, result.shed_kw) == (Outcome.AT_FLOOR, -2, -4)
    assert by_time(market, result).tolist() == [0, -3, 1]


def test_a_rank_by_time_needs_the_arrival_of_every_bid() -> None:
    quantity, price, arrival = market_of((BUYS, 1), (BUYS, 2))
    result = cleared((quantity, price, arrival), SupplyCurve.flat(0.1))

    for wrong in (None, arrival[:1]):
        with pytest.raises(ValueError, match="arrival of each"):
            allocate(quantity, price, result, ties=TieRule.TIME, arrival=wrong)
    nobody = np.empty((0, 2))
    assert allocate(nobody, nobody, result, ties=TieRule.TIME, arrival=arrival[:0]).tolist() == []


def test_the_rules_have_names_that_a_scenario_can_say() -> None:
    assert [str(rule) for rule in TieRule] == ["pro rata", "time"]
