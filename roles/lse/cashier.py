"""The retailer's money: bills to customers, statements of the markets, invoices of everybody else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from ...kernel import LAST, Duration, Instant, Port
from ..accounts import Account
from ..interfaces import BILLING, Assignment, Dispute, MeterRead, SettlementStatement, StatementType
from .billing import Billing, Issued, OwnBooks, contradictions
from .portfolio import Portfolio
from .tariff.months import month_parts


@attrs.define
class Cashier:
    """Bills at the end of each local month and of the run, and whenever a read that was billed is revised."""

    port: Port
    portfolio: Portfolio
    slot_lengths: Mapping[tuple[str, str], Duration]
    """Length of a slot, by market and series."""
    account: Account = attrs.field(init=False)
    billing: Billing = attrs.field(init=False)
    _revised: dict[tuple[str, Instant], tuple[Assignment, list[Instant]]] = attrs.field(factory=dict, init=False)
    """Contracts of which reads have been revised, with the intervals."""
    _disputed: dict[tuple[object, ...], None] = attrs.field(factory=dict, init=False)
    """What was claimed already, so that a claim that was rejected is not raised again."""

    def __attrs_post_init__(self) -> None:
        portfolio = self.portfolio
        tariffs = {name: terms.tariff for name, terms in portfolio.catalogue.items()}
        self.account = Account(self.port)
        self.billing = Billing(self.port.name, tariffs, self.port.calendar, portfolio.usage)

    def start(self) -> None:
        """Begin to bill, to check and to pay."""
        account = self.account
        for activity in (self._bill, self._check, account.receive, account.settle_invoices, account.close):
            self.port.start(activity())

    # Bills

    async def _bill(self) -> None:
        for month in month_parts(self.port.calendar, 0, self.port.stop):
            await self.port.sleep_until(month.end, BILLING)
            self._send(self.billing.bill(self.portfolio.customers, month.end))

    def revise(self, read: MeterRead) -> None:
        """When all reads of the instant are in, bill anew what a revised one has changed."""
        contract = self.portfolio.customers.contract(read.usage_point, read.start)
        if contract is None:
            return
        if not self._revised:
            self.port.start(self._bill_anew())
        key = contract.usage_point, contract.effective_from
        self._revised.setdefault(key, (contract, []))[1].append(read.start)

    async def _bill_anew(self) -> None:
        await self.port.sleep_until(self.port.now, LAST)
        revised, self._revised = self._revised, {}
        for _, (contract, instants) in sorted(revised.items()):
            self._send(self.billing.revise(contract, instants))

    def _send(self, bills: Iterable[Issued]) -> None:
        for issued in bills:
            self.port.publish(issued.bill, revision=issued.revision)

    # Statements of the markets

    async def _check(self) -> None:
        async for statement in self.port.subscribe(SettlementStatement):
            length = self.slot_lengths.get((statement.market, statement.product))
            if length is not None and statement.type is not StatementType.FINAL:
                self._dispute(statement, length)

    def _dispute(self, statement: SettlementStatement, length: Duration) -> None:
        """Contest every line that the own books contradict, unless that has been done."""
        for claim in contradictions(statement, length, self._books(statement.market, statement.product)):
            line = statement.lines[claim.line]
            key = statement.market, statement.clearing, line.slot, line.kind, line.usage_point, claim.claimed_kwh
            if key in self._disputed:
                continue
            self._disputed[key] = None
            self.port.publish(
                Dispute(
                    market=statement.market,
                    party=self.port.name,
                    product=statement.product,
                    clearing=statement.clearing,
                    dispute=f"{self.port.name}-{len(self._disputed)}",
                    statement=statement.statement,
                    line=claim.line,
                    claimed_kwh=claim.claimed_kwh,
                    evidence="meter reads and positions in the retailer's books",
                )
            )

    def _books(self, market: str, product: str) -> OwnBooks:
        portfolio = self.portfolio
        return OwnBooks(
            places=portfolio.points.places,
            supplied=lambda instant: portfolio.customers.at(instant, market).places,
            metered_kwh=portfolio.book.reads.metered_kwh,
            position_kwh=portfolio.book.positions.position_kwh,
            expected=lambda instant: portfolio.expected.of(market, product, instant),
        )
