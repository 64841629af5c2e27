"""Weather service → everybody."""

from __future__ import annotations

from ...kernel import Duration, Instant, field, message


@message(topic="weather.{site}.reading", senders=["weather.{site}"], receivers=["*.*"], retain=True)
class WeatherReading:
    """The weather of an interval."""

    site: str = field("site")
    start: Instant = field("first instant of the interval", unit="ns")
    duration: Duration = field("length of the interval", unit="ns")
    outdoor_c: float = field("dry-bulb temperature", unit="degC")
    wind_m_per_s: float = field("wind speed", unit="m/s")
    ghi_w_per_m2: float = field("global horizontal irradiance", unit="W/m2")
    dni_w_per_m2: float = field("direct normal irradiance", unit="W/m2")
    dhi_w_per_m2: float = field("diffuse horizontal irradiance", unit="W/m2")
    solar_zenith_deg: float = field("zenith angle of the sun", unit="deg")
    solar_azimuth_deg: float = field("azimuth of the sun, clockwise from north", unit="deg")


@message(topic="weather.{site}.forecast", senders=["weather.{site}"], receivers=["*.*"], retain=True)
class WeatherForecast:
    """The weather of the hours to come."""

    site: str = field("site")
    first_hour: Instant = field("first instant of the first hour", unit="ns")
    outdoor_c: tuple[float, ...] = field("mean dry-bulb temperature of each hour", unit="degC")
    ghi_w_per_m2: tuple[float, ...] = field("mean global horizontal irradiance of each hour", unit="W/m2")
