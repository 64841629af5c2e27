"""What is planned where no plan keeps the bounds or the iterations do not suffice, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.planning.greedy import greedy_control, trajectory
from gridbus.agents.planning.problem import Outcome, Problem
from gridbus.agents.planning.solver import MOST_ITERATIONS, solve


def store(**changes: Any) -> Problem:
    """A lossless store of 10 kWh with 2 kW of charge and of discharge, over six hours at one price each."""
    usual: dict[str, Any] = {
        "start": [5.0],
        "hours": 6,
        "controls": 2,
        "gain": [[[1.0]], [[-1.0]]],
        "control_lowest": 0.0,
        "control_highest": 2.0,
        "state_lowest": 0.0,
        "state_highest": 10.0,
        "control_price": [[[0.2, 0.1, 0.3, 0.1, 0.2, 0.2]], [[-0.1, 0.0, -0.2, 0.0, -0.1, -0.1]]],
        "control_curvature": 0.01,
    }
    return Problem(**{**usual, **changes})


def test_a_store_above_its_bound_comes_back_at_full_power_and_then_keeps_it() -> None:
    found = solve(store(start=[17.0], state_highest=[[10.0] * 6]))

    assert found.outcome.tolist() == [Outcome.SOFTENED]
    assert found.state[0, :4] == pytest.approx([15.0, 13.0, 11.0, 10.0], abs=1e-6)
    assert found.violation == pytest.approx([5.0], abs=1e-6)
    assert (found.state[0, 3:] <= 10.0 + 1e-9).all()


def test_a_departure_out_of_reach_is_approached_at_full_power() -> None:
    lowest = [[0.0, 0.0, 9.5, 0.0, 0.0, 0.0]]
    found = solve(store(start=[1.0], state_lowest=lowest))

    assert found.outcome.tolist() == [Outcome.SOFTENED]
    assert found.control[0, 0, :3] == pytest.approx([2.0] * 3, abs=1e-6)
    assert found.violation == pytest.approx([2.5], abs=1e-6)


def test_a_departure_within_reach_is_kept_to_the_kilowatt_hour() -> None:
    lowest = [[0.0, 0.0, 10.0, 0.0, 0.0, 0.0]]
    found = solve(store(start=[4.0], state_lowest=lowest))

    assert found.outcome.tolist() == [Outcome.OPTIMAL]
    assert found.state[0, 2] == pytest.approx(10.0, abs=1e-9)
    assert found.control[0, 0, :3] == pytest.approx([2.0] * 3, abs=1e-6)


def test_bounds_that_cross_are_left_as_little_as_can_be() -> None:
    lowest = [[0.0, 8.0, 0.0, 0.0, 0.0, 0.0]]
    found = solve(store(state_lowest=lowest, state_highest=7.0))

    assert found.outcome.tolist() == [Outcome.SOFTENED]
    assert 7.0 - 1e-6 <= found.state[0, 1] <= 8.0 + 1e-6


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_greedy_plan_keeps_the_bounds_wherever_the_optimum_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    needed = np.where(rng.random((4, 12)) < 0.15, 10.0 * rng.random((4, 12)), 0.0)
    problem = Problem(
        start=10.0 * rng.random(4),
        hours=12,
        controls=2,
        gain=np.array([0.9, -1.1]).reshape(2, 1, 1),
        keep=0.98,
        drift=0.5 * rng.normal(size=(4, 12)),
        control_lowest=0.0,
        control_highest=2.0,
        state_lowest=needed,
        state_highest=10.0,
        control_price=np.stack([rng.random((4, 12)), -0.5 * rng.random((4, 12))]),
        control_curvature=0.1,
    )
    best = solve(problem)

    state = trajectory(problem, greedy_control(problem))

    kept = (state >= problem.state_lowest - 1e-9).all(axis=1) & (state <= problem.state_highest + 1e-9).all(axis=1)
    assert kept[best.violation < 1e-12].all()


def test_a_device_whose_iterations_do_not_suffice_gets_the_greedy_plan_and_others_keep_theirs() -> None:
    # The second device has nothing to decide: it is done at once.
    highest = np.array([2.0, 0.0]).reshape(1, 2, 1)
    problem = store(start=[5.0, 5.0], control_highest=highest, state_lowest=[[0.0, 0.0, 8.0, 0.0, 0.0, 0.0]])

    stopped, complete = solve(problem, most_iterations=3), solve(problem)

    assert stopped.outcome.tolist()[0] == Outcome.NOT_CONVERGED
    assert stopped.iterations.tolist()[0] == 3
    assert np.isnan(stopped.costate[0]).all()
    assert (stopped.control[:, 0] == greedy_control(problem)[:, 0]).all()
    assert stopped.state[0, 2] == pytest.approx(8.0)
    assert stopped.violation.tolist()[0] == 0.0
    assert stopped.objective[0] > complete.objective[0]
    assert complete.outcome.tolist() == [Outcome.OPTIMAL, Outcome.SOFTENED]
    assert complete.iterations.max() < MOST_ITERATIONS / 2


def test_a_batch_without_devices_has_a_solution_without_devices() -> None:
    found = solve(store(start=[], control_price=0.1))

    assert found.control.shape == (2, 0, 6)


def test_arrays_that_do_not_fit_are_named_with_the_shape_that_would() -> None:
    with pytest.raises(ValueError, match=r"drift has the shape \(5,\): give one that broadcasts to \(1, 6\)") as caught:
        store(drift=[0.0] * 5, state_lowest=np.zeros((2, 6)))

    assert "state_lowest has the shape (2, 6)" in str(caught.value)
    with pytest.raises(ValueError, match="0 hours: give at least one"):
        store(hours=0, control_price=0.1)
    with pytest.raises(ValueError, match="3 controls: give one or two"):
        store(controls=3, gain=1.0, control_price=0.1)


def test_all_faults_of_a_problem_are_named_with_their_devices() -> None:
    with pytest.raises(ValueError, match="drift is not finite") as caught:
        store(
            start=[5.0, 5.0],
            drift=[[0.0], [np.nan]],
            keep=[[0.0], [1.0]],
            control_lowest=np.array([3.0, 0.0]).reshape(1, 2, 1),
            control_curvature=np.array([0.01, -1.0]).reshape(1, 2, 1),
            cross_curvature=[[0.5], [0.0]],
        )

    message = str(caught.value)
    assert "drift is not finite for devices [1]" in message
    assert "keep is not positive for devices [0]" in message
    assert "bounds of a control cross for devices [0]" in message
    assert "cost of the control is not convex for devices [1]" in message
    assert "cross curvature outweighs the controls' own for devices [0]" in message
