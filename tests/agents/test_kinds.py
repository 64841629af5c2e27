"""Kinds of devices, as fleets see them: people's wishes, trips and draws of the day in models and plans."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
import numpy as np
import pytest

from gridbus.agents.customers import Customer, Shares, customers, draws_l_per_min, trips
from gridbus.agents.kinds.electric_vehicles import VehicleKind
from gridbus.agents.kinds.household_loads import HouseholdLoadKind
from gridbus.agents.kinds.houses import DAY_AHEAD_SHARE, HouseKind
from gridbus.agents.kinds.kind import Interval
from gridbus.agents.kinds.photovoltaics import PhotovoltaicKind
from gridbus.agents.kinds.water_heaters import AMBIENT_C, INLET_C, WaterHeaterKind
from gridbus.agents.models.water_heaters import WaterHeaterParameters, WaterHeaters
from gridbus.agents.surroundings import MILD_C, Surroundings
from gridbus.agents.test_bed.days import ClearDay
from gridbus.kernel import DAY, HOUR, MINUTE, Calendar
from gridbus.kernel.testing import CALENDAR
from gridbus.roles.interfaces import WeatherForecast

STEP = 15 * MINUTE
EVERYTHING = Shares(
    heat_pump=0.5, electric_water_heater=1.0, electric_vehicle=1.0, vehicle_to_grid=0.5, photovoltaic=1.0, battery=1.0
)
HOMES = customers(12, 5, shares=EVERYTHING)
SUMMER, WINTER = ClearDay(30.0, 36.0), ClearDay(-6.0, 0.0)


def interval(start: int, weather: ClearDay | None = SUMMER, duration: int = STEP) -> Interval:
    reading = None if weather is None else weather.reading("s", CALENDAR.hour(start), start, duration)
    return Interval(start, duration, reading, CALENDAR)


def around(weather: ClearDay = SUMMER) -> Surroundings:
    made = Surroundings(CALENDAR, DAY)
    outdoor_c, ghi = tuple(map(weather.outdoor_c, range(72))), tuple(map(weather.ghi_w_per_m2, range(72)))
    made.hear(WeatherForecast(site="s", first_hour=0, outdoor_c=outdoor_c, ghi_w_per_m2=ghi))
    return made


# Houses


def _with_slider(homes: Sequence[Customer], slider: float) -> list[Customer]:
    return [attrs.evolve(home, slider=slider) for home in homes]


@pytest.mark.parametrize("slider", [0.0, 0.5, 1.0])
def test_a_slider_narrows_the_range_that_people_put_up_with(slider: float) -> None:
    homes = _with_slider(HOMES, slider)
    for bound, sign, name in ((0, 1.0, "setback_c"), (1, -1.0, "preconditioning_c")):
        kind = HouseKind.build(homes, around())
        for start in range(0, 6 * HOUR, STEP):
            kind.step(interval(start), kind.limits_kw(interval(start))[bound])
        edge_c = [
            home.thermostat.cooling_setpoint_c + sign * home.hvac_slider * getattr(home.thermostat, name)
            for home in homes
        ]
        assert kind.physics.air_temperature_c == pytest.approx(edge_c, abs=1e-6)


@pytest.mark.parametrize("what", ["limits_kw", "default_kw"])
def test_an_empty_house_may_get_warmer(what: str) -> None:
    # A Wednesday; those who move their thermostats and are all out at noon, not at six in the morning.
    kind: Any = HouseKind.build(HOMES, around())
    at_home, away = (interval(hour * HOUR, ClearDay(36.0, 36.0, 0.0)) for hour in (6, 12))
    moves = np.array([home.thermostat.away_c > 0.0 and home.occupancy.is_empty_on_weekdays for home in HOMES])
    assert 0 < moves.sum() < len(HOMES)
    kind.step(attrs.evolve(at_home, duration=HOUR), np.zeros(len(HOMES)))
    asked = getattr(kind, what)
    powers = [asked(each)[0] if what == "limits_kw" else asked(each) for each in (at_home, away)]
    assert (powers[0][moves] > powers[1][moves]).all()
    assert powers[0][~moves] == pytest.approx(powers[1][~moves])


def test_a_plan_uses_half_of_the_range_and_the_set_points_of_its_hours() -> None:
    kind, prices = HouseKind.build(HOMES, around()), np.array([0.1, 0.5] * 12)
    kind.step(interval(0), kind.default_kw(interval(0)))
    plan = kind.plan(0, prices, around())
    kept, warmer_c = plan.outcome == 0, np.zeros(len(HOMES))
    assert kept.sum() >= 8
    for place in np.flatnonzero(kept):
        home = HOMES[place]
        thermostat, routine = home.thermostat, home.occupancy.weekday
        highest_c = thermostat.cooling_setpoint_c + DAY_AHEAD_SHARE * home.hvac_slider * thermostat.setback_c
        for hour in range(24):
            is_away = routine.leave_h <= hour < routine.return_h
            bound_c = highest_c + (thermostat.away_c if is_away else 0.0)
            assert plan.state[place, hour] <= bound_c + 1e-3
            warmer_c[place] = max(warmer_c[place], plan.state[place, hour] - highest_c)
    # Houses that are empty at noon are planned to be warmer then than anybody would have them.
    assert warmer_c.max() > 0.5


def test_in_winter_houses_are_planned_to_be_heated_by_who_heats_with_electricity() -> None:
    kind = HouseKind.build(HOMES, around(WINTER))
    for start in range(0, DAY, STEP):
        kind.step(interval(start, WINTER), np.full(len(HOMES), np.nan))
    assert kind.physics.is_heating.all()
    quantity_kw = kind.plan(0, np.full(24, 0.1), around(WINTER)).quantity_kw
    for home, planned_kw in zip(HOMES, quantity_kw, strict=True):
        air = home.air_conditioning
        is_electric = air.heat_pump_rated_kw + air.resistance_kw > 0.0
        assert (planned_kw.max() > 0.5) == is_electric


# Vehicles


@pytest.mark.parametrize("clock", [0, 12])
def test_vehicles_begin_a_run_at_home_with_what_their_next_trip_wants(clock: int) -> None:
    calendar = Calendar(datetime(2025, 1, 1, clock, tzinfo=UTC))
    kind = VehicleKind.build(HOMES, Surroundings(calendar, DAY))
    assert not kind.physics.whereabouts.is_away.any()
    for place, home in enumerate(HOMES):
        assert home.electric_vehicle is not None
        made = trips(home, calendar.local(0).date(), 4, calendar)
        first = next(trip for trip in made if trip.departure >= 0)
        expected_kwh = max(first.required_kwh, 0.5 * home.electric_vehicle.capacity_kwh)
        assert kind.physics.energy_kwh[place] == min(expected_kwh, home.electric_vehicle.capacity_kwh)
        assert kind.physics.trips.departure[kind.physics.trips.first[place]] == first.departure


@pytest.mark.parametrize("first_hour", [0, 7, 10, 20])
def test_vehicles_are_planned_for_the_trips_that_they_make(first_hour: int) -> None:
    kind, prices = VehicleKind.build(HOMES, around()), np.array([0.1, 0.5] * 12)
    start = first_hour * HOUR
    plan = kind.plan(start, prices, around())
    for place, home in enumerate(HOMES):
        made = trips(home, CALENDAR.local(0).date(), 4, CALENDAR)
        for hour in range(24):
            begin, end = start + hour * HOUR, start + (hour + 1) * HOUR
            is_home = all(trip.arrival <= begin or trip.departure >= end for trip in made)
            assert is_home or plan.quantity_kw[place, hour] == 0.0
            leaving = [trip for trip in made if begin <= trip.departure < end]
            if leaving and hour and plan.outcome[place] == 0:
                assert plan.state[place, hour - 1] >= min(leaving[0].required_kwh, _full_kwh(home)) - 1e-3
                used_kwh = plan.state[place, hour - 1] - plan.state[place, hour]
                assert used_kwh == pytest.approx(leaving[0].energy_kwh, abs=1e-3)
    assert (plan.quantity_kw.max(axis=1) > 0.1).any()


def _full_kwh(home: Customer) -> float:
    assert home.electric_vehicle is not None
    return 0.99 * home.electric_vehicle.capacity_kwh


@pytest.mark.parametrize("first_hour", [0, 10, 20])
def test_vehicles_respond_to_prices_in_hours_in_which_they_are_at_home(first_hour: int) -> None:
    kind, start = VehicleKind.build(HOMES, around()), first_hour * HOUR
    slope = kind.response(start, np.array([0.1, 0.5] * 12), real_time=False).slope_per_kwh_kw
    (now,) = kind.response(start, np.array([0.1, 0.5] * 12), real_time=True).slope_per_kwh_kw.T[:1]
    for place, home in enumerate(HOMES):
        made = trips(home, CALENDAR.local(0).date(), 4, CALENDAR)
        for hour in range(24):
            begin, end = start + hour * HOUR, start + (hour + 1) * HOUR
            assert (slope[place, hour] < 0.0) == all(t.arrival <= begin or t.departure >= end for t in made)
    assert now.tolist() == slope[:, 0].tolist()


# Water heaters


def test_tanks_are_drawn_from_as_their_people_do_on_each_day() -> None:
    kind = WaterHeaterKind.build(HOMES, around())
    tanks = WaterHeaters(WaterHeaterParameters.from_each([home.water_heater for home in HOMES]), 0.0 + _setpoints_c())
    draws = draws_l_per_min(HOMES, 0, STEP, 2 * DAY // STEP, CALENDAR)
    for number in range(2 * DAY // STEP):
        expected_kw = tanks.step(STEP / 1e9, draws[:, number], INLET_C, AMBIENT_C)
        now = interval(number * STEP)
        assert kind.default_kw(now).tolist() == expected_kw.tolist()
        kind.step(now, np.full(len(HOMES), np.nan))
    assert draws.sum(axis=1).min() > 0.0


def _setpoints_c() -> np.ndarray:
    return np.array([home.water_heater.setpoint_c for home in HOMES if home.water_heater is not None])


def test_water_is_planned_to_be_heated_in_cheap_hours() -> None:
    kind, prices = WaterHeaterKind.build(_with_slider(HOMES, 1.0), around()), np.array([0.1, 0.5] * 12)
    quantity_kw = kind.plan(0, prices, around()).quantity_kw
    # Other hours, other draws.
    assert (abs(kind.plan(8 * HOUR, prices, around()).quantity_kw - quantity_kw).max(axis=1) > 0.05).all()
    assert (quantity_kw[:, ::2].sum(axis=1) > 3.0 * quantity_kw[:, 1::2].sum(axis=1)).all()


# All


@pytest.mark.parametrize("kind", [HouseKind, VehicleKind, WaterHeaterKind])
def test_a_copy_lives_on_without_the_original(kind: Any) -> None:
    made = kind.build(HOMES, around())
    before = made.default_kw(interval(0)).tolist()
    copy = made.copy()
    for start in range(0, 8 * HOUR, STEP):
        copy.step(interval(start), copy.limits_kw(interval(start))[0])
    assert made.default_kw(interval(0)).tolist() == before


def test_households_do_not_give_way_and_photovoltaics_from_all_to_nothing() -> None:
    now = interval(12 * HOUR)
    load, sun = HouseholdLoadKind.build(HOMES, around()), PhotovoltaicKind.build(HOMES, around())
    assert [each.tolist() for each in load.limits_kw(now)] == [load.default_kw(now).tolist()] * 2
    assert (load.default_kw(now) > 0.0).all()
    least_kw, most_kw = sun.limits_kw(now)
    assert least_kw.tolist() == sun.default_kw(now).tolist()
    assert (least_kw < -1.0).all()
    assert not most_kw.any()


def test_without_a_weather_station_it_is_mild_and_dark() -> None:
    nowhere = interval(12 * HOUR, None)
    assert (nowhere.outdoor_c, nowhere.solar_kw_per_m2) == (MILD_C, 0.0)
    assert not PhotovoltaicKind.build(HOMES, around()).default_kw(nowhere).any()
