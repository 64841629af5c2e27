"""Electric vehicles that charge at home between trips, and may give back, all of them advanced at once."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Self

import attrs
import numpy as np

from ...kernel import HOUR, Instant, seconds
from .elementwise import FloatArray, Values, clip, hours_of
from .parameters import Parameters, bounds, each, faults_of, state
from .trips import Phase, Trips, Whereabouts


@attrs.frozen(eq=False)
class ElectricVehicleParameters(Parameters):
    """Stores and chargers of vehicles, power counted at the grid's side."""

    capacity_kwh: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Energy stored when full. [kWh]"""
    charge_rated_kw: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Highest power of charge. [kW]"""
    discharge_rated_kw: FloatArray = attrs.field(default=0.0, converter=each, metadata=bounds(at_least=0))
    """Highest power of discharge; 0 is a charger that only charges (V1G), more is V2G. [kW]"""
    charge_efficiency: FloatArray = attrs.field(default=0.9, converter=each, metadata=bounds(above=0, at_most=1))
    """Energy stored per energy taken from the grid. [-]"""
    discharge_efficiency: FloatArray = attrs.field(default=0.9, converter=each, metadata=bounds(above=0, at_most=1))
    """Energy given to the grid per energy taken from the store. [-]"""
    reserve_kwh: FloatArray = attrs.field(default=0.0, converter=each, metadata=bounds(at_least=0))
    """Stored energy below which a vehicle does not discharge at home. [kWh]"""
    timer_start_h: FloatArray = attrs.field(default=0.0, converter=each, metadata=bounds(at_least=0, at_most=24))
    """Local hour from which on a charger without an award charges. [h]"""
    timer_stop_h: FloatArray = attrs.field(default=24.0, converter=each, metadata=bounds(at_least=0, at_most=24))
    """Local hour at which it stops, past midnight if before the start; 0 to 24 is uncontrolled charging. [h]"""

    def across(self) -> Iterator[str]:
        """The reserve fits."""
        good = self.reserve_kwh <= self.capacity_kwh
        yield from faults_of("reserve_kwh", self.reserve_kwh, good, "at most capacity_kwh")


@attrs.define(eq=False)
class ElectricVehicles:
    """Vehicles, the energy that they hold, and where they are; at home at instant `now`, before all later trips.

    Power flows at one level while a vehicle is at home, so that its average over a step in which it leaves or comes
    home is less. A trip takes its energy at departure. Attributes may be replaced; their arrays are not written to.
    """

    parameters: ElectricVehicleParameters
    trips: Trips = attrs.field()
    energy_kwh: FloatArray = attrs.field(converter=each)
    """Energy in the store. [kWh]"""
    now: Instant = 0
    """End of the last step. [ns]"""
    whereabouts: Whereabouts = attrs.field(init=False)
    """On which trips they are, or go next."""
    missing_kwh: FloatArray = attrs.field(init=False)
    """Energy of trips that the store did not hold: taken on the way. [kWh]"""

    def __attrs_post_init__(self) -> None:
        parameters = self.parameters
        self.energy_kwh = state(parameters, "energy_kwh", self.energy_kwh, 0.0, parameters.capacity_kwh, "kWh")
        self.missing_kwh = np.zeros(parameters.count)
        self.whereabouts = Whereabouts(self.trips.first, np.zeros(parameters.count, dtype=np.bool_))

    def copy(self) -> Self:
        """The same vehicles in the same state, to look ahead with."""
        return copy.copy(self)

    def step(self, duration_s: float, local_hour: float, power_kw: Values = math.nan) -> FloatArray:
        """Advance all vehicles and return the average power held, within what charger and store can. [kW]

        NaN, where there is no award, is `default_kw`. A power within `limits` keeps the energy of the next departure;
        the step itself does not insist on it, as a network limit may come first.

        Raises: ValueError for a duration that is not positive.
        """
        course = _Course(self, duration_s)
        asked_kw = np.where(np.isnan(power_kw), self._default_kw(course, local_hour), power_kw)
        held_kw = clip(asked_kw, *course.possible_kw())
        stored_kw, since_h = course.stored_kw(held_kw), np.zeros(self.parameters.count)
        for phase in course.phases:
            level_kwh = self.energy_kwh + stored_kw * (phase.home_h - since_h)
            # Rounding may leave a full or empty store some 1e-16 outside.
            left_kwh = clip(level_kwh, 0.0, self.parameters.capacity_kwh) - phase.trip_kwh
            self.energy_kwh = clip(left_kwh, 0.0, math.inf)
            self.missing_kwh = self.missing_kwh + (self.energy_kwh - left_kwh)
            since_h = phase.home_h
        self.whereabouts, self.now = course.whereabouts, course.stop
        return held_kw

    def default_kw(self, duration_s: float, local_hour: float) -> FloatArray:
        """Average power without an award: all that goes within the timer's hours, else what departure needs. [kW]"""
        return self._default_kw(_Course(self, duration_s), local_hour)

    def limits(self, duration_s: float) -> tuple[FloatArray, FloatArray]:
        """Least and most average power of a step after which the next departure still has its energy. [kW]

        The least is all that goes where even that does not suffice, and is below 0 where V2G may discharge.
        """
        return _Course(self, duration_s).limits()

    def _default_kw(self, course: _Course, local_hour: float) -> FloatArray:
        start_h, stop_h = self.parameters.timer_start_h, self.parameters.timer_stop_h
        is_after, is_before = start_h <= local_hour, local_hour < stop_h
        is_on = np.where(start_h <= stop_h, is_after & is_before, is_after | is_before)
        least_kw, most_kw = course.limits()
        return np.where(is_on, most_kw, clip(0.0, least_kw, most_kw))


