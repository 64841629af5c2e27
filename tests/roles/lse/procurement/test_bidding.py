"""What a retailer bids in the wholesale market: prices, the sum of its demand, curve, quadratic, quantity."""

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, Calendar
from gridbus.roles.auction.curves import DemandCurve, aggregate, stack_bids
from gridbus.roles.interfaces import BidForm, QuadraticDemand
from gridbus.roles.lse.procurement import NodePrices, RetailRate, node_curve, portfolio_demand, wholesale_bid
from gridbus.roles.lse.procurement.ames import fixed_demand, from_ames, to_ames
from gridbus.roles.lse.procurement.bidding import MAX_POINTS, Points, as_curve, quadratic_demand
from gridbus.roles.lse.week import Days, WeekHours
from gridbus.roles.wholesale_curve import Bid, QuadraticSupply

AFFINE, RATIO = RetailRate(1.04, 0.04), RetailRate(1.25, 0.0)
SAME = RetailRate(1.0, 0.0)
RATES = st.builds(RetailRate, st.floats(0.5, 2.0), st.floats(0.0, 0.2))
PRICE = st.floats(-1.0, 1.0)


@st.composite
def curves(draw: st.DrawFn, least: float = -50.0) -> Points:
    rows = draw(st.lists(st.tuples(st.floats(least, 1000.0), PRICE), min_size=1, max_size=14))
    powers, prices = sorted(q for q, _ in rows), sorted((p for _, p in rows), reverse=True)
    return list(zip(powers, prices, strict=True))


def demand(points: Points) -> DemandCurve:
    return aggregate(*stack_bids([points]))


# Prices


@given(rate=RATES, price=PRICE)
def test_the_conversion_of_prices_is_undone_by_its_inverse(rate: RetailRate, price: float) -> None:
    assert rate.wholesale(rate.retail(price)) == pytest.approx(price, abs=1e-9)
    assert rate.retail(rate.wholesale(price)) == pytest.approx(price, abs=1e-9)


def test_the_two_conversions_of_the_dso_t_study_differ_at_twelve_cents() -> None:
    # Measured with TESP 1.3.7: 0.096 by the ratio, 0.0769 by the affine conversion.
    assert RATIO.wholesale(0.12) == pytest.approx(0.096)
    assert AFFINE.wholesale(0.12) == pytest.approx(0.0769, abs=5e-5)


