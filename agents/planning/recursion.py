"""Newton's step of the scalar optimal control problem by recursion over time, for many devices at once.

An interior-point step on a problem with dynamics is itself a linear-quadratic control problem, and a Riccati
recursion solves it in time linear in the horizon (C. V. Rao, S. J. Wright and J. B. Rawlings, Application of
Interior-Point Methods to Model Predictive Control, J. Optim. Theory Appl. 99, 1998,
doi:10.1023/A:1021711402723). With one state its matrices are numbers: all terms of the recursion for the
cost-to-go are positive, so that nothing cancels however far the barrier terms grow apart.
"""

from typing import Protocol

import attrs
import numpy as np

from ..models.elementwise import FloatArray
from .scaling import Scaled


class Controls(Protocol):
    """Inverse of the second derivatives by the controls of each hour."""

    effect: FloatArray
    """Change of the state that one unit of costate brings about, not negative, shape (n_hours, n_devices)."""

    def solve(self, slope: FloatArray) -> FloatArray:
        """Controls at which the quadratic's slope is this one."""
        ...


class OneControl:
    """One control: a quotient."""

    def __init__(self, scaled: Scaled, barrier: FloatArray) -> None:
        self._inverse = 1.0 / (scaled.control_curvature + barrier)
        self.effect = scaled.gain[0] * scaled.gain[0] * self._inverse[0]

    def solve(self, slope: FloatArray) -> FloatArray:
        """Controls at which the quadratic's slope is this one."""
        controls: FloatArray = self._inverse * slope
        return controls


class TwoControls:
    """Two controls: Cramer's rule, the determinant from positive terms only."""

    def __init__(self, scaled: Scaled, barrier: FloatArray) -> None:
        curvature, self._cross = scaled.control_curvature, scaled.cross_curvature
        determinant = scaled.determinant + curvature[0] * barrier[1]
        determinant += curvature[1] * barrier[0]
        determinant += barrier[0] * barrier[1]
        self._swapped = (curvature + barrier)[::-1]
        self._inverse = 1.0 / determinant
        gain, swapped = scaled.gain, self._swapped
        effect = gain[0] * gain[0] * swapped[0] + gain[1] * gain[1] * swapped[1]
        effect -= 2.0 * self._cross * gain[0] * gain[1]
        self.effect = effect * self._inverse

    def solve(self, slope: FloatArray) -> FloatArray:
        """Controls at which the quadratic's slope is this one."""
        controls: FloatArray = (self._swapped * slope - self._cross * slope[::-1]) * self._inverse
        return controls


@attrs.define(eq=False)
class Recursion:
    """The factorised equations of state x and costate y.

    ``x[t] = keep[t] x[t-1] - effect[t] y[t] + f[t]`` and ``y[t] = weight[t] x[t] + keep[t+1] y[t+1] - g[t]``.
    """

    keep: FloatArray
    effect: FloatArray
    weight: FloatArray
    _value: FloatArray = attrs.field(init=False)
    _damped: FloatArray = attrs.field(init=False)
    _share: FloatArray = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Cost-to-go's second derivative, from the last hour to the first."""
        effect, weight, squared = self.effect, self.weight, self.keep * self.keep
        value = np.empty_like(weight)
        value[-1] = weight[-1]
        for hour in range(len(value) - 1, 0, -1):
            term = effect[hour] * value[hour]
            term += 1.0
            np.divide(value[hour], term, out=term)
            term *= squared[hour]
            np.add(weight[hour - 1], term, out=value[hour - 1])
        self._value, self._share = value, 1.0 / (1.0 + effect * value)
        self._damped = self.keep * self._share

    def solve(self, f: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
        """State x and costate y of each hour."""
        value, damped = self._value, self._damped
        slope, pushed = np.empty_like(g), value * f
        slope[-1] = g[-1]
        for hour in range(len(slope) - 1, 0, -1):
            term = slope[hour] - pushed[hour]
            term *= damped[hour]
            np.add(g[hour - 1], term, out=slope[hour - 1])
        state = (self.effect * slope + f) * self._share
        for hour in range(1, len(state)):
            state[hour] += damped[hour] * state[hour - 1]
        return state, value * state - slope
