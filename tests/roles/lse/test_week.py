"""Hours of the week on the local clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, MINUTE, Calendar
from gridbus.roles.lse.forecast import HourlyProfile, LoadForecast
from gridbus.roles.lse.week import local_hours

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


@given(
    start=st.integers(0, 3 * DAY),
    length=st.integers(1, 2 * DAY),
    calendar=st.sampled_from([SPRING, Calendar(datetime(2025, 11, 1, 5, 7, tzinfo=UTC), ZoneInfo("Asia/Kathmandu"))]),
)
def test_the_hours_of_a_span_are_those_that_its_minutes_lie_in(start: int, length: int, calendar: Calendar) -> None:
    start, length = start // MINUTE * MINUTE, max(length // MINUTE, 1) * MINUTE
    counted: dict[tuple[int, int], int] = {}
    for at in range(start, start + length, MINUTE):
        local = calendar.local(at)
        key = local.weekday(), local.hour
        counted[key] = counted.get(key, 0) + 1
    found = {(weekday, hour): share for weekday, hour, share in local_hours(calendar, start, length)}
    assert found == pytest.approx({key: minutes * MINUTE / length for key, minutes in counted.items()})
