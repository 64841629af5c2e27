"""What batteries and electric vehicles have in common: a store that is charged and discharged with losses.

Charge and discharge are two controls, counted at the grid side, and what the day earns is what is sold less what is
bought, less wear and a small quadratic cost of throughput that spreads it over equal hours. No constraint says that
only one of the two runs at a time: it follows from the cost as long as doing both loses money. Where prices are so
negative that wasting energy earns more than it wears, discharge is ruled out.
"""

import attrs
import numpy as np
from numpy.typing import ArrayLike

from ..models.elementwise import FloatArray
from .arrays import as_array, over
from .bids import LEAST_SLIDER, Response, spread_per_kwh
from .faults import Fault
from .plans import Plan, planned
from .problem import Problem


@attrs.frozen(eq=False)
class Store:
    """Power, losses and bounds of stores; arrays broadcast to (n_devices, n_hours)."""

    charge_kw: FloatArray
    """Highest power taken from the grid. [kW]"""
    discharge_kw: FloatArray
    """Highest power given to the grid. [kW]"""
    charge_efficiency: FloatArray
    """Energy stored per energy taken from the grid. [-]"""
    discharge_efficiency: FloatArray
    """Energy given to the grid per energy taken from the store. [-]"""
    lowest_kwh: FloatArray
    highest_kwh: FloatArray

    def with_faults(self, faults: Fault) -> "Store":
        """The store as the study's agents see it."""
        store = self
        if Fault.EFFICIENCY_AS_PERCENTAGE in faults:
            charged, given = (1.0 - share / 100.0 for share in (self.charge_efficiency, self.discharge_efficiency))
            store = attrs.evolve(store, charge_efficiency=charged, discharge_efficiency=given)
        if Fault.RATING_AT_THE_STORE in faults:
            charge_kw, discharge_kw = (
                store.charge_kw / store.charge_efficiency,
                store.discharge_kw * store.discharge_efficiency,
            )
            store = attrs.evolve(store, charge_kw=charge_kw, discharge_kw=discharge_kw)
        return store

    def range_kw(self, energy_kwh: FloatArray, hours: float) -> tuple[FloatArray, FloatArray]:
        """Strongest discharge (at most 0) and charge that a period can hold, shape (n_devices, 1). [kW]

        energy_kwh is the energy now, shape (n_devices,). [kWh]
        """
        energy = energy_kwh[:, np.newaxis]
        spare, room = np.minimum(self.lowest_kwh - energy, 0.0), np.maximum(self.highest_kwh - energy, 0.0)
        least = np.maximum(spare * self.discharge_efficiency / hours, -self.discharge_kw)
        return least, np.minimum(room / (self.charge_efficiency * hours), self.charge_kw)


def plan_store(
    store: Store,
    *,
    start_kwh: FloatArray,
    price_per_kwh: FloatArray,
    wear_per_kwh: FloatArray,
    throughput_cost: float,
    used_kwh: ArrayLike = 0.0,
    worth_per_kwh: ArrayLike = 0.0,
) -> Plan:
    """Power of each hour, charging positive, and the energy at its end.

    Arrays broadcast to (n_devices, n_hours), start_kwh has shape (n_devices,). throughput_cost times the square of
    an hour's throughput is paid [$/kW2], worth_per_kwh is earned by each kWh in the store at an hour's end.
    """
    kept, given = store.charge_efficiency, store.discharge_efficiency
    pays_to_waste = price_per_kwh * (1.0 / kept - given) + wear_per_kwh * (1.0 / kept + given) < 0.0
    by_hour = len(start_kwh), price_per_kwh.shape[-1]
    return planned(
        Problem(
            start=start_kwh,
            hours=by_hour[1],
            controls=2,
            gain=_two(kept, -1.0 / given, by_hour),
            drift=-as_array(used_kwh),
            control_lowest=0.0,
            control_highest=_two(store.charge_kw, np.where(pays_to_waste, 0.0, store.discharge_kw), by_hour),
            control_price=_two(price_per_kwh + wear_per_kwh, wear_per_kwh - price_per_kwh, by_hour),
            control_curvature=2.0 * throughput_cost,
            cross_curvature=2.0 * throughput_cost,
            state_lowest=store.lowest_kwh,
            state_highest=store.highest_kwh,
            state_price=-as_array(worth_per_kwh),
        ),
        sign=(1.0, -1.0),
    )


def store_response(
    store: Store, price_per_kwh: ArrayLike, *, slider: FloatArray, band_per_kwh: FloatArray, faults: Fault
) -> Response:
    """How bids depart from the plan: by the forecast's spread over the slider between the two ratings."""
    width_kw = (store.charge_kw + store.discharge_kw) * np.maximum(slider, LEAST_SLIDER)
    slope = over(-spread_per_kwh(price_per_kwh, faults), width_kw)
    return Response.of(-store.discharge_kw, store.charge_kw, slope, band_per_kwh)


def _two(first: FloatArray, second: FloatArray, by_hour: tuple[int, int]) -> FloatArray:
    """One array for charge and discharge, shape (2, n_devices, n_hours)."""
    return np.stack([np.broadcast_to(first, by_hour), np.broadcast_to(second, by_hour)])
