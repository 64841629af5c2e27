"""People's habits: how many live in a home, when they are in it, and which temperature they want."""

from __future__ import annotations

import attrs
import numpy as np

from .chance import pick

HOUSEHOLDS = ((1, 0.28), (2, 0.35), (3, 0.15), (4, 0.13), (5, 0.06), (6, 0.03))
"""Persons and share of households; six stands for more. Source: US Census Bureau, Current Population Survey, 2020."""
EMPTY_ON_WEEKDAYS = 0.40
"""Share of homes that nobody is in during working hours; only plausible."""
ONE_TEMPERATURE = 0.45
"""Share that sets one temperature and leaves it. Source: EIA, RECS 2015, homes with central air conditioning."""
LEAST_GAP_C = 1.5
"""Heating set-points lie at least so much below cooling set-points, so that the two never fight. [degC]"""


@attrs.frozen
class Routine:
    """The course of a day, in hours of the local clock. [h, 0 to 24]"""

    wake_h: float
    """When people get up."""
    leave_h: float
    """When the home is empty from, or where somebody stays, when the evening begins."""
    return_h: float
    """When people are back: later than `leave_h` if the home is empty between."""
    sleep_h: float
    """When people go to bed."""


@attrs.frozen
class Occupancy:
    """Who lives in a home, and when they are in it."""

    occupants: int
    """Persons."""
    weekday: Routine
    weekend: Routine

    @property
    def is_empty_on_weekdays(self) -> bool:
        """Whether all are out during working hours."""
        return self.weekday.leave_h < self.weekday.return_h


@attrs.frozen
class Thermostat:
    """Set-points when people are at home and awake, and how they are moved; names of ``ThermostatParameters``."""

    cooling_setpoint_c: float
    """Air temperature that cooling holds. [degC]"""
    heating_setpoint_c: float
    """Air temperature that heating holds. [degC]"""
    deadband_c: float
    """Between switching on and off. [degC]"""
    setback_c: float
    """How much warmer (in cooling) or colder (in heating) a market may make it, at a slider of 1. [degC]"""
    preconditioning_c: float
    """How much a market may cool or heat ahead, at a slider of 1. [degC]"""
    away_c: float
    """By how much both set-points are moved apart while nobody is at home. [degC]"""
    asleep_c: float
    """By how much the heating set-point is lowered while people sleep. [degC]"""


def random_occupancy(rng: np.random.Generator, delay_h: float) -> Occupancy:
    """Persons as in `HOUSEHOLDS`; hours, all later by how much later this household lives [h].

    * Weekdays: up uniform at 5..6.5 h, out from 8..9 to 16..19 h if all are, to bed at 22..23.5 h.
    * Weekends: up uniform at 8..9 h, to bed at 22..24 h, and somebody stays.

    Source: the thermostats' periods in TESP's te30 example; the return is an hour wider, so that homes do not recover
    all at once.
    """
    occupants = pick(rng, HOUSEHOLDS)
    is_empty = rng.random() < EMPTY_ON_WEEKDAYS
    wake_h, leave_h, return_h, sleep_h = (
        delay_h + rng.uniform(*hours) for hours in ((5.0, 6.5), (8.0, 9.0), (16.0, 19.0), (22.0, 23.5))
    )
    late_wake_h, late_sleep_h = delay_h + rng.uniform(8.0, 9.0), delay_h + rng.uniform(22.0, 24.0)
    return Occupancy(
        occupants=occupants,
        weekday=Routine(wake_h, leave_h if is_empty else return_h, return_h, min(sleep_h, 24.0)),
        weekend=Routine(late_wake_h, return_h, return_h, min(late_sleep_h, 24.0)),
    )


def random_thermostat(rng: np.random.Generator) -> Thermostat:
    """Set-points and what people put up with, all uniform.

    * Cooling: 22..25 degC (72..77 degF), the middle half of what the DSO+T study takes from RECS.
    * Heating: 19..21.5 degC, as far as the gap to cooling allows; plausible.
    * Deadband: 1.1..1.5 degC; TESP's te30 example has 2..3 degF.
    * What a market may do: 1.5..2.8 degC off and 0.8..1.7 degC ahead; up to the 5 and 3 degF of the DSO+T study.
    * Of those who do not leave one temperature, 0.5..2.5 degC in an empty home, and the same for heating at night;
      plausible.
    """
    cooling_c, heating_c = rng.uniform(22.0, 25.0), rng.uniform(19.0, 21.5)
    deadband_c, setback_c, preconditioning_c = rng.uniform(1.1, 1.5), rng.uniform(1.5, 2.8), rng.uniform(0.8, 1.7)
    is_moved = rng.random() >= ONE_TEMPERATURE
    away_c, asleep_c = rng.uniform(0.5, 2.5), rng.uniform(0.5, 2.5)
    return Thermostat(
        cooling_setpoint_c=cooling_c,
        heating_setpoint_c=min(heating_c, cooling_c - LEAST_GAP_C),
        deadband_c=deadband_c,
        setback_c=setback_c,
        preconditioning_c=preconditioning_c,
        away_c=away_c if is_moved else 0.0,
        asleep_c=asleep_c if is_moved else 0.0,
    )
