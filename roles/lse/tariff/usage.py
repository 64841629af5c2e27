"""What a customer used, interval by interval, with the positions and prices that some tariffs need beside it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import fsum

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....kernel import HOUR, MINUTE, Calendar, Duration, Instant, UsageError
from .months import MonthPart, local_ns
from .schedule import HOURS, IntArray, Schedule
from .tariff import MarketRule, Tariff

FloatArray = NDArray[np.float64]

_DAY_NS = HOURS * HOUR
_THURSDAY = 3
"""The day of the week on which 1970 began, Monday being 0."""

NEEDS: dict[MarketRule | None, tuple[str, ...]] = {
    None: (),
    MarketRule.DYNAMIC: ("price_per_kwh",),
    MarketRule.SUBSCRIPTION: ("baseline_kw", "day_ahead_per_kwh"),
    MarketRule.TRANSACTIVE: ("day_ahead_kw", "day_ahead_per_kwh", "real_time_per_kwh"),
}
"""The arrays of a usage that a tariff cannot do without."""


def _instants(values: ArrayLike) -> IntArray:
    return np.asarray(values, dtype=np.int64)


def _floats(values: ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def _maybe_floats(values: ArrayLike | None) -> FloatArray | None:
    return None if values is None else _floats(values)


@attrs.frozen(eq=False, kw_only=True)
class Usage:
    """Energy of one usage point in intervals of one length, and what its tariff needs beside it.

    Every array has shape (n,). An interval belongs to the hour, the month and the bill in which it starts.

    Raises:
        UsageError: the arrays do not fit each other; says every fault.
    """

    start: IntArray = attrs.field(converter=_instants)
    """First instants of the intervals, ascending; there may be gaps. [ns]"""
    duration: Duration
    """Length of each interval. [ns]"""
    energy_kwh: FloatArray = attrs.field(converter=_floats)
    """Metered energy, consumption positive. [kWh]"""
    price_per_kwh: FloatArray | None = attrs.field(default=None, converter=_maybe_floats)
    """Published price of a dynamic tariff. [$/kWh]"""
    baseline_kw: FloatArray | None = attrs.field(default=None, converter=_maybe_floats)
    """Subscribed load. [kW]"""
    day_ahead_kw: FloatArray | None = attrs.field(default=None, converter=_maybe_floats)
    """Position from the day-ahead market. [kW]"""
    day_ahead_per_kwh: FloatArray | None = attrs.field(default=None, converter=_maybe_floats)
    """Day-ahead price. [$/kWh]"""
    real_time_per_kwh: FloatArray | None = attrs.field(default=None, converter=_maybe_floats)
    """Real-time price. [$/kWh]"""

    def __attrs_post_init__(self) -> None:
        if faults := list(_faults(self)):
            raise UsageError("; ".join(faults))

    @property
    def hours(self) -> float:
        """Length of an interval [h]."""
        return self.duration / HOUR

    def needed(self, name: str) -> FloatArray:
        """An array that a tariff needs.

        Raises:
            UsageError: it is not there.
        """
        array: FloatArray | None = getattr(self, name)
        if array is None:
            raise UsageError(f"this usage has no {name}")
        return array

    def between(self, start: Instant, end: Instant) -> Usage:
        """The intervals that start in a period."""
        first, last = np.searchsorted(self.start, (start, end))
        parts = {name: array[first:last] for name, array in _arrays(self)}
        return Usage(start=self.start[first:last], duration=self.duration, **parts)


@attrs.frozen(eq=False)
class MonthUsage:
    """The usage in a part of a month, with the local clock of each interval."""

    part: MonthPart
    usage: Usage
    local: IntArray
    """What the local clock shows at the start of each interval. [ns of 1970]"""

    @classmethod
    def of(cls, part: MonthPart, usage: Usage, calendar: Calendar) -> MonthUsage:
        """The intervals of a usage that start in a part of a month."""
        there = usage.between(part.start, part.end)
        return cls(part, there, local_ns(calendar, there.start))

    def periods(self, schedule: Schedule) -> IntArray:
        """The index of the period in force at the start of each interval, shape (n,)."""
        day, of_day = np.divmod(self.local, _DAY_NS)
        weekend = (day + _THURSDAY) % 7 >= 5
        there: IntArray = schedule.table()[weekend.astype(np.int64), self.part.month - 1, of_day // HOUR]
        return there

    def scheduled(self, schedule: Schedule) -> list[int]:
        """The periods that the month has, whether anything was used in them or not."""
        return [int(period) for period in np.unique(schedule.table()[:, self.part.month - 1])]

    def windows(self, minutes: float) -> tuple[IntArray, IntArray]:
        """The windows of the local clock in which the intervals start.

        Returns the index of the first interval of each window, ascending, and the window of each interval, shape (n,).
        """
        length = max(round(minutes * MINUTE), 1)
        begin = self.usage.start - self.local % length
        _, first, window = np.unique(begin, return_index=True, return_inverse=True)
        return first, window


def exact_sum(values: FloatArray) -> Decimal:
    """The sum of floats as a decimal, rounded once from the exact sum to the nearest float."""
    return Decimal(repr(fsum(values.tolist())))


def check_usage(tariff: Tariff, usage: Usage) -> None:
    """Whether a usage has what a tariff needs.

    Raises:
        UsageError: it has not; says all that is missing.
    """
    faults = [
        f"its rule is {tariff.market_rule.value}, so it needs {name} in each interval"
        for name in NEEDS[tariff.market_rule]
        if tariff.market_rule is not None and getattr(usage, name) is None
    ]
    averaged = [("demand", charge.interval_min) for charge in tariff.demand]
    if tariff.export.netting_min is not None:
        averaged.append(("net exports", tariff.export.netting_min))
    for what, minutes in averaged:
        if usage.duration < minutes * MINUTE and round(minutes * MINUTE) % usage.duration:
            given = usage.duration / MINUTE
            faults.append(f"it takes {what} over {minutes:g} min, which intervals of {given:g} min do not fill")
    if faults:
        raise UsageError(f"tariff {tariff.name} cannot bill this usage: {'; '.join(faults)}")


def _arrays(usage: Usage) -> Iterator[tuple[str, FloatArray]]:
    """The arrays of floats that are there, with their names."""
    for name in (
        "energy_kwh",
        "price_per_kwh",
        "baseline_kw",
        "day_ahead_kw",
        "day_ahead_per_kwh",
        "real_time_per_kwh",
    ):
        array = getattr(usage, name)
        if array is not None:
            yield name, array


def _faults(usage: Usage) -> Iterator[str]:
    if usage.duration <= 0:
        yield f"expected a duration above 0, got {usage.duration} ns"
    if usage.start.ndim != 1 or (np.diff(usage.start) < usage.duration).any():
        yield "expected starts in one row that ascend by at least the duration"
    for name, array in _arrays(usage):
        if array.shape != usage.start.shape:
            yield f"expected {name} of shape {usage.start.shape}, one value an interval, got {array.shape}"
        elif not np.isfinite(array).all():
            where = int(np.flatnonzero(~np.isfinite(array))[0])
            yield f"expected numbers in {name}, got {array[where]} in interval {where}"
