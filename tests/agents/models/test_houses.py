import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from gridbus.agents.models.air_conditioning import AirConditioningParameters, cooling, heating
from gridbus.agents.models.houses import HouseParameters, Houses, ThermostatParameters

ENVELOPE = HouseParameters(
    ua_kw_per_c=0.25,
    air_capacity_kwh_per_c=0.45,
    mass_coupling_kw_per_c=4.0,
    mass_capacity_kwh_per_c=3.0,
    solar_aperture_m2=3.5,
    internal_gain_kw=0.8,
)
ALL_KINDS = AirConditioningParameters(
    cooling_rated_kw=np.array([2.8, 2.8, 3.5, 0.0, 0.0]),
    heat_pump_rated_kw=np.array([0.0, 0.0, 3.0, 0.0, 0.0]),
    resistance_kw=np.array([0.0, 6.0, 4.0, 5.0, 0.0]),
    furnace_kw=np.array([9.0, 0.0, 0.0, 0.0, 0.0]),
)
"""Air conditioner with a furnace, with resistance heat; heat pump that resistance helps; heat alone; nothing."""
SETTINGS = ThermostatParameters(cooling_setpoint_c=24.0, heating_setpoint_c=20.0)

envelopes = st.builds(
    attrs.evolve,
    st.just(ENVELOPE),
    ua_kw_per_c=st.floats(0.1, 0.8),
    air_capacity_kwh_per_c=st.floats(0.2, 1.0),
    mass_coupling_kw_per_c=st.floats(0.5, 8.0),
    mass_capacity_kwh_per_c=st.floats(1.0, 8.0),
    mass_gain_fraction=st.floats(0.0, 1.0),
)
temperatures = st.floats(15.0, 40.0)
outdoors = st.floats(-30.0, 45.0)
suns = st.floats(0.0, 1.0)
durations = st.sampled_from([60.0, 300.0, 3600.0])
powers = st.floats(0.0, 12.0)


def five(envelope: HouseParameters, air_c: float, mass_c: float | None = None) -> Houses:
    """One envelope with each kind of equipment."""
    return Houses(
        envelope.take(np.zeros(5, dtype=np.int64)),
        ALL_KINDS,
        SETTINGS.take(np.zeros(5, dtype=np.int64)),
        air_c,
        *(() if mass_c is None else (mass_c,)),
    )


def integrated(
    p: HouseParameters, start: list[float], duration_s: float, outdoor_c: float, sun: float, heat_kw: float
) -> np.ndarray:
    """The heat balance written once more, and left to a stiff solver; also the heat that went outdoors."""
    ua, air, coupling, mass, aperture, gain, share = (
        float(getattr(p, f.name)[0]) for f in attrs.fields(HouseParameters)
    )
    gain_kw = gain + aperture * sun

    def balance(_hour: float, now: np.ndarray) -> list[float]:
        to_mass_kw, lost_kw = coupling * (now[0] - now[1]), ua * (now[0] - outdoor_c)
        into_air_kw = (1 - share) * gain_kw + heat_kw - to_mass_kw - lost_kw
        return [into_air_kw / air, (to_mass_kw + share * gain_kw) / mass, lost_kw]

    solution = solve_ivp(balance, (0, duration_s / 3600), [*start, 0.0], method="LSODA", rtol=1e-10, atol=1e-10)
    return solution.y[:, -1]


