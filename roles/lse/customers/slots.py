"""Values of slots at usage points, such as positions and local prices: a row of numbers a slot."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from ....kernel import Duration, Instant
from ...intervals import Held, Intervals
from .points import FloatArray, Places, room_for, taken

Span = tuple[Instant, Instant]
"""First instant, and first instant after."""


@attrs.frozen(eq=False)
class Course:
    """Slots against intervals: which share time, for the values of one usage point after the other.

    The arrays have shape (n_pairs,), in order of the slots' first instants.
    """

    count: int
    """Intervals."""
    rows: tuple[FloatArray, ...]
    """Of each slot."""
    interval: Places
    slot: Places
    shared_ns: FloatArray
    """Time that an interval and a slot share."""
    is_begun: NDArray[np.bool_]
    """Whether the interval begins in the slot."""

    def at(self, place: int) -> FloatArray:
        """The value that holds at the begin of each interval; not a number where there is none."""
        values, found = self._values(place), np.full(self.count, np.nan)
        holds = self.is_begun & ~np.isnan(values)
        found[self.interval[holds]] = values[holds]
        return found

    def summed(self, place: int) -> FloatArray:
        """The values over each interval, each times the nanoseconds that it holds in it."""
        weights = self.shared_ns * np.nan_to_num(self._values(place))
        return np.bincount(self.interval, weights=weights, minlength=self.count).astype(np.float64)

    def _values(self, place: int) -> FloatArray:
        values = [row[place] if place < len(row) else np.nan for row in self.rows]
        return np.array(values, dtype=np.float64)[self.slot]


@attrs.define
class SlotValues:
    """Values of half-open slots by usage point; a later one for the same start at a usage point replaces it.

    Markets may have slots of several lengths, and begin them at other minutes: slots of one length and phase never
    overlap, and are kept together.
    """

    _lanes: dict[tuple[Duration, Duration], Intervals[FloatArray]] = attrs.field(factory=dict, init=False)

    def enter(self, start: Instant, length: Duration, places: Places, values: FloatArray) -> None:
        """Enter the values of a slot at some places."""
        for lane in self._lanes.values():
            held = lane.at(start)
            if held is not None and held.start == start and held.length != length:
                held.value[places[places < len(held.value)]] = np.nan
        lane = self._lanes.setdefault((length, start % length), Intervals())
        held, count = lane.at(start), int(places.max(initial=-1)) + 1
        row = room_for(np.zeros(0) if held is None else held.value, count, np.nan)
        row[places] = values
        lane.enter(start, length, row)

    def at(self, places: Places, instant: Instant) -> FloatArray:
        """The value at each place that holds at an instant; not a number where there is none."""
        found = np.full(len(places), np.nan)
        for held in sorted(self._holding(instant), key=lambda each: each.start):
            values = taken(held.value, places)
            found = np.where(np.isnan(values), found, values)
        return found

    def summed(self, places: Places, start: Instant, end: Instant) -> FloatArray:
        """At each place, the values over a span, each times the nanoseconds that it holds in it."""
        total = np.zeros(len(places))
        for shared, held in self.over(start, end):
            total += np.nan_to_num(shared * taken(held.value, places))
        return total

    def over(self, start: Instant, end: Instant) -> Iterator[tuple[Duration, Held[FloatArray]]]:
        """The slots of a span, each with the time that it shares with it, and its row by place."""
        for lane in self._lanes.values():
            yield from lane.over(start, end)

    def _holding(self, instant: Instant) -> Iterator[Held[FloatArray]]:
        for lane in self._lanes.values():
            if (held := lane.at(instant)) is not None:
                yield held

    def course(self, spans: Sequence[Span]) -> Course:
        """The slots against intervals, which are in order of time and do not overlap."""
        begins, ends = [begin for begin, _ in spans], [end for _, end in spans]
        reached = self.over(begins[0], ends[-1]) if spans else ()
        held = sorted((each for _, each in reached), key=lambda each: each.start)
        touched = [range(bisect_right(ends, each.start), bisect_left(begins, each.end)) for each in held]
        pairs = [(number, slot) for slot, numbers in enumerate(touched) for number in numbers]
        shared = [min(held[slot].end, ends[n]) - max(held[slot].start, begins[n]) for n, slot in pairs]
        return Course(
            count=len(spans),
            rows=tuple(each.value for each in held),
            interval=np.array([number for number, _ in pairs], dtype=np.intp),
            slot=np.array([slot for _, slot in pairs], dtype=np.intp),
            shared_ns=np.array(shared, dtype=np.float64),
            is_begun=np.array([held[slot].start <= begins[n] for n, slot in pairs], dtype=bool),
        )

    @property
    def entries(self) -> int:
        """How often something was entered."""
        return sum(lane.entries for lane in self._lanes.values())
