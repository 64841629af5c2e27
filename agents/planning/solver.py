"""Solves day-ahead problems of any number of devices, in blocks that fit the processor's cache."""

from collections.abc import Iterator

import attrs
import numpy as np

from ..models.elementwise import FloatArray, clip
from .arrays import total
from .greedy import greedy_control, trajectory
from .interior_point import Finished, iterate
from .problem import Outcome, Problem, Solution
from .scaling import Units, scale

DEVICES_AT_ONCE = 384
"""Most devices in one block: results do not depend on it, times do."""
MOST_ITERATIONS = 60
"""Ten to twenty are usual."""
VIOLATION_TOLERANCE = 1e-6
"""A state this far outside its bounds still counts as inside, as a share of what an hour's full control does."""


def solve(problem: Problem, *, most_iterations: int = MOST_ITERATIONS) -> Solution:
    """Best plan of every device; that of one does not depend in any bit on the others or on their order.

    A device that no plan can keep within its bounds gets one that leaves them as little as can be, one whose
    iterations do not suffice a greedy one; ``Solution.outcome`` says which.
    """
    solution = _blank(problem)
    reach = np.ones_like(problem.start)
    # Numbers of a device that does not converge may overflow; the others go on.
    with np.errstate(all="ignore"):
        for block in _blocks(len(problem.start)):
            scaled, units = scale(problem, block)
            reach[block] = units.state
            for finished in iterate(scaled, most_iterations):
                _record(problem, solution, finished, units.take(finished.devices), block.start)
    return _completed(problem, solution, VIOLATION_TOLERANCE * reach)


def _blocks(devices: int) -> Iterator[slice]:
    """Slices of nearly equal length: a small rest would take as many operations as a full block."""
    count = -(-devices // DEVICES_AT_ONCE)
    for block in range(count):
        yield slice(devices * block // count, devices * (block + 1) // count)


def _blank(problem: Problem) -> Solution:
    devices, hourly, by_control = problem.start.shape, problem.drift.shape, problem.gain.shape
    return Solution(
        outcome=np.zeros(devices, np.int8),
        control=np.empty(by_control),
        state=np.empty(hourly),
        objective=np.empty(devices),
        violation=np.empty(devices),
        iterations=np.zeros(devices, np.int64),
        costate=np.full(hourly, np.nan),
        control_at_lowest=np.full(by_control, np.nan),
        control_at_highest=np.full(by_control, np.nan),
        state_at_lowest=np.full(hourly, np.nan),
        state_at_highest=np.full(hourly, np.nan),
    )


def _record(problem: Problem, solution: Solution, finished: Finished, units: Units, first: int) -> None:
    """Enter what came out for some devices, in the problem's units."""
    devices, at = finished.devices + first, finished.at
    solution.iterations[devices] = finished.iterations
    if not finished.converged:
        solution.outcome[devices] = Outcome.NOT_CONVERGED
        return
    controls = len(at.control)
    lowest, highest = problem.control_lowest[:, devices], problem.control_highest[:, devices]
    change = (at.control * units.control).swapaxes(1, 2)
    solution.control[:, devices] = clip(lowest + change, lowest, highest)
    per_control, per_state = units.cost / units.control, units.cost / units.state
    pairs = at.multiplier[: 2 * controls + 2]
    solution.costate[devices] = (at.costate * per_state).T
    solution.control_at_lowest[:, devices] = (pairs[:controls] * per_control).swapaxes(1, 2)
    solution.control_at_highest[:, devices] = (pairs[controls : 2 * controls] * per_control).swapaxes(1, 2)
    solution.state_at_lowest[devices] = (pairs[-2] * per_state).T
    solution.state_at_highest[devices] = (pairs[-1] * per_state).T


def _completed(problem: Problem, solution: Solution, tolerance: FloatArray) -> Solution:
    """The solution with what follows from its controls, greedy ones where there are none yet."""
    unsolved = solution.outcome == Outcome.NOT_CONVERGED
    if unsolved.any():
        solution.control[:, unsolved] = greedy_control(problem)[:, unsolved]
    state = trajectory(problem, solution.control)
    outside = np.maximum(problem.state_lowest - state, state - problem.state_highest).max(axis=1)
    violation = np.maximum(outside, 0.0)
    solution.outcome[~unsolved & (violation > tolerance)] = Outcome.SOFTENED
    _price_fixed_controls(problem, solution)
    return attrs.evolve(solution, state=state, violation=violation, objective=_objective(problem, solution, state))


def _price_fixed_controls(problem: Problem, solution: Solution) -> None:
    """Multipliers of controls without room, which were not part of the problem solved."""
    fixed = problem.control_lowest == problem.control_highest
    slope = problem.control_price + problem.control_curvature * solution.control + problem.gain * solution.costate
    if problem.controls == 2:
        slope = slope + problem.cross_curvature * solution.control[::-1]
    np.copyto(solution.control_at_lowest, np.maximum(slope, 0.0), where=fixed)
    np.copyto(solution.control_at_highest, np.maximum(-slope, 0.0), where=fixed)


def _objective(problem: Problem, solution: Solution, state: FloatArray) -> FloatArray:
    control = solution.control
    cost = state * (problem.state_price + 0.5 * problem.state_curvature * state)
    for price, curvature, power in zip(problem.control_price, problem.control_curvature, control, strict=True):
        cost += power * (price + 0.5 * curvature * power)
    if problem.controls == 2:
        cost += problem.cross_curvature * control[0] * control[1]
    return total(cost.T)
