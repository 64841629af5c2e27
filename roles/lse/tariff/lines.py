"""Lines of a bill, each rounded once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from ...accounts import CENT
from ...interfaces import BillLine, ChargeKind
from .months import MonthPart

ZERO = Decimal(0)


def exact(number: float) -> Decimal:
    """A float as the decimal number that it is written as."""
    return Decimal(repr(float(number)))


def cents(amount: Decimal) -> Decimal:
    """An amount to the cent, half to even."""
    return amount.quantize(CENT, ROUND_HALF_EVEN) + ZERO


def total(lines: Iterable[BillLine]) -> Decimal:
    """The sum of the lines of a bill, each of them rounded already. [$]"""
    return sum((line.amount for line in lines), ZERO)


def charged(part: MonthPart, kind: ChargeKind, component: str, quantity: Decimal, unit: str, price: float) -> BillLine:
    """A quantity times a price.

    The amount is that of the quantity and the price as they stand on the line, so that it can be checked from there.
    """
    shown = float(quantity)
    return BillLine(
        month=part.label,
        kind=kind,
        component=component,
        quantity=shown,
        unit=unit,
        price=price,
        amount=cents(exact(shown) * exact(price)),
    )


def summed(
    part: MonthPart, kind: ChargeKind, component: str, quantity: Decimal, unit: str, amount: Decimal
) -> BillLine:
    """An amount that is no quantity times one price."""
    return BillLine(
        month=part.label,
        kind=kind,
        component=component,
        quantity=float(quantity),
        unit=unit,
        price=None,
        amount=cents(amount),
    )


def blocks(quantity: Decimal, bounds: Sequence[Decimal | None]) -> list[Decimal]:
    """What of a quantity falls into each tier, the last of which has no bound."""
    parts: list[Decimal] = []
    below = ZERO
    for bound in bounds:
        top = quantity if bound is None else min(quantity, bound)
        parts.append(max(top - below, ZERO))
        below = ZERO if bound is None else bound
    return parts


def named(*parts: str) -> str:
    """The name of a component from what it has of a name."""
    return ", ".join(part for part in parts if part)


def tier_name(number: int, tiers: int) -> str:
    """The name of a tier, where there is more than one."""
    return f"tier {number + 1}" if tiers > 1 else ""
