"""Device ↔ meter ↔ DO ↔ LSE: power, interval reads and energy of entities."""

from __future__ import annotations

from enum import Enum

from ...kernel import Duration, Instant, field, message


class Quality(Enum):
    """How far a reading can be trusted (after ESPI ReadingQuality)."""

    VALID = "valid"
    ESTIMATED = "estimated"


def belongs(device: str, usage_point: str) -> bool:
    """Whether a device may speak for a usage point: it is called like it, or like it and more after a dash."""
    return device == usage_point or device.startswith(f"{usage_point}-")


@message(topic="device.{device}.power", senders=["agent.{device}"], receivers=["do.*"])
class DevicePower:
    """What a device draws through its meter in an interval; a later revision replaces an earlier one."""

    device: str = field("device; its name is that of its usage point, with -something after it or not")
    usage_point: str = field("usage point of its meter")
    start: Instant = field("first instant of the interval", unit="ns")
    duration: Duration = field("length of the interval", unit="ns")
    power_kw: float = field("average power, consumption positive", unit="kW")
    controllable: bool = field("whether it obeys a limit before others have to")


@message(
    topic="device.{device}.limit",
    senders=["do.*"],
    receivers=["agent.{device}"],
    mirrors="IEEE 2030.5 DERControl opModImpLimW",
)
class DeviceLimit:
    """The distribution operator curtails a device for the rest of an interval; binding."""

    device: str = field("device")
    start: Instant = field("first instant of the interval", unit="ns")
    duration: Duration = field("length of the interval", unit="ns")
    import_limit_kw: float = field("most that it may draw", unit="kW")
    reason: str = field("element that is overloaded, and the rule applied")


@message(
    topic="meter.{lse}.{usage_point}",
    senders=["do.*"],
    receivers=["lse.{lse}"],
    mirrors="ESPI IntervalReading; IEC 61968-9 MeterReadings",
)
class MeterRead:
    """An interval read of one usage point, for its own retailer; a later revision replaces an earlier one."""

    lse: str = field("retailer of the usage point in the interval")
    usage_point: str = field("usage point")
    start: Instant = field("first instant of the interval", unit="ns")
    duration: Duration = field("length of the interval", unit="ns")
    energy_kwh: float = field("energy, consumption positive", unit="kWh")
    quality: Quality = field("how far the value can be trusted")


@message(
    topic="market.{market}.metered",
    senders=["do.*"],
    receivers=["mo.{market}"],
    mirrors="ISO settlement-quality meter data",
)
class MarketEnergy:
    """Interval reads of usage points of a market, for its settlement; a later revision replaces an earlier one."""

    market: str = field("market")
    start: Instant = field("first instant of the interval", unit="ns")
    duration: Duration = field("length of the interval", unit="ns")
    usage_points: tuple[str, ...] = field("usage points")
    energy_kwh: tuple[float, ...] = field("energy of each, consumption positive", unit="kWh")
    estimated: tuple[str, ...] = field("usage points whose reads are estimated", default=())
    losses_kwh: float = field("losses of the network that fall to the market's usage points", unit="kWh", default=0.0)


@message(topic="feeder.{feeder}.read", senders=["do.*"], receivers=["lse.*", "mo.*"])
class FeederRead:
    """A feeder in one interval: substation = meters + losses."""

    feeder: str = field("feeder")
    start: Instant = field("first instant of the interval", unit="ns")
    duration: Duration = field("length of the interval", unit="ns")
    substation_kwh: float = field("energy into the feeder", unit="kWh")
    metered_kwh: float = field("sum of the meters", unit="kWh")
    losses_kwh: float = field("losses of lines and transformers", unit="kWh")
    import_limit_kw: float = field("import limit of the substation", unit="kW")
    highest_loading: float = field("highest loading of a transformer or the substation, 1 at its limit", unit="1")
    curtailed_kwh: float = field("energy that devices wanted and a limit refused", unit="kWh")


@message(
    topic="entity.{lse}.energy",
    senders=["do.*"],
    receivers=["lse.{lse}", "wholesale.*"],
    mirrors="ISO settlement-quality meter data",
)
class EntityEnergy:
    """What a retailer's customers used in an interval, and its share of the losses."""

    lse: str = field("retailer")
    start: Instant = field("first instant of the interval", unit="ns")
    duration: Duration = field("length of the interval", unit="ns")
    metered_kwh: float = field("sum of its customers' meters", unit="kWh")
    losses_kwh: float = field("its share of the losses", unit="kWh")