@settings(max_examples=40, deadline=None)
@given(envelopes, temperatures, temperatures, outdoors, suns, powers, durations)
def test_a_step_solves_the_heat_balance_and_conserves_energy(
    envelope, air_c, mass_c, outdoor_c, sun, power_kw, duration_s
):
    houses = five(attrs.evolve(envelope), air_c, mass_c)
    houses.equipment = attrs.evolve(ALL_KINDS, furnace_kw=0.0)
    was_heating = houses.is_heating
    held_kw = houses.step(duration_s, outdoor_c, sun, power_kw)
    cold, warm = -cooling(ALL_KINDS, outdoor_c).cop * held_kw, heating(ALL_KINDS, outdoor_c).heat_kw(held_kw)

    for house, heat_kw in enumerate(np.where(was_heating, warm, cold)):
        *ends, lost_kwh = integrated(envelope, [air_c, mass_c], duration_s, outdoor_c, sun, heat_kw)
        assert [houses.air_temperature_c[house], houses.mass_temperature_c[house]] == pytest.approx(ends, abs=1e-6)
        gained_kwh = (0.8 + 3.5 * sun + heat_kw) * duration_s / 3600 - lost_kwh
        stored_kwh = float(
            envelope.air_capacity_kwh_per_c[0] * (houses.air_temperature_c[house] - air_c)
            + envelope.mass_capacity_kwh_per_c[0] * (houses.mass_temperature_c[house] - mass_c)
        )
        assert stored_kwh == pytest.approx(gained_kwh, abs=1e-6)


@settings(deadline=None)
@given(envelopes, temperatures, temperatures, outdoors, suns)
def test_many_short_steps_are_one_long_step(envelope, air_c, mass_c, outdoor_c, sun):
    short, long = five(envelope, air_c, mass_c), five(envelope, air_c, mass_c)
    for houses in (short, long):
        houses.equipment = attrs.evolve(
            ALL_KINDS, cooling_rated_kw=2.0, heat_pump_rated_kw=0.0, resistance_kw=0.0, furnace_kw=0.0
        )
        houses.is_heating = np.zeros(5, dtype=np.bool_)

    for _ in range(12):
        short.step(300.0, outdoor_c, sun, 1.0)
    long.step(3600.0, outdoor_c, sun, 1.0)

    np.testing.assert_allclose(short.air_temperature_c, long.air_temperature_c, rtol=0, atol=1e-9)
    np.testing.assert_allclose(short.mass_temperature_c, long.mass_temperature_c, rtol=0, atol=1e-9)


@settings(deadline=None)
@given(envelopes, temperatures, temperatures, outdoors, suns, powers, powers, durations)
def test_more_cooling_never_warms_and_more_heating_never_cools(
    envelope, air_c, mass_c, outdoor_c, sun, one_kw, other_kw, duration_s
):
    less, more = five(envelope, air_c, mass_c), five(envelope, air_c, mass_c)
    was_heating = less.is_heating

    less.step(duration_s, outdoor_c, sun, min(one_kw, other_kw))
    more.step(duration_s, outdoor_c, sun, max(one_kw, other_kw))

    sense = np.where(was_heating, 1.0, -1.0)
    assert (sense * (more.air_temperature_c - less.air_temperature_c) >= -1e-9).all()
    assert (sense * (more.mass_temperature_c - less.mass_temperature_c) >= -1e-9).all()


@settings(deadline=None)
@given(envelopes, temperatures, temperatures, outdoors, suns, st.lists(temperatures, min_size=2, max_size=3), durations)
def test_power_for_a_target_hits_it_or_its_limit(envelope, air_c, mass_c, outdoor_c, sun, targets_c, duration_s):
    houses = five(envelope, air_c, mass_c)
    houses.equipment = attrs.evolve(ALL_KINDS, furnace_kw=np.array([9.0, 0.0, 5.0, 2.0, 0.0]))
    most_kw = np.where(houses.is_heating, heating(ALL_KINDS, outdoor_c).most_kw, cooling(ALL_KINDS, outdoor_c).most_kw)
    sense = np.where(houses.is_heating, 1.0, -1.0)

    targets = np.repeat(np.array(targets_c)[:, np.newaxis], 5, axis=1)
    for target_c, power_kw in zip(targets_c, houses.power_for(targets, duration_s, outdoor_c, sun), strict=True):
        ahead = houses.copy()
        assert (ahead.step(duration_s, outdoor_c, sun, power_kw) == power_kw).all()
        beyond_c = sense * (ahead.air_temperature_c - target_c)
        assert (beyond_c[power_kw > 0] <= 1e-9).all()
        assert (beyond_c[power_kw < most_kw] >= -1e-9).all()


