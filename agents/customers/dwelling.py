"""Dwellings: floor, envelope and mass, and the connection to the network."""

from __future__ import annotations

import attrs
import numpy as np

from .chance import bounded, lognormal

CEILING_M = 2.44
AIR_KWH_PER_M3_C = 1.2 * 1.006 / 3600.0
# GridLAB-D counts three times the air's own capacity for what follows it at once.
AIR_MULTIPLE = 3.0
KWH_PER_M2_C_PER_BTU_PER_FT2_F = 5.678e-3
SURFACE_KW_PER_M2_C = 8.29e-3
SURFACE_PER_FLOOR = 2.7

# Most of the appliances' energy ends as heat indoors; the people add a tenth of a kW each.
APPLIANCE_HEAT, PERSON_KW = 0.8, 0.1

SMALL_M2, SMALL_SERVICE_A, SERVICE_A, SERVICE_V = 120.0, 100.0, 200.0, 240.0


@attrs.frozen
class Dwelling:
    """A home's building; names of ``HouseParameters``."""

    floor_m2: float
    """Heated floor. [m2]"""
    ua_kw_per_c: float
    """Conductance from the indoor air to outdoors, air exchange included. [kW/degC]"""
    air_capacity_kwh_per_c: float
    """Heat capacity of the air and what follows it at once. [kWh/degC]"""
    mass_coupling_kw_per_c: float
    """Conductance between the air and the mass. [kW/degC]"""
    mass_capacity_kwh_per_c: float
    """Heat capacity of walls, floors and furniture. [kWh/degC]"""
    solar_aperture_m2: float
    """Heat gain by unit of global horizontal irradiance. [m2]"""
    internal_gain_kw: float
    """Heat of people and appliances. [kW]"""

    @property
    def connection_kw(self) -> float:
        """What the service carries at 240 V: 100 A for up to 120 m2 (1300 ft2) of floor, else 200 A. [kW]

        The usual sizes of US services; where one ends and the other begins is only plausible. Nothing says that all
        of a home's devices may run at once.
        """
        return (SMALL_SERVICE_A if self.floor_m2 <= SMALL_M2 else SERVICE_A) * SERVICE_V / 1000.0


def random_dwelling(rng: np.random.Generator, daily_kwh: float, occupants: int) -> Dwelling:
    """A building for some people whose appliances use some energy a day [kWh].

    * Floor: lognormal, median 186 m2 (2000 ft2), 0.28, within 90..370; the DSO+T study's homes average 900..3300 ft2 by
      type and age, detached ones 1900 and more.
    * Conductance: lognormal, median 1.4 W/degC per m2 of floor, 0.2; plausible for homes of mixed age.
    * Mass: uniform, 2..4 Btu/degF per ft2 of floor; GridLAB-D's range.
    * Aperture: uniform, 1.3..2.3 % of floor; plausible with GridLAB-D's default windows and some shading.
    """
    floor_m2 = bounded(lognormal(rng, 186.0, 0.28), 90.0, 370.0)
    ua_kw_per_c = lognormal(rng, 1.4e-3, 0.2) * floor_m2
    return Dwelling(
        floor_m2=floor_m2,
        ua_kw_per_c=ua_kw_per_c,
        air_capacity_kwh_per_c=AIR_MULTIPLE * AIR_KWH_PER_M3_C * CEILING_M * floor_m2,
        mass_coupling_kw_per_c=SURFACE_KW_PER_M2_C * SURFACE_PER_FLOOR * floor_m2,
        mass_capacity_kwh_per_c=rng.uniform(2.0, 4.0) * KWH_PER_M2_C_PER_BTU_PER_FT2_F * floor_m2,
        solar_aperture_m2=rng.uniform(0.013, 0.023) * floor_m2,
        internal_gain_kw=APPLIANCE_HEAT * daily_kwh / 24.0 + PERSON_KW * occupants,
    )
