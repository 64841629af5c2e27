"""Counts what happens in a run of agents, and says whether everybody has taken part in everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import fsum
from typing import Any

from ..agents.messages import PlanFallback
from ..kernel import HOUR, MINUTE, Envelope, Instant, InternalError
from ..roles.interfaces import (
    DAY_AHEAD,
    REAL_TIME,
    Award,
    AwardStatus,
    DevicePower,
    FeederRead,
    MarketCall,
    MeterRead,
    Order,
    Registration,
)
from .agents_scenario import INTERVAL_MIN

_EXACT = 1e-9
"""Relative to the energy: what sums in another order may differ by."""
_LEAST_OPTIMAL = 0.8
"""Share of the plans; the others are of people who want what cannot be, such as a full battery when they leave."""
_MOST_STOOD_IN = 1e-4
"""Share of the plans that are greedy, because the iterations did not suffice."""

_Clearing = tuple[str, Instant]
"""Product and instant."""


class Tally:
    """An observer of a run."""

    def __init__(self) -> None:
        self.messages = 0
        self.steps = 0
        self.registrations = 0
        self.softened = 0
        self.stood_in = 0
        self.balanced = 0
        """Intervals whose energy has been compared."""
        self.orders: dict[_Clearing, int] = {}
        """By clearing, how many have come."""
        self._open: dict[_Clearing, set[str]] = {}
        """By clearing, whose orders have no award yet."""
        self._faults: list[str] = []
        self._drawn_kw: dict[Instant, dict[str, float]] = {}
        self._metered_kwh: dict[Instant, list[float]] = {}
        self._feeder: dict[Instant, FeederRead] = {}
        self._hears: dict[type, Callable[[Any], None]] = {
            DevicePower: self._hear_power,
            MarketCall: self._hear_call,
            Order: self._hear_order,
            Award: self._hear_award,
            MeterRead: self._hear_meter,
            FeederRead: self._hear_feeder,
            Registration: self._hear_registration,
            PlanFallback: self._hear_fallback,
        }

    def observe(self, outbox: list[Envelope[Any]]) -> None:
        """The messages of a round."""
        self.messages += len(outbox)
        hears = self._hears
        for envelope in outbox:
            message = envelope.message
            hear = hears.get(type(message))
            if hear is not None:
                hear(message)

    @property
    def plans(self) -> int:
        """Plans behind day-ahead orders."""
        return sum(count for (product, _), count in self.orders.items() if product == DAY_AHEAD)

    @property
    def optimal_share(self) -> float:
        """Share of the plans that are optima within all bounds."""
        return 1.0 - (self.softened + self.stood_in) / self.plans if self.plans else 0.0

    def check(self, *, devices: int, trading: int, stop: Instant) -> None:
        """Make sure that the work of a run was done: for so many devices, of which so many trade.

        Raises:
            InternalError: it was not; says what is missing.
        """
        self._settle(stop)
        faults = [*self._faults, *self._idle(devices, trading, stop), *self._unsettled(trading, stop)]
        if faults:
            raise InternalError(f"a benchmark did not do its work: {'; '.join(faults[:5])}")

    # What is missing

    def _idle(self, devices: int, trading: int, stop: Instant) -> Iterator[str]:
        intervals = stop // (INTERVAL_MIN * MINUTE)
        if self.steps != devices * (intervals + 1):
            yield f"{self.steps} intervals of devices, not {intervals + 1} of each of {devices}"
        if self.registrations != trading:
            yield f"{self.registrations} devices registered, not {trading}"
        if self.balanced != intervals:
            yield f"{self.balanced} reads of the feeder, not {intervals}"
        if self.optimal_share < _LEAST_OPTIMAL:
            yield f"only {self.optimal_share:.3f} of the plans are optimal"
        if self.stood_in > _MOST_STOOD_IN * self.plans:
            yield f"{self.stood_in} plans have not converged"

    def _unsettled(self, trading: int, stop: Instant) -> Iterator[str]:
        for product, length in ((DAY_AHEAD, HOUR), (REAL_TIME, INTERVAL_MIN * MINUTE)):
            clearings = [at for series, at in self.orders if series == product and at <= stop]
            if len(clearings) < stop // length - 1:
                yield f"{len(clearings)} clearings of {product}"
            for at in clearings:
                count, without = self.orders[product, at], len(self._open[product, at])
                if count != trading or without:
                    yield f"{product} at {at / HOUR:g} h: {count} of {trading} have bid, {without} have no award"

    def _settle(self, until: Instant) -> None:
        """Compare what was drawn, metered and fed into the feeder in the intervals before an instant, and forget it."""
        for start in [start for start in self._feeder if start < until]:
            read = self._feeder.pop(start)
            metered_kwh, drawn_kw = self._metered_kwh.pop(start, []), self._drawn_kw.pop(start, {})
            hours = read.duration / HOUR
            others = (
                read.substation_kwh - read.losses_kwh,
                fsum(metered_kwh),
                fsum(power_kw * hours for power_kw in drawn_kw.values()),
            )
            tolerance = _EXACT * (fsum(map(abs, metered_kwh)) + read.losses_kwh)
            if max(abs(other - read.metered_kwh) for other in others) > tolerance or not read.losses_kwh > 0.0:
                self._faults.append(f"energy does not balance at {start / HOUR:g} h")
            self.balanced += 1

    # What is heard

    def _hear_power(self, message: DevicePower) -> None:
        drawn = self._drawn_kw.get(message.start)
        if drawn is None:
            drawn = self._drawn_kw[message.start] = {}
        if message.device not in drawn:
            self.steps += 1
        drawn[message.device] = message.power_kw

    def _hear_call(self, message: MarketCall) -> None:
        key = message.product, message.clearing
        self.orders[key], self._open[key] = 0, set()

    def _hear_order(self, message: Order) -> None:
        key = message.product, message.clearing
        still_open = self._open[key]
        if message.resource in still_open:
            self._faults.append(f"{message.resource} has bid twice")
        still_open.add(message.resource)
        self.orders[key] += 1

    def _hear_award(self, message: Award) -> None:
        key = message.product, message.clearing
        still_open = self._open[key]
        if message.resource not in still_open or AwardStatus.SUSPENDED in message.status:
            self._faults.append(f"{message.resource} has an award of nothing")
        still_open.discard(message.resource)
        if not still_open:
            # A set that was large stays so.
            self._open[key] = set()

    def _hear_meter(self, message: MeterRead) -> None:
        self._metered_kwh.setdefault(message.start, []).append(message.energy_kwh)

    def _hear_feeder(self, message: FeederRead) -> None:
        self._settle(message.start)
        self._feeder[message.start] = message

    def _hear_registration(self, _: Registration) -> None:
        self.registrations += 1

    def _hear_fallback(self, message: PlanFallback) -> None:
        if message.reason == "softened":
            self.softened += 1
        else:
            self.stood_in += 1
