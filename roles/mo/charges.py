"""What a market operator asks for, and pays, when the run ends: dues of statements, and charges for the time of it."""

from __future__ import annotations

import attrs

from ..accounts import Account
from ..interfaces import TransferKind
from ..settlement import Due
from ..settlement.charges import Charge, market_share, membership
from .venue import Venue


@attrs.frozen
class Charges:
    """The market operator's money."""

    venue: Venue
    account: Account

    def publish(self) -> None:
        """Invoice what is owed to it and pay what it owes, by entity and kind, in cents."""
        self.venue.dues.add(self._period())
        for due in self.venue.dues.take():
            self.account.settle(due.role, due.name, due.kind, due.amount)

    def _period(self) -> list[Due]:
        """What is charged for the time of the run and not for a slot."""
        venue, rules = self.venue, self.venue.rules
        stop, calendar = venue.port.stop, venue.port.calendar
        fees = membership(rules.settlement, venue.participants.spans(stop), 0, stop, calendar)
        shares = market_share(rules.settlement, venue.metered_kwh, 0, stop)
        return [
            *_dues("lse", rules.lse, TransferKind.MARKET_FEE, fees),
            *_dues("do", rules.do, TransferKind.MARKET_SHARE, shares),
        ]


def _dues(role: str, name: str, kind: TransferKind, charges: list[Charge]) -> list[Due]:
    return [Due(role, name, kind, charge.amount) for charge in charges]
