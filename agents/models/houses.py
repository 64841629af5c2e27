"""Two-node thermal models of houses with cooling and heating, all of them advanced at once."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Self

import attrs
import numpy as np

from .air_conditioning import AirConditioningParameters, Cooling, Heating, cooling, heating
from .elementwise import BoolArray, FloatArray, Values, clip, hours_of, parts_of
from .parameters import Parameters, bounds, each, faults_of, raise_faults, state
from .two_nodes import TwoNodes, two_nodes

CYCLE_S = 60.0
"""A thermostat decides at least so often; a compressor does not follow faster. [s]"""
MOST_SOLUTIONS = 6
"""Lengths of steps for which the solution is kept: intervals, hours and their parts."""


@attrs.frozen(eq=False)
class HouseParameters(Parameters):
    """Envelope and gains of houses; the equivalent thermal parameters (ETP).

    Source: R. G. Pratt and Z. T. Taylor, Development and Testing of an Equivalent Thermal Parameter Model
    of Commercial Buildings from Time-Series End-Use Data, PNL, 1994; GridLAB-D's residential house_e.
    """

    ua_kw_per_c: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Conductance from the indoor air to outdoors, air exchange included. [kW/degC]"""
    air_capacity_kwh_per_c: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Heat capacity of the air and what follows it at once. [kWh/degC]"""
    mass_coupling_kw_per_c: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Conductance between the air and the mass. [kW/degC]"""
    mass_capacity_kwh_per_c: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Heat capacity of walls, floors and furniture. [kWh/degC]"""
    solar_aperture_m2: FloatArray = attrs.field(converter=each, metadata=bounds(at_least=0))
    """Heat gain by unit of global horizontal irradiance. [m2]"""
    internal_gain_kw: FloatArray = attrs.field(converter=each, metadata=bounds(at_least=0))
    """Heat of people and appliances. [kW]"""
    mass_gain_fraction: FloatArray = attrs.field(default=0.5, converter=each, metadata=bounds(at_least=0, at_most=1))
    """Share of solar and internal gains that heats the mass, as in GridLAB-D by default; the rest heats the air. [-]"""


@attrs.frozen(eq=False)
class ThermostatParameters(Parameters):
    """Set-points of houses, and how far from them their people let a market take the air."""

    cooling_setpoint_c: FloatArray = attrs.field(converter=each)
    """Air temperature that cooling holds. [degC]"""
    heating_setpoint_c: FloatArray = attrs.field(converter=each)
    """Air temperature that heating holds. [degC]"""
    deadband_c: FloatArray = attrs.field(default=1.1, converter=each, metadata=bounds(above=0))
    """Between switching on and off, half of it on either side of the set-point. [degC]"""
    setback_c: FloatArray = attrs.field(default=2.0, converter=each, metadata=bounds(at_least=0))
    """How much warmer than the cooling set-point it may be, or colder than the heating set-point. [degC]"""
    preconditioning_c: FloatArray = attrs.field(default=1.2, converter=each, metadata=bounds(at_least=0))
    """How much the air may be cooled below the cooling set-point, or heated above the heating set-point. [degC]"""

    def across(self) -> Iterator[str]:
        """The deadbands of the two set-points do not overlap."""
        gap_c = self.cooling_setpoint_c - self.heating_setpoint_c
        expected = "at least deadband_c below cooling_setpoint_c"
        yield from faults_of("heating_setpoint_c", self.heating_setpoint_c, gap_c >= self.deadband_c, expected)


@attrs.define(eq=False)
class Houses:
    """Houses and the temperatures in them; a power is electric, and cools or heats as the thermostat's mode is.

    The mode changes when the air leaves the deadband of the other set-point. Inputs are constant within a step, for
    which the solution is exact, whatever its length. Environment: `outdoor_c` [degC] and `solar_kw_per_m2`, global
    horizontal [kW/m2], each one value or of shape (n,). Attributes may be replaced; their arrays are not written to.
    """

    parameters: HouseParameters
    equipment: AirConditioningParameters
    thermostats: ThermostatParameters
    air_temperature_c: FloatArray = attrs.field(converter=each)
    """Indoor air. [degC]"""
    mass_temperature_c: FloatArray = attrs.field(converter=each)
    """Walls, floors and furniture; starts at the air's temperature unless told. [degC]"""
    is_heating: BoolArray = attrs.field(init=False)
    """The thermostat's mode: heating, or else cooling."""
    is_on: BoolArray = attrs.field(init=False)
    """Whether the thermostat has switched on."""
    _solutions: dict[float, TwoNodes] = attrs.field(factory=dict, init=False, repr=False)

    @mass_temperature_c.default
    def _start_at_air_temperature(self) -> FloatArray:
        return self.air_temperature_c

    def __attrs_post_init__(self) -> None:
        counts = {name: getattr(self, name).count for name in ("parameters", "equipment", "thermostats")}
        raise_faults([f"expected as many of each, got {counts}"] if len(set(counts.values())) > 1 else [])
        for name in ("air_temperature_c", "mass_temperature_c"):
            setattr(self, name, state(self.parameters, name, getattr(self, name), -100.0, 100.0, "degC"))
        middle_c = 0.5 * (self.thermostats.cooling_setpoint_c + self.thermostats.heating_setpoint_c)
        self.is_heating = self._mode(self.air_temperature_c < middle_c)
        self.is_on = np.zeros(self.parameters.count, dtype=np.bool_)

    def copy(self) -> Self:
        """The same houses in the same state, to look ahead with."""
        return copy.copy(self)

    def step(
        self, duration_s: float, outdoor_c: Values, solar_kw_per_m2: Values, power_kw: Values = math.nan
    ) -> FloatArray:
        """Advance all houses and return the electric power drawn, within what the equipment can. [kW]

        NaN leaves a house to its thermostat, which cycles in its deadband: `default_kw` is its average power.

        Raises: ValueError for a duration that is not positive.
        """
        asked_kw = np.broadcast_to(power_kw, self.parameters.count)
        is_free = np.isnan(asked_kw)
        if not is_free.any():
            return self._hold(duration_s, outdoor_c, solar_kw_per_m2, asked_kw)
        left_alone = self.copy()
        cycled_kw = left_alone._cycle(duration_s, outdoor_c, solar_kw_per_m2)
        held_kw = self._hold(duration_s, outdoor_c, solar_kw_per_m2, np.where(is_free, 0.0, asked_kw))
        for name in ("air_temperature_c", "mass_temperature_c", "is_heating", "is_on"):
            setattr(self, name, np.where(is_free, getattr(left_alone, name), getattr(self, name)))
        return np.where(is_free, cycled_kw, held_kw)

    def default_kw(self, duration_s: float, outdoor_c: Values, solar_kw_per_m2: Values) -> FloatArray:
        """Average power over a step in which the thermostat switches on and off. [kW]"""
        return self.copy()._cycle(duration_s, outdoor_c, solar_kw_per_m2)

    def limits(self, duration_s: float, outdoor_c: Values, solar_kw_per_m2: Values) -> tuple[FloatArray, FloatArray]:
        """Least and most power with which the air ends the step within comfort, as far as there are such. [kW]"""
        settings, is_heating = self.thermostats, self.is_heating
        relaxed_c = np.where(
            is_heating,
            settings.heating_setpoint_c - settings.setback_c,
            settings.cooling_setpoint_c + settings.setback_c,
        )
        intense_c = np.where(
            is_heating,
            settings.heating_setpoint_c + settings.preconditioning_c,
            settings.cooling_setpoint_c - settings.preconditioning_c,
        )
        least_kw, most_kw = self.power_for(np.stack([relaxed_c, intense_c]), duration_s, outdoor_c, solar_kw_per_m2)
        return least_kw, most_kw

    def power_for(self, target_c: Values, duration_s: float, outdoor_c: Values, solar_kw_per_m2: Values) -> FloatArray:
        """Power, within what the equipment can, that brings the air to a target at the step's end. [kW]

        Targets of shape (n,), or (m, n) for m of each house; powers likewise.
        """
        solution = self._solution(duration_s)
        unmoved_c, _ = self._advanced(solution, outdoor_c, solar_kw_per_m2, 0.0)
        rise_c_per_kw = self._rise_c_per_kw(solution)
        cools, heats = cooling(self.equipment, outdoor_c), heating(self.equipment, outdoor_c)
        # A furnace does what it can for its set-point, and nothing beyond.
        furnace_kw = np.where(target_c > self.thermostats.heating_setpoint_c, 0.0, self.equipment.furnace_kw)
        missing_kw = (target_c - unmoved_c) / rise_c_per_kw - np.where(self.is_heating, furnace_kw, 0.0)
        return np.where(self.is_heating, heats.power_kw(missing_kw), clip(-missing_kw / cools.cop, 0.0, cools.most_kw))

    def _hold(self, duration_s: float, outdoor_c: Values, solar_kw_per_m2: Values, power_kw: FloatArray) -> FloatArray:
        """Advance with a constant power, and with what a furnace adds to hold its set-point."""
        solution = self._solution(duration_s)
        cools, heats = cooling(self.equipment, outdoor_c), heating(self.equipment, outdoor_c)
        held_kw = clip(power_kw, 0.0, np.where(self.is_heating, heats.most_kw, cools.most_kw))
        heat_kw = np.where(self.is_heating, heats.heat_kw(held_kw), -cools.cop * held_kw)
        air_c, mass_c = self._advanced(solution, outdoor_c, solar_kw_per_m2, heat_kw)
        rise_c_per_kw = self._rise_c_per_kw(solution)
        furnace_kw = self._furnace_kw(air_c, rise_c_per_kw)
        if furnace_kw.any():
            air_c, mass_c = self._advanced(solution, outdoor_c, solar_kw_per_m2, heat_kw + furnace_kw)
        self._settle(air_c, mass_c, held_kw > 0.0)
        return held_kw

    def _cycle(self, duration_s: float, outdoor_c: Values, solar_kw_per_m2: Values) -> FloatArray:
        """Advance under the thermostat, which decides at the start of equal parts of the step."""
        parts = parts_of(duration_s, CYCLE_S)
        solution = self._solution(duration_s / parts)
        cools, heats = cooling(self.equipment, outdoor_c), heating(self.equipment, outdoor_c)
        total_kw = np.zeros(self.parameters.count)
        for _ in range(parts):
            self.is_on, error_c = self._switched()
            power_kw, heat_kw = self._running(cools, heats, error_c)
            air_c, mass_c = self._advanced(solution, outdoor_c, solar_kw_per_m2, heat_kw)
            self._settle(air_c, mass_c, self.is_on)
            total_kw += power_kw
        return total_kw / parts

    def _switched(self) -> tuple[BoolArray, FloatArray]:
        """Whether the thermostat is on now, and how far the air is on the wrong side of the set-point. [degC]"""
        settings, air_c = self.thermostats, self.air_temperature_c
        error_c = np.where(self.is_heating, settings.heating_setpoint_c - air_c, air_c - settings.cooling_setpoint_c)
        half_c = 0.5 * settings.deadband_c
        return (error_c > half_c) | (self.is_on & (error_c > -half_c)), error_c

    def _running(self, cools: Cooling, heats: Heating, error_c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Power and heat of what is on; resistance helps a heat pump a deadband below where that starts. [kW]"""
        is_helped = (heats.heat_pump_kw == 0.0) | (error_c > 1.5 * self.thermostats.deadband_c)
        heating_kw = heats.heat_pump_kw + np.where(is_helped, heats.resistance_kw, 0.0)
        power_kw = np.where(self.is_heating, heating_kw, cools.most_kw)
        heat_kw = np.where(
            self.is_heating, heats.heat_kw(heating_kw) + self.equipment.furnace_kw, -cools.cop * cools.most_kw
        )
        return np.where(self.is_on, power_kw, 0.0), np.where(self.is_on, heat_kw, 0.0)

    def _furnace_kw(self, air_c: FloatArray, rise_c_per_kw: FloatArray) -> FloatArray:
        """What a furnace gives for the air to end the step at its set-point. [kW]"""
        missing_kw = (self.thermostats.heating_setpoint_c - air_c) / rise_c_per_kw
        return np.where(self.is_heating, clip(missing_kw, 0.0, self.equipment.furnace_kw), 0.0)

    def _settle(self, air_c: FloatArray, mass_c: FloatArray, is_on: BoolArray) -> None:
        self.air_temperature_c, self.mass_temperature_c = air_c, mass_c
        mode = self._mode(self.is_heating)
        self.is_on = is_on & (mode == self.is_heating)
        self.is_heating = mode

    def _mode(self, is_heating: BoolArray) -> BoolArray:
        """The mode after the present one, of those that the house is equipped for."""
        settings, equipment, air_c = self.thermostats, self.equipment, self.air_temperature_c
        half_c = 0.5 * settings.deadband_c
        is_cold, is_warm = air_c < settings.heating_setpoint_c - half_c, air_c > settings.cooling_setpoint_c + half_c
        has_heating = equipment.heat_pump_rated_kw + equipment.resistance_kw + equipment.furnace_kw > 0.0
        mode: BoolArray = has_heating & (((is_heating | is_cold) & ~is_warm) | (equipment.cooling_rated_kw == 0.0))
        return mode

    def _advanced(
        self, solution: TwoNodes, outdoor_c: Values, solar_kw_per_m2: Values, heat_kw: Values
    ) -> tuple[FloatArray, FloatArray]:
        """Air and mass after a step with a heat into the air. [degC]"""
        parameters = self.parameters
        gain_kw = parameters.internal_gain_kw + parameters.solar_aperture_m2 * solar_kw_per_m2
        mass_gain_kw = parameters.mass_gain_fraction * gain_kw
        # Temperatures above outdoors, where the house rests without gains.
        air_over_c, mass_over_c = solution.advanced(
            self.air_temperature_c - outdoor_c,
            self.mass_temperature_c - outdoor_c,
            (gain_kw - mass_gain_kw + heat_kw) / parameters.air_capacity_kwh_per_c,
            mass_gain_kw / parameters.mass_capacity_kwh_per_c,
        )
        return outdoor_c + air_over_c, outdoor_c + mass_over_c

    def _rise_c_per_kw(self, solution: TwoNodes) -> FloatArray:
        """How much warmer the air ends a step by a kW of heat. [degC/kW]"""
        rise_c, _ = solution.advanced(0.0, 0.0, 1.0 / self.parameters.air_capacity_kwh_per_c, 0.0)
        return rise_c

    def _solution(self, duration_s: float) -> TwoNodes:
        """The solution over a step of some length, computed once."""
        solution = self._solutions.get(duration_s)
        if solution is None:
            if len(self._solutions) == MOST_SOLUTIONS:
                self._solutions.clear()
            parameters = self.parameters
            solution = self._solutions[duration_s] = two_nodes(
                parameters.ua_kw_per_c / parameters.air_capacity_kwh_per_c,
                0.0,
                parameters.mass_coupling_kw_per_c / parameters.air_capacity_kwh_per_c,
                parameters.mass_coupling_kw_per_c / parameters.mass_capacity_kwh_per_c,
                hours_of(duration_s),
            )
        return solution
