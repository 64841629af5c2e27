"""Batched optimisation: optimality conditions, other programs' optima, and bits that depend on the device alone."""

import hashlib
import os
import subprocess
import sys

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridbus.agents.models.elementwise import FloatArray
from gridbus.agents.planning import solver
from gridbus.agents.planning.problem import Outcome, Problem, Solution
from gridbus.agents.planning.solver import solve

PER_DEVICE = ("start",)
PER_CONTROL = ("gain", "control_lowest", "control_highest", "control_price", "control_curvature")
SIZES = (-3, 5), (-2, 5), (-7, 3)
"""Powers of two of the controls' range, the state's range and the price."""
seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, devices: int = 5, hours: int = 24, controls: int = 2, *, curved: bool = True) -> Problem:
    """Stores of all sorts: leaky and tight, slow and fast, some out of bounds or with hours that must be full."""
    rng = np.random.default_rng(seed)
    by_hour, one = (devices, hours), (devices, 1)
    # Powers of ten would not have the same bits on every processor.
    power, room, price = (np.ldexp(rng.uniform(1, 2, one), rng.integers(*powers, one)) for powers in SIZES)
    price = price * rng.normal(0.5, 0.5, by_hour)
    curvature = rng.choice([1e-3, 0.1], one) * abs(price).max() / power * curved
    highest = np.where(rng.random(by_hour) < rng.choice([0, 0.3], one), 0.0, power)
    return Problem(
        start=(room * rng.uniform(-0.2, 1.2, one))[:, 0],
        hours=hours,
        controls=controls,
        keep=rng.choice([1.0, 0.99, 0.8, 0.5], one),
        gain=np.stack([rng.uniform(0.5, 1.2, by_hour), -rng.uniform(0.5, 1.2, by_hour)])[:controls],
        drift=rng.choice([0.0, 0.3], one) * power * rng.normal(0, 1, by_hour),
        control_lowest=-rng.choice([0.0, 0.5], one) * highest,
        control_highest=highest,
        control_price=np.stack([price, 0.01 - price])[:controls],
        control_curvature=curvature,
        cross_curvature=curvature * rng.choice([0.0, 0.5, 1.0], one) * (controls == 2),
        state_lowest=np.where(rng.random(by_hour) < 0.03, room, 0.0),
        state_highest=room,
        state_curvature=rng.choice([0.0, 0.02], one) * curved,
        state_price=rng.choice([0.0, -0.05], one),
    )


def some_of(problem: Problem, devices: FloatArray) -> Problem:
    """The same problem for some of the devices."""
    chosen = {}
    for field in attrs.fields(Problem):
        value = getattr(problem, field.name)
        if field.name in PER_CONTROL:
            chosen[field.name] = value[:, devices]
        else:
            chosen[field.name] = value[devices] if isinstance(value, np.ndarray) else value
    return Problem(**chosen)


def bits(solution: Solution, device: int) -> bytes:
    """All that came out for a device."""
    by_device = [np.moveaxis(value, -2, 0) if value.ndim == 3 else value for value in attrs.astuple(solution)]
    return b"".join(np.ascontiguousarray(value[device]).tobytes() for value in by_device)


