"""LSE ↔ wholesale market."""

from __future__ import annotations

from ...kernel import Duration, Instant, field, message

FORECAST = "forecast"
"""The product of prices that are only expected."""


@message(topic="wholesale.{iso}.{product}.call", senders=["wholesale.{iso}"], receivers=["lse.*"])
class WholesaleCall:
    """The wholesale market opens for bids."""

    iso: str = field("wholesale market")
    product: str = field("series of the slots, day-ahead or real-time")
    first_slot: Instant = field("first instant of the first slot", unit="ns")
    slot_length: Duration = field("length of a slot", unit="ns")
    slots: int = field("number of slots")
    gate_closure: Instant = field("first instant at which a bid is too late", unit="ns")


@message(
    topic="wholesale.{iso}.{product}.bid.{lse}",
    senders=["lse.{lse}"],
    receivers=["wholesale.{iso}"],
    mirrors="ISO energy bid with a price curve of at most ten points",
)
class WholesaleBid:
    """A retailer's demand in a wholesale slot; one point is a fixed quantity."""

    iso: str = field("wholesale market")
    product: str = field("series of the slot, day-ahead or real-time")
    lse: str = field("retailer")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    quantity_kw: tuple[float, ...] = field("powers at the substation, ascending", unit="kW")
    price_per_kwh: tuple[float, ...] = field("wholesale prices, descending", unit="$/kWh")


@message(topic="wholesale.{iso}.{product}.award.{lse}", senders=["wholesale.{iso}"], receivers=["lse.{lse}"])
class WholesaleAward:
    """What a retailer has bought in a wholesale slot."""

    iso: str = field("wholesale market")
    product: str = field("series of the slot")
    lse: str = field("retailer")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    quantity_kw: float = field("power bought", unit="kW")
    price_per_kwh: float = field("locational marginal price", unit="$/kWh")


@message(
    topic="wholesale.{iso}.{product}.price",
    senders=["wholesale.{iso}"],
    receivers=["lse.*", "mo.*"],
    retain=True,
)
class WholesalePrice:
    """Wholesale prices of consecutive slots: of a cleared slot, or, flagged, a forecast."""

    iso: str = field("wholesale market")
    product: str = field("series of the slots: day-ahead, real-time or forecast")
    slot_start: Instant = field("first instant of the first slot", unit="ns")
    slot_length: Duration = field("length of a slot", unit="ns")
    price_per_kwh: tuple[float, ...] = field("price of each slot", unit="$/kWh")
    quantity_kw: tuple[float, ...] = field("power of each slot", unit="kW")
