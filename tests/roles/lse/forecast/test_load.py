"""What a retailer expects its customers to draw."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, MINUTE, Calendar
from gridbus.roles.lse.forecast import HourlyProfile, LoadForecast
from gridbus.roles.lse.forecast.load import awarded_kwh
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


# Hours of the local clock


def test_before_any_read_the_profile_of_the_local_hour_is_expected_over_the_change_of_the_clock() -> None:
    made = forecast("h1", calendar=SPRING)
    # Midnight, one, then three: the clock goes forward.
    assert [one(made, hour * HOUR) for hour in range(4)] == [0.0, 1.0, 3.0, 4.0]


def test_a_slot_of_two_hours_has_the_average_of_both() -> None:
    assert one(forecast("h1"), 7 * HOUR + HOUR // 2, HOUR) == pytest.approx(7.5)


def test_the_weekend_has_a_profile_of_its_own_where_one_is_given() -> None:
    profile = HourlyProfile.given((1.0,) * 24, (3.0,) * 24)
    assert [profile.over(local_hours(UTC_CALENDAR, day * DAY, HOUR)) for day in range(4)] == [1.0, 3.0, 3.0, 1.0]
    profile.learn(local_hours(UTC_CALENDAR, DAY, HOUR), HOUR, 5.0, 1.0)
    assert [profile.over(local_hours(UTC_CALENDAR, day * DAY, HOUR)) for day in range(4)] == [1.0, 5.0, 5.0, 1.0]


# Learning


@given(kw=st.lists(KW, min_size=1, max_size=6), smoothing=st.floats(0.0, 1.0))
def test_an_hour_is_learned_by_exponential_smoothing(kw: list[float], smoothing: float) -> None:
    made = forecast("h1", smoothing=smoothing)
    for day, power_kw in enumerate(kw):
        made.read("h1", day * DAY, HOUR, power_kw)
    n = len(kw)
    closed = (1 - smoothing) ** n * PROFILE[0]
    closed += sum(smoothing * (1 - smoothing) ** (n - 1 - day) * power for day, power in enumerate(kw))
    assert one(made, n * DAY) == pytest.approx(closed, abs=1e-9)
    assert one(made, n * DAY + HOUR) == PROFILE[1]


@given(kw=KW, parts=st.sampled_from([1, 2, 4, 12, 60]))
def test_a_steady_hour_teaches_the_same_whatever_the_metering_interval(kw: float, parts: int) -> None:
    made, whole, part = forecast("h1"), forecast("h1"), HOUR // parts
    whole.read("h1", 3 * HOUR, HOUR, kw)
    for number in range(parts):
        made.read("h1", 3 * HOUR + number * part, part, kw / parts)
    assert one(made, DAY + 3 * HOUR) == pytest.approx(one(whole, DAY + 3 * HOUR), abs=1e-9)


def test_near_ahead_the_last_read_is_expected_and_far_ahead_the_customers_own_profile() -> None:
    made = forecast("h1", "h2")
    made.read("h1", 5 * HOUR, HOUR, 9.0)
    assert one(made, 6 * HOUR) == 9.0
    assert one(made, 7 * HOUR) == 9.0
    assert one(made, 7 * HOUR + 1, HOUR - 1) == PROFILE[7]
    assert one(made, DAY + 5 * HOUR) == pytest.approx(7.0)
    assert one(made, DAY + 5 * HOUR, usage_point="h2") == PROFILE[5]


def test_a_class_learns_the_average_of_its_customers_and_only_of_them() -> None:
    made = LoadForecast(
        UTC_CALENDAR, {"": HourlyProfile.given((1.0,) * 24), "shop": HourlyProfile.given((8.0,) * 24)}, smoothing=0.5
    )
    for name, customer_class in (("h1", "residential"), ("h2", "residential"), ("s1", "shop"), ("s2", "shop")):
        made.enrol(name, customer_class)
    given_kw = made.profiles[""].power_kw.copy()
    reads = [("h1", 0, 2.0), ("h2", 0, 4.0), ("s1", 0, 20.0), ("h1", 1, 5.0), ("h2", 1, 9.0), ("h1", 2, 0.0)]
    for name, hour, kwh in reads:
        made.read(name, hour * HOUR, HOUR, kwh)
    assert made.profiles[""].power_kw == given_kw
    made.enrol("h3", "residential")
    assert one(made, DAY, usage_point="h3") == made.class_kw("residential", DAY, HOUR) == pytest.approx(2.0)
    assert one(made, DAY + HOUR, usage_point="h3") == pytest.approx(4.0)
    assert one(made, DAY, usage_point="s2") == pytest.approx(8.0)


def test_another_customer_at_the_same_usage_point_begins_with_his_class() -> None:
    made = forecast("h1")
    made.read("h1", 0, HOUR, 9.0)
    made.enrol("h1", "residential")
    assert one(made, HOUR) == PROFILE[1]


def test_a_read_of_the_past_as_a_revision_is_teaches_nothing() -> None:
    made = forecast("h1")
    made.read("h1", HOUR, HOUR, 4.0)
    made.read("h1", 0, HOUR, 100.0)
    made.read("h1", HOUR, HOUR, 100.0)
    assert one(made, 2 * HOUR) == 4.0
    assert one(made, DAY) == PROFILE[0]


# Awards


def test_what_the_market_has_awarded_is_taken_off_the_read() -> None:
    made = forecast("h1")
    made.award("h1", 0, HOUR, 6.0)
    made.award("h1", STEP, STEP, 2.0)
    assert made.read("h1", 0, STEP, 1.0) == pytest.approx(6.0)
    assert made.read("h1", STEP, STEP, 1.0) == pytest.approx(10.0)
    assert one(made, 2 * STEP, STEP) == pytest.approx(10.0)
    assert made.read("h1", 2 * STEP, STEP, 1.0) == pytest.approx(6.0)
    assert made.read("h1", HOUR, STEP, 1.0) == pytest.approx(12.0)


AWARDS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), KW), max_size=8)


@given(awards=AWARDS, start=st.integers(0, 20), length=st.integers(1, 12))
def test_where_awards_overlap_the_later_counts_minute_by_minute(
    awards: list[tuple[int, int, float]], start: int, length: int
) -> None:
    held = np.zeros(60)
    for first, minutes, power_kw in awards:
        held[first : first + minutes] = power_kw
    spans = [(first * MINUTE, (first + minutes) * MINUTE, power_kw) for first, minutes, power_kw in awards]
    found = awarded_kwh(spans, start * MINUTE, (start + length) * MINUTE)
    assert found == pytest.approx(held[start : start + length].sum() / 60, abs=1e-9)
