"""Cooling and heating of homes, sized for design days."""

from __future__ import annotations

import math
from enum import Enum
from functools import cache

import attrs
import numpy as np

from ..models.air_conditioning import AirConditioningParameters, cooling, heating
from .dwelling import Dwelling
from .habits import Thermostat

DESIGN_SUMMER_C, DESIGN_SOLAR_KW_PER_M2 = 36.0, 0.8
"""A design day in the hot summer of the US South: outdoors [degC], and global horizontal [kW/m2]."""
DESIGN_WINTER_C = -10.0
"""A design night there, a cold one. [degC]"""
INDOOR_SUMMER_C, INDOOR_WINTER_C = 23.9, 21.1
"""Indoors, 75 and 70 degF as in ACCA's Manual J, or what the people want if that is harder. [degC]"""
LATENT_FRACTION = 0.3
"""Latent heat removed per sensible heat; GridLAB-D's latent_load_fraction. [-]"""
HALF_TON_KW, FURNACE_STEP_KW, RESISTANCE_STEP_KW = 1.7584, 5.8614, 2.5
"""Steps in which equipment is sold: 6000 and 20,000 Btu/h, and elements of heat. [kW]"""
LEAST_BACK_UP_KW = 5.0
"""The smallest resistance that is sold with a heat pump. [kW]"""


class HeatingKind(Enum):
    """What heats a home."""

    HEAT_PUMP = "heat pump"
    RESISTANCE = "resistance"
    GAS = "gas"


@attrs.frozen
class AirConditioning:
    """A home's cooling and heating; names of ``AirConditioningParameters``."""

    heating: HeatingKind
    cooling_rated_kw: float
    """Electric power of cooling at 35 degC outdoors. [kW]"""
    cooling_cop: float
    """Total heat removed per electric energy at 35 degC outdoors. [-]"""
    heating_cop: float
    """Heat that a heat pump, if there is one, gives per electric energy at 8.3 degC outdoors. [-]"""
    heat_pump_rated_kw: float = 0.0
    """Electric power of the heat pump at 8.3 degC outdoors, the same machine as the cooling. [kW]"""
    resistance_kw: float = 0.0
    """Resistance heat, also the back-up of a heat pump. [kW]"""
    furnace_kw: float = 0.0
    """Heat of a gas furnace. [kW]"""
    latent_fraction: float = LATENT_FRACTION


def random_air_conditioning(
    rng: np.random.Generator, kind: HeatingKind, dwelling: Dwelling, thermostat: Thermostat
) -> AirConditioning:
    """Equipment that holds the set-points on the design days, with a margin, in the sizes that are sold; all uniform.

    * COP of cooling: 3.2..4.4, from the oldest homes of the DSO+T study (3.3) to what is sold now; of heating: 3..4,
      plausible beside it.
    * Margin of cooling: 0..25 %, of heating: 10..50 %; the study's are normal about 23 %, and ACCA's Manual S allows 15
      and 40 %.
    """
    cop, heating_cop = rng.uniform(3.2, 4.4), rng.uniform(3.0, 4.0)
    cooling_margin, heating_margin = rng.uniform(1.0, 1.25), rng.uniform(1.1, 1.5)
    # The machine's total heat at 35 degC outdoors, and near enough that of a heat pump at 8.3 degC.
    machine_kw = _steps(cooling_margin * _cooling_load_kw(dwelling, thermostat) / _sensible_share(), HALF_TON_KW)
    heating_kw = heating_margin * _heating_load_kw(dwelling, thermostat)
    made = AirConditioning(kind, machine_kw / cop, cop, heating_cop)
    if kind is HeatingKind.RESISTANCE:
        return attrs.evolve(made, resistance_kw=_steps(heating_kw, RESISTANCE_STEP_KW))
    if kind is HeatingKind.GAS:
        return attrs.evolve(made, furnace_kw=_steps(heating_kw, FURNACE_STEP_KW))
    back_up_kw = _steps(heating_kw - machine_kw * _pumped_share(), RESISTANCE_STEP_KW)
    return attrs.evolve(
        made, heat_pump_rated_kw=machine_kw / heating_cop, resistance_kw=max(back_up_kw, LEAST_BACK_UP_KW)
    )


def _cooling_load_kw(dwelling: Dwelling, thermostat: Thermostat) -> float:
    """Sensible heat to remove on the design day."""
    indoor_c = min(INDOOR_SUMMER_C, thermostat.cooling_setpoint_c)
    gain_kw = dwelling.internal_gain_kw + dwelling.solar_aperture_m2 * DESIGN_SOLAR_KW_PER_M2
    return dwelling.ua_kw_per_c * (DESIGN_SUMMER_C - indoor_c) + gain_kw


def _heating_load_kw(dwelling: Dwelling, thermostat: Thermostat) -> float:
    """Heat to give in the design night, without counting on people and appliances."""
    indoor_c = max(INDOOR_WINTER_C, thermostat.heating_setpoint_c)
    return dwelling.ua_kw_per_c * (indoor_c - DESIGN_WINTER_C)


def _steps(power_kw: float, step_kw: float) -> float:
    return math.ceil(power_kw / step_kw) * step_kw


@cache
def _sensible_share() -> float:
    """Sensible heat that is removed on the design day, by unit of a machine's total heat at its rating."""
    unit = AirConditioningParameters(cooling_rated_kw=1.0, cooling_cop=1.0, latent_fraction=LATENT_FRACTION)
    cools = cooling(unit, DESIGN_SUMMER_C)
    return float(cools.most_kw[0] * cools.cop[0])


@cache
def _pumped_share() -> float:
    """Heat that a heat pump gives in the design night, by unit of its heat at its rating."""
    heats = heating(AirConditioningParameters(heat_pump_rated_kw=1.0, heating_cop=1.0), DESIGN_WINTER_C)
    return float(heats.heat_pump_kw[0] * heats.cop[0])
