"""Registry ↔ customers, DO, LSE and MO: who belongs to whom, from when, and who may see whose data."""

from __future__ import annotations

from enum import Enum

from ...kernel import Instant, field, message
from .response import Reason

NO_MARKET = "none"
"""The market of a usage point whose retailer runs none."""

NO_CHOICE = "none"
"""The retailer of a customer who has chosen none: the provider of last resort supplies."""

NOBODY = "none"
"""The customer of a usage point where nobody lives."""

METER_DATA, SWITCHING = "meter-data", "switching"
"""What a customer can consent to: that another party gets the meter's data, that another retailer makes the switch."""


class RegistryRequest(Enum):
    """What the registry was asked for."""

    ENROLMENT = "enrolment"
    SWITCH = "switch"
    MOVE_IN = "move-in"
    MOVE_OUT = "move-out"
    CONSENT = "consent"


@message(
    topic="registry.enrolment.{usage_point}",
    senders=["agent.{usage_point}"],
    receivers=["registry.*"],
    mirrors="CIM UsagePoint and CustomerAgreement (IEC 61968-9)",
)
class Enrolment:
    """A customer asks to be supplied at a new usage point by a retailer, on a tariff."""

    usage_point: str = field("usage point, the place of the meter")
    lse: str = field("name of the retailer, or none for the provider of last resort")
    tariff: str = field("name of the tariff")
    market: str = field("name of the market operator, or none")
    transformer: str = field("service transformer that feeds the usage point")
    effective_from: Instant = field("first instant of supply", unit="ns")
    customer_class: str = field("class that the retailer bills and forecasts it in", default="residential")
    customer: str = field("party to the contract; empty for one that is called like the usage point", default="")


@message(
    topic="registry.switch.{lse}.{usage_point}",
    senders=["lse.{lse}", "agent.{usage_point}"],
    receivers=["registry.*"],
    mirrors="Harmonised Electricity Market Role Model, change of supplier",
)
class SwitchRequest:
    """A usage point changes its retailer or tariff: its customer asks, or the gaining retailer with his consent."""

    usage_point: str = field("usage point")
    lse: str = field("name of the gaining retailer")
    tariff: str = field("name of the tariff")
    market: str = field("name of the market operator, or none")
    effective_from: Instant = field("first instant of the new supply", unit="ns")


@message(topic="registry.move_in.{usage_point}", senders=["agent.{usage_point}"], receivers=["registry.*"])
class MoveIn:
    """A customer moves in where nobody lives."""

    usage_point: str = field("usage point")
    customer: str = field("party to the contract")
    effective_from: Instant = field("first instant of supply", unit="ns")
    lse: str = field("name of the retailer, or none for the provider of last resort", default=NO_CHOICE)
    tariff: str = field("name of the tariff; of no account without a choice of retailer", default="")
    market: str = field("name of the market operator, or none", default=NO_MARKET)
    customer_class: str = field("class that the retailer bills and forecasts it in", default="residential")


@message(topic="registry.move_out.{usage_point}", senders=["agent.{usage_point}"], receivers=["registry.*"])
class MoveOut:
    """The customer leaves: his contract ends, and his consents with it."""

    usage_point: str = field("usage point")
    effective_from: Instant = field("first instant at which nobody lives there", unit="ns")


@message(
    topic="registry.consenting.{usage_point}",
    senders=["agent.{usage_point}"],
    receivers=["registry.*"],
    mirrors="ESPI authorisation; interfaces of the Green Button",
)
class ConsentChange:
    """The customer gives or withdraws a consent; what he said last of an instant counts."""

    usage_point: str = field("usage point")
    third_party: str = field("who may, by name")
    scope: str = field("what it may: meter-data or switching")
    granted: bool = field("whether it may")
    valid_from: Instant = field("first instant", unit="ns")
    valid_to: Instant | None = field("first instant that is no longer covered", unit="ns", default=None)


@message(
    topic="registry.assignment.{lse}.{market}.{usage_point}",
    senders=["registry.*"],
    receivers=["lse.{lse}", "mo.{market}", "do.*"],
    retain=True,
    mirrors="Harmonised Electricity Market Role Model, metering point administrator",
)
class Assignment:
    """From this instant a usage point belongs to this retailer, tariff, market and transformer.

    The same first instant again replaces it: it ends, or never begins.
    """

    usage_point: str = field("usage point")
    lse: str = field("name of the retailer; at most one at a time")
    tariff: str = field("name of the tariff")
    market: str = field("name of the market operator, or none")
    transformer: str = field("service transformer")
    effective_from: Instant = field("first instant", unit="ns")
    effective_to: Instant | None = field("first instant that is no longer covered", unit="ns", default=None)
    customer_class: str = field("class that the retailer bills and forecasts it in", default="residential")
    customer: str = field("party to the contract, or none where nobody lives", default="")

    def covers(self, instant: Instant) -> bool:
        """Whether the assignment is in force at an instant."""
        return self.effective_from <= instant and (self.effective_to is None or instant < self.effective_to)


@message(
    topic="registry.consent.{third_party}.{usage_point}",
    senders=["registry.*"],
    receivers=["do.*", "lse.{third_party}", "mo.{third_party}", "agent.{third_party}"],
    mirrors="ESPI authorisation",
)
class Consent:
    """A consent as it is from now on; without one, nobody but the customer's own retailer gets data."""

    usage_point: str = field("usage point")
    third_party: str = field("who may, by name")
    scope: str = field("what it may: meter-data or switching")
    granted: bool = field("whether it may")
    valid_from: Instant = field("first instant", unit="ns")
    valid_to: Instant | None = field("first instant that is no longer covered", unit="ns", default=None)


@message(
    topic="registry.answer.{lse}.{usage_point}",
    senders=["registry.*"],
    receivers=["agent.{usage_point}", "lse.{lse}"],
)
class RegistryAnswer:
    """Whether a request was entered; one that was not has changed nothing."""

    usage_point: str = field("usage point")
    lse: str = field("name of the retailer that the request is about, or none")
    request: RegistryRequest = field("what was asked for")
    accepted: bool = field("whether it was entered")
    reasons: tuple[Reason, ...] = field("why not, all reasons at once", default=())
