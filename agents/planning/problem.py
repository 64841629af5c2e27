"""The day-ahead problem of devices with one stored quantity each, and what comes out of it."""

from collections.abc import Iterator
from enum import IntEnum

import attrs
import numpy as np
from numpy.typing import NDArray

from ..models.elementwise import FloatArray
from ..models.parameters import raise_faults
from .arrays import as_array

CONVEXITY_TOLERANCE = 1e-12
BY_CONTROL = ("gain", "control_lowest", "control_highest", "control_price", "control_curvature")
"""Arrays with an axis of controls before that of devices."""


class Outcome(IntEnum):
    """How the plan of a device came about."""

    OPTIMAL = 0
    """The optimum, within all bounds."""
    SOFTENED = 1
    """No plan keeps the state within its bounds: the optimum of those that leave them as little as can be."""
    NOT_CONVERGED = 2
    """The iterations did not suffice: the greedy plan, which moves only to keep the state within its bounds."""


@attrs.frozen(eq=False)
class Problem:
    """Convex quadratic programmes of many devices, each with one state x and one or two controls u.

    Minimise, over the hours t and the controls k, the sum of
    ``control_price u + 1/2 control_curvature u^2``, ``cross_curvature u_1 u_2`` and
    ``state_price x + 1/2 state_curvature x^2``, so that
    ``x[t] = keep[t] x[t-1] + sum_k gain[k, t] u[k, t] + drift[t]``, with ``x[-1] = start``, and
    that state and controls stay within their bounds. x[t] is the state at the end of hour t.

    Arrays are given as anything that broadcasts to (n_devices, n_hours), those of controls to
    (n_controls, n_devices, n_hours). Units are the caller's.

    Raises:
        ValueError: arrays do not fit, are not finite or, of keep, not positive, controls' bounds cross, or the cost
            is not convex; all faults are named.
    """

    start: FloatArray = attrs.field(converter=as_array)
    """State before the first hour, shape (n_devices,)."""
    hours: int
    """Hours of the horizon."""
    controls: int
    """Controls of each device: 1 or 2."""
    gain: FloatArray = attrs.field(converter=as_array)
    """Change of the state by one unit of control, by control."""
    control_lowest: FloatArray = attrs.field(converter=as_array)
    """Lower bounds of the controls, by control."""
    control_highest: FloatArray = attrs.field(converter=as_array)
    """Upper bounds of the controls; one equal to the lower fixes the control, by control."""
    state_lowest: FloatArray = attrs.field(converter=as_array)
    """Lower bounds of the state."""
    state_highest: FloatArray = attrs.field(converter=as_array)
    """Upper bounds of the state; one below the lower can only be softened."""
    control_price: FloatArray = attrs.field(converter=as_array)
    """Linear cost of the controls, by control."""
    control_curvature: FloatArray = attrs.field(default=0.0, converter=as_array)
    """Second derivative of the cost, by control."""
    cross_curvature: FloatArray = attrs.field(default=0.0, converter=as_array)
    """Mixed second derivative of the cost by the first and the second control."""
    keep: FloatArray = attrs.field(default=1.0, converter=as_array)
    """What one unit of state is an hour later."""
    drift: FloatArray = attrs.field(default=0.0, converter=as_array)
    """Change of the state without control."""
    state_price: FloatArray = attrs.field(default=0.0, converter=as_array)
    """Linear cost of the state."""
    state_curvature: FloatArray = attrs.field(default=0.0, converter=as_array)
    """Second derivative of the cost by the state."""

    def __attrs_post_init__(self) -> None:
        raise_faults(self._misfits())
        for name, array in self._arrays():
            object.__setattr__(self, name, np.broadcast_to(array, self._shape(name)))
        raise_faults(self._faults())

    def _shape(self, name: str) -> tuple[int, ...]:
        devices = len(self.start)
        if name == "start":
            return (devices,)
        return (self.controls, devices, self.hours) if name in BY_CONTROL else (devices, self.hours)

    def _misfits(self) -> Iterator[str]:
        if self.controls not in (1, 2):
            yield f"{self.controls} controls: give one or two"
        if self.hours < 1:
            yield f"{self.hours} hours: give at least one"
        for name, array in self._arrays():
            if not _fits(array.shape, self._shape(name)):
                yield f"{name} has the shape {array.shape}: give one that broadcasts to {self._shape(name)}"

    def _faults(self) -> Iterator[str]:
        if (self.keep <= 0).any():
            yield f"keep is not positive for devices {_devices(self.keep <= 0)}"
        for name, array in self._arrays():
            if not np.isfinite(array).all():
                yield f"{name} is not finite for devices {_devices(~np.isfinite(array))}"
        if (self.control_lowest > self.control_highest).any():
            yield f"bounds of a control cross for devices {_devices(self.control_lowest > self.control_highest)}"
        for name, array in (("control", self.control_curvature), ("state", self.state_curvature)):
            if (array < 0).any():
                yield f"the cost of the {name} is not convex for devices {_devices(array < 0)}"
        if self.controls == 2 and (self._saddle > 0).any():
            yield f"the cross curvature outweighs the controls' own for devices {_devices(self._saddle > 0)}"

    @property
    def _saddle(self) -> FloatArray:
        own: FloatArray = self.control_curvature[0] * self.control_curvature[-1]
        return self.cross_curvature * self.cross_curvature - (1.0 + CONVEXITY_TOLERANCE) * own

    def _arrays(self) -> Iterator[tuple[str, FloatArray]]:
        for attribute in attrs.fields(type(self)):
            value = getattr(self, attribute.name)
            if isinstance(value, np.ndarray):
                yield attribute.name, value


