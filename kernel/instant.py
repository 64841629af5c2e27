"""Simulated time: integer nanoseconds from the start of the scenario; dates only at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

import attrs

Instant = Annotated[int, "instant"]
"""A point in simulated time. [ns since the start of the scenario]"""

Duration = Annotated[int, "duration"]
"""A span of simulated time. [ns]"""

SECOND: Duration = 1_000_000_000
MINUTE: Duration = 60 * SECOND
HOUR: Duration = 60 * MINUTE
DAY: Duration = 24 * HOUR
_QUARTER = 15 * MINUTE


def seconds(count: float) -> Duration:
    """A duration from a number of seconds, rounded to the nanosecond."""
    return round(count * SECOND)


@attrs.frozen
class Calendar:
    """Relates instants to dates: ``start`` is instant 0; ``zone`` is where people read clocks."""

    start: datetime
    zone: ZoneInfo = attrs.field(factory=lambda: ZoneInfo("UTC"))
    epoch_ns: int = attrs.field(init=False, repr=False, eq=False)
    """Instant 0 in nanoseconds of the Unix epoch."""

    @epoch_ns.default
    def _since_1970(self) -> int:
        if self.start.tzinfo is None:
            raise ValueError(f"the start {self.start} has no zone; write 2025-07-16T22:00:00-04:00")
        return _nanoseconds(self.start - datetime(1970, 1, 1, tzinfo=UTC))

    def utc(self, instant: Instant) -> datetime:
        """The date of an instant in UTC, to the microsecond."""
        return self.start.astimezone(UTC) + timedelta(microseconds=instant // 1000)

    def local(self, instant: Instant) -> datetime:
        """The date of an instant on the local clock."""
        return self.utc(instant).astimezone(self.zone)

    def instant(self, date: datetime) -> Instant:
        """The instant of a date, negative before the start."""
        # By way of UTC: Python takes the difference of two dates of one zone on that zone's clock.
        return _nanoseconds(date.astimezone(UTC) - self.start.astimezone(UTC))

    def hour(self, instant: Instant) -> float:
        """The time of day on the local clock. [h, 0 to 24]"""
        quarter, rest = divmod(self.epoch_ns + instant, _QUARTER)
        return (_hour_at(self.zone, quarter) + rest / HOUR) % 24.0

    def text(self, instant: Instant) -> str:
        """An instant as people of the place write it."""
        return self.local(instant).isoformat(timespec="seconds" if instant % SECOND == 0 else "microseconds")


@lru_cache(maxsize=1024)
def _hour_at(zone: ZoneInfo, quarter: int) -> float:
    """The time of day at a quarter of an hour of the epoch; no clock is put forward or back between two of them. [h]"""
    local = datetime.fromtimestamp(quarter * 900, zone)
    return local.hour + local.minute / 60.0 + local.second / 3600.0


def _nanoseconds(span: timedelta) -> int:
    return (span // timedelta(microseconds=1)) * 1000
