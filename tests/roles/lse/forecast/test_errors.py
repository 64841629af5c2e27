"""How far off forecasts are."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE, Calendar
from gridbus.roles.lse.forecast import ForecastErrors, HourlyProfile, LoadForecast

STEP = 5 * MINUTE
PROFILE = tuple(float(hour) for hour in range(24))
UTC_CALENDAR = Calendar(datetime(2025, 1, 3, tzinfo=UTC))
"""Instant 0 is a Friday."""
SPRING = Calendar(datetime(2025, 3, 9, 5, tzinfo=UTC), ZoneInfo("America/New_York"))
"""Instant 0 is midnight of the day on which the clock goes forward."""

KW = st.floats(-20.0, 20.0)


def forecast(*names: str, calendar: Calendar = UTC_CALENDAR, smoothing: float = 0.5) -> LoadForecast:
    made = LoadForecast(calendar, {"": HourlyProfile.given(PROFILE)}, smoothing=smoothing)
    for name in names:
        made.enrol(name, "residential")
    return made


def one(made: LoadForecast, start: int, length: int = HOUR, usage_point: str = "h1") -> float:
    return made.expected_kw(usage_point, start, length)


@given(rows=st.lists(st.tuples(KW, KW, KW), min_size=1, max_size=8))
def test_errors_are_those_of_expected_less_actual(rows: list[tuple[float, float, float]]) -> None:
    errors = ForecastErrors({"h1": "residential", "h2": "residential"}.__getitem__)
    for number, (expected_kw, first_kw, second_kw) in enumerate(rows):
        start = (number + 1) * HOUR
        errors.expect("real-time", start - MINUTE, start, HOUR, ("h1", "h2"), (expected_kw, 1.0))
        for step, power_kw in enumerate((first_kw, second_kw)):
            errors.read("h1", start + step * HOUR // 2, HOUR // 2, power_kw)
            errors.read("h2", start + step * HOUR // 2, HOUR // 2, 0.0)
    (report,) = errors.report((len(rows) + 1) * HOUR)
    off = np.array([expected_kw - (first + second) / 2 for expected_kw, first, second in rows])
    for (_, found), error in zip((*report.customers, *report.classes), (off, off * 0 + 1.0, off + 1.0), strict=True):
        assert found.slots == len(rows)
        assert found.mean_absolute_kw == pytest.approx(np.abs(error).mean(), abs=1e-9)
        assert found.bias_kw == pytest.approx(error.mean(), abs=1e-9)
        assert found.root_mean_square_kw == pytest.approx(np.sqrt((error**2).mean()), abs=1e-6)
    assert (report.start, report.end) == (HOUR, (len(rows) + 1) * HOUR)


def test_each_series_and_each_horizon_in_whole_hours_has_its_own_errors_by_class() -> None:
    errors = ForecastErrors({"h1": "residential", "s1": "shop"}.__getitem__)
    for hour in (1, 2):
        errors.expect("day-ahead", -30 * MINUTE, hour * HOUR, HOUR, ("h1", "s1"), (5.0, 7.0))
    errors.expect("real-time", HOUR - MINUTE, HOUR, STEP, ("h1", "s1"), (4.0, 4.0))
    for start in range(HOUR, 3 * HOUR, STEP):
        errors.read("h1", start, STEP, 3.0)
        errors.read("s1", start, STEP, 10.0)
    reports = errors.report(3 * HOUR)
    assert [(r.product, r.horizon // HOUR) for r in reports] == [("day-ahead", 1), ("day-ahead", 2), ("real-time", 0)]
    assert [[(name, s.bias_kw) for name, s in r.classes] for r in reports] == [
        [("residential", pytest.approx(2.0)), ("shop", pytest.approx(-3.0))],
        [("residential", pytest.approx(2.0)), ("shop", pytest.approx(-3.0))],
        [("residential", pytest.approx(1.0)), ("shop", pytest.approx(-6.0))],
    ]


def test_a_slot_that_was_not_read_all_the_time_or_is_not_over_counts_for_nothing() -> None:
    errors = ForecastErrors(lambda _: "residential")
    errors.expect("day-ahead", 0, HOUR, HOUR, ("h1", "h2"), (1.0, 1.0))
    for start in range(HOUR, 2 * HOUR, STEP):
        errors.read("h1", start, STEP, 3.0)
        if start != HOUR:
            errors.read("h2", start, STEP, 3.0)
    assert errors.report(2 * HOUR - 1) == ()
    (report,) = errors.report(2 * HOUR)
    assert [name for name, _ in report.customers] == ["h1"]
    assert errors.report(3 * HOUR) == ()