@settings(deadline=None)
@given(envelopes, temperatures, outdoors, suns, st.floats(-20.0, 20.0), durations)
def test_within_the_limits_the_air_ends_in_comfort_where_the_equipment_can(
    envelope, air_c, outdoor_c, sun, asked_kw, duration_s
):
    houses = five(envelope, air_c)
    can_kw = np.where(houses.is_heating, heating(ALL_KINDS, outdoor_c).most_kw, cooling(ALL_KINDS, outdoor_c).most_kw)
    least_kw, most_kw = houses.limits(duration_s, outdoor_c, sun)
    sense = np.where(houses.is_heating, 1.0, -1.0)
    relaxed_c, intense_c = np.where(houses.is_heating, 18.0, 26.0), np.where(houses.is_heating, 21.2, 22.8)

    houses.step(duration_s, outdoor_c, sun, np.minimum(np.maximum(asked_kw, least_kw), most_kw))

    assert ((least_kw >= 0) & (least_kw <= most_kw) & (most_kw <= can_kw)).all()
    assert (sense * (houses.air_temperature_c - relaxed_c) >= -1e-9)[least_kw < can_kw].all()
    assert (sense * (houses.air_temperature_c - intense_c) <= 1e-9)[most_kw > 0].all()


def test_limits_reach_from_the_set_back_to_what_preconditioning_allows():
    for air_c, outdoor_c, relaxed_c, intense_c in ((24.0, 27.0, 26.0, 22.8), (20.0, 9.0, 18.0, 21.2)):
        houses = five(ENVELOPE, air_c)

        least_kw, most_kw = houses.limits(3600.0, outdoor_c, 0.2)

        assert least_kw[1:3].tolist() == houses.power_for(relaxed_c, 3600.0, outdoor_c, 0.2)[1:3].tolist()
        assert most_kw[1:3].tolist() == houses.power_for(intense_c, 3600.0, outdoor_c, 0.2)[1:3].tolist()
        assert 0.0 <= least_kw[1] < most_kw[1] < (2.5 if outdoor_c > 20.0 else 6.0)


def test_a_house_starts_in_the_mode_of_the_nearer_set_point_and_never_gives_power():
    houses = five(ENVELOPE, np.array([21.9, 22.1, 21.9, 22.1, 21.9]))

    assert houses.is_heating.tolist() == [True, False, True, True, False]
    assert houses.step(300.0, 20.0, 0.0, -3.0).tolist() == [0.0] * 5


def test_a_thermostat_that_takes_over_goes_on_with_what_was_running():
    running, resting = five(ENVELOPE, 24.0), five(ENVELOPE, 24.0)
    running.step(60.0, 30.0, 0.3, 0.5)
    resting.step(60.0, 30.0, 0.3, 0.0)

    assert np.abs([running.air_temperature_c[:3] - 24.0, resting.air_temperature_c[:3] - 24.0]).max() < 0.55
    assert (running.default_kw(60.0, 30.0, 0.3)[:3] > 2.0).all()
    assert (resting.default_kw(60.0, 30.0, 0.3)[:3] == 0.0).all()


def day_of(houses: Houses, outdoor_c: float, sun: float, steps: int = 288) -> tuple[np.ndarray, np.ndarray]:
    """Power and air of the houses under their thermostats, 5 minutes by 5 minutes, after half a day to settle."""
    for _ in range(144):
        houses.step(300.0, outdoor_c, sun)
    rows = [(houses.step(300.0, outdoor_c, sun), houses.air_temperature_c) for _ in range(steps)]
    return np.array([power_kw for power_kw, _ in rows]), np.array([air_c for _, air_c in rows])


