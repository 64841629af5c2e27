"""Primal-dual interior-point method for a batch of scaled problems.

Mehrotra's predictor and corrector (S. Mehrotra, On the Implementation of a Primal-Dual Interior Point Method,
SIAM J. Optim. 2(4), 1992, doi:10.1137/0802028) with one step length for all unknowns of a device, as quadratic
costs need. Controls have hard bounds. Those of the state may be left at a price: in every hour an elastic
variable adds to each bound's slack, so that every problem has a solution with an interior, whatever its start
and whether or not its bounds leave room; where a plan within the bounds exists, a high price makes the elastic
variables vanish (R. Fletcher, Practical Methods of Optimization, 1987, chapter 12: exact penalty). The price
only caps the multipliers of the state's bounds.

Each device has its own barrier, step length and end: one that has converged leaves the batch, and no sum runs
over devices.
"""

from collections.abc import Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from ..models.elementwise import FloatArray
from .arrays import greatest, total
from .recursion import Controls, OneControl, Recursion, TwoControls
from .scaling import Columns, Scaled

BOUND_PRICE = 1000.0
"""Cost of leaving a bound of the state by what an hour's full control does, in units of the dearest hour's cost."""
FIRST_BARRIER = 300.0
"""Product of slack and multiplier to start with: near the bound price, infeasible problems need no more steps."""
GAP_TOLERANCE = 1e-15
"""Mean product of slack and multiplier at the end, relative to the greatest costate and elastic variable."""
RESIDUAL_TOLERANCE = 1e-10
STEP_FRACTION = 0.995
"""How much of the way to the nearest bound a step goes at most."""


@attrs.frozen(eq=False)
class Iterate(Columns):
    """Unknowns of every device. Pairs: lower and upper of controls, of states and of the states' elastic variables."""

    control: FloatArray
    """Shape (n_controls, n_hours, n_devices)."""
    state: FloatArray
    """Shape (n_hours, n_devices)."""
    costate: FloatArray
    slack: FloatArray
    """Shape (2 n_controls + 4, n_hours, n_devices); of an elastic variable, the variable itself."""
    multiplier: FloatArray

    @classmethod
    def first(cls, scaled: Scaled) -> "Iterate":
        """Mid of all bounds, where every pair has the same product."""
        controls = len(scaled.gain)
        half_room = 0.5 * (scaled.highest - scaled.lowest)
        slack, multiplier = (np.empty((2 * controls + 4, *half_room.shape)) for _ in range(2))
        slack[: 2 * controls] = 0.5
        elastic = _centred_elastic(half_room)
        slack[2 * controls : 2 * controls + 2] = half_room + elastic
        slack[2 * controls + 2 :] = elastic
        np.divide(FIRST_BARRIER, slack, out=multiplier)
        multiplier[2 * controls + 2 :] = BOUND_PRICE - multiplier[2 * controls : 2 * controls + 2]
        return cls(np.full(scaled.shape, 0.5), scaled.lowest + half_room, np.zeros_like(half_room), slack, multiplier)

    def moved(self, step: "Iterate", length: FloatArray) -> "Iterate":
        """The iterate a step further."""
        arrays = zip(attrs.astuple(self, recurse=False), attrs.astuple(step, recurse=False), strict=True)
        return Iterate(*(array + length * change for array, change in arrays))


def _centred_elastic(half_room: FloatArray) -> FloatArray:
    """The elastic variable whose product and that of its slack are both FIRST_BARRIER, prices adding up."""
    price, barrier = BOUND_PRICE, FIRST_BARRIER
    shift = price * half_room
    return (2.0 * barrier - shift + np.sqrt(shift * shift + 4.0 * barrier * barrier)) / (2.0 * price)


