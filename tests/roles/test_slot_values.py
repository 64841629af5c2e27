"""Values of slots, seen from slots of other lengths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.roles.do.slot_values import SlotValues


def test_slots_of_the_same_length_come_first_and_the_shortest_next() -> None:
    values: SlotValues[str, float] = SlotValues()
    for start, length, stated in ((0, 60, 1.0), (0, 15, 2.0), (15, 15, 3.0), (5, 5, 4.0)):
        values.enter(start, length, "green", stated)
    assert list(values.over(5, 5)) == [("green", 1.0, 4.0)]
    assert list(values.over(20, 5)) == [("green", 1.0, 3.0)]
    assert list(values.over(30, 15)) == [("green", 1.0, 1.0)]
    assert list(values.over(0, 15)) == [("green", 1.0, 2.0)]


def test_a_longer_slot_has_the_average_of_what_it_spans() -> None:
    values: SlotValues[str, float] = SlotValues()
    values.enter(0, 5, "green", 2.0)
    values.enter(5, 10, "green", 8.0)
    values.enter(0, 15, "simple", 1.0)
    assert list(values.over(0, 15)) == [("green", 1.0, 2.0), ("simple", 1.0, 1.0)]
    values.enter(5, 5, "green", 4.0)
    assert list(values.over(0, 15))[:2] == [("green", 0.5, 2.0), ("green", 0.5, 4.0)]


@given(st.integers(0, 50), st.integers(1, 30), st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_shares_of_a_party_sum_to_one(start: int, length: int, widths: list[int]) -> None:
    values: SlotValues[str, int] = SlotValues()
    at = 0
    for width in widths:
        values.enter(at, width, "green", width)
        at += width
    shares = [share for _, share, _ in values.over(start, length)]
    assert not shares if start >= at else sum(shares) == pytest.approx(1.0)


def test_what_has_ended_is_forgotten() -> None:
    values: SlotValues[str, float] = SlotValues()
    values.enter(0, 5, "green", 1.0)
    values.forget(4)
    assert list(values.over(0, 5))
    values.forget(5)
    assert not list(values.over(0, 5))
