"""MO → all: rules, sessions, states, calls, prices and results of a market, without names."""

from __future__ import annotations

from enum import Enum

from ...kernel import Duration, Instant, field, message

DAY_AHEAD, REAL_TIME = "day-ahead", "real-time"
"""The usual products: series of slots that are cleared in the same way."""


class MarketState(Enum):
    """The states of one clearing of a series, in their order (after TENT, PNNL-28420)."""

    INACTIVE = "inactive"
    ACTIVE = "active"
    NEGOTIATION = "negotiation"
    MARKET_LEAD = "market lead"
    DELIVERY_LEAD = "delivery lead"
    DELIVERY = "delivery"
    RECONCILE = "reconcile"
    EXPIRED = "expired"


class SessionStatus(Enum):
    """Whether a market as a whole takes orders (after OASIS EI-CTS 1.0 SessionData)."""

    OPEN = "open"
    HALTED = "halted"
    CLOSED = "closed"


class MarketOutcome(Enum):
    """How the clearing of a slot ended; always one of these, never an exception."""

    CLEARED = "cleared"
    AT_CAP = "at_cap"
    AT_FLOOR = "at_floor"
    NO_TRADE = "no_trade"
    FAILED_VALIDATION = "failed_validation"
    SUSPENDED = "suspended"


@message(
    topic="series.{market}.{product}.info",
    senders=["mo.{market}"],
    receivers=["*.*"],
    retain=True,
    mirrors="OASIS EI-CTS 1.0 MarketReferenceData and SegmentReferenceData",
)
class MarketInfo:
    """The rules of a series of slots."""

    market: str = field("market")
    product: str = field("series")
    mechanism: str = field("how it is cleared")
    slot_length: Duration = field("length of a slot", unit="ns")
    slots: int = field("slots of a clearing")
    every: Duration = field("time from one clearing to the next", unit="ns")
    gate: Duration = field("gate closure, before the clearing", unit="ns")
    delivery_lead: Duration = field("time from the clearing to the first slot", unit="ns")
    price_cap_per_kwh: float = field("highest price", unit="$/kWh")
    price_floor_per_kwh: float = field("lowest price", unit="$/kWh")
    refines: str = field("series whose results it corrects; empty for none", default="")
    commitment: bool = field("whether its awards are positions that are settled", default=True)


@message(
    topic="market.{market}.session",
    senders=["mo.{market}"],
    receivers=["*.*"],
    retain=True,
    mirrors="OASIS EI-CTS 1.0 SessionData",
)
class MarketSession:
    """A market opens, is halted or closes."""

    market: str = field("market")
    status: SessionStatus = field("whether it takes orders")
    reason: str = field("why", default="")


@message(topic="market.{market}.control", senders=["do.*"], receivers=["mo.{market}"])
class MarketControl:
    """The distribution operator halts a market in an emergency, or lets it go on."""

    market: str = field("market")
    halted: bool = field("whether the market is to be halted")
    reason: str = field("why")


@message(
    topic="market.{market}.{product}.state",
    senders=["mo.{market}"],
    receivers=["*.*"],
    mirrors="TENT market state",
)
class MarketStateChange:
    """One clearing of a series has entered a state."""

    market: str = field("market")
    product: str = field("series")
    clearing: Instant = field("instant of the clearing; with the series it names the market instance", unit="ns")
    state: MarketState = field("state that it has entered")


@message(topic="market.{market}.{product}.call", senders=["mo.{market}"], receivers=["agent.*", "lse.*"])
class MarketCall:
    """A market opens for orders; each of its slots is a product of its own."""

    market: str = field("market")
    product: str = field("series of the slots, day-ahead or real-time")
    clearing: Instant = field("instant of the clearing; orders name it", unit="ns")
    first_slot: Instant = field("first instant of the first slot", unit="ns")
    slot_length: Duration = field("length of a slot", unit="ns")
    slots: int = field("number of slots")
    gate_closure: Instant = field("first instant at which an order is too late", unit="ns")
    price_cap_per_kwh: float = field("highest price", unit="$/kWh")
    price_floor_per_kwh: float = field("lowest price", unit="$/kWh")
    orders: bool = field("whether orders are taken; else a binding price follows", default=True)
    expected_price_per_kwh: tuple[float, ...] = field(
        "price to plan against: of the market that is refined, else of the last clearing; may be empty",
        unit="$/kWh",
        default=(),
    )


@message(
    topic="market.{market}.{product}.price",
    senders=["mo.{market}"],
    receivers=["agent.*", "lse.*"],
    mirrors="OpenADR 3 event with payload PRICE",
)
class MarketPrice:
    """Prices of slots: binding for those who do not bid, or flagged as a forecast."""

    market: str = field("market")
    product: str = field("series of the slots")
    first_slot: Instant = field("first instant of the first slot", unit="ns")
    slot_length: Duration = field("length of a slot", unit="ns")
    price_per_kwh: tuple[float, ...] = field("price of each slot", unit="$/kWh")
    forecast: bool = field("whether they are only expected")


@message(topic="market.{market}.{product}.result", senders=["mo.{market}"], receivers=["*.*"])
class ClearingResult:
    """The result of a slot, for everybody."""

    market: str = field("market")
    product: str = field("series of the slot")
    clearing: Instant = field("instant of the clearing", unit="ns")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    outcome: MarketOutcome = field("how the clearing ended")
    price_per_kwh: float = field("clearing price", unit="$/kWh")
    supply_price_per_kwh: float = field("price of the supply; the difference is the price of congestion", unit="$/kWh")
    quantity_kw: float = field("power cleared, inelastic load included", unit="kW")
    inelastic_kw: float = field("power of the load that does not bid", unit="kW")
    shed_kw: float = field("demand that could not be served at the cap", unit="kW")
    orders: int = field("orders that took part")
    attempts: int = field("clearings until the distribution operator agreed")
    buyers: int = field("orders that bought", default=0)
    sellers: int = field("orders that sold", default=0)
    marginal_fraction: float = field("share of the orders at the margin that is served", unit="1", default=1.0)
    validated: bool = field("whether the distribution operator has agreed; if it is silent, awards stand", default=True)
    binding: tuple[str, ...] = field("network elements that the distribution operator has limited", default=())
    rules: tuple[str, ...] = field(
        "what was ignored, and replaced by rule: missing orders, a missing estimate, a missing offer", default=()
    )
