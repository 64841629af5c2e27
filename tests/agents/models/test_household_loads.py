import math
from collections.abc import Callable

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.models.household_loads import NOISE_STEPS, HouseholdLoadParameters, HouseholdLoads

PARAMETERS = HouseholdLoadParameters(
    daily_kwh=np.array([17.0, 14.0, 20.0]),
    delay_h=np.array([0.0, 1.5, -0.7]),
    noise_deviation=np.array([0.35, 0.35, 0.1]),
    noise_persistence=np.array([0.92, 0.5, 0.0]),
    noise_seed=np.array([3, 2**63 - 1, 0]),
)
SMOOTH = attrs.evolve(PARAMETERS, noise_deviation=0.0)
HOURS = np.arange(288) / 12


def weight(hour: float) -> float:
    """The documented shape of a day: a constant and three bumps."""
    bumps = ((7.5, 0.35, 12.0), (13.5, 0.25, 4.0), (19.75, 1.15, 7.0))
    return 0.5 + sum(height * math.exp(c * (math.cos(math.pi / 12.0 * (hour - at)) - 1.0)) for at, height, c in bumps)


def daily_shape(hour: float) -> float:
    return weight(hour) / (sum(weight(0.25 * quarter) for quarter in range(96)) / 96)


def one_household(place: int) -> Callable[[float, int], float]:
    """Power of one household by hour and step, written down number by number."""
    daily_kwh, delay_h, deviation, persistence, seed = (
        getattr(PARAMETERS, field.name)[place] for field in attrs.fields(HouseholdLoadParameters)
    )
    level, *shocks = np.random.default_rng(seed).standard_normal(NOISE_STEPS + 1).tolist()
    level *= deviation
    factors = []
    for shock in shocks:
        level = persistence * level + deviation * math.sqrt(1.0 - persistence**2) * shock
        factors.append(math.exp(level))
    mean = sum(factors) / NOISE_STEPS
    return lambda hour, step: daily_kwh / 24.0 * daily_shape(hour - delay_h) * factors[step % NOISE_STEPS] / mean


LOADS, SINGLES = HouseholdLoads(PARAMETERS), [one_household(place) for place in range(3)]


@settings(deadline=None)
@given(st.floats(0.0, 24.0), st.integers(0, 10**6))
def test_gives_the_numbers_of_one_household_at_a_time_in_any_order_of_steps(hour: float, step: int):
    np.testing.assert_allclose(LOADS.power_kw(hour, step), [one(hour, step) for one in SINGLES], rtol=1e-13)


def test_one_step_after_another_is_the_same_as_any_order():
    week = [HouseholdLoads(PARAMETERS).power_kw(12.0, step) for step in (0, 300, 2015, 2016, 2300)]
    back = [LOADS.power_kw(12.0, step) for step in (2300, 2016, 2015, 300, 0)]

    assert np.array_equal(week, back[::-1])


def test_a_week_holds_the_daily_energy_seven_times():
    for parameters, tolerance in ((SMOOTH, 1e-9), (PARAMETERS, 0.1)):
        loads = HouseholdLoads(parameters)
        week_kwh = sum(loads.power_kw(HOURS[step % 288], step) for step in range(NOISE_STEPS)) / 12
        assert week_kwh == pytest.approx(7 * parameters.daily_kwh, rel=tolerance)


def test_noise_has_mean_one_and_the_parameters_deviation_and_persistence():
    many = HouseholdLoadParameters(noise_seed=np.arange(12))
    loads = HouseholdLoads(many)
    noise = np.array([loads.power_kw(12.0, step) for step in range(NOISE_STEPS)])
    levels = np.log(noise) - np.log(noise).mean(axis=0)

    assert (noise / (17.0 / 24.0 * daily_shape(12.0))).mean(axis=0) == pytest.approx(np.ones(12), rel=1e-12)
    assert levels.std() == pytest.approx(0.35, rel=0.15)
    assert (levels[1:] * levels[:-1]).mean() / levels.var() == pytest.approx(0.92, abs=0.03)


def test_a_late_household_peaks_later():
    loads = HouseholdLoads(SMOOTH)

    assert loads.power_kw(21.0, 0)[1] / 14.0 == pytest.approx(loads.power_kw(19.5, 0)[0] / 17.0)


def test_there_is_no_seam_at_midnight():
    loads = HouseholdLoads(SMOOTH)

    assert loads.power_kw(0.0, 0) == pytest.approx(loads.power_kw(math.nextafter(24.0, 0.0), 0))


@pytest.mark.parametrize("fault", [{"daily_kwh": 0.0}, {"noise_deviation": -1.0}, {"noise_persistence": 1.0}])
def test_refuses_parameters_without_meaning(fault: dict[str, float]):
    with pytest.raises(ValueError, match=next(iter(fault))):
        attrs.evolve(PARAMETERS, **fault)
