"""Bills in order: by contract and local month, with credits carried on, and revised when a read is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

import attrs

from ....kernel import Calendar, Instant
from ...interfaces import Assignment, Bill
from ..tariff import Statement, Tariff, Usage, statement
from ..tariff.months import month_parts

UsageOf = Callable[[Assignment, Instant, Instant], Usage]
"""What was used under a contract in a period."""


@attrs.frozen
class Issued:
    """A bill, and the revision that it is."""

    bill: Bill
    revision: int


@attrs.define
class _Period:
    statement: Statement
    issued: Issued


@attrs.define
class Billing:
    """The bills of a retailer's customers; one a contract and month, or part of a month."""

    lse: str
    tariffs: Mapping[str, Tariff]
    calendar: Calendar
    usage: UsageOf
    _periods: dict[tuple[str, Instant], list[_Period]] = attrs.field(factory=dict, init=False)
    """Usage point and first instant of the contract to what was billed, in order of time."""

    def bill(self, contracts: Iterable[Assignment], now: Instant) -> Iterator[Issued]:
        """Bill all that was used under contracts before an instant and is on no bill yet."""
        for contract in contracts:
            periods = self._periods.setdefault((contract.usage_point, contract.effective_from), [])
            start = periods[-1].statement.end if periods else contract.effective_from
            end = now if contract.effective_to is None else min(now, contract.effective_to)
            for part in month_parts(self.calendar, start, end):
                made = self._statement(contract, part.start, part.end, periods[-1].statement if periods else None)
                issued = Issued(made.bill(self.lse, contract.usage_point), 1)
                periods.append(_Period(made, issued))
                yield issued

    def revise(self, contract: Assignment, instants: Collection[Instant]) -> Iterator[Issued]:
        """Bill anew the periods that some instants lie in, and later ones if a credit has changed; changes alone."""
        before: Statement | None = None
        is_affected = False
        for period in self._periods.get((contract.usage_point, contract.effective_from), []):
            was = period.statement
            is_affected |= any(was.start <= instant < was.end for instant in instants)
            if is_affected:
                period.statement = self._statement(contract, was.start, was.end, before)
                if period.statement.lines != was.lines:
                    last = period.issued
                    bill = period.statement.bill(self.lse, contract.usage_point, last.bill)
                    period.issued = Issued(bill, last.revision + 1)
                    yield period.issued
                is_affected = period.statement.credit_kwh != was.credit_kwh
            before = period.statement

    def _statement(self, contract: Assignment, start: Instant, end: Instant, before: Statement | None) -> Statement:
        usage = self.usage(contract, start, end)
        credit = () if before is None else before.credit_kwh
        return statement(self.tariffs[contract.tariff], usage, self.calendar, start, end, credit)
