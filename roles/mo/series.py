"""A series of a market: one instance after the other, each from its activation to its expiry."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ...kernel import DAY, Duration, Instant
from ..interfaces import CancelOrder, OrderStatus, Reason, ReasonCode
from .instance import MarketInstance
from .order_book import Answer
from .spec import MarketSpec
from .states import Boundary
from .venue import Venue


@attrs.define
class SeriesRun:
    """The instances of a series that are alive; spawning one touches no other."""

    venue: Venue
    spec: MarketSpec
    alive: dict[Instant, MarketInstance] = attrs.field(factory=dict, init=False)
    """By clearing."""

    async def run(self) -> None:
        """Start every instance at its activation, to the end of the run."""
        port = self.venue.port
        for timeline in self.spec.instances(port.stop):
            await port.sleep_until(max(timeline.boundary(Boundary.ACTIVATION), port.now))
            instance = MarketInstance(self.venue, timeline)
            self.alive[timeline.clearing] = instance
            port.start(self._live(instance))

    async def _live(self, instance: MarketInstance) -> None:
        await instance.run()
        del self.alive[instance.timeline.clearing]
        # A day of positions is kept for those who ask what they held; what lives still needs less.
        self.venue.ledger.forget(instance.timeline.first_slot - DAY)

    def find(self, clearing: object) -> tuple[MarketInstance | None, Answer]:
        """The instance of a clearing, or why there is none now."""
        instance = self.alive.get(clearing) if isinstance(clearing, int) else None
        return instance, (OrderStatus.REJECTED, () if instance is not None else (self._why_not(clearing),))

    def _why_not(self, clearing: object) -> Reason:
        first = next(self.spec.instances(self.venue.port.stop), None)
        if first is None or not isinstance(clearing, int) or (clearing - first.clearing) % self.spec.every:
            text = f"no clearing of {self.spec.product} is at {clearing} ns; take it from the call"
            return Reason(ReasonCode.UNKNOWN_REFERENCE, text, "clearing")
        too = "after gate closure" if clearing <= self.venue.port.now else "before the call"
        return Reason(ReasonCode.GATE_CLOSED, too, "clearing")

    def instances_of(self, start: Instant, duration: Duration) -> Iterator[MarketInstance]:
        """The instances that have a slot, or part of one, in an interval."""
        span = self.spec.slots * self.spec.slot
        for instance in self.alive.values():
            first = instance.timeline.first_slot
            if first < start + duration and start < first + span:
                yield instance

    def cancel(self, cancel: CancelOrder) -> Answer:
        """Take an order out of whichever instance has it."""
        holding = [each for each in self.alive.values() if each.has(cancel.resource, cancel.order_id)]
        if not holding:
            text = f"the resource has no order {cancel.order_id} here"
            return OrderStatus.REJECTED, (Reason(ReasonCode.UNKNOWN_REFERENCE, text, "order_id"),)
        return holding[-1].cancel(cancel)
