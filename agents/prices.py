"""Prices to come: a retailer's forecast, replaced by what its market publishes."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ..kernel import HOUR, Duration, Instant
from ..roles.interfaces import PriceForecast


@attrs.define
class Prices:
    """Expected price of each hour of the run."""

    _by_hour: dict[int, float] = attrs.field(factory=dict, init=False)

    def forecast(self, forecast: PriceForecast) -> None:
        """Take a retailer's forecast over."""
        first = forecast.first_hour // HOUR
        for number, price in enumerate(forecast.price_per_kwh):
            self._by_hour[first + number] = price

    def expect(self, first_slot: Instant, slot_length: Duration, price_per_kwh: Sequence[float]) -> None:
        """Take prices of slots over; an hour has the price of the last slot that begins in it."""
        for number, price in enumerate(price_per_kwh):
            self._by_hour[(first_slot + number * slot_length) // HOUR] = price

    def ahead(self, start: Instant, hours: int) -> tuple[float, ...]:
        """Expected prices of hours from an instant on, as many as are known, at least one [$/kWh]."""
        first = start // HOUR
        known = [self._by_hour[hour] for hour in range(first, first + hours) if hour in self._by_hour]
        return tuple(known) or (self._nearest(first),)

    def _nearest(self, hour: int) -> float:
        if not self._by_hour:
            return 0.0
        return self._by_hour[min(self._by_hour, key=lambda known: (abs(known - hour), known))]
