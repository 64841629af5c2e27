"""Set-points follow the people: moved apart in an empty home, heating lowered at night."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.agents.customers import SetPoints, customers
from gridbus.kernel import DAY, HOUR, MINUTE, Calendar

ZONE = ZoneInfo("America/New_York")
MONDAY = Calendar(datetime(2025, 7, 21, tzinfo=ZONE), ZONE)
HOMES = customers(300, 4)
SET_POINTS = SetPoints(HOMES)


def expected(home, hour: float, *, weekend: bool) -> tuple[float, float]:
    day, settings = home.occupancy.weekend if weekend else home.occupancy.weekday, home.thermostat
    cooling_c, heating_c = settings.cooling_setpoint_c, settings.heating_setpoint_c
    if day.leave_h <= hour < day.return_h:
        return cooling_c + settings.away_c, heating_c - settings.away_c
    if day.wake_h <= hour < day.sleep_h:
        return cooling_c, heating_c
    return cooling_c, heating_c - settings.asleep_c


@given(st.integers(0, 7 * 24 * 60 - 1))
def test_they_follow_the_routine_of_the_day(minute):
    cooling_c, heating_c = SET_POINTS.at(minute * MINUTE, MONDAY)

    day, of_day = divmod(minute, 24 * 60)
    wanted = [expected(home, of_day / 60, weekend=day >= 5) for home in HOMES]
    assert np.stack([cooling_c, heating_c], axis=1) == pytest.approx(np.array(wanted))


@given(st.integers(0, 400 * 24 * 4))
def test_cooling_and_heating_never_fight(quarter):
    cooling_c, heating_c = SET_POINTS.at(quarter * 15 * MINUTE, MONDAY)

    assert (cooling_c - heating_c >= [home.thermostat.deadband_c for home in HOMES]).all()


def test_nearly_half_of_the_homes_leave_one_temperature():
    hours = [SET_POINTS.at(hour * HOUR, MONDAY) for hour in range(24)]
    moves = np.ptp([heating_c for _, heating_c in hours], axis=0) > 0.0

    # 0.45, and four standard deviations of 300 homes.
    assert np.mean(~moves) == pytest.approx(0.45, abs=0.115)


def test_the_local_clock_counts():
    calendar = Calendar(datetime(2025, 7, 21, 4, tzinfo=UTC), ZONE)

    for ours, theirs in zip(SET_POINTS.at(9 * HOUR, calendar), SET_POINTS.at(9 * HOUR, MONDAY), strict=True):
        assert (ours == theirs).all()


def test_weekends_are_those_of_the_local_calendar():
    noon = [(SET_POINTS.at(day * DAY + 12 * HOUR, MONDAY)[0]) for day in range(14)]
    is_moved = [bool((each > noon[5]).any()) for each in noon]

    dates = [datetime(2025, 7, 21, tzinfo=UTC) + timedelta(days=day) for day in range(14)]
    assert is_moved == [date.weekday() < 5 for date in dates]


def test_nobody_has_no_set_points():
    assert [len(each) for each in SetPoints([]).at(0, MONDAY)] == [0, 0]
