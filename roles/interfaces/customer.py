"""LSE ↔ customer: tariffs and bills."""

from __future__ import annotations

from decimal import Decimal

from ...kernel import Instant, field, message, value


@message(
    topic="tariff.{lse}.{tariff}",
    senders=["lse.{lse}"],
    receivers=["agent.*"],
    retain=True,
    mirrors="OpenADR 3 program; URDB rate",
)
class TariffPublished:
    """A tariff that a retailer offers."""

    lse: str = field("retailer")
    tariff: str = field("name of the tariff")
    description: str = field("what is charged, in a sentence")


@value
class BillLine:
    """One component of a bill."""

    component: str = field("what is charged")
    quantity: float = field("how much, in the unit")
    unit: str = field("unit of the quantity")
    amount: Decimal = field("amount, positive when the customer pays", unit="$")


@message(topic="bill.{lse}.{usage_point}", senders=["lse.{lse}"], receivers=["agent.{usage_point}"])
class Bill:
    """The bill of one usage point for a period."""

    lse: str = field("retailer")
    usage_point: str = field("usage point")
    start: Instant = field("first instant of the period", unit="ns")
    end: Instant = field("first instant after the period", unit="ns")
    lines: tuple[BillLine, ...] = field("components")
    total: Decimal = field("sum of the lines, positive when the customer pays", unit="$")
