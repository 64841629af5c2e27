"""The prices of a market, slot by slot."""

from __future__ import annotations

import attrs

from ....kernel import Instant
from ...intervals import Intervals


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

    def day_ahead_at(self, start: Instant) -> float:
        """The day-ahead price of an interval [$/kWh]; 0 where there was no day-ahead slot."""
        held = self.day_ahead.at(start)
        return 0.0 if held is None else held.value

    @property
    def entries(self) -> int:
        """How often something was entered."""
        return self.day_ahead.entries + self.real_time.entries
