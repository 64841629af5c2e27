"""What retail prices follow from wholesale prices."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gridbus.kernel import HOUR, MINUTE, Calendar
from gridbus.roles.interfaces import (
    WholesaleAward,
    WholesalePrice,
)
from gridbus.roles.lse.procurement import Lot, NodePrices, RetailPrices, RetailRate, SupplyBook
from gridbus.roles.lse.week import Days, WeekHours

STEP = 5 * MINUTE
CALENDAR = Calendar(datetime(2025, 7, 1, tzinfo=UTC), ZoneInfo("UTC"))


def prices(*node: NodePrices) -> RetailPrices:
    return RetailPrices(RetailRate(1.25, 0.05), CALENDAR, SupplyBook(), node=node)


def bought(product: str, start: int, price: float, length: int = HOUR, kw: float = 100.0) -> tuple[WholesaleAward, Lot]:
    award = WholesaleAward(
        iso="iso",
        product=product,
        lse="green",
        slot_start=start,
        slot_length=length,
        quantity_kw=kw,
        price_per_kwh=price,
    )
    return award, Lot(kw, price, kw)


def forecast(*price: float, start: int = 0) -> WholesalePrice:
    return WholesalePrice(
        iso="iso",
        product="forecast",
        slot_start=start,
        slot_length=HOUR,
        price_per_kwh=price,
        quantity_kw=tuple(0.0 for _ in price),
    )


def test_the_retail_price_of_a_span_is_the_mean_of_what_was_bought_for_it_and_unknown_before_all_is() -> None:
    made = prices()
    made.buy(*bought("real-time", 0, 0.1, STEP))
    assert made.of("real-time", 0, STEP) == pytest.approx(0.175)
    assert made.of("real-time", 0, 2 * STEP) is None
    made.buy(*bought("real-time", STEP, 0.3, STEP))
    assert made.of("real-time", 0, 2 * STEP) == pytest.approx(0.3)
    assert made.of("day-ahead", 0, STEP) is None


def test_customers_are_told_what_is_expected_until_it_is_bought() -> None:
    made = prices()
    made.expect(forecast(0.08, 0.2, 0.4), now=0)
    assert made.ahead(0) == (0, pytest.approx((0.15, 0.3, 0.55)))
    assert not made.buy(*bought("real-time", HOUR, 9.9))
    assert not made.buy(*bought("day-ahead", HOUR, 0.12, HOUR // 2))
    assert made.buy(*bought("day-ahead", HOUR + HOUR // 2, 0.2, HOUR // 2))
    assert made.ahead(HOUR) == (HOUR, pytest.approx((0.25, 0.55)))
    assert made.expected(2 * HOUR) == pytest.approx(0.55)
    assert made.expected(3 * HOUR) is None


def test_a_new_forecast_leaves_hours_that_are_over_as_they_were_told() -> None:
    made = prices()
    made.expect(forecast(0.08, 0.2), now=0)
    made.expect(forecast(0.4, 0.4), now=HOUR)
    assert made.ahead(0) == (0, pytest.approx((0.15, 0.55)))


def test_before_anything_is_known_no_price_is_told() -> None:
    assert prices().ahead(HOUR + MINUTE) == (HOUR, ())


def test_a_retailer_may_make_its_price_from_its_own_curve_at_the_quantity_it_was_awarded() -> None:
    made = prices(
        NodePrices(intercept_per_kwh=0.02, slope_per_kwh_kw=1e-4, hours=(WeekHours(days=Days.WEEKDAYS, to_hour=1),))
    )
    made.buy(*bought("day-ahead", 0, 0.5, kw=300.0))
    made.buy(*bought("day-ahead", HOUR, 0.5, kw=300.0))
    assert made.of("day-ahead", 0, HOUR) == pytest.approx(1.25 * 0.05 + 0.05)
    # No curve is for the second hour: there the price is that of the market.
    assert made.of("day-ahead", HOUR, HOUR) == pytest.approx(1.25 * 0.5 + 0.05)
