"""Participant ↔ MO: registration, reservation, orders, answers, awards and positions."""

from __future__ import annotations

from enum import Enum

from ...kernel import Duration, Instant, field, message
from .response import Reason


class RegistrationStatus(Enum):
    """What a registration is worth."""

    PENDING = "pending"
    ACTIVE = "active"
    REJECTED = "rejected"


class CurveForm(Enum):
    """How the numbers of an order are to be read."""

    PIECEWISE_LINEAR = "piecewise linear"
    """Points joined by straight lines; two points of one price are a step."""
    BLOCK = "block"
    """Quantities, each bought as a whole step up to its price; negative quantities are sold from their price on."""
    POLYNOMIAL = "polynomial"
    """Least and most quantity; the prices are the coefficients of price against quantity, constant first."""


class OrderStatus(Enum):
    """What became of an order before the clearing."""

    ACKNOWLEDGED = "acknowledged"
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class AwardStatus(Enum):
    """What became of an order in a slot."""

    AWARDED = "awarded"
    PARTLY_AWARDED = "partly awarded"
    NOT_AWARDED = "not awarded"
    CURTAILED = "curtailed"
    SUSPENDED = "suspended"


@message(
    topic="participant.{market}.{resource}.registration",
    senders=["agent.{resource}"],
    receivers=["mo.{market}"],
    mirrors="OASIS EI-CTS 1.0 party registration",
)
class Registration:
    """A resource asks to take part in a market; without more words it is expected in every clearing."""

    market: str = field("market")
    resource: str = field("resource that would deliver")
    usage_point: str = field("usage point of the resource")
    import_rating_kw: float = field("most that it can draw", unit="kW", at_least=0)
    export_rating_kw: float = field("most that it can inject", unit="kW", at_least=0)


@message(
    topic="participant.{market}.{resource}.registered",
    senders=["mo.{market}"],
    receivers=["agent.{resource}"],
    retain=True,
)
class RegistrationAnswer:
    """Whether a resource may send orders."""

    market: str = field("market")
    resource: str = field("resource")
    status: RegistrationStatus = field("pending until the registry says that the usage point belongs to the market")
    reasons: tuple[Reason, ...] = field("why it is not active", default=())


@message(
    topic="market.{market}.{product}.reservation.{resource}", senders=["agent.{resource}"], receivers=["mo.{market}"]
)
class Reservation:
    """A registered resource says whether it will send an order for a clearing, or from one on."""

    market: str = field("market")
    product: str = field("series")
    resource: str = field("resource")
    attends: bool = field("whether an order is to be expected")
    clearing: Instant | None = field("the clearing; none for all to come", unit="ns", default=None)


@message(
    topic="market.{market}.{product}.order.{resource}",
    senders=["agent.{resource}"],
    receivers=["mo.{market}"],
    mirrors="OASIS EI-CTS 1.0 EiCreateTender of a stream, with a curve where CTS has a block",
)
class Order:
    """What a resource would consume or inject in one or more slots of a clearing, depending on the price.

    One row a slot. The points of a row are joined by straight lines; above the first price the first quantity holds,
    below the last price the last. The same id with a later revision of the envelope replaces the order; the envelope's
    last valid instant is its expiry.
    """

    market: str = field("market")
    product: str = field("series of the slots")
    clearing: Instant = field("instant of the clearing, as the call has it", unit="ns")
    resource: str = field("resource that would deliver")
    usage_point: str = field("usage point of the resource")
    order_id: str = field("id of the order, unique for the resource")
    first_slot: Instant = field("first instant of the first slot", unit="ns")
    slot_length: Duration = field("length of a slot", unit="ns")
    quantity_kw: tuple[tuple[float, ...], ...] = field("powers, ascending; consumption positive", unit="kW")
    price_per_kwh: tuple[tuple[float, ...], ...] = field("prices, descending", unit="$/kWh")
    form: CurveForm = field("how the numbers are to be read", default=CurveForm.PIECEWISE_LINEAR)


@message(
    topic="market.{market}.{product}.cancel.{resource}",
    senders=["agent.{resource}"],
    receivers=["mo.{market}"],
    mirrors="OASIS EI-CTS 1.0 EiCancelTender",
)
class CancelOrder:
    """A resource takes an order back, before gate closure."""

    market: str = field("market")
    product: str = field("series")
    resource: str = field("resource")
    order_id: str = field("id of the order")


@message(
    topic="market.{market}.{product}.response.{resource}",
    senders=["mo.{market}"],
    receivers=["agent.{resource}"],
    mirrors="OASIS EI-CTS 1.0 EiCreatedTender, EiCanceledTender",
)
class OrderResponse:
    """The market's answer to an order or a cancellation, at once."""

    market: str = field("market")
    product: str = field("series")
    resource: str = field("resource")
    order_id: str = field("id of the order")
    answered_revision: int = field("revision of the order that is answered")
    status: OrderStatus = field("what became of it")
    reasons: tuple[Reason, ...] = field("why it is rejected, all reasons at once", default=())


@message(
    topic="market.{market}.{product}.award.{resource}",
    senders=["mo.{market}"],
    receivers=["agent.{resource}"],
    mirrors="OASIS EI-CTS 1.0 EiTransaction",
)
class Award:
    """What became of an order; every order that took part gets one, also with nothing awarded. One entry a slot."""

    market: str = field("market")
    product: str = field("series of the slots")
    clearing: Instant = field("instant of the clearing", unit="ns")
    resource: str = field("resource")
    order_id: str = field("id of the order; empty where a rule stood in for it")
    first_slot: Instant = field("first instant of the first slot", unit="ns")
    slot_length: Duration = field("length of a slot", unit="ns")
    quantity_kw: tuple[float, ...] = field("power awarded, consumption positive", unit="kW")
    price_per_kwh: tuple[float, ...] = field("price of the slot at this resource", unit="$/kWh")
    status: tuple[AwardStatus, ...] = field("what became of the order in the slot")
    reason: tuple[str, ...] = field("why not more; empty where nothing is missing")


@message(
    topic="market.{market}.position.query.{resource}",
    senders=["agent.{resource}"],
    receivers=["mo.{market}"],
    mirrors="OASIS EI-CTS 1.0 EiRequestPosition",
)
class PositionQuery:
    """A resource asks what it holds."""

    market: str = field("market")
    resource: str = field("resource")
    start: Instant = field("first instant", unit="ns")
    end: Instant = field("first instant that is no longer asked for", unit="ns")


@message(
    topic="market.{market}.position.of.{resource}",
    senders=["mo.{market}"],
    receivers=["agent.{resource}"],
    mirrors="OASIS EI-CTS 1.0 EiReplyPosition",
)
class Position:
    """What a resource holds, slot by slot."""

    market: str = field("market")
    resource: str = field("resource")
    products: tuple[str, ...] = field("series of each slot")
    slot_start: tuple[Instant, ...] = field("first instant of each slot", unit="ns")
    slot_length: tuple[Duration, ...] = field("length of each slot", unit="ns")
    power_kw: tuple[float, ...] = field("power held, consumption positive", unit="kW")
    price_per_kwh: tuple[float, ...] = field("price of each", unit="$/kWh")
