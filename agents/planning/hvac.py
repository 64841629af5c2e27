"""Day-ahead plans of heating and cooling: one-node houses with comfort against price.

The house is one thermal mass, the air and the mass of the equivalent thermal parameters together, exact for inputs
that are constant over the hour. The objective weighs the price's place between the lowest and the highest of the
forecast, times the slider, against the squared distance to the set-point; bounds are the set-point and the comfort
range, narrowed by the slider. When heating, a heat pump and resistance are two controls, of which the heat pump,
being the cheaper, comes first. Source: H. M. Reeve et al., PNNL-32170, volume 3, 2022.
"""

import attrs
import numpy as np
from numpy.typing import ArrayLike

from ..models.air_conditioning import WARMEST_HEATING_F, AirConditioningParameters, cooling, heating
from ..models.elementwise import BoolArray, FloatArray, exp
from ..models.houses import HouseParameters
from ..models.parameters import Parameters, bounds, each
from .arrays import as_array, columns, over
from .bids import Response, spread_per_kwh
from .faults import Fault
from .plans import Plan, dearness, planned
from .problem import Problem

COMFORT_WEIGHT = 0.1
"""Cost of a temperature one whole comfort range off the set-point, where running at the dearest price costs 1."""
SMOOTHING_WEIGHT = 0.001
BAND_FRACTION = 0.1
"""Half-width of the band without response, as a share of the forecast's spread."""
FAN_FRACTION = 0.02
"""Heat of the fan, as a share of the heat moved: GridLAB-D's, as is the latent heat by humidity."""
BYPASS, LATENT_OFFSET, LATENT_STEEPNESS = 0.1, 4.0, 10.0


@attrs.frozen(eq=False)
class HvacPreferences(Parameters):
    """How far households let the price move their temperature."""

    slider: FloatArray = attrs.field(default=0.5, converter=each, metadata=bounds(at_least=0, at_most=1))
    """0 holds the set-point at any price, 1 uses the whole comfort range. [-]"""
    range_low_c: FloatArray = attrs.field(default=3.0 / 1.8, converter=each, metadata=bounds(at_least=0))
    """Comfort range below the set-point. [degC]"""
    range_high_c: FloatArray = attrs.field(default=5.0 / 1.8, converter=each, metadata=bounds(at_least=0))
    """Comfort range above the set-point. [degC]"""


@attrs.frozen(eq=False)
class Running:
    """What a house's equipment takes and does in each hour: the cooling or heat pump first, then resistance.

    Arrays of shape (2, n_devices, n_hours).
    """

    most_kw: FloatArray
    """Electric power when it runs. [kW]"""
    heat_per_power: FloatArray
    """Sensible heat brought indoors per electric energy, negative when cooling. [-]"""


def plan(
    house: HouseParameters,
    equipment: AirConditioningParameters,
    preferences: HvacPreferences,
    *,
    is_cooling: BoolArray,
    price_per_kwh: ArrayLike,
    outdoor_c: ArrayLike,
    humidity: ArrayLike,
    gain_kw: ArrayLike,
    setpoint_c: ArrayLike,
    start_c: FloatArray,
    faults: Fault = Fault.NONE,
) -> Plan:
    """Power of each hour, and the temperature at its end.

    is_cooling says whether a house is cooled, not heated, through the horizon; start_c is the temperature now
    [degC]; both of shape (n_devices,). Forecasts broadcast to (n_devices, n_hours): price [$/kWh], outdoor
    temperature [degC], relative humidity [0..1], solar and internal gains [kW], set-point [degC].
    """
    running = running_at(equipment, is_cooling, outdoor_c, humidity, faults)
    ua, capacity = columns(house.ua_kw_per_c, house.air_capacity_kwh_per_c + house.mass_capacity_kwh_per_c)
    slider, low, high = columns(preferences.slider, preferences.range_low_c, preferences.range_high_c)
    rated = rated_kw(equipment, is_cooling)[:, np.newaxis]
    keep, dear, setpoint = exp(-ua / capacity), dearness(price_per_kwh), as_array(setpoint_c)
    curvature = over(2.0 * COMFORT_WEIGHT, (low + high) ** 2)
    smoothing = over(2.0 * SMOOTHING_WEIGHT * slider, rated**2)
    return planned(
        Problem(
            start=start_c,
            hours=dear.shape[-1],
            controls=2,
            keep=keep,
            gain=(1.0 - keep) / ua * running.heat_per_power,
            drift=(1.0 - keep) * (as_array(outdoor_c) + as_array(gain_kw) / ua),
            control_lowest=0.0,
            control_highest=running.most_kw,
            control_price=over(slider * dear, rated),
            control_curvature=smoothing,
            cross_curvature=smoothing,
            state_lowest=setpoint - slider * low,
            state_highest=setpoint + slider * high,
            state_price=-curvature * setpoint,
            state_curvature=curvature,
        ),
        sign=(1.0, 1.0),
    )


