"""The retailer as its customers' meters show it: contracts, reads, and the records of energy bought and forecast."""

from __future__ import annotations

from datetime import timedelta

import attrs

from ...kernel import LAST, Instant, Port
from ..interfaces import (
    Assignment,
    EntityEnergy,
    ForecastError,
    ForecastSubject,
    MeterRead,
)
from .cashier import Cashier
from .forecast import ErrorReport, ErrorStatistics
from .portfolio import Portfolio
from .procurement import SLOT
from .tariff.months import midnight


@attrs.define
class MeterDesk:
    """Takes contracts and reads in, and publishes the retailer's records."""

    port: Port
    portfolio: Portfolio
    cashier: Cashier
    _recorded: dict[Instant, int] = attrs.field(factory=dict, init=False)
    """The revision of the procurement record of each slot."""
    _revised: dict[Instant, None] = attrs.field(factory=dict, init=False)
    """Slots whose energy has changed since their record."""

    def start(self) -> None:
        """Begin to listen and to record."""
        for activity in (self._take_assignments, self._take_energy, self._record, self._report_errors):
            self.port.start(activity())

    # Contracts

    async def _take_assignments(self) -> None:
        async for assignment in self.port.subscribe(Assignment):
            self.portfolio.take(assignment)
            if assignment.effective_from > self.port.now:
                self.port.start(self._begin_later(assignment))
            else:
                self.portfolio.begin(assignment.usage_point, self.port.now)

    async def _begin_later(self, assignment: Assignment) -> None:
        await self.port.sleep_until(assignment.effective_from)
        self.portfolio.begin(assignment.usage_point, self.port.now)

    # Meters

    async def _take_energy(self) -> None:
        async for envelope in self.port.subscribe(MeterRead, EntityEnergy).envelopes():
            message = envelope.message
            if isinstance(message, MeterRead):
                if self.portfolio.read(message, envelope.revision):
                    self._revise(message.start)
                    self.cashier.revise(message)
            else:
                used_kwh = message.metered_kwh + message.losses_kwh
                self.portfolio.supply.use(envelope.sender, message.start, message.duration, used_kwh)
                self._revise(message.start)

    def _revise(self, start: Instant) -> None:
        """When all reads of the instant are in, record anew what has been recorded."""
        slot = start // SLOT * SLOT
        if slot in self._recorded:
            if not self._revised:
                self.port.start(self._record_anew())
            self._revised[slot] = None

    # Records

    async def _record(self) -> None:
        for start in range(0, self.port.stop, SLOT):
            await self.port.sleep_until(min(start + SLOT, self.port.stop), LAST)
            self._publish(start)

    async def _record_anew(self) -> None:
        await self.port.sleep_until(self.port.now, LAST)
        slots, self._revised = sorted(self._revised), {}
        for start in slots:
            self._publish(start)

    def _publish(self, start: Instant) -> None:
        self._recorded[start] = revision = self._recorded.get(start, 0) + 1
        end = min(start + SLOT, self.port.stop)
        self.port.publish(self.portfolio.supply.procurement(self.port.name, start, end), revision=revision)

    async def _report_errors(self) -> None:
        """At the end of each local day, and of the run."""
        port, calendar = self.port, self.port.calendar
        while port.now < port.stop:
            tomorrow = calendar.local(port.now).date() + timedelta(days=1)
            await port.sleep_until(min(midnight(calendar, tomorrow), port.stop), LAST)
            for report in self.portfolio.errors.report(port.now):
                self._publish_errors(report, ForecastSubject.CUSTOMER_CLASS, report.classes)
                self._publish_errors(report, ForecastSubject.USAGE_POINT, report.customers)

    def _publish_errors(
        self, report: ErrorReport, subject: ForecastSubject, rows: tuple[tuple[str, ErrorStatistics], ...]
    ) -> None:
        self.port.publish(
            ForecastError(
                lse=self.port.name,
                product=report.product,
                horizon=report.horizon,
                start=report.start,
                end=report.end,
                subject=subject,
                names=tuple(name for name, _ in rows),
                slots=tuple(errors.slots for _, errors in rows),
                mean_absolute_kw=tuple(errors.mean_absolute_kw for _, errors in rows),
                bias_kw=tuple(errors.bias_kw for _, errors in rows),
                root_mean_square_kw=tuple(errors.root_mean_square_kw for _, errors in rows),
            )
        )
