"""Whom a retailer supplies, from when to when, on which tariff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
import numpy as np

from ....kernel import Instant
from ...assignments import Assignments, InForce
from ...interfaces import Assignment
from .points import Places, UsagePoints


@attrs.frozen(eq=False)
class Group:
    """Usage points, sorted by name."""

    usage_points: tuple[str, ...] = ()
    places: Places = attrs.field(factory=lambda: np.zeros(0, dtype=np.intp))


@attrs.frozen(eq=False)
class Supplied:
    """Whom a retailer supplies in a span of time in which no contract begins or ends."""

    contracts: tuple[Assignment, ...]
    """By usage point."""
    places: Places
    """Of each contract."""
    by_market: Mapping[str, Group]
    by_tariff: Mapping[str, Group]


@attrs.define
class Customers:
    """The assignments of a retailer, also of those who have left; each is a contract."""

    points: UsagePoints = attrs.field(factory=UsagePoints)
    _assignments: Assignments = attrs.field(factory=Assignments, init=False)
    _supplied: dict[InForce, Supplied] = attrs.field(factory=dict, init=False)

    def take(self, assignment: Assignment) -> None:
        """Enter an assignment; the same usage point from the same instant on again replaces it."""
        self.points.place(assignment.usage_point)
        self._assignments.take(assignment)
        self._supplied.clear()

    def __iter__(self) -> Iterator[Assignment]:
        """All contracts, by usage point and time; those that never began are left out."""
        return iter(self._assignments)

    def contract(self, usage_point: str, instant: Instant) -> Assignment | None:
        """The contract of a usage point at an instant."""
        return self._assignments.at(usage_point, instant)

    def supplied(self, instant: Instant) -> Supplied:
        """All contracts at an instant; the same object until something changes."""
        span = self._assignments.in_force(instant)
        found = self._supplied.get(span)
        if found is None:
            contracts = tuple(span.by_usage_point.values())
            found = self._supplied[span] = Supplied(
                contracts,
                self.points.places(span.by_usage_point),
                self._grouped([(each.market, each.usage_point) for each in contracts]),
                self._grouped([(each.tariff, each.usage_point) for each in contracts]),
            )
        return found

    def at(self, instant: Instant, market: str) -> Group:
        """The usage points of a market, or of none, that are supplied at an instant."""
        return self.supplied(instant).by_market.get(market, Group())

    def _grouped(self, rows: list[tuple[str, str]]) -> Mapping[str, Group]:
        names: dict[str, list[str]] = {}
        for key, name in rows:
            names.setdefault(key, []).append(name)
        return {key: Group(tuple(each), self.points.places(each)) for key, each in names.items()}
