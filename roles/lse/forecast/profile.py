"""Load by the hour of the local day: given at first, then learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np

from ....kernel import HOUR, Duration
from ..customers.points import FloatArray, Places, room_for
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
            self.power_kw[place] += weight_of(share * duration, smoothing) * (power_kw - self.power_kw[place])

    def _place(self, weekday: int, hour: int) -> int:
        return hour_of_week(weekday, hour) % len(self.power_kw)


@attrs.define
class HourlyProfiles:
    """The profiles of many customers, by place; each learns by itself, as a single one does."""

    _power_kw: FloatArray = attrs.field(factory=lambda: np.zeros((0, 2 * HOURS)), init=False)
    _hours: Places = attrs.field(factory=lambda: np.zeros(0, dtype=np.intp), init=False)
    """Hours of each profile: 24, or 48 with the weekend's."""

    def begin(self, places: Places, profile: HourlyProfile) -> None:
        """Let profiles begin as a given one."""
        count, hours = int(places.max(initial=-1)) + 1, len(profile.power_kw)
        self._power_kw = room_for(self._power_kw, count, 0.0)
        self._hours = room_for(self._hours, count, HOURS)
        self._power_kw[places, :hours] = profile.power_kw
        self._hours[places] = hours

    def over(self, places: Places, hours: LocalHours) -> FloatArray:
        """Average load over a span [kW]."""
        total = np.zeros(len(places))
        for weekday, hour, share in hours:
            total += self._power_kw[places, self._columns(places, weekday, hour)] * share
        return total

    def learn(
        self, places: Places, hours: LocalHours, duration: Duration, power_kw: FloatArray, smoothing: float
    ) -> None:
        """Take in the loads [kW] of a span that has been metered."""
        for weekday, hour, share in hours:
            columns = self._columns(places, weekday, hour)
            before = self._power_kw[places, columns]
            weight = weight_of(share * duration, smoothing)
            self._power_kw[places, columns] = before + weight * (power_kw - before)

    def _columns(self, places: Places, weekday: int, hour: int) -> Places:
        columns: Places = hour_of_week(weekday, hour) % self._hours[places]
        return columns


def weight_of(duration: float, smoothing: float) -> float:
    """The weight of a load that has lasted a part of an hour."""
    return float(1.0 - (1.0 - smoothing) ** (duration / HOUR))


def hour_of_week(weekday: int, hour: int) -> int:
    """The place of an hour in a profile with a weekend."""
    return hour + HOURS * (weekday >= SATURDAY)
