"""Trips of many vehicles: when they leave, when they are back, and what they use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import attrs
import numpy as np

from ...kernel import HOUR, Instant
from .elementwise import BoolArray, FloatArray, IntArray
from .parameters import Parameters, bounds, each, each_whole, faults_of, raise_faults

NEVER = np.iinfo(np.int64).max
"""Departure of a vehicle that stays. [ns]"""


@attrs.frozen(eq=False)
class TripParameters(Parameters):
    """Trips in any order, as arrays of shape (m,); a vehicle's own do not overlap."""

    vehicle: IntArray = attrs.field(converter=each_whole, metadata=bounds(at_least=0))
    """Number of the vehicle."""
    departure: IntArray = attrs.field(converter=each_whole)
    """Instant at which it leaves. [ns]"""
    arrival: IntArray = attrs.field(converter=each_whole)
    """Instant at which it is back. [ns]"""
    energy_kwh: FloatArray = attrs.field(converter=each, metadata=bounds(at_least=0))
    """Energy that the trip takes from the store. [kWh]"""
    required_kwh: FloatArray = attrs.field(converter=each, metadata=bounds(at_least=0))
    """Energy that is wanted in the store at departure. [kWh]"""

    def across(self) -> Iterator[str]:
        """A vehicle is back before it leaves again."""
        yield from faults_of("arrival", self.arrival, self.arrival > self.departure, "an instant after departure")
        order = np.lexsort((self.departure, self.vehicle))
        is_same = self.vehicle[order][1:] == self.vehicle[order][:-1]
        good = ~is_same | (self.departure[order][1:] >= self.arrival[order][:-1])
        yield from faults_of("departure", self.departure[order][1:], good, "an instant after the trip before")


@attrs.frozen(eq=False)
class Phase:
    """Part of a step until a vehicle leaves, comes home or the step ends: for each its own, arrays of shape (n,)."""

    home_h: FloatArray
    """Time at home from the start of the step to the end of the phase. [h]"""
    used_kwh: FloatArray
    """Energy of the trips begun in the step before the phase. [kWh]"""
    trip_kwh: FloatArray
    """Energy of the trip that begins at the end of the phase, or 0. [kWh]"""
    required_kwh: FloatArray
    """Energy that is wanted in the store at the end of the phase, or minus infinity. [kWh]"""


@attrs.frozen(eq=False)
class Whereabouts:
    """Where vehicles are at an instant; arrays of shape (n,)."""

    trip: IntArray
    """Place in `Trips` of the trip that a vehicle is on, or else of its next one."""
    is_away: BoolArray
    """Whether it is on that trip."""


@attrs.frozen(eq=False)
class Trips:
    """Trips sorted by vehicle and departure, with one at the end of each vehicle's that never begins.

    Arrays of shape (m + n,), all as in `TripParameters`; `first`, of shape (n,), is where each vehicle's begin.
    """

    first: IntArray
    departure: IntArray
    arrival: IntArray
    energy_kwh: FloatArray
    required_kwh: FloatArray

    @classmethod
    def of(cls, count: int, trips: TripParameters) -> Self:
        """The trips of a number of vehicles.

        Raises: ValueError for a trip of a vehicle that is not one of them.
        """
        raise_faults(faults_of("vehicle", trips.vehicle, trips.vehicle < count, f"a number below {count}"))
        vehicle = np.concatenate([trips.vehicle, np.arange(count)])
        last, nothing = np.full(count, NEVER), np.zeros(count)
        departure = np.concatenate([trips.departure, last])
        order = np.lexsort((departure, vehicle))
        return cls(
            first=np.searchsorted(vehicle[order], np.arange(count)),
            departure=departure[order],
            arrival=np.concatenate([trips.arrival, last])[order],
            energy_kwh=np.concatenate([trips.energy_kwh, nothing])[order],
            required_kwh=np.concatenate([trips.required_kwh, nothing])[order],
        )

    def phases(self, at: Whereabouts, start: Instant, stop: Instant) -> tuple[list[Phase], Whereabouts]:
        """What happens from one instant until before another, and where the vehicles are then.

        As many phases as the busiest vehicle needs; those of the others have no length.
        """
        phases: list[Phase] = []
        since = np.full(len(self.first), start)
        home_h = used_kwh = np.zeros(len(self.first))
        while True:
            event = np.where(at.is_away, self.arrival[at.trip], self.departure[at.trip])
            happens = event < stop
            until = np.where(happens, event, stop)
            home_h = home_h + np.where(at.is_away, 0.0, (until - since) / HOUR)
            leaves = happens & ~at.is_away
            trip_kwh = np.where(leaves, self.energy_kwh[at.trip], 0.0)
            phases.append(Phase(home_h, used_kwh, trip_kwh, np.where(leaves, self.required_kwh[at.trip], -np.inf)))
            if not happens.any():
                return phases, at
            used_kwh, since = used_kwh + trip_kwh, until
            at = Whereabouts(at.trip + (happens & at.is_away), at.is_away ^ happens)
