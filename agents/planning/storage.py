"""What batteries and electric vehicles have in common: a store that is charged and discharged with losses.

Charge and discharge are two controls, counted at the grid side, and what the day earns is what is sold less
what is bought, less wear and a small quadratic cost of throughput that spreads it over equal hours. No
constraint says that only one of the two runs at a time: it follows from the cost as long as doing both loses
money. Where prices are so negative that wasting energy earns more than it wears, discharge is ruled out.
"""

import numpy as np
from numpy.typing import ArrayLike

from .arrays import FloatArray, as_array, over
from .bids import LEAST_SLIDER, Response, spread_per_kwh
from .devices import column
from .faults import Fault
from .plans import Plan
from .problem import Problem
from .solver import solve


def efficiency(declared: FloatArray, faults: Fault) -> FloatArray:
    """The efficiency that the plan reckons with. [-]"""
    return 1.0 - declared / 100.0 if Fault.EFFICIENCY_AS_PERCENTAGE in faults else declared


def plan_store(
    *,
    start_kwh: ArrayLike,
    price_per_kwh: ArrayLike,
    wear_per_kwh: FloatArray,
    throughput_cost: float,
    charge_kw: FloatArray,
    discharge_kw: FloatArray,
    charge_efficiency: FloatArray,
    discharge_efficiency: FloatArray,
    lowest_kwh: FloatArray,
    highest_kwh: FloatArray,
    used_kwh: ArrayLike = 0.0,
    worth_per_kwh: ArrayLike = 0.0,
    faults: Fault = Fault.NONE,
) -> Plan:
    """Power of each hour, charging positive, and the energy at its end.

    Arrays broadcast to (n_devices, n_hours), start_kwh has shape (n_devices,). throughput_cost times the square
    of an hour's throughput is paid [$/kW2], worth_per_kwh is earned by each kWh in the store at an hour's end.
    """
    price = np.atleast_2d(as_array(price_per_kwh))
    start = np.atleast_1d(as_array(start_kwh))
    kept, given = efficiency(charge_efficiency, faults), efficiency(discharge_efficiency, faults)
    if Fault.RATING_AT_THE_STORE in faults:
        charge_kw, discharge_kw = charge_kw / kept, discharge_kw * given
    pays_to_waste = price * (1.0 / kept - given) + wear_per_kwh * (1.0 / kept + given) < 0.0
    by_hour = len(start), price.shape[-1]
    problem = Problem(
        start=start,
        hours=by_hour[1],
        controls=2,
        gain=_two(kept, -1.0 / given, by_hour),
        drift=-as_array(used_kwh),
        control_lowest=0.0,
        control_highest=_two(charge_kw, np.where(pays_to_waste, 0.0, discharge_kw), by_hour),
        control_price=_two(price + wear_per_kwh, wear_per_kwh - price, by_hour),
        control_curvature=2.0 * throughput_cost,
        cross_curvature=2.0 * throughput_cost,
        state_lowest=lowest_kwh,
        state_highest=highest_kwh,
        state_price=-as_array(worth_per_kwh),
    )
    solution = solve(problem)
    return Plan(solution.control[0] - solution.control[1], solution)


def store_response(
    price_per_kwh: ArrayLike,
    *,
    charge_kw: FloatArray,
    discharge_kw: FloatArray,
    slider: FloatArray,
    band_per_kwh: FloatArray,
    faults: Fault,
) -> Response:
    """How bids depart from the plan: by the forecast's spread over the slider between the two ratings."""
    spread = spread_per_kwh(price_per_kwh, faults)
    slope = over(-spread, (charge_kw + discharge_kw) * np.maximum(slider, LEAST_SLIDER))
    least, most, slope, band = np.broadcast_arrays(-discharge_kw, charge_kw, slope, band_per_kwh)
    return Response(least, most, slope, band)


def store_range_kw(
    *,
    energy_kwh: ArrayLike,
    hours: float,
    lowest_kwh: FloatArray,
    highest_kwh: FloatArray,
    charge_efficiency: FloatArray,
    discharge_efficiency: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Strongest discharge (at most 0) and charge that a period can hold, ratings apart. [kW]

    energy_kwh has shape (n_devices,), the results (n_devices, 1).
    """
    energy = column(energy_kwh)
    spare, room = np.minimum(lowest_kwh - energy, 0.0), np.maximum(highest_kwh - energy, 0.0)
    return spare * discharge_efficiency / hours, room / (charge_efficiency * hours)


def _two(first: FloatArray, second: FloatArray, by_hour: tuple[int, int]) -> FloatArray:
    """One array for charge and discharge, shape (2, n_devices, n_hours)."""
    return np.stack([np.broadcast_to(first, by_hour), np.broadcast_to(second, by_hour)])
