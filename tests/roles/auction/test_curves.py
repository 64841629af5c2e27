"""Aggregation of bid curves against a slow evaluation, bid by bid, in exact arithmetic."""

import itertools
from fractions import Fraction
from math import inf, nan, nextafter
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.roles.auction.curves import (
    DemandCurve,
    FloatArray,
    aggregate,
    asked,
    faults,
    stack_bids,
)
from gridbus.roles.auction.summation import stable_order

Bid = list[tuple[float, float]]

quantities = st.floats(-10, 10, allow_subnormal=False) | st.integers(-3, 3).map(float)
# A coarse grid makes ties and steps, a fine one makes steep slopes.
prices = st.integers(-5, 25).map(lambda k: k / 100) | st.integers(-50_000, 250_000).map(lambda k: k / 1e6)


@st.composite
def bids(draw: st.DrawFn) -> Bid:
    size = draw(st.integers(1, 4))
    quantity = sorted(draw(st.lists(quantities, min_size=size, max_size=size)))
    price = sorted(draw(st.lists(prices, min_size=size, max_size=size)), reverse=True)
    return list(zip(quantity, price, strict=True))


markets = st.lists(bids(), min_size=1, max_size=6)


def slow_range(bid: Bid, price: float) -> tuple[Fraction, Fraction]:
    """Lowest and highest quantity of one bid at a price: where its line, prolonged at both ends, meets it."""
    at, points = Fraction(price), [(Fraction(q), Fraction(p)) for q, p in bid]
    met = [points[0][0]] if at >= points[0][1] else []
    met += [points[-1][0]] if at <= points[-1][1] else []
    for (q, p), (next_q, next_p) in itertools.pairwise(points):
        if p == next_p == at:
            met += [q, next_q]
        elif p > next_p and next_p <= at <= p:
            met.append(q + (next_q - q) * (p - at) / (p - next_p))
    return min(met), max(met)


def slow_sum(market: list[Bid], price: float) -> tuple[float, float]:
    ranges = [slow_range(bid, price) for bid in market]
    return float(sum(low for low, _ in ranges)), float(sum(high for _, high in ranges))


def around(market: list[Bid]) -> list[float]:
    """Every breakpoint, its two neighbours among the floats, points between, and both outsides."""
    edges = sorted({p for bid in market for _, p in bid})
    middles = [(a + b) / 2 for a, b in itertools.pairwise(edges)]
    return [-9.0, *middles, *(x for p in edges for x in (nextafter(p, -inf), p, nextafter(p, inf))), 9.0]


def aggregated(market: list[Bid], fixed_kw: float = 0.0) -> DemandCurve:
    return aggregate(*stack_bids(market), fixed_kw=fixed_kw)


@given(markets, st.floats(-5, 5))
def test_the_aggregate_is_the_sum_of_the_bids(market: list[Bid], fixed_kw: float) -> None:
    curve = aggregated(market, fixed_kw)

    for price in around(market):
        low, high = slow_sum(market, price)
        assert curve.quantity_range_at(price) == pytest.approx((low + fixed_kw, high + fixed_kw), abs=1e-9)
        assert curve.quantity_at(price) == curve.quantity_range_at(price)[0]


@given(markets)
def test_the_quantity_never_rises_with_the_price(market: list[Bid]) -> None:
    curve = aggregated(market)
    ranges = [curve.quantity_range_at(price) for price in sorted(around(market))]

    assert all(low <= high for low, high in ranges)
    assert all(later[1] <= earlier[0] for earlier, later in itertools.pairwise(ranges))


@given(markets, st.randoms(use_true_random=False), st.sampled_from([0.5, 4.0, 1024.0]))
def test_order_and_scale_of_the_bids_do_not_matter(market: list[Bid], random: Random, scale: float) -> None:
    curve = aggregated(market)
    shuffled = sorted(market, key=lambda _: random.random())
    other = aggregated([[(q * scale, p) for q, p in bid] for bid in shuffled])

    assert other.price_per_kwh.tolist() == curve.price_per_kwh.tolist()
    assert other.below_kw == pytest.approx(curve.below_kw * scale, abs=1e-9 * scale)
    assert other.above_kw == pytest.approx(curve.above_kw * scale, abs=1e-9 * scale)


@given(markets, st.integers(2, 10))
def test_a_simplified_curve_is_a_bid_on_the_curve(market: list[Bid], count: int) -> None:
    curve = aggregated(market)
    points = curve.simplified(count)
    quantity, price = (np.array(values) for values in zip(*points, strict=True))

    assert 1 <= len(points) <= count
    assert faults(quantity, price) == ()
    assert (quantity[0], quantity[-1]) == (curve.above_kw[-1], curve.below_kw[0])
    for q, p in points:
        low, high = curve.quantity_range_at(p)
        assert low <= q <= high


