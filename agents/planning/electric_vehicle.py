"""Day-ahead plans of electric vehicles: charged when energy is cheap, and full enough when they leave.

A trip takes its energy out of the store in the hour of departure, and until the return there is neither charge
nor discharge. How much must be in the store when leaving is a lower bound of the hour before. The slider weighs
money against the value of a full battery. Source: H. M. Reeve et al., PNNL-32170, volume 3, 2022.
"""

from enum import Enum

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import FloatArray, as_array
from .bids import Response
from .devices import EFFICIENCY, NOT_NEGATIVE, POSITIVE, SHARE, Devices, column, flags
from .faults import Fault
from .plans import Plan
from .storage import plan_store, store_range_kw, store_response

THROUGHPUT_COST = 0.0001
"""Of the square of an hour's throughput. [$/kW2]"""
WORTH_PER_KWH = 0.001
"""Of a kWh in the store through an hour at home, for a slider of 0. [$/kWh]"""
SPARE_FRACTION = 0.2
"""What 'just enough' has left after the trip, as a share of it."""
HOURS_PER_DAY = 24.0


class Departure(Enum):
    """How much energy a vehicle wants to leave with."""

    FULL = "full"
    """All that it holds."""
    JUST_ENOUGH = "just enough"
    """The trip's energy and a fifth more."""
    SLIDER_BASED = "slider-based"
    """Between full (slider 0) and just enough (slider 1)."""


@attrs.frozen(eq=False)
class ElectricVehicles(Devices):
    """Electric vehicles and their chargers, power counted at the grid side."""

    capacity_kwh: FloatArray = attrs.field(converter=column, metadata=POSITIVE)
    """Energy stored when full. [kWh]"""
    rated_kw: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE)
    """Highest power of charge, and of discharge where there is any. [kW]"""
    slider: FloatArray = attrs.field(converter=column, metadata=SHARE)
    """0 wants a full battery, 1 the cheapest energy. [-]"""
    bidirectional: NDArray[np.bool_] = attrs.field(default=False, converter=flags)
    """Whether it can discharge into the grid (V2G) or not (V1G)."""
    charge_efficiency: FloatArray = attrs.field(converter=column, metadata=EFFICIENCY, default=0.9)
    """Energy stored per energy taken from the grid. [-]"""
    discharge_efficiency: FloatArray = attrs.field(converter=column, metadata=EFFICIENCY, default=0.9)
    """Energy given to the grid per energy taken from the store. [-]"""
    lowest_share: FloatArray = attrs.field(converter=column, metadata=SHARE, default=0.2)
    """Share of the capacity that stays in the store. [-]"""
    highest_share: FloatArray = attrs.field(converter=column, metadata=SHARE, default=0.99)
    """Share of the capacity up to which it is charged. [-]"""
    wear_per_kwh: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE, default=0.008)
    """Cost of ageing per energy exchanged. [$/kWh]"""
    margin_percent: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE, default=10.0)
    """Profit asked for on top of wear. [%]"""

    @property
    def discharge_kw(self) -> FloatArray:
        """Highest power of discharge. [kW]"""
        return np.where(self.bidirectional, self.rated_kw, 0.0)


def plan(
    vehicles: ElectricVehicles,
    *,
    price_per_kwh: ArrayLike,
    at_home: ArrayLike,
    departs: ArrayLike,
    trip_kwh: ArrayLike,
    departure_kwh: ArrayLike,
    start_kwh: ArrayLike,
    faults: Fault = Fault.NONE,
) -> Plan:
    """Power of each hour, charging positive, and the stored energy at its end.

    Shape (n_devices, n_hours): at_home, whether a vehicle is plugged in the whole hour, and departs, whether it
    leaves in this hour, see commute; price_per_kwh broadcasts to it. Shape (n_devices,): trip_kwh, energy of each
    trip; departure_kwh, see departure_kwh; start_kwh, the energy now. [kWh]
    """
    home, leaves = np.asarray(at_home, dtype=np.bool_), np.asarray(departs, dtype=np.bool_)
    lowest = np.where(_hour_before(leaves), column(departure_kwh), vehicles.lowest_share * vehicles.capacity_kwh)
    return plan_store(
        start_kwh=start_kwh,
        price_per_kwh=vehicles.slider * as_array(price_per_kwh),
        wear_per_kwh=vehicles.slider * asked_wear_per_kwh(vehicles),
        throughput_cost=THROUGHPUT_COST,
        charge_kw=np.where(home, vehicles.rated_kw, 0.0),
        discharge_kw=np.where(home, vehicles.discharge_kw, 0.0),
        charge_efficiency=vehicles.charge_efficiency,
        discharge_efficiency=vehicles.discharge_efficiency,
        lowest_kwh=lowest,
        highest_kwh=vehicles.highest_share * vehicles.capacity_kwh,
        used_kwh=np.where(leaves, column(trip_kwh), 0.0),
        worth_per_kwh=np.where(home, WORTH_PER_KWH * (1.0 - vehicles.slider), 0.0),
        faults=faults,
    )


