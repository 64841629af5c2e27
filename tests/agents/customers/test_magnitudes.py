"""A hot day of many homes together: the load that a feeder sees."""

from datetime import datetime
from zoneinfo import ZoneInfo

import attrs
import numpy as np

from gridbus.agents.customers import Customer, SetPoints, Shares, customers
from gridbus.agents.models.air_conditioning import AirConditioningParameters
from gridbus.agents.models.household_loads import HouseholdLoadParameters, HouseholdLoads
from gridbus.agents.models.houses import HouseParameters, Houses, ThermostatParameters
from gridbus.agents.models.photovoltaics import PhotovoltaicParameters, Photovoltaics
from gridbus.kernel import DAY, MINUTE, SECOND, Calendar
from gridbus.roles.weather import Weather, read_weather

ZONE = ZoneInfo("America/New_York")
SUNDAY = Calendar(datetime(2025, 7, 20, tzinfo=ZONE), ZONE)
STEP = 15 * MINUTE
OF_DAY = DAY // STEP


def net_kw(homes: tuple[Customer, ...], weather: Weather) -> np.ndarray:
    """Load of homes left to their own controls: heating and cooling, appliances and photovoltaics."""
    thermostats = ThermostatParameters.from_each([home.thermostat for home in homes])
    houses = Houses(
        HouseParameters.from_each([home.dwelling for home in homes]),
        AirConditioningParameters.from_each([home.air_conditioning for home in homes]),
        thermostats,
        thermostats.cooling_setpoint_c,
    )
    loads = HouseholdLoads(HouseholdLoadParameters.from_each([home.household_load for home in homes]))
    panels = Photovoltaics(PhotovoltaicParameters.from_each([h.photovoltaic for h in homes if h.photovoltaic]))
    set_points = SetPoints(homes)
    power_kw = []
    for step in range(2 * OF_DAY):
        cooling_c, heating_c = set_points.at(step * STEP, SUNDAY)
        houses.thermostats = attrs.evolve(thermostats, cooling_setpoint_c=cooling_c, heating_setpoint_c=heating_c)
        here = {field.name: getattr(weather, field.name)[step] for field in attrs.fields(Weather)}
        air_kw = houses.step(STEP / SECOND, here["outdoor_c"], here["ghi_w_per_m2"] / 1000.0)
        sun_kw = panels.power_kw(**here)
        power_kw.append(air_kw.sum() + loads.power_kw(SUNDAY.hour(step * STEP), 3 * step).sum() + sun_kw.sum())
    return np.array(power_kw)


def test_two_hundred_homes_peak_in_july_as_they_are_known_to():
    """About 450 kW with the shares of the feeder-day scenario; some more where nobody holds the air at a set-point."""
    homes = customers(200, 1, shares=Shares(electric_water_heater=0.0, photovoltaic=0.3, battery=0.2))
    power_kw = net_kw(homes, read_weather(None, SUNDAY, 2 * DAY, STEP))[OF_DAY:]

    assert 405.0 < power_kw.max() < 530.0
    assert 17 <= power_kw.argmax() / 4 <= 20