def cost_scale(problem: Problem) -> FloatArray:
    """What the horizon's controls may cost at most, by device."""
    room = problem.control_highest - problem.control_lowest
    return (abs(problem.control_price) * room).sum(axis=(0, 2)) + 1e-3


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([1, 2]), st.sampled_from([1, 7, 48]))
def test_a_plan_meets_the_optimality_conditions(seed: int, controls: int, hours: int) -> None:
    problem = drawn(seed, hours=hours, controls=controls)
    found = solve(problem)
    sound = found.outcome != Outcome.NOT_CONVERGED

    assert sound.all()
    # Controls and bounds.
    assert (found.control >= problem.control_lowest).all()
    assert (found.control <= problem.control_highest).all()
    before = np.concatenate([problem.start[:, np.newaxis], found.state[:, :-1]], axis=1)
    moved = problem.keep * before + (problem.gain * found.control).sum(axis=0) + problem.drift
    assert found.state == pytest.approx(moved, rel=1e-12, abs=1e-12)
    # Stationarity.
    steepest = 1e-8 * (abs(problem.control_price).max() + abs(problem.gain * found.costate).max(axis=(0, 2)))
    slope = problem.control_price + problem.control_curvature * found.control + problem.gain * found.costate
    if controls == 2:
        slope += problem.cross_curvature * found.control[::-1]
    slope += found.control_at_highest - found.control_at_lowest
    assert (abs(slope).max(axis=(0, 2)) <= steepest).all()
    later = np.zeros_like(found.costate)
    later[:, :-1] = problem.keep[:, 1:] * found.costate[:, 1:]
    slope = problem.state_price + problem.state_curvature * found.state - found.costate + later
    slope += found.state_at_highest - found.state_at_lowest
    assert (abs(slope).max(axis=1) <= 1e-8 * (1.0 + abs(found.costate).max(axis=1))).all()
    # Multipliers and complementarity: their products bound what the plan could still gain.
    pairs = [
        (found.control_at_lowest, found.control - problem.control_lowest),
        (found.control_at_highest, problem.control_highest - found.control),
        (found.state_at_lowest[np.newaxis], (found.state - problem.state_lowest)[np.newaxis]),
        (found.state_at_highest[np.newaxis], (problem.state_highest - found.state)[np.newaxis]),
    ]
    gap = sum((multiplier * np.maximum(slack, 0.0)).sum(axis=(0, 2)) for multiplier, slack in pairs)
    assert all((multiplier >= 0.0).all() for multiplier, _ in pairs)
    optimal = found.outcome == Outcome.OPTIMAL
    assert (gap[optimal] <= 1e-8 * cost_scale(problem)[optimal]).all()
    assert (found.violation[optimal] <= 1e-5 * problem.control_highest.max()).all()


@settings(max_examples=30, deadline=None)
@given(seeds, st.sampled_from([1, 2]))
def test_without_bounds_in_reach_the_plan_solves_the_linear_equations(seed: int, controls: int) -> None:
    far = 1e3
    problem = attrs.evolve(
        drawn(seed, 2, 6, controls),
        control_lowest=-far,
        control_highest=far,
        state_lowest=-far,
        state_highest=far,
        control_curvature=1.0,
        cross_curvature=0.4,
        state_curvature=0.3,
    )

    found = solve(problem)

    # Unknowns: controls and states of all hours, with the cost's slope and the multipliers of the state's equation.
    hours, size = problem.hours, (controls + 1) * problem.hours
    own = np.full((controls, controls), 0.4) + 0.6 * np.eye(controls)
    for device in range(2):
        equation = np.zeros((hours, size))
        for hour in range(hours):
            equation[hour, hour * controls : (hour + 1) * controls] = problem.gain[:, device, hour]
            equation[hour, hours * controls + hour] = -1.0
            if hour:
                equation[hour, hours * controls + hour - 1] = problem.keep[device, hour]
        drift = problem.drift[device].copy()
        drift[0] += problem.keep[device, 0] * problem.start[device]
        curvature = np.zeros((size, size))
        curvature[: hours * controls, : hours * controls] = np.kron(np.eye(hours), own)
        curvature[hours * controls :, hours * controls :] = 0.3 * np.eye(hours)
        price = np.concatenate([problem.control_price[:, device].T.ravel(), problem.state_price[device]])
        matrix = np.block([[curvature, equation.T], [equation, np.zeros((hours, hours))]])
        exact = np.linalg.solve(matrix, -np.concatenate([price, drift]))
        assert abs(exact[:size]).max() < far
        assert found.control[:, device].T.ravel() == pytest.approx(exact[: hours * controls], rel=1e-6, abs=1e-6)
        assert found.costate[device] == pytest.approx(exact[size:], rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([1, 2]))
