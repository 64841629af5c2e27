"""Energy balance of batteries behind their inverters, all of them advanced at once."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Self

import attrs
import numpy as np

from .elementwise import FloatArray, Values, clip, hours_of
from .parameters import Parameters, bounds, each, faults_of, state


@attrs.frozen(eq=False)
class BatteryParameters(Parameters):
    """Size and losses of batteries, power counted at their grid side."""

    capacity_kwh: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Energy stored when full. [kWh]"""
    rated_kw: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Highest power of charge and of discharge. [kW]"""
    charge_efficiency: FloatArray = attrs.field(default=0.95, converter=each, metadata=bounds(above=0, at_most=1))
    """Energy stored per energy taken from the grid. [-]"""
    discharge_efficiency: FloatArray = attrs.field(default=0.95, converter=each, metadata=bounds(above=0, at_most=1))
    """Energy given to the grid per energy taken from the store. [-]"""
    reserve_kwh: FloatArray = attrs.field(default=0.0, converter=each, metadata=bounds(at_least=0))
    """Stored energy below which a battery does not discharge. [kWh]"""
    wear_per_kwh: FloatArray = attrs.field(default=0.0, converter=each, metadata=bounds(at_least=0))
    """Cost of fading per energy exchanged; DSO+T: 83 $/kWh of capacity over 3650 cycles, so 0.0114. [$/kWh]"""

    def across(self) -> Iterator[str]:
        """The reserve fits."""
        good = self.reserve_kwh <= self.capacity_kwh
        yield from faults_of("reserve_kwh", self.reserve_kwh, good, "at most capacity_kwh")


@attrs.define(eq=False)
class Batteries:
    """Batteries and the energy that they hold. Attributes may be replaced; their arrays are not written to."""

    parameters: BatteryParameters
    energy_kwh: FloatArray = attrs.field(converter=each)
    """Energy in the store. [kWh]"""

    def __attrs_post_init__(self) -> None:
        capacity_kwh = self.parameters.capacity_kwh
        self.energy_kwh = state(self.parameters, "energy_kwh", self.energy_kwh, 0.0, capacity_kwh, "kWh")

    def copy(self) -> Self:
        """The same batteries in the same state, to look ahead with."""
        return copy.copy(self)

    def step(self, duration_s: float, power_kw: Values) -> FloatArray:
        """Charge (positive) or discharge (negative) and return the power held, within `limits`. [kW]

        NaN, where there is no award, is rest.

        Raises: ValueError for a duration that is not positive.
        """
        parameters, lowest_kw, highest_kw = self.parameters, *self.limits(duration_s)
        held_kw = clip(np.where(np.isnan(power_kw), 0.0, power_kw), lowest_kw, highest_kw)
        exchanged_kwh = held_kw * hours_of(duration_s)
        charged_kwh = exchanged_kwh * parameters.charge_efficiency
        stored_kwh = np.where(exchanged_kwh > 0.0, charged_kwh, exchanged_kwh / parameters.discharge_efficiency)
        # Rounding may leave a full or empty store some 1e-16 outside.
        self.energy_kwh = clip(self.energy_kwh + stored_kwh, 0.0, parameters.capacity_kwh)
        return held_kw

    def default_kw(self) -> FloatArray:
        """Power without an award: rest. [kW]"""
        return np.zeros(self.parameters.count)

    def limits(self, duration_s: float) -> tuple[FloatArray, FloatArray]:
        """Lowest (discharge, at most 0) and highest (charge) average power that a step can hold. [kW]

        Raises: ValueError for a duration that is not positive.
        """
        parameters, hours = self.parameters, hours_of(duration_s)
        spare_kwh = parameters.reserve_kwh - self.energy_kwh
        room_kwh = parameters.capacity_kwh - self.energy_kwh
        lowest_kw = clip(spare_kwh * parameters.discharge_efficiency / hours, -parameters.rated_kw, 0.0)
        highest_kw = clip(room_kwh / (parameters.charge_efficiency * hours), 0.0, parameters.rated_kw)
        return lowest_kw, highest_kw

    def wear(self, duration_s: float, power_kw: Values) -> FloatArray:
        """Cost of the fading that a power causes in a step. [$]"""
        return self.parameters.wear_per_kwh * np.abs(power_kw) * hours_of(duration_s)