@attrs.frozen(eq=False)
class Residuals(Columns):
    """How far an iterate is from being optimal."""

    control: FloatArray
    """Slope of the Lagrangian, shape (n_controls, n_hours, n_devices)."""
    state: FloatArray
    """Slope of the Lagrangian, shape (n_hours, n_devices)."""
    balance: FloatArray
    """Error of the state's equation, shape (n_hours, n_devices)."""
    products: FloatArray
    """Slack times multiplier, shape (n_pairs, n_hours, n_devices)."""
    gap: FloatArray
    """Mean product, shape (n_devices,)."""

    @classmethod
    def of(cls, scaled: Scaled, at: Iterate) -> "Residuals":
        """Residuals of an iterate."""
        controls = len(scaled.gain)
        control, state, costate, multiplier = at.control, at.state, at.costate, at.multiplier
        slope = scaled.control_curvature * control + scaled.control_price + scaled.gain * costate
        if controls == 2:
            slope += scaled.cross_curvature * control[::-1]
        slope += multiplier[controls : 2 * controls] - multiplier[:controls]
        state_slope = scaled.state_curvature * state + scaled.state_price - costate
        state_slope[:-1] += scaled.keep[1:] * costate[1:]
        state_slope += multiplier[2 * controls + 1] - multiplier[2 * controls]
        balance = scaled.drift - state
        balance[1:] += scaled.keep[1:] * state[:-1]
        for gain, power in zip(scaled.gain, control, strict=True):
            balance += gain * power
        products = at.slack * at.multiplier
        return cls(slope, state_slope, balance, products, _mean(products))

    def converged(self, at: Iterate) -> NDArray[np.bool_]:
        """Which devices are done, shape (n_devices,)."""
        scale = np.maximum(abs(at.costate).max(axis=0), 1.0)
        widest = np.maximum(at.slack[-2:].max(axis=(0, 1)), 1.0)
        slope = greatest(abs(self.control).max(axis=(0, 1)), abs(self.state).max(axis=0))
        done: NDArray[np.bool_] = self.gap <= GAP_TOLERANCE * scale * widest
        done &= slope <= RESIDUAL_TOLERANCE * scale
        done &= abs(self.balance).max(axis=0) <= RESIDUAL_TOLERANCE
        return done


def _mean(products: FloatArray) -> FloatArray:
    pairs, hours, _ = products.shape
    mean: FloatArray = total(total(products)) / (pairs * hours)
    return mean


