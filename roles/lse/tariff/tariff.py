"""A tariff as data: what is charged, at which prices, when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from ....kernel import field, value
from ....kernel.message import is_token
from .schedule import Schedule


class Per(Enum):
    """The span of time that a charge or a tier is for; of a part of it the same part is taken."""

    DAY = "day"
    MONTH = "month"


class ExportRule(Enum):
    """What becomes of energy that a customer exports, where the tariff has prices for energy of its own."""

    NET = "net"
    """Taken off the consumption of its month and period; more export than that is a credit in money."""
    NET_METERING = "net-metering"
    """Taken off the consumption of its month and period; more export than that is carried to later months in kWh."""
    NET_BILLING = "net-billing"
    """Paid at the export price of its period, interval by interval."""
    NONE = "none"
    """Not paid."""


class MarketRule(Enum):
    """How prices that are not in the tariff enter a bill."""

    DYNAMIC = "dynamic"
    """The energy of an interval at its published price."""
    SUBSCRIPTION = "subscription"
    """The tariff's own prices are for the baseline, the deviation from it is at the day-ahead price."""
    TRANSACTIVE = "transactive"
    """The day-ahead position at its price, the deviation from it at the real-time price."""


@value
class EnergyTier:
    """A price of energy up to a bound."""

    price_per_kwh: float = field("price", unit="$/kWh")
    up_to_kwh: float | None = field("energy of all periods up to which it applies", unit="kWh", default=None, above=0)


@value
class EnergyPeriod:
    """Hours with the same price of energy."""

    name: str = field("name of the period")
    tiers: tuple[EnergyTier, ...] = field("prices by the energy of the month, in ascending order")
    export_per_kwh: float = field("price paid for an export, with net billing", unit="$/kWh", default=0.0)

    def check(self) -> Iterable[tuple[str, str]]:
        """Tiers ascend to one without a bound."""
        yield from tier_faults("up_to_kwh", [tier.up_to_kwh for tier in self.tiers])


@value
class EnergyCharge:
    """The tariff's own prices of energy."""

    periods: tuple[EnergyPeriod, ...] = field("periods; the schedule counts them from 0")
    schedule: Schedule = field("when each period applies", default=Schedule())
    tiers_per: Per = field("span of time that the bounds of the tiers are for", default=Per.MONTH)

    def check(self) -> Iterable[tuple[str, str]]:
        """The schedule knows the periods that there are."""
        yield from schedule_faults(self.schedule, len(self.periods))


@value
class DemandTier:
    """A price of demand up to a bound."""

    price_per_kw: float = field("price for a month", unit="$/kW")
    up_to_kw: float | None = field("demand up to which it applies", unit="kW", default=None, above=0)


@value
class DemandPeriod:
    """Hours of which the highest demand of a month has the same price."""

    name: str = field("name of the period")
    tiers: tuple[DemandTier, ...] = field("prices by the demand, in ascending order")

    def check(self) -> Iterable[tuple[str, str]]:
        """Tiers ascend to one without a bound."""
        yield from tier_faults("up_to_kw", [tier.up_to_kw for tier in self.tiers])


@value
class DemandCharge:
    """A charge for the highest demand of a month in each period, taken over consecutive parts of an hour."""

    periods: tuple[DemandPeriod, ...] = field("periods; the schedule counts them from 0")
    name: str = field("name of the charge", default="demand")
    interval_min: float = field("time over which demand is averaged", unit="min", default=15.0, above=0)
    schedule: Schedule = field("when each period applies", default=Schedule())

    def check(self) -> Iterable[tuple[str, str]]:
        """The schedule knows the periods that there are, and an hour has a whole number of demand intervals."""
        yield from schedule_faults(self.schedule, len(self.periods))
        yield from _interval_faults("interval_min", self.interval_min)


@value
class FixedCharge:
    """A charge for the time alone."""

    price: float = field("price for the span of time", unit="$")
    per: Per = field("span of time")
    name: str = field("name of the charge", default="connection")


@value
class MinimumBill:
    """The least that a bill comes to."""

    amount: float = field("least amount for the span of time", unit="$", at_least=0)
    per: Per = field("span of time", default=Per.MONTH)


