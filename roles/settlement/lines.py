"""The lines of a statement: the transfers of one party."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from ...kernel import Instant
from ..interfaces import LineKind, StatementLine
from .books import Books, Party


def statement_lines(books: Books, party: Party, *, itemised: bool) -> tuple[StatementLine, ...]:
    """What a party pays, and with a minus what it gets: one line a transfer, or one for each slot and kind."""
    lines = _transfers(books, party)
    return tuple(lines if itemised else _summed(lines))


def _transfers(books: Books, party: Party) -> Iterator[StatementLine]:
    for transfer in books.transfers:
        if party not in (transfer.payer, transfer.payee):
            continue
        sign = 1 if transfer.payer == party else -1
        yield StatementLine(
            slot=transfer.slot,
            kind=transfer.kind,
            quantity_kwh=sign * transfer.quantity_kwh,
            price_per_kwh=transfer.price_per_kwh,
            amount=sign * transfer.amount,
            usage_point=transfer.usage_point,
        )


def _summed(lines: Iterable[StatementLine]) -> Iterator[StatementLine]:
    sums: dict[tuple[Instant, LineKind], tuple[float, float, Decimal]] = {}
    for line in lines:
        energy, value, amount = sums.get((line.slot, line.kind), (0.0, 0.0, Decimal(0)))
        value += line.quantity_kwh * line.price_per_kwh
        sums[line.slot, line.kind] = energy + line.quantity_kwh, value, amount + line.amount
    for (slot, kind), (energy, value, amount) in sums.items():
        price = value / energy if energy else 0.0
        yield StatementLine(slot=slot, kind=kind, quantity_kwh=energy, price_per_kwh=price, amount=amount)
