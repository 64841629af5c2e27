"""What the instances of a market share: rules, participants, positions, and what was heard last."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs

from ...kernel import Instant, Port
from ..interfaces import CancelOrder, Order, OrderResponse, OrderStatus, Registration
from ..settlement import Dues
from .hearing import as_text
from .ledger import PositionLedger
from .mechanism import Mechanism, mechanism
from .order_book import Answer, Entered, OrderBook
from .order_faults import Limits
from .participants import Participants
from .price_forecast import SmoothedPrices
from .spec import MarketSpec, Timeline

if TYPE_CHECKING:
    from .operator import MarketOperator


@attrs.define
class SeriesMemory:
    """What a series keeps from one instance to the next: the basis of its rules for what is missing."""

    prices: SmoothedPrices
    supply: tuple[float, float] | None = None
    """Price [$/kWh] and quantity [kW] of the last offer."""
    inelastic_kw: float = 0.0
    """The last estimate of the load that does not bid."""
    orders: dict[str, Entered] = attrs.field(factory=dict)
    """The last order of each resource."""
    order_ids: dict[tuple[str, str], OrderBook] = attrs.field(factory=dict)
    """Resource and id of the orders of instances that live, each with the book that it was entered into."""


@attrs.define
class Venue:
    """A market as its instances see it."""

    rules: MarketOperator
    port: Port
    participants: Participants = attrs.field(factory=Participants, init=False)
    ledger: PositionLedger = attrs.field(factory=PositionLedger, init=False)
    dues: Dues = attrs.field(factory=Dues, init=False)
    """What statements have made due and nobody has been asked for yet."""
    metered_kwh: float = attrs.field(default=0.0, init=False)
    """Consumption of the market's usage points in the run."""
    halted: str = attrs.field(default="", init=False)
    """Why the market is halted; empty while it is open."""
    _memories: dict[str, SeriesMemory] = attrs.field(factory=dict, init=False)

    def memory(self, spec: MarketSpec) -> SeriesMemory:
        """What is kept of a series."""
        if spec.product not in self._memories:
            self._memories[spec.product] = SeriesMemory(SmoothedPrices(spec.price_smoothing))
        return self._memories[spec.product]

    def mechanism(self, timeline: Timeline) -> Mechanism:
        """How an instance is cleared."""
        return mechanism(timeline.spec.mechanism)

    def answer(self, order: Order | CancelOrder, revision: int, answer: Answer) -> None:
        """Tell a resource what became of its order before the clearing."""
        status, reasons = answer
        if status is OrderStatus.ACKNOWLEDGED and not self.rules.acknowledge:
            return
        self.port.publish(
            OrderResponse(
                market=self.port.name,
                product=order.product,
                resource=order.resource,
                order_id=as_text(order.order_id),
                answered_revision=revision if isinstance(revision, int) else 0,
                status=status,
                reasons=reasons,
            )
        )

    def registration(self, resource: str, instant: Instant) -> Registration | None:
        """The registration of a resource whose usage point belongs to the market at an instant."""
        found = self.participants.registration(resource)
        if found is None or found.usage_point not in self.participants.assignments(instant):
            return None
        return found

    def limits(self, spec: MarketSpec) -> Limits:
        """What an order of a series is limited by beside ratings: what is held in series that it does not refine."""
        held_in = tuple(
            other.product
            for other in self.rules.series
            if other.product != spec.product
            and other.commitment
            and other.refines != spec.product
            and spec.refines != other.product
        )
        return Limits(held_kw=partial(self.ledger.committed_kw, held_in), cost=self.rules.credit_limit)