def response(
    equipment: AirConditioningParameters,
    price_per_kwh: ArrayLike,
    *,
    is_cooling: BoolArray,
    most_kw: ArrayLike | None = None,
    real_time: bool = False,
    faults: Fault = Fault.NONE,
) -> Response:
    """How bids depart from the plan: by the forecast's whole spread between none and the rated power.

    most_kw, which broadcasts to (n_devices, n_hours), replaces the rated power as the highest quantity: Running's
    by the weather.
    """
    rated, spread = rated_kw(equipment, is_cooling)[:, np.newaxis], spread_per_kwh(price_per_kwh, faults)
    most = rated if most_kw is None else as_array(most_kw)
    if real_time and Fault.NINE_TENTHS_OF_RATING in faults:
        most = 0.9 * most
    if Fault.RESISTANCE_HEATING_UNSEEN in faults:
        seen = is_cooling | (equipment.heat_pump_rated_kw > 0.0)
        most = np.where(seen[:, np.newaxis], most, 0.0)
    return Response.of(0.0, most, over(-spread, rated), BAND_FRACTION * spread)


def rated_kw(equipment: AirConditioningParameters, is_cooling: BoolArray) -> FloatArray:
    """Electric power that quantities are measured by, shape (n_devices,). [kW]"""
    heating_kw = equipment.heat_pump_rated_kw + equipment.resistance_kw
    return np.where(is_cooling, equipment.cooling_rated_kw, heating_kw)


def running_at(
    equipment: AirConditioningParameters,
    is_cooling: BoolArray,
    outdoor_c: ArrayLike,
    humidity: ArrayLike,
    faults: Fault = Fault.NONE,
) -> Running:
    """What the equipment takes and does under forecasts that broadcast to (n_devices, n_hours)."""
    cools, hours_first = is_cooling[:, np.newaxis], np.atleast_2d(as_array(outdoor_c)).T
    latent = _latent_factor(equipment, np.atleast_2d(as_array(humidity)))
    cooled, heated = cooling(equipment, hours_first), heating(equipment, hours_first)
    total_cop = cooled.cop.T * (1.0 + equipment.latent_fraction[:, np.newaxis])
    pumped = heated.cop.T
    if Fault.HEATING_COP_OF_WARM_WEATHER in faults:
        pumped = heating(equipment, (WARMEST_HEATING_F - 32.0) / 1.8).cop[:, np.newaxis]
    if Fault.LATENT_HEAT_IN_HEATING in faults:
        pumped = pumped / latent
    first_kw = np.where(cools, cooled.most_kw.T, heated.heat_pump_kw.T)
    if Fault.RATING_IN_ANY_WEATHER in faults:
        first_kw = np.where(cools, *columns(equipment.cooling_rated_kw, equipment.heat_pump_rated_kw))
    moved = np.where(cools, -(1.0 - FAN_FRACTION) * total_cop / latent, (1.0 + FAN_FRACTION) * pumped)
    resistance_kw = np.where(cools, 0.0, equipment.resistance_kw[:, np.newaxis])
    return Running(
        np.stack(np.broadcast_arrays(first_kw, resistance_kw, moved)[:2]),
        np.stack(np.broadcast_arrays(moved, 1.0)),
    )


def _latent_factor(equipment: AirConditioningParameters, humidity: FloatArray) -> FloatArray:
    """Total heat removed per sensible heat when cooling, shape (n_devices, n_hours or 1)."""
    fraction = equipment.latent_fraction[:, np.newaxis]
    return 1.0 + BYPASS + fraction / (1.0 + exp(LATENT_OFFSET - LATENT_STEEPNESS * humidity))
