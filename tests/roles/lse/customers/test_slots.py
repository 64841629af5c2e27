"""Values of slots at many usage points against one plain list of slots for each of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import MINUTE
from gridbus.roles.intervals import Intervals
from gridbus.roles.lse.customers.slots import SlotValues

PLACES = range(4)
EVERY = np.arange(4)
VALUES = st.dictionaries(st.integers(0, 3), st.floats(-9.0, 9.0), max_size=4)
SLOTS = st.lists(st.tuples(st.integers(0, 9), VALUES), max_size=12)


def one_market(slots: list[tuple[int, dict[int, float]]], minutes: int) -> tuple[SlotValues, list[Intervals[float]]]:
    """Slots of one length, entered in arrays and one usage point after the other."""
    values, each = SlotValues(), [Intervals[float]() for _ in PLACES]
    for number, row in slots:
        places = np.array(list(row), dtype=np.intp)
        values.enter(number * minutes * MINUTE, minutes * MINUTE, places, np.array(list(row.values())))
        for place, value in row.items():
            each[place].enter(number * minutes * MINUTE, minutes * MINUTE, value)
    return values, each


def value_at(held: Intervals[float], instant: int) -> float:
    found = held.at(instant)
    return np.nan if found is None else found.value


def summed(held: Intervals[float], start: int, end: int) -> float:
    return sum(shared * each.value for shared, each in held.over(start, end))


@given(slots=SLOTS, minutes=st.sampled_from([5, 60]), start=st.integers(0, 600), length=st.integers(1, 100))
def test_each_usage_point_has_what_was_entered_for_it(
    slots: list[tuple[int, dict[int, float]]], minutes: int, start: int, length: int
) -> None:
    values, each = one_market(slots, minutes)
    first, end = start * MINUTE, (start + length) * MINUTE
    np.testing.assert_array_equal(values.at(EVERY, first), [value_at(held, first) for held in each])
    np.testing.assert_allclose(values.summed(EVERY, first, end), [summed(held, first, end) for held in each], rtol=1e-9)


@given(slots=SLOTS, minutes=st.sampled_from([5, 15, 60]), step=st.sampled_from([5, 7, 60]), cut=st.integers(1, 5))
def test_the_course_over_some_intervals_is_what_holds_in_each_of_them(
    slots: list[tuple[int, dict[int, float]]], minutes: int, step: int, cut: int
) -> None:
    values, each = one_market(slots, minutes)
    spans = [(number * step * MINUTE, (number + 1) * step * MINUTE) for number in range(20)]
    spans.append((spans[-1][1], spans[-1][1] + cut * MINUTE))
    course = values.course(spans)
    for place in PLACES:
        np.testing.assert_array_equal(course.at(place), [value_at(each[place], start) for start, _ in spans])
        wanted = [summed(each[place], *span) for span in spans]
        np.testing.assert_allclose(course.summed(place), wanted, rtol=1e-9)


def enter(values: SlotValues, start: int, minutes: int, **row: float) -> None:
    places = np.array([int(name[1:]) for name in row], dtype=np.intp)
    values.enter(start * MINUTE, minutes * MINUTE, places, np.array(list(row.values())))


def test_slots_of_several_markets_stand_side_by_side_and_the_same_start_replaces_whatever_its_length() -> None:
    values = SlotValues()
    enter(values, 0, 60, h0=1.0, h1=2.0)
    enter(values, 30, 60, h2=3.0)
    enter(values, 0, 30, h0=9.0)
    np.testing.assert_array_equal(values.at(EVERY, 45 * MINUTE), [np.nan, 2.0, 3.0, np.nan])
    np.testing.assert_array_equal(values.at(EVERY, 15 * MINUTE), [9.0, 2.0, np.nan, np.nan])
    assert (values.summed(EVERY, 0, 60 * MINUTE) / MINUTE).tolist() == pytest.approx([270.0, 120.0, 90.0, 0.0])


def test_where_slots_of_a_usage_point_overlap_the_one_that_begins_later_holds() -> None:
    for order in (1, -1):
        values = SlotValues()
        for start, value in ((0, 1.0), (30, 3.0))[::order]:
            enter(values, start, 60, h0=value)
        assert [values.at(EVERY[:1], minute * MINUTE)[0] for minute in (15, 45, 75)] == [1.0, 3.0, 3.0]


def test_without_slots_there_is_nothing() -> None:
    assert np.isnan(SlotValues().course([(0, MINUTE)]).at(0)).all()
    assert SlotValues().course([]).summed(0).tolist() == []
