"""What a retailer owes the wholesale market: contracts as written, day-ahead awards, and the deviation from both."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ..kernel import HOUR, Duration, Instant
from .intervals import Intervals

Priced = tuple[float, float]
"""Power [kW] and its price [$/kWh]."""


@attrs.define
class WholesaleAccount:
    """What one retailer has bought ahead of real time, and what its customers and losses have used."""

    bilateral: Intervals[Priced] = attrs.field(factory=Intervals)
    day_ahead: Intervals[Priced] = attrs.field(factory=Intervals)
    _used_kwh: Intervals[dict[str, float]] = attrs.field(factory=Intervals, init=False)
    """By distribution operator, all of which read in the same intervals."""

    def use(self, operator: str, start: Instant, duration: Duration, energy_kwh: float) -> None:
        """Enter what a distribution operator has metered, with losses; a later entry replaces an earlier one."""
        held = self._used_kwh.at(start)
        by_operator = {} if held is None else held.value
        self._used_kwh.enter(start, duration, {**by_operator, operator: energy_kwh})

    def bilateral_kw(self, start: Instant, length: Duration) -> float:
        """Average power scheduled under contracts over a slot [kW]."""
        return sum(shared * held.value[0] for shared, held in self.bilateral.over(start, start + length)) / length

    def owed(self, stop: Instant, real_time_price: Callable[[Instant], float]) -> float:
        """The invoice for all that is delivered before an instant [$]."""
        owed = 0.0
        for bought in (self.bilateral, self.day_ahead):
            for shared, held in bought.over(0, stop):
                power_kw, price = held.value
                owed += power_kw * shared / HOUR * price
        for used in self._used_kwh:
            deviation = sum(used.value.values()) - self._held_kwh(used.start, used.end)
            owed += deviation * real_time_price(used.start)
        return owed

    def _held_kwh(self, start: Instant, end: Instant) -> float:
        bought = [*self.bilateral.over(start, end), *self.day_ahead.over(start, end)]
        return sum(shared * held.value[0] for shared, held in bought) / HOUR
