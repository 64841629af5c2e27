"""Reconciliation of one instance (shell)."""

from __future__ import annotations

import attrs

from ..interfaces import Dispute, MarketEnergy
from .spec import Timeline
from .venue import Venue


@attrs.define
class Reconcile:
    venue: Venue
    timeline: Timeline

    def energy(self, energy: MarketEnergy) -> None: ...
    def dispute(self, dispute: Dispute) -> None: ...
    def finish(self) -> None: ...

    async def run(self) -> None:
        if self.timeline.dispute_end <= self.venue.port.stop:
            await self.venue.port.sleep_until(self.timeline.dispute_end)
