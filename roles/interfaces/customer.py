"""LSE ↔ customer: tariffs and bills."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

from ...kernel import Instant, field, message, value
from .registry import NO_MARKET


class ChargeKind(Enum):
    """What a component of a tariff or of a bill is for."""

    ENERGY = "energy"
    """Energy at the tariff's own prices."""
    EXPORT = "export"
    """Exported energy at a price of its own, to the customer's credit."""
    MARKET = "market"
    """Energy at prices of a market or at published ones."""
    DEMAND = "demand"
    FIXED = "fixed"
    MINIMUM = "minimum"
    """What a bill falls short of the least that is charged."""
    CREDIT = "credit"
    """Energy credited from an earlier month or carried to a later one; moves no money."""


@value
class TariffComponent:
    """One price of a tariff, and when it applies on the local clock."""

    kind: ChargeKind = field("what it is for")
    period: str = field("name of the period or of the charge")
    season: tuple[int, ...] = field("months in which it applies, 1 to 12")
    weekday_hours: tuple[int, ...] = field("hours of Monday to Friday in which it applies, 0 to 23")
    weekend_hours: tuple[int, ...] = field("hours of Saturday and Sunday in which it applies, 0 to 23")
    above: float = field("energy or power above which it applies, until the next component's")
    above_unit: str = field("unit of the bound; empty where there is none")
    price: float = field("price, or what a market price is multiplied with")
    unit: str = field("unit of the price")


@message(
    topic="tariff.{lse}.{tariff}",
    senders=["lse.{lse}"],
    receivers=["agent.*", "registry.*"],
    retain=True,
    mirrors="OpenADR 3 program; URDB rate",
)
class TariffPublished:
    """A tariff that a retailer offers."""

    lse: str = field("retailer")
    tariff: str = field("name of the tariff")
    description: str = field("what is charged, in a sentence")
    components: tuple[TariffComponent, ...] = field("its prices", default=())
    market: str = field("market operator of its customers, or none", default=NO_MARKET)


@value
class BillLine:
    """One component of a bill, in one month: the quantity times the price, rounded once to the cent."""

    month: str = field("month of the local calendar, such as 2025-07")
    kind: ChargeKind = field("what it is for")
    component: str = field("what is charged")
    quantity: float = field("how much, in the unit")
    unit: str = field("unit of the quantity")
    price: float | None = field("price of a unit; none where it differs from interval to interval", unit="$")
    amount: Decimal = field("amount, positive when the customer pays", unit="$")


@message(topic="bill.{lse}.{usage_point}", senders=["lse.{lse}"], receivers=["agent.{usage_point}"])
class Bill:
    """The bill of one usage point for a period; a later revision, numbered in the envelope, replaces an earlier one."""

    lse: str = field("retailer")
    usage_point: str = field("usage point")
    start: Instant = field("first instant of the period", unit="ns")
    end: Instant = field("first instant after the period", unit="ns")
    lines: tuple[BillLine, ...] = field("components")
    total: Decimal = field("sum of the lines, positive when the customer pays", unit="$")
    tariff: str = field("name of the tariff", default="")
    adjustment: Decimal = field(
        "what is due beyond the total of the revision before; all of it on a first bill", unit="$", default=Decimal(0)
    )
