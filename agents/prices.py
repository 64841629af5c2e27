"""What an agent knows of prices to come: its retailer's forecast, replaced by day-ahead awards as they come."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ..kernel import HOUR, Duration, Instant
from ..roles.interfaces import Award, AwardStatus, MarketCall, PriceForecast
from .strategies import PriceOutlook

HORIZON_HOURS = 24


@attrs.define
class Prices:
    """Expected price of each hour of the run."""

    _by_hour: dict[int, float] = attrs.field(factory=dict, init=False)
    _outlook: tuple[int, PriceOutlook] | None = attrs.field(default=None, init=False)

    def forecast(self, forecast: PriceForecast) -> None:
        """Take a retailer's forecast over."""
        first = forecast.first_hour // HOUR
        for number, price in enumerate(forecast.price_per_kwh):
            self._by_hour[first + number] = price
        self._outlook = None

    def expect(self, first_slot: Instant, slot_length: Duration, price_per_kwh: Sequence[float]) -> None:
        """Take prices of slots over; an hour has the price of the last slot that begins in it."""
        for number, price in enumerate(price_per_kwh):
            self._by_hour[(first_slot + number * slot_length) // HOUR] = price
        self._outlook = None

    def awarded(self, award: Award) -> None:
        """Take the prices of a day-ahead award over; of a suspended clearing there are none to expect."""
        if AwardStatus.SUSPENDED not in award.status:
            self.expect(award.first_slot, award.slot_length, award.price_per_kwh)

    def ahead(self, start: Instant, hours: int) -> tuple[float, ...]:
        """Expected prices of hours from an instant on, as many as are known, at least one [$/kWh]."""
        first = start // HOUR
        known = [self._by_hour[hour] for hour in range(first, first + hours) if hour in self._by_hour]
        return tuple(known) or (self._nearest(first),)

    def outlook(self, start: Instant, call: MarketCall) -> PriceOutlook:
        """The hour of an instant, compared with the day that begins there."""
        hour = start // HOUR
        if self._outlook is None or self._outlook[0] != hour:
            made = PriceOutlook.from_forecast(
                self.ahead(start, HORIZON_HOURS),
                0,
                floor_per_kwh=call.price_floor_per_kwh,
                cap_per_kwh=call.price_cap_per_kwh,
            )
            self._outlook = hour, made
        return self._outlook[1]

    def _nearest(self, hour: int) -> float:
        if not self._by_hour:
            return 0.0
        return self._by_hour[min(self._by_hour, key=lambda known: (abs(known - hour), known))]
