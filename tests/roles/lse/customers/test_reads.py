"""The reads of usage points: what is known of an interval, a period, a span."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE, UsageError
from gridbus.roles.lse.customers.reads import Reads

STEP = 5 * MINUTE
ENTRIES = st.lists(
    st.tuples(
        st.integers(0, 700), st.lists(st.tuples(st.integers(0, 3), st.floats(-9.0, 9.0)), max_size=4), st.integers(1, 3)
    ),
    max_size=30,
)
"""Interval, the reads of some usage points, revision."""
Table = dict[tuple[int, int], tuple[float, int]]


def at(*places: int) -> np.ndarray:
    return np.array(places, dtype=np.intp)


def entered(entries: list[tuple[int, list[tuple[int, float]], int]]) -> tuple[Reads, Table]:
    """Reads, and the same as a plain table, where a later revision replaces an earlier one."""
    reads, table = Reads(), Table()
    for number, rows, revision in entries:
        kwh = dict(rows)
        places = at(*kwh)
        replaced = reads.enter(places, number * STEP, STEP, np.array(list(kwh.values())), revision)
        for place, before, is_entered in zip(kwh, replaced.energy_kwh, replaced.is_entered, strict=True):
            known = table.get((place, number))
            assert is_entered == (known is None or revision > known[1])
            assert np.isnan(before) if known is None else before == known[0]
            if is_entered:
                table[place, number] = kwh[place], revision
    return reads, table


@given(entries=ENTRIES, start=st.integers(0, 700 * 5), length=st.integers(0, 700 * 5), place=st.integers(0, 4))
def test_a_period_has_the_intervals_that_begin_in_it_with_their_latest_revision(
    entries: list[tuple[int, list[tuple[int, float]], int]], start: int, length: int, place: int
) -> None:
    reads, table = entered(entries)
    first, end = start * MINUTE, (start + length) * MINUTE
    starts, energy = reads.between(place, first, end)
    wanted = {n * STEP: kwh for (p, n), (kwh, _) in sorted(table.items()) if p == place and first <= n * STEP < end}
    assert dict(zip(starts.tolist(), energy.tolist(), strict=True)) == wanted
    assert starts.dtype == np.int64


@given(
    numbers=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3), st.floats(-9.0, 9.0)), max_size=30),
    start=st.integers(0, 100),
    length=st.integers(0, 60),
)
def test_a_span_has_the_minutes_of_its_intervals_and_is_unknown_where_one_was_not_read(
    numbers: list[tuple[int, int, float]], start: int, length: int
) -> None:
    reads, table = entered([(number, [(place, kwh)], 1) for number, place, kwh in numbers])
    found = reads.metered_kwh(at(0, 1, 2, 9), start * MINUTE, (start + length) * MINUTE)
    for place, kwh in zip((0, 1, 2, 9), found.tolist(), strict=True):
        minutes = [table.get((place, minute // 5)) for minute in range(start, start + length)]
        if None in minutes:
            assert np.isnan(kwh)
        else:
            assert kwh == pytest.approx(sum(each[0] / 5 for each in minutes if each), abs=1e-9)


def test_the_last_interval_may_be_cut_short() -> None:
    reads = Reads()
    reads.enter(at(0), 0, STEP, np.array([1.0]), 1)
    reads.enter(at(0), STEP, 2 * MINUTE, np.array([0.4]), 1)
    assert reads.length(0) == STEP
    assert reads.length(STEP) == 2 * MINUTE
    assert reads.metered_kwh(at(0), 0, STEP + 2 * MINUTE).tolist() == [pytest.approx(1.4)]
    assert np.isnan(reads.metered_kwh(at(0), 0, 2 * STEP)).all()


@pytest.mark.parametrize(("start", "duration"), [(STEP, 2 * STEP), (MINUTE, STEP)])
def test_intervals_of_other_lengths_or_edges_are_complained_about(start: int, duration: int) -> None:
    reads = Reads()
    reads.enter(at(0), 0, STEP, np.array([1.0]), 1)
    with pytest.raises(UsageError, match="in intervals of 5 min and of"):
        reads.enter(at(1), start, duration, np.array([1.0]), 1)


def test_what_was_awarded_is_kept_beside_the_read() -> None:
    reads = Reads()
    reads.enter(at(0, 1), HOUR, HOUR, np.array([3.0, 4.0]), 1)
    reads.award(at(1), HOUR, np.array([2.5]))
    assert reads.awarded(at(0, 1), HOUR).tolist() == [0.0, 2.5]


def test_a_run_that_ends_in_its_first_interval_read_has_an_interval_cut_short():
    reads, start = Reads(), 11 * HOUR + 55 * MINUTE
    reads.enter(at(0, 2), start, 3 * MINUTE, np.array([0.5, 0.25]), 1)
    starts, energy = reads.between(2, start, start + 3 * MINUTE)
    assert (starts.tolist(), energy.tolist()) == ([start], [0.25])
    assert reads.metered_kwh(at(0), start, start + 3 * MINUTE) == [0.5]
