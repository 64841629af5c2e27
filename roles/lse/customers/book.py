"""What a retailer's customers hold and use, interval by interval, and at which prices: the basis of their bills."""

from __future__ import annotations

import attrs

from ....kernel import HOUR, Duration, Instant
from ...interfaces import DAY_AHEAD, ClearingResult
from ..tariff import Usage
from .period import Period
from .positions import PositionBook
from .prices import Prices
from .reads import Reads

_PERIODS = 16
"""Most periods that are kept; a few markets, and their customers who have come or gone in the month."""


@attrs.define
class CustomerBook:
    """Reads, day-ahead positions and prices of the usage points of a retailer, which are known by their places."""

    reads: Reads = attrs.field(factory=Reads, init=False)
    positions: PositionBook = attrs.field(factory=PositionBook, init=False)
    _prices: dict[str, Prices] = attrs.field(factory=dict, init=False)
    _periods: dict[tuple[str, Instant], tuple[int, Period]] = attrs.field(factory=dict, init=False)
    """By market and end, with the number of the first interval: of customers who are billed together."""

    def prices(self, market: str) -> Prices:
        """The prices of a market, or of those who have none."""
        return self._prices.setdefault(market, Prices())

    def result(self, result: ClearingResult) -> None:
        """Enter the price of a slot; a later clearing of the slot replaces it."""
        prices = self.prices(result.market)
        series = prices.day_ahead if result.product == DAY_AHEAD else prices.real_time
        series.enter(result.slot_start, result.slot_length, result.price_per_kwh)

    def usage(self, place: int, market: str, start: Instant, end: Instant) -> Usage:
        """All that a bill for a period can ask of a market; the published price is that in real time."""
        duration = self.reads.duration or HOUR
        starts, energy_kwh = self.reads.between(place, start, end)
        first, period = self._period(market, start, end, duration)
        intervals = starts // duration - first
        real_time = period.real_time_price(place, intervals)
        return Usage(
            start=starts,
            duration=duration,
            energy_kwh=energy_kwh,
            price_per_kwh=real_time,
            day_ahead_kw=period.position_kwh(place, intervals) / (duration / HOUR),
            day_ahead_per_kwh=period.day_ahead_price(place, intervals),
            real_time_per_kwh=real_time,
        )

    def _period(self, market: str, start: Instant, end: Instant, duration: Duration) -> tuple[int, Period]:
        """The intervals that begin in a period, or in more than it, with the number of the first."""
        prices, number = self.prices(market), -(-start // duration)
        first, period = self._periods.get((market, end), (number, None))
        if period is None or number < first or period.entries != prices.entries + self.positions.entries:
            if len(self._periods) == _PERIODS:
                self._periods.clear()
            starts = [each * duration for each in range(number, -(-end // duration))]
            spans = [(each, each + self.reads.length(each)) for each in starts]
            first, period = self._periods[market, end] = number, Period.of(prices, self.positions, spans)
        return first, period
