"""MO ↔ DO: is the market's result safe for the network? And DO → customers: what their connections may carry."""

from __future__ import annotations

from ...kernel import Duration, Instant, field, message, value

SUBSTATION = "substation"
"""Name of the element at the head of a feeder; the others are transformers."""


@value
class ElementLimit:
    """What the market's resources may draw together through a network element."""

    element: str = field("transformer, or substation")
    import_limit_kw: float = field("most that the market's resources below it may draw together", unit="kW")
    loading: float = field("loading that the request would have brought, 1 at the limit", unit="1")


@message(topic="network.{do}.validation.{market}", senders=["mo.{market}"], receivers=["do.{do}"])
class ValidationRequest:
    """A market asks whether its result for a slot is safe; quantities only, no prices."""

    do: str = field("distribution operator")
    market: str = field("market that asks")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    attempt: int = field("1 for the first clearing of the slot")
    usage_points: tuple[str, ...] = field("usage points with awards")
    power_kw: tuple[float, ...] = field("awarded power at each, without the load that does not bid", unit="kW")


@message(topic="network.{market}.validated", senders=["do.*"], receivers=["mo.{market}"])
class ValidationResult:
    """The distribution operator's answer: safe, or the limits within which it would be."""

    market: str = field("market that asked")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    feasible: bool = field("whether every element stays within its limit")
    limits: tuple[ElementLimit, ...] = field("limits of the elements that would be overloaded", default=())


@message(topic="network.{do}.curtailment.{market}", senders=["mo.{market}"], receivers=["do.{do}"])
class CurtailmentPlan:
    """A market could not clear within the limits and curtails its awards by the stated rule."""

    do: str = field("distribution operator")
    market: str = field("market")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    element: str = field("element whose limit is kept")
    factor: float = field("share of every consuming award below the element that is left", unit="1")
    rule: str = field("how the curtailment is shared")


@message(
    topic="connection.{usage_point}.envelope",
    senders=["do.*"],
    receivers=["agent.{usage_point}"],
    mirrors="CSIP-AUS (IEEE 2030.5) DERControl opModImpLimW and opModExpLimW",
)
class OperatingEnvelope:
    """What all devices behind a connection may draw and inject together for some time; a later one replaces it.

    It is kept in every metering interval that begins after it is heard and that it touches; its end gives the
    connection back its own limit. What has to change at once is a DeviceLimit.
    """

    usage_point: str = field("usage point of the connection")
    start: Instant = field("first instant", unit="ns")
    duration: Duration = field("how long it holds", unit="ns")
    import_limit_kw: float = field("most that the devices may draw together", unit="kW", at_least=0)
    export_limit_kw: float = field("most that they may inject together", unit="kW", at_least=0)
