"""The connection that a customer's devices share, with its own limits and with operating envelopes."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.agents.connection import Connection
from gridbus.kernel import HOUR, MINUTE
from gridbus.roles.interfaces import OperatingEnvelope

STEP = 5 * MINUTE
POWERS = st.floats(-20.0, 20.0)


def envelope(start: int, duration: int, import_kw: float = inf, export_kw: float = inf) -> OperatingEnvelope:
    return OperatingEnvelope(
        usage_point="h1", start=start, duration=duration, import_limit_kw=import_kw, export_limit_kw=export_kw
    )


@given(st.lists(st.tuples(POWERS, st.booleans()), max_size=8), st.floats(0.0, 20.0), st.floats(0.0, 20.0))
def test_nobody_who_gives_way_draws_or_injects_beyond_the_limits(
    wanted: list[tuple[float, bool]], import_kw: float, export_kw: float
) -> None:
    connection, total_kw = Connection(import_kw, export_kw), 0.0
    for wanted_kw, flexible in wanted:
        allotted_kw = connection.allot_kw(0, STEP, wanted_kw, flexible=flexible)
        assert min(wanted_kw, 0.0) <= allotted_kw <= max(wanted_kw, 0.0)
        before_kw, total_kw = total_kw, total_kw + allotted_kw
        if not flexible and wanted_kw > 0.0:
            assert allotted_kw == wanted_kw
        elif allotted_kw > 0.0:
            assert total_kw <= import_kw + 1e-9
        elif allotted_kw < 0.0:
            assert total_kw >= -export_kw - 1e-9
        if allotted_kw != wanted_kw:
            assert total_kw == pytest.approx(import_kw if wanted_kw > 0.0 else -export_kw) or total_kw == before_kw


def test_the_household_s_load_comes_first_and_flexible_devices_share_what_it_leaves() -> None:
    connection = Connection(10.0)
    assert connection.allot_kw(0, STEP, 4.0, flexible=False) == 4.0
    assert connection.allot_kw(0, STEP, 5.0, flexible=True) == 5.0
    assert connection.allot_kw(0, STEP, 5.0, flexible=True) == 1.0
    assert connection.allot_kw(STEP, STEP, 5.0, flexible=True) == 5.0


def test_a_load_beyond_the_limit_is_not_cut_and_leaves_nothing_to_others() -> None:
    connection = Connection(3.0)
    assert connection.allot_kw(0, STEP, 4.0, flexible=False) == 4.0
    assert connection.allot_kw(0, STEP, 5.0, flexible=True) == 0.0


def test_what_is_injected_makes_room_for_those_who_draw_and_the_other_way_round() -> None:
    connection = Connection(3.0, 2.0)
    assert connection.allot_kw(0, STEP, -2.0, flexible=True) == -2.0
    assert connection.allot_kw(0, STEP, 9.0, flexible=True) == 5.0
    assert connection.allot_kw(0, STEP, -9.0, flexible=True) == -5.0


def test_injection_is_cut_even_of_those_who_do_not_give_way_in_what_they_draw() -> None:
    connection = Connection(10.0, 2.0)
    assert connection.allot_kw(0, STEP, 1.0, flexible=False) == 1.0
    assert connection.allot_kw(0, STEP, -6.0, flexible=False) == -3.0


def test_an_envelope_holds_while_it_lasts_and_never_widens_the_connection() -> None:
    connection = Connection(10.0, 8.0)
    connection.keep(envelope(STEP, STEP, 4.0, 99.0))
    assert [connection.limits_kw(number * STEP, STEP) for number in range(3)] == [(10.0, 8.0), (4.0, 8.0), (10.0, 8.0)]
    assert [connection.allot_kw(number * STEP, STEP, 9.0, flexible=True) for number in range(3)] == [9.0, 4.0, 9.0]


def test_an_interval_keeps_the_tightest_of_the_envelopes_that_it_touches() -> None:
    connection = Connection(10.0, 10.0)
    for number, limit_kw in enumerate((5.0, 2.0, 7.0)):
        connection.keep(envelope(number * STEP, STEP, limit_kw, limit_kw))
    assert connection.limits_kw(0, 3 * STEP) == (2.0, 2.0)
    assert connection.limits_kw(2 * STEP, 3 * STEP) == (7.0, 7.0)
    assert connection.limits_kw(STEP - MINUTE, MINUTE) == (5.0, 5.0)


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(1, 12), st.floats(0.0, 9.0)), max_size=6))
def test_a_later_envelope_replaces_what_earlier_ones_said_of_its_time(said: list[tuple[int, int, float]]) -> None:
    connection, expected = Connection(9.0, 9.0), [9.0] * 24
    for first, count, limit_kw in said:
        connection.keep(envelope(first * STEP, count * STEP, limit_kw, limit_kw))
        expected[first : first + count] = [limit_kw] * count
    assert [connection.limits_kw(number * STEP, STEP)[0] for number in range(24)] == expected
    for first in range(12):
        assert connection.limits_kw(first * STEP, 12 * STEP)[0] == min(expected[first : first + 12])
    for start in range(0, 24 * STEP, STEP):
        assert connection.allot_kw(start, STEP, 99.0, flexible=True) == expected[start // STEP]


def test_what_is_past_is_forgotten() -> None:
    connection = Connection()
    for start in range(0, 24 * HOUR, STEP):
        connection.keep(envelope(start, STEP, 1.0))
        connection.allot_kw(start, STEP, 2.0, flexible=True)
    assert len(connection._bounds) == 1
