"""What markets have awarded at usage points: known already, so that it is no part of a forecast."""

from __future__ import annotations

from itertools import pairwise

import attrs
import numpy as np

from ....kernel import DAY, HOUR, Duration, Instant
from ..customers.points import FloatArray, Instants, Places, room_for, taken

NEVER = np.iinfo(np.int64).min
"""An instant before all others."""

_KEPT = DAY
"""How long the awards of those are kept whose meters are not read."""


@attrs.frozen(eq=False)
class _Award:
    """The awards of a slot."""

    start: Instant
    end: Instant
    places: Places
    power_kw: FloatArray
    """By place; not a number where there is none. [kW]"""

    def is_superseded(self, later: _Award) -> bool:
        """Whether a later award of the same slot leaves nothing of it."""
        if (self.start, self.end) != (later.start, later.end):
            return False
        return not np.isnan(taken(later.power_kw, self.places)).any()


@attrs.define
class Awards:
    """Awards in the order in which they were told: where they overlap at a usage point, the later counts."""

    _told: list[_Award] = attrs.field(factory=list, init=False)

    def enter(self, places: Places, start: Instant, length: Duration, power_kw: FloatArray) -> None:
        """Enter the awards of a slot."""
        row = room_for(np.zeros(0), int(places.max(initial=-1)) + 1, np.nan)
        row[places] = power_kw
        award = _Award(start, start + length, places, row)
        self._told = [*(each for each in self._told if not each.is_superseded(award)), award]

    def withdraw(self, place: int) -> None:
        """Drop all awards of a usage point."""
        for award in self._told:
            award.power_kw[place : place + 1] = np.nan

    def energy_kwh(self, places: Places, start: Instant, end: Instant) -> FloatArray:
        """Energy awarded in a span [kWh]."""
        touching = [each for each in self._told if each.start < end and start < each.end]
        edges = sorted({start, end, *(e for each in touching for e in (each.start, each.end) if start < e < end)})
        total = np.zeros(len(places))
        for first, after in pairwise(edges):
            power_kw = np.zeros(len(places))
            for award in touching:
                if award.start < after and first < award.end:
                    told = taken(award.power_kw, places)
                    power_kw = np.where(np.isnan(told), power_kw, told)
            total += power_kw * (after - first) / HOUR
        return total

    def __len__(self) -> int:
        """Slots that are kept."""
        return len(self._told)

    def forget(self, read_until: Instants, now: Instant) -> None:
        """Drop what no later read can need, given up to when the meter at each place was read."""
        self._told = [
            each
            for each in self._told
            if each.end > now
            or (each.end > now - _KEPT and bool((taken(read_until, each.places, NEVER) < each.end).any()))
        ]
