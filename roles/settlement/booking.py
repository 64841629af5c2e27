"""Entering the lines of a slot in the books: each rounded once, what rounding leaves in an account of its own."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from ...kernel import Instant, InternalError
from ..accounts import dollars
from ..interfaces import LineKind, TransferKind
from .books import Books, ClearingAccount, Party, Transfer
from .rules import Receiver, SettlementRules
from .two_settlement import DeliverySlot, Entities, Line, Metered, settle

PURPOSE = {
    LineKind.DAY_AHEAD: TransferKind.CONGESTION_RENT,
    LineKind.REAL_TIME: TransferKind.CONGESTION_RENT,
    LineKind.IMBALANCE: TransferKind.CONGESTION_RENT,
    LineKind.DAY_AHEAD_SUPPLY: TransferKind.CONGESTION_RENT,
    LineKind.REAL_TIME_SUPPLY: TransferKind.CONGESTION_RENT,
    LineKind.CONGESTION_RENT: TransferKind.CONGESTION_RENT,
    LineKind.PENALTY: TransferKind.IMBALANCE,
    LineKind.LOSSES: TransferKind.LOSSES,
    LineKind.MARKET_FEE: TransferKind.MARKET_FEE,
    LineKind.FLEXIBILITY: TransferKind.FLEXIBILITY,
    LineKind.DEFICIENCY: TransferKind.FLEXIBILITY,
}
"""What money that moves for a line is for.

A retailer supplies its own customers: of their energy, only what it costs above the supply is owed to anybody else.
"""

Balances = dict[tuple[Party, TransferKind], Decimal]


def book_slot(books: Books, slot: DeliverySlot, metered: Metered, rules: SettlementRules, entities: Entities) -> None:
    """Settle a slot and enter it; every account that money passes through is empty afterwards."""
    lines = settle(slot, metered, rules, entities)
    for line in lines:
        books.enter(_rounded(slot.start, line, rules.quantum))
    retailers = _by_exchange(slot, metered)
    for account, kind, receiver in (
        (ClearingAccount.CONGESTION_RENT, LineKind.CONGESTION_RENT, rules.congestion_rent_to),
        (ClearingAccount.IMBALANCE, LineKind.PENALTY, rules.penalties_to),
    ):
        shares = {Receiver.DO: {entities.do: 1.0}, Receiver.LSE: retailers, Receiver.NOBODY: {entities.mo: 1.0}}
        _empty(books, slot.start, account, kind, shares[receiver], rules.quantum)
    _round_off(books, slot.start, rules.quantum * (len(lines) + len(retailers)))


def owed(books: Books, mo: Party) -> Balances:
    """What each party owes the market operator, by what it is for, not in cents; negative: what it is owed [$]."""
    found: Balances = {}
    for (holder, kind), amount in books.totals().items():
        if isinstance(holder, Party) and holder != mo:
            key = holder, PURPOSE[kind]
            found[key] = found.get(key, Decimal(0)) - amount
    return found


def _rounded(slot: Instant, line: Line, quantum: Decimal) -> Transfer:
    return Transfer(
        slot=slot,
        kind=line.kind,
        payer=line.payer,
        payee=line.payee,
        amount=dollars(line.amount, quantum),
        quantity_kwh=line.quantity_kwh,
        price_per_kwh=line.price_per_kwh,
        usage_point=line.usage_point,
    )


def _by_exchange(slot: DeliverySlot, metered: Metered) -> dict[Party, float]:
    """Share of each retailer in the energy that was exchanged, either way; equal ones where there is none."""
    gross_kwh = np.abs(metered.energy_kwh)
    total, equal = float(gross_kwh.sum()), 1.0 / len(slot.by_retailer)
    return {
        Party("lse", name): float(gross_kwh[chosen].sum()) / total if total else equal
        for name, chosen in slot.by_retailer.items()
    }


def _empty(
    books: Books,
    slot: Instant,
    account: ClearingAccount,
    kind: LineKind,
    shares: dict[Party, float],
    quantum: Decimal,
) -> None:
    """Pay out what is in an account; what the shares leave is for the rounding."""
    there = books.balance(account, slot=slot)
    for party, share in shares.items():
        amount = (there * Decimal(share)).quantize(quantum)
        if amount:
            books.enter(Transfer(slot, kind, account, party, amount))


def _round_off(books: Books, slot: Instant, most: Decimal) -> None:
    """Move what is left to the rounding account.

    Raises:
        InternalError: more is left than the rounding of the lines can leave.
    """
    for account in ClearingAccount:
        left = books.balance(account, slot=slot)
        if account is ClearingAccount.ROUNDING or not left:
            continue
        if abs(left) > most:
            raise InternalError(f"{left} $ are left in the account {account.value} of the slot at {slot} ns")
        books.enter(Transfer(slot, LineKind.ROUNDING, account, ClearingAccount.ROUNDING, left))
