"""The price forecast of a series that clears the same hours again and again, smoothed from one clearing to the next."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import attrs

from ...kernel import Duration, Instant


@attrs.define
class SmoothedPrices:
    """Expected prices by slot; a new clearing moves each the less, the nearer its slot has come.

    With n slots in a clearing, slot i (0 is next) moves by ``smoothing / sqrt(n - i)`` of the way to the new price;
    with a smoothing of 0, and where a slot is new, it takes the new price. Source: DSO+T (PNNL-32170), with 0.2 over 48
    hours, so that the plans of many devices, made anew each hour, come to rest.
    """

    smoothing: float
    _by_slot: dict[Instant, float] = attrs.field(factory=dict, init=False)

    def cleared(self, first_slot: Instant, length: Duration, price_per_kwh: Sequence[float]) -> tuple[float, ...]:
        """Take the prices of a clearing in; returns the forecast for its slots [$/kWh]."""
        count = len(price_per_kwh)
        made = {}
        for number, price in enumerate(price_per_kwh):
            slot = first_slot + number * length
            before = self._by_slot.get(slot, price)
            weight = self.smoothing / sqrt(count - number) if self.smoothing else 1.0
            made[slot] = before + weight * (price - before)
        self._by_slot = made
        return tuple(made.values())

    def expected(self, slots: Sequence[Instant], known: Sequence[float | None]) -> tuple[float, ...]:
        """Price of each slot: as known, else as forecast, else that before it; empty without a first one [$/kWh]."""
        prices: list[float] = []
        for slot, price in zip(slots, known, strict=True):
            price = self._by_slot.get(slot) if price is None else price
            if price is None and not prices:
                return ()
            prices.append(prices[-1] if price is None else price)
        return tuple(prices)

    def at(self, slot: Instant) -> float | None:
        """The forecast for a slot of the last clearing [$/kWh]."""
        return self._by_slot.get(slot)
