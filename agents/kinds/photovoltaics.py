"""Photovoltaics, as fleets see them: they inject what the sun gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np

from ..customers import Customer
from ..models.photovoltaics import PhotovoltaicParameters, Photovoltaics
from ..surroundings import FloatArray, Surroundings
from .kind import Interval


@attrs.define(eq=False)
class PhotovoltaicKind:
    """Photovoltaic arrays; they have no state."""

    physics: Photovoltaics
    count: int

    @classmethod
    def build(cls, customers: Sequence[Customer], _: Surroundings) -> Self:
        """All of them."""
        parameters = PhotovoltaicParameters.from_each([each.photovoltaic for each in customers])
        return cls(Photovoltaics(parameters), parameters.count)

    def copy(self) -> Self:
        """The same."""
        return self

    def step(self, interval: Interval, power_kw: FloatArray) -> None:
        """Nothing is left over from an interval."""

    def default_kw(self, interval: Interval) -> FloatArray:
        """What the sun gives."""
        weather = interval.weather
        if weather is None:
            return np.zeros(self.count)
        return self.physics.power_kw(
            weather.solar_zenith_deg,
            weather.solar_azimuth_deg,
            weather.dni_w_per_m2,
            weather.ghi_w_per_m2,
            weather.dhi_w_per_m2,
            weather.outdoor_c,
            weather.wind_m_per_s,
        )

    def limits_kw(self, interval: Interval) -> tuple[FloatArray, FloatArray]:
        """From all of it to none."""
        return self.default_kw(interval), np.zeros(self.count)
