"""Weather from the TMY3 file that pvlib carries, and what is no such file."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pvlib
import pytest

from gridbus.kernel import HOUR, MINUTE, Calendar, Duration, Setting, UsageError
from gridbus.kernel.testing import CALENDAR, Log, run_components
from gridbus.roles.interfaces import WeatherForecast, WeatherReading
from gridbus.roles.weather import Weather, WeatherStation, read_weather

FILE = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
EASTERN = timezone(timedelta(hours=-5))
DAY_IN_JULY = datetime(2025, 7, 20, tzinfo=EASTERN)
STEP = 2 * MINUTE


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pvlib.iotools.read_tmy3(str(FILE), map_variables=True)[0]


def row(table: pd.DataFrame, month: int, day: int, hour: int) -> pd.Series:
    """The line of the file with this stamp, which is the end of an hour."""
    index = table.index
    return table[(index.month == month) & (index.day == day) & (index.hour == hour)].iloc[0]


def weather_at(instant: datetime, *, minutes: float = 0.0) -> Weather:
    """One interval whose middle is that long after a date."""
    start = instant + timedelta(minutes=minutes - 1)
    return read_weather(None, Calendar(start), STEP, STEP)


@pytest.mark.parametrize(("month", "day", "hour"), [(7, 20, 15), (1, 3, 9), (12, 31, 23), (3, 1, 1)])
def test_temperature_and_wind_at_a_stamp_are_those_of_its_line(
    table: pd.DataFrame, month: int, day: int, hour: int
) -> None:
    weather, line = weather_at(datetime(2025, month, day, hour, tzinfo=EASTERN)), row(table, month, day, hour)
    assert weather.outdoor_c[0] == pytest.approx(line["temp_air"])
    assert weather.wind_m_per_s[0] == pytest.approx(line["wind_speed"])


@pytest.mark.parametrize(("month", "day", "hour"), [(7, 20, 15), (1, 3, 9), (6, 1, 12)])
def test_irradiance_in_the_middle_of_an_hour_is_that_of_the_stamp_at_its_end(
    table: pd.DataFrame, month: int, day: int, hour: int
) -> None:
    weather = weather_at(datetime(2025, month, day, hour, tzinfo=EASTERN), minutes=-30)
    line = row(table, month, day, hour)
    got = [weather.ghi_w_per_m2[0], weather.dni_w_per_m2[0], weather.dhi_w_per_m2[0]]
    assert got == pytest.approx(line[["ghi", "dni", "dhi"]].tolist())
    assert line["ghi"] > 0


def test_a_quarter_past_a_stamp_lies_a_quarter_of_the_way_to_the_next(table: pd.DataFrame) -> None:
    weather = weather_at(datetime(2025, 7, 20, 15, tzinfo=EASTERN), minutes=15)
    first, second = row(table, 7, 20, 15)["temp_air"], row(table, 7, 20, 16)["temp_air"]
    assert weather.outdoor_c[0] == pytest.approx(0.75 * first + 0.25 * second)


@pytest.mark.parametrize("month", [1, 7])
def test_while_the_sun_is_down_for_an_hour_around_there_is_no_irradiance(month: int) -> None:
    day = datetime(2025, month, 15, tzinfo=EASTERN)
    weather = read_weather(None, Calendar(day), 24 * HOUR, 5 * MINUTE)
    up = weather.solar_zenith_deg < 91.0
    near = np.convolve(up, np.ones(31), mode="same") > 0
    assert weather.ghi_w_per_m2[~near].tolist() == [0.0] * int((~near).sum())
    assert weather.dni_w_per_m2[~near].max() == 0.0
    assert (~near).sum() > 60
    assert weather.ghi_w_per_m2.max() > 300.0


def test_the_sun_is_highest_in_the_south_at_about_solar_noon() -> None:
    weather = read_weather(None, Calendar(DAY_IN_JULY), 24 * HOUR, 5 * MINUTE)
    noon = int(weather.solar_zenith_deg.argmin())
    assert weather.solar_azimuth_deg[noon] == pytest.approx(180.0, abs=3.0)
    # Greensboro lies 4.95 degrees west of its zone's meridian: 20 minutes, and 6 of the equation of time.
    assert noon * 5 + 2.5 == pytest.approx(12 * 60 + 26, abs=5)


def test_the_zone_in_which_a_start_is_written_does_not_matter() -> None:
    one, other, clock = (
        read_weather(None, Calendar(start, ZoneInfo("America/New_York")), 2 * HOUR, 5 * MINUTE)
        for start in (
            datetime(2025, 7, 20, 18, tzinfo=UTC),
            datetime(2025, 7, 20, 14, tzinfo=ZoneInfo("America/New_York")),
            datetime(2025, 7, 20, 13, tzinfo=EASTERN),
        )
    )
    assert one.outdoor_c.tolist() == other.outdoor_c.tolist() == clock.outdoor_c.tolist()


def test_daylight_saving_time_shifts_the_clock_and_not_the_weather(table: pd.DataFrame) -> None:
    # The file keeps standard time: 4 p.m. on the summer clock is its 3 p.m.
    weather = weather_at(datetime(2025, 7, 20, 16, tzinfo=ZoneInfo("America/New_York")))
    assert weather.outdoor_c[0] == pytest.approx(row(table, 7, 20, 15)["temp_air"])


def test_a_run_over_the_change_of_the_clock_has_no_jump_and_no_gap() -> None:
    zone = ZoneInfo("America/New_York")
    weather = read_weather(None, Calendar(datetime(2025, 3, 9, tzinfo=zone), zone), 6 * HOUR, 5 * MINUTE)
    assert len(weather.outdoor_c) == 72
    assert np.abs(np.diff(weather.solar_zenith_deg)).max() < 1.5


def test_the_year_closes_at_new_year_and_a_leap_day_has_weather() -> None:
    around = read_weather(None, Calendar(datetime(2025, 12, 31, 20, tzinfo=EASTERN)), 8 * HOUR, 5 * MINUTE)
    leap = read_weather(None, Calendar(datetime(2024, 2, 29, tzinfo=EASTERN)), 24 * HOUR, 5 * MINUTE)
    for weather in (around, leap):
        assert np.isfinite(weather.outdoor_c).all()
        assert np.abs(np.diff(weather.outdoor_c)).max() < 1.0


def test_a_part_of_an_interval_at_the_end_has_weather_too() -> None:
    assert len(read_weather(None, Calendar(DAY_IN_JULY), 11 * MINUTE, 5 * MINUTE).outdoor_c) == 3


LINES = FILE.read_text().splitlines()
NO_TMY3 = {
    "nothing": "",
    "prose": "It was a dark\nand stormy night\n",
    "another table": "a,b\n1,2\n",
    "only the head": "\n".join(LINES[:2]) + "\n",
    "two days": "\n".join(LINES[:50]) + "\n",
    "columns missing": "\n".join([LINES[0], "Date (MM/DD/YYYY),Time (HH:MM),a", "01/01/1988,01:00,1"]) + "\n",
}


@pytest.mark.parametrize("what", list(NO_TMY3))
def test_what_is_no_tmy3_file_is_an_error_of_the_user_that_names_it(what: str, tmp_path: Path) -> None:
    path = tmp_path / "site.csv"
    path.write_text(NO_TMY3[what])
    with pytest.raises(UsageError, match=r"site\.csv cannot be read as TMY3"):
        read_weather(path, CALENDAR, HOUR, HOUR)


def test_bytes_a_folder_and_no_file_at_all_are_errors_of_the_user(tmp_path: Path) -> None:
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\x00\xff\xfe\x80" * 100)
    for path in (binary, tmp_path, tmp_path / "missing.csv"):
        with pytest.raises(UsageError, match="cannot be read as TMY3"):
            read_weather(path, CALENDAR, HOUR, HOUR)


def ran(stop: Duration, interval_min: float) -> Log:
    calendar = Calendar(DAY_IN_JULY + timedelta(hours=9))
    station = WeatherStation(interval_min=interval_min)
    return run_components(dict(station.components("site", Setting(calendar, stop, 0))), stop=stop, calendar=calendar)


def test_readings_come_at_the_start_of_every_interval() -> None:
    log = ran(HOUR, 15.0)
    assert [(r.start, r.duration) for r in log.of(WeatherReading)] == [(n * 15 * MINUTE, 15 * MINUTE) for n in range(4)]
    assert [e.instant for e in log.envelopes if isinstance(e.message, WeatherReading)] == [
        r.start for r in log.of(WeatherReading)
    ]


def test_the_hours_of_the_forecast_are_the_means_of_their_readings() -> None:
    log = ran(3 * HOUR, 20.0)
    (forecast,) = log.of(WeatherForecast)
    readings = log.of(WeatherReading)
    hours = [[r for r in readings if r.start // HOUR == hour] for hour in range(3)]
    assert forecast.outdoor_c == pytest.approx([np.mean([r.outdoor_c for r in hour]) for hour in hours])
    assert forecast.ghi_w_per_m2 == pytest.approx([np.mean([r.ghi_w_per_m2 for r in hour]) for hour in hours])
