"""Tariffs in the shape of the Utility Rate Database (URDB), version 8 of its web service.

Keys that charge something and have no place in a bill here are faults, unless they are empty or zero; keys that
describe (utility, sector, validity, comments) are left aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from ....kernel import Fault, field, value
from ....kernel.codec import structured
from ....kernel.shape import structure_of
from .lines import exact
from .schedule import HOURS, MONTHS, Rows, Schedule
from .tariff import (
    DemandCharge,
    DemandPeriod,
    DemandTier,
    EnergyCharge,
    EnergyPeriod,
    EnergyTier,
    Export,
    ExportRule,
    FixedCharge,
    MinimumBill,
    Per,
    Tariff,
)

_CHARGING = ("energy", "demand", "flatdemand", "coincident", "fixed", "min", "annualmin", "fuel", "lookback", "dg")
"""How the keys of what is charged begin."""
_DESCRIBING = ("comments", "attrs")
"""How keys end that only describe."""
_OF_OTHER_METERS = ("fixedchargeeaaddl",)


class UrdbRule(Enum):
    """Rule of distributed generation."""

    NET_METERING = "Net Metering"
    NET_BILLING_INSTANTANEOUS = "Net Billing Instantaneous"
    NET_BILLING_HOURLY = "Net Billing Hourly"


class UrdbSpan(Enum):
    """Span of time of a fixed charge."""

    DAY = "$/day"
    MONTH = "$/month"
    YEAR = "$/year"


_EXPORTS = {
    UrdbRule.NET_METERING: Export(ExportRule.NET_METERING),
    UrdbRule.NET_BILLING_INSTANTANEOUS: Export(ExportRule.NET_BILLING),
    UrdbRule.NET_BILLING_HOURLY: Export(ExportRule.NET_BILLING, netting_min=60.0),
}


@value
class UrdbTier:
    """A tier of energy or demand."""

    rate: float = field("price", unit="$", default=0.0)
    adj: float = field("adjustment to be added", unit="$", default=0.0)
    sell: float = field("price paid for an export", unit="$/kWh", default=0.0)
    max: float | None = field("bound; that of the last tier says nothing", default=None)
    unit: str | None = field("unit of the bound", default=None)

    @property
    def price(self) -> float:
        """Rate and adjustment together."""
        return float(exact(self.rate) + exact(self.adj))


Structure = tuple[tuple[UrdbTier, ...], ...]
"""Tiers of each period."""


@value
class UrdbRate:
    """What a rate of the database charges."""

    name: str = field("name of the rate")
    description: str = field("what it is", default="")
    energyratestructure: Structure = field("tiers of each period", default=())
    energyweekdayschedule: Rows = field("period by month and hour", default=())
    energyweekendschedule: Rows = field("period by month and hour", default=())
    demandratestructure: Structure = field("tiers of each period", default=())
    demandweekdayschedule: Rows = field("period by month and hour", default=())
    demandweekendschedule: Rows = field("period by month and hour", default=())
    demandrateunit: str = field("unit of demand", default="kW")
    demandunits: str = field("unit of demand", default="kW")
    demandwindow: float = field("time over which demand is averaged", unit="min", default=15.0, above=0)
    flatdemandstructure: Structure = field("tiers of each period", default=())
    flatdemandmonths: tuple[int, ...] = field("period by month", default=())
    flatdemandunit: str = field("unit of demand", default="kW")
    fixedchargefirstmeter: float = field("fixed charge", unit="$", default=0.0)
    fixedchargeunits: UrdbSpan = field("span of time of the fixed charge", default=UrdbSpan.MONTH)
    fixedmonthlycharge: float = field("fixed charge, as it was called before", unit="$", default=0.0)
    mincharge: float = field("the least that a bill comes to", unit="$", default=0.0, at_least=0)
    minchargeunits: UrdbSpan = field("span of time of the minimum", default=UrdbSpan.MONTH)
    minmonthlycharge: float = field("minimum, as it was called before", unit="$", default=0.0, at_least=0)
    dgrules: UrdbRule | None = field("rule of distributed generation", default=None)
    usenetmetering: bool = field("net metering, as it was called before", default=False)

    def check(self) -> Iterable[tuple[str, str]]:
        """Structures and schedules fit each other, and units are those of a bill."""
        yield from _structure_faults("energyratestructure", self.energyratestructure, ("kWh", "kWh daily"))
        yield from _schedule_faults("energy", self.energyratestructure, self)
        yield from _mixture_faults(self.energyratestructure)
        yield from _structure_faults("demandratestructure", self.demandratestructure, ("kW",))
        yield from _schedule_faults("demand", self.demandratestructure, self)
        yield from _structure_faults("flatdemandstructure", self.flatdemandstructure, ("kW",))
        months, periods = self.flatdemandmonths, len(self.flatdemandstructure)
        if periods and (len(months) != MONTHS or any(not 0 <= index < periods for index in months)):
            yield "flatdemandmonths", f"expected 12 periods of flatdemandstructure, each below {periods}"
        for key in ("demandrateunit", "demandunits", "flatdemandunit"):
            if getattr(self, key) != "kW":
                yield key, f"expected kW, got {getattr(self, key)}"
        for new, old in (("fixedchargefirstmeter", "fixedmonthlycharge"), ("mincharge", "minmonthlycharge")):
            if getattr(self, new) and getattr(self, old):
                yield old, f"expected one of {new} and {old}"
        if not (60.0 / self.demandwindow).is_integer():
            yield "demandwindow", f"expected a part of an hour, such as 15, got {self.demandwindow:g}"


def tariff_from_urdb(raw: object) -> tuple[Tariff | None, list[Fault]]:
    """A tariff from a rate as the web service gives it, alone or the only one of ``items``; None when it has faults."""
    if isinstance(raw, dict) and isinstance(items := raw.get("items"), list):
        if len(items) != 1:
            return None, [Fault("items", f"expected one rate, got {len(items)}")]
        raw = items[0]
    if not isinstance(raw, dict):
        return None, [Fault("", "expected an object with the keys of a URDB rate")]
    faults = list(_foreign_faults(raw))
    rate, found = structured(UrdbRate, {key: raw[key] for key in _known() if raw.get(key) is not None})
    faults += found
    if rate is None:
        return None, faults
    made = _tariff(rate)
    faults += [Fault("", complaint) for _, complaint in made.check()]
    return (None if faults else made), faults


def _known() -> list[str]:
    return [entry.name for entry in structure_of(UrdbRate).fields]


def _foreign_faults(raw: dict[str, object]) -> Iterator[Fault]:
    known = _known()
    for key, entry in raw.items():
        silent = key in known or key in _OF_OTHER_METERS or key.endswith(_DESCRIBING)
        if key.startswith(_CHARGING) and not silent and not _nothing(entry):
            yield Fault(key, "charges something that bills here do not have; leave it out, or set it to 0")


def _nothing(entry: object) -> bool:
    """Whether an entry charges nothing: zero, empty, or made of such."""
    return all(map(_nothing, entry)) if isinstance(entry, list) else not entry


def _structure_faults(key: str, structure: Structure, units: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for number, tiers in enumerate(structure):
        if not tiers:
            yield f"{key}[{number}]", "expected at least one tier"
        below = 0.0
        for place, tier in enumerate(tiers):
            where = f"{key}[{number}][{place}]"
            if tier.unit is not None and tier.unit not in units:
                yield f"{where}.unit", f"expected {' or '.join(units)}, got {tier.unit}"
            if place < len(tiers) - 1 and (tier.max is None or tier.max <= below):
                yield f"{where}.max", f"expected a bound above {below:g}, as a higher tier follows"
            below = tier.max or below
            if tier.sell != tiers[0].sell:
                yield f"{where}.sell", f"expected the same in all tiers of a period, here {tiers[0].sell:g}"


def _mixture_faults(structure: Structure) -> Iterator[tuple[str, str]]:
    units = sorted({tier.unit or "kWh" for tiers in structure for tier in tiers[:-1]})
    if len(units) > 1:
        yield "energyratestructure", f"expected one unit of all bounds, got {' and '.join(units)}"


def _schedule_faults(kind: str, structure: Structure, rate: UrdbRate) -> Iterator[tuple[str, str]]:
    """What is wrong with a schedule; without a structure it says nothing, and rates have it all the same."""
    if not structure:
        return
    for days in ("weekday", "weekend"):
        key = f"{kind}{days}schedule"
        rows: Rows = getattr(rate, key)
        if len(rows) != MONTHS or any(len(row) != HOURS for row in rows):
            yield key, f"expected 12 rows of 24 periods of {kind}ratestructure"
        elif wrong := sorted({index for row in rows for index in row if not 0 <= index < len(structure)}):
            yield key, f"expected periods below {len(structure)}, got {', '.join(map(str, wrong))}"


# From the database's terms to a tariff


def _tariff(rate: UrdbRate) -> Tariff:
    fixed, fixed_per = _charge(rate.fixedchargefirstmeter or rate.fixedmonthlycharge, rate.fixedchargeunits)
    least, least_per = _charge(rate.mincharge or rate.minmonthlycharge, rate.minchargeunits)
    export = _export(rate)
    return Tariff(
        name=re.sub(r"[^a-z0-9]+", "-", rate.name.lower()).strip("-") or "rate",
        description=rate.description,
        energy=_energy(rate, export) if rate.energyratestructure else None,
        export=export,
        demand=tuple(_demand(rate)),
        fixed=(FixedCharge(fixed, fixed_per),) if fixed else (),
        minimum=MinimumBill(least, least_per) if least else None,
    )


def _export(rate: UrdbRate) -> Export:
    """The rule that is said; without one, an export that has a price is paid by the interval."""
    if rate.dgrules is not None:
        return _EXPORTS[rate.dgrules]
    if rate.usenetmetering:
        return Export(ExportRule.NET_METERING)
    sold = any(tier.sell for tiers in rate.energyratestructure for tier in tiers)
    return Export(ExportRule.NET_BILLING) if sold else Export()


def _energy(rate: UrdbRate, export: Export) -> EnergyCharge:
    paid = export.rule is ExportRule.NET_BILLING
    structure = rate.energyratestructure
    daily = any(tier.unit == "kWh daily" for tiers in structure for tier in tiers[:-1])
    return EnergyCharge(
        periods=tuple(
            EnergyPeriod(
                name=f"period {index}",
                tiers=tuple(EnergyTier(tier.price, bound) for tier, bound in zip(tiers, _bounds(tiers), strict=True)),
                export_per_kwh=tiers[0].sell if paid else 0.0,
            )
            for index, tiers in enumerate(structure)
        ),
        schedule=Schedule(rate.energyweekdayschedule, rate.energyweekendschedule),
        tiers_per=Per.DAY if daily else Per.MONTH,
    )


def _demand(rate: UrdbRate) -> Iterator[DemandCharge]:
    if rate.demandratestructure:
        schedule = Schedule(rate.demandweekdayschedule, rate.demandweekendschedule)
        periods = _demand_periods(rate.demandratestructure)
        yield DemandCharge(periods, "demand by time of use", rate.demandwindow, schedule)
    if rate.flatdemandstructure:
        schedule = Schedule(tuple((index,) for index in rate.flatdemandmonths))
        yield DemandCharge(_demand_periods(rate.flatdemandstructure), "demand", rate.demandwindow, schedule)


def _demand_periods(structure: Structure) -> tuple[DemandPeriod, ...]:
    return tuple(
        DemandPeriod(
            name=f"period {index}",
            tiers=tuple(DemandTier(tier.price, bound) for tier, bound in zip(tiers, _bounds(tiers), strict=True)),
        )
        for index, tiers in enumerate(structure)
    )


def _bounds(tiers: Sequence[UrdbTier]) -> list[float | None]:
    return [*(tier.max for tier in tiers[:-1]), None]


def _charge(amount: float, span: UrdbSpan) -> tuple[float, Per]:
    """A charge for a day or a month; one for a year is a twelfth of it for a month."""
    if span is UrdbSpan.YEAR:
        return float(exact(amount) / 12), Per.MONTH
    return amount, Per.DAY if span is UrdbSpan.DAY else Per.MONTH
