import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.models.battery import Battery, BatteryParameters

PARAMETERS = BatteryParameters(
    capacity_kwh=13.5, rated_kw=5.0, charge_efficiency=0.95, discharge_efficiency=0.9, reserve_kwh=2.7
)
requests = st.lists(st.tuples(st.floats(-20.0, 20.0), st.sampled_from([60.0, 300.0, 3600.0])), max_size=60)


@settings(deadline=None)
@given(requests, st.floats(0.0, 13.5))
def test_energy_is_what_went_in_less_what_went_out(asked, energy_kwh):
    battery = Battery(PARAMETERS, energy_kwh)
    expected_kwh = energy_kwh

    for power_kw, duration_s in asked:
        held_kwh = battery.step(power_kw, duration_s) * duration_s / 3600
        expected_kwh += held_kwh * 0.95 if held_kwh > 0 else held_kwh / 0.9

    assert battery.energy_kwh == pytest.approx(expected_kwh, abs=1e-9)


@settings(deadline=None)
@given(requests, st.floats(0.0, 13.5))
def test_power_and_energy_stay_within_limits(asked, energy_kwh):
    battery = Battery(PARAMETERS, energy_kwh)
    floor_kwh = min(energy_kwh, 2.7)

    for power_kw, duration_s in asked:
        lowest_kw, highest_kw = battery.feasible_kw(duration_s)
        held_kw = battery.step(power_kw, duration_s)

        assert -5.0 <= lowest_kw <= 0.0 <= highest_kw <= 5.0
        assert held_kw == min(max(power_kw, lowest_kw), highest_kw)
        assert floor_kwh - 1e-9 <= battery.energy_kwh <= 13.5


def test_a_round_trip_returns_the_product_of_the_efficiencies():
    battery = Battery(PARAMETERS, 2.7)

    battery.step(2.0, 3600.0)

    assert battery.step(-5.0, 3600.0) == pytest.approx(-2.0 * 0.95 * 0.9)
    assert battery.energy_kwh == pytest.approx(2.7)


def test_feasible_power_empties_and_fills_exactly():
    battery = Battery(PARAMETERS, 4.5)

    assert battery.feasible_kw(3600.0) == pytest.approx((-1.8 * 0.9, 5.0))
    battery.step(-5.0, 3600.0)
    assert battery.feasible_kw(300.0) == pytest.approx((0.0, 5.0))
    for _ in range(3):
        battery.step(5.0, 3600.0)
    assert battery.energy_kwh == pytest.approx(13.5)
    assert battery.feasible_kw(300.0) == pytest.approx((-5.0, 0.0))


def test_does_not_discharge_below_its_reserve():
    assert Battery(PARAMETERS, 1.0).feasible_kw(300.0) == (0.0, 5.0)


@pytest.mark.parametrize(
    "fault",
    [
        {"capacity_kwh": 0.0},
        {"rated_kw": -1.0},
        {"charge_efficiency": 1.1},
        {"discharge_efficiency": 0.0},
        {"reserve_kwh": 20.0},
        {"wear_per_kwh": -0.1},
    ],
)
def test_refuses_parameters_without_meaning(fault):
    with pytest.raises(ValueError, match=r".+"):
        BatteryParameters(**({"capacity_kwh": 13.5, "rated_kw": 5.0} | fault))


@pytest.mark.parametrize("energy_kwh", [-0.1, 13.6, float("nan")])
def test_refuses_energy_that_does_not_fit(energy_kwh):
    with pytest.raises(ValueError, match="do not fit"):
        Battery(PARAMETERS, energy_kwh)


def test_refuses_a_step_of_no_length():
    with pytest.raises(ValueError, match="longer than 0 s"):
        Battery(PARAMETERS, 5.0).step(1.0, 0.0)
