"""Shares, ranges and sizes of what customers have, against binomial error, documents and the models' physics."""

import math
from collections import Counter

import attrs
import numpy as np
import pytest

from gridbus.agents.customers import Shares, customers
from gridbus.agents.customers.air_conditioning import HeatingKind
from gridbus.agents.models.air_conditioning import AirConditioningParameters
from gridbus.agents.models.batteries import BatteryParameters
from gridbus.agents.models.electric_vehicles import ElectricVehicleParameters
from gridbus.agents.models.household_loads import HouseholdLoadParameters
from gridbus.agents.models.houses import HouseParameters, Houses, ThermostatParameters
from gridbus.agents.models.photovoltaics import PhotovoltaicParameters
from gridbus.agents.models.water_heaters import WaterHeaterParameters

COUNT = 2000
EVERYTHING = Shares(electric_water_heater=1.0, electric_vehicle=1.0, vehicle_to_grid=0.5, photovoltaic=1.0, battery=1.0)
POPULATION = customers(COUNT, 3)
EQUIPPED = customers(COUNT, 3, shares=EVERYTHING)
FOR_EVER_S = 1000 * 3600.0


def is_share(found: int, share: float, count: int = COUNT) -> bool:
    """Within four standard deviations of a binomial number: one draw of 16,000 is not."""
    return abs(found - share * count) <= 4.0 * math.sqrt(share * (1.0 - share) * count)


def houses(heating: Shares) -> tuple[Houses, np.ndarray, np.ndarray]:
    """Houses of one kind of heating, with their set-points of cooling and of heating."""
    homes = customers(COUNT, 3, shares=heating)
    thermostats = ThermostatParameters.from_each([home.thermostat for home in homes])
    made = Houses(
        HouseParameters.from_each([home.dwelling for home in homes]),
        AirConditioningParameters.from_each([home.air_conditioning for home in homes]),
        thermostats,
        thermostats.heating_setpoint_c,
    )
    return made, thermostats.cooling_setpoint_c, thermostats.heating_setpoint_c


HEAT_PUMPS, RESISTANCES, FURNACES = Shares(1.0, 0.0), Shares(0.0, 1.0), Shares(0.0, 0.0)


@pytest.mark.parametrize(
    ("shares", "count"),
    [(Shares(), COUNT), (Shares(0.4, 0.3, 0.9, 0.6, 0.5, 0.3, 0.2, 0.1), COUNT)],
    ids=["default", "other"],
)
def test_shares_are_kept(shares, count):
    made = customers(count, 3, shares=shares)
    kinds = Counter(customer.air_conditioning.heating for customer in made)
    vehicles = [customer.electric_vehicle for customer in made if customer.electric_vehicle]

    assert is_share(kinds[HeatingKind.HEAT_PUMP], shares.heat_pump)
    assert is_share(kinds[HeatingKind.RESISTANCE], shares.resistance)
    assert is_share(kinds[HeatingKind.GAS], shares.gas)
    assert is_share(sum(customer.water_heater is not None for customer in made), shares.electric_water_heater)
    assert is_share(len(vehicles), shares.electric_vehicle)
    assert is_share(
        sum(vehicle.discharge_rated_kw > 0.0 for vehicle in vehicles), shares.vehicle_to_grid, len(vehicles)
    )
    assert is_share(sum(customer.photovoltaic is not None for customer in made), shares.photovoltaic)
    assert is_share(sum(customer.battery is not None for customer in made), shares.battery)
    assert is_share(sum(customer.participates for customer in made), shares.participation)


def test_who_has_one_thing_is_no_likelier_to_have_another():
    made = customers(COUNT, 3, shares=Shares(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5))
    has = np.array(
        [
            (
                each.air_conditioning.heating is HeatingKind.HEAT_PUMP,
                each.water_heater is not None,
                each.electric_vehicle is not None,
                each.photovoltaic is not None,
                each.battery is not None,
                each.participates,
                each.slider < 0.5,
            )
            for each in made
        ]
    )

    together = np.corrcoef(has.T) - np.eye(has.shape[1])
    assert np.abs(together).max() < 4.0 / math.sqrt(COUNT)


