"""Forms of bids: each against what it says in words, evaluated price by price in exact arithmetic."""

from fractions import Fraction
from math import inf, nan
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.roles.auction.allocation import allocate
from gridbus.roles.auction.bid_forms import block_points, piecewise_linear_points, polynomial_points, threshold_points
from gridbus.roles.auction.clearing import SupplyCurve, clear
from gridbus.roles.auction.curves import DemandCurve, aggregate, faults, stack_bids

Points = tuple[tuple[float, float], ...]

prices = st.integers(-5, 35).map(lambda k: k / 100)
kilowatts = st.integers(-40, 40).map(lambda k: k / 10)
blocks = st.lists(st.tuples(kilowatts, prices), min_size=1, max_size=6)


def curve_of(*bids: Points) -> DemandCurve:
    return aggregate(*stack_bids(bids))


def asked(some: list[tuple[float, float]], price: Fraction) -> float:
    """What blocks ask for at a price that is not one of theirs."""
    buys = sum(Fraction(kw) for kw, limit in some if kw > 0 and Fraction(limit) > price)
    return float(buys + sum(Fraction(kw) for kw, limit in some if kw < 0 and Fraction(limit) < price))


# Blocks


def test_a_block_is_bought_up_to_its_price_and_sold_from_its_price_on() -> None:
    assert block_points([(5, 0.2)]) == ((0, 0.2), (5, 0.2))
    assert block_points([(-5, 0.2)]) == ((-5, 0.2), (0, 0.2))
    assert block_points([(2, 0.1), (-1, 0.4), (3, 0.3)]) == (
        (-1, 0.4),
        (0, 0.4),
        (0, 0.3),
        (3, 0.3),
        (3, 0.1),
        (5, 0.1),
    )


@given(blocks)
def test_blocks_ask_at_every_price_for_the_sum_of_those_that_are_good_there(some: list[tuple[float, float]]) -> None:
    points = block_points(some)
    curve = curve_of(points)

    assert faults(tuple(q for q, _ in points), tuple(p for _, p in points)) == ()
    for k in range(-13, 75):
        price = Fraction(k, 200) + Fraction(1, 1000)
        assert curve.quantity_at(float(price)) == pytest.approx(asked(some, price), abs=1e-12)


@given(blocks, st.randoms(use_true_random=False))
def test_the_order_of_blocks_does_not_matter(some: list[tuple[float, float]], random: Random) -> None:
    shuffled = sorted(some, key=lambda _: random.random())

    assert block_points(shuffled) == block_points(some)


tenths = st.lists(st.integers(1, 40).map(lambda k: k / 10), min_size=1, max_size=5)


@given(tenths, tenths)
def test_between_selling_and_buying_nothing_is_exactly_zero(sold: list[float], bought: list[float]) -> None:
    some = [(-kw, 0.3 + k / 100) for k, kw in enumerate(sold)] + [(kw, 0.2 - k / 100) for k, kw in enumerate(bought)]

    assert {quantity for quantity, _ in block_points(some)} >= {0.0}


@pytest.mark.parametrize(
    ("some", "parts"),
    [
        ([], ["empty"]),
        ([(1, 0.1), (nan, 0.1), (2, inf)], ["block 1 is nan kW", "block 2 is 2.0 kW at inf"]),
    ],
)
def test_blocks_that_are_no_numbers_are_all_named(some: list[tuple[float, float]], parts: list[str]) -> None:
    with pytest.raises(ValueError, match="give") as caught:
        block_points(some)
    assert all(part in str(caught.value) for part in parts)


def test_a_household_of_the_idso_is_on_up_to_its_threshold() -> None:
    curve = curve_of(threshold_points(3.5, 0.12), threshold_points(-2.0, 0.12))

    assert curve.quantity_at(0.13) == -2
    assert curve.quantity_at(0.11) == 3.5
    assert curve.quantity_range_at(0.12) == (-2, 3.5)


# Points


def test_points_are_taken_as_they_are_when_they_are_sound() -> None:
    assert piecewise_linear_points([(-1, 0.3), (2, 0.1)]) == ((-1.0, 0.3), (2.0, 0.1))
    with pytest.raises(ValueError, match=r"price_per_kwh\[1\] rises.*; quantity_kw\[1\] falls"):
        piecewise_linear_points([(2, 0.1), (1, 0.2)])
    with pytest.raises(ValueError, match="empty"):
        piecewise_linear_points([])


# Polynomials


@st.composite
def polynomials(draw: st.DrawFn) -> tuple[list[float], float, float]:
    """Falling on a range: a constant less the integral of a square and of a line of slope at least zero."""
    least, width = draw(st.integers(-60, 40)) / 10, draw(st.integers(1, 100)) / 10
    root, steep, slope = (draw(st.integers(low, 40)) / 1000 for low in (-400, 0, 0))
    # The slope is -(steep * (q - root)^2 + slope * (q - least)).
    square = np.polynomial.Polynomial([-root, 1.0]) ** 2 * steep
    line = np.polynomial.Polynomial([-least, 1.0]) * slope
    price = draw(prices) - (square + line).integ()
    return price.coef.tolist(), least, least + width


tolerances_kw = st.sampled_from([0.5, 0.05, 0.01])
tolerances_per_kwh = st.sampled_from([0.05, 0.005, 0.001])


