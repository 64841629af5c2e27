"""Bills on the local calendar: days of 23 and 25 hours, months, parts of days and months."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, MINUTE, SECOND, Calendar
from gridbus.roles.lse.tariff import Tariff, Usage, bill_lines, load_tariff
from gridbus.roles.lse.tariff.months import local_ns, month_parts
from gridbus.roles.lse.tariff.schedule import Schedule
from gridbus.roles.lse.tariff.tariff import EnergyCharge, EnergyPeriod, EnergyTier, FixedCharge, Per

NEW_YORK = ZoneInfo("America/New_York")
MARCH = Calendar(datetime(2025, 3, 1, 5, tzinfo=UTC), NEW_YORK)
"""From the first hour of March 2025 in New York; the clock goes forward on the 9th."""
NOVEMBER = Calendar(datetime(2025, 11, 1, 4, tzinfo=UTC), NEW_YORK)
"""From the first hour of November 2025 in New York; the clock goes back on the 2nd."""

# Offsets of whole, half and quarter hours, changes of an hour and of half an hour, at night and at midnight.
ZONES = [
    "UTC",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Havana",
    "Africa/Casablanca",
    "Asia/Beirut",
]
BY_HOUR = Tariff(
    "by-hour",
    energy=EnergyCharge(
        tuple(EnergyPeriod(f"hour {hour}", (EnergyTier(1.0),)) for hour in range(24)),
        Schedule((tuple(range(24)),)),
    ),
    fixed=(FixedCharge(0.24, Per.DAY, "day"), FixedCharge(31.0, Per.MONTH, "month")),
)


def usage_of(energy_kwh: list[float], minutes: int = 60, first: int = 0) -> Usage:
    start = first + np.arange(len(energy_kwh)) * minutes * MINUTE
    return Usage(start=start, duration=minutes * MINUTE, energy_kwh=energy_kwh)


def by_component(calendar: Calendar, start: int, end: int) -> dict[str, float]:
    hours = (end - start) // HOUR
    lines = bill_lines(BY_HOUR, usage_of([1.0] * hours, first=start), calendar, start, end)
    return {line.component.removeprefix("energy, "): line.quantity for line in lines}


def test_a_day_of_23_hours_has_no_third_hour_and_is_one_day() -> None:
    start = 8 * DAY
    found = by_component(MARCH, start, start + 23 * HOUR)
    assert [found[f"hour {hour}"] for hour in range(24)] == [1.0, 1.0, 0.0, *[1.0] * 21]
    assert (found["day"], found["month"]) == (1.0, pytest.approx(1 / 31))


def test_a_day_of_25_hours_has_its_second_hour_twice_and_is_one_day() -> None:
    start = 1 * DAY
    found = by_component(NOVEMBER, start, start + 25 * HOUR)
    assert [found[f"hour {hour}"] for hour in range(24)] == [1.0, 2.0, *[1.0] * 22]
    assert (found["day"], found["month"]) == (1.0, pytest.approx(1 / 30))


def test_a_part_of_a_day_counts_by_its_hours() -> None:
    assert by_component(MARCH, 8 * DAY, 8 * DAY + 6 * HOUR)["day"] == pytest.approx(6 / 23)
    assert by_component(NOVEMBER, DAY, DAY + 6 * HOUR)["day"] == pytest.approx(6 / 25)
    assert by_component(MARCH, 0, 6 * HOUR)["day"] == 0.25


def test_whole_months_are_whole_whatever_their_length() -> None:
    calendar = Calendar(datetime(2024, 1, 1, 5, tzinfo=UTC), NEW_YORK)
    end = calendar.instant(datetime(2025, 1, 1, tzinfo=NEW_YORK))
    parts = list(month_parts(calendar, 0, end))
    assert [part.days for part in parts] == [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert {part.share for part in parts} == {1}
    assert all(part.ends for part in parts)
    assert (parts[0].label, parts[-1].label) == ("2024-01", "2024-12")


def test_a_period_over_a_month_boundary_is_prorated_in_each_month() -> None:
    # From the 26th of March to the 11th of April: 6 of 31 days, and 10 of 30.
    start = MARCH.instant(datetime(2025, 3, 26, tzinfo=NEW_YORK))
    end = MARCH.instant(datetime(2025, 4, 11, tzinfo=NEW_YORK))
    lines = bill_lines(BY_HOUR, usage_of([]), MARCH, start, end)
    fixed = [
        (line.month, line.component, line.quantity, str(line.amount)) for line in lines if "hour" not in line.component
    ]
    assert fixed == [
        ("2025-03", "day", 6.0, "1.44"),
        ("2025-03", "month", pytest.approx(6 / 31), "6.00"),
        ("2025-04", "day", 10.0, "2.40"),
        ("2025-04", "month", pytest.approx(10 / 30), "10.33"),
    ]


def test_energy_belongs_to_the_local_month_in_which_its_interval_starts() -> None:
    april = MARCH.instant(datetime(2025, 4, 1, tzinfo=NEW_YORK))
    usage = usage_of([1.0, 2.0, 4.0], minutes=30, first=april - HOUR)
    lines = bill_lines(load_tariff("flat"), usage, MARCH, 0, april + DAY)
    assert [(line.month, line.quantity) for line in lines if line.component == "energy"] == [
        ("2025-03", 3.0),
        ("2025-04", 4.0),
    ]


def test_the_highest_demand_is_that_of_each_month() -> None:
    april = MARCH.instant(datetime(2025, 4, 1, tzinfo=NEW_YORK))
    usage = usage_of([1.0] * 6 + [0.5] * 6, minutes=5, first=april - 30 * MINUTE)
    may = MARCH.instant(datetime(2025, 5, 1, tzinfo=NEW_YORK))
    lines = bill_lines(load_tariff("demand"), usage, MARCH, 0, may)
    assert [line.quantity for line in lines if line.component == "demand"] == [12.0, 6.0]


def test_a_quarter_of_an_hour_that_comes_twice_is_two_quarters_of_demand() -> None:
    start = DAY + HOUR
    usage = usage_of([1.0] * 3 + [0.0] * 9 + [1.0] * 3, minutes=5, first=start)
    lines = bill_lines(load_tariff("demand"), usage, NOVEMBER, 0, 30 * DAY + HOUR)
    assert [line.quantity for line in lines if line.component == "demand"] == [12.0]


dates = st.integers(0, 40 * 366 * 24 * 60).map(lambda m: datetime(1995, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


@given(st.sampled_from(ZONES), dates, st.integers(0, 400 * 24 * 60))
@settings(max_examples=200)
def test_the_local_clock_of_many_instants_is_that_of_each(zone: str, start: datetime, minutes: int) -> None:
    calendar = Calendar(start, ZoneInfo(zone))
    instants = np.array([0, minutes * MINUTE // 2, minutes * MINUTE])
    there = [calendar.local(int(instant)).replace(tzinfo=UTC) for instant in instants]
    expected = [(local - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) for local in there]
    assert (local_ns(calendar, instants) // SECOND).tolist() == expected


@given(st.sampled_from(ZONES), dates, st.lists(st.integers(0, 120 * 24 * 60), min_size=2, max_size=5))
@settings(max_examples=200)
def test_days_and_months_add_up_however_a_period_is_cut(zone: str, start: datetime, minutes: list[int]) -> None:
    calendar = Calendar(start, ZoneInfo(zone))
    cuts = [each * MINUTE for each in sorted(minutes)]
    whole = list(month_parts(calendar, cuts[0], cuts[-1]))
    pieces = [part for begin, end in pairwise(cuts) for part in month_parts(calendar, begin, end)]
    for what in ("days", "share"):
        sums = [sum((getattr(part, what) for part in parts), Decimal(0)) for parts in (whole, pieces)]
        assert float(sums[0]) == pytest.approx(float(sums[1]), abs=1e-12)
    assert all(0 < part.share <= 1 for part in whole)
    assert [part.start for part in whole[1:]] == [part.end for part in whole[:-1]]
    # No day has fewer than 22 hours or more than 26.
    days = Fraction(cuts[-1] - cuts[0], 24 * HOUR)
    assert float(days) * 22 / 26 <= float(sum((part.days for part in whole), Decimal(0))) <= float(days) * 26 / 22
