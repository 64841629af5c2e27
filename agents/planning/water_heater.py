"""Day-ahead plans of electric water heaters: one mixed tank, comfort against price.

The state of heat of the DSO+T study is the tank's mean temperature on a scale from the inlet's (0) to the
desired one (1); here it is the temperature itself, stepped by the implicit midpoint rule as there. A draw
takes the heat of so much water at the desired temperature. Upper and lower element count only by their sum,
which has one rating. Source: H. M. Reeve et al., PNNL-32170, volume 3, 2022.
"""

from collections.abc import Iterator
from math import pi

import attrs
import numpy as np
from numpy.typing import ArrayLike

from .arrays import FloatArray, as_array, over
from .bids import LEAST_SLIDER, Response, spread_per_kwh
from .devices import FINITE, NOT_NEGATIVE, POSITIVE, SHARE, Devices, column
from .faults import Fault
from .plans import Plan, dearness
from .problem import Problem
from .solver import solve

COMFORT_WEIGHT = 0.3
"""Cost of a tank as cold as its inlet, where heating at the dearest price costs 1."""
SMOOTHING_WEIGHT = 0.001
WATER_KWH_PER_L_C = 0.00116
"""Heat capacity of a litre of water. [kWh/(l degC)]"""
LITRES_PER_M3 = 1000.0
M_PER_FT = 0.3048
TANK_DIAMETER_M = 1.5 * M_PER_FT
R_14_M2_C_PER_KW = 2465.6
"""Insulation of 14 h ft2 degF/Btu. [m2 degC/kW]"""


@attrs.frozen(eq=False)
class WaterHeaters(Devices):
    """Electric water heaters; temperatures default to the study's."""

    capacity_kwh_per_c: FloatArray = attrs.field(converter=column, metadata=POSITIVE)
    """Heat capacity of the tank: WATER_KWH_PER_L_C times its litres. [kWh/degC]"""
    loss_kw_per_c: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE)
    """Conductance to the surroundings, see tank_loss_kw_per_c. [kW/degC]"""
    rated_kw: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE)
    """Electric power of the elements that may run together. [kW]"""
    slider: FloatArray = attrs.field(converter=column, metadata=SHARE)
    """0 does not look at the price. [-]"""
    desired_c: FloatArray = attrs.field(converter=column, metadata=FINITE, default=(130.0 - 32.0) / 1.8)
    """Temperature without regard to price. [degC]"""
    lowest_c: FloatArray = attrs.field(converter=column, metadata=FINITE, default=(90.0 - 32.0) / 1.8)
    """Lowest temperature. [degC]"""
    highest_c: FloatArray = attrs.field(converter=column, metadata=FINITE, default=(150.0 - 32.0) / 1.8)
    """Highest temperature. [degC]"""
    inlet_c: FloatArray = attrs.field(converter=column, metadata=FINITE, default=(70.0 - 32.0) / 1.8)
    """Temperature of the water that replaces what is drawn. [degC]"""
    ambient_c: FloatArray = attrs.field(converter=column, metadata=FINITE, default=(50.0 - 32.0) / 1.8)
    """Temperature around the tank. [degC]"""

    def faults(self) -> Iterator[str]:
        """What is wrong with the parameters."""
        yield from super().faults()
        if not (self.desired_c > self.inlet_c).all():
            yield "desired_c is not above inlet_c"


