"""From a tariff and a usage to the bill, line by line; pure, and the only place where a bill is made.

* A bill has lines for each month of the local calendar that its period covers, in the order energy, exports and
  credits, market, demand, fixed, minimum.
* Of what is for a month a period that covers a part of it takes the same part: of charges, of the bounds of tiers and
  of the minimum. The part is that of the month's local days, of a day that of its 23, 24 or 25 hours.
* An amount is the quantity times the price on its line, rounded once to the cent, half to even. Where the price
  differs from interval to interval, it is the exactly rounded sum over the intervals, times the multiplier.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import attrs

from ....kernel import Calendar, Instant, UsageError
from ...interfaces import Bill, BillLine
from .charges import demand_lines, fixed_line, market_lines, minimum_lines
from .energy import Energies, energy_lines
from .lines import ZERO, exact, total
from .months import month_parts
from .tariff import Tariff
from .usage import MonthUsage, Usage, check_usage


@attrs.frozen
class Statement:
    """What a customer owes for a period, and what he has coming."""

    tariff: str
    start: Instant
    end: Instant
    lines: tuple[BillLine, ...]
    credit_kwh: tuple[float, ...] = ()
    """Net metering: the energy of each period that is carried to the next bill. [kWh]"""

    @property
    def total(self) -> Decimal:
        """The sum of the lines. [$]"""
        return total(self.lines)

    def bill(self, lse: str, usage_point: str, before: Bill | None = None) -> Bill:
        """The message to the customer: a first bill, or a revision of the one ``before``.

        The adjustment is what is due beyond the total of the bill before, negative when money goes back.

        Raises:
            UsageError: the bill before is of another usage point or period.
        """
        if before is not None and (before.usage_point, before.start, before.end) != (usage_point, self.start, self.end):
            raise UsageError(
                f"a revision of the bill of {before.usage_point} for {before.start} to {before.end} ns "
                f"is not one of {usage_point} for {self.start} to {self.end} ns"
            )
        return Bill(
            lse=lse,
            usage_point=usage_point,
            start=self.start,
            end=self.end,
            lines=self.lines,
            total=self.total,
            tariff=self.tariff,
            adjustment=self.total - (ZERO if before is None else before.total),
        )


def statement(
    tariff: Tariff,
    usage: Usage,
    calendar: Calendar,
    start: Instant,
    end: Instant,
    credit_kwh: Sequence[float] = (),
) -> Statement:
    """What a customer owes for a period; ``credit_kwh`` is what the statement before has carried forward.

    Raises:
        UsageError: the usage lacks what the tariff needs, the credit is not that of its periods, or the period ends
            before it begins.
    """
    if end < start:
        raise UsageError(f"the period ends before it begins: {start} to {end} ns")
    check_usage(tariff, usage)
    credit = _credit(tariff, credit_kwh)
    lines: list[BillLine] = []
    for part in month_parts(calendar, start, end):
        more, credit = _month_lines(tariff, MonthUsage.of(part, usage, calendar), credit)
        lines += more
    return Statement(tariff.name, start, end, tuple(lines), tuple(map(float, credit)) if any(credit) else ())


def bill_lines(tariff: Tariff, usage: Usage, calendar: Calendar, start: Instant, end: Instant) -> tuple[BillLine, ...]:
    """The lines of the bill for a period, of a customer without credit from earlier ones.

    Raises:
        UsageError: the usage lacks what the tariff needs.
    """
    return statement(tariff, usage, calendar, start, end).lines


def _credit(tariff: Tariff, credit_kwh: Sequence[float]) -> Energies:
    periods = 0 if tariff.energy is None else len(tariff.energy.periods)
    if not credit_kwh:
        return (ZERO,) * periods
    if len(credit_kwh) != periods:
        raise UsageError(f"expected a credit for each of the {periods} periods of {tariff.name}, got {credit_kwh}")
    return tuple(map(exact, credit_kwh))


def _month_lines(tariff: Tariff, month: MonthUsage, credit: Energies) -> tuple[list[BillLine], Energies]:
    lines: list[BillLine] = []
    if tariff.energy is not None:
        lines, credit = energy_lines(tariff, tariff.energy, month, credit)
    if tariff.market is not None:
        lines += market_lines(tariff.market, month)
    for charge in tariff.demand:
        lines += demand_lines(charge, month)
    lines += [fixed_line(fixed, month.part) for fixed in tariff.fixed]
    if tariff.minimum is not None:
        lines += minimum_lines(tariff.minimum, month.part, lines)
    return lines, credit
