"""What a retailer expects its customers to draw: by class and by customer, learned from their meters.

Near, a customer's last read; far, his own hourly profile; before he has been read, that of his class. What the market
has awarded at his usage point is taken off first: it is known already, and the rest is what the retailer has to expect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ....kernel import HOUR, Calendar, Duration, Instant
from ..week import local_hours
from .profile import HourlyProfile

Award = tuple[Instant, Instant, float]
"""First instant, first instant after, power [kW]."""


@attrs.define
class _Customer:
    customer_class: str
    profile: HourlyProfile | None = None
    """His own from the first read on, at first like that of his class."""
    last: tuple[Instant, float] | None = None
    """End of the last interval that was read, and the load in it without what was awarded [kW]."""
    awards: list[Award] = attrs.field(factory=list)
    """In the order in which they were told: the later counts where they overlap."""


@attrs.define
class _Class:
    """A class learns from the average customer, when an interval has been read of all."""

    profile: HourlyProfile
    interval: tuple[Instant, Duration] | None = None
    total_kw: float = 0.0
    customers: int = 0


@attrs.define
class LoadForecast:
    """Expected load of each usage point, beyond what a market has awarded there."""

    calendar: Calendar
    profiles: Mapping[str, HourlyProfile]
    """Profile of each class to begin with; the one that is called empty is for all other classes."""
    smoothing: float = 0.2
    """Weight of an hour's load in the profile of that hour."""
    near: Duration = HOUR
    """How far after the last read that read is the best guess."""
    _classes: dict[str, _Class] = attrs.field(factory=dict, init=False)
    _customers: dict[str, _Customer] = attrs.field(factory=dict, init=False)

    def enrol(self, usage_point: str, customer_class: str) -> None:
        """Take a customer in, or another who has moved there: of him nothing is known but his class."""
        self._customers[usage_point] = _Customer(customer_class)

    def award(self, usage_point: str, start: Instant, length: Duration, power_kw: float) -> None:
        """Take note of what a market has awarded at a usage point; it replaces what an earlier market has."""
        self._customers[usage_point].awards.append((start, start + length, power_kw))

    def read(self, usage_point: str, start: Instant, duration: Duration, energy_kwh: float) -> float:
        """Learn from a meter read; returns the load without what was awarded [kW].

        A read of an interval that is over longer than the last one read, as a revision is, teaches nothing.
        """
        customer = self._customers[usage_point]
        end = start + duration
        power_kw = (energy_kwh - awarded_kwh(customer.awards, start, end)) * HOUR / duration
        if customer.last is None or start >= customer.last[0]:
            customer.last = end, power_kw
            customer.awards = [each for each in customer.awards if each[1] > start]
            self._learn(customer, start, duration, power_kw)
        return power_kw

    def expected_kw(self, usage_point: str, start: Instant, length: Duration) -> float:
        """Expected load of a usage point in an interval [kW]."""
        customer = self._customers[usage_point]
        if customer.last is not None and start - customer.last[0] <= self.near:
            return customer.last[1]
        if customer.profile is None:
            return self.class_kw(customer.customer_class, start, length)
        return customer.profile.over(local_hours(self.calendar, start, length))

    def class_kw(self, customer_class: str, start: Instant, length: Duration) -> float:
        """Expected load of an average customer of a class in an interval [kW]."""
        return self._class(customer_class).profile.over(local_hours(self.calendar, start, length))

    def customer_class(self, usage_point: str) -> str:
        """The class of a customer."""
        return self._customers[usage_point].customer_class

    def _class(self, name: str) -> _Class:
        if name not in self._classes:
            given = self.profiles.get(name, self.profiles.get(""))
            self._classes[name] = _Class(HourlyProfile.given((0.0,) * 24) if given is None else given.copy())
        return self._classes[name]

    def _learn(self, customer: _Customer, start: Instant, duration: Duration, power_kw: float) -> None:
        if customer.profile is None:
            customer.profile = self._class(customer.customer_class).profile.copy()
        customer.profile.learn(local_hours(self.calendar, start, duration), duration, power_kw, self.smoothing)
        self._learn_class(customer.customer_class, (start, duration), power_kw)

    def _learn_class(self, name: str, interval: tuple[Instant, Duration], power_kw: float) -> None:
        learner = self._class(name)
        if learner.interval != interval:
            if learner.interval is not None:
                hours = local_hours(self.calendar, *learner.interval)
                average_kw = learner.total_kw / learner.customers
                learner.profile.learn(hours, learner.interval[1], average_kw, self.smoothing)
            learner.interval, learner.total_kw, learner.customers = interval, 0.0, 0
        learner.total_kw += power_kw
        learner.customers += 1


def awarded_kwh(awards: Sequence[Award], start: Instant, end: Instant) -> float:
    """Energy awarded in a span [kWh]; where awards overlap, the one that was told later counts."""
    energy, open_spans = 0.0, [(start, end)]
    for first, after, power_kw in reversed(awards):
        left = []
        for begin, stop in open_spans:
            inner, outer = max(begin, first), min(stop, after)
            if inner >= outer:
                left.append((begin, stop))
                continue
            energy += power_kw * (outer - inner) / HOUR
            left += [span for span in ((begin, inner), (outer, stop)) if span[0] < span[1]]
        open_spans = left
    return energy
