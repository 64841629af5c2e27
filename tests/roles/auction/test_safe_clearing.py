"""Clearing within the limits of network elements."""

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.roles.auction.allocation import allocate
from gridbus.roles.auction.clearing import Outcome, SupplyCurve, TieRule, clear
from gridbus.roles.auction.safe_clearing import Slot, SlotResult, clear_slot, curtailed

CAP = 1.0
TRANSFORMERS = 3

# Few distinct prices, so that orders jump at the very prices at which the market clears.
PRICE = st.sampled_from([0.0, 0.05, 0.1, 0.15, 0.2, 0.4, 1.0])
QUANTITY = st.sampled_from([-5.0, -2.0, -0.5, 0.0, 0.7, 1.0, 3.0, 6.0]) | st.floats(-5.0, 8.0)


@st.composite
def slots(draw: st.DrawFn, *, injection: bool = True) -> Slot:
    count = draw(st.integers(1, 7))
    least = -5.0 if injection else 0.0
    rows = st.lists(QUANTITY.map(lambda kw: max(kw, least)), min_size=3, max_size=3).map(sorted)
    prices = st.lists(PRICE, min_size=3, max_size=3).map(lambda each: sorted(each, reverse=True))
    return Slot(
        quantity_kw=np.array([draw(rows) for _ in range(count)]),
        price_per_kwh=np.array([draw(prices) for _ in range(count)]),
        transformer=np.array([draw(st.integers(0, TRANSFORMERS - 1)) for _ in range(count)], dtype=np.intp),
        inelastic_kw=draw(st.sampled_from([0.0, 4.0, 10.0])),
        supply_price_per_kwh=draw(st.sampled_from([0.05, 0.1, 0.13])),
        supply_kw=inf,
        price_cap_per_kwh=CAP,
        price_floor_per_kwh=0.0,
        ties=draw(st.sampled_from(TieRule)),
        arrival=np.array(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)), dtype=np.intp),
    )


LIMITS = st.dictionaries(st.integers(0, TRANSFORMERS - 1), st.sampled_from([0.0, 1.0, 3.0, 5.5]), max_size=3)


def simple(quantity: Any, price: Any, transformer: list[int], **changes: Any) -> Slot:
    fields: dict[str, Any] = {
        "inelastic_kw": 0.0,
        "supply_price_per_kwh": 0.1,
        "supply_kw": inf,
        "price_cap_per_kwh": CAP,
        "price_floor_per_kwh": 0.0,
    }
    return Slot(
        quantity_kw=np.array(quantity, dtype=float),
        price_per_kwh=np.array(price, dtype=float),
        transformer=np.array(transformer, dtype=np.intp),
        **(fields | changes),
    )


def below_kw(slot: Slot, result: SlotResult, place: int) -> float:
    return float(result.award_kw[slot.transformer == place].sum())


@settings(deadline=None, max_examples=25)
@given(slot=slots())
def test_without_limits_it_is_a_plain_clearing(slot: Slot) -> None:
    result = clear_slot(slot)
    plain = clear(slot.demand(), SupplyCurve.flat(slot.supply_price_per_kwh, inf, export_kw=inf), price_cap=CAP)
    assert result.clearing == plain
    awards = allocate(slot.quantity_kw, slot.price_per_kwh, plain, ties=slot.ties, arrival=slot.arrival)
    assert result.award_kw.tolist() == awards.tolist()
    assert set(result.price_per_kwh.tolist()) == {plain.price_per_kwh}
    assert result.binding == ()