@pytest.mark.parametrize(("outdoor_c", "sun", "setpoint_c"), [(34.0, 0.3, 24.0), (2.0, 0.0, 20.0)])
def test_a_thermostat_holds_its_deadband_and_takes_what_its_set_point_needs(outdoor_c, sun, setpoint_c):
    houses = five(ENVELOPE, setpoint_c)
    power_kw, air_c = day_of(houses, outdoor_c, sun)
    steady = five(ENVELOPE, setpoint_c)
    for _ in range(200):
        needed_kw = steady.power_for(setpoint_c, 3600.0, outdoor_c, sun)
        steady.step(3600.0, outdoor_c, sun, needed_kw)

    active = power_kw.max(axis=0) > 0
    assert active.tolist() == ([True, True, True, False, False] if outdoor_c > 30 else [False, True, True, True, False])
    # A minute between decisions lets the air go some tenths beyond the deadband.
    assert np.abs(air_c - setpoint_c)[:, active].max() < 0.55 + 0.45
    assert air_c.mean(axis=0)[active] == pytest.approx(setpoint_c, abs=0.25)
    assert power_kw.mean(axis=0)[active] == pytest.approx(needed_kw[active], rel=0.05)
    assert ((power_kw > 0.01) & (power_kw < power_kw.max(axis=0) - 0.01))[:, active].any(axis=0).all()


def test_a_furnace_holds_its_set_point_without_electricity():
    for control in (np.nan, 0.0):
        houses = five(ENVELOPE, 20.0)
        held_kw = [houses.step(300.0, -5.0, 0.0, control)[0] for _ in range(100)]

        assert max(held_kw) == 0.0
        assert houses.air_temperature_c[0] == pytest.approx(20.0, abs=0.9)
        assert houses.air_temperature_c[4] < 10.0


@pytest.mark.parametrize(("target_c", "furnace_kw"), [(20.8, 3.0), (19.9, 1.0), (20.8, 1.0)])
def test_a_heat_pump_beside_a_furnace_does_all_of_what_is_above_the_set_point(target_c, furnace_kw):
    houses = five(ENVELOPE, 19.8)
    houses.equipment = attrs.evolve(ALL_KINDS, furnace_kw=furnace_kw)

    power_kw = houses.power_for(target_c, 3600.0, 0.0, 0.0)
    houses.step(3600.0, 0.0, 0.0, power_kw)

    assert power_kw[2] > 0.1
    assert houses.air_temperature_c[2] == pytest.approx(target_c, abs=1e-9)


def test_resistance_helps_a_heat_pump_that_has_fallen_far_behind():
    near, far = five(ENVELOPE, 19.0), five(ENVELOPE, 17.0)

    pump_kw = heating(ALL_KINDS, -10.0).heat_pump_kw[2]
    assert near.default_kw(60.0, -10.0, 0.0)[2] == pump_kw
    assert far.default_kw(60.0, -10.0, 0.0)[2] == pump_kw + 4.0


def test_a_house_changes_to_the_other_mode_at_the_other_set_point():
    houses = five(ENVELOPE, 23.0)
    assert houses.is_heating.tolist() == [False, False, False, True, False]

    houses.step(6 * 3600.0, -10.0, 0.0, 0.0)
    assert (houses.air_temperature_c[1:] < 19.0).all()
    assert houses.is_heating.tolist() == [True, True, True, True, False]

    houses.step(6 * 3600.0, 45.0, 1.0, 0.0)
    assert (houses.air_temperature_c > 25.0).all()
    assert houses.is_heating.tolist() == [False, False, False, True, False]


def test_a_house_without_an_award_is_left_to_its_thermostat_beside_others_that_have_one():
    mixed, thermostat, awarded = five(ENVELOPE, 25.0), five(ENVELOPE, 25.0), five(ENVELOPE, 25.0)
    expected_kw = thermostat.default_kw(300.0, 35.0, 0.5)

    held_kw = mixed.step(300.0, 35.0, 0.5, np.array([np.nan, 1.0, np.nan, 0.0, 0.0]))

    assert held_kw.tolist() == [expected_kw[0], 1.0, expected_kw[2], 0.0, 0.0]
    assert thermostat.step(300.0, 35.0, 0.5).tolist() == expected_kw.tolist()
    awarded.step(300.0, 35.0, 0.5, 1.0)
    assert mixed.air_temperature_c[0] == thermostat.air_temperature_c[0]
    assert mixed.air_temperature_c[1] == awarded.air_temperature_c[1]


