"""What a retailer knows of its customers: estimates, expectations, exports, revisions."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gridbus.kernel import DAY, HOUR, MINUTE, Calendar, UsageError
from gridbus.kernel.shape import evolved
from gridbus.roles.interfaces import (
    NO_MARKET,
    Assignment,
    MeterRead,
    Positions,
    Quality,
    SupplySource,
)
from gridbus.roles.lse.forecast import HourlyProfile, LoadForecast
from gridbus.roles.lse.portfolio import Portfolio, Terms
from gridbus.roles.lse.tariff import load_tariff

STEP = 5 * MINUTE
CALENDAR = Calendar(datetime(2025, 7, 1, tzinfo=UTC), ZoneInfo("UTC"))


def assignment(start: int = 0, end: int | None = None, **changes: Any) -> Assignment:
    fields: dict[str, Any] = {"usage_point": "h1", "tariff": "flat", "market": "none", "customer": "ann"}
    return Assignment(lse="green", transformer="t1", effective_from=start, effective_to=end, **(fields | changes))


CATALOGUE = {
    "flat": Terms(load_tariff("flat"), NO_MARKET),
    "gold": Terms(load_tariff("transactive"), "retail"),
    "credit": Terms(load_tariff("net-billing"), NO_MARKET),
    "base": Terms(load_tariff("subscription"), NO_MARKET),
}


def portfolio(*assignments: Assignment) -> Portfolio:
    profiles = {"": HourlyProfile.given((2.0,) * 24), "shop": HourlyProfile.given((7.0,) * 3 + (8.0,) * 21)}
    made = Portfolio("green", CALENDAR, CATALOGUE, profiles, LoadForecast(CALENDAR, profiles))
    for each in assignments:
        made.take(each)
        made.begin(each.usage_point, each.effective_from)
    return made


def read(kwh: float, start: int = 0, usage_point: str = "h1", duration: int = HOUR) -> MeterRead:
    return MeterRead(
        lse="green", usage_point=usage_point, start=start, duration=duration, energy_kwh=kwh, quality=Quality.VALID
    )


def takes(made: Portfolio, each: MeterRead, revision: int = 1) -> bool:
    """Enter one read; returns whether it revises an earlier one."""
    revised = made.read([each], revision)
    assert revised in ([], [each])
    return bool(revised)


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
    takes(made, read(8.0))
    takes(made, read(4.5, usage_point="h2"))
    assert made.expected_kw("retail", HOUR, HOUR) == pytest.approx(3.0)
    (report,) = made.errors.report(HOUR)
    assert report.customers.names == ("h1", "h2")
    assert report.customers.bias_kw == pytest.approx((2.0 - 3.0, 2.0 - 4.5))


def test_what_is_expected_of_a_slot_is_the_awards_and_the_load_beside_them_until_it_is_forgotten() -> None:
    made = portfolio(assignment(tariff="gold", market="retail"))
    made.estimate("retail", "day-ahead", -HOUR, 0, HOUR)
    made.positions(awards(5.0))
    expected = made.expected.of("retail", "day-ahead", HOUR // 2)
    assert expected is not None
    assert (made.points.names(expected.places), expected.power_kw) == (("h1",), 7.0)
    assert made.expected.of("retail", "real-time", 0) is None
    made.positions(evolved(awards(1.0), slot_start=30 * DAY))
    assert made.expected.of("retail", "day-ahead", 0) is None
    made.positions(evolved(awards(1.0), slot_start=31 * DAY, commitment=False))
    without = made.expected.of("retail", "day-ahead", 31 * DAY)
    assert without is not None
    assert (made.points.names(without.places), without.power_kw) == ((), 0)


def test_another_customer_is_forecast_by_his_class_and_one_who_only_switches_as_before() -> None:
    made = portfolio(assignment())
    takes(made, read(9.0))
    made.take(assignment(0, HOUR))
    made.take(assignment(HOUR, tariff="credit"))
    made.begin("h1", HOUR)
    assert made.expected_kw("none", HOUR, HOUR) == pytest.approx(9.0)
    made.take(assignment(HOUR, 2 * HOUR, tariff="credit"))
    made.take(assignment(2 * HOUR, customer="bob", customer_class="shop"))
    assert made.estimate("none", "day-ahead", HOUR, HOUR, HOUR)[1] == (9.0,)
    assert made.estimate("none", "day-ahead", HOUR, 2 * HOUR, HOUR)[1] == (7.0,)
    made.begin("h1", 2 * HOUR)
    takes(made, read(9.0, HOUR))
    assert made.estimate("none", "day-ahead", 2 * HOUR, 2 * HOUR, HOUR)[1] == (7.0,)


def test_one_who_is_to_come_is_expected_from_then_on_as_is_usual_in_his_class() -> None:
    made = portfolio(assignment())
    made.take(assignment(HOUR, usage_point="h2", customer_class="shop"))
    assert made.estimate("none", "day-ahead", 0, 0, HOUR) == (("h1",), (2.0,))
    assert made.estimate("none", "day-ahead", 0, HOUR, HOUR) == (("h1", "h2"), (2.0, 7.0))
    made.begin("h2", HOUR)
    takes(made, read(4.0, HOUR, "h2"))
    assert made.estimate("none", "day-ahead", HOUR, 2 * HOUR, HOUR)[1] == (2.0, 4.0)


def customers_line(made: Portfolio) -> tuple[float, float, float]:
    lines = made.supply.procurement("green", 0, HOUR).lines
    (found,) = (line for line in lines if line.source is SupplySource.CUSTOMERS)
    return found.cleared_kwh, found.settled_kwh, found.paid


def test_exports_are_bought_at_the_tariff_or_at_the_market() -> None:
    made = portfolio(assignment(tariff="credit"))
    takes(made, read(-4.0))
    assert customers_line(made) == pytest.approx((0.0, 4.0, 0.2))
    sold = portfolio(assignment(tariff="gold", market="retail"))
    sold.positions(awards(-3.0))
    sold.positions(awards(-3.5, "real-time", 0.1))
    takes(sold, read(-4.0), 1)
    assert customers_line(sold) == pytest.approx((3.5, 4.0, 3.0 * 0.3 + 1.0 * 0.1))


def test_a_first_read_that_is_late_revises_what_was_recorded_without_it_and_only_once() -> None:
    made = portfolio(assignment(tariff="credit"))
    late = read(5.0)
    assert made.read([late], 1, is_late=True) == [late]
    assert made.read([late], 1, is_late=True) == []


def test_a_revised_read_replaces_the_first_in_all_books_but_teaches_nothing() -> None:
    made = portfolio(assignment(tariff="credit"))
    assert not takes(made, read(6.0))
    assert takes(made, read(-4.0), 2)
    assert not takes(made, read(9.0), 2)
    assert customers_line(made) == pytest.approx((0.0, 4.0, 0.2))
    assert made.supply.procurement("green", 0, HOUR).usage_points == ()
    assert made.book.reads.metered_kwh(made.points.places(["h1"]), 0, HOUR).tolist() == [-4.0]
    assert made.expected_kw("none", HOUR, HOUR) == pytest.approx(6.0)


def test_the_reads_of_an_interval_come_together_some_for_the_first_time_and_some_again() -> None:
    made = portfolio(
        assignment(tariff="credit"), assignment(usage_point="h2"), assignment(usage_point="h3", tariff="credit")
    )
    assert made.read([read(1.0), read(2.0, usage_point="h2")], 1) == []
    again = [read(-4.0), read(-1.0, usage_point="h3"), read(3.0, usage_point="h2")]
    assert made.read(again, 2) == [again[0], again[2]]
    assert customers_line(made) == pytest.approx((0.0, 5.0, 0.25))
    record = made.supply.procurement("green", 0, HOUR)
    assert (record.usage_points, record.energy_kwh) == (("h2",), pytest.approx((3.0,)))
    assert made.estimate("none", "day-ahead", HOUR, HOUR, HOUR)[1] == pytest.approx((1.0, 2.0, -1.0))


def test_what_is_exported_where_nobody_is_supplied_any_more_is_paid_to_nobody() -> None:
    made = portfolio(assignment(0, HOUR, tariff="credit"), assignment(usage_point="h2", tariff="credit"))
    made.read([read(-4.0, HOUR), read(-2.0, HOUR, "h2")], 1)
    lines = made.supply.procurement("green", HOUR, 2 * HOUR).lines
    (found,) = (line for line in lines if line.source is SupplySource.CUSTOMERS)
    assert (found.settled_kwh, found.paid) == pytest.approx((6.0, 0.1))


def test_the_baseline_of_a_subscription_is_the_profile_of_the_class() -> None:
    contract = assignment(tariff="base", customer_class="shop")
    made = portfolio(contract)
    takes(made, read(1.0))
    takes(made, read(1.0, HOUR))
    takes(made, read(1.0, 3 * HOUR))
    assert made.usage(contract, 0, 3 * HOUR).needed("baseline_kw").tolist() == pytest.approx([7.0, 7.0])
    assert made.usage(contract, 0, DAY).needed("baseline_kw").tolist() == pytest.approx([7.0, 7.0, 8.0])
