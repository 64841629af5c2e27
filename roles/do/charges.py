"""What a distribution operator asks of each retailer at the end of a run: use of system, less what losses cost it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs
import numpy as np

from ...kernel import Calendar, Duration, Instant
from ..interfaces import Assignment
from ..settlement.charges import Charge, Use, losses, use_of_system
from ..settlement.rules import NetworkCharges
from .delivery import Interval


@attrs.define
class _Usage:
    starts: list[Instant] = attrs.field(factory=list)
    energy_kwh: list[float] = attrs.field(factory=list)
    losses_kwh: float = 0.0


@attrs.define
class UseOfSystem:
    """Gathers what each retailer's customers drew together, interval by interval."""

    charges: NetworkCharges
    calendar: Calendar
    stop: Instant
    interval: Duration
    _usage: dict[str, _Usage] = attrs.field(factory=dict, init=False)
    _supply: dict[tuple[str, Instant], Assignment] = attrs.field(factory=dict, init=False)

    def assign(self, assignment: Assignment) -> None:
        """Learn who supplies a usage point, and until when."""
        self._supply[assignment.usage_point, assignment.effective_from] = assignment

    def add(self, interval: Interval) -> None:
        """Enter an interval."""
        for lse, group in interval.by_lse.items():
            usage = self._usage.setdefault(lse, _Usage())
            usage.starts.append(interval.start)
            usage.energy_kwh.append(group.metered_kwh)
            usage.losses_kwh += interval.losses_of(group)

    def invoices(self) -> Iterator[tuple[str, list[Charge], list[Charge]]]:
        """By retailer: what it owes, and what it is paid for the losses that it has bought."""
        for lse, usage in sorted(self._usage.items()):
            use = Use(tuple(usage.starts), self.interval, np.array(usage.energy_kwh), tuple(self._spans(lse)))
            owed = use_of_system(self.charges, use, 0, self.stop, self.calendar)
            yield lse, owed, losses(self.charges, usage.losses_kwh)

    def _spans(self, lse: str) -> Iterator[tuple[Instant, Instant]]:
        for _, each in sorted(self._supply.items()):
            if each.lse == lse:
                yield each.effective_from, self.stop if each.effective_to is None else each.effective_to


def sum_of(charges: list[Charge]) -> Decimal:
    """The sum of charges, each rounded to the cent [$]."""
    return sum((charge.amount for charge in charges), Decimal(0))