def plan(heaters: WaterHeaters, *, price_per_kwh: ArrayLike, draw_kw: ArrayLike, start_c: ArrayLike) -> Plan:
    """Power of each hour, and the tank's temperature at its end.

    Forecasts broadcast to (n_devices, n_hours): price [$/kWh] and heat drawn [kW], see draw_heat_kw. start_c is
    the present temperature, shape (n_devices,) [degC].
    """
    keep, gain = _step(heaters, 1.0)
    curvature = 2.0 * COMFORT_WEIGHT / (heaters.desired_c - heaters.inlet_c) ** 2
    dear = dearness(price_per_kwh)
    problem = Problem(
        start=np.atleast_1d(as_array(start_c)),
        hours=dear.shape[-1],
        controls=1,
        keep=keep,
        gain=gain,
        drift=gain * (heaters.loss_kw_per_c * heaters.ambient_c - as_array(draw_kw)),
        control_lowest=0.0,
        control_highest=heaters.rated_kw,
        control_price=over(heaters.slider * dear, heaters.rated_kw),
        control_curvature=over(2.0 * SMOOTHING_WEIGHT, heaters.rated_kw**2),
        state_lowest=heaters.lowest_c,
        state_highest=heaters.highest_c,
        state_price=-curvature * heaters.desired_c,
        state_curvature=curvature,
    )
    solution = solve(problem)
    return Plan(solution.control[0], solution)


def response(
    heaters: WaterHeaters, price_per_kwh: ArrayLike, *, real_time: bool = False, faults: Fault = Fault.NONE
) -> Response:
    """How bids depart from the plan: by the forecast's spread over the slider between none and the rated power."""
    slider = np.maximum(heaters.slider, LEAST_SLIDER)
    if real_time and Fault.SLIDER_MISSING_IN_REAL_TIME in faults:
        slider = np.ones_like(slider)
    spread = spread_per_kwh(price_per_kwh, faults)
    most, slope = np.broadcast_arrays(heaters.rated_kw, over(-spread, heaters.rated_kw * slider))
    return Response(np.zeros_like(most), most, slope, np.zeros_like(most))


def range_kw(
    heaters: WaterHeaters, *, temperature_c: ArrayLike, draw_kw: ArrayLike, hours: float
) -> tuple[FloatArray, FloatArray]:
    """Least and most power over a period that ends within the temperature's bounds. [kW]

    temperature_c and draw_kw have the shape (n_devices,), the results (n_devices, 1).
    """
    keep, gain = _step(heaters, hours)
    idle_c = keep * column(temperature_c) + gain * (heaters.loss_kw_per_c * heaters.ambient_c - column(draw_kw))
    least, most = (
        np.clip((limit_c - idle_c) / gain, 0.0, heaters.rated_kw) for limit_c in (heaters.lowest_c, heaters.highest_c)
    )
    return least, most


def draw_heat_kw(litres_per_hour: ArrayLike, *, inlet_c: ArrayLike, desired_c: ArrayLike) -> FloatArray:
    """Heat that leaves with water drawn at the desired temperature. [kW]"""
    warming_c = as_array(desired_c) - as_array(inlet_c)
    return WATER_KWH_PER_L_C * as_array(litres_per_hour) * warming_c


def tank_loss_kw_per_c(
    volume_l: ArrayLike,
    *,
    diameter_m: float = TANK_DIAMETER_M,
    insulation_m2_c_per_kw: float = R_14_M2_C_PER_KW,
    faults: Fault = Fault.NONE,
) -> FloatArray:
    """Conductance through the wall, floor and lid of an upright cylinder. [kW/degC]"""
    volume_m3 = as_array(volume_l) / LITRES_PER_M3
    floor_m2 = 0.25 * pi * diameter_m**2
    height_m = volume_m3 / floor_m2
    if Fault.TANK_HEIGHT_MULTIPLIED in faults:
        height_m = volume_m3 * floor_m2 / M_PER_FT**4
    return (pi * diameter_m * height_m + 2.0 * floor_m2) / insulation_m2_c_per_kw


def _step(heaters: WaterHeaters, hours: float) -> tuple[FloatArray, FloatArray]:
    """What is left of a temperature after so long, and the rise by 1 kW through that time."""
    loss = 0.5 * heaters.loss_kw_per_c * hours
    total = heaters.capacity_kwh_per_c + loss
    return (heaters.capacity_kwh_per_c - loss) / total, hours / total
