"""The local clock of many instants at once, and the months that a period covers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

import attrs
import numpy as np

from ....kernel import DAY, SECOND, Calendar, Instant
from .schedule import IntArray

_DAY_S = DAY // SECOND


@attrs.frozen
class MonthPart:
    """What a period covers of a month of the local calendar."""

    year: int
    month: int
    start: Instant
    end: Instant
    days: Decimal
    """Local days covered; of a day that is covered in part, that part of its 23, 24 or 25 hours."""
    of_days: int
    """Days of the month."""
    ends: bool
    """Whether the last instant of the month is covered."""

    @property
    def share(self) -> Decimal:
        """The part of the month's days that is covered."""
        return self.days / self.of_days

    @property
    def label(self) -> str:
        """The month as written on bills, 2025-07."""
        return f"{self.year}-{self.month:02}"


def month_parts(calendar: Calendar, start: Instant, end: Instant) -> Iterator[MonthPart]:
    """The months of the local calendar that a period covers, in order."""
    while start < end:
        today = calendar.local(start).date()
        following = (today.replace(day=1) + timedelta(days=31)).replace(day=1)
        of_days = (following - timedelta(days=1)).day
        stop = midnight(calendar, following)
        ends = stop <= end
        until = Decimal(of_days) if ends else _days_gone(calendar, end)
        days = until - _days_gone(calendar, start)
        yield MonthPart(today.year, today.month, start, min(stop, end), days, of_days, ends)
        start = stop


def midnight(calendar: Calendar, day: date) -> Instant:
    """The first instant of a local day."""
    return calendar.instant(datetime(day.year, day.month, day.day, tzinfo=calendar.zone))


def local_ns(calendar: Calendar, instants: IntArray) -> IntArray:
    """What the local clock shows, in nanoseconds since 1970 began on it; shape as that of the instants."""
    utc_ns = instants + calendar.epoch_ns
    if not utc_ns.size:
        return utc_ns
    utc_s = utc_ns // SECOND
    first, last = int(utc_s.min()) // _DAY_S, int(utc_s.max()) // _DAY_S + 1
    edges, offsets_s = _offsets(calendar.zone, first, last)
    return utc_ns + offsets_s[np.searchsorted(edges, utc_s, side="right")] * SECOND


def _days_gone(calendar: Calendar, instant: Instant) -> Decimal:
    """Local days from the first of the month to an instant in it."""
    today = calendar.local(instant).date()
    begin, end = midnight(calendar, today), midnight(calendar, today + timedelta(days=1))
    return today.day - 1 + Decimal(instant - begin) / Decimal(end - begin)


@lru_cache(maxsize=256)
def _offsets(zone: ZoneInfo, first_day: int, last_day: int) -> tuple[IntArray, IntArray]:
    """The changes of a zone's offset between two days of the epoch [s], and the offsets around them [s]."""
    edges = []
    offsets = [_offset_s(zone, first_day * _DAY_S)]
    for day in range(first_day, last_day):
        low, high = day * _DAY_S, (day + 1) * _DAY_S
        after = _offset_s(zone, high)
        if after == offsets[-1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _offset_s(zone, middle) == after else (middle, high)
        edges.append(high)
        offsets.append(after)
    return np.array(edges, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _offset_s(zone: ZoneInfo, utc_s: int) -> int:
    offset = datetime.fromtimestamp(utc_s, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