def response(
    vehicles: ElectricVehicles,
    price_per_kwh: ArrayLike,
    at_home: ArrayLike,
    *,
    real_time: bool = False,
    faults: Fault = Fault.NONE,
) -> Response:
    """How bids depart from the plan: outside a band of the wear, within the ratings while at home."""
    home = np.asarray(at_home, dtype=np.bool_)
    if real_time and Fault.INELASTIC_IF_UNIDIRECTIONAL in faults:
        home = home & vehicles.bidirectional
    free = store_response(
        price_per_kwh,
        charge_kw=vehicles.rated_kw,
        discharge_kw=vehicles.discharge_kw,
        slider=vehicles.slider,
        band_per_kwh=asked_wear_per_kwh(vehicles),
        faults=faults,
    )
    return attrs.evolve(free, slope_per_kwh_kw=np.where(home, free.slope_per_kwh_kw, 0.0))


def range_kw(vehicles: ElectricVehicles, *, energy_kwh: ArrayLike, hours: float) -> tuple[FloatArray, FloatArray]:
    """Strongest discharge (at most 0) and charge that the store can hold over a period, ratings apart. [kW]

    energy_kwh has shape (n_devices,), the results (n_devices, 1).
    """
    return store_range_kw(
        energy_kwh=energy_kwh,
        hours=hours,
        lowest_kwh=vehicles.lowest_share * vehicles.capacity_kwh,
        highest_kwh=vehicles.highest_share * vehicles.capacity_kwh,
        charge_efficiency=vehicles.charge_efficiency,
        discharge_efficiency=vehicles.discharge_efficiency,
    )


def asked_wear_per_kwh(vehicles: ElectricVehicles) -> FloatArray:
    """Wear with the margin, shape (n_devices or 1, 1). [$/kWh]"""
    return vehicles.wear_per_kwh * (1.0 + vehicles.margin_percent / 100.0)


def departure_kwh(vehicles: ElectricVehicles, trip_kwh: ArrayLike, rule: Departure) -> FloatArray:
    """Energy to leave with, shape (n_devices,). [kWh]"""
    full = vehicles.highest_share * vehicles.capacity_kwh
    enough = np.minimum((1.0 + SPARE_FRACTION) * column(trip_kwh), full)
    wanted = {
        Departure.FULL: full,
        Departure.JUST_ENOUGH: enough,
        Departure.SLIDER_BASED: full + (enough - full) * vehicles.slider,
    }[rule]
    return np.broadcast_to(wanted, enough.shape)[:, 0]


def commute(
    leaving_h: ArrayLike, arrival_h: ArrayLike, *, first_hour: int, hours: int, faults: Fault = Fault.NONE
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether vehicles with daily trips are at home for the whole of each hour, and whether they leave in it.

    leaving_h and arrival_h are local times of the day [h], shape (n_devices,), equal for one that stays;
    first_hour is the horizon's first hour of the day. Both results have the shape (n_devices, n_hours).
    """
    leaving, arrival = column(leaving_h), column(arrival_h)
    since_leaving = (first_hour - 1.0 + np.arange(hours + 1) - leaving) % HOURS_PER_DAY
    away_h = (arrival - leaving) % HOURS_PER_DAY
    home = (away_h == 0.0) | ((since_leaving >= away_h) & (since_leaving <= HOURS_PER_DAY - 1.0))
    departs = home[:, :-1] & ~home[:, 1:]
    if Fault.TRIP_TAKEN_WHILE_AWAY in faults:
        departs = _first_away_of_each_day(home[:, 1:])
    return home[:, 1:], departs


def _hour_before(leaves: NDArray[np.bool_]) -> NDArray[np.bool_]:
    before = np.zeros_like(leaves)
    before[:, :-1] = leaves[:, 1:]
    return before


def _first_away_of_each_day(home: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first hour away in the horizon, and the same hour of the following days."""
    hour, first = np.arange(home.shape[1]), np.argmin(home, axis=1)[:, np.newaxis]
    departs: NDArray[np.bool_] = ~home & (hour >= first) & ((hour - first) % int(HOURS_PER_DAY) == 0)
    return departs