@value
class Export:
    """What becomes of exported energy."""

    rule: ExportRule = field("rule", default=ExportRule.NET)
    netting_min: float | None = field(
        "time over which net billing sets exports off against consumption, the metering interval unless said",
        unit="min",
        default=None,
        above=0,
    )
    settlement_month: int | None = field(
        "month at the end of which net metering pays the energy that is left, 1 to 12; none: it is carried on",
        default=None,
        at_least=1,
        at_most=12,
    )
    settlement_per_kwh: float = field("price of the energy that is left", unit="$/kWh", default=0.0)

    def check(self) -> Iterable[tuple[str, str]]:
        """What belongs to one rule is not said of another."""
        if self.netting_min is not None:
            yield from _interval_faults("netting_min", self.netting_min)
            if self.rule is not ExportRule.NET_BILLING:
                yield "netting_min", "expected with net-billing alone"
        if self.settlement_month is not None and self.rule is not ExportRule.NET_METERING:
            yield "settlement_month", "expected with net-metering alone"
        if self.settlement_per_kwh and self.settlement_month is None:
            yield "settlement_per_kwh", "expected with a settlement_month alone"


@value
class MarketPrices:
    """Energy at prices that are not in the tariff."""

    rule: MarketRule = field("what is charged at which price")
    multiplier: float = field("what the prices are multiplied with", unit="1", default=1.0, above=0)


@value
class Tariff:
    """Everything that a bill is made of."""

    name: str = field("name of the tariff, of letters, digits, - and _")
    description: str = field("what is charged, in a sentence", default="")
    energy: EnergyCharge | None = field("energy at the tariff's own prices", default=None)
    market: MarketPrices | None = field("energy at other prices", default=None)
    export: Export = field("exported energy", default=Export())
    demand: tuple[DemandCharge, ...] = field("charges for the highest demand", default=())
    fixed: tuple[FixedCharge, ...] = field("charges for the time alone", default=())
    minimum: MinimumBill | None = field("the least that a bill comes to", default=None)

    def check(self) -> Iterable[tuple[str, str]]:
        """What one part cannot say of another."""
        if not is_token(self.name):
            yield "name", f"expected letters, digits, - and _, got {self.name!r}"
        if not (self.energy or self.market or self.demand or self.fixed or self.minimum):
            yield "energy", "expected a tariff that charges something: energy, market, demand, fixed or minimum"
        yield from _export_faults(self)
        if self.market_rule is MarketRule.SUBSCRIPTION and self.energy is None:
            yield "energy", "expected prices for the baseline of a subscription"

    @property
    def market_rule(self) -> MarketRule | None:
        """How prices that are not in the tariff enter the bill, if they do."""
        return None if self.market is None else self.market.rule


def _export_faults(tariff: Tariff) -> Iterator[tuple[str, str]]:
    rule = tariff.export.rule
    if rule is not ExportRule.NET:
        if tariff.energy is None:
            yield "export.rule", "expected net where the tariff has no energy prices of its own"
        if tariff.market_rule is MarketRule.SUBSCRIPTION:
            yield "export.rule", "expected net with a subscription, whose baseline may be an export"
        if rule is ExportRule.NET_METERING and tariff.market is not None:
            yield "export.rule", "expected no net-metering where the same energy has market prices"
    if tariff.energy is not None and rule is not ExportRule.NET_BILLING:
        for number, period in enumerate(tariff.energy.periods):
            if period.export_per_kwh:
                yield f"energy.periods[{number}].export_per_kwh", "expected with the export rule net-billing alone"


def schedule_faults(schedule: Schedule, periods: int) -> Iterator[tuple[str, str]]:
    """What is wrong with periods and their schedule."""
    if not periods:
        yield "periods", "expected at least one period"
        return
    for key, complaint in schedule.beyond(periods):
        yield f"schedule.{key}", complaint


def tier_faults(key: str, bounds: Sequence[float | None]) -> Iterator[tuple[str, str]]:
    """What is wrong with the bounds of tiers."""
    if not bounds:
        yield "tiers", "expected at least one tier"
        return
    if bounds[-1] is not None:
        yield f"tiers[{len(bounds) - 1}].{key}", "expected no bound on the last tier"
    below = 0.0
    for number, bound in enumerate(bounds[:-1]):
        if bound is None or bound <= below:
            yield f"tiers[{number}].{key}", f"expected a bound above {below:g}, as a higher tier follows"
        below = bound or below


def _interval_faults(key: str, minutes: float) -> Iterator[tuple[str, str]]:
    if minutes <= 0 or not (60.0 / minutes).is_integer():
        yield key, f"expected a part of an hour, such as 15, got {minutes:g}"
