"""What every kind of device offers to the fleet that it is in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import attrs

from ...kernel import SECOND, Calendar, Duration, Instant
from ...roles.interfaces import WeatherReading
from ..customers import Customer
from ..planning.bids import Response
from ..planning.plans import Plan
from ..surroundings import KW_PER_W, MILD_C, FloatArray, Surroundings


@attrs.frozen
class Interval:
    """An interval, and the weather that holds for all of it."""

    start: Instant
    duration: Duration
    weather: WeatherReading | None
    calendar: Calendar

    @property
    def duration_s(self) -> float:
        """Length of the interval. [s]"""
        return self.duration / SECOND

    @property
    def local_hour(self) -> float:
        """Time of day at its start. [h]"""
        return self.calendar.hour(self.start)

    @property
    def outdoor_c(self) -> float:
        """Outdoor temperature; that of a mild day where no station reports."""
        return MILD_C if self.weather is None else self.weather.outdoor_c

    @property
    def solar_kw_per_m2(self) -> float:
        """Global horizontal irradiance."""
        return 0.0 if self.weather is None else self.weather.ghi_w_per_m2 * KW_PER_W

    def followed_by(self, start: Instant, duration: Duration) -> Interval:
        """Another interval in the same weather."""
        return attrs.evolve(self, start=start, duration=duration)


class Kind(Protocol):
    """The devices of one kind of some customers, as arrays in their order; powers in kW, consumption positive."""

    @classmethod
    def build(cls, customers: Sequence[Customer], surroundings: Surroundings) -> Self:
        """The devices, in the state in which a run begins."""

    def copy(self) -> Self:
        """The same devices in the same state, to look ahead with."""

    def step(self, interval: Interval, power_kw: FloatArray) -> None:
        """Let an interval pass with a power each; NaN leaves a device to its own control."""

    def default_kw(self, interval: Interval) -> FloatArray:
        """What the devices' own controls draw."""

    def limits_kw(self, interval: Interval) -> tuple[FloatArray, FloatArray]:
        """Least and most power that keep each device within its people's comfort and its own bounds."""


class PlanningKind(Kind, Protocol):
    """A kind that takes part in markets."""

    def plan(self, start: Instant, price_per_kwh: FloatArray, surroundings: Surroundings) -> Plan:
        """The best power of each hour from an instant on, at expected prices [$/kWh]."""

    def response(self, start: Instant, price_per_kwh: FloatArray, *, real_time: bool) -> Response:
        """How bids depart from the plan."""
