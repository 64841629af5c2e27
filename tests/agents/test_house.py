import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from gridbus.agents.models.house import House, HouseParameters

PARAMETERS = HouseParameters(
    ua_kw_per_c=0.25,
    air_capacity_kwh_per_c=0.45,
    mass_coupling_kw_per_c=4.0,
    mass_capacity_kwh_per_c=3.0,
    solar_aperture_m2=3.5,
    rated_kw=2.8,
    cop=3.6,
    internal_gain_kw=0.8,
)

envelopes = st.builds(
    attrs.evolve,
    st.just(PARAMETERS),
    ua_kw_per_c=st.floats(0.1, 0.8),
    air_capacity_kwh_per_c=st.floats(0.2, 1.0),
    mass_coupling_kw_per_c=st.floats(0.5, 8.0),
    mass_capacity_kwh_per_c=st.floats(1.0, 8.0),
)
temperatures = st.floats(15.0, 40.0)
suns = st.floats(0.0, 1.0)
durations = st.sampled_from([60.0, 300.0, 3600.0])


def integrated(house: House, duration_s: float, outdoor_c: float, sun: float, cooling_kw: float) -> list[float]:
    """The heat balance written once more, and left to a stiff solver."""
    p = house.parameters
    ratio = (0.01066989 * (1.8 * max(outdoor_c, 40 / 9) + 32) - 0.01363961) * 1.3
    gain_kw = p.internal_gain_kw + p.solar_aperture_m2 * sun

    def balance(_hour: float, state: np.ndarray) -> list[float]:
        air_c, mass_c = state
        to_mass_kw = p.mass_coupling_kw_per_c * (air_c - mass_c)
        into_air_kw = p.ua_kw_per_c * (outdoor_c - air_c) + gain_kw / 2 - p.cop / ratio * cooling_kw - to_mass_kw
        return [
            into_air_kw / p.air_capacity_kwh_per_c,
            (to_mass_kw + gain_kw / 2) / p.mass_capacity_kwh_per_c,
        ]

    start = [house.air_temperature_c, house.mass_temperature_c]
    solution = solve_ivp(balance, (0, duration_s / 3600), start, method="LSODA", rtol=1e-10, atol=1e-10)
    return list(solution.y[:, -1])


@settings(max_examples=40, deadline=None)
@given(envelopes, temperatures, temperatures, temperatures, suns, st.floats(0.0, 2.8), durations)
def test_a_step_solves_the_heat_balance(parameters, air_c, mass_c, outdoor_c, sun, cooling_kw, duration_s):
    house = House(parameters, air_c, mass_c)
    expected = integrated(house, duration_s, outdoor_c, sun, cooling_kw)

    house.step(duration_s, outdoor_c, sun, cooling_kw)

    assert [house.air_temperature_c, house.mass_temperature_c] == pytest.approx(expected, abs=1e-6)


@settings(deadline=None)
@given(envelopes, temperatures, temperatures, temperatures, suns)
def test_many_short_steps_are_one_long_step(parameters, air_c, mass_c, outdoor_c, sun):
    short, long = House(parameters, air_c, mass_c), House(parameters, air_c, mass_c)

    for _ in range(12):
        short.step(300.0, outdoor_c, sun, 1.0)
    long.step(3600.0, outdoor_c, sun, 1.0)

    assert short.air_temperature_c == pytest.approx(long.air_temperature_c, abs=1e-9)
    assert short.mass_temperature_c == pytest.approx(long.mass_temperature_c, abs=1e-9)


def test_comes_to_rest_where_gains_equal_losses():
    house = House(PARAMETERS, 24.0)

    house.step(1000 * 3600.0, 35.0, 0.6, 1.5)

    gain_kw, removed_kw = 0.8 + 3.5 * 0.6, 1.5 * PARAMETERS.sensible_cop(35.0)
    assert house.air_temperature_c == pytest.approx(35.0 + (gain_kw - removed_kw) / 0.25)
    assert house.mass_temperature_c - house.air_temperature_c == pytest.approx(gain_kw / 2 / 4.0)


@settings(deadline=None)
@given(envelopes, temperatures, temperatures, temperatures, suns, temperatures, durations)
def test_cooling_for_hits_its_target_or_its_limit(parameters, air_c, mass_c, outdoor_c, sun, target_c, duration_s):
    house = House(parameters, air_c, mass_c)

    cooling_kw = house.cooling_for(target_c, duration_s, outdoor_c, sun)
    house.step(duration_s, outdoor_c, sun, cooling_kw)

    if cooling_kw == 0.0:
        assert house.air_temperature_c <= target_c + 1e-9
    elif cooling_kw == parameters.rated_kw:
        assert house.air_temperature_c >= target_c - 1e-9
    else:
        assert house.air_temperature_c == pytest.approx(target_c, abs=1e-9)


def test_mass_starts_at_the_airs_temperature():
    assert House(PARAMETERS, 23.5).mass_temperature_c == 23.5


@pytest.mark.parametrize(("asked_kw", "drawn_kw"), [(-1.0, 0.0), (1.0, 1.0), (9.0, 2.8)])
def test_draws_no_more_than_rated(asked_kw, drawn_kw):
    assert House(PARAMETERS, 24.0).step(300.0, 30.0, 0.0, asked_kw) == drawn_kw


def test_sensible_cop_is_rated_at_35_degrees_and_falls_with_heat():
    assert PARAMETERS.sensible_cop(35.0) == pytest.approx(3.6 / 1.3, rel=1e-6)
    assert PARAMETERS.sensible_cop(25.0) > PARAMETERS.sensible_cop(35.0) > PARAMETERS.sensible_cop(42.0)
    assert PARAMETERS.sensible_cop(-10.0) == PARAMETERS.sensible_cop(0.0)


@pytest.mark.parametrize("duration_s", [0.0, -1.0, float("nan")])
def test_refuses_a_step_of_no_length(duration_s):
    with pytest.raises(ValueError, match="longer than 0 s"):
        House(PARAMETERS, 24.0).step(duration_s, 30.0, 0.0, 0.0)


@pytest.mark.parametrize("name", ["ua_kw_per_c", "air_capacity_kwh_per_c", "mass_coupling_kw_per_c", "cop"])
def test_refuses_parameters_without_meaning(name):
    with pytest.raises(ValueError, match=name):
        attrs.evolve(PARAMETERS, **{name: 0.0})
