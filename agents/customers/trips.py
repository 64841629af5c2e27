"""Trips of electric vehicles: when they leave home, when they are back, and what that takes."""

from __future__ import annotations

from datetime import date, timedelta

import attrs
import numpy as np

from ...kernel import Calendar, Instant
from .chance import bounded, lognormal, source_of_day
from .customer import Customer
from .days import instant_of, is_weekend
from .vehicle import ElectricVehicle

DRIVEN_ON_WEEKDAYS, DRIVEN_AT_WEEKENDS = 0.85, 0.75
"""Share of days on which a vehicle leaves home at all; plausible."""
DISTANCE_DEVIATION, LEAST_KM, MOST_KM = 0.6, 2.0, 250.0
"""Of a day's distance about the usual one; longer journeys charge on the way, and are left out. [-], [km]"""
KM_PER_H = 60.0
"""Speed of a day that is nothing but driving. [km/h]"""
EARLIEST_H, LATEST_DEPARTURE_H, LATEST_H = 4.5, 18.0, 23.75
"""A vehicle is at home around midnight, and when clocks change. [h]"""
FULL, JUST_ENOUGH, MOST_USED = 0.9, 1.2, 0.75
"""Shares of the capacity that is wanted at most, of a trip's energy that is wanted at least, of the capacity that a
trip takes at most: so a vehicle that is full makes every trip. [-]"""


@attrs.frozen
class Trip:
    """One absence of a vehicle; names of ``TripParameters``."""

    vehicle: int
    """Its number in the fleet that asks."""
    departure: Instant
    """Instant at which it leaves. [ns]"""
    arrival: Instant
    """Instant at which it is back. [ns]"""
    energy_kwh: float
    """Energy that the trip takes from the store. [kWh]"""
    required_kwh: float
    """Energy that is wanted in the store at departure. [kWh]"""


def trips(customer: Customer, first_day: date, days: int, calendar: Calendar, *, vehicle: int = 0) -> tuple[Trip, ...]:
    """The trips of a customer's vehicle on some local days, in their order; at most one a day, the same however asked.

    * Distance: lognormal about the vehicle's usual one, 0.6, within 2..250 km and three quarters of its store. With the
      share of days about 17,500 km (10,900 miles) a year: between the 10,200 miles of a household's vehicle and the
      12,000 of one up to five years old (National Household Travel Survey 2017).
    * Commuters on weekdays: departure and arrival normal about the people's, 0.25 and 0.5 h; plausible.
    * Else departure: normal about the usual one, 1.5 h; absence: lognormal, median 3 h, 0.6; plausible.
    * Wanted at departure: between a full store (slider 0) and just enough (1), as in the DSO+T study.
    """
    if customer.electric_vehicle is None:
        return ()
    asked = (first_day + timedelta(days=ahead) for ahead in range(days))
    found = (_trip(customer, customer.electric_vehicle, day, calendar, vehicle) for day in asked)
    return tuple(trip for trip in found if trip is not None)


def _trip(customer: Customer, car: ElectricVehicle, day: date, calendar: Calendar, number: int) -> Trip | None:
    rng = source_of_day(car.trip_seed, day)
    weekend = is_weekend(day)
    if rng.random() >= (DRIVEN_AT_WEEKENDS if weekend else DRIVEN_ON_WEEKDAYS):
        return None
    most_km = min(MOST_KM, MOST_USED * car.capacity_kwh / car.kwh_per_km)
    distance_km = bounded(lognormal(rng, car.usual_km, DISTANCE_DEVIATION), LEAST_KM, most_km)
    leave_h, return_h = _hours(customer, car, rng, weekend=weekend)
    departure_h = bounded(leave_h, EARLIEST_H, LATEST_DEPARTURE_H)
    arrival_h = bounded(return_h, departure_h + distance_km / KM_PER_H, LATEST_H)
    energy_kwh = distance_km * car.kwh_per_km
    return Trip(
        vehicle=number,
        departure=instant_of(calendar, day, departure_h),
        arrival=instant_of(calendar, day, arrival_h),
        energy_kwh=energy_kwh,
        required_kwh=_required_kwh(car, energy_kwh, customer.device_slider),
    )


def _hours(customer: Customer, car: ElectricVehicle, rng: np.random.Generator, *, weekend: bool) -> tuple[float, float]:
    """Local hours of leaving and of coming home. [h]"""
    if car.commutes and not weekend:
        routine = customer.occupancy.weekday
        return rng.normal(routine.leave_h, 0.25), rng.normal(routine.return_h, 0.5)
    leave_h = rng.normal(car.usual_departure_h, 1.5)
    return leave_h, leave_h + lognormal(rng, 3.0, 0.6)


def _required_kwh(car: ElectricVehicle, energy_kwh: float, slider: float) -> float:
    full_kwh = FULL * car.capacity_kwh
    return full_kwh + (min(JUST_ENOUGH * energy_kwh, full_kwh) - full_kwh) * slider
