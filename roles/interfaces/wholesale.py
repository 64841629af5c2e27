"""LSE ↔ wholesale market."""

from __future__ import annotations

from enum import Enum

from ...kernel import Duration, Instant, field, message, value

FORECAST = "forecast"
"""The product of prices that are only expected."""


class BidForm(Enum):
    """How a retailer's demand is bid."""

    CURVE = "curve"
    """At most ten points of a price curve."""
    QUADRATIC = "quadratic"
    """The slope of a quadratic benefit, as AMES takes it."""
    FIXED = "fixed"
    """One quantity at any price."""


@value
class QuadraticDemand:
    """A demand by its benefit ``c0 + c1 P - c2 P**2`` in $/h, P the power in kW beyond the unresponsive part."""

    unresponsive_kw: float = field("power that is bought at any price", unit="kW")
    responsive_max_kw: float = field("most that is bought beyond it", unit="kW")
    c0: float = field("benefit of no power", unit="$/h")
    c1: float = field("price at no power beyond the unresponsive part", unit="$/kWh")
    c2: float = field("half of the fall of the price with power", unit="$/kWh/kW")
    degree: int = field("degree of the benefit in P", default=2)


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
    """A retailer's demand in a wholesale slot, its one bid there; one point is a fixed quantity."""

    iso: str = field("wholesale market")
    product: str = field("series of the slot, day-ahead or real-time")
    lse: str = field("retailer")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    quantity_kw: tuple[float, ...] = field("powers at the substation, ascending", unit="kW")
    price_per_kwh: tuple[float, ...] = field("wholesale prices, descending", unit="$/kWh")
    form: BidForm = field("form of the bid; the points say the same", default=BidForm.CURVE)
    quadratic: QuadraticDemand | None = field("the benefit that the points are the slope of", default=None)


@message(
    topic="bilateral.{iso}.{lse}",
    senders=["lse.{lse}"],
    receivers=["wholesale.{iso}"],
    retain=True,
    mirrors="ISO self-schedule of bilateral transactions",
)
class BilateralSchedule:
    """What a retailer takes under contracts with generators: scheduled and settled beside the markets."""

    iso: str = field("wholesale market at which it is delivered")
    lse: str = field("retailer")
    first_hour: Instant = field("first instant of the first hour", unit="ns")
    power_kw: tuple[float, ...] = field("power of each hour", unit="kW")
    price_per_kwh: tuple[float, ...] = field("mean price of each hour", unit="$/kWh")


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
