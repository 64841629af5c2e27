"""What devices record of themselves."""

from __future__ import annotations

from ..kernel import Instant, field, message


@message(
    topic="device.{device}.plan",
    senders=["agent.{device}"],
    receivers=["agent.{device}"],
)
class PlanFallback:
    """The plan behind an order is not the optimum within all bounds."""

    device: str = field("device")
    product: str = field("series of the order")
    clearing: Instant = field("instant of the clearing", unit="ns")
    reason: str = field("softened: no plan keeps within the bounds; not converged: the greedy plan stands in")
