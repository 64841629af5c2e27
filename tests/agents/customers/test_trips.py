"""Trips fit into days, stores and statistics."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.customers import Shares, customers, trips
from gridbus.agents.models.electric_vehicles import ElectricVehicleParameters, ElectricVehicles
from gridbus.agents.models.trips import TripParameters, Trips
from gridbus.kernel import DAY, HOUR, MINUTE, Calendar

ZONE = ZoneInfo("America/New_York")
MONDAY = date(2025, 7, 21)
CALENDAR = Calendar(datetime(2025, 7, 21, tzinfo=ZONE), ZONE)
FLEET = customers(500, 4, shares=Shares(electric_vehicle=1.0, vehicle_to_grid=0.3))
DAYS = 84
JOURNEYS = [trip for number, owner in enumerate(FLEET) for trip in trips(owner, MONDAY, DAYS, CALENDAR, vehicle=number)]


def local_hours(instants: list[int]) -> np.ndarray:
    return np.array([CALENDAR.hour(instant) for instant in instants])


@given(st.integers(0, 499), st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=50)
def test_a_day_is_the_same_whichever_days_are_asked_for(number, first, before, days):
    owner = FLEET[number]
    whole = trips(owner, first - timedelta(days=before), before + days, CALENDAR)
    midnight = CALENDAR.instant(datetime(first.year, first.month, first.day, tzinfo=ZONE))

    assert trips(owner, first, days, CALENDAR) == tuple(trip for trip in whole if trip.departure >= midnight)


def test_the_models_take_them_and_so_none_overlaps():
    """``TripParameters`` refuses a departure before the arrival of the trip before, and an arrival before departure."""
    assert Trips.of(len(FLEET), TripParameters.from_each(JOURNEYS)).first[-1] > 0


@given(st.integers(0, 499), st.dates(date(2000, 1, 1), date(2060, 1, 1)))
@settings(max_examples=50)
def test_vehicles_are_at_home_around_midnight_also_when_clocks_change(number, first):
    found = trips(FLEET[number], first, 400, CALENDAR)
    days = [CALENDAR.local(trip.departure).date() for trip in found]

    assert days == sorted(set(days))
    for trip, day in zip(found, days, strict=True):
        assert CALENDAR.local(trip.arrival).date() == day
        assert 4.5 <= CALENDAR.hour(trip.departure) <= 18.0
        assert CALENDAR.hour(trip.arrival) <= 23.75


def test_their_energy_fits_the_store():
    for trip in JOURNEYS:
        capacity_kwh = FLEET[trip.vehicle].electric_vehicle.capacity_kwh
        assert 0.0 < trip.energy_kwh <= 0.75 * capacity_kwh + 1e-9
        assert 1.2 * trip.energy_kwh <= trip.required_kwh + 1e-9
        assert trip.required_kwh <= 0.9 * capacity_kwh + 1e-9


def test_who_is_less_flexible_wants_more_at_departure():
    fullness = np.array([trip.required_kwh / FLEET[trip.vehicle].electric_vehicle.capacity_kwh for trip in JOURNEYS])
    sliders = np.array([FLEET[trip.vehicle].slider for trip in JOURNEYS])

    assert fullness[sliders < 0.1].min() > 0.75
    assert fullness[sliders > 0.9].mean() < 0.35


def test_distances_are_those_of_the_travel_survey():
    km = sum(trip.energy_kwh / FLEET[trip.vehicle].electric_vehicle.kwh_per_km for trip in JOURNEYS)
    miles_a_year = km / 1.609 / len(FLEET) / DAYS * 365.25

    # About 10,900, with the spread of the usual distances of 500 vehicles.
    assert miles_a_year == pytest.approx(10_900, rel=4 * 0.55 / np.sqrt(500))


def test_distances_are_lognormal_about_the_usual_one():
    far = [(trip, owner) for trip in JOURNEYS if 25.0 < (owner := FLEET[trip.vehicle].electric_vehicle).usual_km < 40.0]
    logarithms = np.log([trip.energy_kwh / owner.kwh_per_km / owner.usual_km for trip, owner in far])

    assert logarithms.mean() == pytest.approx(0.0, abs=4 * 0.6 / np.sqrt(len(far)))
    assert logarithms.std() == pytest.approx(0.6, rel=4 / np.sqrt(2 * len(far)))


def test_vehicles_are_driven_on_their_share_of_days():
    weekends = sum(CALENDAR.local(trip.departure).weekday() >= 5 for trip in JOURNEYS)
    count = len(FLEET) * DAYS // 7

    assert (len(JOURNEYS) - weekends) / (5 * count) == pytest.approx(0.85, abs=4 * 0.36 / np.sqrt(5 * count))
    assert weekends / (2 * count) == pytest.approx(0.75, abs=4 * 0.44 / np.sqrt(2 * count))


def test_commuters_leave_and_come_home_with_the_people():
    for trip in JOURNEYS[::7]:
        owner = FLEET[trip.vehicle]
        if owner.electric_vehicle.commutes and CALENDAR.local(trip.departure).weekday() < 5:
            day = owner.occupancy.weekday
            assert CALENDAR.hour(trip.departure) == pytest.approx(day.leave_h, abs=6 * 0.25)
            assert CALENDAR.hour(trip.arrival) == pytest.approx(day.return_h, abs=6 * 0.5)
    assert 0.3 < np.mean([owner.electric_vehicle.commutes for owner in FLEET]) < 0.5


def test_nobody_drives_faster_than_the_road_allows():
    for trip in JOURNEYS:
        km = trip.energy_kwh / FLEET[trip.vehicle].electric_vehicle.kwh_per_km
        assert km / ((trip.arrival - trip.departure) / HOUR) <= 60.0 + 1e-6


def test_chargers_give_what_trips_take():
    """A month without a market: hardly anybody runs out on the way."""
    parameters = ElectricVehicleParameters.from_each([owner.electric_vehicle for owner in FLEET])
    fleet = ElectricVehicles(
        parameters, Trips.of(len(FLEET), TripParameters.from_each(JOURNEYS)), 0.5 * parameters.capacity_kwh
    )
    for hour in range(30 * 24):
        fleet.step(3600.0, CALENDAR.hour(hour * HOUR))

    driven_kwh = sum(trip.energy_kwh for trip in JOURNEYS if trip.departure < 30 * DAY)
    assert fleet.missing_kwh.sum() < 1e-3 * driven_kwh
    assert np.mean(fleet.missing_kwh > 0.0) < 0.02


def test_another_zone_drives_by_its_own_clock():
    elsewhere = Calendar(datetime(2025, 7, 21, tzinfo=UTC), ZoneInfo("America/Los_Angeles"))
    ours, theirs = trips(FLEET[0], MONDAY, 20, CALENDAR), trips(FLEET[0], MONDAY, 20, elsewhere)

    # Instant 0 is midnight in UTC, four hours before midnight here and seven before that there.
    assert [trip.departure + 7 * HOUR for trip in ours] == [trip.departure for trip in theirs]
    assert [trip.energy_kwh for trip in ours] == [trip.energy_kwh for trip in theirs]


def test_numbers_are_those_of_the_fleet_that_asks():
    assert {trip.vehicle for trip in trips(FLEET[3], MONDAY, 20, CALENDAR, vehicle=8)} == {8}
    assert JOURNEYS[-1].vehicle == 499


def test_without_a_vehicle_there_are_no_trips():
    (pedestrian,) = customers(1, 4, shares=Shares(electric_vehicle=0.0))

    assert trips(pedestrian, MONDAY, 20, CALENDAR) == ()
    assert trips(FLEET[0], MONDAY, 0, CALENDAR) == ()


def test_trips_take_longer_than_minutes():
    assert min(trip.arrival - trip.departure for trip in JOURNEYS) >= 2 * MINUTE
