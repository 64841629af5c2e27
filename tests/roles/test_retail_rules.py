"""A retailer's pure rules: forecast, prices, tariffs, positions."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE, Calendar
from gridbus.roles.interfaces import ClearingResult, MeterRead, Positions, Quality
from gridbus.roles.lse.forecast import LoadForecast, expected_kw
from gridbus.roles.lse.positions import PositionBook
from gridbus.roles.lse.procurement import RetailRate, wholesale_bid
from gridbus.roles.lse.tariffs import FlatTariff, TransactiveTariff, total

STEP = 5 * MINUTE
PROFILE = tuple(float(hour) for hour in range(24))


@pytest.fixture
def forecast() -> LoadForecast:
    zone = ZoneInfo("America/New_York")
    return LoadForecast(PROFILE, Calendar(datetime(2025, 3, 9, 5, tzinfo=UTC), zone))


def test_far_ahead_the_profile_of_the_local_hour_is_expected_over_the_change_of_the_clock(
    forecast: LoadForecast,
) -> None:
    # Midnight, one, then three: the clock goes forward.
    assert [forecast.far_kw(hour * HOUR) for hour in range(4)] == [0.0, 1.0, 3.0, 4.0]


def test_near_ahead_the_last_read_less_its_award_is_expected(forecast: LoadForecast) -> None:
    assert forecast.near_kw("h1", HOUR) == 1.0
    forecast.read("h1", 0, STEP, 0.25)
    assert forecast.near_kw("h1", HOUR) == pytest.approx(3.0)
    forecast.award("h1", STEP, 2.0)
    forecast.read("h1", STEP, STEP, 0.25)
    assert forecast.near_kw("h1", HOUR) == pytest.approx(1.0)
    forecast.read("h1", 2 * STEP, STEP, 0.25)
    assert forecast.near_kw("h1", HOUR) == pytest.approx(3.0)


def test_each_usage_point_has_its_own_expectation_near_and_the_same_far(forecast: LoadForecast) -> None:
    forecast.read("h1", 0, STEP, 0.5)
    assert expected_kw(forecast, ("h1", "h2"), HOUR, near=True) == pytest.approx((6.0, 1.0))
    assert expected_kw(forecast, ("h1", "h2"), HOUR, near=False) == (1.0, 1.0)


@settings(deadline=None, max_examples=25)
@given(scaling=st.floats(0.5, 2.0), charge=st.floats(0.0, 0.2), price=st.floats(-1.0, 1.0))
def test_the_conversion_of_prices_is_undone_by_its_inverse(scaling: float, charge: float, price: float) -> None:
    rate = RetailRate(scaling, charge)
    assert rate.wholesale(rate.retail(price)) == pytest.approx(price, abs=1e-9)


def test_a_wholesale_bid_adds_losses_to_quantities_and_takes_the_charge_off_prices() -> None:
    quantity, price = wholesale_bid((12.0, 32.0), (0.25, 0.14), rate=RetailRate(1.05, 0.04), loss_factor=0.05)
    assert quantity == pytest.approx((12.6, 33.6))
    assert price == pytest.approx((0.2, 0.1 / 1.05))


def test_a_flat_bill_by_hand() -> None:
    lines = FlatTariff(0.13, 0.4).lines(31.45, 1.5)
    assert [(line.component, line.quantity, line.unit, line.amount) for line in lines] == [
        ("energy", 31.45, "kWh", Decimal("4.09")),
        ("connection", 1.5, "days", Decimal("0.60")),
    ]
    assert total(lines) == Decimal("4.69")


def test_a_transactive_bill_by_hand() -> None:
    lines = TransactiveTariff(0.4).lines([(10.0, 0.1), (5.0, 0.3)], [(-2.0, 0.2), (1.5, 0.5)], 1.0)
    assert [(line.component, line.quantity, line.amount) for line in lines] == [
        ("day-ahead energy", 15.0, Decimal("2.50")),
        ("real-time deviation", -0.5, Decimal("0.35")),
        ("connection", 1.0, Decimal("0.40")),
    ]
    assert total(lines) == Decimal("3.25")


@settings(deadline=None, max_examples=25)
@given(energy=st.floats(-500.0, 500.0), price=st.floats(0.0, 1.0), daily=st.floats(0.0, 2.0), days=st.floats(0.0, 40.0))
def test_the_total_of_a_bill_is_the_sum_of_its_rounded_lines(
    energy: float, price: float, daily: float, days: float
) -> None:
    lines = FlatTariff(price, daily).lines(energy, days)
    assert total(lines) == sum(line.amount for line in lines)
    assert all(line.amount == line.amount.quantize(Decimal("0.01")) for line in lines)
    assert float(lines[0].amount) == pytest.approx(energy * price, abs=0.00501)


def read(start: int, kwh: float, duration: int = STEP) -> MeterRead:
    return MeterRead(
        lse="green", usage_point="h1", start=start, duration=duration, energy_kwh=kwh, quality=Quality.VALID
    )


def result(product: str, start: int, price: float, supply: float, length: int = STEP) -> ClearingResult:
    return ClearingResult(
        market="retail",
        product=product,
        slot_start=start,
        slot_length=length,
        outcome="cleared",
        price_per_kwh=price,
        supply_price_per_kwh=supply,
        quantity_kw=1.0,
        inelastic_kw=0.0,
        shed_kw=0.0,
        orders=1,
        attempts=1,
    )


def positions(product: str, start: int, kw: float, price: float, length: int = STEP) -> Positions:
    return Positions(
        market="retail",
        product=product,
        lse="green",
        slot_start=start,
        slot_length=length,
        usage_points=("h1",),
        power_kw=(kw,),
        price_per_kwh=(price,),
    )


def test_two_settlements_and_the_congestion_rent_by_hand() -> None:
    book = PositionBook()
    book.result(result("day-ahead", 0, 0.30, 0.20, HOUR))
    book.positions(positions("day-ahead", 0, 6.0, 0.30, HOUR))
    for number, (price, supply) in enumerate([(0.1, 0.1), (0.5, 0.1)]):
        book.result(result("real-time", number * STEP, price, supply))
    book.read(read(0, 0.9))
    book.read(read(STEP, 0.2))
    settled = book.settle("h1", 100 * HOUR)
    # 6 kW for an hour at 0.30, of which 0.5 kWh fall in each interval.
    assert settled.day_ahead == ((6.0, 0.30),)
    assert settled.deviation == (pytest.approx((0.4, 0.1)), pytest.approx((-0.3, 0.5)))
    assert settled.congestion_rent == pytest.approx(6.0 * 0.1 + 0.4 * 0.0 - 0.3 * 0.4)


def test_below_a_binding_transformer_the_local_price_settles_and_its_difference_is_rent() -> None:
    book = PositionBook()
    book.result(result("real-time", 0, 0.1, 0.1))
    book.positions(positions("real-time", 0, 2.0, 0.4))
    book.read(read(0, 0.5))
    settled = book.settle("h1", 100 * HOUR)
    assert settled.deviation == ((0.5, 0.4),)
    assert settled.congestion_rent == pytest.approx(0.5 * 0.3)


def test_a_later_read_of_an_interval_replaces_the_first() -> None:
    book = PositionBook()
    book.read(read(0, 0.5))
    book.read(read(0, 0.7))
    assert book.energy_kwh("h1") == 0.7
    assert len(book.settle("h1", 100 * HOUR).deviation) == 1


def test_intervals_before_the_market_settle_at_its_first_price_and_those_after_at_its_last() -> None:
    book = PositionBook()
    book.result(result("real-time", STEP, 0.2, 0.2))
    book.result(result("real-time", 2 * STEP, 0.3, 0.3))
    for number in range(4):
        book.read(read(number * STEP, 1.0))
    assert [price for _, price in book.settle("h1", 100 * HOUR).deviation] == [0.2, 0.2, 0.3, 0.3]


def test_every_interval_of_a_longer_slot_settles_at_the_price_of_that_slot() -> None:
    book = PositionBook()
    book.result(result("real-time", 0, 0.2, 0.2, 3 * STEP))
    book.result(result("real-time", 3 * STEP, 0.9, 0.9, 3 * STEP))
    book.positions(positions("real-time", 0, 1.0, 0.4, 3 * STEP))
    for number in range(4):
        book.read(read(number * STEP, 1.0))
    assert [price for _, price in book.settle("h1", 100 * HOUR).deviation] == [0.4, 0.4, 0.4, 0.9]


def test_without_any_market_price_energy_settles_at_nothing() -> None:
    book = PositionBook()
    book.read(read(0, 1.0))
    assert book.settle("h1", 100 * HOUR).deviation == ((1.0, 0.0),)


def test_a_usage_point_without_reads_and_positions_owes_nothing() -> None:
    settled = PositionBook().settle("h1", 100 * HOUR)
    assert (settled.day_ahead, settled.deviation, settled.congestion_rent) == ((), (), 0.0)