@given(polynomials(), tolerances_kw, tolerances_per_kwh)
def test_the_points_of_a_polynomial_keep_within_both_tolerances(
    form: tuple[list[float], float, float], kw: float, per_kwh: float
) -> None:
    coefficients, least, most = form
    points = polynomial_points(coefficients, least, most, tolerance_kw=kw, tolerance_per_kwh=per_kwh)
    quantity, price = (np.array(values) for values in zip(*points, strict=True))
    places = np.linspace(least, most, 501)
    true = np.polynomial.polynomial.polyval(places, coefficients)

    assert faults(tuple(quantity.tolist()), tuple(price.tolist())) == ()
    assert (quantity[0], quantity[-1]) == (least, most)
    # At the same quantity, and at the same price.
    assert np.abs(np.interp(places, quantity, price) - true).max() <= per_kwh + 1e-9
    curve = curve_of(points)
    for place, at in zip(places.tolist(), true.tolist(), strict=True):
        low = curve.quantity_range_at(at + 1e-9)[0]
        high = curve.quantity_range_at(at - 1e-9)[1]
        assert low - kw - 1e-6 <= place <= high + kw + 1e-6


def test_a_straight_line_has_two_points_and_a_constant_is_a_block() -> None:
    assert polynomial_points([0.3, -0.01], -2, 8) == ((-2, 0.32), (8, 0.3 - 0.01 * 8))
    assert polynomial_points([0.2], 0, 5) == block_points([(5, 0.2)])


def test_finer_tolerances_take_more_points() -> None:
    counts = [len(polynomial_points([0.3, -0.01, -0.002], 0, 5, tolerance_kw=kw)) for kw in (0.1, 0.01, 0.001)]

    assert counts == sorted(set(counts))
    assert len(polynomial_points([0.3, -0.01, -0.002], 0, 5, tolerance_kw=inf, tolerance_per_kwh=inf)) == 2


def test_a_quadratic_benefit_is_cleared_where_its_derivative_is_the_price() -> None:
    # Benefit e*q - f*q^2, as AMES has it, asks for e - 2*f*q: at 0.12 $/kWh for (0.3 - 0.12) / (2 * 0.02) = 4.5 kW.
    quantity, price = stack_bids([polynomial_points([0.3, -0.04], 0, 7)])
    result = clear(aggregate(quantity, price), SupplyCurve.flat(0.12), price_cap=1.0)

    assert result.quantity_kw == pytest.approx(4.5)
    assert allocate(quantity, price, result).tolist() == pytest.approx([4.5])


@given(blocks, polynomials(), st.floats(0.0, 0.3))
def test_all_forms_are_cleared_together(
    some: list[tuple[float, float]], form: tuple[list[float], float, float], asking: float
) -> None:
    bids = [block_points(some), polynomial_points(*form), threshold_points(-2.0, 0.15), ((1.0, 0.1),)]
    quantity, price = stack_bids(bids)
    result = clear(aggregate(quantity, price), SupplyCurve.flat(asking, export_kw=inf), price_cap=0.5, price_floor=-0.5)

    assert allocate(quantity, price, result).sum() == pytest.approx(result.quantity_kw, abs=1e-6)


@pytest.mark.parametrize(
    ("coefficients", "least", "most", "tolerance", "parts"),
    [
        ([0.1, 0.01], 0, 5, 0.01, ["rises at 0 kW, by 0.01"]),
        ([0.3, -0.05, 0.01], 0, 5, 0.01, ["rises at 5 kW, by 0.05"]),
        ([0.3, -0.05, 0.01], 0, 2.5, 0.01, []),
        ([0.3, 0, 0, 0.1], -1, 1, 0.01, ["rises at -1 kW", "rises at 1 kW"]),
        ([nan, inf], 5, 0, 0.0, ["coefficient 0", "coefficient 1", "range 5 to 0", "tolerance_kw is 0"]),
        ([], 0, 5, 0.01, ["no coefficients"]),
        ([0.3, -1e308], 0, 1e6, 0.01, ["no finite prices"]),
        ([0.3, 0.0, 1e308, -1e308], -20, 5, 0.01, ["no finite prices"]),
        ([0.3, -0.01, -0.01], 0, 1e6, 1e-3, ["more than 1000 points"]),
    ],
)
def test_a_polynomial_that_is_no_bid_is_refused_for_all_its_faults(
    coefficients: list[float], least: float, most: float, tolerance: float, parts: list[str]
) -> None:
    if not parts:
        assert polynomial_points(coefficients, least, most, tolerance_kw=tolerance)
        return
    with pytest.raises(ValueError, match=parts[0]) as caught:
        polynomial_points(coefficients, least, most, tolerance_kw=tolerance)
    assert all(part in str(caught.value) for part in parts)


def test_a_rise_between_the_ends_is_found() -> None:
    # The slope -(q - 1)^2 (q - 3)^2 + 0.5 is above zero around 1 and around 3, below at 0, 2 and 4.
    slope = 0.5 - np.polynomial.Polynomial([-1.0, 1.0]) ** 2 * np.polynomial.Polynomial([-3.0, 1.0]) ** 2
    price = slope.integ().coef.tolist()

    with pytest.raises(ValueError, match=r"rises at 1 kW, by 0\.5") as caught:
        polynomial_points(price, 0, 4)
    assert "rises at 3 kW" in str(caught.value)


def test_a_last_coefficient_of_next_to_nothing_does_no_harm() -> None:
    assert polynomial_points([0.3, -0.01, -0.001, -5e-324], 0, 5) == polynomial_points([0.3, -0.01, -0.001], 0, 5)


def test_rounding_lets_no_price_rise() -> None:
    # Flat at 1 kW, and the terms of some of these cancel to more at the end of the range than at its start.
    for steep in range(1000, 1010):
        price = 0.3 - np.polynomial.Polynomial([-1.0, 1.0]) ** 3 * steep
        (_, first), *_, (_, last) = polynomial_points(price.coef.tolist(), 1 - 1e-7, 1 + 1e-7)
        assert last <= first
