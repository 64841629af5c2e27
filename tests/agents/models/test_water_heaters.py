import math

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from gridbus.agents.models.water_heaters import KWH_PER_L_C, WaterHeaterParameters, WaterHeaters

PARAMETERS = WaterHeaterParameters(volume_l=190.0, rated_kw=4.5)
STIRRED = attrs.evolve(PARAMETERS, exchange_kw_per_c=1e4)
CAPACITY_KWH_PER_C = 190.0 * KWH_PER_L_C

tanks = st.builds(
    attrs.evolve,
    st.just(PARAMETERS),
    volume_l=st.floats(100.0, 400.0),
    rated_kw=st.floats(1.0, 6.0),
    loss_kw_per_c=st.floats(5e-4, 0.02),
    exchange_kw_per_c=st.floats(1e-4, 0.5),
    upper_fraction=st.floats(0.1, 0.9),
    setpoint_c=st.floats(48.0, 60.0),
)
temperatures = st.tuples(st.floats(10.0, 65.0), st.floats(10.0, 65.0)).map(lambda pair: (max(pair), min(pair)))
draws = st.just(0.0) | st.floats(0.0, 15.0)
rooms = st.floats(5.0, 30.0)
inlets = st.floats(4.0, 25.0)
powers = st.floats(-1.0, 7.0)
durations = st.sampled_from([60.0, 300.0, 3600.0])


@pytest.mark.parametrize("parameters", [PARAMETERS, attrs.evolve(PARAMETERS, upper_fraction=0.6), STIRRED])
def test_a_tank_that_is_not_used_cools_along_its_exponential(parameters):
    heaters = WaterHeaters(parameters, 55.0)

    for hour in range(1, 49):
        heaters.step(3600.0, 0.0, 10.0, 20.0, 0.0)
        expected_c = 20.0 + 35.0 * math.exp(-0.0016 * hour / CAPACITY_KWH_PER_C)
        assert heaters.upper_temperature_c == pytest.approx(expected_c, abs=1e-7)
        assert heaters.lower_temperature_c == pytest.approx(expected_c, abs=1e-7)


@settings(deadline=None)
@given(st.floats(0.0, 15.0), inlets, rooms, st.floats(0.0, 4.5), durations)
def test_a_stirred_tank_is_one_node(draw_l_per_min, inlet_c, room_c, power_kw, duration_s):
    heaters = WaterHeaters(attrs.evolve(STIRRED, highest_c=95.0), 50.0)

    heaters.step(duration_s, draw_l_per_min, inlet_c, room_c, power_kw)

    flow_kw_per_c = draw_l_per_min * 60.0 * KWH_PER_L_C
    rest_c = (0.0016 * room_c + flow_kw_per_c * inlet_c + power_kw) / (0.0016 + flow_kw_per_c)
    left = math.exp(-(0.0016 + flow_kw_per_c) * duration_s / 3600 / CAPACITY_KWH_PER_C)
    # The nodes differ by the flow over the conductance between them: some 1e-4 of the 50 degC in the water.
    assert heaters.mean_temperature_c == pytest.approx(rest_c + left * (50.0 - rest_c), abs=0.01)
    assert heaters.upper_temperature_c == pytest.approx(heaters.lower_temperature_c, abs=0.01)


@settings(max_examples=50, deadline=None)
@given(tanks, temperatures, draws, inlets, rooms, powers, durations)
def test_a_step_solves_the_heat_balance_and_conserves_energy(
    tank, start_c, draw_l_per_min, inlet_c, room_c, power_kw, duration_s
):
    heaters = WaterHeaters(tank, *start_c)
    before_kwh = float(heaters.heat_kwh(inlet_c)[0])
    held_kw = float(heaters.step(duration_s, draw_l_per_min, inlet_c, room_c, power_kw)[0])

    def integrated(upper_kw: float, lower_kw: float) -> np.ndarray:
        """The balance written once more and left to a stiff solver; also the heat that left the tank."""
        volume, _, loss, exchange, share, *_ = (
            float(getattr(tank, field.name)[0]) for field in attrs.fields(WaterHeaterParameters)
        )
        upper, lower = volume * share * KWH_PER_L_C, volume * (1 - share) * KWH_PER_L_C
        flow = draw_l_per_min * 60.0 * KWH_PER_L_C

        def balance(_hour: float, now: np.ndarray) -> list[float]:
            from_upper_kw, from_lower_kw = loss * share * (now[0] - room_c), loss * (1 - share) * (now[1] - room_c)
            up_kw = (flow + exchange) * (now[1] - now[0])
            in_kw = flow * (inlet_c - now[1]) + exchange * (now[0] - now[1])
            out_kw = from_upper_kw + from_lower_kw + flow * (now[0] - inlet_c)
            return [
                (up_kw - from_upper_kw + upper_kw) / upper,
                (in_kw - from_lower_kw + lower_kw) / lower,
                out_kw,
            ]

        start = [*start_c, 0.0]
        return solve_ivp(balance, (0, duration_s / 3600), start, method="LSODA", rtol=1e-10, atol=1e-10).y[:, -1]

    # The upper element has what its set-point needs without the lower one: its effect is a straight line.
    none_c, unit_c = integrated(0.0, 0.0)[0], integrated(1.0, 0.0)[0]
    upper_kw = min(max((float(tank.setpoint_c[0]) - none_c) / (unit_c - none_c), 0.0), held_kw)
    upper_c, lower_c, out_kwh = integrated(upper_kw, held_kw - upper_kw)
    mean_c = lower_c + float(tank.upper_fraction[0]) * (upper_c - lower_c)
    upper_c, lower_c = (mean_c, mean_c) if lower_c > upper_c else (upper_c, lower_c)
    assert heaters.upper_temperature_c == pytest.approx(upper_c, abs=1e-5)
    assert heaters.lower_temperature_c == pytest.approx(lower_c, abs=1e-5)
    gained_kwh = float(heaters.heat_kwh(inlet_c)[0]) - before_kwh
    assert gained_kwh == pytest.approx(held_kw * duration_s / 3600 - out_kwh, abs=1e-6)


