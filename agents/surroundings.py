"""What the devices of a fleet know of the world: weather, its forecast, and prices to come."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from ..kernel import HOUR, Calendar, Instant
from ..roles.interfaces import (
    MarketPrice,
    PriceForecast,
    WeatherForecast,
    WeatherReading,
)
from .prices import Prices

FloatArray = NDArray[np.float64]
KW_PER_W = 1e-3
MILD_C = 20.0
"""Outdoors, where no station reports. [degC]"""


@attrs.define
class Surroundings:
    """One object for all devices of a fleet; each passes on what it hears, and the first one to do so is enough.

    Only what everybody hears comes in here, so that it is the same in every process of a run.
    """

    calendar: Calendar
    stop: Instant
    """End of the run."""
    weather: WeatherReading | None = attrs.field(default=None, init=False)
    forecast: WeatherForecast | None = attrs.field(default=None, init=False)
    prices: Prices = attrs.field(factory=Prices, init=False)
    _last: object = attrs.field(default=None, init=False)

    def hear(self, message: WeatherReading | WeatherForecast | PriceForecast | MarketPrice) -> None:
        """Take a message in, once."""
        if isinstance(message, WeatherReading):
            if self.weather is None or message.start > self.weather.start:
                self.weather = message
        elif message is not self._last and message != self._last:
            self._last = message
            if isinstance(message, WeatherForecast):
                self.forecast = message
            elif isinstance(message, PriceForecast):
                self.prices.forecast(message)
            elif message.forecast:
                self.prices.expect(message.first_slot, message.slot_length, message.price_per_kwh)

    def ahead(self, start: Instant, hours: int) -> tuple[FloatArray, FloatArray]:
        """Outdoor temperature [degC] and irradiance [kW/m2] of hours to come; the last known goes on."""
        if self.forecast is None:
            outdoor = MILD_C if self.weather is None else self.weather.outdoor_c
            return np.full(hours, outdoor), np.zeros(hours)
        first = (start - self.forecast.first_hour) // HOUR
        places = np.clip(np.arange(first, first + hours), 0, len(self.forecast.outdoor_c) - 1)
        outdoor_c, ghi = (
            np.array(self.forecast.outdoor_c),
            np.array(self.forecast.ghi_w_per_m2),
        )
        return outdoor_c[places], ghi[places] * KW_PER_W

    def prices_ahead(self, start: Instant, hours: int) -> FloatArray:
        """Expected prices of hours from an instant on; the last known goes on [$/kWh]."""
        known = self.prices.ahead(start, hours)
        return np.array([*known, *known[-1:] * (hours - len(known))])
