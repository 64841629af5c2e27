"""Where the randomness of customers comes from: a generator for each seed, customer and purpose.

No draw shifts another: what is drawn for one purpose does not depend on how much is drawn for the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from enum import IntEnum
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Purpose(IntEnum):
    """What a generator is for. The numbers are part of every population: none is changed or used again."""

    EQUIPMENT = 1
    COMFORT = 2
    LOAD = 3
    OCCUPANCY = 4
    DWELLING = 5
    THERMOSTAT = 6
    AIR_CONDITIONING = 7
    WATER_HEATER = 8
    BATTERY = 9
    VEHICLE = 10
    PHOTOVOLTAIC = 11


def source(seed: int, number: int, purpose: Purpose) -> np.random.Generator:
    """The generator of one customer's draws for one purpose.

    Raises: ValueError for a negative seed or number.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, number, int(purpose)]))


def source_of_day(seed: int, day: date) -> np.random.Generator:
    """The generator of what happens on one day, whichever other days are drawn."""
    return np.random.default_rng(np.random.SeedSequence([seed, day.toordinal()]))


def new_seed(rng: np.random.Generator) -> int:
    """A source of draws to come, which fits into 64 bits with a sign."""
    return int(rng.integers(2**63))


def bounded(value: float, lowest: float, highest: float) -> float:
    """The value, or the bound that it is beyond."""
    return min(max(value, lowest), highest)


def lognormal(rng: np.random.Generator, median: float, deviation: float) -> float:
    """A draw whose logarithm is normal about that of the median, with that standard deviation."""
    return median * math.exp(rng.normal(0.0, deviation))


def pick(rng: np.random.Generator, choices: Sequence[tuple[T, float]]) -> T:
    """One of some values, each with its share; the shares sum to 1."""
    position = rng.random()
    for value, share in choices:
        position -= share
        if position < 0.0:
            return value
    return choices[-1][0]
