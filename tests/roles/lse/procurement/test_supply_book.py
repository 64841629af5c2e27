"""Where energy came from: by source, by slot, by customer."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE, Calendar
from gridbus.roles.interfaces import Procurement, SupplySource
from gridbus.roles.lse.procurement import SLOT, CustomerEnergy, Lot, SupplyBook

MONDAY = Calendar(datetime(2025, 1, 6, 5, tzinfo=UTC), ZoneInfo("America/New_York"))
"""Instant 0 is midnight of a Monday."""
STEP = 5 * MINUTE
WEEK_HOURS = 7 * 24


KWH = st.floats(-20.0, 20.0)
PRICE = st.floats(-0.2, 0.5)


@st.composite
def books(draw: st.DrawFn) -> tuple[SupplyBook, dict[str, list[float]], list[float]]:
    """A book of two hours with all sources, the reads of three customers, and the losses of each interval."""
    book = SupplyBook()
    for hour in range(2):
        book.bilateral.enter(hour * HOUR, HOUR, (draw(st.floats(0.0, 50.0)), draw(PRICE)))
        power = draw(st.floats(-50.0, 50.0))
        book.award("day-ahead", hour * HOUR, HOUR, Lot(power, draw(PRICE), power + 7.0))
    reads: dict[str, list[float]] = {name: draw(st.lists(KWH, min_size=24, max_size=24)) for name in ("a", "b", "c")}
    losses = draw(st.lists(st.floats(0.0, 1.0), min_size=24, max_size=24))
    for number in range(24):
        start, metered = number * STEP, sum(rows[number] for rows in reads.values())
        book.award("real-time", start, STEP, Lot(12 * metered, draw(PRICE), 12 * metered))
        book.use("do.wires", start, STEP, metered)
        book.use("do.other", start, STEP, 99.0)
        book.use("do.other", start, STEP, losses[number])
        for name, rows in reads.items():
            book.read(energy(book, name, start, rows[number], paid=max(-rows[number], 0.0) * 0.1))
    return book, reads, losses


def energy(
    book: SupplyBook, name: str, start: int, kwh: float, *, awarded_kwh: float = 0.0, paid: float = 0.0
) -> CustomerEnergy:
    columns = (np.array([each]) for each in (kwh, awarded_kwh, paid))
    return CustomerEnergy(book.points.places([name]), start, *columns)


def total(record: Procurement) -> float:
    return sum(line.paid for line in record.lines)


@settings(max_examples=30)
@given(made=books())
def test_what_was_required_is_consumption_with_losses_and_what_all_sources_gave(
    made: tuple[SupplyBook, dict[str, list[float]], list[float]],
) -> None:
    book, reads, losses = made
    for hour in range(2):
        span = slice(12 * hour, 12 * hour + 12)
        record = book.procurement("green", hour * HOUR, (hour + 1) * HOUR)
        consumed = sum(max(kwh, 0.0) for rows in reads.values() for kwh in rows[span])
        assert record.required_kwh == pytest.approx(consumed + sum(losses[span]), abs=1e-9)
        assert sum(line.settled_kwh for line in record.lines) == pytest.approx(record.required_kwh, abs=1e-9)


@settings(max_examples=30)
@given(made=books())
def test_wholesale_settles_twice_as_day_ahead_plus_deviations_and_contracts_as_written(
    made: tuple[SupplyBook, dict[str, list[float]], list[float]],
) -> None:
    book, reads, losses = made
    for hour in range(2):
        lines = {line.source: line for line in book.procurement("green", hour * HOUR, (hour + 1) * HOUR).lines}
        contract, bought = book.bilateral.at(hour * HOUR), book._lots["day-ahead"].at(hour * HOUR)
        assert contract is not None
        assert bought is not None
        contracted_kw, contract_price = contract.value
        assert lines[SupplySource.BILATERAL].paid == pytest.approx(contracted_kw * contract_price)
        assert lines[SupplySource.DAY_AHEAD].paid == pytest.approx(bought.value.power_kw * bought.value.price_per_kwh)
        owed = 0.0
        for number in range(12 * hour, 12 * hour + 12):
            used = sum(rows[number] for rows in reads.values()) + losses[number]
            owed += (used - (contracted_kw + bought.value.power_kw) / 12) * book.real_time_price(number * STEP)
        assert lines[SupplySource.REAL_TIME].paid == pytest.approx(owed, abs=1e-9)
        exported = sum(max(-kwh, 0.0) for rows in reads.values() for kwh in rows[12 * hour : 12 * hour + 12])
        assert lines[SupplySource.CUSTOMERS].paid == pytest.approx(0.1 * exported, abs=1e-9)


@settings(max_examples=30)
@given(made=books())
def test_customers_share_the_whole_cost_by_what_they_consumed(
    made: tuple[SupplyBook, dict[str, list[float]], list[float]],
) -> None:
    book, reads, _ = made
    record = book.procurement("green", 0, HOUR)
    consumed = {name: sum(max(kwh, 0.0) for kwh in rows[:12]) for name, rows in reads.items()}
    found = dict(zip(record.usage_points, record.energy_kwh, strict=True))
    assert found == pytest.approx({name: kwh for name, kwh in consumed.items() if kwh > 0.0}, abs=1e-9)
    if found:
        assert sum(record.cost) == pytest.approx(total(record), abs=1e-9)
        for energy, cost in zip(record.energy_kwh, record.cost, strict=True):
            assert cost * sum(record.energy_kwh) == pytest.approx(total(record) * energy, abs=1e-6)


@settings(max_examples=30)
@given(made=books(), number=st.integers(0, 23), energy_kwh=KWH)
def test_a_revised_read_leaves_no_trace_of_the_one_before(
    made: tuple[SupplyBook, dict[str, list[float]], list[float]], number: int, energy_kwh: float
) -> None:
    book, reads, _ = made
    start, before = number * STEP, reads["a"][number]
    hour = start // SLOT
    kept = book.procurement("green", hour * HOUR, (hour + 1) * HOUR)
    first = energy(book, "a", start, before, paid=max(-before, 0.0) * 0.1)
    second = energy(book, "a", start, energy_kwh, awarded_kwh=-3.0, paid=9.0)
    book.read(second, first)
    book.read(first, second)
    again = book.procurement("green", hour * HOUR, (hour + 1) * HOUR)
    assert again.required_kwh == pytest.approx(kept.required_kwh, abs=1e-9)
    assert total(again) == pytest.approx(total(kept), abs=1e-9)
    assert sum(again.energy_kwh) == pytest.approx(sum(kept.energy_kwh), abs=1e-9)


def test_what_was_bid_and_cleared_is_recorded_beside_what_is_settled() -> None:
    book = SupplyBook()
    book.award("day-ahead", 0, HOUR, Lot(60.0, 0.1, 80.0))
    for number in range(12):
        book.award("real-time", number * STEP, STEP, Lot(72.0, 0.2, 96.0))
        book.use("do.wires", number * STEP, STEP, 6.0)
        book.read(
            CustomerEnergy(
                book.points.places(["c", "a", "b"]),
                number * STEP,
                np.array([-0.5, 6.0, -1.0]),
                awarded_kwh=np.array([4.0, 0.0, -0.5]),
                paid=np.array([0.0, 0.0, 0.3]),
            )
        )
    record = book.procurement("green", 0, HOUR)
    found = {line.source: (line.bid_kwh, line.cleared_kwh, line.settled_kwh, line.paid) for line in record.lines}
    assert found[SupplySource.BILATERAL] == (0.0, 0.0, 0.0, 0.0)
    assert found[SupplySource.DAY_AHEAD] == pytest.approx((80.0, 60.0, 60.0, 6.0))
    assert found[SupplySource.REAL_TIME] == pytest.approx((96.0, 72.0, 12.0, 2.4))
    assert found[SupplySource.CUSTOMERS] == pytest.approx((6.0, 6.0, 18.0, 3.6))


def test_outside_of_all_real_time_slots_deviations_cost_what_was_expected() -> None:
    book = SupplyBook()
    book.expected_per_kwh.enter(0, HOUR, 0.07)
    book.award("real-time", STEP, STEP, Lot(0.0, 0.5, 0.0))
    assert [book.real_time_price(start) for start in (0, STEP, 2 * STEP, HOUR)] == [0.07, 0.5, 0.07, 0.0]


def test_the_end_of_the_run_cuts_a_slot_short() -> None:
    book = SupplyBook()
    book.award("day-ahead", 0, HOUR, Lot(60.0, 0.1, 60.0))
    record = book.procurement("green", 0, HOUR // 2)
    assert record.slot_length == HOUR // 2
    assert {line.source: line.settled_kwh for line in record.lines}[SupplySource.DAY_AHEAD] == pytest.approx(30.0)
