"""The meter reads of one usage point: rows of numbers, as a year has a hundred thousand of them."""

from __future__ import annotations

from array import array
from math import isnan, nan

import attrs
import numpy as np
from numpy.typing import NDArray

from ....kernel import MINUTE, Duration, Instant, UsageError


@attrs.define
class Reads:
    """Energy in intervals of one length, counted from the start of the run; only the last may be shorter."""

    usage_point: str
    duration: Duration
    energy_kwh: array[float] = attrs.field(factory=lambda: array("d"), init=False)
    """Not a number where nothing was read. [kWh]"""
    awarded_kwh: array[float] = attrs.field(factory=lambda: array("d"), init=False)
    """What markets had awarded in the interval. [kWh]"""
    _revisions: dict[int, int] = attrs.field(factory=dict, init=False)
    """Revisions of reads that were revised, by place."""
    _cut_short: tuple[int, Duration] = attrs.field(default=(-1, 0), init=False)
    """Place and length of an interval that the end of the run has cut short."""

    def enter(self, start: Instant, duration: Duration, energy_kwh: float, revision: int) -> float | None:
        """Enter a read; returns what it replaces, not a number for a first one, None for one that is out of date.

        Raises:
            UsageError: the interval is none of those of the meter.
        """
        place, rest = divmod(start, self.duration)
        if rest or duration > self.duration:
            raise UsageError(
                f"{self.usage_point} is read in intervals of {self.duration / MINUTE:g} min and of "
                f"{duration / MINUTE:g} min; give all distribution operators the same interval_min"
            )
        self._grow(place)
        before = self.energy_kwh[place]
        if not isnan(before) and revision <= self._revisions.get(place, 1):
            return None
        if revision > 1:
            self._revisions[place] = revision
        if duration < self.duration:
            self._cut_short = place, duration
        self.energy_kwh[place] = energy_kwh
        return before

    def award(self, start: Instant, energy_kwh: float) -> None:
        """Keep what markets had awarded in an interval [kWh]."""
        self.awarded_kwh[start // self.duration] = energy_kwh

    def awarded(self, start: Instant) -> float:
        """What markets had awarded in an interval [kWh]."""
        return self.awarded_kwh[start // self.duration]

    def between(self, start: Instant, end: Instant) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """First instants and energy [kWh] of the intervals that were read and begin in a period; each of shape (n,)."""
        first, last = -(-start // self.duration), min(-(-end // self.duration), len(self.energy_kwh))
        energy = np.array(self.energy_kwh[first:last], dtype=np.float64)
        places = np.flatnonzero(~np.isnan(energy))
        return (first + places.astype(np.int64)) * self.duration, energy[places]

    def metered_kwh(self, start: Instant, end: Instant) -> float | None:
        """Energy in a span, of intervals in part the same part; None where some of it was not read [kWh]."""
        total, at = 0.0, start
        while at < end:
            place = at // self.duration
            length = self.length(at)
            until = min(place * self.duration + length, end)
            if place >= len(self.energy_kwh) or isnan(self.energy_kwh[place]) or until <= at:
                return None
            total += self.energy_kwh[place] * (until - at) / length
            at = until
        return total

    def length(self, instant: Instant) -> Duration:
        """Length of the interval that an instant lies in. [ns]"""
        return self._cut_short[1] if instant // self.duration == self._cut_short[0] else self.duration

    def _grow(self, place: int) -> None:
        missing = place + 1 - len(self.energy_kwh)
        if missing > 0:
            self.energy_kwh.extend([nan] * missing)
            self.awarded_kwh.extend([0.0] * missing)
