"""Electric water heaters as two-node tanks, all of them advanced at once."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Self

import attrs
import numpy as np

from .elementwise import BoolArray, FloatArray, Values, clip, hours_of, parts_of
from .parameters import Parameters, bounds, each, faults_of, state
from .two_nodes import TwoNodes, two_nodes

KWH_PER_L_C = 4.186 / 3600.0
"""Heat capacity of a litre of water. [kWh/l/degC]"""
MINUTES_PER_HOUR = 60.0
CYCLE_S = 60.0
"""The thermostats decide at least so often. [s]"""


@attrs.frozen(eq=False)
class WaterHeaterParameters(Parameters):
    """Tanks with an upper and a lower element, of which one runs at a time and the upper one first."""

    volume_l: FloatArray = attrs.field(converter=each, metadata=bounds(above=0))
    """Water in the tank. [l]"""
    rated_kw: FloatArray = attrs.field(default=4.5, converter=each, metadata=bounds(above=0))
    """Power of either element. [kW]"""
    loss_kw_per_c: FloatArray = attrs.field(default=0.0016, converter=each, metadata=bounds(above=0))
    """Conductance from the whole tank to the room around it. [kW/degC]"""
    exchange_kw_per_c: FloatArray = attrs.field(default=0.003, converter=each, metadata=bounds(above=0))
    """Conductance between the nodes: diffusion, the wall, stirring. [kW/degC]"""
    upper_fraction: FloatArray = attrs.field(default=1.0 / 3.0, converter=each, metadata=bounds(above=0, below=1))
    """Share of the water, and of the losses, that belongs to the upper node. [-]"""
    setpoint_c: FloatArray = attrs.field(default=52.0, converter=each)
    """Temperature that both thermostats hold. [degC]"""
    deadband_c: FloatArray = attrs.field(default=5.0, converter=each, metadata=bounds(above=0))
    """Between switching on and off, half of it on either side of the set-point. [degC]"""
    lowest_c: FloatArray = attrs.field(default=43.0, converter=each)
    """Coldest hot water that people accept. [degC]"""
    highest_c: FloatArray = attrs.field(default=65.0, converter=each)
    """Hottest water that the tank may hold, where its safety switch opens. [degC]"""

    def across(self) -> Iterator[str]:
        """The set-point with its deadband lies between the limits."""
        half_c = 0.5 * self.deadband_c
        good = (self.lowest_c <= self.setpoint_c - half_c) & (self.setpoint_c + half_c <= self.highest_c)
        yield from faults_of("setpoint_c", self.setpoint_c, good, "deadband_c around it within lowest_c..highest_c")


@attrs.define(eq=False)
class WaterHeaters:
    """Tanks and the temperatures in them; water that is hotter below than above mixes at the end of a step.

    Inputs are constant within a step, for which the solution is exact but for that mixing. Environment, each one value
    or of shape (n,): `draw_l_per_min`, drawn from the top and replaced at the bottom [l/min] by water at `inlet_c`
    [degC]; `ambient_c`, the room [degC]. Attributes may be replaced; their arrays are not written to.
    """

    parameters: WaterHeaterParameters
    upper_temperature_c: FloatArray = attrs.field(converter=each)
    """Upper node, and the water that is drawn. [degC]"""
    lower_temperature_c: FloatArray = attrs.field(converter=each)
    """Lower node; starts at the upper one's temperature unless told. [degC]"""
    is_upper_on: BoolArray = attrs.field(init=False)
    """Whether the upper thermostat has switched on."""
    is_lower_on: BoolArray = attrs.field(init=False)
    """Whether the lower thermostat has switched on; its element waits for the upper one."""

    @lower_temperature_c.default
    def _start_at_one_temperature(self) -> FloatArray:
        return self.upper_temperature_c

    def __attrs_post_init__(self) -> None:
        for name in ("upper_temperature_c", "lower_temperature_c"):
            setattr(self, name, state(self.parameters, name, getattr(self, name), 0.0, 100.0, "degC"))
        self._settle(self.upper_temperature_c, self.lower_temperature_c)
        self.is_upper_on = self.is_lower_on = np.zeros(self.parameters.count, dtype=np.bool_)

    def copy(self) -> Self:
        """The same tanks in the same state, to look ahead with."""
        return copy.copy(self)

    @property
    def mean_temperature_c(self) -> FloatArray:
        """Temperature of the tank if it were stirred. [degC]"""
        return self._mean(self.upper_temperature_c, self.lower_temperature_c)

    def heat_kwh(self, inlet_c: Values) -> FloatArray:
        """Heat content above water at the inlet's temperature. [kWh]"""
        return self.parameters.volume_l * KWH_PER_L_C * (self.mean_temperature_c - inlet_c)

    def state_of_heat(self, inlet_c: Values) -> FloatArray:
        """Heat content as a share of that of a tank at its set-point, the study's SOHC. [-]

        Source: H. M. Reeve et al., Distribution System Operator with Transactive (DSO+T) Study, PNNL-32170, 2022.
        """
        return (self.mean_temperature_c - inlet_c) / (self.parameters.setpoint_c - inlet_c)

    def step(
        self,
        duration_s: float,
        draw_l_per_min: Values,
        inlet_c: Values,
        ambient_c: Values,
        power_kw: Values = math.nan,
    ) -> FloatArray:
        """Advance all tanks and return the power held, within 0..rated and so that none gets too hot. [kW]

        NaN leaves a tank to its thermostats: `default_kw` is their average power.

        Raises: ValueError for a duration that is not positive.
        """
        asked_kw = np.broadcast_to(power_kw, self.parameters.count)
        is_free = np.isnan(asked_kw)
        environment = (draw_l_per_min, inlet_c, ambient_c)
        if not is_free.any():
            return self._hold(duration_s, asked_kw, *environment)
        left_alone = self.copy()
        cycled_kw = left_alone._cycle(duration_s, *environment)
        held_kw = self._hold(duration_s, np.where(is_free, 0.0, asked_kw), *environment)
        for name in ("upper_temperature_c", "lower_temperature_c", "is_upper_on", "is_lower_on"):
            setattr(self, name, np.where(is_free, getattr(left_alone, name), getattr(self, name)))
        return np.where(is_free, cycled_kw, held_kw)

    def default_kw(self, duration_s: float, draw_l_per_min: Values, inlet_c: Values, ambient_c: Values) -> FloatArray:
        """Average power over a step in which the thermostats switch on and off. [kW]"""
        return self.copy()._cycle(duration_s, draw_l_per_min, inlet_c, ambient_c)

    def limits(
        self, duration_s: float, draw_l_per_min: Values, inlet_c: Values, ambient_c: Values
    ) -> tuple[FloatArray, FloatArray]:
        """Least power that keeps the upper node warm enough at the step's end, most that makes none too hot. [kW]"""
        return _Stretch(self, duration_s, draw_l_per_min, inlet_c, ambient_c).limits()

    def power_for(
        self, target_c: Values, duration_s: float, draw_l_per_min: Values, inlet_c: Values, ambient_c: Values
    ) -> FloatArray:
        """Power within 0..rated that brings the stirred tank to a target at the step's end. [kW]

        Targets of shape (n,), or (m, n) for m of each tank; powers likewise.
        """
        return _Stretch(self, duration_s, draw_l_per_min, inlet_c, ambient_c).power_for(target_c)

    def _hold(
        self, duration_s: float, power_kw: FloatArray, draw_l_per_min: Values, inlet_c: Values, ambient_c: Values
    ) -> FloatArray:
        stretch = _Stretch(self, duration_s, draw_l_per_min, inlet_c, ambient_c)
        held_kw = clip(power_kw, 0.0, stretch.limits()[1])
        self._settle(*stretch.after(*stretch.shared(held_kw)))
        return held_kw

    def _cycle(self, duration_s: float, draw_l_per_min: Values, inlet_c: Values, ambient_c: Values) -> FloatArray:
        """Advance under the thermostats, which decide at the start of equal parts of the step."""
        parts = parts_of(duration_s, CYCLE_S)
        stretch = _Stretch(self, duration_s / parts, draw_l_per_min, inlet_c, ambient_c)
        rated_kw, total_kw = self.parameters.rated_kw, np.zeros(self.parameters.count)
        for _ in range(parts):
            self.is_upper_on = self._switched(self.upper_temperature_c, self.is_upper_on)
            self.is_lower_on = self._switched(self.lower_temperature_c, self.is_lower_on)
            upper_kw = np.where(self.is_upper_on, rated_kw, 0.0)
            lower_kw = np.where(self.is_lower_on & ~self.is_upper_on, rated_kw, 0.0)
            self._settle(*stretch.after(upper_kw, lower_kw))
            total_kw += upper_kw + lower_kw
        return total_kw / parts

    def _switched(self, temperature_c: FloatArray, is_on: BoolArray) -> BoolArray:
        error_c, half_c = self.parameters.setpoint_c - temperature_c, 0.5 * self.parameters.deadband_c
        return (error_c > half_c) | (is_on & (error_c > -half_c))

    def _settle(self, upper_c: FloatArray, lower_c: FloatArray) -> None:
        """Let water that is hotter below than above rise and mix."""
        mean_c, is_inverted = self._mean(upper_c, lower_c), lower_c > upper_c
        self.upper_temperature_c = np.where(is_inverted, mean_c, upper_c)
        self.lower_temperature_c = np.where(is_inverted, mean_c, lower_c)

    def _mean(self, upper_c: FloatArray, lower_c: FloatArray) -> FloatArray:
        return lower_c + self.parameters.upper_fraction * (upper_c - lower_c)


