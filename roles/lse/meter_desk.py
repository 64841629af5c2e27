"""The retailer as its customers' meters show it: contracts, reads, and the records of energy bought and forecast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import attrs

from ...kernel import LAST, Duration, Envelope, Instant, Port
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
        """All that is told in a round is taken at once."""
        heard = self.port.subscribe(MeterRead, EntityEnergy)
        while True:
            envelopes = [await heard.receive_envelope()]
            for _ in range(heard.statistics().pending):
                envelopes.append(await heard.receive_envelope())  # noqa: PERF401
            for revision, reads in _batches(envelopes):
                is_late = reads[0].start // SLOT * SLOT in self._recorded
                for read in self.portfolio.read(reads, revision, is_late=is_late):
                    self._revise(read.start)
                    self.cashier.revise(read)
            for envelope in envelopes:
                if isinstance(envelope.message, EntityEnergy):
                    self._use(envelope.sender, envelope.message)

    def _use(self, operator: str, energy: EntityEnergy) -> None:
        used_kwh = energy.metered_kwh + energy.losses_kwh
        self.portfolio.supply.use(operator, energy.start, energy.duration, used_kwh)
        self._revise(energy.start)

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

    def _publish_errors(self, report: ErrorReport, subject: ForecastSubject, errors: ErrorStatistics) -> None:
        self.port.publish(
            ForecastError(
                lse=self.port.name,
                product=report.product,
                horizon=report.horizon,
                start=report.start,
                end=report.end,
                subject=subject,
                names=errors.names,
                slots=errors.slots,
                mean_absolute_kw=errors.mean_absolute_kw,
                bias_kw=errors.bias_kw,
                root_mean_square_kw=errors.root_mean_square_kw,
            )
        )


def _batches(envelopes: Sequence[Envelope[MeterRead | EntityEnergy]]) -> Iterator[tuple[int, list[MeterRead]]]:
    """Reads of one interval and revision together, one a usage point; in the order of the first of each."""
    found: dict[tuple[Instant, Duration, int], dict[str, MeterRead]] = {}
    for envelope in envelopes:
        message = envelope.message
        if isinstance(message, MeterRead):
            key = message.start, message.duration, envelope.revision
            # A second read of the same revision is out of date.
            found.setdefault(key, {}).setdefault(message.usage_point, message)
    for (_, _, revision), reads in found.items():
        yield revision, list(reads.values())
