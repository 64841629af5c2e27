"""Awards at usage points, which are told one after the other and overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, MINUTE
from gridbus.roles.lse.forecast.awards import Awards

EVERY = np.arange(4)
TOLD = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 8), st.dictionaries(st.integers(0, 3), st.floats(-20.0, 20.0))),
    max_size=10,
)


@given(told=TOLD, start=st.integers(0, 20), length=st.integers(1, 12))
def test_where_awards_overlap_the_later_counts_minute_by_minute(
    told: list[tuple[int, int, dict[int, float]]], start: int, length: int
) -> None:
    awards, held = Awards(), np.zeros((4, 60))
    for first, minutes, rows in told:
        places = np.array(list(rows), dtype=np.intp)
        awards.enter(places, first * MINUTE, minutes * MINUTE, np.array(list(rows.values())))
        held[places, first : first + minutes] = np.array(list(rows.values()))[:, np.newaxis]
    found = awards.energy_kwh(EVERY, start * MINUTE, (start + length) * MINUTE)
    assert found.tolist() == pytest.approx((held[:, start : start + length].sum(axis=1) / 60).tolist(), abs=1e-9)


def one(awards: Awards, place: int) -> float:
    return float(awards.energy_kwh(EVERY, 0, HOUR)[place])


def test_an_award_is_kept_until_all_meters_are_read_or_a_day_is_over() -> None:
    awards, until = Awards(), np.array([HOUR, HOUR])
    awards.enter(EVERY[:2], 0, HOUR, np.array([1.0, 2.0]))
    awards.forget(np.array([HOUR, HOUR // 2]), HOUR)
    assert one(awards, 0) == 1.0
    awards.forget(until, HOUR // 2)
    assert one(awards, 0) == 1.0
    awards.forget(until, HOUR)
    assert one(awards, 0) == 0.0
    awards.enter(EVERY[:2], 0, HOUR, np.array([1.0, 2.0]))
    awards.forget(until - 1, DAY)
    assert one(awards, 1) == 2.0
    awards.forget(until - 1, DAY + HOUR)
    assert one(awards, 1) == 0.0


def test_a_slot_that_is_cleared_again_and_again_is_kept_once() -> None:
    awards = Awards()
    for power_kw in (1.0, 2.0, 3.0):
        awards.enter(EVERY[:2], 0, HOUR, np.array([power_kw, power_kw]))
    assert len(awards) == 1
    awards.enter(EVERY[1:], 0, HOUR, np.array([7.0, 8.0, 9.0]))
    assert len(awards) == 2
    assert awards.energy_kwh(EVERY, 0, HOUR).tolist() == [3.0, 7.0, 8.0, 9.0]
