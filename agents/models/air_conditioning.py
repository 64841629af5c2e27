"""What moves heat in and out of houses: air conditioners, heat pumps, resistance heat and furnaces.

Heat and input against the outdoor temperature are the linear, quadratic and cubic curves that GridLAB-D's house has
by default, stated for degF. Source: DOE-2 Reference Manual, default curves of residential systems; GridLAB-D,
residential/house_e.cpp.
"""

from __future__ import annotations

import attrs

from .elementwise import FloatArray, Values, clip
from .parameters import Parameters, bounds, each

COLDEST_COOLING_F, HOTTEST_COOLING_F = 40.0, 140.0
COLDEST_HEATING_F, WARMEST_HEATING_F = -40.0, 80.0
"""Beyond these outdoor temperatures the curves go on flat."""


@attrs.frozen(eq=False)
class AirConditioningParameters(Parameters):
    """The equipment of houses; a rating of 0 is equipment that a house does not have."""

    cooling_rated_kw: FloatArray = attrs.field(default=0.0, converter=each, metadata=bounds(at_least=0))
    """Electric power of cooling at 35 degC outdoors. [kW]"""
    cooling_cop: FloatArray = attrs.field(default=3.6, converter=each, metadata=bounds(above=0))
    """Total (sensible and latent) heat removed per electric energy at 35 degC outdoors. [-]"""
    latent_fraction: FloatArray = attrs.field(default=0.3, converter=each, metadata=bounds(at_least=0))
    """Latent heat removed per sensible heat. [-]"""
    heat_pump_rated_kw: FloatArray = attrs.field(default=0.0, converter=each, metadata=bounds(at_least=0))
    """Electric power of a heat pump at 8.3 degC outdoors. [kW]"""
    heating_cop: FloatArray = attrs.field(default=3.2, converter=each, metadata=bounds(above=0))
    """Heat given by a heat pump per electric energy at 8.3 degC outdoors. [-]"""
    resistance_kw: FloatArray = attrs.field(default=0.0, converter=each, metadata=bounds(at_least=0))
    """Resistance heat: the heating, or what helps a heat pump that does not suffice. [kW]"""
    furnace_kw: FloatArray = attrs.field(default=0.0, converter=each, metadata=bounds(at_least=0))
    """Heat of a furnace that burns gas; it takes no electricity and answers to its thermostat only. [kW]"""


@attrs.frozen(eq=False)
class Cooling:
    """Cooling at one outdoor temperature."""

    most_kw: FloatArray
    """Electric power when it runs. [kW]"""
    cop: FloatArray
    """Sensible heat removed per electric energy. [-]"""


@attrs.frozen(eq=False)
class Heating:
    """Electric heating at one outdoor temperature: the heat pump first, then resistance."""

    heat_pump_kw: FloatArray
    """Electric power of the heat pump when it runs. [kW]"""
    resistance_kw: FloatArray
    """Power of the resistance when it runs. [kW]"""
    cop: FloatArray
    """Heat given by the heat pump per electric energy. [-]"""

    @property
    def most_kw(self) -> FloatArray:
        """Electric power when everything runs. [kW]"""
        return self.heat_pump_kw + self.resistance_kw

    def heat_kw(self, power_kw: Values) -> FloatArray:
        """Heat given for an electric power within 0..most. [kW]"""
        pumped_kw = clip(power_kw, 0.0, self.heat_pump_kw)
        return self.cop * pumped_kw + (power_kw - pumped_kw)

    def power_kw(self, heat_kw: Values) -> FloatArray:
        """Electric power within 0..most for a heat, as far as that goes. [kW]"""
        pumped_kw = clip(heat_kw / self.cop, 0.0, self.heat_pump_kw)
        return pumped_kw + clip(heat_kw - self.cop * pumped_kw, 0.0, self.resistance_kw)


def cooling(parameters: AirConditioningParameters, outdoor_c: Values) -> Cooling:
    """What cooling takes and does at an outdoor temperature [degC]."""
    outdoor_f = clip(32.0 + 1.8 * outdoor_c, COLDEST_COOLING_F, HOTTEST_COOLING_F)
    capacity = 1.48924533 - 0.00514995 * outdoor_f
    input_ratio = -0.01363961 + 0.01066989 * outdoor_f
    return Cooling(
        most_kw=parameters.cooling_rated_kw * (capacity * input_ratio),
        cop=parameters.cooling_cop / (input_ratio * (1.0 + parameters.latent_fraction)),
    )


def heating(parameters: AirConditioningParameters, outdoor_c: Values) -> Heating:
    """What electric heating takes and gives at an outdoor temperature [degC]."""
    outdoor_f = clip(32.0 + 1.8 * outdoor_c, COLDEST_HEATING_F, WARMEST_HEATING_F)
    capacity = 0.34148808 + outdoor_f * (0.00894102 + outdoor_f * 0.00010787)
    input_ratio = 2.03914613 + outdoor_f * (-0.03906753 + outdoor_f * (0.00045617 - outdoor_f * 0.00000203))
    return Heating(
        heat_pump_kw=parameters.heat_pump_rated_kw * (capacity * input_ratio),
        resistance_kw=parameters.resistance_kw,
        cop=parameters.heating_cop / input_ratio,
    )
