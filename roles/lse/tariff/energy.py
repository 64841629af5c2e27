"""Energy at the tariff's own prices: periods, tiers, exports and credits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import attrs
import numpy as np

from ...interfaces import BillLine, ChargeKind
from .charges import span
from .lines import ZERO, blocks, charged, exact, named, tier_name
from .schedule import IntArray
from .tariff import EnergyCharge, Export, ExportRule, MarketRule, Tariff
from .usage import FloatArray, MonthUsage, exact_sum

Energies = tuple[Decimal, ...]
"""The energy of each period. [kWh]"""


@attrs.frozen
class Credited:
    """The energy of a month, period by period, after the credit from earlier months."""

    billed: Energies
    used: Energies
    carried: Energies


def energy_lines(
    tariff: Tariff, charge: EnergyCharge, month: MonthUsage, credit: Energies
) -> tuple[list[BillLine], Energies]:
    """The lines of a month and the credit that is left after it."""
    period_of, energy_kwh = _charged_energy(tariff, charge, month)
    export = tariff.export
    if export.rule is ExportRule.NET_METERING:
        credited = after_credit(_by_period(charge, period_of, energy_kwh), credit)
        lines = [*_price_lines(tariff, charge, month, credited.billed), *_credit_lines(charge, month, credited)]
        return _settled(export, month, lines, credited.carried)
    taken = energy_kwh if export.rule is ExportRule.NET else np.maximum(energy_kwh, 0.0)
    lines = list(_price_lines(tariff, charge, month, _by_period(charge, period_of, taken)))
    if export.rule is ExportRule.NET_BILLING:
        lines += _export_lines(charge, month, _by_period(charge, period_of, np.minimum(energy_kwh, 0.0)))
    return lines, credit


def after_credit(used: Energies, credit: Energies) -> Credited:
    """Take the credit of each period off its energy; what is exported beyond is carried on."""
    net = [energy - held for energy, held in zip(used, credit, strict=True)]
    taken = [min(held, max(energy, ZERO)) for energy, held in zip(used, credit, strict=True)]
    return Credited(
        billed=tuple(max(energy, ZERO) for energy in net),
        used=tuple(taken),
        carried=tuple(max(-energy, ZERO) for energy in net),
    )


def _charged_energy(tariff: Tariff, charge: EnergyCharge, month: MonthUsage) -> tuple[IntArray, FloatArray]:
    """The period and the energy of each interval, or of each window in which exports are set off."""
    usage = month.usage
    period_of, energy_kwh = month.periods(charge.schedule), usage.energy_kwh
    if tariff.market_rule is MarketRule.SUBSCRIPTION:
        energy_kwh = usage.needed("baseline_kw") * usage.hours
    if tariff.export.netting_min is not None:
        first, window = month.windows(tariff.export.netting_min)
        return period_of[first], np.bincount(window, weights=energy_kwh, minlength=len(first)).astype(np.float64)
    return period_of, energy_kwh


def _by_period(charge: EnergyCharge, period_of: IntArray, energy_kwh: FloatArray) -> Energies:
    return tuple(exact_sum(energy_kwh[period_of == index]) for index in range(len(charge.periods)))


def _price_lines(tariff: Tariff, charge: EnergyCharge, month: MonthUsage, energies: Energies) -> Iterator[BillLine]:
    """The energy of each period at its prices.

    Tiers count the energy of all periods together; each period has its share of every tier.
    """
    subscribed = tariff.market_rule is MarketRule.SUBSCRIPTION
    in_all = sum(energies, ZERO)
    scale = span(month.part, charge.tiers_per)
    for index in month.scheduled(charge.schedule):
        tiers = charge.periods[index].tiers
        bounds = [None if tier.up_to_kwh is None else exact(tier.up_to_kwh) * scale for tier in tiers]
        parts = _shared(energies[index], in_all, bounds)
        for number, (tier, energy) in enumerate(zip(tiers, parts, strict=True)):
            if number == 0 or energy:
                component = named(
                    "subscribed energy" if subscribed else "energy",
                    _period_name(charge, index),
                    tier_name(number, len(tiers)),
                )
                yield charged(month.part, ChargeKind.ENERGY, component, energy, "kWh", tier.price_per_kwh)


def _shared(energy: Decimal, in_all: Decimal, bounds: Sequence[Decimal | None]) -> list[Decimal]:
    """What of a period's energy is in each tier; all in the first where there is no consumption in all."""
    if len(bounds) == 1 or in_all <= 0:
        return [energy, *(ZERO for _ in bounds[1:])]
    return [part * energy / in_all for part in blocks(in_all, bounds)]


def _export_lines(charge: EnergyCharge, month: MonthUsage, energies: Energies) -> Iterator[BillLine]:
    for index in month.scheduled(charge.schedule):
        component = named("export", _period_name(charge, index))
        price = charge.periods[index].export_per_kwh
        if energies[index]:
            yield charged(month.part, ChargeKind.EXPORT, component, energies[index], "kWh", price)


def _credit_lines(charge: EnergyCharge, month: MonthUsage, credited: Credited) -> Iterator[BillLine]:
    """What was taken off the energy of the month, and what later months have coming; for information."""
    for what, energies in (("credit used", credited.used), ("credit carried forward", credited.carried)):
        for index, energy in enumerate(energies):
            if energy:
                component = named(what, _period_name(charge, index))
                yield charged(month.part, ChargeKind.CREDIT, component, energy, "kWh", 0.0)


def _settled(
    export: Export, month: MonthUsage, lines: list[BillLine], credit: Energies
) -> tuple[list[BillLine], Energies]:
    """Pay the credit that is left when the month of settlement ends."""
    if export.settlement_month != month.part.month or not month.part.ends or not any(credit):
        return lines, credit
    left = -sum(credit, ZERO)
    paid = charged(month.part, ChargeKind.EXPORT, "settlement of credit", left, "kWh", export.settlement_per_kwh)
    return [*lines, paid], tuple(ZERO for _ in credit)


def _period_name(charge: EnergyCharge, index: int) -> str:
    return charge.periods[index].name if len(charge.periods) > 1 else ""
