"""What the series of a market share: its rules, its participants, and the way an award is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ...kernel import Instant, Port
from ..interfaces import Assignment, Award, AwardStatus, Order

if TYPE_CHECKING:
    from .operator import MarketOperator


@attrs.define
class Venue:
    """A market as its series see it."""

    rules: MarketOperator
    port: Port
    awarded_kwh: float = 0.0
    """Energy of all awards, either way: what the market fee is charged on. [kWh]"""
    _assignments: dict[tuple[str, Instant], Assignment] = attrs.field(factory=dict, init=False)

    def assign(self, assignment: Assignment) -> None:
        """Take a usage point in from an instant on, or learn that it leaves."""
        self._assignments[assignment.usage_point, assignment.effective_from] = assignment

    def transformers(self, instant: Instant) -> dict[str, str]:
        """The usage points of the market at an instant, each with its transformer."""
        return {name: each.transformer for (name, _), each in self._assignments.items() if each.covers(instant)}

    def award(self, order: Order, award_kw: float, price_per_kwh: float, status: AwardStatus, reason: str) -> None:
        """Tell a resource what became of its order."""
        self.port.publish(
            Award(
                market=self.port.name,
                product=order.product,
                resource=order.resource,
                slot_start=order.slot_start,
                slot_length=order.slot_length,
                quantity_kw=award_kw,
                price_per_kwh=price_per_kwh,
                status=status,
                reason=reason,
            )
        )

    def refuse(self, order: Order, reason: str) -> None:
        """Tell a resource why its order takes no part."""
        self.award(order, 0.0, 0.0, AwardStatus.REFUSED, reason)
