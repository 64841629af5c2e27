"""Assignments in order: which contract of a usage point is in force at an instant, alone and for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf

import attrs

from ..kernel import Instant
from .interfaces import Assignment

_SPANS = 4
"""Spans of time that are kept: the present, what is settled still, what is traded already."""


@attrs.frozen(eq=False)
class InForce:
    """What is in force in a span of time in which nothing begins or ends."""

    start: Instant
    end: float
    """First instant after the span, or infinity. [ns]"""
    by_usage_point: Mapping[str, Assignment]
    """By name, in order."""


@attrs.define
class Assignments:
    """All that an entity has heard of the usage points that concern it, also of those that are gone."""

    _held: dict[str, dict[Instant, Assignment]] = attrs.field(factory=dict, init=False)
    """By usage point and first instant."""
    _spans: list[InForce] = attrs.field(factory=list, init=False)

    def take(self, assignment: Assignment) -> None:
        """Enter an assignment; the same usage point from the same instant on again replaces it."""
        self._held.setdefault(assignment.usage_point, {})[assignment.effective_from] = assignment
        self._spans.clear()

    def __iter__(self) -> Iterator[Assignment]:
        """All of them, by usage point and time; those that never began are left out."""
        for usage_point in sorted(self._held):
            yield from self.of(usage_point)

    def usage_points(self) -> tuple[str, ...]:
        """All usage points that were ever heard of, sorted."""
        return tuple(sorted(self._held))

    def __contains__(self, usage_point: str) -> bool:
        """Whether a usage point was ever heard of."""
        return usage_point in self._held

    def of(self, usage_point: str) -> Iterator[Assignment]:
        """Those of a usage point, in order of time."""
        for _, each in sorted(self._held.get(usage_point, {}).items()):
            if each.effective_to is None or each.effective_to > each.effective_from:
                yield each

    def at(self, usage_point: str, instant: Instant) -> Assignment | None:
        """The one of a usage point that is in force at an instant."""
        return next((each for each in self._held.get(usage_point, {}).values() if each.covers(instant)), None)

    def latest(self, usage_point: str) -> Assignment | None:
        """The one of a usage point that begins last, whether it is in force or not."""
        held = self._held.get(usage_point)
        return held[max(held)] if held else None

    def in_force(self, instant: Instant) -> InForce:
        """All that are in force at an instant; the same object until something changes."""
        for span in self._spans:
            if span.start <= instant < span.end:
                return span
        self._spans = [self._find(instant), *self._spans[: _SPANS - 1]]
        return self._spans[0]

    def _find(self, instant: Instant) -> InForce:
        start, end = -1, inf
        found: dict[str, Assignment] = {}
        for usage_point, held in sorted(self._held.items()):
            for each in held.values():
                for change in (each.effective_from, each.effective_to):
                    if change is not None and change > instant:
                        end = min(end, change)
                    elif change is not None:
                        start = max(start, change)
                if usage_point not in found and each.covers(instant):
                    found[usage_point] = each
        return InForce(start, end, found)
