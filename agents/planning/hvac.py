"""Day-ahead plans of heating and cooling: one-node houses with comfort against price.

The house is one thermal mass (the equivalent thermal parameters' air and mass together), exact for inputs that
are constant over the hour. The objective weighs the price's place between the lowest and the highest of the
forecast, times the slider, against the squared distance to the set-point; bounds are the set-point and the
comfort range, narrowed by the slider. Curves of the heat moved per electric energy and the fan's 2 % are
GridLAB-D's (residential/house_e). Source: H. M. Reeve et al., PNNL-32170, volume 3, 2022.
"""

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import FloatArray, as_array, exponential, over
from .bids import Response, spread_per_kwh
from .devices import NOT_NEGATIVE, POSITIVE, SHARE, Devices, column, flags
from .faults import Fault
from .plans import Plan, dearness
from .problem import Problem
from .solver import solve

COMFORT_WEIGHT = 0.1
"""Cost of a temperature one whole comfort range off the set-point, where running at the dearest price costs 1."""
SMOOTHING_WEIGHT = 0.001
BAND_FRACTION = 0.1
"""Half-width of the band without response, as a share of the forecast's spread."""

COOLING_INPUT, COOLING_COLDEST_F = (-0.01363961, 0.01066989), 40.0
HEATING_INPUT, HEATING_WARMEST_F = (2.03914613, -0.03906753, 0.00045617, -0.00000203), 80.0
"""Polynomials of degF for the electric input per heat moved, one at the rating's outdoor temperature."""
COOLING_FAN, HEATING_FAN = 0.98, 1.02
LATENT_FRACTION, LATENT_OFFSET, LATENT_STEEPNESS, BYPASS = 0.3, 4.0, 10.0, 0.1


@attrs.frozen(eq=False)
class Houses(Devices):
    """Houses with electric heating or cooling, each in one of the two for the whole horizon."""

    ua_kw_per_c: FloatArray = attrs.field(converter=column, metadata=POSITIVE)
    """Conductance from indoors to outdoors. [kW/degC]"""
    capacity_kwh_per_c: FloatArray = attrs.field(converter=column, metadata=POSITIVE)
    """Heat capacity of air and mass. [kWh/degC]"""
    rated_kw: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE)
    """Electric power when running. [kW]"""
    cooling_cop: FloatArray = attrs.field(converter=column, metadata=POSITIVE)
    """Heat moved per electric energy, cooling at 35 degC outdoors. [-]"""
    heating_cop: FloatArray = attrs.field(converter=column, metadata=POSITIVE)
    """Heat moved per electric energy, a heat pump's at 8 degC outdoors; without meaning for resistance heating. [-]"""
    slider: FloatArray = attrs.field(converter=column, metadata=SHARE)
    """0 holds the set-point at any price, 1 uses the whole comfort range. [-]"""
    cooling: NDArray[np.bool_] = attrs.field(default=True, converter=flags)
    """Whether the house is cooled, not heated."""
    heat_pump: NDArray[np.bool_] = attrs.field(default=True, converter=flags)
    """Whether heat is pumped; if not, it is made by resistance."""
    range_low_c: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE, default=3.0 / 1.8)
    """Comfort range below the set-point. [degC]"""
    range_high_c: FloatArray = attrs.field(converter=column, metadata=NOT_NEGATIVE, default=5.0 / 1.8)
    """Comfort range above the set-point. [degC]"""


def plan(
    houses: Houses,
    *,
    price_per_kwh: ArrayLike,
    outdoor_c: ArrayLike,
    humidity: ArrayLike,
    gain_kw: ArrayLike,
    setpoint_c: ArrayLike,
    start_c: ArrayLike,
    faults: Fault = Fault.NONE,
) -> Plan:
    """Power of each hour, and the temperature at its end.

    Forecasts broadcast to (n_devices, n_hours): price [$/kWh], outdoor temperature [degC], relative humidity
    [0..1], solar and internal gains [kW], set-point [degC]. start_c is the present temperature, shape
    (n_devices,) [degC].
    """
    start = np.atleast_1d(as_array(start_c))
    setpoint = as_array(setpoint_c)
    keep = exponential(-houses.ua_kw_per_c / houses.capacity_kwh_per_c)
    lost = (1.0 - keep) / houses.ua_kw_per_c
    curvature = over(2.0 * COMFORT_WEIGHT, (houses.range_low_c + houses.range_high_c) ** 2)
    dear = dearness(price_per_kwh)
    problem = Problem(
        start=start,
        hours=dear.shape[-1],
        controls=1,
        keep=keep,
        gain=lost * heat_per_power(houses, outdoor_c, humidity, faults),
        drift=(1.0 - keep) * as_array(outdoor_c) + lost * as_array(gain_kw),
        control_lowest=0.0,
        control_highest=houses.rated_kw,
        control_price=over(houses.slider * dear, houses.rated_kw),
        control_curvature=over(2.0 * SMOOTHING_WEIGHT * houses.slider, houses.rated_kw**2),
        state_lowest=setpoint - houses.slider * houses.range_low_c,
        state_highest=setpoint + houses.slider * houses.range_high_c,
        state_price=-curvature * setpoint,
        state_curvature=curvature,
    )
    solution = solve(problem)
    return Plan(solution.control[0], solution)


def heat_per_power(houses: Houses, outdoor_c: ArrayLike, humidity: ArrayLike, faults: Fault = Fault.NONE) -> FloatArray:
    """Sensible heat brought indoors per electric energy, negative when cooling; shape (n_devices or 1, n_hours). [-]"""
    outdoor_f = 1.8 * np.atleast_2d(as_array(outdoor_c)) + 32.0
    latent = _latent_factor(np.atleast_2d(as_array(humidity)))
    input_ratio = _polynomial(COOLING_INPUT, np.maximum(outdoor_f, COOLING_COLDEST_F))
    cooled = houses.cooling_cop * COOLING_FAN / (input_ratio * latent)
    rated_f = (np.maximum if Fault.HEATING_COP_REVERSED in faults else np.minimum)(outdoor_f, HEATING_WARMEST_F)
    pumped = houses.heating_cop * HEATING_FAN / _polynomial(HEATING_INPUT, rated_f)
    if Fault.LATENT_HEAT_IN_HEATING in faults:
        pumped = pumped / latent
    return np.where(houses.cooling, -cooled, np.where(houses.heat_pump, pumped, 1.0))


def response(
    houses: Houses, price_per_kwh: ArrayLike, *, real_time: bool = False, faults: Fault = Fault.NONE
) -> Response:
    """How bids depart from the plan: by the forecast's whole spread between none and the rated power."""
    spread = spread_per_kwh(price_per_kwh, faults)
    most, slope, band = np.broadcast_arrays(houses.rated_kw, over(-spread, houses.rated_kw), BAND_FRACTION * spread)
    if real_time and Fault.NINE_TENTHS_OF_RATING in faults:
        most = 0.9 * most
    if Fault.RESISTANCE_HEATING_UNSEEN in faults:
        most = np.where(houses.cooling | houses.heat_pump, most, 0.0)
    return Response(np.zeros_like(most), most, slope, band)


def _latent_factor(humidity: FloatArray) -> FloatArray:
    """Total heat removed per sensible heat when cooling."""
    return 1.0 + BYPASS + LATENT_FRACTION / (1.0 + exponential(LATENT_OFFSET - LATENT_STEEPNESS * humidity))


def _polynomial(coefficients: tuple[float, ...], at: FloatArray) -> FloatArray:
    value = np.full_like(at, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * at + coefficient
    return value
