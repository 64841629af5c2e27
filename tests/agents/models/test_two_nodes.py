import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from gridbus.agents.models.two_nodes import two_nodes

rates = st.floats(0.05, 50.0)
losses = st.just(0.0) | st.floats(0.01, 20.0)
temperatures = st.floats(-40.0, 90.0)
gains = st.floats(-30.0, 30.0)
durations_h = st.sampled_from([1 / 60, 1 / 12, 1.0, 24.0])


@settings(deadline=None)
@given(st.floats(0.01, 20.0), losses, rates, rates, durations_h, temperatures, temperatures, gains, gains)
def test_is_the_matrix_exponential_of_the_augmented_system(x_loss, y_loss, x_swap, y_swap, hours, x, y, x_gain, y_gain):
    solution = two_nodes(*(np.array([rate]) for rate in (x_loss, y_loss, x_swap, y_swap)), hours)
    system = np.array([[-x_loss - x_swap, x_swap, x_gain], [y_swap, -y_loss - y_swap, y_gain], [0.0, 0.0, 0.0]])

    expected = expm(system * hours) @ [x, y, 1.0]

    found = solution.advanced(x, y, x_gain, y_gain)
    np.testing.assert_allclose(np.concatenate(found), expected[:2], rtol=1e-8, atol=1e-6)


@given(rates, st.floats(1e-12, 1e-3), durations_h)
def test_two_nodes_that_are_nearly_one_are_no_exception(loss, swap, hours):
    solution = two_nodes(*(np.array([rate]) for rate in (loss, loss, swap, swap)), hours)

    left, moved = np.exp(-(loss + swap) * hours) * np.array([np.cosh(swap * hours), np.sinh(swap * hours)])

    assert solution.x_of_x[0] == pytest.approx(left, rel=1e-9)
    assert solution.x_of_y[0] == pytest.approx(moved, rel=1e-9)


@given(losses, losses, rates, rates, durations_h)
def test_nothing_that_is_left_is_negative_or_more_than_there_was(x_loss, y_loss, x_swap, y_swap, hours):
    solution = two_nodes(np.array([x_loss + 1e-6]), y_loss, x_swap, y_swap, hours)

    parts = [solution.x_of_x, solution.x_of_y, solution.y_of_x, solution.y_of_y]
    assert min(part[0] for part in parts) >= -1e-15
    assert max(parts[0] + parts[1], parts[2] + parts[3]) <= 1.0 + 1e-12
