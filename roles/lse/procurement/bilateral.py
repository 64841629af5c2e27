"""Bilateral contracts: blocks of constant power at a fixed price, in hours of the week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ....kernel import HOUR, Calendar, Duration, Instant, field, value
from ..week import Days, WeekHours, local_hours, share_of


@value
class BilateralBlock:
    """A contract with a generator: the retailer takes and pays for this power in these hours, come what may."""

    quantity_kw: float = field("power", unit="kW", above=0)
    price_per_kwh: float = field("price", unit="$/kWh")
    hours: tuple[WeekHours, ...] = field("hours of the week; all when there are none", default=())
    effective_from: datetime | None = field("first instant; from the start of the run when there is none", default=None)
    effective_to: datetime | None = field("first instant that is no longer covered", default=None)

    def average_kw(self, calendar: Calendar, start: Instant, length: Duration) -> float:
        """Average power over a span [kW]."""
        first = start if self.effective_from is None else max(start, calendar.instant(self.effective_from))
        end = start + length
        after = end if self.effective_to is None else min(end, calendar.instant(self.effective_to))
        if first >= after:
            return 0.0
        return self.quantity_kw * share_of(self.hours, calendar, first, after - first) * (after - first) / length


_DAY = (WeekHours(days=Days.WEEKDAYS, from_hour=5, to_hour=16),)
_EVENING = (
    WeekHours(days=Days.WEEKDAYS, from_hour=16, to_hour=20),
    WeekHours(days=Days.WEEKENDS, from_hour=5, to_hour=20),
)
_NIGHT = (WeekHours(from_hour=20, to_hour=5),)


def blocks_of_history(
    load_kw: NDArray[np.float64], price_per_kwh: NDArray[np.float64], calendar: Calendar, start: Instant
) -> tuple[BilateralBlock, ...]:
    """Blocks for day, evening with weekend, and night: the least load of each, at the mean price of its hours.

    ``load_kw`` and day-ahead ``price_per_kwh`` have shape (n_hours,), from the instant ``start`` on, an hour each. A
    period that the history does not touch, or in which there is nothing to buy, gets no block.

    Source of the rule: ``Wh_Energy_Purchases`` of the DSO+T study (TESP 1.3.7).
    """
    spans = [local_hours(calendar, start + number * HOUR, HOUR)[0][:2] for number in range(len(load_kw))]
    blocks = []
    for hours in (_DAY, _EVENING, _NIGHT):
        inside = np.array([any(each.has(*span) for each in hours) for span in spans], dtype=bool)
        if inside.any() and load_kw[inside].min() > 0.0:
            blocks.append(
                BilateralBlock(
                    quantity_kw=float(load_kw[inside].min()),
                    price_per_kwh=float(price_per_kwh[inside].mean()),
                    hours=hours,
                )
            )
    return tuple(blocks)


def schedule(
    blocks: Sequence[BilateralBlock], calendar: Calendar, hours: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """All contracts together from instant 0 on: power [kW] and mean price [$/kWh] of each hour, 0 without any."""
    power, price = [], []
    for hour in range(hours):
        parts = [(block.average_kw(calendar, hour * HOUR, HOUR), block.price_per_kwh) for block in blocks]
        total = sum(kw for kw, _ in parts)
        power.append(total)
        price.append(sum(kw * each for kw, each in parts) / total if total > 0.0 else 0.0)
    return tuple(power), tuple(price)
