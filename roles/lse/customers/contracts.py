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
    tariffs: tuple[str, ...]
    """The tariffs of the contracts, sorted."""
    tariff: Places
    """By place, which of them it is; -1 where nobody is supplied."""


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
            found = self._supplied[span] = self._found(tuple(span.by_usage_point.values()))
        return found

    def at(self, instant: Instant, market: str) -> Group:
        """The usage points of a market, or of none, that are supplied at an instant."""
        return self.supplied(instant).by_market.get(market, Group())

    def _found(self, contracts: tuple[Assignment, ...]) -> Supplied:
        places = self.points.places([each.usage_point for each in contracts])
        names: dict[str, list[str]] = {}
        for each in contracts:
            names.setdefault(each.market, []).append(each.usage_point)
        by_market = {market: Group(tuple(each), self.points.places(each)) for market, each in names.items()}
        tariffs = tuple(sorted({each.tariff for each in contracts}))
        number = {name: number for number, name in enumerate(tariffs)}
        tariff = np.full(len(self.points), -1, dtype=np.intp)
        tariff[places] = [number[each.tariff] for each in contracts]
        return Supplied(contracts, places, by_market, tariffs, tariff)
