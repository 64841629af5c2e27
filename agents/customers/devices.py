"""Load, battery and photovoltaics of homes."""

from __future__ import annotations

import attrs
import numpy as np

from .chance import bounded, new_seed

WEAR_PER_KWH = 0.5 * 83.0 / 3650.0
"""Of a battery, in each direction: 83 $/kWh of capacity over 3650 cycles, as in the DSO+T study. [$/kWh]"""


@attrs.frozen
class HouseholdLoad:
    """Lights, appliances and electronics; names of ``HouseholdLoadParameters``."""

    daily_kwh: float
    """Energy of an average day. [kWh]"""
    delay_h: float
    """How much later than the average household this one lives. [h]"""
    noise_seed: int
    """Source of the noise. [-]"""


@attrs.frozen
class Battery:
    """A battery behind its inverter; names of ``BatteryParameters``."""

    capacity_kwh: float
    """Energy stored when full. [kWh]"""
    rated_kw: float
    """Highest power of charge and of discharge. [kW]"""
    charge_efficiency: float
    """Energy stored per energy taken from the grid. [-]"""
    discharge_efficiency: float
    """Energy given to the grid per energy taken from the store. [-]"""
    reserve_kwh: float
    """Stored energy below which it does not discharge. [kWh]"""
    wear_per_kwh: float = WEAR_PER_KWH
    """Cost of fading per energy exchanged. [$/kWh]"""


@attrs.frozen
class Photovoltaic:
    """Rooftop panels and their inverter; names of ``PhotovoltaicParameters``."""

    tilt_deg: float
    """Angle from horizontal. [deg]"""
    azimuth_deg: float
    """Direction that the panels face, clockwise from north. [deg]"""
    dc_rated_kw: float
    """Power of the panels at standard test conditions. [kW]"""
    ac_rated_kw: float
    """Highest output of the inverter. [kW]"""


def random_load(rng: np.random.Generator) -> HouseholdLoad:
    """What does not respond to prices.

    * Energy of a day: uniform, 14..20 kWh; about what is left of RECS 2020's mean of 29 kWh a home without cooling,
      heating and hot water.
    * Habits: later or earlier by a normal of 0.8 h, at most 2 h; plausible.
    """
    return HouseholdLoad(
        daily_kwh=rng.uniform(14.0, 20.0), delay_h=bounded(rng.normal(0.0, 0.8), -2.0, 2.0), noise_seed=new_seed(rng)
    )


def random_battery(rng: np.random.Generator) -> Battery:
    """A product that is common in the US: 10 kWh (40 %) or 13.5 kWh, at 5 kW.

    * Efficiency: uniform, 0.90..0.95 in each direction; that and the shares are plausible.
    * Reserve: a fifth of the capacity, as in the DSO+T study.
    """
    capacity_kwh = 13.5 if rng.random() < 0.6 else 10.0
    efficiency = rng.uniform(0.90, 0.95)
    return Battery(capacity_kwh, 5.0, efficiency, efficiency, reserve_kwh=0.2 * capacity_kwh)


def random_photovoltaic(rng: np.random.Generator, floor_m2: float) -> Photovoltaic:
    """Panels on a roof.

    * Rating: uniform, 2.2..3.8 kW per 100 m2 of floor; the median of 5.6 kW is common in the US (G. Barbose et al.,
      Tracking the Sun, LBNL).
    * Tilt: uniform, 15..35 deg; azimuth: normal about south, 45 deg, within 110; plausible.
    * Inverter: the panels' rating over 1.2, PVWatts' default.
    """
    dc_rated_kw = rng.uniform(0.022, 0.038) * floor_m2
    return Photovoltaic(
        tilt_deg=rng.uniform(15.0, 35.0),
        azimuth_deg=180.0 + bounded(rng.normal(0.0, 45.0), -110.0, 110.0),
        dc_rated_kw=dc_rated_kw,
        ac_rated_kw=dc_rated_kw / 1.2,
    )
