"""Electric vehicles, as fleets see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from ...kernel import HOUR, Instant
from ..customers import Customer, Trip, trips
from ..models.electric_vehicles import ElectricVehicleParameters, ElectricVehicles
from ..models.trips import TripParameters, Trips
from ..planning import electric_vehicle as planning
from ..planning.bids import Response
from ..planning.plans import Plan
from ..surroundings import FloatArray, Surroundings
from .kind import Interval

PLANNED_DAYS = 3
"""Days after the end of a run whose trips are made, for plans that reach beyond it."""


@attrs.frozen(eq=False)
class _Ahead:
    """Presence and trips of vehicles in hours to come; shape (n_vehicles, n_hours)."""

    is_home: NDArray[np.bool_]
    departs: NDArray[np.bool_]
    trip_kwh: FloatArray
    required_kwh: FloatArray


@attrs.define(eq=False)
class VehicleKind:
    """Vehicles."""

    physics: ElectricVehicles
    preferences: planning.VehiclePreferences

    @classmethod
    def build(cls, customers: Sequence[Customer], surroundings: Surroundings) -> Self:
        """Vehicles at home, with what their next trip wants in the store, or half full."""
        parameters = ElectricVehicleParameters.from_each([each.electric_vehicle for each in customers])
        calendar = surroundings.calendar
        first_day = calendar.local(0).date()
        days = (calendar.local(surroundings.stop).date() - first_day).days + PLANNED_DAYS
        made = [
            trip
            for number, each in enumerate(customers)
            for trip in trips(each, first_day, days, calendar, vehicle=number)
            if trip.departure >= 0
        ]
        wanted_kwh = np.zeros(len(customers))
        for trip in reversed(made):
            wanted_kwh[trip.vehicle] = trip.required_kwh
        start_kwh = np.minimum(np.maximum(wanted_kwh, 0.5 * parameters.capacity_kwh), parameters.capacity_kwh)
        physics = ElectricVehicles(parameters, Trips.of(len(customers), _parameters(made)), start_kwh)
        return cls(physics, planning.VehiclePreferences(np.array([each.device_slider for each in customers])))

    def copy(self) -> Self:
        """The same vehicles in the same state."""
        return attrs.evolve(self, physics=self.physics.copy())

    def step(self, interval: Interval, power_kw: FloatArray) -> None:
        """Let an interval pass."""
        self.physics.step(interval.duration_s, interval.local_hour, power_kw)

    def default_kw(self, interval: Interval) -> FloatArray:
        """What the timers charge."""
        return self.physics.default_kw(interval.duration_s, interval.local_hour)

    def limits_kw(self, interval: Interval) -> tuple[FloatArray, FloatArray]:
        """What leaves the next departure its energy."""
        return self.physics.limits(interval.duration_s)

    def plan(self, start: Instant, price_per_kwh: FloatArray, _: Surroundings) -> Plan:
        """The best course of the day, by whole hours at home."""
        ahead = self._ahead(start, len(price_per_kwh))
        full_kwh = (self.preferences.full_share * self.physics.parameters.capacity_kwh)[:, np.newaxis]
        return planning.plan(
            self.physics.parameters,
            self.preferences,
            price_per_kwh=price_per_kwh,
            is_home=ahead.is_home,
            departs=ahead.departs,
            trip_kwh=ahead.trip_kwh,
            departure_kwh=np.minimum(ahead.required_kwh, full_kwh),
            start_kwh=self.physics.energy_kwh,
        )

    def response(self, start: Instant, price_per_kwh: FloatArray, *, real_time: bool) -> Response:
        """How bids depart from the plan, while at home."""
        is_home = self._ahead(start, 1 if real_time else len(price_per_kwh)).is_home
        return planning.response(
            self.physics.parameters, self.preferences, price_per_kwh, is_home=is_home, real_time=real_time
        )

    def _ahead(self, start: Instant, hours: int) -> _Ahead:
        at, absences, columns = self.physics.whereabouts, self.physics.trips, []
        _, at = absences.phases(at, self.physics.now, start) if start > self.physics.now else (None, at)
        for hour in range(start, start + hours * HOUR, HOUR):
            phases, at = absences.phases(at, hour, hour + HOUR)
            trip_kwh = np.maximum.reduce([phase.trip_kwh for phase in phases])
            required_kwh = np.maximum.reduce([phase.required_kwh for phase in phases])
            columns.append(
                (
                    phases[-1].home_h >= 1.0,
                    required_kwh > -np.inf,
                    trip_kwh,
                    np.maximum(required_kwh, 0.0),
                )
            )
        return _Ahead(*(np.stack(side, axis=1) for side in zip(*columns, strict=True)))


def _parameters(made: Sequence[Trip]) -> TripParameters:
    return TripParameters(
        vehicle=np.array([trip.vehicle for trip in made], dtype=np.int64),
        departure=np.array([trip.departure for trip in made], dtype=np.int64),
        arrival=np.array([trip.arrival for trip in made], dtype=np.int64),
        energy_kwh=np.array([trip.energy_kwh for trip in made]),
        required_kwh=np.array([trip.required_kwh for trip in made]),
    )