def test_the_models_take_all_of_it_by_name():
    """Values out of the models' bounds and missing ones without a default raise in here."""
    for parameters, name in (
        (HouseParameters, "dwelling"),
        (AirConditioningParameters, "air_conditioning"),
        (ThermostatParameters, "thermostat"),
        (HouseholdLoadParameters, "household_load"),
        (WaterHeaterParameters, "water_heater"),
        (BatteryParameters, "battery"),
        (ElectricVehicleParameters, "electric_vehicle"),
        (PhotovoltaicParameters, "photovoltaic"),
    ):
        devices = [getattr(customer, name) for customer in EQUIPPED]
        made = parameters.from_each(devices)
        assert made.count == COUNT
        for field in attrs.fields(type(devices[0])):
            if hasattr(made, field.name):
                assert getattr(made, field.name)[7] == getattr(devices[7], field.name)


def test_sliders_lie_in_the_ranges_of_the_study():
    sliders = np.array([(each.slider, each.hvac_slider, each.device_slider) for each in POPULATION])

    assert (sliders.min(axis=0) >= [0.0, 0.4, 0.001]).all()
    assert (sliders.max(axis=0) <= 1.0).all()
    assert np.quantile(sliders, 0.25, axis=0) == pytest.approx([0.25, 0.55, 0.251], abs=0.04)
    assert np.quantile(sliders, 0.75, axis=0) == pytest.approx([0.75, 0.85, 0.75], abs=0.04)


def test_the_connection_follows_from_the_floor():
    for customer in POPULATION:
        assert customer.connection_kw == (24.0 if customer.dwelling.floor_m2 <= 120.0 else 48.0)
    assert 0.01 < sum(customer.connection_kw == 24.0 for customer in POPULATION) / COUNT < 0.15


def test_small_connections_carry_small_chargers():
    chargers = {
        limit_kw: {each.electric_vehicle.charge_rated_kw for each in EQUIPPED if each.connection_kw == limit_kw}
        for limit_kw in (24.0, 48.0)
    }

    assert chargers == {24.0: {1.44, 7.2}, 48.0: {1.44, 7.2, 9.6, 11.5}}


def test_most_chargers_are_level_2_and_all_of_those_who_drive_far():
    one_way = [
        each.electric_vehicle for each in customers(COUNT, 3, shares=Shares(electric_vehicle=1, vehicle_to_grid=0))
    ]

    assert is_share(sum(vehicle.charge_rated_kw > 2.0 for vehicle in one_way), 0.84)
    assert min(vehicle.charge_rated_kw for vehicle in one_way if vehicle.usual_km > 45.0) == 7.2


def test_people_are_as_many_as_the_census_counts():
    counts = Counter(customer.occupancy.occupants for customer in POPULATION)

    for persons, share in ((1, 0.28), (2, 0.35), (3, 0.15), (4, 0.13), (5, 0.06), (6, 0.03)):
        assert is_share(counts[persons], share)
    assert sum(counts.values()) == COUNT


def test_more_people_have_a_larger_tank():
    sizes = {
        persons: {round(each.water_heater.volume_l / 3.785) for each in EQUIPPED if each.occupancy.occupants == persons}
        for persons in range(1, 7)
    }

    assert sizes == {1: {40, 50}, 2: {40, 50}, 3: {50, 75}, 4: {50, 75}, 5: {75}, 6: {75}}


def test_days_have_their_order():
    for occupancy in (customer.occupancy for customer in POPULATION):
        for day in (occupancy.weekday, occupancy.weekend):
            assert 0.0 < day.wake_h < day.leave_h <= day.return_h < day.sleep_h <= 24.0
        assert occupancy.weekend.leave_h == occupancy.weekend.return_h
        assert occupancy.is_empty_on_weekdays == (occupancy.weekday.leave_h < occupancy.weekday.return_h)
    assert is_share(sum(customer.occupancy.is_empty_on_weekdays for customer in POPULATION), 0.4)


def test_who_lives_late_does_so_in_everything():
    delays = [customer.household_load.delay_h for customer in POPULATION]
    for name in ("wake_h", "return_h"):
        hours = [getattr(customer.occupancy.weekday, name) for customer in POPULATION]
        assert np.corrcoef(delays, hours)[0, 1] > 0.6


