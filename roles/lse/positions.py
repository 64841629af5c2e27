"""What a retailer's customers hold and use, interval by interval: the basis of two-settlement bills."""

from __future__ import annotations

import attrs

from ...kernel import HOUR, Duration, Instant
from ..interfaces import DAY_AHEAD, ClearingResult, MeterRead, Positions
from .tariffs import Priced


@attrs.frozen
class Settled:
    """The energy of one usage point at its prices, and the congestion rent in them."""

    day_ahead: tuple[Priced, ...]
    deviation: tuple[Priced, ...]
    congestion_rent: float
    """What the customer pays above the supply price, to be passed on to the wires. [$]"""


@attrs.frozen
class _Price:
    length: Duration
    at_market: float
    supply: float


@attrs.define
class PositionBook:
    """Reads, day-ahead positions and prices of the usage points of a retailer.

    An interval settles at the real-time price of the slot that it lies in; without one at that of the next slot that
    has one, or else of the last.
    """

    _reads: dict[str, dict[Instant, MeterRead]] = attrs.field(factory=dict, init=False)
    _positions: dict[str, dict[Instant, tuple[Duration, float, float]]] = attrs.field(factory=dict, init=False)
    _local: dict[str, dict[Instant, float]] = attrs.field(factory=dict, init=False)
    """Real-time prices of usage points below a binding transformer, where they differ from the market's."""
    _real_time: dict[Instant, _Price] = attrs.field(factory=dict, init=False)
    _day_ahead: dict[Instant, _Price] = attrs.field(factory=dict, init=False)

    def read(self, read: MeterRead) -> None:
        """Enter a meter read; a later one for the same interval replaces it."""
        self._reads.setdefault(read.usage_point, {})[read.start] = read

    def result(self, result: ClearingResult) -> None:
        """Enter the prices of a slot."""
        prices = self._day_ahead if result.product == DAY_AHEAD else self._real_time
        prices[result.slot_start] = _Price(result.slot_length, result.price_per_kwh, result.supply_price_per_kwh)

    def positions(self, positions: Positions) -> None:
        """Enter the day-ahead positions, or the local real-time prices, of a slot."""
        rows = zip(positions.usage_points, positions.power_kw, positions.price_per_kwh, strict=True)
        for usage_point, power_kw, price in rows:
            if positions.product == DAY_AHEAD:
                held = self._positions.setdefault(usage_point, {})
                held[positions.slot_start] = positions.slot_length, power_kw, price
            else:
                self._local.setdefault(usage_point, {})[positions.slot_start] = price

    def energy_kwh(self, usage_point: str) -> float:
        """All energy of a usage point [kWh]."""
        return sum(read.energy_kwh for read in self._reads.get(usage_point, {}).values())

    def settle(self, usage_point: str, end: Instant) -> Settled:
        """Day-ahead positions at day-ahead prices, and the deviation of every read from them at real-time prices."""
        held = self._positions.get(usage_point, {})
        day_ahead, rent = [], 0.0
        for start, (length, power_kw, price) in sorted(held.items()):
            energy = power_kw * max(min(length, end - start), 0) / HOUR
            day_ahead.append((energy, price))
            rent += energy * (price - self._day_ahead[start].supply)
        deviation = []
        for start, read in sorted(self._reads.get(usage_point, {}).items()):
            energy = read.energy_kwh - self._held_kwh(held, start, read.duration)
            price, supply = self._price(usage_point, start)
            deviation.append((energy, price))
            rent += energy * (price - supply)
        return Settled(tuple(day_ahead), tuple(deviation), rent)

    def _held_kwh(
        self, held: dict[Instant, tuple[Duration, float, float]], start: Instant, duration: Duration
    ) -> float:
        """The part of the day-ahead positions that lies in an interval [kWh]."""
        for slot, (length, power_kw, _) in held.items():
            if slot <= start < slot + length:
                return power_kw * duration / HOUR
        return 0.0

    def _price(self, usage_point: str, start: Instant) -> tuple[float, float]:
        prices = self._real_time
        at = start if start in prices else max((slot for slot in prices if slot < start), default=None)
        if at is None or start >= at + prices[at].length:
            nearest = min((slot for slot in prices if slot > start), default=at)
            there = _Price(0, 0.0, 0.0) if nearest is None else prices[nearest]
            return there.at_market, there.supply
        return self._local.get(usage_point, {}).get(at, prices[at].at_market), prices[at].supply
