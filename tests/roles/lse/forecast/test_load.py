"""What a retailer expects its customers to draw, each by himself and all at once."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, MINUTE, Calendar
from gridbus.roles.lse.forecast import HourlyProfile, LoadForecast
from gridbus.roles.lse.forecast.profile import HourlyProfiles
from gridbus.roles.lse.week import local_hours

STEP = 5 * MINUTE
PROFILE = tuple(float(hour) for hour in range(24))
UTC_CALENDAR = Calendar(datetime(2025, 1, 3, tzinfo=UTC))
"""Instant 0 is a Friday."""
SPRING = Calendar(datetime(2025, 3, 9, 5, tzinfo=UTC), ZoneInfo("America/New_York"))
"""Instant 0 is midnight of the day on which the clock goes forward."""

KW = st.floats(-20.0, 20.0)


def forecast(customers: int = 1, *, calendar: Calendar = UTC_CALENDAR, smoothing: float = 0.5) -> LoadForecast:
    made = LoadForecast(calendar, {"": HourlyProfile.given(PROFILE)}, smoothing=smoothing)
    for place in range(customers):
        made.enrol(place, "residential")
    return made


def at(*places: int) -> np.ndarray:
    return np.array(places, dtype=np.intp)


def one(made: LoadForecast, start: int, length: int = HOUR, place: int = 0) -> float:
    return float(made.expected_kw(at(place), start, length)[0])


def read(made: LoadForecast, start: int, duration: int, kwh: float, place: int = 0) -> float:
    return float(made.read(at(place), start, duration, np.array([kwh]))[0])


# Hours of the local clock


def test_before_any_read_the_profile_of_the_local_hour_is_expected_over_the_change_of_the_clock() -> None:
    made = forecast(calendar=SPRING)
    # Midnight, one, then three: the clock goes forward.
    assert [one(made, hour * HOUR) for hour in range(4)] == [0.0, 1.0, 3.0, 4.0]


def test_a_slot_of_two_hours_has_the_average_of_both() -> None:
    assert one(forecast(), 7 * HOUR + HOUR // 2, HOUR) == pytest.approx(7.5)


def test_the_weekend_has_a_profile_of_its_own_where_one_is_given() -> None:
    profile = HourlyProfile.given((1.0,) * 24, (3.0,) * 24)
    assert [profile.over(local_hours(UTC_CALENDAR, day * DAY, HOUR)) for day in range(4)] == [1.0, 3.0, 3.0, 1.0]
    profile.learn(local_hours(UTC_CALENDAR, DAY, HOUR), HOUR, 5.0, 1.0)
    assert [profile.over(local_hours(UTC_CALENDAR, day * DAY, HOUR)) for day in range(4)] == [1.0, 5.0, 5.0, 1.0]


@given(
    kw=st.lists(st.tuples(st.integers(0, 80), KW, KW), max_size=6),
    weekend_kw=st.sampled_from([(), (7.0,) * 24]),
    smoothing=st.floats(0.0, 1.0),
)
def test_many_profiles_are_each_like_a_single_one(
    kw: list[tuple[int, float, float]], weekend_kw: tuple[float, ...], smoothing: float
) -> None:
    single = HourlyProfile.given(PROFILE), HourlyProfile.given(PROFILE, weekend_kw)
    many = HourlyProfiles()
    for place, profile in enumerate(single):
        many.begin(at(2 * place), profile)
    for hour, *power_kw in kw:
        hours = local_hours(UTC_CALENDAR, hour * HOUR // 2, HOUR)
        many.learn(at(0, 2), hours, HOUR, np.array(power_kw), smoothing)
        for profile, each in zip(single, power_kw, strict=True):
            profile.learn(hours, HOUR, each, smoothing)
    for hour in range(0, 60, 5):
        hours = local_hours(UTC_CALENDAR, hour * HOUR // 2, 2 * HOUR)
        assert many.over(at(0, 2), hours).tolist() == [profile.over(hours) for profile in single]


# Learning


@given(kw=st.lists(KW, min_size=1, max_size=6), smoothing=st.floats(0.0, 1.0))
def test_an_hour_is_learned_by_exponential_smoothing(kw: list[float], smoothing: float) -> None:
    made = forecast(smoothing=smoothing)
    for day, power_kw in enumerate(kw):
        read(made, day * DAY, HOUR, power_kw)
    n = len(kw)
    closed = (1 - smoothing) ** n * PROFILE[0]
    closed += sum(smoothing * (1 - smoothing) ** (n - 1 - day) * power for day, power in enumerate(kw))
    assert one(made, n * DAY) == pytest.approx(closed, abs=1e-9)
    assert one(made, n * DAY + HOUR) == PROFILE[1]


@given(kw=KW, parts=st.sampled_from([1, 2, 4, 12, 60]))
def test_a_steady_hour_teaches_the_same_whatever_the_metering_interval(kw: float, parts: int) -> None:
    made, whole, part = forecast(), forecast(), HOUR // parts
    read(whole, 3 * HOUR, HOUR, kw)
    for number in range(parts):
        read(made, 3 * HOUR + number * part, part, kw / parts)
    assert one(made, DAY + 3 * HOUR) == pytest.approx(one(whole, DAY + 3 * HOUR), abs=1e-9)


def test_near_ahead_the_last_read_is_expected_and_far_ahead_the_customers_own_profile() -> None:
    made = forecast(2)
    read(made, 5 * HOUR, HOUR, 9.0)
    assert one(made, 6 * HOUR) == 9.0
    assert one(made, 7 * HOUR) == 9.0
    assert one(made, 7 * HOUR + 1, HOUR - 1) == PROFILE[7]
    assert one(made, DAY + 5 * HOUR) == pytest.approx(7.0)
    assert one(made, DAY + 5 * HOUR, place=1) == PROFILE[5]


def test_a_class_learns_the_average_of_its_customers_and_only_of_them() -> None:
    made = LoadForecast(
        UTC_CALENDAR, {"": HourlyProfile.given((1.0,) * 24), "shop": HourlyProfile.given((8.0,) * 24)}, smoothing=0.5
    )
    for place, customer_class in enumerate(("residential", "residential", "shop", "shop")):
        made.enrol(place, customer_class)
    given_kw = made.profiles[""].power_kw.copy()
    made.read(at(0, 1, 2), 0, HOUR, np.array([2.0, 4.0, 20.0]))
    made.read(at(0, 1), HOUR, HOUR, np.array([5.0, 9.0]))
    read(made, 2 * HOUR, HOUR, 0.0)
    assert made.profiles[""].power_kw == given_kw
    made.enrol(4, "residential")
    assert one(made, DAY, place=4) == made.class_kw("residential", DAY, HOUR) == pytest.approx(2.0)
    assert one(made, DAY + HOUR, place=4) == pytest.approx(4.0)
    assert one(made, DAY, place=3) == pytest.approx(8.0)


@given(
    reads=st.lists(st.tuples(st.integers(0, 9), st.dictionaries(st.integers(0, 3), KW, min_size=1)), max_size=6),
    weekend=st.booleans(),
)
def test_many_customers_learn_each_as_if_he_was_alone(reads: list[tuple[int, dict[int, float]]], weekend: bool) -> None:
    profiles = {"": HourlyProfile.given(PROFILE), "shop": HourlyProfile.given(PROFILE, (7.0,) * 24 * weekend)}
    together, alone = LoadForecast(UTC_CALENDAR, profiles, 0.5), LoadForecast(UTC_CALENDAR, profiles, 0.5)
    for made in (together, alone):
        for place, customer_class in enumerate(("residential", "shop", "residential", "shop")):
            made.enrol(place, customer_class)
            made.award(at(place), 0, 10 * HOUR, np.array([0.5 * place]))
    for number, rows in reads:
        start = number * HOUR + 20 * HOUR * (number > 4)
        together.read(at(*rows), start, HOUR, np.array(list(rows.values())))
        for place, kwh in rows.items():
            read(alone, start, HOUR, kwh, place)
    for start in (4 * HOUR, *(DAY + hour * HOUR for hour in range(10)), 51 * HOUR):
        expected = together.expected_kw(at(0, 1, 2, 3), start, HOUR)
        assert expected.tolist() == pytest.approx([one(alone, start, place=place) for place in range(4)])


def test_another_customer_at_the_same_usage_point_begins_with_his_class() -> None:
    made = forecast()
    read(made, 0, HOUR, 9.0)
    made.enrol(0, "residential")
    assert one(made, HOUR) == PROFILE[1]


def test_a_read_of_the_past_as_a_revision_is_teaches_nothing() -> None:
    made = forecast()
    read(made, HOUR, HOUR, 4.0)
    read(made, 0, HOUR, 100.0)
    read(made, HOUR, HOUR, 100.0)
    assert one(made, 2 * HOUR) == 4.0
    assert one(made, DAY) == PROFILE[0]


# Awards


def test_what_the_market_has_awarded_is_taken_off_the_read() -> None:
    made = forecast()
    made.award(at(0), 0, HOUR, np.array([6.0]))
    made.award(at(0), STEP, STEP, np.array([2.0]))
    assert read(made, 0, STEP, 1.0) == pytest.approx(6.0)
    assert read(made, STEP, STEP, 1.0) == pytest.approx(10.0)
    assert one(made, 2 * STEP, STEP) == pytest.approx(10.0)
    assert read(made, 2 * STEP, STEP, 1.0) == pytest.approx(6.0)
    assert read(made, HOUR, STEP, 1.0) == pytest.approx(12.0)


def test_what_was_awarded_to_a_customer_who_has_left_is_not_taken_off_his_successors_reads() -> None:
    made = forecast(2)
    made.award(at(0, 1), 0, HOUR, np.array([6.0, 6.0]))
    made.enrol(0, "residential")
    assert [read(made, 0, STEP, 1.0, place) for place in (0, 1)] == pytest.approx([12.0, 6.0])