def test_linear_costs_and_least_violation_agree_with_a_linear_program(seed: int, controls: int) -> None:
    problem = drawn(seed, 3, 24, controls, curved=False)
    found = solve(problem)

    for device in range(3):
        violation, cost = least(problem, device)
        outside = np.maximum(problem.state_lowest - found.state, found.state - problem.state_highest)[device]
        reach = abs(problem.gain[:, device] * problem.control_highest[:, device]).max()
        assert np.maximum(outside, 0.0).sum() == pytest.approx(violation, rel=0.01, abs=1e-5 * reach)
        assert (found.outcome[device] == Outcome.SOFTENED) == (found.violation[device] > 1e-6 * reach)
        if violation <= 1e-9 * reach:
            assert found.outcome[device] == Outcome.OPTIMAL
            assert found.objective[device] == pytest.approx(cost, abs=1e-6 * cost_scale(problem)[device])


def least(problem: Problem, device: int) -> tuple[float, float]:
    """Least total violation, and then the least cost, of one device by scipy's linear programming."""
    hours, controls = problem.hours, problem.controls
    rows = np.zeros((hours, (controls + 3) * hours))
    bound = np.zeros((2 * hours, (controls + 3) * hours))
    for hour in range(hours):
        for control in range(controls):
            rows[hour, control * hours + hour] = problem.gain[control, device, hour]
        rows[hour, controls * hours + hour] = -1.0
        if hour:
            rows[hour, controls * hours + hour - 1] = problem.keep[device, hour]
        for side, sign in enumerate((-1.0, 1.0)):
            bound[side * hours + hour, controls * hours + hour] = sign
            bound[side * hours + hour, (controls + 1 + side) * hours + hour] = -1.0
    drift = problem.drift[device].copy()
    drift[0] += problem.keep[device, 0] * problem.start[device]
    limits = [
        *zip(problem.control_lowest[:, device].ravel(), problem.control_highest[:, device].ravel(), strict=True),
        *[(None, None)] * hours,
        *[(0, None)] * (2 * hours),
    ]
    edges = np.concatenate([-problem.state_lowest[device], problem.state_highest[device]])
    outside = np.concatenate([np.zeros((controls + 1) * hours), np.ones(2 * hours)])
    costs = np.concatenate([problem.control_price[:, device].ravel(), problem.state_price[device], np.zeros(2 * hours)])
    first = linprog(outside, bound, edges, rows, -drift, limits)
    allowed = np.vstack([bound, outside]), np.append(edges, first.fun + 1e-9)
    return first.fun, linprog(costs, *allowed, rows, -drift, limits).fun


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from([1, 2]), st.permutations(range(7)), st.integers(1, 8))
def test_the_bits_of_a_plan_do_not_depend_on_the_devices_beside_it(
    seed: int, controls: int, order: list[int], block: int
) -> None:
    problem = drawn(seed, devices=7, hours=12, controls=controls)
    together = [bits(solve(problem), device) for device in range(7)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver, "DEVICES_AT_ONCE", block)
        shuffled = solve(some_of(problem, np.array(order)))

    assert [bits(shuffled, place) for place in range(7)] == [together[device] for device in order]
    for device in order[:2]:
        assert bits(solve(some_of(problem, np.array([device]))), 0) == together[device]
    assert len(set(together)) == 7


def test_the_bits_of_a_plan_are_the_same_in_a_batch_of_a_thousand() -> None:
    problem = drawn(11, devices=1000)
    together = solve(problem)

    for device in (0, 383, 384, 999):
        assert bits(solve(some_of(problem, np.array([device]))), 0) == bits(together, device)


def digest() -> str:
    """Of plans of all sorts."""
    solution = solve(drawn(5, devices=40, hours=48))
    return hashlib.sha256(b"".join(bits(solution, device) for device in range(40))).hexdigest()


def test_a_processor_with_fewer_instructions_gives_the_same_bits() -> None:
    used = np.show_config(mode="dicts")["SIMD Extensions"]["found"]

    simple = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(used)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert simple.stdout == digest()


if __name__ == "__main__":
    sys.stdout.write(digest())
