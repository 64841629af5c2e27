"""LSE → itself: what a retailer records of its forecasts and of what it buys for its customers."""

from __future__ import annotations

from enum import Enum

from ...kernel import Duration, Instant, field, message, value


class ForecastSubject(Enum):
    """Whose load was forecast."""

    CUSTOMER_CLASS = "customer class"
    USAGE_POINT = "usage point"


class SupplySource(Enum):
    """Where energy comes from."""

    BILATERAL = "bilateral"
    DAY_AHEAD = "day-ahead"
    REAL_TIME = "real-time"
    CUSTOMERS = "customers"
    """What customers' own devices inject."""


@message(topic="portfolio.{lse}.forecast", senders=["lse.{lse}"], receivers=["lse.{lse}"])
class ForecastError:
    """How far forecasts of load that does not bid were off, in slots that have been metered; one row a subject."""

    lse: str = field("retailer")
    product: str = field("series of the slots that were forecast")
    horizon: Duration = field("from the forecast to the slot, in whole hours, rounded down", unit="ns")
    start: Instant = field("first instant of the slots", unit="ns")
    end: Instant = field("first instant after the slots", unit="ns")
    subject: ForecastSubject = field("whose load was forecast; that of a class is the sum over its customers")
    names: tuple[str, ...] = field("classes or usage points")
    slots: tuple[int, ...] = field("slots of each")
    mean_absolute_kw: tuple[float, ...] = field("mean of the absolute error", unit="kW")
    bias_kw: tuple[float, ...] = field("mean error, positive when too much was expected", unit="kW")
    root_mean_square_kw: tuple[float, ...] = field("root of the mean square error", unit="kW")


@value
class ProcurementLine:
    """What one source has given."""

    source: SupplySource = field("where the energy comes from")
    bid_kwh: float = field("most that was bid for, offered or contracted", unit="kWh")
    cleared_kwh: float = field("awarded or scheduled", unit="kWh")
    settled_kwh: float = field("energy that is paid for", unit="kWh")
    paid: float = field("what it costs", unit="$")


@message(topic="portfolio.{lse}.procurement", senders=["lse.{lse}"], receivers=["lse.{lse}"])
class Procurement:
    """Where the energy of a slot came from and what it cost; a later revision replaces an earlier one.

    What was required is what customers consumed and the losses of it; the settled energies of the sources add up to it.
    """

    lse: str = field("retailer")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    required_kwh: float = field("consumption and losses", unit="kWh")
    lines: tuple[ProcurementLine, ...] = field("sources")
    usage_points: tuple[str, ...] = field("usage points that consumed")
    energy_kwh: tuple[float, ...] = field("consumption of each", unit="kWh")
    cost: tuple[float, ...] = field("share of each in what all sources cost, by energy", unit="$")
