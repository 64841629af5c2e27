"""What the devices of a fleet know of weather and prices to come."""

import pytest

from gridbus.agents.prices import Prices
from gridbus.agents.surroundings import MILD_C, Surroundings
from gridbus.agents.test_bed.days import ClearDay
from gridbus.kernel import DAY, HOUR, MINUTE
from gridbus.kernel.testing import CALENDAR
from gridbus.roles.interfaces import MarketPrice, PriceForecast, WeatherForecast


def forecast(first_hour: int, *price_per_kwh: float) -> PriceForecast:
    return PriceForecast(lse="green", first_hour=first_hour, price_per_kwh=price_per_kwh)


def market_price(first_slot: int, slot_length: int, *price_per_kwh: float, expected: bool = True) -> MarketPrice:
    return MarketPrice(
        market="retail",
        product="day-ahead",
        first_slot=first_slot,
        slot_length=slot_length,
        price_per_kwh=price_per_kwh,
        forecast=expected,
    )


def around() -> Surroundings:
    return Surroundings(CALENDAR, DAY)


def test_what_a_market_expects_replaces_the_retailer_s_forecast_hour_by_hour() -> None:
    here = around()
    here.hear(forecast(0, 0.1, 0.2, 0.3, 0.4))
    here.hear(market_price(HOUR, HOUR, 0.7, 0.8))
    assert here.prices_ahead(0, 4).tolist() == [0.1, 0.7, 0.8, 0.4]
    here.hear(market_price(0, HOUR, 0.9, expected=False))
    assert here.prices_ahead(0, 4).tolist() == [0.1, 0.7, 0.8, 0.4]


def test_the_last_known_price_goes_on_and_without_any_energy_is_free() -> None:
    here = around()
    assert here.prices_ahead(3 * HOUR, 2).tolist() == [0.0, 0.0]
    here.hear(forecast(2 * HOUR, 0.1, 0.2))
    assert here.prices_ahead(2 * HOUR, 4).tolist() == [0.1, 0.2, 0.2, 0.2]
    assert here.prices_ahead(8 * HOUR, 2).tolist() == [0.2, 0.2]
    assert here.prices_ahead(0, 1).tolist() == [0.1]


def test_of_slots_shorter_than_an_hour_the_last_gives_the_hour_its_price() -> None:
    prices = Prices()
    prices.expect(0, 30 * MINUTE, (0.1, 0.2, 0.3))
    assert prices.ahead(0, 2) == (0.2, 0.3)


def test_weather_to_come_is_the_forecast_s_and_its_last_hour_goes_on() -> None:
    here = around()
    here.hear(WeatherForecast(site="s", first_hour=HOUR, outdoor_c=(10.0, 12.0), ghi_w_per_m2=(100.0, 0.0)))
    outdoor_c, solar_kw_per_m2 = here.ahead(HOUR, 4)
    assert outdoor_c.tolist() == [10.0, 12.0, 12.0, 12.0]
    assert solar_kw_per_m2.tolist() == [0.1, 0.0, 0.0, 0.0]
    assert here.ahead(0, 2)[0].tolist() == [10.0, 10.0]


def test_without_a_forecast_the_present_weather_goes_on_and_without_a_station_a_mild_one() -> None:
    here = around()
    assert here.ahead(0, 2)[0].tolist() == [MILD_C, MILD_C]
    here.hear(ClearDay(5.0, 5.0).reading("s", 12.0, 0, HOUR))
    assert here.ahead(0, 2)[0].tolist() == [5.0, 5.0]
    assert here.ahead(0, 2)[1].tolist() == [0.0, 0.0]


def test_an_older_reading_does_not_replace_a_newer_one() -> None:
    here, day = around(), ClearDay(10.0, 30.0)
    for start in (0, 2 * HOUR, HOUR):
        here.hear(day.reading("s", start / HOUR, start, HOUR))
    assert here.weather is not None
    assert here.weather.start == 2 * HOUR


@pytest.mark.parametrize("times", [1, 3])
def test_a_message_that_all_devices_pass_on_counts_once(times: int) -> None:
    here = around()
    for _ in range(times):
        here.hear(forecast(0, 0.1, 0.2))
    here.hear(market_price(0, HOUR, 0.5))
    here.hear(market_price(0, HOUR, 0.5))
    assert here.prices_ahead(0, 2).tolist() == [0.5, 0.2]
