"""Set-points of many homes through the week: moved apart while nobody is at home, heating lowered at night."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...kernel import Calendar, Instant
from .customer import Customer
from .days import is_weekend
from .habits import Routine

FloatArray = NDArray[np.float64]


class SetPoints:
    """What the people of some homes want of their thermostats at any instant."""

    def __init__(self, customers: Sequence[Customer]) -> None:
        settings = [customer.thermostat for customer in customers]
        self._cooling_c = np.array([each.cooling_setpoint_c for each in settings])
        self._heating_c = np.array([each.heating_setpoint_c for each in settings])
        self._away_c = np.array([each.away_c for each in settings])
        self._asleep_c = np.array([each.asleep_c for each in settings])
        self._weekday = _hours([customer.occupancy.weekday for customer in customers])
        self._weekend = _hours([customer.occupancy.weekend for customer in customers])

    def at(self, instant: Instant, calendar: Calendar) -> tuple[FloatArray, FloatArray]:
        """Cooling and heating set-points, each of shape (n_customers,). [degC]"""
        hour = calendar.hour(instant)
        wake, leave, back, sleep = self._weekend if is_weekend(calendar.local(instant).date()) else self._weekday
        away_c = np.where((leave <= hour) & (hour < back), self._away_c, 0.0)
        asleep_c = np.where((hour < wake) | (sleep <= hour), self._asleep_c, 0.0)
        return self._cooling_c + away_c, self._heating_c - away_c - asleep_c


def _hours(routines: Sequence[Routine]) -> FloatArray:
    """Hours of waking, leaving, returning and sleeping, shape (4, n). [h]"""
    rows = [(each.wake_h, each.leave_h, each.return_h, each.sleep_h) for each in routines]
    return np.array(rows, dtype=np.float64).reshape(-1, 4).T
