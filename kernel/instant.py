"""Simulated time: integer nanoseconds from the start of the scenario; dates only at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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


def seconds(count: float) -> Duration:
    """A duration from a number of seconds, rounded to the nanosecond."""
    return round(count * SECOND)


@attrs.frozen
class Calendar:
    """Relates instants to dates: ``start`` is instant 0; ``zone`` is where people read clocks."""

    start: datetime = attrs.field()
    zone: ZoneInfo = attrs.field(factory=lambda: ZoneInfo("UTC"))

    @start.validator
    def _aware(self, _: object, value: datetime) -> None:
        if value.tzinfo is None:
            raise ValueError(f"the start {value} has no zone; write 2025-07-16T22:00:00-04:00")

    @property
    def epoch_ns(self) -> int:
        """Instant 0 in nanoseconds of the Unix epoch."""
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

    def text(self, instant: Instant) -> str:
        """An instant as people of the place write it."""
        return self.local(instant).isoformat(timespec="seconds" if instant % SECOND == 0 else "microseconds")


def _nanoseconds(span: timedelta) -> int:
    return (span // timedelta(microseconds=1)) * 1000