@given(st.lists(markets, min_size=1, max_size=3))
def test_hours_are_aggregated_one_by_one(hours: list[list[Bid]]) -> None:
    count = min(map(len, hours))
    padded = stack_bids([[*bid, *[bid[-1]] * (4 - len(bid))] for hour in hours for bid in hour[:count]])
    quantity, price = (array.reshape(len(hours), count, 4) for array in padded)
    fixed = np.arange(float(len(hours)))
    curves = aggregate(quantity, price, fixed_kw=fixed)

    assert len(curves) == len(hours)
    for hour, curve in enumerate(curves):
        alone = aggregate(quantity[hour], price[hour], fixed_kw=float(hour))
        assert curve.price_per_kwh.tolist() == alone.price_per_kwh.tolist()
        assert curve.above_kw.tolist() == alone.above_kw.tolist()


@given(st.lists(markets, min_size=1, max_size=3))
def test_rows_of_any_lengths_are_what_they_are_when_the_last_point_is_repeated(hours: list[list[Bid]]) -> None:
    quantity, price = ([[[point[side] for point in bid] for bid in market] for market in hours] for side in (0, 1))
    curves = aggregate(quantity, price, fixed_kw=np.arange(float(len(hours))))

    assert len(curves) == len(hours)
    for hour, market in enumerate(hours):
        stacked = aggregated(market, float(hour))
        for curve in (curves[hour], aggregate(quantity[hour], price[hour], fixed_kw=float(hour))):
            assert curve.price_per_kwh.tolist() == stacked.price_per_kwh.tolist()
            assert curve.below_kw.tolist() == stacked.below_kw.tolist()
            assert curve.above_kw.tolist() == stacked.above_kw.tolist()


def test_an_hour_may_have_no_bids_and_all_hours_may_have_none() -> None:
    curves = aggregate([[], [[1.0, 2.0]]], [[], [[0.2, 0.1]]], fixed_kw=0.5)

    assert [curve.quantity_at(0.1) for curve in curves] == [0.5, 2.5]
    assert aggregate([], [], fixed_kw=3.0).quantity_at(0.1) == 3.0
    arrays = aggregate([np.zeros((0, 2)), np.ones((1, 2))], [np.zeros((0, 2)), np.zeros((1, 2))])
    assert [curve.quantity_at(0.1) for curve in arrays] == [0, 1]


