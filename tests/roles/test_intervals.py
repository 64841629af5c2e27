"""Values of intervals: what holds when."""

from hypothesis import given
from hypothesis import strategies as st

from gridbus.roles.intervals import Intervals

ENTRIES = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.integers(0, 99)), max_size=12)


def entered(entries: list[tuple[int, int, int]]) -> tuple[Intervals[int], dict[int, tuple[int, int]]]:
    """Slots of four instants each, held for their first one to four; and the same as a plain table."""
    made, table = Intervals[int](), {}
    for number, length, value in entries:
        made.enter(4 * number, length, value)
        table[4 * number] = length, value
    return made, table


@given(entries=ENTRIES)
def test_what_holds_at_an_instant_is_what_was_entered_last_for_its_interval(
    entries: list[tuple[int, int, int]],
) -> None:
    made, table = entered(entries)
    for instant in range(-1, 42):
        wanted = [value for start, (length, value) in table.items() if start <= instant < start + length]
        held = made.at(instant)
        assert ([] if held is None else [held.value]) == wanted
    assert [(held.start, held.length, held.value) for held in made] == [(s, *table[s]) for s in sorted(table)]
    assert len(made) == len(table)


@given(entries=ENTRIES, start=st.integers(-2, 40), length=st.integers(0, 30))
def test_over_a_span_each_instant_counts_once(entries: list[tuple[int, int, int]], start: int, length: int) -> None:
    made, _ = entered(entries)
    found = [(held.value, shared) for shared, held in made.over(start, start + length)]
    counted: list[tuple[int, int]] = []
    for held in made:
        shared = sum(held.start <= instant < held.end for instant in range(start, start + length))
        if shared:
            counted.append((held.value, shared))
    assert found == counted


@given(entries=ENTRIES, instant=st.integers(-2, 42))
def test_the_neighbours_of_an_instant_begin_before_and_after_it(
    entries: list[tuple[int, int, int]], instant: int
) -> None:
    made, table = entered(entries)
    before, after = made.before(instant), made.after(instant)
    assert (None if before is None else before.start) == max((s for s in table if s < instant), default=None)
    assert (None if after is None else after.start) == min((s for s in table if s > instant), default=None)
