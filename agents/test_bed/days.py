"""A day for test beds: when it begins, how warm and sunny it is, and when energy is dear."""

from __future__ import annotations

from datetime import UTC, datetime
from math import cos, pi, radians, sin

import attrs

from ...kernel import Calendar, Duration, Instant
from ...roles.interfaces import WeatherReading

CALENDAR = Calendar(datetime(2025, 7, 16, tzinfo=UTC))
"""Instant 0 of test beds, unless told otherwise: midnight of a Wednesday in July."""
DEAREST_H, WARMEST_H = 18.0, 16.0
SUNRISE_H, DAYLIGHT_H, NOON_ELEVATION_DEG = 6.0, 12.0, 70.0
GHI_AT_ZENITH, DIFFUSE_SHARE, LEAST_ELEVATION = 1000.0, 0.15, 0.05
WIND_M_PER_S = 2.0


def price_at(hour: float, low_per_kwh: float, high_per_kwh: float) -> float:
    """Price at a time of day: highest in the early evening, lowest twelve hours before. [$/kWh]"""
    return low_per_kwh + (high_per_kwh - low_per_kwh) * _swing(hour, DEAREST_H)


@attrs.frozen
class ClearDay:
    """The weather of one day, which comes again and again."""

    coldest_c: float = 22.0
    warmest_c: float = 34.0
    sunshine: float = 1.0
    """Irradiance, by that of a clear sky. [-]"""

    def outdoor_c(self, hour: float) -> float:
        """Outdoor temperature at a time of day."""
        return self.coldest_c + (self.warmest_c - self.coldest_c) * _swing(hour, WARMEST_H)

    def ghi_w_per_m2(self, hour: float) -> float:
        """Global horizontal irradiance at a time of day."""
        return self.sunshine * GHI_AT_ZENITH * max(sin(radians(_elevation_deg(hour))), 0.0)

    def reading(self, site: str, hour: float, start: Instant, duration: Duration) -> WeatherReading:
        """What a station reads at a time of day."""
        elevation_deg, ghi = _elevation_deg(hour), self.ghi_w_per_m2(hour)
        beam = (1.0 - DIFFUSE_SHARE) * ghi / max(sin(radians(elevation_deg)), LEAST_ELEVATION)
        return WeatherReading(
            site=site,
            start=start,
            duration=duration,
            outdoor_c=self.outdoor_c(hour),
            wind_m_per_s=WIND_M_PER_S,
            ghi_w_per_m2=ghi,
            dni_w_per_m2=beam,
            dhi_w_per_m2=DIFFUSE_SHARE * ghi,
            solar_zenith_deg=90.0 - elevation_deg,
            solar_azimuth_deg=15.0 * hour,
        )


def _swing(hour: float, highest_h: float) -> float:
    """From 0 to 1 and back in the course of a day."""
    return 0.5 + 0.5 * cos(pi / 12.0 * (hour - highest_h))


def _elevation_deg(hour: float) -> float:
    return NOON_ELEVATION_DEG * sin(pi * (hour - SUNRISE_H) / DAYLIGHT_H)
