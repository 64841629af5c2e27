"""Two-node thermal model of a house with an air conditioner."""

import math
from collections.abc import Sequence
from typing import Self

import attrs
from attrs.validators import ge, gt

SECONDS_PER_HOUR = 3600.0

# Half of the solar and internal gains heats the mass, half the air: GridLAB-D's defaults
# mass_solar_gain_fraction and mass_internal_gain_fraction.
MASS_GAIN_FRACTION = 0.5

# GridLAB-D's default cooling curve: input per unit of heat moved is linear in the outdoor temperature,
# one at 95 degF, and constant below 40 degF. Its coefficients for degF, converted to degC.
INPUT_RATIO_SLOPE_PER_C = 0.01066989 * 1.8
INPUT_RATIO_AT_0_C = 0.01066989 * 32.0 - 0.01363961
COLDEST_RATED_C = (40.0 - 32.0) / 1.8


@attrs.frozen
class HouseParameters:
    """Envelope, gains and air conditioner of one house; the equivalent thermal parameters (ETP).

    Source: R. G. Pratt and Z. T. Taylor, Development and Testing of an Equivalent Thermal Parameter Model
    of Commercial Buildings from Time-Series End-Use Data, PNL, 1994; GridLAB-D's residential house_e.
    """

    ua_kw_per_c: float = attrs.field(validator=gt(0))
    """Conductance from the indoor air to outdoors, air exchange included. [kW/degC]"""
    air_capacity_kwh_per_c: float = attrs.field(validator=gt(0))
    """Heat capacity of the air and what follows it at once. [kWh/degC]"""
    mass_coupling_kw_per_c: float = attrs.field(validator=gt(0))
    """Conductance between the air and the mass. [kW/degC]"""
    mass_capacity_kwh_per_c: float = attrs.field(validator=gt(0))
    """Heat capacity of walls, floors and furniture. [kWh/degC]"""
    solar_aperture_m2: float = attrs.field(validator=ge(0))
    """Heat gain by unit of global horizontal irradiance. [m2]"""
    rated_kw: float = attrs.field(validator=gt(0))
    """Electric power of the air conditioner when it runs. [kW]"""
    cop: float = attrs.field(validator=gt(0))
    """Total (sensible and latent) heat removed per electric energy at 35 degC outdoors. [-]"""
    internal_gain_kw: float = attrs.field(validator=ge(0))
    """Heat of people and appliances. [kW]"""
    latent_fraction: float = attrs.field(default=0.3, validator=ge(0))
    """Latent heat removed per sensible heat; GridLAB-D's latent_load_fraction. [-]"""

    def sensible_cop(self, outdoor_c: float) -> float:
        """Sensible heat removed from the air per electric energy. [-]"""
        input_ratio = INPUT_RATIO_AT_0_C + INPUT_RATIO_SLOPE_PER_C * max(outdoor_c, COLDEST_RATED_C)
        return self.cop / (input_ratio * (1.0 + self.latent_fraction))