@settings(deadline=None, max_examples=25)
@given(slot=slots(), limits=LIMITS)
def test_awards_and_inelastic_load_sum_to_the_cleared_quantity(slot: Slot, limits: Mapping[int, float]) -> None:
    result = clear_slot(slot, transformer_limit_kw=limits)
    assert result.award_kw.sum() + slot.inelastic_kw == pytest.approx(result.clearing.quantity_kw, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(slot=slots(), limits=LIMITS)
def test_no_group_draws_more_than_the_limit_of_its_transformer(slot: Slot, limits: Mapping[int, float]) -> None:
    result = clear_slot(slot, transformer_limit_kw=limits)
    for place, limit in limits.items():
        assert below_kw(slot, result, place) <= limit + 1e-6


@settings(deadline=None, max_examples=25)
@given(slot=slots(), limits=LIMITS, limit_kw=st.sampled_from([0.0, 2.0, 7.0, 15.0]))
def test_orders_together_draw_no_more_than_the_market_limit(
    slot: Slot, limits: Mapping[int, float], limit_kw: float
) -> None:
    result = clear_slot(slot, market_limit_kw=limit_kw, transformer_limit_kw=limits)
    assert result.award_kw.sum() <= limit_kw + 1e-6
    for place, limit in limits.items():
        assert below_kw(slot, result, place) <= limit + 1e-6


@settings(deadline=None, max_examples=25)
@given(slot=slots(), limits=LIMITS)
def test_prices_are_above_the_markets_only_below_a_transformer_whose_limit_binds(
    slot: Slot, limits: Mapping[int, float]
) -> None:
    result = clear_slot(slot, transformer_limit_kw=limits)
    market = result.clearing.price_per_kwh
    assert (result.price_per_kwh >= market).all()
    dearer = {int(place) for place in slot.transformer[result.price_per_kwh > market]}
    assert dearer <= set(result.binding) <= set(limits)
    for place in result.binding:
        assert (
            below_kw(slot, result, place) == pytest.approx(limits[place], abs=1e-6)
            or below_kw(slot, result, place) < limits[place]
        )


@settings(deadline=None, max_examples=25)
@given(slot=slots(), limits=LIMITS)
def test_every_award_lies_in_the_range_of_its_order_at_its_price(slot: Slot, limits: Mapping[int, float]) -> None:
    result = clear_slot(slot, transformer_limit_kw=limits)
    for row, award in enumerate(result.award_kw.tolist()):
        quantity = slot.quantity_kw[row]
        assert min(quantity[0], 0.0) - 1e-6 <= award <= max(quantity[-1], 0.0) + 1e-6


def test_the_local_price_is_the_one_at_which_the_group_takes_its_limit() -> None:
    # Two orders of 4 kW down to nothing between 0.1 and 0.5 $/kWh; 4 kW in all are left: half of each, at 0.3.
    slot = simple([[0, 4], [0, 4], [0, 4]], [[0.5, 0.1]] * 3, [0, 0, 1])
    result = clear_slot(slot, transformer_limit_kw={0: 4.0})
    assert result.award_kw.tolist() == pytest.approx([2.0, 2.0, 4.0])
    assert result.price_per_kwh.tolist() == pytest.approx([0.3, 0.3, 0.1])
    assert result.binding == (0,)


def test_a_limit_holds_also_where_an_order_jumps_at_the_clearing_price() -> None:
    slot = simple([[0, 5], [0, 5]], [[0.1, 0.1]] * 2, [0, 1])
    result = clear_slot(slot, transformer_limit_kw={0: 3.0})
    assert result.award_kw.tolist() == pytest.approx([3.0, 5.0])
    assert result.binding == (0,)


def test_ties_by_time_are_ranked_below_a_transformer_as_in_the_market() -> None:
    # Steps of 5 kW at 0.3 $/kWh; below transformer 0, 6 kW may be drawn, and 11 kW in all.
    orders = {"arrival": np.array([4, 2, 3, 1]), "ties": TieRule.TIME}
    slot = simple([[0, 5]] * 4, [[0.3, 0.3]] * 4, [0, 0, 1, 1], **orders)
    limited = clear_slot(slot, transformer_limit_kw={0: 6.0})
    assert limited.award_kw.tolist() == pytest.approx([1.0, 5.0, 5.0, 5.0])
    assert clear_slot(slot, market_limit_kw=11.0).award_kw.tolist() == pytest.approx([0.0, 5.0, 1.0, 5.0])
    # Orders below a transformer that binds rank in the market as the first of them, which came second.
    both = clear_slot(slot, market_limit_kw=11.0, transformer_limit_kw={0: 6.0})
    assert both.award_kw.tolist() == pytest.approx([1.0, 5.0, 0.0, 5.0])


def test_a_limit_that_does_not_bind_changes_nothing() -> None:
    slot = simple([[0, 4], [0, 4]], [[0.5, 0.1]] * 2, [0, 1])
    limited, free = clear_slot(slot, transformer_limit_kw={0: 4.0, 1: 9.0}), clear_slot(slot)
    assert limited.award_kw.tolist() == pytest.approx(free.award_kw.tolist())
    assert limited.price_per_kwh.tolist() == free.price_per_kwh.tolist()
    assert limited.binding == ()


def test_a_limit_below_zero_is_taken_as_zero() -> None:
    slot = simple([[0, 5], [0, 5]], [[0.4, 0.2]] * 2, [0, 1])
    assert clear_slot(slot, transformer_limit_kw={0: -2.0}).award_kw.tolist() == pytest.approx([0.0, 5.0])
    assert clear_slot(slot, market_limit_kw=-2.0).award_kw.tolist() == pytest.approx([0.0, 0.0])


def test_the_limit_of_a_transformer_with_no_orders_below_it_changes_nothing() -> None:
    slot = simple([[0, 5]], [[0.4, 0.2]], [0])
    for limit in (0.0, 3.0, -3.0):
        assert clear_slot(slot, transformer_limit_kw={-1: limit}).award_kw.tolist() == [5.0]


def test_a_slot_without_orders_clears() -> None:
    slot = simple(np.zeros((0, 1)), np.zeros((0, 1)), [], inelastic_kw=3.0)
    result = clear_slot(slot, market_limit_kw=1.0, transformer_limit_kw={-1: 1.0})
    assert result.award_kw.tolist() == []
    assert result.clearing.quantity_kw == 3.0
    assert clear_slot(simple(np.zeros((0, 1)), np.zeros((0, 1)), [])).clearing.outcome is Outcome.NO_TRADE


def test_curtailing_cuts_consuming_awards_below_the_element_by_one_factor() -> None:
    awards, factor = curtailed(np.array([4.0, 2.0, -1.0, 8.0]), np.array([True, True, True, False]), 2.0)
    assert factor == pytest.approx(0.5)
    assert awards.tolist() == pytest.approx([2.0, 1.0, -1.0, 8.0])


@settings(deadline=None, max_examples=25)
@given(
    award_kw=st.lists(st.floats(-5.0, 9.0), min_size=1, max_size=8).map(np.array),
    limit_kw=st.floats(-10.0, 20.0),
    places=st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_curtailed_awards_keep_the_limit_where_consumption_can(
    award_kw: np.ndarray, limit_kw: float, places: list[bool]
) -> None:
    below = np.array(places[: len(award_kw)])
    left, factor = curtailed(award_kw, below, limit_kw)
    assert 0.0 <= factor <= 1.0
    assert left[~below].tolist() == award_kw[~below].tolist()
    assert left[award_kw <= 0.0].tolist() == award_kw[award_kw <= 0.0].tolist()
    injected = float(np.minimum(award_kw, 0.0)[below].sum())
    assert left[below].sum() <= max(limit_kw, injected) + 1e-9
    if award_kw[below].sum() <= limit_kw:
        assert factor == 1.0


def test_a_limit_a_rounding_error_away_from_an_orders_point_is_met_at_that_point() -> None:
    # The sum of the two curves is 3 kW at 0.4 $/kWh but for its rounding, and jumps there.
    slot = simple([[-5, 3, 8], [-5, 0, 0.7]], [[0.4, 0.4, 0.0], [0.4, 0.4, 0.1]], [0, 0], supply_price_per_kwh=0.05)
    result = clear_slot(slot, market_limit_kw=0.0, transformer_limit_kw={0: 3.0})
    assert result.award_kw.sum() == pytest.approx(0.0, abs=1e-9)


def test_a_limited_group_that_stands_at_the_margin_may_inject_in_all() -> None:
    # Nothing may be drawn in all: 4 kW of demand elsewhere are met by a group that would draw 8 kW at a lower price.
    slot = simple([[4, 4], [-5, 8]], [[1.0, 1.0], [0.3, 0.3]], [1, 0])
    result = clear_slot(slot, market_limit_kw=0.0, transformer_limit_kw={0: 3.0})
    assert result.award_kw.tolist() == pytest.approx([4.0, -4.0])
    assert result.price_per_kwh.tolist() == pytest.approx([0.3, 0.3])
