"""Values that hold for intervals: prices, awards and positions of slots."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Generic, TypeVar

import attrs

from ..kernel import Duration, Instant

T = TypeVar("T")


@attrs.frozen
class Held(Generic[T]):
    """A value and the interval that it holds for."""

    start: Instant
    end: Instant
    value: T

    @property
    def length(self) -> Duration:
        """Length of the interval. [ns]"""
        return self.end - self.start


@attrs.define
class Intervals(Generic[T]):
    """Values of half-open intervals that do not overlap, such as the slots of a series."""

    _starts: list[Instant] = attrs.field(factory=list, init=False)
    _held: dict[Instant, Held[T]] = attrs.field(factory=dict, init=False)
    entries: int = attrs.field(default=0, init=False)
    """How often something was entered, so that what was made of it can be kept until it changes."""

    def enter(self, start: Instant, length: Duration, value: T) -> None:
        """Enter a value; a later one for the same start replaces it."""
        if start not in self._held:
            insort(self._starts, start)
        self._held[start] = Held(start, start + length, value)
        self.entries += 1

    def at(self, instant: Instant) -> Held[T] | None:
        """What holds at an instant."""
        place = bisect_right(self._starts, instant)
        held = self._held[self._starts[place - 1]] if place else None
        return held if held is not None and instant < held.end else None

    def after(self, instant: Instant) -> Held[T] | None:
        """The first that begins after an instant."""
        place = bisect_right(self._starts, instant)
        return self._held[self._starts[place]] if place < len(self._starts) else None

    def before(self, instant: Instant) -> Held[T] | None:
        """The last that begins before an instant."""
        place = bisect_left(self._starts, instant)
        return self._held[self._starts[place - 1]] if place else None

    def over(self, start: Instant, end: Instant) -> Iterator[tuple[Duration, Held[T]]]:
        """What holds in a span, in order of time, each with the time that it shares with the span."""
        for place in range(max(bisect_right(self._starts, start) - 1, 0), bisect_left(self._starts, end)):
            held = self._held[self._starts[place]]
            shared = min(held.end, end) - max(held.start, start)
            if shared > 0:
                yield shared, held

    def forget(self, before: Instant) -> None:
        """Drop what has ended before an instant."""
        while self._starts and self._held[self._starts[0]].end <= before:
            del self._held[self._starts.pop(0)]

    def __iter__(self) -> Iterator[Held[T]]:
        return (self._held[start] for start in self._starts)

    def __len__(self) -> int:
        return len(self._starts)
