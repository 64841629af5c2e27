"""Local days of a run, and instants in them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from ...kernel import HOUR, Calendar, Instant

NOON_H = 12.0


def is_weekend(day: date) -> bool:
    """Saturday or Sunday."""
    return day.weekday() >= 5


def instant_of(calendar: Calendar, day: date, hour: float) -> Instant:
    """The instant of a local time of day, counted from noon: on days on which clocks change, right after that."""
    return calendar.instant(datetime.combine(day, time(12), calendar.zone)) + round((hour - NOON_H) * HOUR)


def bounds_of(calendar: Calendar, day: date) -> tuple[Instant, Instant]:
    """The midnights that a day lies between."""
    first, second = (datetime.combine(day + timedelta(days=ahead), time(), calendar.zone) for ahead in (0, 1))
    return calendar.instant(first), calendar.instant(second)


def days_between(calendar: Calendar, start: Instant, stop: Instant) -> list[date]:
    """The local days that an interval touches, in their order."""
    first, last = calendar.local(start).date(), calendar.local(stop - 1).date()
    return [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
