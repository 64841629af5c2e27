"""MO ↔ participants: calls, orders, awards and results."""

from __future__ import annotations

from enum import Enum

from ...kernel import Duration, Instant, field, message

DAY_AHEAD, REAL_TIME = "day-ahead", "real-time"
"""The products of retail and wholesale markets: series of slots that are cleared in the same way."""


class AwardStatus(Enum):
    """What became of an order."""

    AWARDED = "awarded"
    PARTLY_AWARDED = "partly awarded"
    NOT_AWARDED = "not awarded"
    CURTAILED = "curtailed"
    REFUSED = "refused"


@message(topic="market.{market}.{product}.call", senders=["mo.{market}"], receivers=["agent.*", "lse.*"])
class MarketCall:
    """A market opens for orders; each of its slots is a product of its own."""

    market: str = field("market")
    product: str = field("series of the slots, day-ahead or real-time")
    first_slot: Instant = field("first instant of the first slot", unit="ns")
    slot_length: Duration = field("length of a slot", unit="ns")
    slots: int = field("number of slots")
    gate_closure: Instant = field("first instant at which an order is too late", unit="ns")
    price_cap_per_kwh: float = field("highest price", unit="$/kWh")
    price_floor_per_kwh: float = field("lowest price", unit="$/kWh")


@message(
    topic="market.{market}.{product}.order.{resource}",
    senders=["agent.{resource}"],
    receivers=["mo.{market}"],
    mirrors="OASIS EI-CTS 1.0 EiCreateTender, with a curve where CTS has a block",
)
class Order:
    """What a resource would consume or inject in a slot, depending on the price.

    The points are joined by straight lines; above the first price the first quantity holds, below the last price the
    last. One number a point and two columns a curve, as numpy and Parquet want them.
    """

    market: str = field("market")
    product: str = field("series of the slot")
    resource: str = field("resource that would deliver")
    usage_point: str = field("usage point of the resource")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    quantity_kw: tuple[float, ...] = field("powers, ascending; consumption positive", unit="kW")
    price_per_kwh: tuple[float, ...] = field("prices, descending", unit="$/kWh")


@message(
    topic="market.{market}.{product}.award.{resource}",
    senders=["mo.{market}"],
    receivers=["agent.{resource}"],
    mirrors="OASIS EI-CTS 1.0 EiTransaction",
)
class Award:
    """What became of an order; every order gets one, also with nothing awarded."""

    market: str = field("market")
    product: str = field("series of the slot")
    resource: str = field("resource")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    quantity_kw: float = field("power awarded, consumption positive", unit="kW")
    price_per_kwh: float = field("price of the slot at this resource", unit="$/kWh")
    status: AwardStatus = field("what became of the order")
    reason: str = field("why not more", default="")


@message(topic="market.{market}.{product}.result", senders=["mo.{market}"], receivers=["*.*"])
class ClearingResult:
    """The result of a slot, for everybody."""

    market: str = field("market")
    product: str = field("series of the slot")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    outcome: str = field("cleared, at_cap, at_floor or no_trade")
    price_per_kwh: float = field("clearing price", unit="$/kWh")
    supply_price_per_kwh: float = field("price of the supply; the difference is the price of congestion", unit="$/kWh")
    quantity_kw: float = field("power cleared, inelastic load included", unit="kW")
    inelastic_kw: float = field("power of the load that does not bid", unit="kW")
    shed_kw: float = field("demand that could not be served at the cap", unit="kW")
    orders: int = field("orders that took part")
    attempts: int = field("clearings until the distribution operator agreed")
    validated: bool = field("whether the distribution operator has agreed; if it is silent, awards stand", default=True)
    binding: tuple[str, ...] = field("network elements that the distribution operator has limited", default=())
