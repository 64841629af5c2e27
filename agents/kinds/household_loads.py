"""The load of households that responds to no price, as fleets see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs

from ..customers import Customer
from ..models.household_loads import HouseholdLoadParameters, HouseholdLoads
from ..surroundings import FloatArray, Surroundings
from .kind import Interval


@attrs.define(eq=False)
class HouseholdLoadKind:
    """Households."""

    physics: HouseholdLoads

    @classmethod
    def build(cls, customers: Sequence[Customer], _: Surroundings) -> Self:
        """All of them."""
        return cls(HouseholdLoads(HouseholdLoadParameters.from_each([each.household_load for each in customers])))

    def copy(self) -> Self:
        """The same."""
        return self

    def step(self, interval: Interval, power_kw: FloatArray) -> None:
        """Nothing is left over from an interval."""

    def default_kw(self, interval: Interval) -> FloatArray:
        """What the households draw."""
        return self.physics.power_kw(interval.local_hour, interval.start // interval.duration)

    def limits_kw(self, interval: Interval) -> tuple[FloatArray, FloatArray]:
        """They do not give way."""
        power_kw = self.default_kw(interval)
        return power_kw, power_kw
