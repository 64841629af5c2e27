import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.agents.models.elementwise import clip, cos_deg, exp, hours_of, parts_of, sin_deg

angles = st.floats(-1e4, 1e4)


@given(st.floats(-700.0, 700.0))
def test_exp_is_within_a_unit_in_the_last_place(exponent: float):
    found, exact = Decimal(float(exp(exponent))), Decimal(exponent).exp()

    assert abs(found - exact) <= Decimal(math.ulp(float(exact)))


def test_exp_beyond_the_range_of_numbers():
    assert exp(np.array([-1e9, -800.0, 0.0, 800.0])).tolist() == [0.0, 0.0, 1.0, math.inf]
    assert 0.0 < float(exp(-740.0)) < 1e-320


@given(angles)
def test_sine_and_cosine_are_those_of_the_angle_less_whole_turns(degrees: float):
    # The rest of a division is exact, and small enough for its radians to be.
    quarter, rest = divmod(Decimal(degrees), 90)
    radians = math.radians(float(rest))
    sine, cosine = math.sin(radians), math.cos(radians)
    turned = [(sine, cosine), (cosine, -sine), (-sine, -cosine), (-cosine, sine)][int(quarter) % 4]

    assert (float(sin_deg(degrees)), float(cos_deg(degrees))) == pytest.approx(turned, abs=1e-12)


@given(st.floats(-90.0, 90.0))
def test_sine_and_cosine_are_accurate(degrees: float):
    assert float(sin_deg(degrees)) == pytest.approx(math.sin(math.radians(degrees)), abs=5e-16)
    assert float(cos_deg(degrees)) == pytest.approx(math.cos(math.radians(degrees)), abs=5e-16)


def test_whole_quarters_are_exact():
    quarters = np.arange(-4, 5) * 90.0

    assert sin_deg(quarters).tolist() == [0, 1, 0, -1, 0, 1, 0, -1, 0]
    assert cos_deg(quarters).tolist() == [1, 0, -1, 0, 1, 0, -1, 0, 1]
    assert not np.signbit(sin_deg(quarters)[::2]).any()


def test_clip_moves_into_bounds_and_knows_one_zero():
    assert clip(np.array([-2.0, 0.5, 3.0]), -1.0, 1.0).tolist() == [-1.0, 0.5, 1.0]
    assert not np.signbit(clip(np.array([-0.0, -1.0]), -0.0, 1.0)).any()


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.nan, math.inf])
def test_refuses_a_step_of_no_length(duration_s: float):
    with pytest.raises(ValueError, match="longer than 0 s"):
        hours_of(duration_s)


def test_a_step_of_whole_minutes_has_as_many_parts_and_a_bit_more_is_one_more():
    assert [parts_of(60.0 * minutes, 60.0) for minutes in range(1, 200)] == list(range(1, 200))
    assert parts_of(60.5, 60.0) == 2
    assert parts_of(1.0, 60.0) == 1
    with pytest.raises(ValueError, match="longer than 0 s"):
        parts_of(0.0, 60.0)
