"""The agenda: one heap of future wake-ups, in the total order (instant, priority, sequence)."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from .instant import Instant

if TYPE_CHECKING:
    from .activity import Activity

FIRST, NORMAL, LAST = -1, 0, 1
"""Priorities within an instant: each begins when all rounds of the one before have come to rest."""

Due = tuple[Instant, int]
"""An instant and the priority within it."""


class Wake:
    """An entry of the agenda; cancelled by taking its activity away."""

    __slots__ = ("activity",)

    def __init__(self, activity: Activity) -> None:
        self.activity: Activity | None = activity


class Agenda:
    """Wake-ups to come, earliest first."""

    __slots__ = ("_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, int, Wake]] = []
        self._sequence = 0

    def push(self, instant: Instant, priority: int, activity: Activity) -> Wake:
        """Enter a wake-up and return it, so that it can be cancelled."""
        self._sequence = sequence = self._sequence + 1
        wake = Wake(activity)
        heappush(self._heap, (instant, priority, sequence, wake))
        return wake

    def due(self) -> Due | None:
        """The earliest instant and priority at which something is due; None when nothing is."""
        heap = self._heap
        while heap and heap[0][3].activity is None:
            heappop(heap)
        return heap[0][:2] if heap else None

    def pop_due(self, now: Instant, priority: int) -> list[Activity]:
        """Take out what is due at ``now`` with a priority, in order of entry."""
        due: list[Activity] = []
        if self.due() is None:
            return due
        heap = self._heap
        while heap and heap[0][0] == now and heap[0][1] == priority:
            wake = heappop(heap)[3]
            if wake.activity is not None:
                due.append(wake.activity)
                wake.activity = None
        return due

    def forget(self, activity: Activity) -> None:
        """Cancel whatever an activity has entered."""
        for *_, wake in self._heap:
            if wake.activity is activity:
                wake.activity = None

    def __len__(self) -> int:
        return len(self._heap)