class _Course:
    """What a step of some length lets vehicles in their present state store, at a level that is constant at home."""

    def __init__(self, vehicles: ElectricVehicles, duration_s: float) -> None:
        self.vehicles, self.parameters, self.hours = vehicles, vehicles.parameters, hours_of(duration_s)
        self.stop = vehicles.now + seconds(duration_s)
        self.phases, self.whereabouts = vehicles.trips.phases(vehicles.whereabouts, vehicles.now, self.stop)
        self.home_h = self.phases[-1].home_h
        self._possible = self._possible_stored_kw()

    def possible_kw(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest average power that charger and store can hold. [kW]"""
        return self._average_kw(self._possible[0]), self._average_kw(self._possible[1])

    def limits(self) -> tuple[FloatArray, FloatArray]:
        """As `possible_kw`, with the energy of the departures in the step and of the next one kept."""
        lowest_kw, highest_kw = self._possible
        return self._average_kw(clip(self._required_stored_kw(), lowest_kw, highest_kw)), self._average_kw(highest_kw)

    def stored_kw(self, average_kw: FloatArray) -> FloatArray:
        """Energy stored per time at home. [kW]"""
        parameters = self.parameters
        level_kw = average_kw * self.hours / np.where(self.home_h > 0.0, self.home_h, 1.0)
        charged_kw = level_kw * parameters.charge_efficiency
        return np.where(level_kw > 0.0, charged_kw, level_kw / parameters.discharge_efficiency)

    def _average_kw(self, stored_kw: FloatArray) -> FloatArray:
        """Average power at the grid's side over the whole step. [kW]"""
        parameters = self.parameters
        charge_kw = stored_kw / parameters.charge_efficiency
        level_kw = np.where(stored_kw > 0.0, charge_kw, stored_kw * parameters.discharge_efficiency)
        return level_kw * (self.home_h / self.hours) + 0.0

    def _possible_stored_kw(self) -> tuple[FloatArray, FloatArray]:
        parameters, energy_kwh = self.parameters, self.vehicles.energy_kwh
        highest_kw = parameters.charge_rated_kw * parameters.charge_efficiency
        lowest_kw = -parameters.discharge_rated_kw / parameters.discharge_efficiency
        # What trips take at least: less than they need from a store that does not hold it.
        taken_kwh = np.zeros(parameters.count)
        for phase in self.phases:
            highest_kw = np.minimum(highest_kw, self._level_kw(phase, parameters.capacity_kwh - energy_kwh + taken_kwh))
            floor_kw = self._level_kw(phase, parameters.reserve_kwh - energy_kwh + taken_kwh)
            lowest_kw = clip(floor_kw, lowest_kw, 0.0)
            taken_kwh = taken_kwh + clip(energy_kwh - taken_kwh + lowest_kw * phase.home_h, 0.0, phase.trip_kwh)
        return lowest_kw, highest_kw

    def _required_stored_kw(self) -> FloatArray:
        """Least level that gives each departure its energy, or lets it be given in the time that is left. [kW]"""
        parameters, at, trips = self.parameters, self.whereabouts, self.vehicles.trips
        left_h = (trips.departure[at.trip] - self.stop) / HOUR
        later_kwh = trips.required_kwh[at.trip] - parameters.charge_rated_kw * parameters.charge_efficiency * left_h
        wanted_kwh = [phase.required_kwh for phase in self.phases[:-1]]
        level_kw = np.full(parameters.count, -np.inf)
        for phase, kwh in zip(self.phases, [*wanted_kwh, np.where(at.is_away, -np.inf, later_kwh)], strict=True):
            missing_kwh = kwh - self.vehicles.energy_kwh + phase.used_kwh
            level_kw = np.maximum(level_kw, self._level_kw(phase, missing_kwh, otherwise=-np.inf))
        return level_kw

    def _level_kw(self, phase: Phase, change_kwh: FloatArray, otherwise: float = math.inf) -> FloatArray:
        """Level that has stored so much by the end of a phase; otherwise, if there was no time at home. [kW]"""
        is_home = phase.home_h > 0.0
        return np.where(is_home, change_kwh / np.where(is_home, phase.home_h, 1.0), otherwise)