def test_a_node_curve_is_that_of_the_hour_of_the_week() -> None:
    calendar = Calendar(datetime(2025, 1, 3, 23, tzinfo=UTC), ZoneInfo("UTC"))
    curves = (
        NodePrices(intercept_per_kwh=0.02, hours=(WeekHours(days=Days.WEEKENDS),)),
        NodePrices(intercept_per_kwh=0.03, slope_per_kwh_kw=1e-5, curvature_per_kwh_kw2=1e-9),
    )
    friday, saturday = node_curve(curves, calendar, 0, HOUR), node_curve(curves, calendar, HOUR, HOUR)
    assert friday is not None
    assert saturday is not None
    assert friday.price_at(1000.0) == pytest.approx(0.03 + 0.01 + 0.001)
    assert saturday.price_at(1000.0) == 0.02
    assert node_curve(curves[:1], calendar, HOUR // 2, HOUR) is None


# The sum of all demand


@given(
    markets=st.lists(curves(), max_size=3),
    fixed_kw=st.floats(-50.0, 500.0),
    rate=RATES,
    loss_factor=st.floats(0.0, 0.2),
    bilateral_kw=st.floats(0.0, 100.0),
    price=PRICE,
)
def test_the_demand_at_a_wholesale_price_is_that_of_each_market_at_its_retail_price_with_losses_less_contracts(
    markets: list[Points], fixed_kw: float, rate: RetailRate, loss_factor: float, bilateral_kw: float, price: float
) -> None:
    found = portfolio_demand(markets, fixed_kw, rate=rate, loss_factor=loss_factor, bilateral_kw=bilateral_kw)
    low, high = found.quantity_range_at(price)
    # A step may lie a rounding error of the conversion away: what holds is that the sum lies between its neighbours.
    above, below = (sum(_quantity(points, rate.retail(price + d)) for points in markets) for d in (1e-6, -1e-6))
    assert low <= (below + fixed_kw) * (1.0 + loss_factor) - bilateral_kw + 1e-6
    assert high >= (above + fixed_kw) * (1.0 + loss_factor) - bilateral_kw - 1e-6


def _quantity(points: Points, price: float) -> float:
    if price >= points[0][1]:
        return points[0][0]
    for (q0, p0), (q1, p1) in pairwise(points):
        if p1 <= price:
            return q0 + (q1 - q0) * ((p0 - price) / (p0 - p1) if p0 > p1 else 1.0)
    return points[-1][0]


# Forms


@given(points=curves(), expected=PRICE)
def test_a_curve_has_at_most_ten_points_on_the_demand_and_its_whole_range(points: Points, expected: float) -> None:
    whole = demand(points)
    bid = wholesale_bid(BidForm.CURVE, whole, expected_per_kwh=expected)
    power, price = bid.curve.quantity_kw, bid.curve.price_per_kwh
    assert len(power) <= MAX_POINTS
    assert (power[0], power[-1]) == pytest.approx((whole.above_kw[-1], whole.below_kw[0]))
    assert list(power) == sorted(power)
    assert list(price) == sorted(price, reverse=True)
    for quantity, each in zip(power, price, strict=True):
        low, high = whole.quantity_range_at(each)
        assert low - 1e-9 <= quantity <= high + 1e-9


@given(points=curves(), expected=PRICE)
def test_a_fixed_quantity_is_the_demand_at_the_expected_price(points: Points, expected: float) -> None:
    whole = demand(points)
    bid = wholesale_bid(BidForm.FIXED, whole, expected_per_kwh=expected)
    assert (bid.form, bid.quadratic, bid.curve.price_per_kwh) == (BidForm.FIXED, None, (0.0,))
    assert bid.curve.quantity_kw == (whole.quantity_at(expected),)


def test_with_a_node_curve_a_fixed_quantity_is_where_it_crosses_the_demand() -> None:
    # Demand 200 - 1000 p, supply p = 0.02 + 0.001 q: q = 200 - 20 - q.
    whole, node = demand([(0.0, 0.2), (200.0, 0.0)]), QuadraticSupply(0.02, 0.001, 0.0)
    bid = wholesale_bid(BidForm.FIXED, whole, expected_per_kwh=9.0, node=node)
    assert bid.curve.quantity_kw == (pytest.approx(90.0),)


CASES = json.loads(Path(__file__).with_name("ames_bids.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["cases"])
def test_a_quadratic_is_the_one_that_tesp_finds(case: dict[str, object]) -> None:
    points, wanted = case["points"], case["bid"]
    found = quadratic_demand(demand(points))  # type: ignore[arg-type]
    bid = to_ames(fixed_demand(777.0) if found is None else found)
    assert bid == pytest.approx(wanted, rel=CASES["relative"])


@given(points=curves(least=0.0))
def test_a_quadratic_fits_the_middle_of_the_curve_as_polyfit_does_or_is_refused_for_a_reason(points: Points) -> None:
    whole = demand(points)
    found = quadratic_demand(whole)
    price = np.linspace(points[0][1], points[-1][1], 100)
    power = np.array([whole.quantity_at(each) for each in price.tolist()])
    power[-1] = points[-1][0]
    span = power[-1] - power[0]
    middle = (power >= power[0] + 0.05 * span) & (power <= power[-1] - 0.05 * span)
    if span < 1e-3 or not middle.any() or np.ptp(power[middle]) < 1e-3 * span:
        return
    start = power[middle][0]
    slope, intercept = np.polyfit(power[middle] - start, price[middle], deg=1)
    lowest = intercept + slope * (power[-1] - start)
    if min(-slope, intercept, lowest) < 1e-9:
        return
    assert found is not None
    assert (found.unresponsive_kw, found.responsive_max_kw) == (start, power[-1] - start)
    assert (found.c1, -2.0 * found.c2) == (pytest.approx(intercept, rel=1e-6), pytest.approx(slope, rel=1e-6))


@given(points=curves(), expected=PRICE)
def test_what_is_bid_as_a_quadratic_falls_buys_and_never_pays_to_be_rid_of_energy(
    points: Points, expected: float
) -> None:
    whole = demand(points)
    bid = wholesale_bid(BidForm.QUADRATIC, whole, expected_per_kwh=expected)
    if bid.quadratic is None:
        assert bid == wholesale_bid(BidForm.FIXED, whole, expected_per_kwh=expected)
        return
    assert bid.form is BidForm.QUADRATIC
    assert bid.curve.quantity_kw[1] == pytest.approx(whole.below_kw[0])
    assert bid.curve.price_per_kwh[0] > bid.curve.price_per_kwh[1] >= 0.0


QUADRATICS = st.builds(
    QuadraticDemand,
    unresponsive_kw=st.floats(0.0, 1e6),
    responsive_max_kw=st.floats(1.0, 1e5),
    c0=st.just(0.0),
    c1=st.floats(0.01, 1.0),
    c2=st.floats(1e-9, 1e-6),
)


@given(quadratic=QUADRATICS, price=st.floats(-0.5, 1.5))
def test_the_curve_of_a_quadratic_buys_where_the_marginal_benefit_is_the_price(
    quadratic: QuadraticDemand, price: float
) -> None:
    best = min(max((quadratic.c1 - price) / (2.0 * quadratic.c2), 0.0), quadratic.responsive_max_kw)
    assert as_curve(quadratic).quantity_at(price) == pytest.approx(quadratic.unresponsive_kw + best, rel=1e-6)


@given(quadratic=QUADRATICS)
def test_in_megawatts_the_benefit_is_the_same(quadratic: QuadraticDemand) -> None:
    ames = to_ames(quadratic)
    kw, mw = quadratic.responsive_max_kw, ames["resp_max_mw"]
    benefit = quadratic.c0 + quadratic.c1 * kw - quadratic.c2 * kw**2
    assert ames["resp_c0"] + ames["resp_c1"] * mw - ames["resp_c2"] * mw**2 == pytest.approx(benefit)
    assert mw * 1000.0 == pytest.approx(kw)
    back = from_ames(ames)
    for name in ("unresponsive_kw", "responsive_max_kw", "c0", "c1", "c2", "degree"):
        assert getattr(back, name) == pytest.approx(getattr(quadratic, name), rel=1e-12)


def test_a_fixed_quantity_is_all_unresponsive_in_megawatts() -> None:
    assert to_ames(fixed_demand(1234.5)) == {
        "unresp_mw": 1.2345,
        "resp_max_mw": 0.0,
        "resp_c2": 0.0,
        "resp_c1": 0.0,
        "resp_c0": 0.0,
        "resp_deg": 2,
    }
    assert as_curve(fixed_demand(1234.5)) == Bid((1234.5,), (0.0,))
