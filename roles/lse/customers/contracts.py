"""Whom a retailer supplies, from when to when, on which tariff."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ....kernel import Instant
from ...interfaces import Assignment


@attrs.define
class Customers:
    """The assignments of a retailer, also of those who have left; each is a contract."""

    _contracts: dict[str, dict[Instant, Assignment]] = attrs.field(factory=dict, init=False)
    """By usage point and first instant."""

    def take(self, assignment: Assignment) -> None:
        """Enter an assignment; the same usage point from the same instant on again replaces it."""
        self._contracts.setdefault(assignment.usage_point, {})[assignment.effective_from] = assignment

    def __iter__(self) -> Iterator[Assignment]:
        """All contracts, by usage point and time; those that never began are left out."""
        for usage_point in sorted(self._contracts):
            yield from self.of(usage_point)

    def of(self, usage_point: str) -> Iterator[Assignment]:
        """The contracts of a usage point, in order of time."""
        for _, contract in sorted(self._contracts.get(usage_point, {}).items()):
            if contract.effective_to is None or contract.effective_to > contract.effective_from:
                yield contract

    def at(self, instant: Instant, market: str) -> tuple[str, ...]:
        """The usage points of a market, or of none, that are supplied at an instant; sorted."""
        return tuple(each.usage_point for each in self if each.market == market and each.covers(instant))

    def contract(self, usage_point: str, instant: Instant) -> Assignment | None:
        """The contract of a usage point at an instant."""
        held = self._contracts.get(usage_point, {}).values()
        return next((each for each in held if each.covers(instant)), None)