@attrs.frozen(eq=False)
class System:
    """Newton's equations of an iterate, factorised."""

    scaled: Scaled
    at: Iterate
    residuals: Residuals
    barrier: FloatArray
    """Multiplier over slack of the controls' pairs."""
    elastic: FloatArray
    """One over the denominator of the states' pairs, shape (2, n_hours, n_devices)."""
    controls: Controls
    recursion: Recursion

    @classmethod
    def of(cls, scaled: Scaled, at: Iterate, residuals: Residuals) -> "System":
        """Factorise."""
        count = len(scaled.gain)
        bound, loose = slice(2 * count, 2 * count + 2), slice(2 * count + 2, None)
        barrier = at.multiplier[: 2 * count] / at.slack[: 2 * count]
        denominator = at.slack[bound] * at.multiplier[loose] + at.multiplier[bound] * at.slack[loose]
        elastic = 1.0 / denominator
        weight = at.multiplier[bound] * at.multiplier[loose] * elastic
        one_or_two = OneControl if count == 1 else TwoControls
        controls = one_or_two(scaled, barrier[:count] + barrier[count:])
        recursion = Recursion(scaled.keep, controls.effect, scaled.state_curvature + weight[0] + weight[1])
        return cls(scaled, at, residuals, barrier, elastic, controls, recursion)

    def step(self, change: FloatArray) -> Iterate:
        """The step that changes the products by these amounts and all other residuals to zero."""
        scaled, at, residuals = self.scaled, self.at, self.residuals
        count = len(scaled.gain)
        bound, loose = slice(2 * count, 2 * count + 2), slice(2 * count + 2, None)
        push = change[: 2 * count] / at.slack[: 2 * count]
        slope = push[:count] - push[count:] - residuals.control
        pull = (change[bound] * at.multiplier[loose] - at.multiplier[bound] * change[loose]) * self.elastic
        source = residuals.balance.copy()
        for gain, power in zip(scaled.gain, self.controls.solve(slope), strict=True):
            source += gain * power
        state, costate = self.recursion.solve(source, pull[0] - pull[1] - residuals.state)
        control = self._consistent(self.controls.solve(slope - scaled.gain * costate), state)
        slack, multiplier = np.empty_like(at.slack), np.empty_like(at.slack)
        slack[:count], slack[count : 2 * count] = control, -control
        multiplier[: 2 * count] = push - self.barrier * slack[: 2 * count]
        slack[2 * count], slack[2 * count + 1] = state, -state
        weight = at.multiplier[bound] * at.multiplier[loose] * self.elastic
        multiplier[bound] = pull - weight * slack[bound]
        multiplier[loose] = -multiplier[bound]
        slack[loose] = (change[loose] + at.slack[loose] * multiplier[bound]) / at.multiplier[loose]
        slack[bound] += slack[loose]
        return Iterate(control, state, costate, slack, multiplier)

    def _consistent(self, control: FloatArray, state: FloatArray) -> FloatArray:
        """Controls that lead to these states, changed where it costs least: free ones carry all rounding errors."""
        gain = self.scaled.gain
        error = self.residuals.balance - state
        error[1:] += self.scaled.keep[1:] * state[:-1]
        for change, power in zip(gain, control, strict=True):
            error += change * power
        return control - self.controls.solve(gain * (error / (1.0 + self.controls.effect)))


def _reach(at: Iterate, step: Iterate) -> FloatArray:
    """How far a device can go along a step before a slack or a multiplier vanishes, shape (n_devices,)."""
    slack, multiplier = step.slack / at.slack, step.multiplier / at.multiplier
    shrinking = greatest(-slack.min(axis=(0, 1)), -multiplier.min(axis=(0, 1)))
    reach: FloatArray = 1.0 / np.maximum(shrinking, 1e-300)
    return reach


def _advance(scaled: Scaled, at: Iterate, residuals: Residuals) -> Iterate:
    """One iteration: predict how far the gap can close, then correct for what the prediction neglects."""
    system = System.of(scaled, at, residuals)
    predicted = system.step(-residuals.products)
    length = np.minimum(_reach(at, predicted), 1.0)
    ahead = _mean((at.slack + length * predicted.slack) * (at.multiplier + length * predicted.multiplier))
    ratio = ahead / residuals.gap
    target = ratio * ratio * ratio * residuals.gap
    corrected = system.step(target - residuals.products - predicted.slack * predicted.multiplier)
    return at.moved(corrected, np.minimum(STEP_FRACTION * _reach(at, corrected), 1.0))


@attrs.frozen(eq=False)
class Finished:
    """Devices that left the batch."""

    devices: NDArray[np.intp]
    """Their places in it."""
    at: Iterate
    iterations: int
    converged: bool


def iterate(scaled: Scaled, most_iterations: int) -> Iterator[Finished]:
    """Yield devices with their last iterates as they converge, the others after most_iterations."""
    devices = np.arange(scaled.shape[-1])
    at = Iterate.first(scaled)
    for iteration in range(most_iterations + 1):
        residuals = Residuals.of(scaled, at)
        done = residuals.converged(at)
        if done.any():
            yield Finished(devices[done], at.take(np.flatnonzero(done)), iteration, converged=True)
            left = np.flatnonzero(~done)
            devices, scaled, at, residuals = devices[left], scaled.take(left), at.take(left), residuals.take(left)
        if not len(devices):
            return
        if iteration < most_iterations:
            at = _advance(scaled, at, residuals)
    yield Finished(devices, at, most_iterations, converged=False)
