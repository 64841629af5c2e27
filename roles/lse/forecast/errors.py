"""How far forecasts are off: by series, horizon, class and customer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from ....kernel import HOUR, Duration, Instant

Key = tuple[str, Duration]
"""Series and horizon: whole hours from the forecast to the slot."""


@attrs.frozen
class ErrorStatistics:
    """Errors of the slots of a period, expected less actual."""

    slots: int
    mean_absolute_kw: float
    bias_kw: float
    root_mean_square_kw: float


@attrs.frozen
class ErrorReport:
    """The errors of one series and horizon; each row sorted by name."""

    product: str
    horizon: Duration
    start: Instant
    end: Instant
    classes: tuple[tuple[str, ErrorStatistics], ...]
    customers: tuple[tuple[str, ErrorStatistics], ...]


@attrs.define
class _Sums:
    slots: int = 0
    absolute: float = 0.0
    error: float = 0.0
    square: float = 0.0

    def add(self, error_kw: float) -> None:
        self.slots += 1
        self.absolute += abs(error_kw)
        self.error += error_kw
        self.square += error_kw * error_kw

    def statistics(self) -> ErrorStatistics:
        n = self.slots
        return ErrorStatistics(n, self.absolute / n, self.error / n, (self.square / n) ** 0.5)


@attrs.define
class _Period:
    start: Instant
    end: Instant
    classes: dict[str, _Sums] = attrs.field(factory=dict)
    customers: dict[str, _Sums] = attrs.field(factory=dict)


@attrs.define
class _Expectation:
    """The forecast of a slot, and what has been metered of it."""

    key: Key
    start: Instant
    length: Duration
    expected_kw: dict[str, float]
    metered: dict[str, tuple[Duration, float]] = attrs.field(factory=dict)
    """Time that has been read, and the energy in it [kW ns]."""

    def read(self, usage_point: str, start: Instant, end: Instant, power_kw: float) -> None:
        span = min(end, self.start + self.length) - max(start, self.start)
        if span > 0 and usage_point in self.expected_kw:
            duration, energy = self.metered.get(usage_point, (0, 0.0))
            self.metered[usage_point] = duration + span, energy + span * power_kw

    def errors(self) -> Iterator[tuple[str, float]]:
        """Each customer that was read all the time, and his error [kW]."""
        for usage_point, (duration, energy) in self.metered.items():
            if duration == self.length:
                yield usage_point, self.expected_kw[usage_point] - energy / self.length


@attrs.define
class ForecastErrors:
    """Forecasts against what was metered; a report covers what has come to an end since the one before."""

    class_of: Callable[[str], str]
    """The class of a usage point."""
    _open: list[_Expectation] = attrs.field(factory=list, init=False)
    _touched: tuple[tuple[Instant, Instant], list[_Expectation]] = attrs.field(factory=lambda: ((0, 0), []), init=False)
    """The interval that is being read, and the slots that it touches."""
    _periods: dict[Key, _Period] = attrs.field(factory=dict, init=False)

    def expect(
        self,
        product: str,
        now: Instant,
        start: Instant,
        length: Duration,
        usage_points: Sequence[str],
        power_kw: Sequence[float],
    ) -> None:
        """Keep a forecast that is made now for a slot."""
        horizon = max(start - now, 0) // HOUR * HOUR
        expected = dict(zip(usage_points, power_kw, strict=True))
        self._open.append(_Expectation((product, horizon), start, length, expected))

    def read(self, usage_point: str, start: Instant, duration: Duration, power_kw: float) -> None:
        """Compare with what was metered: the load without what a market had awarded."""
        interval = start, start + duration
        if self._touched[0] != interval:
            self._close(start)
            touched = [e for e in self._open if e.start < interval[1] and start < e.start + e.length]
            self._touched = interval, touched
        for each in self._touched[1]:
            each.read(usage_point, *interval, power_kw)

    def report(self, now: Instant) -> tuple[ErrorReport, ...]:
        """The errors of all slots that have ended since the last report."""
        self._close(now)
        periods, self._periods = self._periods, {}
        return tuple(
            ErrorReport(product, horizon, period.start, period.end, _rows(period.classes), _rows(period.customers))
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
        classes: dict[str, float] = {}
        period = self._periods.get(slot.key) or _Period(slot.start, slot.start + slot.length)
        for usage_point, error_kw in slot.errors():
            period.customers.setdefault(usage_point, _Sums()).add(error_kw)
            name = self.class_of(usage_point)
            classes[name] = classes.get(name, 0.0) + error_kw
        for name, error_kw in classes.items():
            period.classes.setdefault(name, _Sums()).add(error_kw)
        if classes:
            # Slots of one series and horizon come to an end one after the other.
            period.end = slot.start + slot.length
            self._periods[slot.key] = period


def _rows(sums: dict[str, _Sums]) -> tuple[tuple[str, ErrorStatistics], ...]:
    return tuple((name, each.statistics()) for name, each in sorted(sums.items()))
