"""The meters: what every device draws in an interval, and the reads that follow from it."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from ...kernel import HOUR, Duration, Instant
from ..interfaces import Assignment, DevicePower, Quality
from .network import FloatArray


@attrs.define
class _Device:
    usage_point: str
    power_kw: float
    controllable: bool
    start: Instant
    wanted_kw: float


@attrs.frozen
class Read:
    """The read of one meter; without an assignment there is nobody to deliver it to."""

    usage_point: str
    assignment: Assignment | None
    energy_kwh: float
    quality: Quality


@attrs.frozen(eq=False)
class Powers:
    """What the devices draw in an interval; arrays of shape (n_devices,)."""

    devices: tuple[str, ...]
    places: NDArray[np.intp]
    """The transformer of each device."""
    power_kw: FloatArray
    controllable: NDArray[np.bool_]


@attrs.frozen(eq=False)
class _Connected:
    devices: tuple[str, ...]
    states: list[_Device]
    places: NDArray[np.intp]
    controllable: NDArray[np.bool_]


@attrs.define
class Meters:
    """Powers of the devices behind the meters of a network.

    A device that reports nothing for an interval is read with its last power, and its meter's read is estimated.
    """

    transformers: dict[str, int]
    """Transformer to its place in the network's arrays."""
    _assignments: dict[str, dict[Instant, Assignment]] = attrs.field(factory=dict, init=False)
    """Usage point to its assignments by first instant."""
    _devices: dict[str, _Device] = attrs.field(factory=dict, init=False)
    _connected: _Connected | None = attrs.field(default=None, init=False)
    """The devices below a known transformer; found again when a device or an assignment is new."""

    def assign(self, assignment: Assignment) -> None:
        """Take an assignment in, or learn that it ends."""
        self._assignments.setdefault(assignment.usage_point, {})[assignment.effective_from] = assignment
        self._connected = None

    def assignment(self, usage_point: str, instant: Instant) -> Assignment | None:
        """The assignment of a usage point that is in force at an instant."""
        return next((each for each in self._assignments[usage_point].values() if each.covers(instant)), None)

    def report(self, power: DevicePower) -> None:
        """Enter what a device draws; a second report for an interval replaces the first."""
        device = self._devices.get(power.device)
        if device is None:
            device = _Device(power.usage_point, 0.0, power.controllable, power.start - 1, 0.0)
            self._devices[power.device] = device
            self._connected = None
        if device.start != power.start:
            device.wanted_kw = power.power_kw
        device.power_kw, device.start = power.power_kw, power.start

    def transformer_of(self, usage_point: str) -> int | None:
        """The place of the transformer above a usage point, if both are known."""
        known = self._assignments.get(usage_point)
        return None if not known else self.transformers.get(known[max(known)].transformer)

    def powers(self) -> Powers:
        """The powers of all devices that are connected to the network."""
        there = self._connected
        if there is None:
            there = self._connected = self._find_connected()
        power_kw = np.array([device.power_kw for device in there.states], dtype=float)
        return Powers(there.devices, there.places, power_kw, there.controllable)

    def _find_connected(self) -> _Connected:
        rows = [
            (name, device, self.transformer_of(device.usage_point)) for name, device in sorted(self._devices.items())
        ]
        known = [(name, device, place) for name, device, place in rows if place is not None]
        return _Connected(
            tuple(name for name, _, _ in known),
            [device for _, device, _ in known],
            np.array([place for _, _, place in known], dtype=np.intp),
            np.array([device.controllable for _, device, _ in known], dtype=bool),
        )

    def refused_kwh(self, start: Instant, duration: Duration) -> float:
        """Energy that devices wanted in the interval and did not get."""
        heard = [device for device in self._devices.values() if device.start == start]
        return sum(max(device.wanted_kw - device.power_kw, 0.0) for device in heard) * duration / HOUR

    def read(self, start: Instant, duration: Duration) -> Iterator[Read]:
        """Read every meter for the interval that has just ended, in the order of usage points."""
        energy: dict[str, float] = dict.fromkeys(self._assignments, 0.0)
        estimated: set[str] = set()
        for _, device in sorted(self._devices.items()):
            if device.usage_point in energy:
                energy[device.usage_point] += device.power_kw * duration / HOUR
                if device.start != start:
                    estimated.add(device.usage_point)
        for usage_point, energy_kwh in sorted(energy.items()):
            quality = Quality.ESTIMATED if usage_point in estimated else Quality.VALID
            yield Read(usage_point, self.assignment(usage_point, start), energy_kwh, quality)
