"""Day-ahead plans of home batteries: what they earn by trading, less wear.

Source: H. M. Reeve et al., PNNL-32170, volume 3, 2022.
"""

import attrs
import numpy as np
from numpy.typing import ArrayLike

from .arrays import FloatArray, as_array
from .bids import Response
from .devices import EFFICIENCY, NOT_NEGATIVE, POSITIVE, SHARE, Devices, column
from .faults import Fault
from .plans import Plan
from .storage import plan_store, store_range_kw, store_response

THROUGHPUT_COST = 0.001
"""Of the square of an hour's throughput. [$/kW2]"""


@attrs.frozen(eq=False)
class Batteries(Devices):
    """Batteries behind their inverters, power counted at the grid side."""

    capacity_kwh: FloatArray = attrs.field(converter=column, metadata=POSITIVE)
    """Energy stored when full. [kWh]"""
    rated_kw: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE)
    """Highest power of charge and of discharge. [kW]"""
    slider: FloatArray = attrs.field(converter=column, metadata=SHARE)
    """How readily bids depart from the plan. [-]"""
    charge_efficiency: FloatArray = attrs.field(converter=column, metadata=EFFICIENCY, default=0.95)
    """Energy stored per energy taken from the grid. [-]"""
    discharge_efficiency: FloatArray = attrs.field(converter=column, metadata=EFFICIENCY, default=0.95)
    """Energy given to the grid per energy taken from the store. [-]"""
    reserve_share: FloatArray = attrs.field(converter=column, metadata=SHARE, default=0.2)
    """Share of the capacity that stays in the store. [-]"""
    wear_per_kwh: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE, default=83.0 / 3650.0)
    """Cost of ageing per energy exchanged. [$/kWh]"""
    margin_percent: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE, default=10.0)
    """Profit asked for on top of wear. [%]"""
    day_ahead_share: FloatArray = attrs.field(converter=column, metadata=SHARE, default=0.8)
    """Share of the rated power that is planned a day ahead. [-]"""


def plan(batteries: Batteries, *, price_per_kwh: ArrayLike, start_kwh: ArrayLike, faults: Fault = Fault.NONE) -> Plan:
    """Power of each hour, charging positive, and the stored energy at its end.

    price_per_kwh broadcasts to (n_devices, n_hours); start_kwh is the energy now, shape (n_devices,). [kWh]
    """
    power = batteries.day_ahead_share * batteries.rated_kw
    return plan_store(
        start_kwh=start_kwh,
        price_per_kwh=price_per_kwh,
        wear_per_kwh=asked_wear_per_kwh(batteries, faults),
        throughput_cost=THROUGHPUT_COST,
        charge_kw=power,
        discharge_kw=power,
        charge_efficiency=batteries.charge_efficiency,
        discharge_efficiency=batteries.discharge_efficiency,
        lowest_kwh=batteries.reserve_share * batteries.capacity_kwh,
        highest_kwh=batteries.capacity_kwh,
        faults=faults,
    )


def response(batteries: Batteries, price_per_kwh: ArrayLike, *, faults: Fault = Fault.NONE) -> Response:
    """How bids depart from the plan: outside a band of the wear, from full discharge to full charge."""
    return store_response(
        price_per_kwh,
        charge_kw=batteries.rated_kw,
        discharge_kw=batteries.rated_kw,
        slider=batteries.slider,
        band_per_kwh=asked_wear_per_kwh(batteries, faults),
        faults=faults,
    )


def range_kw(
    batteries: Batteries, *, energy_kwh: ArrayLike, hours: float, plan_kw: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Strongest discharge (negative) and charge in real time. [kW]

    What the store can hold over the period, and one rated power around the plan at most; energy_kwh has shape
    (n_devices,), plan_kw and the results (n_devices, 1).
    """
    least, most = store_range_kw(
        energy_kwh=energy_kwh,
        hours=hours,
        lowest_kwh=batteries.reserve_share * batteries.capacity_kwh,
        highest_kwh=batteries.capacity_kwh,
        charge_efficiency=batteries.charge_efficiency,
        discharge_efficiency=batteries.discharge_efficiency,
    )
    planned = as_array(plan_kw)
    return np.maximum(least, planned - batteries.rated_kw), np.minimum(most, planned + batteries.rated_kw)


def asked_wear_per_kwh(batteries: Batteries, faults: Fault = Fault.NONE) -> FloatArray:
    """Wear with the margin, shape (n_devices or 1, 1). [$/kWh]"""
    margin = batteries.margin_percent if Fault.MARGIN_AS_FACTOR in faults else batteries.margin_percent / 100.0
    wear = batteries.wear_per_kwh * (1.0 + margin)
    return wear * 0.001 if Fault.DEGRADATION_TIMES_THOUSANDTH in faults else wear
