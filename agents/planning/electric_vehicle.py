"""Day-ahead plans of electric vehicles: charged when energy is cheap, and full enough when they leave.

A trip takes its energy out of the store in the hour of departure, and until the return there is neither charge nor
discharge. How much must be in the store when leaving is a lower bound of the hour before. The slider weighs money
against the value of a full battery. Source: H. M. Reeve et al., PNNL-32170, volume 3, 2022.
"""

from enum import Enum

import attrs
import numpy as np
from numpy.typing import ArrayLike

from ..models.electric_vehicles import ElectricVehicleParameters
from ..models.elementwise import BoolArray, FloatArray
from ..models.parameters import Parameters, bounds, each
from .arrays import as_array, columns
from .bids import Response
from .faults import Fault
from .plans import Plan
from .storage import Store, plan_store, store_response

THROUGHPUT_COST = 0.0001
"""Of the square of an hour's throughput. [$/kW2]"""
WORTH_PER_KWH = 0.001
"""Of a kWh in the store through an hour at home, for a slider of 0. [$/kWh]"""
SPARE_FRACTION = 0.2
"""What 'just enough' has left after the trip, as a share of it."""
HOURS_PER_DAY = 24


class Departure(Enum):
    """How much energy a vehicle wants to leave with."""

    FULL = "full"
    """All that it holds."""
    JUST_ENOUGH = "just enough"
    """The trip's energy and a fifth more."""
    SLIDER_BASED = "slider-based"
    """Between full (slider 0) and just enough (slider 1)."""


@attrs.frozen(eq=False)
class VehiclePreferences(Parameters):
    """How owners charge their vehicles."""

    slider: FloatArray = attrs.field(default=0.5, converter=each, metadata=bounds(at_least=0, at_most=1))
    """0 wants a full battery, 1 the cheapest energy. [-]"""
    margin_percent: FloatArray = attrs.field(default=10.0, converter=each, metadata=bounds(at_least=0))
    """Profit asked for on top of wear. [%]"""
    wear_per_kwh: FloatArray = attrs.field(default=0.008, converter=each, metadata=bounds(at_least=0))
    """Cost of ageing per energy exchanged. [$/kWh]"""
    full_share: FloatArray = attrs.field(default=0.99, converter=each, metadata=bounds(above=0, at_most=1))
    """Share of the capacity that counts as full. [-]"""


def plan(
    vehicles: ElectricVehicleParameters,
    preferences: VehiclePreferences,
    *,
    price_per_kwh: ArrayLike,
    is_home: BoolArray,
    departs: BoolArray,
    trip_kwh: ArrayLike,
    departure_kwh: ArrayLike,
    start_kwh: FloatArray,
    faults: Fault = Fault.NONE,
) -> Plan:
    """Power of each hour, charging positive, and the stored energy at its end.

    is_home says whether a vehicle is plugged in for the whole of each hour and departs whether it leaves in it, both
    of shape (n_devices, n_hours), see commute. Broadcasting to that: price [$/kWh] and, of the hours in which they
    leave, the energy that the trip takes and what is wanted in the store before [kWh], see wanted_kwh. start_kwh is
    the energy now, shape (n_devices,). [kWh]
    """
    store, (slider,) = _store(vehicles, preferences).with_faults(faults), columns(preferences.slider)
    wanted = np.where(departs, departure_kwh, -np.inf)
    lowest = np.broadcast_to(store.lowest_kwh, departs.shape).copy()
    lowest[:, :-1] = np.maximum(lowest[:, :-1], wanted[:, 1:])
    return plan_store(
        attrs.evolve(
            store,
            charge_kw=np.where(is_home, store.charge_kw, 0.0),
            discharge_kw=np.where(is_home, store.discharge_kw, 0.0),
            lowest_kwh=lowest,
        ),
        start_kwh=start_kwh,
        price_per_kwh=slider * as_array(price_per_kwh),
        wear_per_kwh=slider * asked_wear_per_kwh(preferences),
        throughput_cost=THROUGHPUT_COST,
        used_kwh=np.where(departs, trip_kwh, 0.0),
        worth_per_kwh=np.where(is_home, WORTH_PER_KWH * (1.0 - slider), 0.0),
    )