class _Stretch:
    """What some time of constant draw does to tanks in their present state, against the power in it."""

    def __init__(
        self, tanks: WaterHeaters, duration_s: float, draw_l_per_min: Values, inlet_c: Values, ambient_c: Values
    ) -> None:
        parameters = tanks.parameters
        whole_kwh_per_c = parameters.volume_l * KWH_PER_L_C
        self.tanks, self.ambient_c = tanks, ambient_c
        self.upper_kwh_per_c = whole_kwh_per_c * parameters.upper_fraction
        self.lower_kwh_per_c = whole_kwh_per_c - self.upper_kwh_per_c
        flow_kw_per_c = draw_l_per_min * (MINUTES_PER_HOUR * KWH_PER_L_C)
        loss, renewal = parameters.loss_kw_per_c / whole_kwh_per_c, flow_kw_per_c / self.lower_kwh_per_c
        self.renewal_gain = renewal * (inlet_c - ambient_c)
        self.solution: TwoNodes = two_nodes(
            loss,
            loss + renewal,
            (parameters.exchange_kw_per_c + flow_kw_per_c) / self.upper_kwh_per_c,
            parameters.exchange_kw_per_c / self.lower_kwh_per_c,
            hours_of(duration_s),
        )
        self._needed_kw = clip(self._upper_kw_for(parameters.setpoint_c), 0.0, parameters.rated_kw)

    def after(self, upper_kw: Values, lower_kw: Values) -> tuple[FloatArray, FloatArray]:
        """Upper and lower temperature at the end, before any mixing. [degC]"""
        upper_over_c, lower_over_c = self.solution.advanced(
            self.tanks.upper_temperature_c - self.ambient_c,
            self.tanks.lower_temperature_c - self.ambient_c,
            upper_kw / self.upper_kwh_per_c,
            self.renewal_gain + lower_kw / self.lower_kwh_per_c,
        )
        return self.ambient_c + upper_over_c, self.ambient_c + lower_over_c

    def shared(self, power_kw: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Power of the upper element, as far as its set-point needs it, and of the lower one. [kW]"""
        upper_kw = clip(self._needed_kw, 0.0, power_kw)
        return upper_kw, power_kw - upper_kw

    def limits(self) -> tuple[FloatArray, FloatArray]:
        parameters, needed_kw = self.tanks.parameters, self._needed_kw
        least_kw = clip(self._upper_kw_for(parameters.lowest_c), 0.0, parameters.rated_kw)
        # Stirred, or layered with hotter water above: neither may be too hot.
        upper_by_lower_c = self._rises(0.0, 1.0)[0]
        spare_c = parameters.highest_c - self.after(needed_kw, 0.0)[0]
        most_kw = np.minimum(
            self._mean_kw_for(parameters.highest_c), needed_kw + clip(spare_c, 0.0, math.inf) / upper_by_lower_c
        )
        return np.minimum(least_kw, most_kw), most_kw

    def power_for(self, target_c: Values) -> FloatArray:
        return np.minimum(self._mean_kw_for(target_c), self.limits()[1])

    def _mean_kw_for(self, target_c: Values) -> FloatArray:
        tanks = self.tanks
        missing_c = target_c - tanks._mean(*self.after(0.0, 0.0))
        by_upper_c, by_lower_c = tanks._mean(*self._rises(1.0, 0.0)), tanks._mean(*self._rises(0.0, 1.0))
        upper_kw = clip(missing_c / by_upper_c, 0.0, self._needed_kw)
        lower_kw = clip((missing_c - by_upper_c * upper_kw) / by_lower_c, 0.0, tanks.parameters.rated_kw)
        return clip(upper_kw + lower_kw, 0.0, tanks.parameters.rated_kw)

    def _upper_kw_for(self, target_c: FloatArray) -> FloatArray:
        """Power of the upper element, of any size, that brings the upper node to a target. [kW]"""
        return (target_c - self.after(0.0, 0.0)[0]) / self._rises(1.0, 0.0)[0]

    def _rises(self, upper_kw: float, lower_kw: float) -> tuple[FloatArray, FloatArray]:
        """How much warmer both nodes end by these powers. [degC]"""
        return self.solution.advanced(0.0, 0.0, upper_kw / self.upper_kwh_per_c, lower_kw / self.lower_kwh_per_c)
