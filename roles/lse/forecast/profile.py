"""Load by the hour of the local day: given at first, then learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs

from ....kernel import HOUR, Duration
from ..week import HOURS, SATURDAY, LocalHours


@attrs.define
class HourlyProfile:
    """Average load in each hour of the local day, of all days or of working days and weekends apart.

    It is learned by exponential smoothing: an hour of a load counts with ``smoothing``, a part of an hour with as much
    as makes the same of the whole hour, whatever the metering interval.
    """

    power_kw: list[float]
    """Shape (24,), or (48,) with those of the weekend behind. [kW]"""

    @classmethod
    def given(cls, all_days_kw: Sequence[float], weekend_kw: Sequence[float] = ()) -> Self:
        """A profile of 24 hours [kW], with hours of its own for the weekend if there are any."""
        return cls([*all_days_kw, *weekend_kw])

    def copy(self) -> Self:
        """A profile that learns by itself from here on."""
        return type(self)(self.power_kw.copy())

    def over(self, hours: LocalHours) -> float:
        """Average load over a span [kW]."""
        return sum(self.power_kw[self._place(weekday, hour)] * share for weekday, hour, share in hours)

    def learn(self, hours: LocalHours, duration: Duration, power_kw: float, smoothing: float) -> None:
        """Take in the load [kW] of a span that has been metered."""
        for weekday, hour, share in hours:
            place = self._place(weekday, hour)
            weight = 1.0 - (1.0 - smoothing) ** (share * duration / HOUR)
            self.power_kw[place] += weight * (power_kw - self.power_kw[place])

    def _place(self, weekday: int, hour: int) -> int:
        return (hour + HOURS * (weekday >= SATURDAY)) % len(self.power_kw)
