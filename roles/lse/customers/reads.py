"""The meter reads of all usage points: tables of numbers, as a year has a hundred thousand of each."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from ....kernel import HOUR, MINUTE, Duration, Instant, UsageError
from .points import BoolArray, FloatArray, Places, room_for, taken

_BLOCK = 256
"""Intervals of a table; longer ones would have to be copied more often, shorter ones put together more often."""


@attrs.define
class _Table:
    """Numbers by usage point and interval, in blocks of shape (n_usage_points, _BLOCK)."""

    empty: float
    _blocks: list[FloatArray] = attrs.field(factory=list, init=False)

    def column(self, number: int, count: int) -> FloatArray:
        """The numbers of an interval, to be written; with room for so many usage points."""
        block, place = divmod(number, _BLOCK)
        while len(self._blocks) <= block:
            self._blocks.append(np.zeros((0, _BLOCK)))
        self._blocks[block] = room_for(self._blocks[block], count, self.empty)
        return self._blocks[block][:, place]

    def at(self, number: int, places: Places) -> FloatArray:
        """The numbers of an interval at some places."""
        block, place = divmod(number, _BLOCK)
        if block >= len(self._blocks):
            return np.full(len(places), self.empty)
        return taken(self._blocks[block][:, place], places, self.empty)

    def row(self, place: int, first: int, last: int) -> FloatArray:
        """The numbers of one usage point from an interval up to another."""
        parts = []
        for number in range(first // _BLOCK, min(-(-last // _BLOCK), len(self._blocks))):
            block, begin = self._blocks[number], number * _BLOCK
            span = slice(max(first - begin, 0), min(last - begin, _BLOCK))
            parts.append(block[place, span] if place < len(block) else np.full(span.stop - span.start, self.empty))
        return np.concatenate(parts) if parts else np.zeros(0)


@attrs.frozen(eq=False)
class Replaced:
    """What new reads have taken the place of; arrays in the order of the reads."""

    energy_kwh: FloatArray
    """Not a number for a first read. [kWh]"""
    is_entered: BoolArray
    """Whether the read was entered: one that is out of date is not."""


@attrs.define
class Reads:
    """Energy in intervals of one length, counted from the start of the run; only the last may be shorter."""

    duration: Duration = attrs.field(default=0, init=False)
    """Length of an interval: that of the first one that is read, or all before it where it is out of step. [ns]"""
    _energy_kwh: _Table = attrs.field(factory=lambda: _Table(np.nan), init=False)
    _awarded_kwh: _Table = attrs.field(factory=lambda: _Table(0.0), init=False)
    _revisions: dict[tuple[int, int], int] = attrs.field(factory=dict, init=False)
    """Revisions of reads that were revised, by interval and place."""
    _cut_short: tuple[int, Duration] = attrs.field(default=(-1, 0), init=False)
    """Number and length of an interval that the end of the run has cut short."""

    def enter(
        self, places: Places, start: Instant, duration: Duration, energy_kwh: FloatArray, revision: int
    ) -> Replaced:
        """Enter reads of one interval and revision, one a usage point [kWh].

        Raises:
            UsageError: the interval is none of those of the meters.
        """
        number = self._number(start, duration)
        column = self._energy_kwh.column(number, int(places.max(initial=-1)) + 1)
        before = column[places]
        is_entered = np.isnan(before)
        if revision > 1:
            known = [self._revisions.get((number, place), 1) for place in places.tolist()]
            is_entered |= revision > np.array(known, dtype=np.int64)
            self._revisions |= {(number, place): revision for place in places[is_entered].tolist()}
        column[places[is_entered]] = energy_kwh[is_entered]
        return Replaced(before, is_entered)

    def award(self, places: Places, start: Instant, energy_kwh: FloatArray) -> None:
        """Keep what markets had awarded in an interval [kWh]."""
        self._awarded_kwh.column(start // self.duration, int(places.max(initial=-1)) + 1)[places] = energy_kwh

    def awarded(self, places: Places, start: Instant) -> FloatArray:
        """What markets had awarded in an interval [kWh]."""
        return self._awarded_kwh.at(start // self.duration, places)

    def between(self, place: int, start: Instant, end: Instant) -> tuple[NDArray[np.int64], FloatArray]:
        """First instants and energy [kWh] of the intervals that were read and begin in a period; each of shape (n,)."""
        if not self.duration:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        first = -(-start // self.duration)
        energy = self._energy_kwh.row(place, first, -(-end // self.duration))
        read = np.flatnonzero(~np.isnan(energy))
        return (first + read.astype(np.int64)) * self.duration, energy[read]

    def metered_kwh(self, places: Places, start: Instant, end: Instant) -> FloatArray:
        """Energy in a span, of intervals in part the same part; not a number where some of it was not read [kWh]."""
        total, at = np.zeros(len(places)), start
        while at < end:
            length, number = self.length(at), at // (self.duration or HOUR)
            until = min(number * self.duration + length, end)
            if until <= at:
                return np.full(len(places), np.nan)
            total += self._energy_kwh.at(number, places) * (until - at) / length
            at = until
        return total

    def length(self, instant: Instant) -> Duration:
        """Length of the interval that an instant lies in. [ns]"""
        if not self.duration or instant // self.duration != self._cut_short[0]:
            return self.duration
        return self._cut_short[1]

    def _number(self, start: Instant, duration: Duration) -> int:
        """The number of an interval, which may be the first that is read."""
        if not self.duration:
            # Intervals are counted from the start of the run: one that is out of step is cut short by the run's end.
            self.duration = start if start % duration else duration
        number, rest = divmod(start, self.duration)
        if rest or duration > self.duration:
            raise UsageError(
                f"meters are read in intervals of {self.duration / MINUTE:g} min and of {duration / MINUTE:g} min; "
                "give all distribution operators the same interval_min"
            )
        if duration < self.duration:
            self._cut_short = number, duration
        return number
