"""The charges of a month but for energy at the tariff's own prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np

from ...interfaces import BillLine, ChargeKind
from .lines import ZERO, blocks, charged, exact, named, summed, tier_name, total
from .months import MonthPart
from .schedule import IntArray
from .tariff import DemandCharge, FixedCharge, MarketPrices, MarketRule, MinimumBill, Per
from .usage import FloatArray, MonthUsage, Usage, exact_sum

_NOISE = Decimal("1e-9")
"""Products of floats are right to some 16 digits; what lies below must not decide over half a cent. [$]"""


def market_lines(market: MarketPrices, month: MonthUsage) -> Iterator[BillLine]:
    """Energy at prices that are not in the tariff."""
    multiplier = exact(market.multiplier)
    for component, energy_kwh, price_per_kwh in _market_energy(market.rule, month.usage):
        amount = exact_sum(energy_kwh * price_per_kwh).quantize(_NOISE) * multiplier
        yield summed(month.part, ChargeKind.MARKET, component, exact_sum(energy_kwh), "kWh", amount)


def _market_energy(rule: MarketRule, usage: Usage) -> Iterator[tuple[str, FloatArray, FloatArray]]:
    """What is charged for, its energy and its price in each interval."""
    energy, hours = usage.energy_kwh, usage.hours
    match rule:
        case MarketRule.DYNAMIC:
            yield "energy at the published price", energy, usage.needed("price_per_kwh")
        case MarketRule.SUBSCRIPTION:
            deviation = energy - usage.needed("baseline_kw") * hours
            yield "deviation from the baseline", deviation, usage.needed("day_ahead_per_kwh")
        case MarketRule.TRANSACTIVE:
            position = usage.needed("day_ahead_kw") * hours
            yield "day-ahead energy", position, usage.needed("day_ahead_per_kwh")
            yield "real-time deviation", energy - position, usage.needed("real_time_per_kwh")


def demand_lines(charge: DemandCharge, month: MonthUsage) -> Iterator[BillLine]:
    """The highest demand of the month in each period; for a part of a month, that part of the charge."""
    first, window = month.windows(charge.interval_min)
    period_of = month.periods(charge.schedule)[first]
    hours = max(charge.interval_min / 60.0, month.usage.hours)
    for index in month.scheduled(charge.schedule):
        period = charge.periods[index]
        highest = _highest_kw(month.usage.energy_kwh, window, np.flatnonzero(period_of == index), hours)
        powers = blocks(highest, [None if tier.up_to_kw is None else exact(tier.up_to_kw) for tier in period.tiers])
        where = period.name if len(charge.periods) > 1 else ""
        for number, (tier, power_kw) in enumerate(zip(period.tiers, powers, strict=True)):
            if number == 0 or power_kw:
                component = named(charge.name, where, tier_name(number, len(period.tiers)))
                quantity = power_kw * month.part.share
                yield charged(month.part, ChargeKind.DEMAND, component, quantity, "kW month", tier.price_per_kw)


def _highest_kw(energy_kwh: FloatArray, window: IntArray, among: IntArray, hours: float) -> Decimal:
    """The highest average power of some windows, 0 if there is none or all of them export [kW]."""
    if not among.size:
        return ZERO
    sums = np.bincount(window, weights=energy_kwh)
    best = among[np.argmax(sums[among])]
    return max(exact_sum(energy_kwh[window == best]) / exact(hours), ZERO)


def fixed_line(charge: FixedCharge, part: MonthPart) -> BillLine:
    """A charge for the time alone."""
    return charged(part, ChargeKind.FIXED, charge.name, span(part, charge.per), charge.per.value, charge.price)


def minimum_lines(minimum: MinimumBill, part: MonthPart, others: Sequence[BillLine]) -> Iterator[BillLine]:
    """What all other lines of a month fall short of the least that is charged for it."""
    quantity = span(part, minimum.per)
    least = exact(minimum.amount) * quantity
    short = least - total(others)
    if short > 0:
        component = f"up to the minimum of {minimum.amount:g} $ a {minimum.per.value}"
        yield summed(part, ChargeKind.MINIMUM, component, quantity, minimum.per.value, short)


def span(part: MonthPart, per: Per) -> Decimal:
    """How many of a span of time a part of a month is, in local days or as the part of the month's days."""
    return part.days if per is Per.DAY else part.share
