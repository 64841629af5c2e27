import math

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.models.household_load import HouseholdLoad, daily_shape
from gridbus.agents.models.household_load import HouseholdLoadParameters as ScalarParameters
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


def singles(parameters: HouseholdLoadParameters) -> list[HouseholdLoad]:
    names = [field.name for field in attrs.fields(HouseholdLoadParameters)]
    rows = zip(*(getattr(parameters, name).tolist() for name in names), strict=True)
    scalars = [ScalarParameters(**dict(zip(names, row, strict=True))) for row in rows]
    return [HouseholdLoad(scalar, np.random.default_rng(scalar.noise_seed)) for scalar in scalars]


LOADS, SINGLES = HouseholdLoads(PARAMETERS), singles(PARAMETERS)


@settings(deadline=None)
@given(st.floats(0.0, 24.0), st.integers(0, 10**6))
def test_gives_the_numbers_of_one_household_at_a_time_in_any_order_of_steps(hour: float, step: int):
    np.testing.assert_allclose(LOADS.power_kw(hour, step), [one.power_kw(hour, step) for one in SINGLES], rtol=1e-13)


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
