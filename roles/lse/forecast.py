"""What a retailer expects its customers to draw: a class profile for tomorrow, the last read for the next minutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from ...kernel import HOUR, Calendar, Duration, Instant


@attrs.define
class LoadForecast:
    """Expected load of each usage point, without what bids in a market.

    Near: the load of the last interval that was read, less what the market had awarded for it. Far, or before the first
    read: the profile of the class.
    """

    profile_kw: Sequence[float]
    """Average load of a customer in each hour of the local day, shape (24,). [kW]"""
    calendar: Calendar
    _last_kw: dict[str, float] = attrs.field(factory=dict, init=False)
    _awarded_kw: dict[tuple[str, Instant], float] = attrs.field(factory=dict, init=False)

    def award(self, usage_point: str, start: Instant, power_kw: float) -> None:
        """Take note of what the market has awarded at a usage point for an interval."""
        self._awarded_kw[usage_point, start] = power_kw

    def read(self, usage_point: str, start: Instant, duration: Duration, energy_kwh: float) -> None:
        """Learn from a meter read."""
        awarded = self._awarded_kw.pop((usage_point, start), 0.0)
        self._last_kw[usage_point] = energy_kwh * HOUR / duration - awarded

    def near_kw(self, usage_point: str, start: Instant) -> float:
        """Expected load in an interval that begins within minutes [kW]."""
        last = self._last_kw.get(usage_point)
        return self.far_kw(start) if last is None else last

    def far_kw(self, start: Instant) -> float:
        """Expected load of any customer in an interval that begins hours from now [kW]."""
        return self.profile_kw[self.calendar.local(start).hour]


def expected_kw(
    forecast: LoadForecast, usage_points: Iterable[str], start: Instant, *, near: bool
) -> tuple[float, ...]:
    """Expected load of each usage point in an interval [kW]."""
    if near:
        return tuple(forecast.near_kw(usage_point, start) for usage_point in usage_points)
    far = forecast.far_kw(start)
    return tuple(far for _ in usage_points)