@attrs.frozen(eq=False)
class Solution:
    """The best plan of each device and what it costs to move it: a primal-dual pair.

    Multipliers are those of the Lagrangian in which they are not negative: with the cost's gradient g,
    ``g_u + gain costate - control_at_lowest + control_at_highest = 0`` and
    ``g_x - costate[t] + keep[t+1] costate[t+1] - state_at_lowest + state_at_highest = 0``.
    They are not numbers where the iterations did not converge.
    """

    outcome: NDArray[np.int8]
    """Values of Outcome, shape (n_devices,)."""
    control: FloatArray
    """Controls, shape (n_controls, n_devices, n_hours)."""
    state: FloatArray
    """State at each hour's end, following from the controls, shape (n_devices, n_hours)."""
    objective: FloatArray
    """Cost of the plan without that of leaving bounds, shape (n_devices,)."""
    violation: FloatArray
    """By how much the state leaves its bounds at most, shape (n_devices,)."""
    iterations: NDArray[np.int64]
    """Iterations taken, shape (n_devices,)."""
    costate: FloatArray
    """Multiplier of the state's equation: cost of one more unit of drift, shape (n_devices, n_hours)."""
    control_at_lowest: FloatArray
    """Multipliers of the controls' lower bounds, shape (n_controls, n_devices, n_hours)."""
    control_at_highest: FloatArray
    """Multipliers of the controls' upper bounds, shape (n_controls, n_devices, n_hours)."""
    state_at_lowest: FloatArray
    """Multipliers of the state's lower bounds, shape (n_devices, n_hours)."""
    state_at_highest: FloatArray
    """Multipliers of the state's upper bounds, shape (n_devices, n_hours)."""


def _fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    """Whether an array of a shape broadcasts into another."""
    pairs = zip(reversed(shape), reversed(into), strict=False)
    return len(shape) <= len(into) and all(size in (1, target) for size, target in pairs)


def _devices(flagged: NDArray[np.bool_]) -> list[int]:
    axes = tuple(axis for axis in range(flagged.ndim) if axis != max(0, flagged.ndim - 2))
    return [int(device) for device in np.flatnonzero(flagged.any(axis=axes))[:10]]
