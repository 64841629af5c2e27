import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.models.household_load import (
    NOISE_STEPS,
    HouseholdLoad,
    HouseholdLoadParameters,
    daily_shape,
)

PARAMETERS = HouseholdLoadParameters(daily_kwh=17.0)
HOURS = np.arange(288) / 12


def load(seed: int = 3, **changes: float) -> HouseholdLoad:
    return HouseholdLoad(attrs.evolve(PARAMETERS, **changes), np.random.default_rng(seed))


def test_shape_has_mean_one_and_no_seam_at_midnight():
    assert np.mean([daily_shape(hour) for hour in HOURS]) == pytest.approx(1.0, abs=1e-9)
    assert daily_shape(0.0) == pytest.approx(daily_shape(24.0))


def test_shape_rises_in_the_morning_and_peaks_in_the_evening():
    shape = {hour: daily_shape(hour) for hour in HOURS.tolist()}

    assert 18.5 <= max(shape, key=shape.__getitem__) <= 21.0
    assert 1.5 < max(shape.values()) < 2.5
    assert min(shape, key=shape.__getitem__) < 5.0
    assert shape[7.5] > 1.2 * shape[4.0]
    assert shape[7.5] > shape[10.0]


def test_a_week_holds_the_daily_energy_seven_times():
    smooth, noisy = load(noise_deviation=0.0), load()

    for home, tolerance in ((smooth, 1e-9), (noisy, 0.1)):
        week_kwh = sum(home.power_kw(HOURS[step % 288], step) for step in range(NOISE_STEPS)) / 12
        assert week_kwh == pytest.approx(7 * 17.0, rel=tolerance)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 24.0), st.integers(0, 10**6))
def test_always_positive_and_the_same_for_the_same_seed(seed, hour, step):
    first, second = load(seed), load(seed)

    assert 0.0 < first.power_kw(hour, step) == second.power_kw(hour, step)


def test_homes_differ_and_calls_leave_no_trace():
    first, second = load(1), load(2)
    before = first.power_kw(12.0, 5)

    assert before != second.power_kw(12.0, 5)
    assert first.power_kw(12.0, 6) != before
    assert first.power_kw(12.0, 5) == before


def test_noise_has_the_parameters_deviation_and_persistence():
    series = np.log([[home.power_kw(12.0, step) for step in range(NOISE_STEPS)] for home in map(load, range(8))])
    steps = series - series.mean(axis=1, keepdims=True)

    assert steps.std() == pytest.approx(0.35, rel=0.15)
    assert np.mean(steps[:, 1:] * steps[:, :-1]) / steps.var() == pytest.approx(0.92, abs=0.03)


def test_a_late_household_peaks_later():
    punctual, late = load(noise_deviation=0.0), load(noise_deviation=0.0, delay_h=1.5)

    assert late.power_kw(21.0, 0) == pytest.approx(punctual.power_kw(19.5, 0))


@pytest.mark.parametrize("fault", [{"daily_kwh": 0.0}, {"noise_deviation": -1.0}, {"noise_persistence": 1.0}])
def test_refuses_parameters_without_meaning(fault):
    with pytest.raises(ValueError, match=next(iter(fault))):
        attrs.evolve(PARAMETERS, **fault)
