import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.models.batteries import Batteries, BatteryParameters

PARAMETERS = BatteryParameters(
    capacity_kwh=np.array([13.5, 10.0, 4.0]),
    rated_kw=np.array([5.0, 5.0, 9.0]),
    charge_efficiency=np.array([0.95, 0.9, 1.0]),
    discharge_efficiency=np.array([0.9, 0.95, 1.0]),
    reserve_kwh=np.array([2.7, 2.0, 0.0]),
    wear_per_kwh=0.0114,
)
powers = st.lists(st.floats(-20.0, 20.0), min_size=3, max_size=3)
requests = st.lists(st.tuples(powers, st.sampled_from([60.0, 300.0, 3600.0])), max_size=30)
shares = st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).map(np.array)


@settings(deadline=None)
@given(requests, shares)
def test_energy_is_what_went_in_less_what_went_out(asked, charge):
    batteries = Batteries(PARAMETERS, charge * PARAMETERS.capacity_kwh)
    expected_kwh = batteries.energy_kwh

    for power_kw, duration_s in asked:
        held_kwh = batteries.step(duration_s, np.array(power_kw)) * duration_s / 3600
        into, out_of = PARAMETERS.charge_efficiency, PARAMETERS.discharge_efficiency
        expected_kwh = expected_kwh + np.where(held_kwh > 0, held_kwh * into, held_kwh / out_of)

    np.testing.assert_allclose(batteries.energy_kwh, expected_kwh, rtol=0, atol=1e-9)


@settings(deadline=None)
@given(requests, shares)
def test_power_and_energy_stay_within_limits_whatever_the_power(asked, charge):
    batteries = Batteries(PARAMETERS, charge * PARAMETERS.capacity_kwh)
    floor_kwh = np.minimum(batteries.energy_kwh, PARAMETERS.reserve_kwh)

    for power_kw, duration_s in asked:
        lowest_kw, highest_kw = batteries.limits(duration_s)
        held_kw = batteries.step(duration_s, np.array(power_kw))

        assert ((-PARAMETERS.rated_kw <= lowest_kw) & (lowest_kw <= 0)).all()
        assert ((highest_kw >= 0) & (highest_kw <= PARAMETERS.rated_kw)).all()
        assert (held_kw == np.minimum(np.maximum(power_kw, lowest_kw), highest_kw)).all()
        assert (floor_kwh - 1e-9 <= batteries.energy_kwh).all()
        assert (batteries.energy_kwh <= PARAMETERS.capacity_kwh).all()


def test_without_an_award_a_battery_rests():
    batteries = Batteries(PARAMETERS, 3.0)

    held_kw = batteries.step(3600.0, np.array([np.nan, 1.0, np.nan]))

    assert held_kw.tolist() == [0.0, 1.0, 0.0]
    assert batteries.energy_kwh.tolist() == [3.0, 3.9, 3.0]
    assert batteries.default_kw().tolist() == [0.0, 0.0, 0.0]


def test_limits_empty_and_fill_exactly():
    batteries = Batteries(PARAMETERS, 3.5)
    lowest_kw, highest_kw = batteries.limits(3600.0)

    assert lowest_kw == pytest.approx([-0.8 * 0.9, -1.5 * 0.95, -3.5])
    assert highest_kw == pytest.approx([5.0, 5.0, 0.5])
    lowest_kw, highest_kw = batteries.limits(1800.0)
    assert lowest_kw == pytest.approx([-1.6 * 0.9, -3.0 * 0.95, -7.0])
    assert highest_kw == pytest.approx([5.0, 5.0, 1.0])
    assert batteries.limits(7200.0)[1] == pytest.approx([5.0, 6.5 / 0.9 / 2.0, 0.25])
    batteries.step(3600.0, -20.0)
    assert batteries.energy_kwh == pytest.approx([2.7, 2.0, 0.0])
    assert batteries.limits(300.0)[0] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)


def test_wear_is_paid_in_both_directions():
    batteries = Batteries(PARAMETERS, 3.0)

    assert batteries.wear(1800.0, np.array([-2.0, 2.0, 0.0])) == pytest.approx([0.0114, 0.0114, 0.0])


def test_a_copy_looks_ahead_without_moving_the_battery():
    batteries = Batteries(PARAMETERS, 3.0)

    batteries.copy().step(3600.0, 2.0)

    assert batteries.energy_kwh.tolist() == [3.0, 3.0, 3.0]
