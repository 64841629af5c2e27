"""Between the markets and the wholesale market: which demand is known, what retail prices follow, who is a customer."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, MINUTE, Calendar, UsageError
from gridbus.kernel.shape import evolved
from gridbus.roles.interfaces import (
    NO_MARKET,
    AggregateDemand,
    Assignment,
    MeterRead,
    Positions,
    Quality,
    SupplySource,
    WholesaleAward,
    WholesalePrice,
)
from gridbus.roles.lse.customers import Customers
from gridbus.roles.lse.demand_book import DemandBook
from gridbus.roles.lse.forecast import LoadForecast
from gridbus.roles.lse.portfolio import Portfolio, Terms
from gridbus.roles.lse.pricing import NodePrices, RetailRate
from gridbus.roles.lse.procurement import Lot
from gridbus.roles.lse.profile import HourlyProfile
from gridbus.roles.lse.retail_prices import RetailPrices
from gridbus.roles.lse.tariff import load_tariff
from gridbus.roles.lse.week import Days, WeekHours

STEP = 5 * MINUTE
CALENDAR = Calendar(datetime(2025, 7, 1, tzinfo=UTC), ZoneInfo("UTC"))


# Demand


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


# Customers


def assignment(start: int = 0, end: int | None = None, **changes: Any) -> Assignment:
    fields: dict[str, Any] = {"usage_point": "h1", "tariff": "flat", "market": "none", "customer": "ann"}
    return Assignment(lse="green", transformer="t1", effective_from=start, effective_to=end, **(fields | changes))


def test_a_customer_is_one_from_the_first_instant_of_a_contract_to_the_last() -> None:
    customers = Customers()
    for each in (
        assignment(),
        assignment(0, 5),
        assignment(5, tariff="gold", market="retail"),
        assignment(7, 7, usage_point="h0"),
        assignment(usage_point="h0"),
    ):
        customers.take(each)
    assert [customers.at(instant, "none") for instant in (4, 5)] == [("h0", "h1"), ("h0",)]
    assert [customers.at(instant, "retail") for instant in (4, 5)] == [(), ("h1",)]
    assert [(c.usage_point, c.effective_from) for c in customers] == [("h0", 0), ("h1", 0), ("h1", 5)]
    held = customers.contract("h1", 5)
    assert held is not None
    assert held.tariff == "gold"
    assert customers.contract("h2", 0) is None


# The portfolio

CATALOGUE = {
    "flat": Terms(load_tariff("flat"), NO_MARKET),
    "gold": Terms(load_tariff("transactive"), "retail"),
    "credit": Terms(load_tariff("net-billing"), NO_MARKET),
    "base": Terms(load_tariff("subscription"), NO_MARKET),
}


def portfolio(*assignments: Assignment) -> Portfolio:
    profiles = {"": HourlyProfile.given((2.0,) * 24), "shop": HourlyProfile.given((7.0,) * 24)}
    made = Portfolio("green", CALENDAR, CATALOGUE, profiles, LoadForecast(CALENDAR, profiles))
    for each in assignments:
        made.take(each)
        made.begin(each.usage_point, each.effective_from)
    return made


def read(kwh: float, start: int = 0, usage_point: str = "h1", duration: int = HOUR) -> MeterRead:
    return MeterRead(
        lse="green", usage_point=usage_point, start=start, duration=duration, energy_kwh=kwh, quality=Quality.VALID
    )


def awards(kw: float, product: str = "day-ahead", price: float = 0.3) -> Positions:
    return Positions(
        market="retail",
        product=product,
        lse="green",
        clearing=-HOUR,
        slot_start=0,
        slot_length=HOUR,
        usage_points=("h1",),
        power_kw=(kw,),
        price_per_kwh=(price,),
    )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"tariff": "silver"},
            "h1 is enrolled on the tariff silver, which green does not have.*flat, gold, credit, base",
        ),
        ({"market": "retail"}, "h1 .* tariff flat of green with the market retail, but .* is none"),
        ({"tariff": "gold"}, "h1 .* tariff gold of green with the market none, but .* is retail"),
    ],
)
def test_a_tariff_that_the_retailer_does_not_have_is_complained_about(changes: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        portfolio(assignment(**changes))


def test_estimates_are_of_the_customers_of_one_market_and_of_what_is_not_awarded() -> None:
    made = portfolio(assignment(tariff="gold", market="retail"), assignment(usage_point="h2"))
    made.positions(awards(5.0))
    assert made.estimate("retail", "day-ahead", -HOUR, 0, HOUR) == (("h1",), (2.0,))
    assert made.estimate("none", "day-ahead", -HOUR, 0, HOUR) == (("h2",), (2.0,))
    assert made.expected_kw("retail", 0, HOUR) == pytest.approx(7.0)
    made.read(read(8.0), 1)
    made.read(read(4.5, usage_point="h2"), 1)
    assert made.expected_kw("retail", HOUR, HOUR) == pytest.approx(3.0)
    (report,) = made.errors.report(HOUR)
    assert [(name, errors.bias_kw) for name, errors in report.customers] == [
        ("h1", pytest.approx(2.0 - 3.0)),
        ("h2", pytest.approx(2.0 - 4.5)),
    ]


def test_what_is_expected_of_a_slot_is_the_awards_and_the_load_beside_them_until_it_is_forgotten() -> None:
    made = portfolio(assignment(tariff="gold", market="retail"))
    made.estimate("retail", "day-ahead", -HOUR, 0, HOUR)
    made.positions(awards(5.0))
    expected = made.expected("retail", "day-ahead", HOUR // 2)
    assert expected is not None
    assert (expected.usage_points, expected.power_kw) == (("h1",), 7.0)
    assert made.expected("retail", "real-time", 0) is None
    made.positions(evolved(awards(1.0), slot_start=30 * DAY))
    assert made.expected("retail", "day-ahead", 0) is None
    made.positions(evolved(awards(1.0), slot_start=31 * DAY, commitment=False))
    without = made.expected("retail", "day-ahead", 31 * DAY)
    assert without is not None
    assert (without.usage_points, without.power_kw) == ((), 0)


def test_another_customer_is_forecast_by_his_class_and_one_who_only_switches_as_before() -> None:
    made = portfolio(assignment())
    made.read(read(9.0), 1)
    made.take(assignment(0, HOUR))
    made.take(assignment(HOUR, tariff="credit"))
    made.begin("h1", HOUR)
    assert made.expected_kw("none", HOUR, HOUR) == pytest.approx(9.0)
    made.take(assignment(HOUR, 2 * HOUR, tariff="credit"))
    made.take(assignment(2 * HOUR, customer="bob", customer_class="shop"))
    assert made.estimate("none", "day-ahead", HOUR, HOUR, HOUR)[1] == (9.0,)
    assert made.estimate("none", "day-ahead", HOUR, 2 * HOUR, HOUR)[1] == (7.0,)
    made.begin("h1", 2 * HOUR)
    made.read(read(9.0, HOUR), 1)
    assert made.estimate("none", "day-ahead", 2 * HOUR, 2 * HOUR, HOUR)[1] == (7.0,)


def test_one_who_is_to_come_is_expected_from_then_on_as_is_usual_in_his_class() -> None:
    made = portfolio(assignment())
    made.take(assignment(HOUR, usage_point="h2", customer_class="shop"))
    assert made.estimate("none", "day-ahead", 0, 0, HOUR) == (("h1",), (2.0,))
    assert made.estimate("none", "day-ahead", 0, HOUR, HOUR) == (("h1", "h2"), (2.0, 7.0))
    made.begin("h2", HOUR)
    made.read(read(4.0, HOUR, "h2"), 1)
    assert made.estimate("none", "day-ahead", HOUR, 2 * HOUR, HOUR)[1] == (2.0, 4.0)


def customers_line(made: Portfolio) -> tuple[float, float, float]:
    lines = made.supply.procurement("green", 0, HOUR).lines
    (found,) = (line for line in lines if line.source is SupplySource.CUSTOMERS)
    return found.cleared_kwh, found.settled_kwh, found.paid


def test_exports_are_bought_at_the_tariff_or_at_the_market() -> None:
    made = portfolio(assignment(tariff="credit"))
    made.read(read(-4.0), 1)
    assert customers_line(made) == pytest.approx((0.0, 4.0, 0.2))
    sold = portfolio(assignment(tariff="gold", market="retail"))
    sold.positions(awards(-3.0))
    sold.positions(awards(-3.5, "real-time", 0.1))
    sold.read(read(-4.0), 1)
    assert customers_line(sold) == pytest.approx((3.5, 4.0, 3.0 * 0.3 + 1.0 * 0.1))


def test_a_revised_read_replaces_the_first_in_all_books_but_teaches_nothing() -> None:
    made = portfolio(assignment(tariff="credit"))
    assert not made.read(read(6.0), 1)
    assert made.read(read(-4.0), 2)
    assert not made.read(read(9.0), 2)
    assert customers_line(made) == pytest.approx((0.0, 4.0, 0.2))
    assert made.supply.procurement("green", 0, HOUR).usage_points == ()
    assert made.book.metered_kwh("h1", 0, HOUR) == -4.0
    assert made.expected_kw("none", HOUR, HOUR) == pytest.approx(6.0)


def test_the_baseline_of_a_subscription_is_the_profile_of_the_class() -> None:
    contract = assignment(tariff="base", customer_class="shop")
    made = portfolio(contract)
    made.read(read(1.0), 1)
    made.read(read(1.0, HOUR), 1)
    assert made.usage(contract, 0, DAY).needed("baseline_kw").tolist() == pytest.approx([7.0, 7.0])


# Retail prices


def prices(*node: NodePrices) -> RetailPrices:
    return RetailPrices(RetailRate(1.25, 0.05), CALENDAR, portfolio(), node)


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
