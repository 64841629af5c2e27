"""Double-entry books of what a market operator settles: every transfer on both sides, nothing left over in any slot."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from enum import Enum

import attrs

from ...kernel import Instant
from ..interfaces import LineKind


class ClearingAccount(Enum):
    """An account of the market operator's through which money passes."""

    ENERGY = "energy"
    """Retailers pay what their customers' energy costs; the supply and the congestion rent leave."""
    CONGESTION_RENT = "congestion rent"
    IMBALANCE = "imbalance"
    LOSSES = "losses"
    FLEXIBILITY = "flexibility"
    ROUNDING = "rounding"
    """What rounding leaves of the others; the only one that is not empty at the end of a slot."""


@attrs.frozen(cache_hash=True)
class Party:
    """An entity, by its address ``role.name``."""

    role: str
    name: str

    def __str__(self) -> str:
        return f"{self.role}.{self.name}"


Holder = Party | ClearingAccount
"""Who has an account in the books."""


@attrs.frozen
class Transfer:
    """Money from one account to another, and what it rests on: the quantity times the price, before rounding."""

    slot: Instant
    kind: LineKind
    payer: Holder
    payee: Holder
    amount: Decimal
    quantity_kwh: float = 0.0
    price_per_kwh: float = 0.0
    usage_point: str = ""


@attrs.define
class Books:
    """Transfers, and the balances that follow from them by slot, account and kind."""

    transfers: list[Transfer] = attrs.field(factory=list, init=False)
    _balances: defaultdict[Instant, defaultdict[tuple[Holder, LineKind], Decimal]] = attrs.field(
        factory=lambda: defaultdict(lambda: defaultdict(Decimal)), init=False
    )

    def enter(self, transfer: Transfer) -> None:
        """Enter a transfer on both sides."""
        self.transfers.append(transfer)
        balances = self._balances[transfer.slot]
        balances[transfer.payer, transfer.kind] -= transfer.amount
        balances[transfer.payee, transfer.kind] += transfer.amount

    def balance(self, holder: Holder, *, slot: Instant | None = None, kind: LineKind | None = None) -> Decimal:
        """What an account has received less what it has paid, in all or in one slot, of all or of one kind [$]."""
        slots = self._balances.values() if slot is None else [self._balances[slot]]
        return sum(
            (
                amount
                for balances in slots
                for (whose, what), amount in balances.items()
                if whose == holder and kind in (None, what)
            ),
            Decimal(0),
        )

    def totals(self) -> dict[tuple[Holder, LineKind], Decimal]:
        """The balance of every account over all slots, by kind [$]."""
        totals: defaultdict[tuple[Holder, LineKind], Decimal] = defaultdict(Decimal)
        for balances in self._balances.values():
            for key, amount in balances.items():
                totals[key] += amount
        return dict(totals)

    def unbalanced(self) -> tuple[Instant, ...]:
        """The slots in which the accounts do not sum to zero, or money is left in an account that it passes through."""
        return tuple(slot for slot, balances in sorted(self._balances.items()) if _is_left(balances))


def _is_left(balances: dict[tuple[Holder, LineKind], Decimal]) -> bool:
    left: defaultdict[Holder, Decimal] = defaultdict(Decimal)
    for (holder, _), amount in balances.items():
        left[holder] += amount
    passing = [each for each in ClearingAccount if each is not ClearingAccount.ROUNDING]
    return sum(left.values()) != 0 or any(left[each] != 0 for each in passing)
