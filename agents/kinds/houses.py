"""Heating and cooling of houses, as fleets see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np

from ...kernel import HOUR, Calendar, Instant
from ..customers import Customer, SetPoints
from ..models.air_conditioning import AirConditioningParameters
from ..models.houses import HouseParameters, Houses, ThermostatParameters
from ..planning import hvac as planning
from ..planning.bids import Response
from ..planning.plans import Plan
from ..surroundings import FloatArray, Surroundings
from .kind import Interval

DAY_AHEAD_SHARE = 0.5
"""Share of the comfort range that is planned a day ahead; the rest is for what real time brings. [-]"""
HUMIDITY = 0.5
"""Relative humidity that plans reckon with, since stations report none. [-]"""


@attrs.define(eq=False)
class HouseKind:
    """Houses with cooling and heating; their people's sliders narrow the range in which a market may move them."""

    physics: Houses
    preferences: planning.HvacPreferences
    set_points: SetPoints
    calendar: Calendar

    @classmethod
    def build(cls, customers: Sequence[Customer], surroundings: Surroundings) -> Self:
        """Houses at their cooling set-points."""
        slider = np.array([each.hvac_slider for each in customers])
        preferences = planning.HvacPreferences(slider)
        thermostats = ThermostatParameters.from_each([each.thermostat for each in customers])
        physics = Houses(
            HouseParameters.from_each([each.dwelling for each in customers]),
            AirConditioningParameters.from_each([each.air_conditioning for each in customers]),
            attrs.evolve(
                thermostats,
                setback_c=slider * thermostats.setback_c,
                preconditioning_c=slider * thermostats.preconditioning_c,
            ),
            thermostats.cooling_setpoint_c,
        )
        return cls(physics, preferences, SetPoints(customers), surroundings.calendar)

    def copy(self) -> Self:
        """The same houses in the same state."""
        return attrs.evolve(self, physics=self.physics.copy())

    def step(self, interval: Interval, power_kw: FloatArray) -> None:
        """Let an interval pass."""
        self._set(interval.start)
        self.physics.step(interval.duration_s, interval.outdoor_c, interval.solar_kw_per_m2, power_kw)

    def default_kw(self, interval: Interval) -> FloatArray:
        """What the thermostats draw."""
        self._set(interval.start)
        return self.physics.default_kw(interval.duration_s, interval.outdoor_c, interval.solar_kw_per_m2)

    def limits_kw(self, interval: Interval) -> tuple[FloatArray, FloatArray]:
        """What keeps the air within comfort."""
        self._set(interval.start)
        return self.physics.limits(interval.duration_s, interval.outdoor_c, interval.solar_kw_per_m2)

    def plan(self, start: Instant, price_per_kwh: FloatArray, surroundings: Surroundings) -> Plan:
        """The best course of the day, in the present mode of each thermostat."""
        physics, parameters, hours = self.physics, self.physics.parameters, len(price_per_kwh)
        outdoor_c, solar = surroundings.ahead(start, hours)
        wanted = [self.set_points.at(start + hour * HOUR, self.calendar) for hour in range(hours)]
        cooling_c, heating_c = (np.stack(side, axis=1) for side in zip(*wanted, strict=True))
        return planning.plan(
            parameters,
            physics.equipment,
            self._preferred(),
            is_cooling=~physics.is_heating,
            price_per_kwh=price_per_kwh,
            outdoor_c=outdoor_c,
            humidity=HUMIDITY,
            gain_kw=parameters.internal_gain_kw[:, np.newaxis] + parameters.solar_aperture_m2[:, np.newaxis] * solar,
            setpoint_c=np.where(physics.is_heating[:, np.newaxis], heating_c, cooling_c),
            start_c=physics.air_temperature_c,
        )

    def response(self, _: Instant, price_per_kwh: FloatArray, *, real_time: bool) -> Response:
        """How bids depart from the plan."""
        physics = self.physics
        return planning.response(physics.equipment, price_per_kwh, is_cooling=~physics.is_heating, real_time=real_time)

    def _set(self, instant: Instant) -> None:
        """Set the thermostats to what their people want now."""
        cooling_c, heating_c = self.set_points.at(instant, self.calendar)
        self.physics.thermostats = attrs.evolve(
            self.physics.thermostats, cooling_setpoint_c=cooling_c, heating_setpoint_c=heating_c
        )

    def _preferred(self) -> planning.HvacPreferences:
        """The comfort range that plans may use, in the present mode; planning narrows it by the slider itself."""
        settings, heats, share = self.physics.thermostats, self.physics.is_heating, self.preferences.slider
        setback_c, ahead_c = settings.setback_c / share, settings.preconditioning_c / share
        return attrs.evolve(
            self.preferences,
            range_low_c=DAY_AHEAD_SHARE * np.where(heats, setback_c, ahead_c),
            range_high_c=DAY_AHEAD_SHARE * np.where(heats, ahead_c, setback_c),
        )
