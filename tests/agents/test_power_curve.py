"""Curves of power by price: reading them, and keeping them within bounds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gridbus.agents.power_curve import power_at, within

NUMBERS = st.floats(-50.0, 50.0)
CURVES = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5).map(
    lambda points: (tuple(sorted(kw for kw, _ in points)), tuple(sorted((p for _, p in points), reverse=True)))
)


@given(CURVES, NUMBERS)
def test_power_lies_on_the_straight_lines_between_the_points(curve: tuple, price: float) -> None:
    quantity_kw, price_per_kwh = curve
    if len(set(price_per_kwh)) == len(price_per_kwh):
        expected_kw = np.interp(price, price_per_kwh[::-1], quantity_kw[::-1])
        assert np.isclose(power_at(quantity_kw, price_per_kwh, price), expected_kw, rtol=1e-6, atol=1e-6)


@given(CURVES, NUMBERS, NUMBERS)
def test_power_never_rises_with_the_price_and_never_leaves_the_curve(curve: tuple, one: float, other: float) -> None:
    quantity_kw, _ = curve
    dear_kw, cheap_kw = (power_at(*curve, price) for price in (max(one, other), min(one, other)))
    assert dear_kw <= cheap_kw + 1e-9
    assert quantity_kw[0] - 1e-9 <= dear_kw
    assert cheap_kw <= quantity_kw[-1] + 1e-9


def test_where_a_curve_jumps_the_greater_power_counts() -> None:
    jump = (0.0, 1.0, 3.0, 4.0), (0.5, 0.2, 0.2, 0.1)
    assert power_at(*jump, 0.2) == 3.0
    assert power_at(*jump, 0.2 + 1e-12) < 1.0 + 1e-9
    assert power_at(*jump, 9.0) == 0.0
    assert power_at(*jump, 0.0) == 4.0
    assert power_at((2.0, 2.0), (0.3, 0.3), 0.3) == 2.0


def test_curves_within_their_bounds_stay_as_they_are_and_others_are_cut_slot_by_slot() -> None:
    rows = ((-3.0, 0.0, 4.0), (-3.0, 0.0, 4.0), (2.0, 3.0, 4.0)), ((0.3, 0.2, 0.1),) * 3
    quantities, prices = within(rows, [(4.0, 3.0), (1.0, 2.0), (1.0, 2.0)])
    assert quantities == ((-3.0, 0.0, 4.0), (-2.0, 0.0, 1.0), (1.0, 1.0, 1.0))
    assert prices is rows[1]


def test_no_curves_need_no_bounds() -> None:
    assert within(((), ()), [(1.0, 1.0)]) == ((), ())
