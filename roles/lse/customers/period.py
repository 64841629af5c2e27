"""Positions and prices of a period, interval by interval: made once, and looked into for one customer after another."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from ....kernel import HOUR
from .points import FloatArray, Places
from .positions import PositionBook
from .prices import Prices
from .slots import Course, Span


@attrs.frozen(eq=False)
class Period:
    """The intervals of a period against the slots and prices of one market; arrays have shape (n_intervals,)."""

    entries: int
    """Of all that it was made of; where there are more by now, it is out of date."""
    real_time: FloatArray
    """Price of the market where no transformer binds. [$/kWh]"""
    day_ahead: FloatArray
    local: Course
    held_kw: Course
    held_per_kwh: Course

    @classmethod
    def of(cls, at_market: Prices, positions: PositionBook, spans: Sequence[Span]) -> Period:
        """All that is known of some intervals, which are in order of time."""
        return cls(
            entries=at_market.entries + positions.entries,
            real_time=np.array([at_market.at(start) for start, _ in spans], dtype=np.float64),
            day_ahead=np.array([at_market.day_ahead_at(start) for start, _ in spans], dtype=np.float64),
            local=positions.local_per_kwh.course(spans),
            held_kw=positions.held_kw.course(spans),
            held_per_kwh=positions.held_per_kwh.course(spans),
        )

    def position_kwh(self, place: int, intervals: Places) -> FloatArray:
        """The day-ahead position of a usage point in some intervals [kWh]."""
        return self.held_kw.summed(place)[intervals] / HOUR

    def real_time_price(self, place: int, intervals: Places) -> FloatArray:
        """The price at which what deviates from positions settles [$/kWh]."""
        return _else(self.local.at(place), self.real_time)[intervals]

    def day_ahead_price(self, place: int, intervals: Places) -> FloatArray:
        """The day-ahead price of a usage point [$/kWh]."""
        return _else(self.held_per_kwh.at(place), self.day_ahead)[intervals]


def _else(own: FloatArray, of_all: FloatArray) -> FloatArray:
    return np.where(np.isnan(own), of_all, own)