def test_looking_ahead_leaves_no_trace():
    houses = five(ENVELOPE, 23.5)
    before = [houses.air_temperature_c.tolist(), houses.mass_temperature_c.tolist(), houses.is_on.tolist()]

    houses.default_kw(3600.0, 40.0, 1.0)
    houses.limits(300.0, 40.0, 1.0)
    houses.copy().step(3600.0, 40.0, 1.0, 0.0)

    assert [houses.air_temperature_c.tolist(), houses.mass_temperature_c.tolist(), houses.is_on.tolist()] == before


def test_ratings_are_those_of_the_rating_temperatures_and_change_away_from_them():
    hot, rated, mild = (cooling(ALL_KINDS, outdoor_c) for outdoor_c in (45.0, 35.0, 20.0))
    assert rated.most_kw == pytest.approx(ALL_KINDS.cooling_rated_kw, rel=1e-4)
    assert rated.cop[0] == pytest.approx(3.6 / 1.3, rel=1e-4)
    assert mild.cop[0] > rated.cop[0] > hot.cop[0]

    frost, mild_heat = heating(ALL_KINDS, -15.0), heating(ALL_KINDS, (47.0 - 32.0) / 1.8)
    assert mild_heat.heat_pump_kw[2] == pytest.approx(3.0, rel=1e-3)
    assert mild_heat.cop[2] == pytest.approx(3.2, rel=1e-3)
    assert frost.cop[2] < 2.0
    assert frost.heat_kw(frost.most_kw)[2] < 0.7 * mild_heat.heat_kw(mild_heat.most_kw)[2]


@given(st.floats(-60.0, 60.0))
def test_cooling_takes_more_for_its_heat_in_a_straight_line_from_40_degf_on(outdoor_c):
    input_ratio = -0.01363961 + 0.01066989 * (32.0 + 1.8 * max(outdoor_c, 40 / 9))

    assert cooling(ALL_KINDS, outdoor_c).cop[0] == pytest.approx(3.6 / 1.3 / input_ratio)


def test_curves_go_on_flat_where_nothing_is_known_of_them():
    assert cooling(ALL_KINDS, -30.0).cop.tolist() == cooling(ALL_KINDS, 40 / 9).cop.tolist()
    assert cooling(ALL_KINDS, 90.0).most_kw.tolist() == cooling(ALL_KINDS, 60.0).most_kw.tolist()
    assert heating(ALL_KINDS, -80.0).cop.tolist() == heating(ALL_KINDS, -40.0).cop.tolist()
    assert heating(ALL_KINDS, 45.0).most_kw.tolist() == heating(ALL_KINDS, 80 / 3).most_kw.tolist()


@given(st.floats(-40.0, 30.0), st.floats(0.0, 12.0))
def test_heat_and_power_of_heating_are_each_others_inverse(outdoor_c, power_kw):
    heats = heating(ALL_KINDS, outdoor_c)
    held_kw = np.minimum(power_kw, heats.most_kw)

    assert heats.power_kw(heats.heat_kw(held_kw)) == pytest.approx(held_kw)


def test_refuses_what_does_not_belong_together():
    with pytest.raises(ValueError, match="as many of each"):
        Houses(ENVELOPE, ALL_KINDS, SETTINGS, 23.0)
    with pytest.raises(ValueError, match="air_temperature_c"):
        five(ENVELOPE, 400.0)
    with pytest.raises(ValueError, match="longer than 0 s"):
        five(ENVELOPE, 20.0).step(0.0, 30.0, 0.0)
