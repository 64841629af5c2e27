"""Registry ↔ customers, DO, LSE and MO: who belongs to whom, from when."""

from __future__ import annotations

from ...kernel import Instant, field, message

NO_MARKET = "none"
"""The market of a usage point whose retailer runs none."""


@message(
    topic="registry.enrolment.{usage_point}",
    senders=["agent.{usage_point}"],
    receivers=["registry.*"],
    mirrors="CIM UsagePoint and CustomerAgreement (IEC 61968-9)",
)
class Enrolment:
    """A customer asks to be supplied at a usage point by a retailer, on a tariff."""

    usage_point: str = field("usage point, the place of the meter")
    lse: str = field("name of the retailer")
    tariff: str = field("name of the tariff")
    market: str = field("name of the market operator, or none")
    transformer: str = field("service transformer that feeds the usage point")
    effective_from: Instant = field("first instant of supply", unit="ns")


@message(
    topic="registry.assignment.{lse}.{market}.{usage_point}",
    senders=["registry.*"],
    receivers=["lse.{lse}", "mo.{market}", "do.*"],
    retain=True,
    mirrors="Harmonised Electricity Market Role Model, metering point administrator",
)
class Assignment:
    """From this instant a usage point belongs to this retailer, tariff, market and transformer."""

    usage_point: str = field("usage point")
    lse: str = field("name of the retailer; at most one at a time")
    tariff: str = field("name of the tariff")
    market: str = field("name of the market operator, or none")
    transformer: str = field("service transformer")
    effective_from: Instant = field("first instant", unit="ns")
    effective_to: Instant | None = field("first instant that is no longer covered", unit="ns", default=None)

    def covers(self, instant: Instant) -> bool:
        """Whether the assignment is in force at an instant."""
        return self.effective_from <= instant and (self.effective_to is None or instant < self.effective_to)


@message(topic="registry.refusal.{usage_point}", senders=["registry.*"], receivers=["agent.{usage_point}"])
class EnrolmentRefused:
    """An enrolment contradicts the register and changes nothing."""

    usage_point: str = field("usage point")
    lse: str = field("name of the retailer that was asked for")
    reason: str = field("what it contradicts")
