"""Rooftop photovoltaic systems: isotropic sky, SAPM cell temperature, PVWatts array and inverter, all at once.

Source: A. P. Dobos, PVWatts Version 5 Manual, NREL/TP-6A20-62641, 2014; pvlib's irradiance.isotropic,
temperature.sapm_cell, pvsystem.pvwatts_dc, inverter.pvwatts.
"""

from __future__ import annotations

import attrs
import numpy as np

from .elementwise import FloatArray, Values, clip, cos_deg, exp, sin_deg
from .parameters import Parameters, bounds, each

# pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["close_mount_glass_glass"]: a roof's panels.
SAPM_A, SAPM_B_PER_M_S, SAPM_DELTA_C = -2.98, -0.0471, 1.0
TEMPERATURE_COEFFICIENT_PER_C = -0.0035
STANDARD_IRRADIANCE_W_PER_M2, STANDARD_CELL_C = 1000.0, 25.0
INVERTER_EFFICIENCY, REFERENCE_EFFICIENCY = 0.96, 0.9637


@attrs.frozen(eq=False)
class PhotovoltaicParameters(Parameters):
    """Orientation and ratings of rooftop systems."""

    tilt_deg: FloatArray = attrs.field(converter=each, metadata=bounds(at_least=0, at_most=90))
    """Angle from horizontal. [deg]"""
    azimuth_deg: FloatArray = attrs.field(converter=each, metadata=bounds(at_least=0, at_most=360))
    """Direction that the panels face, clockwise from north. [deg]"""
    dc_rated_kw: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Power of the panels at standard test conditions. [kW]"""
    ac_rated_kw: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Highest output of the inverter. [kW]"""
    albedo: FloatArray = attrs.field(default=0.2, converter=each, metadata=bounds(at_least=0, at_most=1))
    """Share of the light that the ground reflects. [-]"""
    loss_fraction: FloatArray = attrs.field(default=0.14, converter=each, metadata=bounds(at_least=0, at_most=1))
    """Soiling, wiring, mismatch and the like, PVWatts' default. [-]"""


class Photovoltaics:
    """Rooftop systems that turn irradiance into injection; they have no state, and no control but curtailment."""

    def __init__(self, parameters: PhotovoltaicParameters) -> None:
        self.parameters = parameters
        level, self._up = sin_deg(parameters.tilt_deg), cos_deg(parameters.tilt_deg)
        self._north = level * cos_deg(parameters.azimuth_deg)
        self._east = level * sin_deg(parameters.azimuth_deg)
        self._sky_share = 0.5 * (1.0 + self._up)
        self._ground_share = 0.5 * (1.0 - self._up) * parameters.albedo

    def power_kw(
        self,
        solar_zenith_deg: Values,
        solar_azimuth_deg: Values,
        dni_w_per_m2: Values,
        ghi_w_per_m2: Values,
        dhi_w_per_m2: Values,
        outdoor_c: Values,
        wind_m_per_s: Values,
    ) -> FloatArray:
        """Injection, hence at most 0: normal, global and diffuse irradiance turned into power. [kW]

        Weather is one value or of shape (n,). What curtailment leaves lies between this and 0.
        """
        across = sin_deg(solar_zenith_deg)
        facing = (
            self._up * cos_deg(solar_zenith_deg)
            + self._north * (across * cos_deg(solar_azimuth_deg))
            + self._east * (across * sin_deg(solar_azimuth_deg))
        )
        plane_w_per_m2 = (
            dni_w_per_m2 * clip(facing, 0.0, 1.0) + dhi_w_per_m2 * self._sky_share + ghi_w_per_m2 * self._ground_share
        )
        return 0.0 - self._inverter_kw(self._array_kw(plane_w_per_m2, outdoor_c, wind_m_per_s))

    def _array_kw(self, plane_w_per_m2: FloatArray, outdoor_c: Values, wind_m_per_s: Values) -> FloatArray:
        suns = plane_w_per_m2 * (1.0 / STANDARD_IRRADIANCE_W_PER_M2)
        mounting = exp(SAPM_A + SAPM_B_PER_M_S * np.asarray(wind_m_per_s))
        warmth_c = plane_w_per_m2 * mounting + suns * SAPM_DELTA_C + (outdoor_c - STANDARD_CELL_C)
        ideal_kw = self.parameters.dc_rated_kw * suns * (1.0 + TEMPERATURE_COEFFICIENT_PER_C * warmth_c)
        return ideal_kw * (1.0 - self.parameters.loss_fraction)

    def _inverter_kw(self, dc_kw: FloatArray) -> FloatArray:
        """PVWatts' efficiency times the input, a parabola that is below 0 where the inverter does not start."""
        ac_rated_kw = self.parameters.ac_rated_kw
        dc_rated_kw = ac_rated_kw / INVERTER_EFFICIENCY
        loading = dc_kw / dc_rated_kw
        output_kw = dc_rated_kw * ((0.9858 - 0.0162 * loading) * loading - 0.0059)
        return clip(output_kw * (INVERTER_EFFICIENCY / REFERENCE_EFFICIENCY), 0.0, ac_rated_kw)
