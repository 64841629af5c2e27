"""Electric vehicles that charge at home, and how they are driven."""

from __future__ import annotations

import attrs
import numpy as np

from .chance import bounded, lognormal, new_seed, pick
from .habits import Occupancy

CAPACITIES_KWH = ((40.0, 0.15), (60.0, 0.30), (75.0, 0.40), (100.0, 0.15))
"""Capacity and share: cars on sale in the US; shares plausible. [kWh]"""
CHARGERS_KW = ((1.44, 0.32), (7.2, 0.36), (9.6, 0.20), (11.5, 0.12))
"""Charger and share: 12 A at 120 V (level 1), and 30, 40 and 48 A at 240 V (level 2). [kW]

The half that usually drives far has level 2 at least, so 84 % of all do: J.D. Power, US Electric Vehicle Experience
Home Charging Study, 2024. Its sizes are plausible.
"""
LEAST_FAR_KW, FAR_KM = 7.2, 45.0
"""Least charger of those who usually drive farther than this, which a night of level 1 gives. [kW], [km]"""
TWO_WAY_CHARGERS_KW = ((7.2, 0.5), (9.6, 0.5))
"""Charger that also discharges (V2G), and share: plausible. [kW]"""
SMALL_SERVICE_KW, SMALL_CHARGER_KW = 24.0, 7.2
"""What a 100 A service carries, and the largest charger behind one. [kW]"""
TIMER_SHARE = 0.3
"""Share of chargers that wait for the night; plausible."""
V2G_RESERVE = 0.3
"""Share of the capacity below which a vehicle does not discharge. [-]"""


@attrs.frozen
class ElectricVehicle:
    """A vehicle and its charger, with names of ``ElectricVehicleParameters``, and its use."""

    capacity_kwh: float
    """Energy stored when full. [kWh]"""
    charge_rated_kw: float
    """Highest power of charge. [kW]"""
    discharge_rated_kw: float
    """Highest power of discharge, 0 without V2G. [kW]"""
    charge_efficiency: float
    """Energy stored per energy taken from the grid. [-]"""
    discharge_efficiency: float
    """Energy given to the grid per energy taken from the store. [-]"""
    reserve_kwh: float
    """Stored energy below which it does not discharge. [kWh]"""
    timer_start_h: float
    """Local hour from which on the charger charges without an award. [h]"""
    timer_stop_h: float
    """Local hour at which it stops. [h]"""
    kwh_per_km: float
    """What driving takes from the store. [kWh/km]"""
    usual_km: float
    """Median distance of the days on which it is driven. [km]"""
    usual_departure_h: float
    """Median of the local hour at which it leaves on days without a fixed hour. [h]"""
    commutes: bool
    """Whether it leaves and comes home with the people on weekdays."""
    trip_seed: int
    """Source of the trips. [-]"""


def random_vehicle(
    rng: np.random.Generator, occupancy: Occupancy, connection_kw: float, *, is_two_way: bool
) -> ElectricVehicle:
    """A vehicle behind a connection [kW], and its charger: one- or two-way.

    * Capacity and charger: `CAPACITIES_KWH`, `CHARGERS_KW`, `TWO_WAY_CHARGERS_KW`.
    * Efficiency: uniform, 0.88..0.93 each way; usual for on-board chargers.
    * Consumption: uniform, 0.16..0.21 kWh/km; EPA's ratings, 26..34 kWh per 100 miles.
    * Usual distance: lognormal, median 45 km, 0.5, within 8..120; see `trips`.
    * Usual departure: normal, 10.5 h, 1.5, within 7..14; plausible.
    * Start of a timer: uniform, 21..24 h; plausible.
    """
    capacity_kwh, one_way_kw, two_way_kw = (
        pick(rng, CAPACITIES_KWH),
        pick(rng, CHARGERS_KW),
        pick(rng, TWO_WAY_CHARGERS_KW),
    )
    efficiency, kwh_per_km = rng.uniform(0.88, 0.93), rng.uniform(0.16, 0.21)
    usual_km = bounded(lognormal(rng, FAR_KM, 0.5), 8.0, 120.0)
    has_timer, timer_start_h = rng.random() < TIMER_SHARE, rng.uniform(21.0, 24.0)
    wanted_kw = two_way_kw if is_two_way else max(one_way_kw, LEAST_FAR_KW if usual_km > FAR_KM else 0.0)
    charge_kw = min(wanted_kw, SMALL_CHARGER_KW) if connection_kw <= SMALL_SERVICE_KW else wanted_kw
    return ElectricVehicle(
        capacity_kwh=capacity_kwh,
        charge_rated_kw=charge_kw,
        discharge_rated_kw=charge_kw if is_two_way else 0.0,
        charge_efficiency=efficiency,
        discharge_efficiency=efficiency,
        reserve_kwh=V2G_RESERVE * capacity_kwh,
        timer_start_h=timer_start_h if has_timer else 0.0,
        timer_stop_h=7.0 if has_timer else 24.0,
        kwh_per_km=kwh_per_km,
        usual_km=usual_km,
        usual_departure_h=bounded(rng.normal(10.5, 1.5), 7.0, 14.0),
        commutes=occupancy.is_empty_on_weekdays,
        trip_seed=new_seed(rng),
    )
