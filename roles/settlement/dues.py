"""What entities owe the market operator, gathered over market instances and asked for in cents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

import attrs

from ..accounts import CENT
from ..interfaces import TransferKind


@attrs.frozen
class Due:
    """What an entity owes the market operator beyond what was asked before; negative: what it is owed."""

    role: str
    name: str
    kind: TransferKind
    amount: Decimal


@attrs.define
class Dues:
    """Gathers dues until they are invoiced; what is less than a cent waits for the next time.

    A market of a few minutes settles less than a cent in many a slot: rounded one by one, fees would be off by half.
    """

    _gathered: defaultdict[tuple[str, str, TransferKind], Decimal] = attrs.field(
        factory=lambda: defaultdict(Decimal), init=False
    )

    def add(self, dues: Iterable[Due]) -> None:
        """Gather some."""
        for due in dues:
            self._gathered[due.role, due.name, due.kind] += due.amount

    def take(self) -> tuple[Due, ...]:
        """Take what can be asked for or paid now, by entity and kind, in cents."""
        taken = []
        for key, amount in sorted(self._gathered.items(), key=lambda each: (*each[0][:2], each[0][2].value)):
            if cents := amount.quantize(CENT, ROUND_HALF_EVEN):
                self._gathered[key] = amount - cents
                taken.append(Due(*key, cents))
        return tuple(taken)
