"""What customers hold and use and at which prices; and that their bills come to what the market settles."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE, Calendar
from gridbus.roles.interfaces import ChargeKind, ClearingResult, LineKind, MarketOutcome, Positions
from gridbus.roles.lse.customers import CustomerBook
from gridbus.roles.lse.tariff import bill_lines, load_tariff
from gridbus.roles.settlement import DeliverySlot, Metered, Party, SettlementRules
from gridbus.roles.settlement.two_settlement import Entities, settle

STEP = 5 * MINUTE
CALENDAR = Calendar(datetime(2025, 7, 1, tzinfo=UTC), ZoneInfo("UTC"))


def result(product: str, start: int, price: float, length: int = STEP) -> ClearingResult:
    return ClearingResult(
        market="retail",
        product=product,
        clearing=start - MINUTE,
        slot_start=start,
        slot_length=length,
        outcome=MarketOutcome.CLEARED,
        price_per_kwh=price,
        supply_price_per_kwh=price,
        quantity_kw=1.0,
        inelastic_kw=0.0,
        shed_kw=0.0,
        orders=1,
        attempts=1,
    )


def positions(product: str, start: int, kw: float, price: float, length: int = STEP, **changes: Any) -> Positions:
    fields: dict[str, Any] = {"usage_points": ("h1",), "power_kw": (kw,), "price_per_kwh": (price,)}
    return Positions(
        market="retail",
        product=product,
        lse="green",
        clearing=start - MINUTE,
        slot_start=start,
        slot_length=length,
        **(fields | changes),
    )


def book(*messages: ClearingResult | Positions, kwh: tuple[float, ...] = ()) -> CustomerBook:
    made = CustomerBook()
    for message in messages:
        if isinstance(message, ClearingResult):
            made.result(message)
        else:
            enter(made, message)
    for number, energy in enumerate(kwh):
        read(made, number * STEP, STEP, energy)
    return made


H1, H2 = (np.array([place], dtype=np.intp) for place in (0, 1))


def enter(made: CustomerBook, message: Positions) -> None:
    """Enter positions of usage points that are called by their places: h1 has the first."""
    places = np.array([int(name[1:]) - 1 for name in message.usage_points], dtype=np.intp)
    made.positions.enter(message, places, made.prices(message.market))


def read(made: CustomerBook, start: int, duration: int, kwh: float, places: np.ndarray = H1) -> None:
    made.reads.enter(places, start, duration, np.array([kwh]), 1)


def real_time(made: CustomerBook, places: np.ndarray, start: int) -> float:
    return float(made.positions.real_time_price(places, made.prices("retail"), start)[0])


def day_ahead(made: CustomerBook, places: np.ndarray, start: int) -> float:
    return float(made.positions.day_ahead_price(places, made.prices("retail"), start)[0])


def test_a_usage_has_positions_prices_and_reads_of_every_interval() -> None:
    made = book(
        result("day-ahead", 0, 0.30, HOUR),
        positions("day-ahead", 0, 6.0, 0.32, HOUR),
        result("real-time", 0, 0.1),
        positions("real-time", 0, 2.0, 0.1),
        result("real-time", STEP, 0.2),
        positions("real-time", STEP, 2.0, 0.5),
        kwh=(0.9, 0.2),
    )
    usage = made.usage(0, "retail", 0, HOUR)
    assert usage.energy_kwh.tolist() == [0.9, 0.2]
    assert usage.needed("day_ahead_kw").tolist() == pytest.approx([6.0, 6.0])
    assert usage.needed("day_ahead_per_kwh").tolist() == [0.32, 0.32]
    assert usage.needed("real_time_per_kwh").tolist() == [0.1, 0.5]
    assert usage.needed("price_per_kwh").tolist() == [0.1, 0.5]


def test_only_below_a_binding_transformer_is_the_local_price_another() -> None:
    made = book(result("real-time", 0, 0.1), positions("real-time", 0, 2.0, 0.4))
    assert real_time(made, H1, 0) == 0.4
    assert real_time(made, H2, 0) == 0.1
    enter(made, positions("real-time", 0, 2.0, 0.1))
    assert real_time(made, H1, 0) == 0.1


def test_a_later_clearing_of_a_slot_replaces_the_earlier_one() -> None:
    made = book(
        *(result("day-ahead", 0, 0.3, HOUR), positions("day-ahead", 0, 6.0, 0.3, HOUR)),
        *(result("day-ahead", 0, 0.2, HOUR), positions("day-ahead", 0, 4.0, 0.2, HOUR)),
    )
    assert made.positions.position_kwh(H1, 0, HOUR).tolist() == [4.0]
    assert day_ahead(made, H1, 0) == 0.2
    assert day_ahead(made, H2, 0) == 0.2


def test_what_is_no_commitment_is_no_position() -> None:
    made = book(positions("day-ahead", 0, 6.0, 0.3, HOUR, commitment=False))
    assert made.positions.position_kwh(H1, 0, HOUR).tolist() == [0.0]


def test_intervals_before_the_market_settle_at_its_first_price_and_those_after_at_its_last() -> None:
    made = book(result("real-time", STEP, 0.2), result("real-time", 2 * STEP, 0.3), kwh=(1.0,) * 4)
    assert made.usage(0, "retail", 0, HOUR).needed("real_time_per_kwh").tolist() == [0.2, 0.2, 0.3, 0.3]


def test_every_interval_of_a_longer_slot_settles_at_the_price_of_that_slot() -> None:
    made = book(result("real-time", 0, 0.2, 3 * STEP), result("real-time", 3 * STEP, 0.9, 3 * STEP), kwh=(1.0,) * 4)
    assert made.usage(0, "retail", 0, HOUR).needed("real_time_per_kwh").tolist() == [0.2, 0.2, 0.2, 0.9]


def test_a_market_without_real_time_slots_has_its_day_ahead_price_and_one_without_any_has_none() -> None:
    assert real_time(book(result("day-ahead", 0, 0.3, HOUR)), H1, STEP) == 0.3
    assert real_time(book(), H1, 0) == 0.0


def test_without_reads_there_is_nothing_to_bill() -> None:
    usage = book(result("real-time", 0, 0.2)).usage(0, "retail", 0, HOUR)
    assert usage.energy_kwh.tolist() == []
    assert usage.needed("real_time_per_kwh").tolist() == []
    assert np.isnan(book().reads.metered_kwh(H1, 0, STEP)).all()


def test_an_interval_that_the_run_cuts_short_has_its_part_of_the_position() -> None:
    made = book(positions("day-ahead", 0, 6.0, 0.3, HOUR), kwh=(1.0,))
    read(made, STEP, MINUTE, 0.2)
    usage = made.usage(0, "retail", 0, HOUR)
    assert (usage.needed("day_ahead_kw") * usage.hours).tolist() == pytest.approx([0.5, 0.1])


KW, PRICE = st.floats(-5.0, 5.0), st.floats(0.0, 0.5)
POINTS = st.lists(st.tuples(KW, KW, PRICE, PRICE, st.floats(-3.0, 3.0), st.booleans()), min_size=1, max_size=4)


@given(points=POINTS, market_price=st.tuples(PRICE, PRICE))
def test_what_a_transactive_customer_is_billed_is_what_the_market_settles_for_him(
    points: list[tuple[float, float, float, float, float, bool]], market_price: tuple[float, float]
) -> None:
    names = tuple(f"h{number + 1}" for number in range(len(points)))
    bids = [bid for *_, bid in points]
    made = book(result("day-ahead", 0, market_price[0], HOUR), result("real-time", 0, market_price[1], HOUR))
    for product, power, price in (("day-ahead", 0, 2), ("real-time", 1, 3)):
        bidders = [(name, row) for name, row in zip(names, points, strict=True) if row[5]]
        rows = {
            "usage_points": tuple(name for name, _ in bidders),
            "power_kw": tuple(row[power] for _, row in bidders),
            "price_per_kwh": tuple(row[price] for _, row in bidders),
        }
        enter(made, positions(product, 0, 0.0, 0.0, HOUR, **rows))
    places = np.arange(len(points))
    made.reads.enter(places, 0, HOUR, np.array([row[4] for row in points]), 1)
    slot = DeliverySlot(
        start=0,
        length=HOUR,
        usage_points=names,
        retailers=("green",) * len(names),
        real_time_kw=np.array([row[1] if row[5] else 0.0 for row in points]),
        real_time_price_per_kwh=np.array([row[3] if row[5] else market_price[1] for row in points]),
        supply_price_per_kwh=0.1,
        has_award=np.array(bids),
        day_ahead_kw=np.array([row[0] if row[5] else 0.0 for row in points]),
        day_ahead_price_per_kwh=np.array([row[2] if row[5] else market_price[0] for row in points]),
        day_ahead_supply_price_per_kwh=0.1,
    )
    metered = Metered(np.array([row[4] for row in points]), np.zeros(len(names), dtype=bool))
    lines = settle(slot, metered, SettlementRules(itemised=True), Entities(Party("mo", "retail"), Party("do", "wires")))
    kinds = (LineKind.DAY_AHEAD, LineKind.REAL_TIME, LineKind.IMBALANCE)
    for place, name in enumerate(names):
        settled = sum(line.amount for line in lines if line.usage_point == name and line.kind in kinds)
        bill = bill_lines(load_tariff("transactive"), made.usage(place, "retail", 0, HOUR), CALENDAR, 0, HOUR)
        billed = sum(float(line.amount) for line in bill if line.kind is ChargeKind.MARKET)
        assert billed == pytest.approx(settled, abs=0.0101)


def test_customers_who_are_billed_for_the_same_have_each_their_own_and_a_period_is_never_out_of_date() -> None:
    made = book(
        *(result("real-time", start, price) for start, price in ((0, 0.1), (STEP, 0.2), (HOUR - STEP, 0.9))),
        positions("day-ahead", 0, 6.0, 0.3, HOUR),
        kwh=(0.9, 0.2),
    )
    read(made, 0, STEP, 0.5, H2)
    assert made.usage(0, "retail", STEP, HOUR).needed("real_time_per_kwh").tolist() == [0.2]
    assert made.usage(0, "retail", 0, HOUR).needed("real_time_per_kwh").tolist() == [0.1, 0.2]
    assert made.usage(0, "retail", STEP, HOUR).needed("real_time_per_kwh").tolist() == [0.2]
    assert made.usage(0, "retail", 0, HOUR).needed("day_ahead_kw").tolist() == pytest.approx([6.0, 6.0])
    second = made.usage(1, "retail", 0, HOUR)
    assert second.energy_kwh.tolist() == [0.5]
    assert second.needed("day_ahead_kw").tolist() == [0.0]
    enter(made, positions("day-ahead", 0, 2.0, 0.3, HOUR))
    made.result(result("real-time", STEP, 0.5))
    again = made.usage(0, "retail", STEP, HOUR)
    assert again.needed("day_ahead_kw").tolist() == pytest.approx([2.0])
    assert again.needed("real_time_per_kwh").tolist() == [0.5]
