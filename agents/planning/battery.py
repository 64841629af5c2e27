"""Day-ahead plans of home batteries: what they earn by trading, less wear.

Source: H. M. Reeve et al., PNNL-32170, volume 3, 2022.
"""

import attrs
import numpy as np
from numpy.typing import ArrayLike

from ..models.batteries import BatteryParameters
from ..models.elementwise import FloatArray
from ..models.parameters import Parameters, bounds, each
from .arrays import as_array, columns
from .bids import Response
from .faults import Fault
from .plans import Plan
from .storage import Store, plan_store, store_response

THROUGHPUT_COST = 0.001
"""Of the square of an hour's throughput. [$/kW2]"""


@attrs.frozen(eq=False)
class BatteryPreferences(Parameters):
    """How owners trade with their batteries."""

    slider: FloatArray = attrs.field(default=0.5, converter=each, metadata=bounds(at_least=0, at_most=1))
    """How readily bids depart from the plan. [-]"""
    margin_percent: FloatArray = attrs.field(default=10.0, converter=each, metadata=bounds(at_least=0))
    """Profit asked for on top of wear. [%]"""
    day_ahead_share: FloatArray = attrs.field(default=0.8, converter=each, metadata=bounds(at_least=0, at_most=1))
    """Share of the rated power that is planned a day ahead. [-]"""


def plan(
    batteries: BatteryParameters,
    preferences: BatteryPreferences,
    *,
    price_per_kwh: ArrayLike,
    start_kwh: FloatArray,
    faults: Fault = Fault.NONE,
) -> Plan:
    """Power of each hour, charging positive, and the stored energy at its end.

    price_per_kwh broadcasts to (n_devices, n_hours); start_kwh is the energy now, shape (n_devices,). [kWh]
    """
    return plan_store(
        _store(batteries, preferences.day_ahead_share).with_faults(faults),
        start_kwh=start_kwh,
        price_per_kwh=np.atleast_2d(as_array(price_per_kwh)),
        wear_per_kwh=asked_wear_per_kwh(batteries, preferences, faults),
        throughput_cost=THROUGHPUT_COST,
    )


def response(
    batteries: BatteryParameters,
    preferences: BatteryPreferences,
    price_per_kwh: ArrayLike,
    *,
    faults: Fault = Fault.NONE,
) -> Response:
    """How bids depart from the plan: outside a band of the wear, from full discharge to full charge."""
    (slider,) = columns(preferences.slider)
    band = asked_wear_per_kwh(batteries, preferences, faults)
    return store_response(_store(batteries), price_per_kwh, slider=slider, band_per_kwh=band, faults=faults)


def range_kw(
    batteries: BatteryParameters, *, energy_kwh: FloatArray, plan_kw: ArrayLike, hours: float
) -> tuple[FloatArray, FloatArray]:
    """Strongest discharge (negative) and charge in real time, shape (n_devices, 1). [kW]

    What the store can hold over the period, at most one rated power around the plan; energy_kwh has shape
    (n_devices,), plan_kw broadcasts to (n_devices, 1).
    """
    least, most = _store(batteries).range_kw(energy_kwh, hours)
    (rated,), planned_kw = columns(batteries.rated_kw), as_array(plan_kw)
    return np.maximum(least, planned_kw - rated), np.minimum(most, planned_kw + rated)


def asked_wear_per_kwh(
    batteries: BatteryParameters, preferences: BatteryPreferences, faults: Fault = Fault.NONE
) -> FloatArray:
    """Wear with the margin, shape (n_devices, 1). [$/kWh]"""
    wear, margin = columns(batteries.wear_per_kwh, preferences.margin_percent)
    asked = wear * (1.0 + (margin if Fault.MARGIN_AS_FACTOR in faults else margin / 100.0))
    return asked * 0.001 if Fault.DEGRADATION_TIMES_THOUSANDTH in faults else asked


def _store(batteries: BatteryParameters, share: FloatArray | float = 1.0) -> Store:
    power, charged, given, lowest, highest = columns(
        batteries.rated_kw * share,
        batteries.charge_efficiency,
        batteries.discharge_efficiency,
        batteries.reserve_kwh,
        batteries.capacity_kwh,
    )
    return Store(power, power, charged, given, lowest, highest)