@settings(deadline=None)
@given(tanks, temperatures, st.lists(st.tuples(draws, powers, durations), min_size=1, max_size=12), inlets, rooms)
def test_no_tank_gets_too_hot_whatever_the_power(tank, start_c, steps, inlet_c, room_c):
    heaters = WaterHeaters(tank, *start_c)

    for draw_l_per_min, power_kw, duration_s in steps:
        least_kw, most_kw = heaters.limits(duration_s, draw_l_per_min, inlet_c, room_c)
        held_kw = heaters.step(duration_s, draw_l_per_min, inlet_c, room_c, power_kw)

        assert 0.0 <= least_kw <= most_kw <= tank.rated_kw
        assert held_kw == min(max(power_kw, 0.0), most_kw)
        assert heaters.upper_temperature_c <= 65.0 + 1e-6
        assert heaters.lower_temperature_c <= heaters.upper_temperature_c


@settings(deadline=None)
@given(tanks, temperatures, draws, inlets, rooms, powers, durations)
def test_within_the_limits_the_water_stays_warm_where_the_element_can(
    tank, start_c, draw_l_per_min, inlet_c, room_c, power_kw, duration_s
):
    heaters = WaterHeaters(tank, *start_c)
    least_kw, most_kw = heaters.limits(duration_s, draw_l_per_min, inlet_c, room_c)

    heaters.step(duration_s, draw_l_per_min, inlet_c, room_c, min(max(power_kw, float(least_kw[0])), float(most_kw[0])))

    if least_kw < tank.rated_kw:
        assert heaters.upper_temperature_c >= 43.0 - 1e-6


@settings(deadline=None)
@given(tanks, temperatures, draws, inlets, rooms, powers, powers, durations)
def test_more_power_never_cools(tank, start_c, draw_l_per_min, inlet_c, room_c, one_kw, other_kw, duration_s):
    less, more = WaterHeaters(tank, *start_c), WaterHeaters(tank, *start_c)

    less.step(duration_s, draw_l_per_min, inlet_c, room_c, min(one_kw, other_kw))
    more.step(duration_s, draw_l_per_min, inlet_c, room_c, max(one_kw, other_kw))

    assert more.mean_temperature_c >= less.mean_temperature_c - 1e-9


@settings(deadline=None)
@given(tanks, temperatures, draws, inlets, rooms, st.floats(20.0, 64.0), durations)
def test_power_for_a_target_hits_it_or_its_limit(tank, start_c, draw_l_per_min, inlet_c, room_c, target_c, duration_s):
    heaters = WaterHeaters(tank, *start_c)

    power_kw = heaters.power_for(target_c, duration_s, draw_l_per_min, inlet_c, room_c)
    most_kw = heaters.limits(duration_s, draw_l_per_min, inlet_c, room_c)[1]
    heaters.step(duration_s, draw_l_per_min, inlet_c, room_c, power_kw)

    if power_kw > 0.0:
        assert heaters.mean_temperature_c <= target_c + 1e-6
    if power_kw < most_kw:
        assert heaters.mean_temperature_c >= target_c - 1e-6


def test_a_layered_tank_in_use_has_its_power_from_the_upper_element_as_far_as_that_needs_it():
    for start_c, target_c, duration_s in (((51.0, 40.0), 41.0, 1800.0), ((50.0, 30.0), 35.0, 3600.0)):
        heaters = WaterHeaters(PARAMETERS, *start_c)
        least_kw, most_kw = heaters.limits(duration_s, 1.0, 12.0, 20.0)

        heaters.step(duration_s, 1.0, 12.0, 20.0, heaters.power_for(target_c, duration_s, 1.0, 12.0, 20.0))

        assert heaters.mean_temperature_c == pytest.approx(target_c, abs=1e-9)
        assert least_kw < 1.0 < most_kw


