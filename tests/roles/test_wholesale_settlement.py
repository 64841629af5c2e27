"""What a retailer owes the wholesale market: its own books and the market's come to the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE
from gridbus.roles.interfaces import SupplySource
from gridbus.roles.lse.procurement import Lot, SupplyBook
from gridbus.roles.wholesale_settlement import WholesaleAccount

STEP = 15 * MINUTE
KW, PRICE = st.floats(-100.0, 100.0), st.floats(-0.2, 0.5)
HOURS = st.lists(st.tuples(KW, PRICE, st.floats(0.0, 50.0), PRICE), min_size=3, max_size=3)
STEPS = st.lists(st.tuples(KW, PRICE), min_size=12, max_size=12)


@given(hours=HOURS, steps=STEPS)
def test_the_invoice_is_what_the_retailer_has_in_its_own_books(
    hours: list[tuple[float, float, float, float]], steps: list[tuple[float, float]]
) -> None:
    market, own = WholesaleAccount(), SupplyBook()
    for hour, (power_kw, price, contracted_kw, contract_price) in enumerate(hours):
        market.day_ahead.enter(hour * HOUR, HOUR, (power_kw, price))
        market.bilateral.enter(hour * HOUR, HOUR, (contracted_kw, contract_price))
        own.award("day-ahead", hour * HOUR, HOUR, Lot(power_kw, price, power_kw))
        own.bilateral.enter(hour * HOUR, HOUR, (contracted_kw, contract_price))
    for number, (energy_kwh, price) in enumerate(steps):
        for book in (market, own):
            book.use("do.wires", number * STEP, STEP, energy_kwh)
        own.award("real-time", number * STEP, STEP, Lot(1.0, price, 1.0))
    records = [own.procurement("green", hour * HOUR, (hour + 1) * HOUR) for hour in range(3)]
    paid = sum(line.paid for record in records for line in record.lines if line.source is not SupplySource.CUSTOMERS)
    assert market.owed(3 * HOUR, own.real_time_price) == pytest.approx(paid, abs=1e-9)


def test_what_is_delivered_after_the_end_of_the_run_is_not_owed() -> None:
    market = WholesaleAccount()
    market.day_ahead.enter(0, HOUR, (60.0, 0.1))
    market.bilateral.enter(HOUR, HOUR, (40.0, 0.2))
    assert market.owed(HOUR // 2, lambda _: 0.0) == pytest.approx(3.0)
    assert market.owed(HOUR + HOUR // 4, lambda _: 0.0) == pytest.approx(6.0 + 2.0)
    assert market.bilateral_kw(HOUR // 2, HOUR) == pytest.approx(20.0)


def test_a_revised_reading_replaces_the_one_of_the_same_distribution_operator() -> None:
    market = WholesaleAccount()
    for operator, energy_kwh in (("do.wires", 5.0), ("do.other", 2.0), ("do.wires", 7.0)):
        market.use(operator, 0, STEP, energy_kwh)
    assert market.owed(HOUR, lambda _: 0.1) == pytest.approx(0.9)
