"""Rates of a finished run: what would have recovered each retailer's expenses, from what the run has recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....kernel import DAY, Calendar, Result, UsageError
from ....kernel.records import read_manifest, read_table, table_names
from ...interfaces import ChargeKind, TransferKind
from ..tariff import Tariff, Usage, load_tariff
from ..tariff.months import month_parts
from ..tariff.usage import FloatArray, MonthUsage
from .closed_forms import Balance, Customers, flat_rate, time_of_use_rates, transactive_rate

_NEEDED = ("meter_read", "bill", "payment")


@attrs.frozen(kw_only=True)
class RetailerRates:
    """What a retailer's customers used and paid, and the rates that would have recovered its expenses."""

    lse: str
    expenses: float
    """What it paid out to others. [$]"""
    revenue: float
    """What it billed. [$]"""
    energy_kwh: float
    customer_days: float
    """Customers times days of 24 h."""
    flat_per_kwh: float
    """One price for all energy, with the demand and fixed charges that were billed. [$/kWh]"""
    time_of_use_per_kwh: tuple[tuple[str, float], ...]
    """Periods and their prices, likewise. [$/kWh]"""
    volumetric_per_kwh: float | None
    """Transactive: what all energy would have had to cost beside market prices; none where none were billed. [$/kWh]"""
    fixed_per_day: float | None
    """Or each day, instead of the demand and fixed charges that were billed. [$/d]"""
    energy_price_factor: float | None
    """What the energy prices that were billed would have had to be multiplied with, none where there were none. [1]"""


def rates_of(result: Result, time_of_use: Tariff | None = None) -> tuple[RetailerRates, ...]:
    """The rates of each retailer of a finished run that has customers.

    ``time_of_use`` gives the periods and the ratios of their prices, by default the built-in tariff of that name.

    Raises:
        UsageError: the run kept no records, or not those that are needed.
    """
    if result.path is None:
        raise UsageError("this run kept no records; run it with records=True")
    return _rates_in(result.path, result.scenario.calendar, time_of_use or load_tariff("time-of-use"))


def rates_in(folder: Path, time_of_use: Tariff | None = None) -> tuple[RetailerRates, ...]:
    """The rates of each retailer of a run folder.

    Raises:
        UsageError: it is no run folder, or has not the records that are needed.
    """
    head = read_manifest(folder)["scenario"]
    calendar = Calendar(datetime.fromisoformat(head["start"]), ZoneInfo(head["zone"]))
    return _rates_in(folder, calendar, time_of_use or load_tariff("time-of-use"))


def _rates_in(folder: Path, calendar: Calendar, time_of_use: Tariff) -> tuple[RetailerRates, ...]:
    if missing := sorted(set(_NEEDED) - set(table_names(folder))):
        raise UsageError(f"{folder} has no {', '.join(missing)}; rates follow from reads, bills and payments")
    reads, bills, payments = (read_table(folder, name) for name in _NEEDED)
    return tuple(
        _rates(lse, calendar, time_of_use, _of(reads, lse), _of(bills, lse), expenses_of(payments, lse))
        for lse in sorted(set(reads["lse"].to_pylist()))
    )


def _rates(
    lse: str, calendar: Calendar, time_of_use: Tariff, reads: pa.Table, bills: pa.Table, expenses: float
) -> RetailerRates:
    billed = _billed(bills)
    usage, customer_days = _usage(reads, calendar)
    energy_kwh = float(usage.energy_kwh.sum())
    other = billed[ChargeKind.DEMAND] + billed[ChargeKind.FIXED]
    market, energy = billed[ChargeKind.MARKET], billed[ChargeKind.ENERGY]
    all_energy = Customers(energy_kwh=(energy_kwh,), other_revenue=other)
    names, ratios, by_period = _periods(time_of_use, usage, calendar)
    prices = time_of_use_rates(expenses, [Customers(energy_kwh=by_period, other_revenue=other)], ratios)
    at_market = attrs.evolve(all_energy, market_revenue=market)
    by_time = Customers(energy_kwh=(), market_revenue=market, spans=customer_days)
    revenue = sum(billed.values())
    return RetailerRates(
        lse=lse,
        expenses=expenses,
        revenue=revenue,
        energy_kwh=energy_kwh,
        customer_days=customer_days,
        flat_per_kwh=flat_rate(expenses, [all_energy]),
        time_of_use_per_kwh=tuple(zip(names, prices, strict=True)),
        volumetric_per_kwh=transactive_rate(expenses, [at_market], Balance.VOLUMETRIC) if market else None,
        fixed_per_day=transactive_rate(expenses, [by_time], Balance.FIXED) if market else None,
        energy_price_factor=(expenses - (revenue - energy)) / energy if energy else None,
    )


