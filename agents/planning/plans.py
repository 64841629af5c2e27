"""What the planning of a kind of devices gives, and how prices enter its objective."""

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..models.elementwise import FloatArray
from .arrays import as_array, over
from .problem import Problem, Solution
from .solver import solve


@attrs.frozen(eq=False)
class Plan:
    """Day-ahead quantities of many devices, and the solution that they come from."""

    quantity_kw: FloatArray
    """Average power of each hour, shape (n_devices, n_hours). [kW]"""
    solution: Solution
    """Objective and multipliers, in the units of the devices' objective."""

    @property
    def state(self) -> FloatArray:
        """Temperature [degC] or stored energy [kWh] at the end of each hour, shape (n_devices, n_hours)."""
        return self.solution.state

    @property
    def outcome(self) -> NDArray[np.int8]:
        """How the plan of each device came about, values of Outcome, shape (n_devices,)."""
        return self.solution.outcome


def dearness(price_per_kwh: ArrayLike) -> FloatArray:
    """Where each price is between the lowest (0) and the highest (1) of its forecast; 0 in a flat one.

    Shape (n_devices or 1, n_hours).
    """
    prices = np.atleast_2d(as_array(price_per_kwh))
    lowest = prices.min(axis=-1, keepdims=True)
    spread = prices.max(axis=-1, keepdims=True) - lowest
    return over(prices - lowest, spread)


def planned(problem: Problem, sign: tuple[float, ...]) -> Plan:
    """The best plan, whose quantity is the sum of the controls, each with its sign."""
    solution = solve(problem)
    quantity_kw = solution.control[0] * sign[0]
    for control, of_control in zip(solution.control[1:], sign[1:], strict=True):
        quantity_kw = quantity_kw + control * of_control
    return Plan(quantity_kw, solution)
