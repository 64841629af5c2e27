"""Load of households that does not respond to prices: lights, appliances, electronics; all of them at once."""

from __future__ import annotations

import math

import attrs
import numpy as np

from .elementwise import FloatArray, IntArray, cos_deg, exp, sin_deg
from .parameters import Parameters, bounds, each, each_whole

HOURS_OF_DAY, DEGREES_PER_HOUR = 24, 15.0

# A constant and three bumps (hour, weight, concentration): morning, afternoon, evening. Shaped after, not
# fitted to, the lighting and appliance profiles of R. Hendron and C. Engebrecht, Building America House
# Simulation Protocols, NREL/TP-550-49246, 2010: trough before dawn, evening peak near twice the mean.
BASE_WEIGHT = 0.5
BUMPS = ((7.5, 0.35, 12.0), (13.5, 0.25, 4.0), (19.75, 1.15, 7.0))

DAY_STEPS, DAYS = 288, 7
NOISE_STEPS = DAY_STEPS * DAYS
"""One week of 5-minute steps, repeated after that."""


@attrs.frozen(eq=False)
class HouseholdLoadParameters(Parameters):
    """Energy, habits and randomness of households' loads, air conditioning not included."""

    daily_kwh: FloatArray = attrs.field(default=17.0, converter=each, metadata=bounds(above=0))
    """Energy of an average day. [kWh]"""
    delay_h: FloatArray = attrs.field(default=0.0, converter=each)
    """How much later than the average household this one lives. [h]"""
    noise_deviation: FloatArray = attrs.field(default=0.35, converter=each, metadata=bounds(at_least=0))
    """Standard deviation of the logarithm of the noise factor. [-]"""
    noise_persistence: FloatArray = attrs.field(default=0.92, converter=each, metadata=bounds(at_least=0, below=1))
    """Correlation of the noise from one step to the next; 0.92 of 5 min forgets within an hour. [-]"""
    noise_seed: IntArray = attrs.field(default=0, converter=each_whole, metadata=bounds(at_least=0))
    """Source of the noise: households with the same one have the same noise. [-]"""


class HouseholdLoads:
    """A daily shape times a random factor of mean one; no state but the present day of the noise, no control."""

    def __init__(self, parameters: HouseholdLoadParameters) -> None:
        self.parameters = parameters
        self._mean_kw = parameters.daily_kwh * (1.0 / (HOURS_OF_DAY * MEAN_WEIGHT))
        self._noise = _Noise(parameters)
        # Of the angle between an hour and each bump: cos(a - b) = cos a cos b + sin a sin b.
        late = [DEGREES_PER_HOUR * (hour + parameters.delay_h) for hour, _, _ in BUMPS]
        self._turns = [(cos_deg(angle), sin_deg(angle)) for angle in late]

    def power_kw(self, local_hour: float, step_index: int) -> FloatArray:
        """Power at an hour of the local day (0..24), with the noise of a step; always positive. [kW]

        Steps of one day after the other are quick; the first of another day draws that day for all households.
        """
        return self._mean_kw * _weight(local_hour, self._turns) * self._noise.factor(step_index)


def _weight(local_hour: float, turns: list[tuple[FloatArray, FloatArray]]) -> FloatArray:
    angle = DEGREES_PER_HOUR * local_hour
    cosine, sine = cos_deg(angle), sin_deg(angle)
    weight = np.asarray(BASE_WEIGHT)
    for (_, height, concentration), (turn_cosine, turn_sine) in zip(BUMPS, turns, strict=True):
        weight = weight + height * exp(concentration * (cosine * turn_cosine + sine * turn_sine - 1.0))
    return weight


def _mean_weight() -> float:
    """The mean over equidistant points of a smooth periodic function is exact to rounding."""
    turns = [(cos_deg(DEGREES_PER_HOUR * hour), sin_deg(DEGREES_PER_HOUR * hour)) for hour, _, _ in BUMPS]
    return math.fsum(float(_weight(0.25 * quarter, turns)) for quarter in range(96)) / 96


MEAN_WEIGHT = _mean_weight()


class _Noise:
    """Logarithmic first-order autoregressive noise with mean one over its period.

    A day of it is kept: 2 kB for each household instead of 16. The generators' states go on from day to day.
    """

    def __init__(self, parameters: HouseholdLoadParameters) -> None:
        self._parameters = parameters
        persistence = parameters.noise_persistence
        self._innovation = parameters.noise_deviation * np.sqrt(1.0 - persistence * persistence)
        total = np.zeros(parameters.count)
        self._restart()
        for _ in range(DAYS):
            self._draw_day()
            # One step after the other: numpy's own sum takes another order for one household than for several.
            for factors in self._day:
                total += factors
        self._scale = NOISE_STEPS / total
        self._restart()
        self._draw_day()

    def factor(self, step_index: int) -> FloatArray:
        """Noise of a step for all households. [-]"""
        day, step = divmod(step_index % NOISE_STEPS, DAY_STEPS)
        if day < self._number:
            self._restart()
        while day != self._number:
            self._draw_day()
        factors: FloatArray = self._day[step] * self._scale
        return factors

    def _restart(self) -> None:
        """Back to before the first day of the week."""
        generators = [np.random.default_rng(seed) for seed in self._parameters.noise_seed.tolist()]
        first = np.array([generator.standard_normal() for generator in generators])
        self._generators, self._number = generators, -1
        self._level = self._parameters.noise_deviation * first

    def _draw_day(self) -> None:
        shocks = np.empty((self._parameters.count, DAY_STEPS))
        for generator, row in zip(self._generators, shocks, strict=True):
            generator.standard_normal(out=row)
        self._day = np.ascontiguousarray(shocks.T)
        for row in self._day:
            row[:] = self._level = self._parameters.noise_persistence * self._level + self._innovation * row
        for hour in np.split(self._day, HOURS_OF_DAY):
            hour[:] = exp(hour)
        self._number += 1
