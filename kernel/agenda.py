"""The agenda: one heap of future wake-ups, in the total order (instant, priority, sequence)."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from .instant import Instant

if TYPE_CHECKING:
    from .activity import Activity

FIRST, NORMAL, LAST = -1, 0, 1
"""Priorities within an instant: each begins when all rounds of the one before have come to rest."""


class Wake:
    """An entry of the agenda; cancelled by taking its activity away."""

    __slots__ = ("activity", "instant", "priority", "sequence")

    def __init__(self, instant: Instant, priority: int, sequence: int, activity: Activity | None) -> None:
        self.instant, self.priority, self.sequence, self.activity = instant, priority, sequence, activity

    def __lt__(self, other: Wake) -> bool:
        if self.instant != other.instant:
            return self.instant < other.instant
        if self.priority != other.priority:
            return self.priority < other.priority
        return self.sequence < other.sequence


class Agenda:
    """Wake-ups to come, earliest first."""

    __slots__ = ("_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[Wake] = []
        self._sequence = 0

    def push(self, instant: Instant, priority: int, activity: Activity | None) -> Wake:
        """Enter a wake-up and return it, so that it can be cancelled."""
        self._sequence += 1
        wake = Wake(instant, priority, self._sequence, activity)
        heappush(self._heap, wake)
        return wake

    def next_instant(self) -> Instant | None:
        """The earliest instant at which something is due; None when nothing is."""
        heap = self._heap
        while heap and heap[0].activity is None:
            heappop(heap)
        return heap[0].instant if heap else None

    def pop_due(self, now: Instant) -> list[Activity]:
        """Take out what is due at ``now`` with the lowest priority value, in order of entry."""
        due: list[Activity] = []
        if self.next_instant() != now:
            return due
        heap, priority = self._heap, self._heap[0].priority
        while heap and heap[0].instant == now and heap[0].priority == priority:
            wake = heappop(heap)
            if wake.activity is not None:
                due.append(wake.activity)
                wake.activity = None
        return due

    def forget(self, activity: Activity) -> None:
        """Cancel whatever an activity has entered."""
        for wake in self._heap:
            if wake.activity is activity:
                wake.activity = None

    def __len__(self) -> int:
        return len(self._heap)