def test_a_small_upper_node_that_the_lower_element_warms_does_not_get_too_hot_either():
    parameters = attrs.evolve(PARAMETERS, volume_l=120.0, exchange_kw_per_c=0.05, upper_fraction=0.1, setpoint_c=60.0)
    heaters = WaterHeaters(parameters, 57.0, 27.0)

    held_kw = heaters.step(3600.0, 0.0, 13.0, 20.0, 9.0)

    assert heaters.upper_temperature_c == pytest.approx(65.0)
    assert 2.0 < held_kw < 4.5


def test_the_thermostats_hold_an_idle_tank_in_their_deadband_for_what_it_loses():
    heaters = WaterHeaters(attrs.evolve(PARAMETERS, loss_kw_per_c=0.016), 52.0)
    power_kw, lower_c, mean_c = [], [], []
    for _ in range(2 * 288):
        power_kw.append(heaters.step(300.0, 0.0, 15.0, 20.0)[0])
        lower_c.append(heaters.lower_temperature_c[0])
        mean_c.append(heaters.mean_temperature_c[0])

    # 5 degC in all; the element is off within a minute, in which it warms the lower node by some tenths.
    assert 49.15 < min(lower_c) < 49.6
    assert 54.3 < max(lower_c) < 55.2
    assert np.mean(power_kw) == pytest.approx(0.016 * (np.mean(mean_c) - 20.0), rel=0.1)


def test_a_long_shower_is_heated_again_by_one_element_at_a_time_and_the_upper_one_first():
    heaters = WaterHeaters(PARAMETERS, 52.0)
    held_kw = [heaters.step(300.0, 10.0, 12.0, 20.0)[0] for _ in range(4)]
    lower_c, upper_c = heaters.lower_temperature_c[0], heaters.upper_temperature_c[0]

    assert max(held_kw) == held_kw[-1] == 4.5
    assert upper_c - lower_c > 5.0
    assert heaters.is_upper_on
    minutes = 0
    while heaters.is_upper_on and minutes < 200:
        heaters.step(60.0, 0.0, 12.0, 20.0)
        minutes += 1
    assert heaters.upper_temperature_c > 54.0
    assert heaters.lower_temperature_c < lower_c + 3.0
    for _ in range(48):
        heaters.step(300.0, 0.0, 12.0, 20.0)
    assert heaters.state_of_heat(12.0) == pytest.approx(1.0, abs=0.08)


def test_state_of_heat_is_nothing_at_the_inlets_temperature_and_one_at_the_set_point():
    for temperature_c, share in ((15.0, 0.0), (52.0, 1.0)):
        heaters = WaterHeaters(PARAMETERS, temperature_c)
        assert heaters.state_of_heat(15.0) == pytest.approx(share)
        assert heaters.heat_kwh(15.0) == pytest.approx(share * 37.0 * CAPACITY_KWH_PER_C)


def test_a_tank_without_an_award_is_left_to_its_thermostats_beside_others_that_have_one():
    three = PARAMETERS.take(np.zeros(3, dtype=np.int64))
    mixed, thermostat, awarded = (WaterHeaters(three, 48.0) for _ in range(3))
    expected_kw = thermostat.default_kw(300.0, 1.0, 12.0, 20.0)

    held_kw = mixed.step(300.0, 1.0, 12.0, 20.0, np.array([np.nan, 2.0, np.nan]))

    assert held_kw.tolist() == [expected_kw[0], 2.0, expected_kw[2]]
    assert thermostat.step(300.0, 1.0, 12.0, 20.0).tolist() == expected_kw.tolist()
    awarded.step(300.0, 1.0, 12.0, 20.0, 2.0)
    assert mixed.upper_temperature_c.tolist() == [
        thermostat.upper_temperature_c[0],
        awarded.upper_temperature_c[1],
        thermostat.upper_temperature_c[2],
    ]


def test_water_that_is_hotter_below_mixes_and_loses_nothing():
    heaters = WaterHeaters(PARAMETERS, 30.0, 60.0)

    assert heaters.upper_temperature_c == pytest.approx(50.0)
    assert heaters.lower_temperature_c == pytest.approx(50.0)


def test_refuses_what_has_no_meaning():
    with pytest.raises(ValueError, match="setpoint_c"):
        attrs.evolve(PARAMETERS, setpoint_c=44.0)
    with pytest.raises(ValueError, match="setpoint_c"):
        attrs.evolve(PARAMETERS, setpoint_c=64.0)
    with pytest.raises(ValueError, match="upper_fraction"):
        attrs.evolve(PARAMETERS, upper_fraction=1.0)
    with pytest.raises(ValueError, match="longer than 0 s"):
        WaterHeaters(PARAMETERS, 50.0).step(0.0, 0.0, 10.0, 20.0)
