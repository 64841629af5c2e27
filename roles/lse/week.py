"""Hours of the week on the local clock."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

from ...kernel import MINUTE, Calendar, Duration, Instant, field, value

HOURS = 24
SATURDAY = 5
_QUARTER = 15 * MINUTE

LocalHours = tuple[tuple[int, int, float], ...]
"""The weekday (0 is Monday), the hour, and the share of a span that lies in it."""


@lru_cache(maxsize=4096)
def local_hours(calendar: Calendar, start: Instant, length: Duration) -> LocalHours:
    """The hours of the local clock that a span touches, each with its share of the span."""
    shares: dict[tuple[int, int], float] = {}
    at, end = start, start + length
    while at < end:
        # No clock changes its hour between two quarters of an hour of the epoch.
        until = min(at + _QUARTER - (calendar.epoch_ns + at) % _QUARTER, end)
        local = calendar.local(at)
        key = local.weekday(), local.hour
        shares[key] = shares.get(key, 0.0) + (until - at) / length
        at = until
    return tuple((weekday, hour, share) for (weekday, hour), share in shares.items())


class Days(Enum):
    """Days of the week."""

    ALL = "all"
    WEEKDAYS = "weekdays"
    WEEKENDS = "weekends"

    def has(self, weekday: int) -> bool:
        """Whether a weekday is among them, 0 for Monday."""
        return self is Days.ALL or (weekday >= SATURDAY) == (self is Days.WEEKENDS)


@value
class WeekHours:
    """Hours of some days, from one hour to another; past midnight where the second is not the greater."""

    days: Days = field("all, weekdays or weekends", default=Days.ALL)
    from_hour: int = field("first hour", unit="h", default=0, at_least=0, at_most=23)
    to_hour: int = field("first hour that is no longer meant", unit="h", default=HOURS, at_least=0, at_most=HOURS)

    def has(self, weekday: int, hour: int) -> bool:
        """Whether an hour of a weekday is among them; those after midnight count as hours of their own day."""
        if not self.days.has(weekday):
            return False
        if self.from_hour < self.to_hour:
            return self.from_hour <= hour < self.to_hour
        return hour >= self.from_hour or hour < self.to_hour


def share_of(hours: Sequence[WeekHours], calendar: Calendar, start: Instant, length: Duration) -> float:
    """The share of a span that lies in some hours of the week; without any, all of it."""
    if not hours:
        return 1.0
    return sum(
        share
        for weekday, hour, share in local_hours(calendar, start, length)
        if any(each.has(weekday, hour) for each in hours)
    )
