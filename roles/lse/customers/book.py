"""What a retailer's customers hold and use, interval by interval, and at which prices: the basis of their bills."""

from __future__ import annotations

import attrs

from ....kernel import HOUR, Duration, Instant
from ...interfaces import DAY_AHEAD, ClearingResult, Positions
from ...intervals import Intervals
from ..tariff import Usage
from .reads import Reads

Position = tuple[float, float]
"""Power [kW] and its price [$/kWh]."""


@attrs.define
class Prices:
    """Prices of one market; or, for customers without any, retail prices that the retailer has made itself."""

    day_ahead: Intervals[float] = attrs.field(factory=Intervals)
    real_time: Intervals[float] = attrs.field(factory=Intervals)

    def at(self, start: Instant) -> float:
        """The price of an interval in real time [$/kWh].

        Of the slot that the interval lies in; without one that of the next slot that has one, or else of the last. A
        market without real-time slots has its day-ahead price, one without any price none.
        """
        prices = self.real_time if len(self.real_time) else self.day_ahead
        held = prices.at(start) or prices.after(start) or prices.before(start)
        return 0.0 if held is None else held.value


@attrs.define
class _Point:
    positions: Intervals[Position] = attrs.field(factory=Intervals)
    """Day-ahead."""
    local: Intervals[float] = attrs.field(factory=Intervals)
    """Real-time price where it is not that of the market: below a transformer that binds."""
    reads: Reads | None = None


@attrs.define
class CustomerBook:
    """Reads, day-ahead positions and prices of the usage points of a retailer."""

    _prices: dict[str, Prices] = attrs.field(factory=dict, init=False)
    _points: dict[str, _Point] = attrs.field(factory=dict, init=False)

    def prices(self, market: str) -> Prices:
        """The prices of a market, or of those who have none."""
        return self._prices.setdefault(market, Prices())

    # What comes in

    def result(self, result: ClearingResult) -> None:
        """Enter the price of a slot; a later clearing of the slot replaces it."""
        prices = self.prices(result.market)
        series = prices.day_ahead if result.product == DAY_AHEAD else prices.real_time
        series.enter(result.slot_start, result.slot_length, result.price_per_kwh)

    def positions(self, positions: Positions) -> None:
        """Enter the day-ahead positions of a slot, or its local prices in real time."""
        start, length = positions.slot_start, positions.slot_length
        rows = zip(positions.usage_points, positions.power_kw, positions.price_per_kwh, strict=True)
        at_market = self.prices(positions.market).real_time.at(start)
        for usage_point, power_kw, price in rows:
            point = self._point(usage_point)
            if positions.product == DAY_AHEAD:
                held = (power_kw, price) if positions.commitment else (0.0, price)
                point.positions.enter(start, length, held)
            elif at_market is None or price != at_market.value or point.local.at(start) is not None:
                point.local.enter(start, length, price)

    def read(
        self, usage_point: str, start: Instant, duration: Duration, energy_kwh: float, revision: int
    ) -> float | None:
        """Enter a read; returns what it replaces, not a number for a first one, None for one that is out of date."""
        point = self._point(usage_point)
        if point.reads is None:
            point.reads = Reads(usage_point, duration)
        return point.reads.enter(start, duration, energy_kwh, revision)

    # What is known

    def reads(self, usage_point: str) -> Reads | None:
        """The reads of a usage point; None before the first."""
        return self._point(usage_point).reads

    def metered_kwh(self, usage_point: str, start: Instant, end: Instant) -> float | None:
        """Energy in a span; None where some of it was not read [kWh]."""
        reads = self._point(usage_point).reads
        return None if reads is None else reads.metered_kwh(start, end)

    def position_kwh(self, usage_point: str, start: Instant, end: Instant) -> float:
        """Day-ahead position in a span [kWh]."""
        held = self._point(usage_point).positions.over(start, end)
        return sum(shared * each.value[0] for shared, each in held) / HOUR

    def real_time_price(self, usage_point: str, market: str, start: Instant) -> float:
        """Price at which what deviates from positions settles [$/kWh]."""
        local = self._point(usage_point).local.at(start)
        return self.prices(market).at(start) if local is None else local.value

    def day_ahead_price(self, usage_point: str, market: str, start: Instant) -> float:
        """Day-ahead price of an interval at a usage point [$/kWh]; 0 where there was no day-ahead slot."""
        held = self._point(usage_point).positions.at(start)
        if held is not None:
            return held.value[1]
        at_market = self.prices(market).day_ahead.at(start)
        return 0.0 if at_market is None else at_market.value

    def usage(self, usage_point: str, market: str, start: Instant, end: Instant) -> Usage:
        """All that a bill for a period can ask of a market; the published price is that in real time."""
        reads = self._point(usage_point).reads or Reads(usage_point, HOUR)
        starts, energy_kwh = reads.between(start, end)
        at = [int(each) for each in starts]
        real_time = [self.real_time_price(usage_point, market, each) for each in at]
        hours = reads.duration / HOUR
        return Usage(
            start=starts,
            duration=reads.duration,
            energy_kwh=energy_kwh,
            price_per_kwh=real_time,
            day_ahead_kw=[self.position_kwh(usage_point, each, each + reads.length(each)) / hours for each in at],
            day_ahead_per_kwh=[self.day_ahead_price(usage_point, market, each) for each in at],
            real_time_per_kwh=real_time,
        )

    def _point(self, usage_point: str) -> _Point:
        point = self._points.get(usage_point)
        if point is None:
            point = self._points[usage_point] = _Point()
        return point