def response(
    vehicles: ElectricVehicleParameters,
    preferences: VehiclePreferences,
    price_per_kwh: ArrayLike,
    *,
    is_home: BoolArray,
    real_time: bool = False,
    faults: Fault = Fault.NONE,
) -> Response:
    """How bids depart from the plan: outside a band of the wear, within the ratings while at home."""
    (slider,) = columns(preferences.slider)
    free = store_response(
        _store(vehicles, preferences),
        price_per_kwh,
        slider=slider,
        band_per_kwh=asked_wear_per_kwh(preferences),
        faults=faults,
    )
    responds = is_home
    if real_time and Fault.INELASTIC_IF_UNIDIRECTIONAL in faults:
        responds = is_home & (vehicles.discharge_rated_kw > 0.0)[:, np.newaxis]
    return attrs.evolve(free, slope_per_kwh_kw=np.where(responds, free.slope_per_kwh_kw, 0.0))


def range_kw(
    vehicles: ElectricVehicleParameters, preferences: VehiclePreferences, *, energy_kwh: FloatArray, hours: float
) -> tuple[FloatArray, FloatArray]:
    """Strongest discharge (at most 0) and charge of a period at home, shape (n_devices, 1). [kW]

    energy_kwh is the energy now, shape (n_devices,). [kWh]
    """
    return _store(vehicles, preferences).range_kw(energy_kwh, hours)


def asked_wear_per_kwh(preferences: VehiclePreferences) -> FloatArray:
    """Wear with the margin, shape (n_devices, 1). [$/kWh]"""
    wear, margin = columns(preferences.wear_per_kwh, preferences.margin_percent)
    return wear * (1.0 + margin / 100.0)


def wanted_kwh(
    vehicles: ElectricVehicleParameters, preferences: VehiclePreferences, trip_kwh: ArrayLike, rule: Departure
) -> FloatArray:
    """Energy to leave with, for trips that broadcast to (n_devices, n_hours). [kWh]"""
    (slider,), full = columns(preferences.slider), _store(vehicles, preferences).highest_kwh
    enough = np.minimum((1.0 + SPARE_FRACTION) * as_array(trip_kwh), full)
    share = {Departure.FULL: np.zeros(1), Departure.JUST_ENOUGH: np.ones(1), Departure.SLIDER_BASED: slider}[rule]
    return full + (enough - full) * share


def commute(
    leaving_h: FloatArray, arrival_h: FloatArray, *, first_hour: int, hours: int, faults: Fault = Fault.NONE
) -> tuple[BoolArray, BoolArray]:
    """Whether vehicles with daily trips are at home for the whole of each hour, and whether they leave in it.

    leaving_h and arrival_h are local times of the day [h], shape (n_devices,), equal for one that stays; first_hour
    is the horizon's first hour of the day. Both results have the shape (n_devices, n_hours).
    """
    leaving, away_h = columns(leaving_h, (arrival_h - leaving_h) % HOURS_PER_DAY)
    since_leaving = (first_hour - 1.0 + np.arange(hours + 1) - leaving) % HOURS_PER_DAY
    home = (away_h == 0.0) | ((since_leaving >= away_h) & (since_leaving <= HOURS_PER_DAY - 1.0))
    if Fault.TRIP_TAKEN_WHILE_AWAY in faults:
        return home[:, 1:], _first_away_of_each_day(home[:, 1:])
    return home[:, 1:], home[:, :-1] & ~home[:, 1:]


def _first_away_of_each_day(home: BoolArray) -> BoolArray:
    """The first hour away in the horizon, and the same hour of the following days."""
    hour, first = np.arange(home.shape[1]), np.argmin(home, axis=1)[:, np.newaxis]
    departs: BoolArray = ~home & (hour >= first) & ((hour - first) % HOURS_PER_DAY == 0)
    return departs


def _store(vehicles: ElectricVehicleParameters, preferences: VehiclePreferences) -> Store:
    charge, discharge, charged, given, lowest, highest = columns(
        vehicles.charge_rated_kw,
        vehicles.discharge_rated_kw,
        vehicles.charge_efficiency,
        vehicles.discharge_efficiency,
        vehicles.reserve_kwh,
        vehicles.capacity_kwh * preferences.full_share,
    )
    return Store(charge, discharge, charged, given, lowest, highest)
