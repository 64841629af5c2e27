"""What a retailer expects its customers to draw: by class and by customer, learned from their meters.

Near, a customer's last read; far, his own hourly profile; before he has been read, that of his class. What the market
has awarded at his usage point is taken off first: it is known already, and the rest is what the retailer has to expect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
import numpy as np

from ....kernel import HOUR, Calendar, Duration, Instant
from ..customers.points import BoolArray, FloatArray, Instants, Places, room_for
from ..week import local_hours
from .awards import NEVER, Awards
from .profile import HourlyProfile, HourlyProfiles


@attrs.define
class _Class:
    """A class learns from the average customer, when an interval has been read of all."""

    profile: HourlyProfile
    interval: tuple[Instant, Duration] | None = None
    total_kw: float = 0.0
    customers: int = 0


@attrs.define
class _Customers:
    """What is known of the customer at each place; a row for those whom nobody has enrolled means nothing."""

    class_number: Places = attrs.field(factory=lambda: np.zeros(0, dtype=np.intp))
    has_profile: BoolArray = attrs.field(factory=lambda: np.zeros(0, dtype=bool))
    """Whether he has a profile of his own, as he has from the first read on; it begins like that of his class."""
    read_until: Instants = attrs.field(factory=lambda: np.zeros(0, dtype=np.int64))
    """End of the last interval that was read."""
    last_kw: FloatArray = attrs.field(factory=lambda: np.zeros(0))
    """The load in it without what was awarded. [kW]"""
    profiles: HourlyProfiles = attrs.field(factory=HourlyProfiles)

    def begin(self, place: int, class_number: int) -> None:
        """Let somebody be the customer at a place."""
        self.class_number = room_for(self.class_number, place + 1, 0)
        self.has_profile = room_for(self.has_profile, place + 1, False)
        self.read_until = room_for(self.read_until, place + 1, NEVER)
        self.last_kw = room_for(self.last_kw, place + 1, 0.0)
        self.class_number[place], self.has_profile[place], self.read_until[place] = class_number, False, NEVER


@attrs.define
class LoadForecast:
    """Expected load of usage points, which are known by their places, beyond what a market has awarded there."""

    calendar: Calendar
    profiles: Mapping[str, HourlyProfile]
    """Profile of each class to begin with; the one that is called empty is for all other classes."""
    smoothing: float = 0.2
    """Weight of an hour's load in the profile of that hour."""
    near: Duration = HOUR
    """How far after the last read that read is the best guess."""
    _classes: dict[str, _Class] = attrs.field(factory=dict, init=False)
    _class_names: list[str] = attrs.field(factory=list, init=False)
    """By number."""
    _customers: _Customers = attrs.field(factory=_Customers, init=False)
    _awards: Awards = attrs.field(factory=Awards, init=False)

    def enrol(self, place: int, customer_class: str) -> None:
        """Take a customer in, or another who has moved there: of him nothing is known but his class."""
        if customer_class not in self._class_names:
            self._class_names.append(customer_class)
        self._customers.begin(place, self._class_names.index(customer_class))
        self._awards.withdraw(place)

    def award(self, places: Places, start: Instant, length: Duration, power_kw: FloatArray) -> None:
        """Take note of what a market has awarded; it replaces what an earlier market has."""
        self._awards.enter(places, start, length, power_kw)

    def read(self, places: Places, start: Instant, duration: Duration, energy_kwh: FloatArray) -> FloatArray:
        """Learn from the reads of an interval, one a usage point; returns the loads without what was awarded [kW].

        A read of an interval that is over longer than the last one read, as a revision is, teaches nothing.
        """
        power_kw = (energy_kwh - self._awards.energy_kwh(places, start, start + duration)) * HOUR / duration
        is_news = start >= self._customers.read_until[places]
        if is_news.any():
            self._learn(places[is_news], start, duration, power_kw[is_news])
            self._awards.forget(self._customers.read_until, start)
        return power_kw

    def expected_kw(self, places: Places, start: Instant, length: Duration) -> FloatArray:
        """Expected loads in an interval [kW]."""
        there, hours = self._customers, local_hours(self.calendar, start, length)
        expected = there.last_kw[places]
        is_far = there.read_until[places] < start - self.near
        own = is_far & there.has_profile[places]
        expected[own] = there.profiles.over(places[own], hours)
        for name, chosen in self.by_class(places):
            expected[chosen & is_far & ~own] = self._class(name).profile.over(hours)
        return expected

    def class_kw(self, customer_class: str, start: Instant, length: Duration) -> float:
        """Expected load of an average customer of a class in an interval [kW]."""
        return self._class(customer_class).profile.over(local_hours(self.calendar, start, length))

    def by_class(self, places: Places) -> Iterator[tuple[str, BoolArray]]:
        """Each class that customers are in, and which of the places are theirs."""
        numbers = self._customers.class_number[places]
        for number, name in enumerate(self._class_names):
            if (chosen := numbers == number).any():
                yield name, chosen

    def _class(self, name: str) -> _Class:
        if name not in self._classes:
            given = self.profiles.get(name, self.profiles.get(""))
            self._classes[name] = _Class(HourlyProfile.given((0.0,) * 24) if given is None else given.copy())
        return self._classes[name]

    def _learn(self, places: Places, start: Instant, duration: Duration, power_kw: FloatArray) -> None:
        there, hours = self._customers, local_hours(self.calendar, start, duration)
        there.read_until[places], there.last_kw[places] = start + duration, power_kw
        for name, chosen in self.by_class(places):
            learner = self._learned(name, (start, duration))
            learner.total_kw += float(power_kw[chosen].sum())
            learner.customers += int(chosen.sum())
            there.profiles.begin(places[chosen & ~there.has_profile[places]], learner.profile)
        there.has_profile[places] = True
        there.profiles.learn(places, hours, duration, power_kw, self.smoothing)

    def _learned(self, name: str, interval: tuple[Instant, Duration]) -> _Class:
        """A class that has learned from the last interval, when the next begins."""
        learner = self._class(name)
        if learner.interval != interval:
            if learner.interval is not None:
                hours = local_hours(self.calendar, *learner.interval)
                average_kw = learner.total_kw / learner.customers
                learner.profile.learn(hours, learner.interval[1], average_kw, self.smoothing)
            learner.interval, learner.total_kw, learner.customers = interval, 0.0, 0
        return learner
