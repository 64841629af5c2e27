"""Tariffs: from metered energy, positions and prices to the lines of a bill."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import attrs

from ..accounts import dollars
from ..interfaces import BillLine, ChargeKind

Priced = tuple[float, float]
"""Energy [kWh] and its price [$/kWh]."""


@attrs.frozen
class FlatTariff:
    """One price for all energy, and a charge a day for the connection."""

    price_per_kwh: float
    connection_per_day: float

    def lines(self, energy_kwh: float, days: float) -> tuple[BillLine, ...]:
        """The bill for an energy [kWh] and a time [days]."""
        return (
            _line(ChargeKind.ENERGY, "energy", energy_kwh, "kWh", energy_kwh * self.price_per_kwh),
            _line(ChargeKind.FIXED, "connection", days, "days", days * self.connection_per_day),
        )


@attrs.frozen
class TransactiveTariff:
    """Two settlements: what was awarded day-ahead at the day-ahead price, the deviation at the real-time price.

    Load that does not bid has no day-ahead position, and settles in real time.
    """

    connection_per_day: float

    def lines(self, day_ahead: Sequence[Priced], deviation: Sequence[Priced], days: float) -> tuple[BillLine, ...]:
        """The bill for day-ahead positions, deviations of the meter from them, and a time [days]."""
        return (
            _line(ChargeKind.MARKET, "day-ahead energy", _energy(day_ahead), "kWh", _amount(day_ahead)),
            _line(ChargeKind.MARKET, "real-time deviation", _energy(deviation), "kWh", _amount(deviation)),
            _line(ChargeKind.FIXED, "connection", days, "days", days * self.connection_per_day),
        )


def total(lines: Sequence[BillLine]) -> Decimal:
    """The sum of the lines of a bill, each of them rounded already."""
    return sum((line.amount for line in lines), Decimal(0))


def _line(kind: ChargeKind, component: str, quantity: float, unit: str, amount: float) -> BillLine:
    return BillLine(
        month="", kind=kind, component=component, quantity=quantity, unit=unit, price=None, amount=dollars(amount)
    )


def _energy(priced: Sequence[Priced]) -> float:
    return sum(energy for energy, _ in priced)


def _amount(priced: Sequence[Priced]) -> float:
    return sum(energy * price for energy, price in priced)
