"""Rooftop photovoltaic system: pvlib's isotropic sky, SAPM cell temperature, PVWatts array and inverter."""

import math

import attrs
from attrs.validators import and_, ge, gt, le

# pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["close_mount_glass_glass"]: a roof's panels.
SAPM_A, SAPM_B_PER_M_S, SAPM_DELTA_C = -2.98, -0.0471, 1.0
TEMPERATURE_COEFFICIENT_PER_C = -0.0035
STANDARD_IRRADIANCE_W_PER_M2, STANDARD_CELL_C = 1000.0, 25.0
INVERTER_EFFICIENCY, REFERENCE_EFFICIENCY = 0.96, 0.9637


@attrs.frozen
class PhotovoltaicParameters:
    """Orientation and ratings of one rooftop system."""

    tilt_deg: float = attrs.field(validator=and_(ge(0), le(90)))
    """Angle from horizontal. [deg]"""
    azimuth_deg: float = attrs.field(validator=and_(ge(0), le(360)))
    """Direction that the panels face, clockwise from north. [deg]"""
    dc_rated_kw: float = attrs.field(validator=gt(0))
    """Power of the panels at standard test conditions. [kW]"""
    ac_rated_kw: float = attrs.field(validator=gt(0))
    """Highest output of the inverter. [kW]"""
    albedo: float = attrs.field(default=0.2, validator=and_(ge(0), le(1)))
    """Share of the light that the ground reflects. [-]"""
    loss_fraction: float = attrs.field(default=0.14, validator=and_(ge(0), le(1)))
    """Soiling, wiring, mismatch and the like, PVWatts' default. [-]"""


class Photovoltaic:
    """A rooftop system that turns irradiance into injection.

    pvlib's own functions take some 90 us for a chain of scalars, nearly all of it in array handling, so the
    formulas are written for floats here; the tests hold them equal to pvlib's.
    Source: A. P. Dobos, PVWatts Version 5 Manual, NREL/TP-6A20-62641, 2014; pvlib's irradiance.isotropic,
    temperature.sapm_cell, pvsystem.pvwatts_dc, inverter.pvwatts.
    """

    def __init__(self, parameters: PhotovoltaicParameters) -> None:
        self.parameters = parameters
        tilt = math.radians(parameters.tilt_deg)
        self._cos_tilt, self._sin_tilt = math.cos(tilt), math.sin(tilt)
        self._azimuth = math.radians(parameters.azimuth_deg)
        self._sky_share = 0.5 * (1.0 + self._cos_tilt)
        self._ground_share = 0.5 * (1.0 - self._cos_tilt) * parameters.albedo

    def power_kw(
        self,
        solar_zenith_deg: float,
        solar_azimuth_deg: float,
        dni_w_per_m2: float,
        ghi_w_per_m2: float,
        dhi_w_per_m2: float,
        outdoor_c: float,
        wind_m_per_s: float,
    ) -> float:
        """Injection, hence at most 0: normal, global and diffuse irradiance turned into power. [kW]"""
        zenith = math.radians(solar_zenith_deg)
        bearing = math.radians(solar_azimuth_deg) - self._azimuth
        facing = self._cos_tilt * math.cos(zenith) + self._sin_tilt * math.sin(zenith) * math.cos(bearing)
        plane_w_per_m2 = (
            dni_w_per_m2 * max(facing, 0.0) + dhi_w_per_m2 * self._sky_share + ghi_w_per_m2 * self._ground_share
        )
        return min(0.0, -self._inverter_kw(self._array_kw(plane_w_per_m2, outdoor_c, wind_m_per_s)))

    def _array_kw(self, plane_w_per_m2: float, outdoor_c: float, wind_m_per_s: float) -> float:
        suns = plane_w_per_m2 / STANDARD_IRRADIANCE_W_PER_M2
        rise_c = plane_w_per_m2 * math.exp(SAPM_A + SAPM_B_PER_M_S * wind_m_per_s) + suns * SAPM_DELTA_C
        warmth_c = outdoor_c + rise_c - STANDARD_CELL_C
        parameters = self.parameters
        ideal_kw = parameters.dc_rated_kw * suns * (1.0 + TEMPERATURE_COEFFICIENT_PER_C * warmth_c)
        return ideal_kw * (1.0 - parameters.loss_fraction)

    def _inverter_kw(self, dc_kw: float) -> float:
        if dc_kw <= 0.0:
            return 0.0
        ac_rated_kw = self.parameters.ac_rated_kw
        loading = dc_kw * INVERTER_EFFICIENCY / ac_rated_kw
        efficiency = INVERTER_EFFICIENCY / REFERENCE_EFFICIENCY * (0.9858 - 0.0162 * loading - 0.0059 / loading)
        return max(0.0, min(ac_rated_kw, efficiency * dc_kw))
