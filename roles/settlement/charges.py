"""What is charged for a period, not for a slot: use of system, membership of a market, the market operator's costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import attrs
import numpy as np

from ...kernel import DAY, HOUR, Calendar, Duration, Instant
from ..accounts import dollars
from .flexibility import FloatArray
from .rules import NetworkCharges, SettlementRules

_YEAR_DAYS = 365.25


@attrs.frozen
class Charge:
    """One component of an invoice."""

    component: str
    quantity: float
    unit: str
    price: float
    amount: Decimal


@attrs.frozen(eq=False)
class Use:
    """What the customers of a retailer drew together, interval by interval of one length."""

    starts: tuple[Instant, ...]
    duration: Duration
    energy_kwh: FloatArray
    """Shape (n_intervals,), consumption positive. [kWh]"""
    customers: tuple[tuple[Instant, Instant], ...] = ()
    """First instant, and first instant after, of the supply of each usage point."""


def use_of_system(charges: NetworkCharges, use: Use, start: Instant, end: Instant, calendar: Calendar) -> list[Charge]:
    """What a retailer owes the distribution operator for a period.

    Energy is charged where the customers draw more than they inject. The peak is that of the local calendar month; a
    month of which the period covers a part is charged for that part.
    """
    return [
        *_charge("energy", float(np.maximum(use.energy_kwh, 0.0).sum()), "kWh", charges.per_kwh),
        *_charge("monthly peak", _kw_months(use, start, end, calendar), "kW month", charges.per_kw_month),
        *_charge("usage points", _served(use.customers, start, end) / DAY, "days", charges.per_customer_day),
    ]


def membership(
    rules: SettlementRules,
    customers: Iterable[tuple[Instant, Instant]],
    start: Instant,
    end: Instant,
    calendar: Calendar,
) -> list[Charge]:
    """The market fee on usage points for a period, from first instant and first instant after of each one's supply."""
    customers = list(customers)
    months = sum(_served(customers, first, last) / length for first, last, length in months_of(start, end, calendar))
    return _charge("usage points", months, "months", rules.fee_per_customer_month)


def market_share(rules: SettlementRules, metered_kwh: float, start: Instant, end: Instant) -> list[Charge]:
    """What the distribution operator owes the market operator for a period: on consumption, and a part of its costs."""
    years = (end - start) / DAY / _YEAR_DAYS
    return [
        *_charge("energy", metered_kwh, "kWh", rules.market_share_per_kwh),
        *_charge("costs", years, "years", rules.costs_per_year * rules.do_share_of_costs),
    ]


def losses(charges: NetworkCharges, losses_kwh: float) -> list[Charge]:
    """What the distribution operator pays a retailer for its share in the losses."""
    return _charge("losses", losses_kwh, "kWh", charges.losses_per_kwh)


def months_of(start: Instant, end: Instant, calendar: Calendar) -> Iterator[tuple[Instant, Instant, Duration]]:
    """The parts of a period by local calendar month: first instant, first instant after, the month's whole length."""
    first = start
    while first < end:
        local = calendar.local(first)
        begin = calendar.instant(_month(local.year, local.month, calendar))
        after = calendar.instant(_month(local.year + local.month // 12, local.month % 12 + 1, calendar))
        yield first, min(after, end), after - begin
        first = after


def _month(year: int, month: int, calendar: Calendar) -> datetime:
    return datetime(year, month, 1, tzinfo=calendar.zone)


def _kw_months(use: Use, start: Instant, end: Instant, calendar: Calendar) -> float:
    starts = np.array(use.starts, dtype=np.int64)
    total = 0.0
    for first, last, length in months_of(start, end, calendar):
        energy_kwh = use.energy_kwh[(starts >= first) & (starts < last)]
        peak_kw = float(energy_kwh.max(initial=0.0)) / (use.duration / HOUR)
        total += peak_kw * ((last - first) / length)
    return total


def _served(customers: Iterable[tuple[Instant, Instant]], start: Instant, end: Instant) -> Duration:
    return sum(max(min(last, end) - max(first, start), 0) for first, last in customers)


def _charge(component: str, quantity: float, unit: str, price: float) -> list[Charge]:
    amount = dollars(quantity * price)
    return [Charge(component, quantity, unit, price, amount)] if amount else []
