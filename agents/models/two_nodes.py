"""Two heat stores that lose heat to their surroundings and exchange it with each other, solved in closed form.

The temperatures x and y of the stores follow, with all rates constant over the step,

    dx/dt = x_gain - x_loss x + x_exchange (y - x)
    dy/dt = y_gain - y_loss y + y_exchange (x - y)

Both eigenvalues are real and not positive, whatever the rates, so the matrix exponential is a sum of two decays.
"""

from __future__ import annotations

import attrs
import numpy as np

from .elementwise import FloatArray, Values, exp

# Below this product of rate and time the difference of the two decays is lost to rounding; its series is exact there.
_LEAST_SPREAD = 1e-3


@attrs.frozen(eq=False)
class TwoNodes:
    """How much of a state is left after a step, and how far a gain moves it; every field of shape (n,)."""

    x_of_x: FloatArray
    """Part of x that is left. [-]"""
    x_of_y: FloatArray
    """Part of y that went to x. [-]"""
    y_of_x: FloatArray
    """Part of x that went to y. [-]"""
    y_of_y: FloatArray
    """Part of y that is left. [-]"""
    x_rest_of_x: FloatArray
    """Rise of x at rest by unit of x's gain. [h]"""
    x_rest_of_y: FloatArray
    """Rise of x at rest by unit of y's gain. [h]"""
    y_rest_of_x: FloatArray
    """Rise of y at rest by unit of x's gain. [h]"""
    y_rest_of_y: FloatArray
    """Rise of y at rest by unit of y's gain. [h]"""

    def advanced(self, x: Values, y: Values, x_gain: Values, y_gain: Values) -> tuple[FloatArray, FloatArray]:
        """Both temperatures at the end of the step, from those at its start and the gains in it [degC/h]."""
        x_rest = self.x_rest_of_x * x_gain + self.x_rest_of_y * y_gain
        y_rest = self.y_rest_of_x * x_gain + self.y_rest_of_y * y_gain
        x_over, y_over = x - x_rest, y - y_rest
        return (
            x_rest + self.x_of_x * x_over + self.x_of_y * y_over,
            y_rest + self.y_of_x * x_over + self.y_of_y * y_over,
        )


def two_nodes(x_loss: Values, y_loss: Values, x_exchange: Values, y_exchange: Values, hours: float) -> TwoNodes:
    """The solution over a step of some hours; rates [1/h], of which x_loss and both exchanges are above 0."""
    x_exchange, y_exchange = np.asarray(x_exchange), np.asarray(y_exchange)
    x_rate, y_rate = x_loss + x_exchange, y_loss + y_exchange
    # A sum of products of positive rates, where the textbook's difference of products would cancel.
    product = x_loss * y_loss + x_loss * y_exchange + y_loss * x_exchange
    half_gap = 0.5 * (y_rate - x_rate)
    root = np.sqrt(half_gap * half_gap + x_exchange * y_exchange)
    fast_rate = 0.5 * (x_rate + y_rate) + root
    slow, fast = exp(-(product / fast_rate) * hours), exp(-fast_rate * hours)
    even = 0.5 * (slow + fast)
    odd = _half_difference(slow, fast, root, hours)
    return TwoNodes(
        x_of_x=even + odd * half_gap,
        x_of_y=odd * x_exchange,
        y_of_x=odd * y_exchange,
        y_of_y=even - odd * half_gap,
        x_rest_of_x=y_rate / product,
        x_rest_of_y=x_exchange / product,
        y_rest_of_x=y_exchange / product,
        y_rest_of_y=x_rate / product,
    )


def _half_difference(slow: FloatArray, fast: FloatArray, root: FloatArray, hours: float) -> FloatArray:
    """Half of the difference of the decays by the half distance of their rates. [h]"""
    spread = root * hours
    near = np.sqrt(slow * fast) * hours * (1.0 + spread * spread * (1.0 / 6.0 + spread * spread / 120.0))
    return np.where(spread < _LEAST_SPREAD, near, 0.5 * (slow - fast) / root)
