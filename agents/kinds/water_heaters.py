"""Electric water heaters, as fleets see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np

from ...kernel import DAY, HOUR, Calendar, Duration, Instant
from ..customers import Customer, draws_l_per_min, expected_l_per_min
from ..models.water_heaters import WaterHeaterParameters, WaterHeaters
from ..planning import water_heater as planning
from ..planning.bids import Response
from ..planning.plans import Plan
from ..surroundings import FloatArray, Surroundings
from .kind import Interval

INLET_C, AMBIENT_C = 15.0, 20.0
"""Cold water, and the air around the tanks. [degC]"""


@attrs.define(eq=False)
class WaterHeaterKind:
    """Tanks."""

    physics: WaterHeaters
    preferences: planning.WaterHeaterPreferences
    customers: Sequence[Customer]
    calendar: Calendar
    _day: tuple[Instant, Duration, FloatArray] | None = attrs.field(default=None, alias="day")
    """First instant and step of the draws of a day, and the draws, shape (n_tanks, n_steps). [l/min]"""

    @classmethod
    def build(cls, customers: Sequence[Customer], surroundings: Surroundings) -> Self:
        """Tanks that are at their set-points."""
        parameters = WaterHeaterParameters.from_each([each.water_heater for each in customers])
        preferences = planning.WaterHeaterPreferences(np.array([each.device_slider for each in customers]))
        physics = WaterHeaters(parameters, parameters.setpoint_c)
        return cls(physics, preferences, customers, surroundings.calendar)

    def copy(self) -> Self:
        """The same tanks in the same state."""
        return attrs.evolve(self, physics=self.physics.copy())

    def step(self, interval: Interval, power_kw: FloatArray) -> None:
        """Let an interval pass."""
        self.physics.step(interval.duration_s, self._draw(interval), INLET_C, AMBIENT_C, power_kw)

    def default_kw(self, interval: Interval) -> FloatArray:
        """What the thermostats draw."""
        return self.physics.default_kw(interval.duration_s, self._draw(interval), INLET_C, AMBIENT_C)

    def limits_kw(self, interval: Interval) -> tuple[FloatArray, FloatArray]:
        """What keeps the water warm enough and not too hot."""
        return self.physics.limits(interval.duration_s, self._draw(interval), INLET_C, AMBIENT_C)

    def plan(self, start: Instant, price_per_kwh: FloatArray, _: Surroundings) -> Plan:
        """The best course of the day; the tank is taken to be stirred."""
        draws = expected_l_per_min(self.customers, start, HOUR, len(price_per_kwh), self.calendar)
        return planning.plan(
            self.physics.parameters,
            self.preferences,
            price_per_kwh=price_per_kwh,
            draw_l_per_min=draws,
            inlet_c=INLET_C,
            ambient_c=AMBIENT_C,
            start_c=self.physics.mean_temperature_c,
        )

    def response(self, _: Instant, price_per_kwh: FloatArray, *, real_time: bool) -> Response:
        """How bids depart from the plan."""
        return planning.response(self.physics.parameters, self.preferences, price_per_kwh, real_time=real_time)

    def _draw(self, interval: Interval) -> FloatArray:
        """What is drawn in an interval; the draws of a day are made at its first one. [l/min]"""
        day = self._day
        if day is None or day[1] != interval.duration or not 0 <= interval.start - day[0] < DAY:
            start, step = interval.start // DAY * DAY, interval.duration
            flows = draws_l_per_min(self.customers, start, step, DAY // step, self.calendar)
            day = self._day = start, step, flows
        flow: FloatArray = day[2][:, (interval.start - day[0]) // day[1]]
        return flow