def _of(table: pa.Table, lse: str) -> pa.Table:
    return table.filter(pc.equal(table["lse"], lse))


def expenses_of(payments: pa.Table, lse: str) -> float:
    """What a retailer paid to others less what they paid to it; bills, also such as go back, are revenue [$]."""
    other = payments.filter(pc.not_equal(payments["kind"], TransferKind.BILL.value))
    is_received = pc.and_(pc.equal(other["payee_role"], "lse"), pc.equal(other["payee"], lse))
    paid, received = other.filter(pc.equal(other["sender"], f"lse.{lse}")), other.filter(is_received)
    return float((pc.sum(paid["amount"]).as_py() or 0) - (pc.sum(received["amount"]).as_py() or 0))


def _billed(bills: pa.Table) -> defaultdict[ChargeKind, float]:
    """What was billed of each kind, in the latest revision of each bill [$]."""
    latest: dict[tuple[Any, ...], dict[str, Any]] = {}
    columns = ["usage_point", "start", "end", "lines.kind", "lines.amount"]
    for row in bills.select(columns).to_pylist():
        latest[row["usage_point"], row["start"], row["end"]] = row
    sums: defaultdict[ChargeKind, float] = defaultdict(float)
    for row in latest.values():
        for kind, amount in zip(row["lines.kind"], row["lines.amount"], strict=True):
            sums[ChargeKind(kind)] += float(amount)
    return sums


def _usage(reads: pa.Table, calendar: Calendar) -> tuple[Usage, float]:
    """The energy of all customers together by interval, from the latest read of each, and the customer-days."""
    starts = _whole(reads["start"]) - calendar.epoch_ns
    points = np.unique(np.array(reads["usage_point"].to_pylist()), return_inverse=True)[1]
    durations = _whole(reads["duration"])
    energy = np.asarray(reads["energy_kwh"].to_numpy(), dtype=np.float64)
    # The last row of each usage point and interval, by looking for the first from behind.
    keys = np.stack([points, starts])[:, ::-1]
    last = len(starts) - 1 - np.unique(keys, axis=1, return_index=True)[1]
    start, place = np.unique(starts[last], return_inverse=True)
    length = int(durations.min())
    usage = Usage(start=start, duration=length, energy_kwh=np.bincount(place, weights=energy[last]))
    return usage, float(durations[last].sum()) / DAY


def _whole(column: pa.ChunkedArray) -> FloatArray:
    return np.asarray(column.cast(pa.int64()).to_numpy())


def _periods(tariff: Tariff, usage: Usage, calendar: Calendar) -> tuple[list[str], list[float], tuple[float, ...]]:
    """The periods of a tariff, the ratio of each price to the first, and the energy in each [kWh]."""
    charge = tariff.energy
    if charge is None or not charge.periods[0].tiers[0].price_per_kwh:
        raise UsageError(f"{tariff.name} has no energy prices that could be in a ratio to the first")
    prices = [period.tiers[0].price_per_kwh for period in charge.periods]
    energies = np.zeros(len(prices))
    end = int(usage.start[-1]) + usage.duration
    for part in month_parts(calendar, int(usage.start[0]), end):
        month = MonthUsage.of(part, usage, calendar)
        energies += np.bincount(month.periods(charge.schedule), month.usage.energy_kwh, minlength=len(prices))
    names = [period.name for period in charge.periods]
    return names, [price / prices[0] for price in prices], tuple(energies.tolist())


def text(rates: Sequence[RetailerRates]) -> str:
    """The rates as people read them."""
    return "\n\n".join("\n".join(_text_lines(each)) for each in rates) + "\n"


def _text_lines(rates: RetailerRates) -> Iterator[str]:
    yield (
        f"{rates.lse}: {rates.energy_kwh:,.0f} kWh in {rates.customer_days:,.1f} customer-days; "
        f"expenses {rates.expenses:,.2f} $, revenue {rates.revenue:,.2f} $"
    )
    yield "  to recover its expenses exactly:"
    yield _row("flat", rates.flat_per_kwh, "$/kWh")
    for period, price in rates.time_of_use_per_kwh:
        yield _row(f"time of use, {period}", price, "$/kWh")
    if rates.volumetric_per_kwh is not None:
        yield _row("transactive, volumetric: market prices and", rates.volumetric_per_kwh, "$/kWh")
    if rates.fixed_per_day is not None:
        yield _row("transactive, fixed: market prices and", rates.fixed_per_day, "$ a day")
    if rates.energy_price_factor is not None:
        yield _row("the energy prices billed, times", rates.energy_price_factor, "")


def _row(name: str, number: float, unit: str) -> str:
    return f"  {name:<44}{number:>10.4f} {unit}".rstrip()
