"""From a problem in its own units to one in which all numbers are near one, hours first, and back.

Controls run from 0 to 1 between their bounds, the state is counted in what the strongest hour's full control
moves it by, and the dearest hour's full control costs about 1. A control that has no room is taken out: its
effect becomes drift. Hours come before devices, so that a step along time works on contiguous rows.
"""

from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from ..models.elementwise import FloatArray
from .arrays import greatest
from .problem import Problem


@attrs.frozen(eq=False)
class Columns:
    """Arrays whose last axis is the devices."""

    def take(self, devices: NDArray[np.intp]) -> Self:
        """The same of some devices, by their places."""
        arrays = attrs.astuple(self, recurse=False)
        return type(self)(*(array.take(devices, axis=-1) for array in arrays))


@attrs.frozen(eq=False)
class Units(Columns):
    """What one unit of a scaled problem is, in the problem's own units."""

    state: FloatArray
    """Shape (n_devices,)."""
    control: FloatArray
    """Room of the controls, 1 where there is none, shape (n_controls, n_hours, n_devices)."""
    cost: FloatArray
    """Shape (n_devices,)."""


@attrs.frozen(eq=False)
class Scaled(Columns):
    """A problem without units, shapes (n_hours, n_devices) and, of controls, (n_controls, n_hours, n_devices).

    The state before the first hour is part of that hour's drift.
    """

    keep: FloatArray
    """What is left of the hour before's state; zero in the first hour."""
    gain: FloatArray
    drift: FloatArray
    lowest: FloatArray
    """Of the state."""
    highest: FloatArray
    control_price: FloatArray
    control_curvature: FloatArray
    cross_curvature: FloatArray
    determinant: FloatArray
    """Of the second derivatives by the controls; zero for one control."""
    state_price: FloatArray
    state_curvature: FloatArray

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_controls, n_hours, n_devices)."""
        return self.gain.shape


def scale(problem: Problem, devices: slice) -> tuple[Scaled, Units]:
    """A slice of the devices without units, and the units that lead back."""

    def own(array: FloatArray) -> FloatArray:
        return np.array(array[..., devices, :].swapaxes(-1, -2), order="C")

    origin, room = own(problem.control_lowest), own(problem.control_highest - problem.control_lowest)
    keep, gain = own(problem.keep), own(problem.gain)
    drift = _with_start(own(problem.drift), keep, gain, origin, problem.start[devices])
    keep[0] = 0.0
    lowest, highest = own(problem.state_lowest), own(problem.state_highest)
    gain *= room
    state = _state_unit(gain, highest - lowest)
    curvature, cross = own(problem.control_curvature), own(problem.cross_curvature)
    price = own(problem.control_price) + _slope(curvature, cross, origin)
    price, curvature, cross = price * room, curvature * room * room, cross * room[0] * room[-1]
    state_price = own(problem.state_price) * state
    state_curvature = own(problem.state_curvature) * state * state
    cost = _cost_unit(price, curvature, state_price, state_curvature)
    scaled = Scaled(
        keep=keep,
        gain=gain / state,
        drift=drift / state,
        lowest=lowest / state,
        highest=highest / state,
        control_price=price / cost,
        control_curvature=curvature / cost,
        cross_curvature=cross / cost,
        determinant=_determinant(curvature / cost, cross / cost),
        state_price=state_price / cost,
        state_curvature=state_curvature / cost,
    )
    return scaled, Units(state, np.where(room > 0.0, room, 1.0), cost)


def _with_start(
    drift: FloatArray, keep: FloatArray, gain: FloatArray, control: FloatArray, start: FloatArray
) -> FloatArray:
    """Drift with the effect of controls and of the state before the first hour."""
    for change, power in zip(gain, control, strict=True):
        drift = drift + change * power
    drift[0] += keep[0] * start
    return drift


def _slope(curvature: FloatArray, cross: FloatArray, control: FloatArray) -> FloatArray:
    """What the quadratic cost adds to the marginal cost at these controls."""
    slope = curvature * control
    return slope + cross * control[::-1] if len(control) == 2 else slope


def _determinant(curvature: FloatArray, cross: FloatArray) -> FloatArray:
    if len(curvature) == 1:
        return np.zeros_like(cross)
    return greatest(curvature[0] * curvature[1] - cross * cross, np.zeros_like(cross))


def _state_unit(effect: FloatArray, room: FloatArray) -> FloatArray:
    strongest, widest = abs(effect).max(axis=(0, 1)), room.max(axis=0)
    return np.where(strongest > 0.0, strongest, np.where(widest > 0.0, widest, 1.0))


def _cost_unit(*costs: FloatArray) -> FloatArray:
    dearest = greatest(*(abs(cost).max(axis=tuple(range(cost.ndim - 1))) for cost in costs))
    return np.where(dearest > 0.0, dearest, 1.0)
