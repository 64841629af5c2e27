"""The meters: what every device draws in an interval, and the reads that follow from it."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

import attrs
import numpy as np
from numpy.typing import NDArray

from ...kernel import HOUR, Duration, Instant
from ..assignments import Assignments, InForce
from ..interfaces import Assignment, DevicePower, belongs
from .network import FloatArray

BoolArray = NDArray[np.bool_]
Places = NDArray[np.intp]

_NUMBERS = float, int


@attrs.define
class _Device:
    usage_point: str
    power_kw: float
    controllable: bool
    start: Instant
    wanted_kw: float


@attrs.frozen(eq=False)
class Reads:
    """The reads of all meters for an interval; arrays of shape (n_meters,)."""

    usage_points: tuple[str, ...]
    """Of each meter, sorted."""
    energy_kwh: FloatArray
    estimated: BoolArray
    in_force: InForce
    """To whom they belong; where no assignment is in force, there is nobody to deliver a read to."""


@attrs.frozen(eq=False)
class Powers:
    """What the devices draw in an interval; arrays of shape (n_devices,)."""

    devices: tuple[str, ...]
    places: Places
    """The transformer of each device."""
    power_kw: FloatArray
    controllable: BoolArray


@attrs.frozen(eq=False)
class _Connected:
    """Devices by name, and where each is connected: below a transformer, or behind a meter."""

    devices: tuple[str, ...]
    states: list[_Device]
    places: Places
    controllable: BoolArray

    @property
    def power_kw(self) -> FloatArray:
        return np.array([device.power_kw for device in self.states], dtype=np.float64)


@attrs.define
class Meters:
    """Powers of the devices behind the meters of a network.

    A device that reports nothing for an interval is read with its last power, and its meter's read is estimated.
    """

    transformers: dict[str, int]
    """Transformer to its place in the network's arrays."""
    _assignments: Assignments = attrs.field(factory=Assignments, init=False)
    _usage_points: tuple[str, ...] = attrs.field(default=(), init=False)
    """Those that have ever been assigned, sorted."""
    _transformer: dict[str, int] = attrs.field(factory=dict, init=False)
    """Usage point to the place of the transformer above it, if both are known."""
    _devices: dict[str, _Device] = attrs.field(factory=dict, init=False)
    _limited: dict[str, _Device] = attrs.field(factory=dict, init=False)
    """Devices that have reported an interval twice, and may have wanted more than they got."""
    _below: _Connected | None = attrs.field(default=None, init=False)
    """The devices below a known transformer; found again when a device or an assignment is new."""
    _behind: _Connected | None = attrs.field(default=None, init=False)
    """Likewise the devices behind a known meter."""

    def assign(self, assignment: Assignment) -> None:
        """Take an assignment in, or learn that it ends."""
        name = assignment.usage_point
        self._assignments.take(assignment)
        latest = self._assignments.latest(name) or assignment
        place = self.transformers.get(latest.transformer)
        if place is None:
            self._transformer.pop(name, None)
        else:
            self._transformer[name] = place
        self._usage_points, self._below, self._behind = (), None, None

    def report(self, power: DevicePower) -> None:
        """Enter what a device draws; a second report for an interval replaces the first.

        What cannot be believed, no number or a device's that is not behind its meter, is as if it was not said.
        """
        device = self._devices.get(power.device)
        if not _is_number(power.power_kw):
            return
        if (device is None or device.usage_point != power.usage_point) and not belongs(power.device, power.usage_point):
            return
        if device is None:
            device = _Device(power.usage_point, 0.0, power.controllable, power.start - 1, 0.0)
            self._devices[power.device] = device
            self._below = self._behind = None
        if device.start != power.start:
            device.wanted_kw = power.power_kw
        else:
            self._limited[power.device] = device
        device.power_kw, device.start = power.power_kw, power.start

    def by_transformer(self, usage_points: Iterable[str], power_kw: Iterable[float]) -> FloatArray:
        """Powers at usage points, summed at the transformers above them; shape (n_transformers,). [kW]"""
        places = np.array([self._transformer.get(name, -1) for name in usage_points], dtype=np.intp)
        power, known = np.array(tuple(power_kw), dtype=np.float64), places >= 0
        return np.bincount(places[known], weights=power[known], minlength=len(self.transformers)).astype(np.float64)

    def powers(self) -> Powers:
        """The powers of all devices that are connected to the network."""
        if self._below is None:
            self._below = self._find(self._transformer)
        there = self._below
        return Powers(there.devices, there.places, there.power_kw, there.controllable)

    def refused_kwh(self, start: Instant, duration: Duration) -> float:
        """Energy that devices wanted in the interval and did not get."""
        self._limited = {name: device for name, device in self._limited.items() if device.start >= start}
        limited = [device for _, device in sorted(self._limited.items()) if device.start == start]
        return sum(max(device.wanted_kw - device.power_kw, 0.0) for device in limited) * duration / HOUR

    def read(self, start: Instant, duration: Duration) -> Reads:
        """Read every meter for the interval that has just ended."""
        if not self._usage_points:
            self._usage_points = self._assignments.usage_points()
        if self._behind is None:
            self._behind = self._find({name: place for place, name in enumerate(self._usage_points)})
        there, count = self._behind, len(self._usage_points)
        silent = np.array([device.start != start for device in there.states], dtype=np.float64)
        return Reads(
            self._usage_points,
            np.bincount(there.places, weights=there.power_kw * duration / HOUR, minlength=count).astype(np.float64),
            np.bincount(there.places, weights=silent, minlength=count) > 0.0,
            self._assignments.in_force(start),
        )

    def _find(self, places: dict[str, int]) -> _Connected:
        known = [(name, each) for name, each in sorted(self._devices.items()) if each.usage_point in places]
        return _Connected(
            tuple(name for name, _ in known),
            [device for _, device in known],
            np.array([places[device.usage_point] for _, device in known], dtype=np.intp),
            np.array([device.controllable for _, device in known], dtype=bool),
        )


def _is_number(power_kw: object) -> bool:
    return isinstance(power_kw, _NUMBERS) and isfinite(power_kw)
