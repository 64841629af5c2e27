"""Which demand of the markets is known for a slot of the wholesale market."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import MINUTE, Calendar
from gridbus.roles.interfaces import (
    AggregateDemand,
)
from gridbus.roles.lse.procurement import DemandBook

STEP = 5 * MINUTE
CALENDAR = Calendar(datetime(2025, 7, 1, tzinfo=UTC), ZoneInfo("UTC"))


def demand(market: str, start: int, length: int, kw: tuple[float, ...], price: tuple[float, ...]) -> AggregateDemand:
    return AggregateDemand(
        market=market,
        product="real-time",
        clearing=start - MINUTE,
        slot_start=start,
        slot_length=length,
        quantity_kw=kw,
        price_per_kwh=price,
    )


def at(curve: Any, price: float) -> float:
    power, prices = zip(*curve, strict=True)
    return float(np.interp(price, prices[::-1], power[::-1]))


SLOTS = st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(1.0, 90.0), st.floats(0.1, 0.5)), min_size=1, max_size=8)


@given(slots=SLOTS, retail_min=st.sampled_from([5, 15, 30, 60]), price=st.floats(0.0, 0.6))
def test_the_curves_of_a_slot_sum_to_the_average_demand_of_the_retail_slots_in_it(
    slots: list[tuple[float, float, float]], retail_min: int, price: float
) -> None:
    book, length = DemandBook(["a"]), retail_min * MINUTE
    book.has_series("a", "real-time")
    by_minute: list[float] = []
    for number, (least, more, top) in enumerate(slots):
        book.enter(demand("a", number * length, length, (least, least + more), (top, 0.05)))
        by_minute += [at([(least, top), (least + more, 0.05)], price)] * retail_min
    for start in range(0, 3 * 60, 15):
        inside = by_minute[start : start + 15]
        found = sum(at(curve, price) for curve in book.curves("real-time", start * MINUTE, 15 * MINUTE))
        assert found == pytest.approx(sum(inside) / 15)
        unknown = book.unknown_share("a", "real-time", start * MINUTE, 15 * MINUTE)
        assert unknown == pytest.approx(1.0 - len(inside) / 15)
        is_missing = book.missing("real-time", start * MINUTE, 15 * MINUTE) == ("a",)
        assert is_missing == (len(inside) < 15)


def test_only_a_market_that_has_the_series_can_miss_it() -> None:
    book = DemandBook(["a", "b"])
    book.has_series("a", "real-time")
    assert book.missing("real-time", 0, STEP) == ("a",)
    assert book.missing("day-ahead", 0, STEP) == ()
    assert [book.unknown_share(market, "real-time", 0, STEP) for market in ("a", "b")] == [1.0, 1.0]
    book.enter(demand("a", 0, STEP, (1.0,), (0.1,)))
    assert book.missing("real-time", 0, STEP) == ()


def test_a_later_clearing_of_a_slot_replaces_its_demand_and_what_is_over_is_forgotten() -> None:
    book = DemandBook(["a"])
    book.enter(demand("a", 0, STEP, (1.0,), (0.1,)))
    book.enter(demand("a", 0, STEP, (2.0,), (0.1,)))
    assert book.curves("real-time", 0, STEP) == [[(2.0, 0.1)]]
    book.forget(STEP)
    assert book.curves("real-time", 0, STEP) == []
