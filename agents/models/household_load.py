"""Load of a household that does not respond to prices: lights, appliances, electronics."""

import math
from array import array
from itertools import accumulate, islice

import attrs
import numpy as np
from attrs.validators import and_, ge, gt, lt

HOURS_PER_DAY = 24.0
RADIANS_PER_HOUR = 2.0 * math.pi / HOURS_PER_DAY

# A constant and three bumps (hour, weight, concentration): morning, afternoon, evening. Shaped after, not
# fitted to, the lighting and appliance profiles of R. Hendron and C. Engebrecht, Building America House
# Simulation Protocols, NREL/TP-550-49246, 2010: trough before dawn, evening peak near twice the mean.
BASE_WEIGHT = 0.5
BUMPS = ((7.5, 0.35, 12.0), (13.5, 0.25, 4.0), (19.75, 1.15, 7.0))

# One week of 5-minute steps, repeated after that.
NOISE_STEPS = 2016


@attrs.frozen
class HouseholdLoadParameters:
    """Energy, habits and randomness of one household's load, air conditioning not included."""

    daily_kwh: float = attrs.field(default=17.0, validator=gt(0))
    """Energy of an average day. [kWh]"""
    delay_h: float = 0.0
    """How much later than the average household this one lives. [h]"""
    noise_deviation: float = attrs.field(default=0.35, validator=ge(0))
    """Standard deviation of the logarithm of the noise factor. [-]"""
    noise_persistence: float = attrs.field(default=0.92, validator=and_(ge(0), lt(1)))
    """Correlation of the noise from one step to the next; 0.92 of 5 min forgets within an hour. [-]"""
    noise_seed: int = attrs.field(default=0, validator=ge(0))
    """Source of the noise: households with the same one have the same noise. [-]"""


class HouseholdLoad:
    """A daily shape times a random factor of mean one that is drawn when the object is made."""

    def __init__(self, parameters: HouseholdLoadParameters, rng: np.random.Generator) -> None:
        self.parameters = parameters
        self._mean_kw = parameters.daily_kwh / HOURS_PER_DAY
        self._noise = _noise(parameters, rng)

    def power_kw(self, local_hour: float, step_index: int) -> float:
        """Power at an hour of the local day (0..24), with the noise of a step; always positive. [kW]"""
        factor = self._noise[step_index % NOISE_STEPS]
        return self._mean_kw * daily_shape(local_hour - self.parameters.delay_h) * factor


def daily_shape(local_hour: float) -> float:
    """Load of a US summer day relative to the day's mean, in closed form and periodic. [-]"""
    return _weight(local_hour) / MEAN_WEIGHT


def _weight(local_hour: float) -> float:
    weight = BASE_WEIGHT
    for hour, height, concentration in BUMPS:
        weight += height * math.exp(concentration * (math.cos(RADIANS_PER_HOUR * (local_hour - hour)) - 1.0))
    return weight


# The mean over equidistant points of a smooth periodic function is exact to rounding.
MEAN_WEIGHT = sum(_weight(0.25 * quarter) for quarter in range(96)) / 96


def _noise(parameters: HouseholdLoadParameters, rng: np.random.Generator) -> "array[float]":
    """Logarithmic first-order autoregressive noise with mean one over its period."""
    persistence = parameters.noise_persistence
    innovation = parameters.noise_deviation * math.sqrt(1.0 - persistence * persistence)
    first, *shocks = rng.standard_normal(NOISE_STEPS + 1).tolist()
    levels = accumulate(
        shocks,
        lambda level, shock: persistence * level + innovation * shock,
        initial=parameters.noise_deviation * first,
    )
    factors = list(map(math.exp, islice(levels, 1, None)))
    scale = NOISE_STEPS / sum(factors)
    return array("d", [factor * scale for factor in factors])
