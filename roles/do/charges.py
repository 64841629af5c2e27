"""Use of system: what a retailer owes for the energy, the peak and the number of its customers."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from decimal import Decimal

import attrs

from ...kernel import DAY, HOUR, Calendar, Instant
from ..accounts import dollars
from ..settlement.rules import NetworkCharges
from .delivery import Interval

_Month = tuple[int, int]


@attrs.define
class _Usage:
    consumed_kwh: float = 0.0
    losses_kwh: float = 0.0
    customer_days: float = 0.0
    peak_kw: dict[_Month, float] = attrs.field(factory=dict)
    days: dict[_Month, float] = attrs.field(factory=dict)


@attrs.define
class UseOfSystem:
    """Adds up what each retailer's customers used, interval by interval."""

    charges: NetworkCharges
    calendar: Calendar
    stop: Instant
    _usage: dict[str, _Usage] = attrs.field(factory=dict, init=False)

    def add(self, interval: Interval) -> None:
        """Enter an interval; a retailer's peak is that of its customers together, by month of the local calendar."""
        local = self.calendar.local(interval.start)
        month, days = (local.year, local.month), interval.duration / DAY
        for lse, group in interval.by_lse.items():
            usage = self._usage.setdefault(lse, _Usage())
            usage.consumed_kwh += max(group.metered_kwh, 0.0)
            usage.losses_kwh += interval.losses_of(group)
            usage.customer_days += len(group.usage_points) * days
            power_kw = group.metered_kwh * HOUR / interval.duration
            usage.peak_kw[month] = max(usage.peak_kw.get(month, 0.0), power_kw)
            usage.days[month] = usage.days.get(month, 0.0) + days

    def amounts(self) -> Iterator[tuple[str, Decimal]]:
        """What each retailer owes, by name; a month's peak counts for the part of the month that was served [$]."""
        charges = self.charges
        for lse, usage in sorted(self._usage.items()):
            peak_kw_months = sum(
                peak * usage.days[month] / _days_of(month) for month, peak in sorted(usage.peak_kw.items())
            )
            yield (
                lse,
                dollars(
                    usage.consumed_kwh * charges.per_kwh
                    + peak_kw_months * charges.per_kw_month
                    + usage.customer_days * charges.per_customer_day
                ),
            )

    def loss_payments(self) -> Iterator[tuple[str, Decimal]]:
        """What each retailer is paid for the losses that it has bought, by name; none where nothing is paid [$]."""
        for lse, usage in sorted(self._usage.items()):
            amount = dollars(usage.losses_kwh * self.charges.losses_per_kwh)
            if amount:
                yield lse, amount


def _days_of(month: _Month) -> int:
    return monthrange(*month)[1]