@pytest.mark.parametrize(
    ("quantity", "price", "message"),
    [
        ([[1.0, 2.0], [1.0]], [[0.2, 0.1], [0.3, 0.2]], "bid 1: 1 quantities and 2 prices"),
        ([[1.0]], [[0.2], [0.1]], "1 rows of quantities and 2 of prices"),
        ([[1.0], []], [[0.2], []], "bid 1 is empty"),
        ([[[1.0]], [[1.0], [2.0, 1.0]]], [[[0.1]], [[0.1], [0.2, 0.1]]], r"hour 1: bid 1: quantity_kw\[1\] falls"),
    ],
)
def test_rows_that_do_not_fit_are_named(quantity: Any, price: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        aggregate(quantity, price)


@given(st.lists(st.lists(prices, min_size=1, max_size=40), min_size=1, max_size=4))
def test_the_order_of_equal_prices_is_that_of_the_bids(rows: list[list[float]]) -> None:
    values = np.array([row[: min(map(len, rows))] for row in rows])

    assert stable_order(values).tolist() == sorted(range(values.size), key=lambda place: values.ravel()[place])


def test_a_great_many_equal_prices_are_kept_in_order_too() -> None:
    values = np.random.default_rng(5).integers(0, 9, 5000) / 10

    assert stable_order(values).tolist() == values.argsort(kind="stable").tolist()


def test_two_bids_by_hand() -> None:
    # One falls from 4 to 0 kW between 0.10 and 0.30; the other steps from 5 to 2 kW at 0.20.
    curve = aggregated([[(0, 0.3), (4, 0.1)], [(2, 0.2), (5, 0.2)]])

    assert curve.quantity_range_at(0.2) == pytest.approx((4, 7))
    assert curve.quantity_at(0.25) == pytest.approx(3)
    assert curve.quantity_at(0.15) == pytest.approx(8)
    assert (curve.quantity_at(0.0), curve.quantity_at(1.0)) == (9, 2)


def test_flat_parts_stay_flat_and_jumps_stay_jumps() -> None:
    curve = aggregated([[(0, 0.3), (3, 0.3), (3, 0.1), (5, 0.1)]])

    assert curve.price_per_kwh.tolist() == [0.1, 0.3]
    assert curve.above_kw.tolist() == [3, 0]
    assert curve.below_kw.tolist() == [5, 3]


@pytest.mark.parametrize("price", [-1.0, 0.0, 0.5, 99.0])
def test_a_bid_outside_the_band_keeps_its_quantity(price: float) -> None:
    curve = aggregated([[(2, price), (2, price)]])

    assert [curve.quantity_at(p) for p in (-2, 0, 0.25, 100)] == [2, 2, 2, 2]


def test_demand_that_ends_is_exactly_zero_above_its_last_price() -> None:
    generator = np.random.default_rng(1)
    quantity = np.sort(generator.uniform(0, 5, (500, 4)), axis=1)
    quantity[:, 0] = 0
    price = -np.sort(-generator.uniform(0, 0.3, (500, 4)), axis=1)

    assert aggregate(quantity, price).quantity_at(0.31) == 0


def test_a_steep_bid_leaves_no_rounding_error_in_the_others() -> None:
    steep: Bid = [(0, 0.2 + 2e-9), (1e6, 0.2)]
    gentle: list[Bid] = [[(0, 0.3), (k / 7, 0.1)] for k in range(1, 48)]

    # Exact up to the last digit of the largest quantity; an uncompensated sum of slopes is off by 0.001 kW.
    assert aggregated([steep, *gentle]).quantity_at(0.25) == pytest.approx(1128 / 28, abs=1e-9)


def test_no_bids_leave_the_fixed_load() -> None:
    for shape in ((0, 4), (0, 0)):
        curve = aggregate(np.empty(shape), np.empty(shape), fixed_kw=3)
        assert curve.quantity_range_at(0.1) == (3, 3)
        assert curve.simplified() == ((3.0, 0.0),)
    assert aggregate(np.empty((0, 0, 4)), np.empty((0, 0, 4))) == ()


def test_a_shift_adds_inelastic_load() -> None:
    curve = aggregated([[(0, 0.2), (5, 0.2)]]).shifted(-2)

    assert curve.quantity_range_at(0.2) == (-2, 3)


def test_bids_are_padded_with_their_last_point() -> None:
    quantity, price = stack_bids([[(1, 0.3)], [(0, 0.4), (2, 0.2), (3, 0.1)]])

    assert quantity.tolist() == [[1, 1, 1], [0, 2, 3]]
    assert price.tolist() == [[0.3, 0.3, 0.3], [0.4, 0.2, 0.1]]
    assert [array.shape for array in stack_bids([])] == [(0, 0), (0, 0)]


@pytest.mark.parametrize(
    ("bad", "message"),
    [([[(1, 0.1)], []], "bid 1 is empty"), ([[(1, 0.1, 5)]], "one \\(quantity, price\\) pair")],
)
def test_what_cannot_be_stacked_is_named(bad: list[Bid], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stack_bids(bad)


@pytest.mark.parametrize(
    ("quantity", "price", "expected"),
    [
        ([1, 2], [0.2, 0.1], []),
        ([1, 1], [0.2, 0.2], []),
        ([], [], ["empty"]),
        ([1, 2], [0.2], ["one price per quantity"]),
        (
            [nan, 2],
            [0.2, inf],
            ["quantity_kw[0] is nan", "price_per_kwh[1] is inf", "price_per_kwh[1] rises"],
        ),
        ([2, 1], [0.1, 0.2], ["price_per_kwh[1] rises", "quantity_kw[1] falls"]),
    ],
)
def test_faults_lists_all_of_them(quantity: list[float], price: list[float], expected: list[str]) -> None:
    found = faults(quantity, price)

    assert len(found) == len(expected)
    assert all(part in fault for part, fault in zip(expected, found, strict=True))


@pytest.mark.parametrize("quantity", [[2.0, 1.0], [nan, 1.0], [0.0, inf]])
def test_a_faulty_bid_is_named_and_the_hour_too(quantity: list[float]) -> None:
    good: FloatArray = np.tile([0.0, 1.0], (2, 3, 1))
    price = np.tile([0.2, 0.1], (2, 3, 1))
    good[1, 2] = quantity

    with pytest.raises(ValueError, match=r"^bid 2: quantity_kw.*1 of 3 bids are faulty"):
        aggregate(good[1], price[1])
    with pytest.raises(ValueError, match=r"^hour 1: bid 2: "):
        aggregate(good, price)


def test_wrong_shapes_and_curves_are_refused() -> None:
    with pytest.raises(ValueError, match="n_bids, n_points"):
        aggregate(np.zeros((1, 2, 3, 4)), np.zeros((1, 2, 3, 4)))
    with pytest.raises(ValueError, match="n_bids, n_points"):
        aggregate(np.zeros((1, 2)), np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match="empty"):
        aggregate(np.zeros((3, 0)), np.zeros((3, 0)))
    with pytest.raises(ValueError, match="never rise"):
        DemandCurve(np.array([0.1, 0.2]), np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="strictly ascending"):
        DemandCurve(np.array([0.2, 0.1]), np.array([2.0, 1.0]), np.array([2.0, 1.0]))
    with pytest.raises(ValueError, match="two ends"):
        aggregated([[(1, 0.1)]]).simplified(1)


@given(st.lists(bids(), min_size=1, max_size=6), st.floats(0.0, 1.0))
def test_what_a_bid_asks_for_is_the_greater_quantity_of_its_own_curve(rows: list[Bid], price: float) -> None:
    quantity_kw, price_per_kwh = stack_bids(rows)
    found = asked(quantity_kw, price_per_kwh, np.full(len(rows), price))
    expected = [aggregate(quantity_kw[[i]], price_per_kwh[[i]]).quantity_range_at(price)[1] for i in range(len(rows))]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
