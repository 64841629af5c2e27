"""Electric water heaters, and how much hot water people use."""

from __future__ import annotations

import math

import attrs
import numpy as np

from .chance import bounded, lognormal, new_seed, pick

L_PER_GAL = 3.785
TANKS_GAL = (
    (2, ((40.0, 0.6), (50.0, 0.4))),
    (4, ((50.0, 0.7), (75.0, 0.3))),
    (math.inf, ((75.0, 1.0),)),
)
"""Up to so many persons: sizes and their shares. Sizes: the DSO+T study's, by household; shares plausible. [gal]"""
ELEMENTS_KW = ((3.8, 0.15), (4.5, 0.7), (5.5, 0.15))
"""Element and share: 4.5 kW at 240 V is by far the most usual; shares plausible. [kW]"""
LOSS_KW_PER_C, LOSS_VOLUME_L = 0.0016, 189.0
"""Conductance of a tank of 50 gal, near the US minimum efficiency; others lose as their surface is. [kW/degC], [l]"""
USE_DEVIATION, LEAST_USE, MOST_USE = 0.35, 0.4, 2.5


@attrs.frozen
class WaterHeater:
    """An electric tank, with names of ``WaterHeaterParameters``, and the use that is made of it."""

    volume_l: float
    """Water in the tank. [l]"""
    rated_kw: float
    """Power of either element. [kW]"""
    loss_kw_per_c: float
    """Conductance to the room. [kW/degC]"""
    setpoint_c: float
    """Temperature that the thermostats hold. [degC]"""
    deadband_c: float
    """Between switching on and off. [degC]"""
    use: float
    """Hot water that this household uses, by what one of its size does on average. [-]"""
    draw_seed: int
    """Source of the daily draws. [-]"""


def random_water_heater(rng: np.random.Generator, occupants: int) -> WaterHeater:
    """A tank for some people, and their use of it.

    * Size and element: `TANKS_GAL` and `ELEMENTS_KW`.
    * Conductance: uniform within 20 % of the typical; plausible.
    * Set-point: uniform, 49..55 degC (120..131 degF); deadband: uniform, 3..6 degC; plausible about common settings.
    * Use: lognormal with mean 1, 0.35, within 0.4..2.5; plausible, since field studies find households far apart.
    """
    sizes = next(sizes for persons, sizes in TANKS_GAL if occupants <= persons)
    volume_l = L_PER_GAL * pick(rng, sizes)
    rated_kw = pick(rng, ELEMENTS_KW)
    return WaterHeater(
        volume_l=volume_l,
        rated_kw=rated_kw,
        loss_kw_per_c=rng.uniform(0.8, 1.2) * LOSS_KW_PER_C * (volume_l / LOSS_VOLUME_L) ** (2.0 / 3.0),
        setpoint_c=rng.uniform(49.0, 55.0),
        deadband_c=rng.uniform(3.0, 6.0),
        use=bounded(lognormal(rng, math.exp(-0.5 * USE_DEVIATION**2), USE_DEVIATION), LEAST_USE, MOST_USE),
        draw_seed=new_seed(rng),
    )