def test_distributions_lie_where_they_are_documented():
    dwellings = [customer.dwelling for customer in POPULATION]
    floors = np.array([dwelling.floor_m2 for dwelling in dwellings])
    conductances = np.array([dwelling.ua_kw_per_c for dwelling in dwellings]) / floors

    assert np.median(floors) == pytest.approx(186.0, rel=0.03)
    assert (floors.min(), floors.max()) == (90.0, 370.0)
    assert np.median(conductances) == pytest.approx(1.4e-3, rel=0.02)
    assert np.log(conductances).std() == pytest.approx(0.2, rel=0.07)
    assert all(14.0 <= customer.household_load.daily_kwh <= 20.0 for customer in POPULATION)
    assert all(22.0 <= customer.thermostat.cooling_setpoint_c <= 25.0 for customer in POPULATION)
    assert all(19.0 <= customer.thermostat.heating_setpoint_c <= 21.5 for customer in POPULATION)
    assert all(70.0 <= customer.photovoltaic.azimuth_deg <= 290.0 for customer in EQUIPPED)
    assert 2.0 < np.median([customer.air_conditioning.cooling_rated_kw for customer in POPULATION]) < 3.5


def test_cooling_holds_its_set_point_on_the_design_day():
    made, cooling_c, _ = houses(HEAT_PUMPS)
    made.is_heating = np.zeros(COUNT, dtype=np.bool_)
    made.step(FOR_EVER_S, 36.0, 0.8, np.full(COUNT, np.inf))

    assert (made.air_temperature_c < np.minimum(cooling_c, 23.9)).all()


@pytest.mark.parametrize("shares", [HEAT_PUMPS, RESISTANCES], ids=["heat pump", "resistance"])
def test_electric_heating_holds_its_set_point_in_the_design_night(shares):
    made, _, heating_c = houses(shares)
    made.is_heating = np.ones(COUNT, dtype=np.bool_)
    made.step(FOR_EVER_S, -10.0, 0.0, np.full(COUNT, np.inf))

    assert (made.air_temperature_c > np.maximum(heating_c, 21.1)).all()


def test_margins_are_those_of_the_document_and_a_step():
    for customer in customers(COUNT, 3, shares=RESISTANCES):
        indoor_c = max(21.1, customer.thermostat.heating_setpoint_c)
        load_kw = customer.dwelling.ua_kw_per_c * (indoor_c + 10.0)
        assert 1.1 * load_kw - 1e-9 <= customer.air_conditioning.resistance_kw < 1.5 * load_kw + 2.5


@pytest.mark.parametrize("shares", [HEAT_PUMPS, RESISTANCES, FURNACES], ids=["heat pump", "resistance", "gas"])
def test_thermostats_hold_heating_in_the_design_night(shares):
    """A heat pump's back-up comes on a deadband below where heating does. The air falls half a degree in a minute."""
    made, _, heating_c = houses(shares)
    for _ in range(96):
        made.step(900.0, -10.0, 0.0)

    lowest_c = heating_c - (1.5 if shares is HEAT_PUMPS else 0.5) * made.thermostats.deadband_c - 0.5
    assert (made.air_temperature_c > lowest_c).all()


def test_a_home_has_one_kind_of_heating():
    for customer in customers(200, 3, shares=Shares(0.3, 0.3)):
        unit = customer.air_conditioning
        has = (unit.heat_pump_rated_kw > 0.0, unit.resistance_kw > 0.0, unit.furnace_kw > 0.0)
        assert (
            has
            == {
                HeatingKind.HEAT_PUMP: (True, True, False),
                HeatingKind.RESISTANCE: (False, True, False),
                HeatingKind.GAS: (False, False, True),
            }[unit.heating]
        )


def test_cooling_is_sold_in_half_tons():
    for unit in (customer.air_conditioning for customer in POPULATION):
        half_tons = unit.cooling_rated_kw * unit.cooling_cop / 1.7584
        assert half_tons == pytest.approx(round(half_tons))
        assert 2 <= round(half_tons) <= 20