@attrs.define
class House:
    """A house whose air conditioner runs at an average duty through each step; cooling only, no heating.

    Inputs are constant within a step, for which the solution is exact, whatever the step's length.
    """

    parameters: HouseParameters
    air_temperature_c: float
    """Indoor air. [degC]"""
    mass_temperature_c: float = attrs.field()
    """Walls, floors and furniture; starts at the air's temperature unless told. [degC]"""
    _propagators: dict[float, tuple[float, float, float, float]] = attrs.field(
        factory=dict, init=False, repr=False, eq=False
    )

    @mass_temperature_c.default
    def _start_at_air_temperature(self) -> float:
        return self.air_temperature_c

    def step(self, duration_s: float, outdoor_c: float, solar_kw_per_m2: float, cooling_kw: float) -> float:
        """Advance both temperatures and return the electric power drawn: cooling_kw within 0..rated. [kW]"""
        power_kw = min(max(cooling_kw, 0.0), self.parameters.rated_kw)
        air_air, air_mass, mass_air, mass_mass = self._propagator(duration_s)
        removed_kw = self.parameters.sensible_cop(outdoor_c) * power_kw
        air_rest_c, mass_rest_c = self._equilibrium(outdoor_c, solar_kw_per_m2, removed_kw)
        air_c = self.air_temperature_c - air_rest_c
        mass_c = self.mass_temperature_c - mass_rest_c
        self.air_temperature_c = air_rest_c + air_air * air_c + air_mass * mass_c
        self.mass_temperature_c = mass_rest_c + mass_air * air_c + mass_mass * mass_c
        return power_kw

    def copy(self) -> Self:
        """Another house in the same state, to look ahead with."""
        other = type(self)(self.parameters, self.air_temperature_c, self.mass_temperature_c)
        other._propagators = self._propagators
        return other

    def cooling_for(self, target_c: float, duration_s: float, outdoor_c: float, solar_kw_per_m2: float) -> float:
        """Electric power, within 0..rated, that brings the air to the target at the step's end. [kW]"""
        return self.cooling_for_each((target_c,), duration_s, outdoor_c, solar_kw_per_m2)[0]

    def cooling_for_each(
        self, targets_c: Sequence[float], duration_s: float, outdoor_c: float, solar_kw_per_m2: float
    ) -> list[float]:
        """Electric power, within 0..rated, for each of several targets of the air at the step's end. [kW]"""
        parameters = self.parameters
        air_air, air_mass, _, _ = self._propagator(duration_s)
        air_rest_c, mass_rest_c = self._equilibrium(outdoor_c, solar_kw_per_m2, 0.0)
        uncooled_c = (
            air_rest_c
            + air_air * (self.air_temperature_c - air_rest_c)
            + air_mass * (self.mass_temperature_c - mass_rest_c)
        )
        # Cooling shifts both rest temperatures alike, so the air's end temperature is linear in it.
        fall_c_per_kw = parameters.sensible_cop(outdoor_c) / parameters.ua_kw_per_c * (1.0 - air_air - air_mass)
        rated_kw = parameters.rated_kw
        return [min(max((uncooled_c - target_c) / fall_c_per_kw, 0.0), rated_kw) for target_c in targets_c]

    def _equilibrium(self, outdoor_c: float, solar_kw_per_m2: float, removed_kw: float) -> tuple[float, float]:
        """Air and mass temperature at which the house would come to rest under these inputs. [degC]"""
        parameters = self.parameters
        gain_kw = parameters.internal_gain_kw + parameters.solar_aperture_m2 * solar_kw_per_m2
        air_c = outdoor_c + (gain_kw - removed_kw) / parameters.ua_kw_per_c
        return air_c, air_c + MASS_GAIN_FRACTION * gain_kw / parameters.mass_coupling_kw_per_c

    def _propagator(self, duration_s: float) -> tuple[float, float, float, float]:
        propagator = self._propagators.get(duration_s)
        if propagator is None:
            propagator = self._propagators[duration_s] = _propagator(self.parameters, duration_s)
        return propagator


def _propagator(parameters: HouseParameters, duration_s: float) -> tuple[float, float, float, float]:
    """Matrix exponential of the two-node system over a step: rows air and mass.

    Raises: ValueError for a duration that is not positive.
    """
    if not duration_s > 0:
        raise ValueError(f"a step lasts longer than 0 s, not {duration_s}")
    hours = duration_s / SECONDS_PER_HOUR
    coupling = parameters.mass_coupling_kw_per_c
    air_air = -(parameters.ua_kw_per_c + coupling) / parameters.air_capacity_kwh_per_c
    air_mass = coupling / parameters.air_capacity_kwh_per_c
    mass_air = coupling / parameters.mass_capacity_kwh_per_c
    middle = 0.5 * (air_air - mass_air)
    half_gap = 0.5 * (air_air + mass_air)
    # The eigenvalues middle +- root are real and negative. Two decaying exponentials instead of cosh and
    # sinh, which overflow for long steps.
    root = math.sqrt(half_gap * half_gap + air_mass * mass_air)
    slow, fast = math.exp((middle + root) * hours), math.exp((middle - root) * hours)
    even, odd = 0.5 * (slow + fast), 0.5 * (slow - fast) / root
    return even + odd * half_gap, odd * air_mass, odd * mass_air, even - odd * half_gap
