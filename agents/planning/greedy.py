"""Plans without optimisation: what follows from controls, and controls that only keep the state within bounds."""

import numpy as np

from ..models.elementwise import FloatArray, clip
from .problem import Problem


def trajectory(problem: Problem, control: FloatArray) -> FloatArray:
    """State at the end of each hour under these controls, shape (n_devices, n_hours)."""
    state = np.empty_like(problem.drift)
    present = problem.start
    for hour in range(problem.hours):
        present = problem.keep[:, hour] * present + problem.drift[:, hour]
        for gain, power in zip(problem.gain, control, strict=True):
            present = present + gain[:, hour] * power[:, hour]
        state[:, hour] = present
    return state


def greedy_control(problem: Problem) -> FloatArray:
    """Controls as near to zero as keeps the state where later bounds can still be kept.

    Shape (n_controls, n_devices, n_hours). The first control moves first.
    """
    lowest, highest = _tenable(problem)
    control = clip(0.0, problem.control_lowest, problem.control_highest)
    present = problem.start
    for hour in range(problem.hours):
        present = problem.keep[:, hour] * present + problem.drift[:, hour]
        for gain, power in zip(problem.gain, control, strict=True):
            present = present + gain[:, hour] * power[:, hour]
        for number in range(problem.controls):
            missing = clip(present, lowest[:, hour], highest[:, hour]) - present
            present = present + _moved(problem, control, number, hour, missing)
    return control


def _moved(problem: Problem, control: FloatArray, number: int, hour: int, missing: FloatArray) -> FloatArray:
    """Change one control of an hour so as to bring about a change of state; return the change that it does."""
    gain, power = problem.gain[number, :, hour], control[number, :, hour].copy()
    wanted = np.divide(missing, gain, out=np.zeros_like(gain), where=gain != 0.0)
    control[number, :, hour] = clip(
        power + wanted, problem.control_lowest[number, :, hour], problem.control_highest[number, :, hour]
    )
    return gain * (control[number, :, hour] - power)


def _tenable(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Bounds of the state from which the controls can keep all later bounds, where there are such."""
    lowest, highest = problem.state_lowest.copy(), problem.state_highest.copy()
    weakest, strongest = _extremes(problem)
    for hour in range(problem.hours - 1, 0, -1):
        keep = problem.keep[:, hour]
        needed = (lowest[:, hour] - strongest[:, hour]) / keep
        allowed = (highest[:, hour] - weakest[:, hour]) / keep
        before = hour - 1
        lowest[:, before] = np.minimum(np.maximum(lowest[:, before], needed), highest[:, before])
        highest[:, before] = np.maximum(np.minimum(highest[:, before], allowed), lowest[:, before])
    return lowest, highest


def _extremes(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Least and greatest change of the state that controls and drift can bring about in each hour."""
    weakest, strongest = problem.drift.copy(), problem.drift.copy()
    for gain, low, high in zip(problem.gain, problem.control_lowest, problem.control_highest, strict=True):
        weakest += np.minimum(gain * low, gain * high)
        strongest += np.maximum(gain * low, gain * high)
    return weakest, strongest
