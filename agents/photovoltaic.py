"""Rooftop photovoltaics: injects what the sun gives; it neither bids nor is limited."""

from __future__ import annotations

import attrs

from ..kernel import Duration, Port
from ..roles.interfaces import WeatherReading
from .feed import Feed
from .models.photovoltaic import Photovoltaic, PhotovoltaicParameters


@attrs.frozen
class PhotovoltaicAgent:
    """One array and its inverter."""

    usage_point: str
    parameters: PhotovoltaicParameters
    site: str
    interval: Duration

    async def run(self, port: Port) -> None:
        """Inject with every weather reading."""
        feed = Feed(port, self.usage_point, self.interval, controllable=False)
        model = Photovoltaic(self.parameters)
        async for weather in port.subscribe(WeatherReading, site=self.site):
            power_kw = model.power_kw(
                weather.solar_zenith_deg,
                weather.solar_azimuth_deg,
                weather.dni_w_per_m2,
                weather.ghi_w_per_m2,
                weather.dhi_w_per_m2,
                weather.outdoor_c,
                weather.wind_m_per_s,
            )
            feed.draw(power_kw, weather.start)
