"""Day-ahead plans of electric water heaters: one mixed tank, comfort against price.

The state of heat of the DSO+T study is the tank's mean temperature on a scale from the inlet's (0) to the desired
one (1); here it is the temperature itself, stepped by the implicit midpoint rule as there. A draw takes the heat of
so much water at the desired temperature. Upper and lower element count only by their sum, which has one rating.
Source: H. M. Reeve et al., PNNL-32170, volume 3, 2022.
"""

from math import pi

import attrs
import numpy as np
from numpy.typing import ArrayLike

from ..models.elementwise import FloatArray, clip
from ..models.parameters import Parameters, bounds, each
from ..models.water_heaters import KWH_PER_L_C, MINUTES_PER_HOUR, WaterHeaterParameters
from .arrays import as_array, columns, over
from .bids import LEAST_SLIDER, Response, spread_per_kwh
from .faults import Fault
from .plans import Plan, dearness, planned
from .problem import Problem

COMFORT_WEIGHT = 0.3
"""Cost of a tank as cold as its inlet, where heating at the dearest price costs 1."""
SMOOTHING_WEIGHT = 0.001
LITRES_PER_M3 = 1000.0
M_PER_FT = 0.3048
TANK_DIAMETER_M = 1.5 * M_PER_FT
R_14_M2_C_PER_KW = 2465.6
"""Insulation of 14 h ft2 degF/Btu. [m2 degC/kW]"""


@attrs.frozen(eq=False)
class WaterHeaterPreferences(Parameters):
    """How much households look at the price when they heat water."""

    slider: FloatArray = attrs.field(default=0.5, converter=each, metadata=bounds(at_least=0, at_most=1))
    """0 does not look at the price. [-]"""


def plan(
    tanks: WaterHeaterParameters,
    preferences: WaterHeaterPreferences,
    *,
    price_per_kwh: ArrayLike,
    draw_l_per_min: ArrayLike,
    inlet_c: ArrayLike,
    ambient_c: ArrayLike,
    start_c: FloatArray,
) -> Plan:
    """Power of each hour, and the tank's mean temperature at its end.

    Forecasts broadcast to (n_devices, n_hours): price [$/kWh], water drawn [l/min], temperatures of the water that
    replaces it and of the room [degC]. start_c is the mean temperature now, shape (n_devices,). [degC]
    """
    keep, gain = _step(tanks, 1.0)
    slider, rated, desired = columns(preferences.slider, tanks.rated_kw, tanks.setpoint_c)
    lowest, highest, loss = columns(tanks.lowest_c, tanks.highest_c, tanks.loss_kw_per_c)
    curvature, dear = 2.0 * COMFORT_WEIGHT / (desired - as_array(inlet_c)) ** 2, dearness(price_per_kwh)
    drawn_kw = draw_heat_kw(draw_l_per_min, inlet_c, desired)
    return planned(
        Problem(
            start=start_c,
            hours=dear.shape[-1],
            controls=1,
            keep=keep,
            gain=gain,
            drift=gain * (loss * as_array(ambient_c) - drawn_kw),
            control_lowest=0.0,
            control_highest=rated,
            control_price=slider * dear / rated,
            control_curvature=2.0 * SMOOTHING_WEIGHT / rated**2,
            state_lowest=lowest,
            state_highest=highest,
            state_price=-curvature * desired,
            state_curvature=curvature,
        ),
        sign=(1.0,),
    )


def response(
    tanks: WaterHeaterParameters,
    preferences: WaterHeaterPreferences,
    price_per_kwh: ArrayLike,
    *,
    real_time: bool = False,
    faults: Fault = Fault.NONE,
) -> Response:
    """How bids depart from the plan: by the forecast's spread over the slider between none and the rated power."""
    rated, slider = columns(tanks.rated_kw, np.maximum(preferences.slider, LEAST_SLIDER))
    if real_time and Fault.SLIDER_MISSING_IN_REAL_TIME in faults:
        slider = np.ones_like(slider)
    return Response.of(0.0, rated, over(-spread_per_kwh(price_per_kwh, faults), rated * slider), 0.0)


def range_kw(
    tanks: WaterHeaterParameters,
    *,
    temperature_c: FloatArray,
    draw_l_per_min: ArrayLike,
    inlet_c: ArrayLike,
    ambient_c: ArrayLike,
    hours: float,
) -> tuple[FloatArray, FloatArray]:
    """Least and most power over a period that ends within the temperature's limits, shape (n_devices, 1). [kW]

    temperature_c is the mean temperature now, shape (n_devices,) [degC]; the others broadcast to (n_devices, 1).
    """
    keep, gain = _step(tanks, hours)
    desired, loss, rated, present = columns(tanks.setpoint_c, tanks.loss_kw_per_c, tanks.rated_kw, temperature_c)
    drawn_kw = draw_heat_kw(draw_l_per_min, inlet_c, desired)
    idle_c = keep * present + gain * (loss * as_array(ambient_c) - drawn_kw)
    least, most = (clip((limit - idle_c) / gain, 0.0, rated) for limit in columns(tanks.lowest_c, tanks.highest_c))
    return least, most


def draw_heat_kw(draw_l_per_min: ArrayLike, inlet_c: ArrayLike, desired_c: ArrayLike) -> FloatArray:
    """Heat that leaves with water drawn at the desired temperature. [kW]"""
    kw_per_c: FloatArray = KWH_PER_L_C * MINUTES_PER_HOUR * as_array(draw_l_per_min)
    return kw_per_c * (as_array(desired_c) - as_array(inlet_c))


def tank_loss_kw_per_c(
    volume_l: FloatArray,
    *,
    diameter_m: float = TANK_DIAMETER_M,
    insulation_m2_c_per_kw: float = R_14_M2_C_PER_KW,
    faults: Fault = Fault.NONE,
) -> FloatArray:
    """Conductance through the wall, floor and lid of an upright cylinder. [kW/degC]"""
    volume_m3, floor_m2 = volume_l / LITRES_PER_M3, 0.25 * pi * diameter_m**2
    height_m = volume_m3 / floor_m2
    if Fault.TANK_HEIGHT_MULTIPLIED in faults:
        height_m = volume_m3 * floor_m2 / M_PER_FT**4
    return (pi * diameter_m * height_m + 2.0 * floor_m2) / insulation_m2_c_per_kw


def _step(tanks: WaterHeaterParameters, hours: float) -> tuple[FloatArray, FloatArray]:
    """What is left of a temperature after so long, and the rise by 1 kW through that time, as columns."""
    capacity, half_loss = columns(tanks.volume_l * KWH_PER_L_C, 0.5 * hours * tanks.loss_kw_per_c)
    return (capacity - half_loss) / (capacity + half_loss), hours / (capacity + half_loss)
