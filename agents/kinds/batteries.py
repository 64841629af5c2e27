"""Home batteries, as fleets see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np

from ...kernel import Instant
from ..customers import Customer
from ..models.batteries import Batteries, BatteryParameters
from ..planning import battery as planning
from ..planning.bids import Response
from ..planning.plans import Plan
from ..surroundings import FloatArray, Surroundings
from .kind import Interval

INITIAL_CHARGE = 0.5
"""Share of the capacity that is stored when a run begins. [-]"""


@attrs.define(eq=False)
class BatteryKind:
    """Batteries behind their inverters."""

    physics: Batteries
    preferences: planning.BatteryPreferences

    @classmethod
    def build(cls, customers: Sequence[Customer], _: Surroundings) -> Self:
        """Batteries that are half full."""
        parameters = BatteryParameters.from_each([each.battery for each in customers])
        start_kwh = np.maximum(INITIAL_CHARGE * parameters.capacity_kwh, parameters.reserve_kwh)
        slider = np.array([each.device_slider for each in customers])
        return cls(Batteries(parameters, start_kwh), planning.BatteryPreferences(slider))

    def copy(self) -> Self:
        """The same batteries in the same state."""
        return attrs.evolve(self, physics=self.physics.copy())

    def step(self, interval: Interval, power_kw: FloatArray) -> None:
        """Let an interval pass; one that is left to itself rests."""
        self.physics.step(interval.duration_s, np.where(np.isnan(power_kw), 0.0, power_kw))

    def default_kw(self, _: Interval) -> FloatArray:
        """Without a market they rest."""
        return self.physics.default_kw()

    def limits_kw(self, interval: Interval) -> tuple[FloatArray, FloatArray]:
        """What store and inverter allow."""
        return self.physics.limits(interval.duration_s)

    def plan(self, _: Instant, price_per_kwh: FloatArray, __: Surroundings) -> Plan:
        """The best trades of the day."""
        return planning.plan(
            self.physics.parameters,
            self.preferences,
            price_per_kwh=price_per_kwh,
            start_kwh=self.physics.energy_kwh,
        )

    def response(self, _: Instant, price_per_kwh: FloatArray, *, real_time: bool) -> Response:
        """How bids depart from the plan, in real time as a day ahead."""
        return planning.response(self.physics.parameters, self.preferences, price_per_kwh)
