"""A tariff as the components that a retailer publishes, so that a customer's agent can know the prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import attrs

from ...interfaces import ChargeKind, TariffComponent
from .schedule import HOURS, MONTHS, Schedule
from .tariff import DemandCharge, EnergyCharge, ExportRule, MarketPrices, MarketRule, MinimumBill, Tariff

_ALL_MONTHS = tuple(range(1, MONTHS + 1))
_ALL_HOURS = tuple(range(HOURS))

_MARKET_PRICES = {
    MarketRule.DYNAMIC: ("energy at the published price",),
    MarketRule.SUBSCRIPTION: ("deviation at the day-ahead price",),
    MarketRule.TRANSACTIVE: ("position at the day-ahead price", "deviation at the real-time price"),
}


@attrs.frozen
class _When:
    """Months in which a period has the same hours."""

    season: tuple[int, ...] = _ALL_MONTHS
    weekday_hours: tuple[int, ...] = _ALL_HOURS
    weekend_hours: tuple[int, ...] = _ALL_HOURS

    def component(
        self, kind: ChargeKind, period: str, price: float, unit: str, above: float = 0.0, above_unit: str = ""
    ) -> TariffComponent:
        return TariffComponent(
            kind=kind,
            period=period,
            season=self.season,
            weekday_hours=self.weekday_hours,
            weekend_hours=self.weekend_hours,
            above=above,
            above_unit=above_unit,
            price=price,
            unit=unit,
        )


def components(tariff: Tariff) -> tuple[TariffComponent, ...]:
    """The components of a tariff, in the order of a bill's lines."""
    found: list[TariffComponent] = []
    if tariff.energy is not None:
        found += _energy(tariff.energy, paid_exports=tariff.export.rule is ExportRule.NET_BILLING)
    if (month := tariff.export.settlement_month) is not None:
        price = tariff.export.settlement_per_kwh
        found.append(_When((month,)).component(ChargeKind.EXPORT, "settlement of credit", price, "$/kWh"))
    if tariff.market is not None:
        found += _market(tariff.market)
    for charge in tariff.demand:
        found += _demand(charge)
    found += [_When().component(ChargeKind.FIXED, f.name, f.price, f"$/{f.per.value}") for f in tariff.fixed]
    if tariff.minimum is not None:
        found.append(_minimum(tariff.minimum))
    return tuple(found)


def _energy(charge: EnergyCharge, *, paid_exports: bool) -> Iterator[TariffComponent]:
    above_unit = f"kWh/{charge.tiers_per.value}"
    for index, period in enumerate(charge.periods):
        for when in _whens(charge.schedule, index):
            for above, tier in zip(_bounds([t.up_to_kwh for t in period.tiers]), period.tiers, strict=True):
                yield when.component(
                    ChargeKind.ENERGY, period.name, tier.price_per_kwh, "$/kWh", above, above_unit if above else ""
                )
            if paid_exports:
                yield when.component(ChargeKind.EXPORT, period.name, period.export_per_kwh, "$/kWh")


def _demand(charge: DemandCharge) -> Iterator[TariffComponent]:
    for index, period in enumerate(charge.periods):
        for when in _whens(charge.schedule, index):
            for above, tier in zip(_bounds([t.up_to_kw for t in period.tiers]), period.tiers, strict=True):
                yield when.component(
                    ChargeKind.DEMAND, period.name, tier.price_per_kw, "$/kW/month", above, "kW" if above else ""
                )


def _market(market: MarketPrices) -> Iterator[TariffComponent]:
    for name in _MARKET_PRICES[market.rule]:
        yield _When().component(ChargeKind.MARKET, name, market.multiplier, "of the price")


def _minimum(minimum: MinimumBill) -> TariffComponent:
    return _When().component(ChargeKind.MINIMUM, "minimum", minimum.amount, f"$/{minimum.per.value}")


def _bounds(up_to: Sequence[float | None]) -> list[float]:
    """Where each tier begins."""
    return [0.0, *(bound for bound, _ in pairwise(up_to) if bound is not None)]


def _whens(schedule: Schedule, index: int) -> Iterator[_When]:
    """When a period applies: once for all months in which it has the same hours."""
    table = schedule.table() == index
    seasons: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}
    for month in range(MONTHS):
        hours = [tuple(hour for hour in range(HOURS) if table[day, month, hour]) for day in range(2)]
        if any(hours):
            seasons.setdefault((hours[0], hours[1]), []).append(month + 1)
    for (weekday, weekend), months in seasons.items():
        yield _When(tuple(months), weekday, weekend)
