"""The lines of a statement: the transfers of one party."""

from __future__ import annotations

from collections.abc import Iterator

from ..interfaces import StatementLine
from .books import Books, Party


def statement_lines(books: Books, party: Party) -> Iterator[StatementLine]:
    """What a party pays, and with a minus what it gets: one line a transfer."""
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
