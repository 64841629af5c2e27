"""How far forecasts are off: by series, horizon, class and customer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs
import numpy as np
from numpy.typing import NDArray

from ....kernel import HOUR, Duration, Instant
from ..customers.points import BoolArray, FloatArray, Places, UsagePoints, room_for

Key = tuple[str, Duration]
"""Series and horizon: whole hours from the forecast to the slot."""

ByClass = Callable[[Places], Iterable[tuple[str, BoolArray]]]
"""The classes that customers are in, and which of the places are theirs."""


@attrs.frozen
class ErrorStatistics:
    """Errors of the slots of a period, expected less actual: a row for each name, sorted."""

    names: tuple[str, ...]
    slots: tuple[int, ...]
    mean_absolute_kw: tuple[float, ...]
    bias_kw: tuple[float, ...]
    root_mean_square_kw: tuple[float, ...]


@attrs.frozen
class ErrorReport:
    """The errors of one series and horizon."""

    product: str
    horizon: Duration
    start: Instant
    end: Instant
    classes: ErrorStatistics
    customers: ErrorStatistics


@attrs.define
class _Sums:
    """Sums of errors, by place."""

    slots: NDArray[np.int64] = attrs.field(factory=lambda: np.zeros(0, dtype=np.int64))
    absolute: FloatArray = attrs.field(factory=lambda: np.zeros(0))
    error: FloatArray = attrs.field(factory=lambda: np.zeros(0))
    square: FloatArray = attrs.field(factory=lambda: np.zeros(0))

    def add(self, places: Places, error_kw: FloatArray) -> None:
        count = int(places.max(initial=-1)) + 1
        if count > len(self.slots):
            self.slots, self.absolute = room_for(self.slots, count, 0), room_for(self.absolute, count, 0.0)
            self.error, self.square = room_for(self.error, count, 0.0), room_for(self.square, count, 0.0)
        self.slots[places] += 1
        self.absolute[places] += np.abs(error_kw)
        self.error[places] += error_kw
        self.square[places] += error_kw * error_kw

    def statistics(self, names: UsagePoints) -> ErrorStatistics:
        places = names.by_name()
        places = places[places < len(self.slots)]
        places = places[self.slots[places] > 0]
        slots = self.slots[places]
        return ErrorStatistics(
            names.names(places),
            tuple(slots.tolist()),
            tuple((self.absolute[places] / slots).tolist()),
            tuple((self.error[places] / slots).tolist()),
            tuple(np.sqrt(self.square[places] / slots).tolist()),
        )


@attrs.define
class _Period:
    start: Instant
    end: Instant
    classes: _Sums = attrs.field(factory=_Sums)
    customers: _Sums = attrs.field(factory=_Sums)


@attrs.define
class _Expectation:
    """The forecast of a slot, and what has been metered of it; arrays by place."""

    key: Key
    start: Instant
    length: Duration
    expected_kw: FloatArray
    """Not a number where nothing is expected."""
    metered_ns: NDArray[np.int64] = attrs.field(factory=lambda: np.zeros(0, dtype=np.int64))
    """Time that has been read."""
    energy: FloatArray = attrs.field(factory=lambda: np.zeros(0))
    """The energy in it. [kW ns]"""

    def read(self, places: Places, start: Instant, end: Instant, power_kw: FloatArray) -> None:
        span = min(end, self.start + self.length) - max(start, self.start)
        if not self.metered_ns.size:
            self.metered_ns, self.energy = np.zeros(len(self.expected_kw), dtype=np.int64), self.expected_kw * 0.0
        there = places < len(self.expected_kw)
        self.metered_ns[places[there]] += span
        self.energy[places[there]] += span * power_kw[there]

    def errors(self) -> tuple[Places, FloatArray]:
        """The customers that were read all the time, and the error of each [kW]."""
        error_kw = self.expected_kw[: len(self.energy)] - self.energy / self.length
        places = np.flatnonzero((self.metered_ns == self.length) & ~np.isnan(error_kw))
        return places, error_kw[places]


@attrs.define
class ForecastErrors:
    """Forecasts against what was metered; a report covers what has come to an end since the one before."""

    points: UsagePoints
    by_class: ByClass
    _open: list[_Expectation] = attrs.field(factory=list, init=False)
    _periods: dict[Key, _Period] = attrs.field(factory=dict, init=False)
    _classes: UsagePoints = attrs.field(factory=UsagePoints, init=False)
    """Places of the classes in arrays."""

    def expect(
        self, product: str, now: Instant, start: Instant, length: Duration, places: Places, power_kw: FloatArray
    ) -> None:
        """Keep a forecast that is made now for a slot."""
        horizon = max(start - now, 0) // HOUR * HOUR
        expected_kw = room_for(np.zeros(0), int(places.max(initial=-1)) + 1, np.nan)
        expected_kw[places] = power_kw
        self._open.append(_Expectation((product, horizon), start, length, expected_kw))

    def read(self, places: Places, start: Instant, duration: Duration, power_kw: FloatArray) -> None:
        """Compare with what was metered in an interval: the loads without what a market had awarded."""
        self._close(start)
        for each in self._open:
            if each.start < start + duration and start < each.start + each.length:
                each.read(places, start, start + duration, power_kw)

    def report(self, now: Instant) -> tuple[ErrorReport, ...]:
        """The errors of all slots that have ended since the last report."""
        self._close(now)
        periods, self._periods = self._periods, {}
        return tuple(
            ErrorReport(
                product,
                horizon,
                period.start,
                period.end,
                period.classes.statistics(self._classes),
                period.customers.statistics(self.points),
            )
            for (product, horizon), period in sorted(periods.items())
        )

    def _close(self, now: Instant) -> None:
        """Draw the balance of slots that are over."""
        over = [each for each in self._open if each.start + each.length <= now]
        if over:
            self._open = [each for each in self._open if each.start + each.length > now]
        for each in over:
            self._draw(each)

    def _draw(self, slot: _Expectation) -> None:
        places, error_kw = slot.errors()
        if not places.size:
            return
        period = self._periods.setdefault(slot.key, _Period(slot.start, slot.start + slot.length))
        # Slots of one series and horizon come to an end one after the other.
        period.end = slot.start + slot.length
        period.customers.add(places, error_kw)
        sums = [(name, float(error_kw[chosen].sum())) for name, chosen in self.by_class(places)]
        period.classes.add(self._classes.places(name for name, _ in sums), np.array([kw for _, kw in sums]))
