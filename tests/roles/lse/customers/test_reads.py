"""The reads of one usage point: what is known of an interval, a period, a span."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE, UsageError
from gridbus.roles.lse.customers.reads import Reads

STEP = 5 * MINUTE
ENTRIES = st.lists(st.tuples(st.integers(0, 20), st.floats(-9.0, 9.0), st.integers(1, 3)), max_size=30)


def entered(entries: list[tuple[int, float, int]]) -> tuple[Reads, dict[int, tuple[float, int]]]:
    """Reads, and the same as a plain table, where a later revision replaces an earlier one."""
    reads, table = Reads("h1", STEP), {}
    for place, kwh, revision in entries:
        before = reads.enter(place * STEP, STEP, kwh, revision)
        if place not in table:
            assert before is not None
            assert isnan(before)
        elif revision > table[place][1]:
            assert before == table[place][0]
        else:
            assert before is None
            continue
        table[place] = kwh, revision
    return reads, table


@given(entries=ENTRIES, start=st.integers(-1, 22 * 5), length=st.integers(0, 22 * 5))
def test_a_period_has_the_intervals_that_begin_in_it_with_their_latest_revision(
    entries: list[tuple[int, float, int]], start: int, length: int
) -> None:
    reads, table = entered(entries)
    start = max(start, 0) * MINUTE
    starts, energy = reads.between(start, start + length * MINUTE)
    wanted = {p * STEP: kwh for p, (kwh, _) in sorted(table.items()) if start <= p * STEP < start + length * MINUTE}
    assert dict(zip(starts.tolist(), energy.tolist(), strict=True)) == wanted
    assert starts.dtype == np.int64


@given(entries=ENTRIES, start=st.integers(0, 100), length=st.integers(0, 60))
def test_a_span_has_the_minutes_of_its_intervals_and_is_unknown_where_one_was_not_read(
    entries: list[tuple[int, float, int]], start: int, length: int
) -> None:
    reads, table = entered(entries)
    minutes = [table.get(minute // 5) for minute in range(start, start + length)]
    found = reads.metered_kwh(start * MINUTE, (start + length) * MINUTE)
    if None in minutes:
        assert found is None
    else:
        assert found == pytest.approx(sum(kwh / 5 for kwh, _ in filter(None, minutes)), abs=1e-9)


def test_the_last_interval_may_be_cut_short() -> None:
    reads = Reads("h1", STEP)
    reads.enter(0, STEP, 1.0, 1)
    reads.enter(STEP, 2 * MINUTE, 0.4, 1)
    assert reads.length(0) == STEP
    assert reads.length(STEP) == 2 * MINUTE
    assert reads.metered_kwh(0, STEP + 2 * MINUTE) == pytest.approx(1.4)
    assert reads.metered_kwh(0, 2 * STEP) is None


@pytest.mark.parametrize(("start", "duration"), [(STEP, 2 * STEP), (MINUTE, STEP)])
def test_intervals_of_other_lengths_or_edges_are_complained_about(start: int, duration: int) -> None:
    with pytest.raises(UsageError, match="h1 is read in intervals of 5 min"):
        Reads("h1", STEP).enter(start, duration, 1.0, 1)


def test_what_was_awarded_is_kept_beside_the_read() -> None:
    reads = Reads("h1", HOUR)
    reads.enter(HOUR, HOUR, 3.0, 1)
    reads.award(HOUR, 2.5)
    assert (reads.awarded(0), reads.awarded(HOUR)) == (0.0, 2.5)
