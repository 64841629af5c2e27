"""Weather: measured hours from a TMY3 file, interpolated to intervals, with the position of the sun.

The file that pvlib carries (Greensboro, North Carolina) is the default, so that a run needs no download.
Source: S. Wilcox and W. Marion, Users Manual for TMY3 Data Sets, NREL/TP-581-43156, 2008.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from ..kernel import FIRST, HOUR, MINUTE, Calendar, Duration, Placement, Port, Setting, UsageError, field, value
from ..kernel.activity import Main
from .interfaces import WeatherForecast, WeatherReading

FloatArray = NDArray[np.float64]

GREENSBORO = "723170TYA.CSV"
_HOURS_OF_YEAR = 8760
_COLUMNS = ("temp_air", "wind_speed", "ghi", "dni", "dhi")


@value
class WeatherStation:
    """Plug-in ``[weather.NAME]``: a site's weather from a TMY3 file."""

    placement: ClassVar[Placement] = Placement.KEPT

    file: str = field("TMY3 file; empty: Greensboro, from pvlib", default="")
    interval_min: float = field("interval of the readings", unit="min", default=5.0, above=0)

    def check(self) -> Iterable[tuple[str, str]]:
        """An hour of the forecast has a whole number of readings."""
        interval = round(self.interval_min * MINUTE)
        if not interval or HOUR % interval:
            yield "interval_min", f"expected an hour divided by a whole number, got {self.interval_min:g}"

    def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"weather.{name}", lambda port: _run(self, port, setting)


@attrs.frozen(eq=False)
class Weather:
    """Weather of consecutive intervals; arrays of shape (n_intervals,)."""

    outdoor_c: FloatArray
    wind_m_per_s: FloatArray
    ghi_w_per_m2: FloatArray
    dni_w_per_m2: FloatArray
    dhi_w_per_m2: FloatArray
    solar_zenith_deg: FloatArray
    solar_azimuth_deg: FloatArray


def read_weather(file: Path | None, calendar: Calendar, stop: Duration, interval: Duration) -> Weather:
    """The weather of a run's intervals.

    The months of a typical year come from different years: an instant takes the values of the same month, day and
    standard-time hour. TMY3 stamps irradiance at the end of its hour, so it is centred half an hour earlier; the
    temperature is that of the stamp. Between, values are interpolated; the sun's position is that of the real instant.

    Raises:
        UsageError: the file cannot be read as TMY3.
    """
    import pandas as pd
    from pvlib import iotools, solarposition

    path = file if file is not None else _default_file()
    try:
        table, site = iotools.read_tmy3(str(path), coerce_year=2001, map_variables=True)
        measured = {name: table[name].to_numpy(dtype=float) for name in _COLUMNS}
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise UsageError(f"{path} cannot be read as TMY3: {error}") from None
    if len(table) != _HOURS_OF_YEAR or not all(np.isfinite(values).all() for values in measured.values()):
        raise UsageError(f"{path} cannot be read as TMY3: expected {_HOURS_OF_YEAR} hours without gaps")
    count = -(-stop // interval)
    middle = [calendar.utc(number * interval + interval // 2) for number in range(count)]
    times = pd.DatetimeIndex(middle)
    offset_h = float(site["TZ"])
    hour_of_year = _hours(times.tz_convert(None) + pd.Timedelta(hours=offset_h))
    stamps = _hours(table.index.tz_localize(None) if table.index.tz is not None else table.index)
    columns = {}
    for name in _COLUMNS:
        centre = stamps if name in ("temp_air", "wind_speed") else stamps - 0.5
        columns[name] = np.interp(hour_of_year, centre, measured[name], period=float(_HOURS_OF_YEAR))
    sun = solarposition.get_solarposition(times, site["latitude"], site["longitude"], altitude=site["altitude"])
    return Weather(
        outdoor_c=columns["temp_air"],
        wind_m_per_s=columns["wind_speed"],
        ghi_w_per_m2=columns["ghi"],
        dni_w_per_m2=columns["dni"],
        dhi_w_per_m2=columns["dhi"],
        solar_zenith_deg=sun["zenith"].to_numpy(),
        solar_azimuth_deg=sun["azimuth"].to_numpy(),
    )


def _default_file() -> Path:
    import pvlib

    return Path(pvlib.__file__).parent / "data" / GREENSBORO


def _hours(times: object) -> FloatArray:
    """Hours since the start of a year of 365 days."""
    import pandas as pd

    index = pd.DatetimeIndex(times)
    month_start = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], dtype=float)
    day = month_start[index.month.to_numpy() - 1] + np.minimum(index.day.to_numpy(), 31) - 1
    hours: FloatArray = (
        day * 24.0 + index.hour.to_numpy() + index.minute.to_numpy() / 60 + index.second.to_numpy() / 3600
    )
    return hours


async def _run(station: WeatherStation, port: Port, setting: Setting) -> None:
    interval = round(station.interval_min * MINUTE)
    file = Path(station.file) if station.file else None
    weather = read_weather(file, setting.calendar, port.stop, interval)
    _publish_forecast(port, weather, interval)
    for number in range(len(weather.outdoor_c)):
        await port.sleep_until(number * interval, FIRST)
        port.publish(_reading(port.name, weather, number, interval))


def _reading(site: str, weather: Weather, number: int, interval: Duration) -> WeatherReading:
    return WeatherReading(
        site=site,
        start=number * interval,
        duration=interval,
        **{name: float(values[number]) for name, values in attrs.asdict(weather).items()},
    )


def _publish_forecast(port: Port, weather: Weather, interval: Duration) -> None:
    per_hour = max(HOUR // interval, 1)
    starts = range(0, len(weather.outdoor_c), per_hour)
    port.publish(
        WeatherForecast(
            site=port.name,
            first_hour=0,
            outdoor_c=tuple(float(weather.outdoor_c[at : at + per_hour].mean()) for at in starts),
            ghi_w_per_m2=tuple(float(weather.ghi_w_per_m2[at : at + per_hour].mean()) for at in starts),
        )
    )
