"""The retailer as a component: bids, offers, prices, records, bills, disputes."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gridbus.kernel import DAY, HOUR, MINUTE, SECOND, Calendar, ComponentError, Port, Setting
from gridbus.kernel.testing import CALENDAR, Log, run_components
from gridbus.roles.interfaces import (
    AccountStatement,
    AggregateDemand,
    Assignment,
    BidForm,
    BilateralSchedule,
    Bill,
    ClearingResult,
    Dispute,
    EntityEnergy,
    ForecastError,
    Invoice,
    LineKind,
    LoadEstimate,
    MarketCall,
    MarketInfo,
    MarketOutcome,
    MeterRead,
    Payment,
    Positions,
    PriceForecast,
    Procurement,
    Quality,
    SettlementStatement,
    StatementLine,
    StatementType,
    SupplyOffer,
    SupplySource,
    TariffPublished,
    TransferKind,
    WholesaleAward,
    WholesaleBid,
    WholesaleCall,
    WholesalePrice,
)
from gridbus.roles.lse import Retailer
from gridbus.roles.lse.procurement import BilateralBlock, PriceConversion
from gridbus.roles.lse.retailer import LoadClass, TariffOffer

Main = Callable[[Port], Any]
Mains = dict[str, Main]
STEP = 5 * MINUTE
OFFERS = (
    TariffOffer(name="flat"),
    TariffOffer(name="gold", tariff="transactive", market="retail"),
    TariffOffer(name="other", tariff="transactive", market="second"),
)


def retailer(*, calendar: Calendar = CALENDAR, **changes: Any) -> Mains:
    fields: dict[str, Any] = {"wholesale": "iso", "profile_kw": (2.0,) * 24, "tariffs": OFFERS[:1], "loss_factor": 0.1}
    return dict(Retailer(**(fields | changes)).components("green", Setting(calendar, HOUR, 0)))


def assignment(start: int = 0, end: int | None = None, **changes: Any) -> Assignment:
    fields: dict[str, Any] = {"usage_point": "h1", "tariff": "flat", "market": "none", "customer": "ann"}
    return Assignment(lse="green", transformer="t1", effective_from=start, effective_to=end, **(fields | changes))


def in_market(usage_point: str, tariff: str = "gold", market: str = "retail") -> Assignment:
    return assignment(usage_point=usage_point, tariff=tariff, market=market)


def says(*messages: tuple[int, object], revision: int = 1) -> Main:
    """A component that publishes messages at their instants."""

    async def main(port: Port) -> None:
        for instant, message in messages:
            await port.sleep_until(instant)
            port.publish(message, revision=revision)

    return main


def registry(*assignments: Assignment) -> Mains:
    return {"registry.main": says(*((0, each) for each in assignments))}


def read(start: int, kwh: float, usage_point: str = "h1", duration: int = HOUR) -> MeterRead:
    return MeterRead(
        lse="green", usage_point=usage_point, start=start, duration=duration, energy_kwh=kwh, quality=Quality.VALID
    )


def meter(*kwh: float) -> list[tuple[int, object]]:
    return [((hour + 1) * HOUR, read(hour * HOUR, energy)) for hour, energy in enumerate(kwh)]


def call(start: int, *, product: str = "real-time", gate: int, slots: int = 1, length: int = STEP) -> WholesaleCall:
    return WholesaleCall(
        iso="iso", product=product, first_slot=start, slot_length=length, slots=slots, gate_closure=gate
    )


def answers(price: float, kw: float = 11.0) -> Main:
    """A wholesale market that awards every bid a power at a price."""

    async def main(port: Port) -> None:
        async for bid in port.subscribe(WholesaleBid):
            port.publish(
                WholesaleAward(
                    iso="iso",
                    product=bid.product,
                    lse=bid.lse,
                    slot_start=bid.slot_start,
                    slot_length=bid.slot_length,
                    quantity_kw=kw,
                    price_per_kwh=price,
                )
            )

    return main


def both(*mains: Main) -> Main:
    async def main(port: Port) -> None:
        for each in mains:
            port.start(each(port))

    return main


def info(market: str = "retail", product: str = "real-time", length: int = STEP) -> MarketInfo:
    return MarketInfo(
        market=market,
        product=product,
        mechanism="double-auction",
        slot_length=length,
        slots=1,
        every=length,
        gate=0,
        delivery_lead=0,
        price_cap_per_kwh=1.0,
        price_floor_per_kwh=0.0,
    )


def market_call(start: int, market: str = "retail") -> MarketCall:
    return MarketCall(
        market=market,
        product="real-time",
        clearing=start - MINUTE,
        first_slot=start,
        slot_length=STEP,
        slots=1,
        gate_closure=start - 2 * MINUTE,
        price_cap_per_kwh=1.0,
        price_floor_per_kwh=0.0,
    )


def demand(start: int, kw: tuple[float, ...], price: tuple[float, ...], market: str = "retail") -> AggregateDemand:
    return AggregateDemand(
        market=market,
        product="real-time",
        clearing=start - MINUTE,
        slot_start=start,
        slot_length=STEP,
        quantity_kw=kw,
        price_per_kwh=price,
    )


def published(log: Log, cls: type) -> list[tuple[int, Any]]:
    return [(each.instant, each.message) for each in log.envelopes if isinstance(each.message, cls)]


# The catalogue


def test_every_tariff_of_the_catalogue_is_published_under_its_name_with_its_market_and_prices() -> None:
    log = run_components(retailer(tariffs=OFFERS), stop=1)
    assert [(t.tariff, t.market) for t in log.of(TariffPublished)] == [
        ("flat", "none"),
        ("gold", "retail"),
        ("other", "second"),
    ]
    assert [component.price for component in log.of(TariffPublished)[0].components] == [0.13, 0.4]


def test_a_customer_on_a_tariff_that_is_not_in_the_catalogue_ends_the_run_with_a_complaint() -> None:
    with pytest.raises(ComponentError, match="h1 is enrolled on the tariff silver, which green does not have"):
        run_components({**retailer(), **registry(assignment(tariff="silver"))}, stop=1)


# Bids


def test_without_a_market_the_expected_load_is_bought_at_once_with_its_losses_at_any_price() -> None:
    mains = {
        **retailer(),
        **registry(assignment(), assignment(usage_point="h2")),
        "wholesale.iso": says((HOUR + 1, call(2 * HOUR, gate=2 * HOUR - MINUTE))),
        "do.wires": says(*meter(5.0)),
    }
    ((instant, bid),) = published(run_components(mains, stop=2 * HOUR), WholesaleBid)
    # h1 drew 5 kW in the last hour; of h2 only the profile's 2 kW are known.
    assert bid.quantity_kw == pytest.approx((7.7,))
    assert instant == HOUR + 1


def expected(*price: float) -> WholesalePrice:
    return WholesalePrice(
        iso="iso",
        product="forecast",
        slot_start=0,
        slot_length=HOUR,
        price_per_kwh=price,
        quantity_kw=tuple(0.0 for _ in price),
    )


def both_markets(*, late: bool = False) -> Log:
    """A slot at minute 10: calls at minute 5, one market's demand at 6, the other's at 7 or after the gate at 8."""
    second = (8 if late else 7) * MINUTE
    mains = {
        **retailer(tariffs=OFFERS, conversion=PriceConversion.RATIO),
        **registry(in_market("h1"), in_market("h2", "other", "second"), assignment(usage_point="h3")),
        "wholesale.iso": both(answers(0.2), says((0, expected(0.9)), (5 * MINUTE, call(2 * STEP, gate=8 * MINUTE)))),
        "mo.retail": says(
            (0, info()),
            (5 * MINUTE, market_call(2 * STEP)),
            (6 * MINUTE, demand(2 * STEP, (10.0, 20.0), (0.5, 0.25))),
        ),
        "mo.second": says((0, info("second")), (second, demand(2 * STEP, (4.0, 6.0), (0.5, 0.25), "second"))),
    }
    return run_components(mains, stop=2 * STEP)


def test_one_bid_a_slot_has_the_demand_of_all_markets_and_of_those_in_none_when_all_is_known() -> None:
    ((instant, bid),) = published(both_markets(), WholesaleBid)
    assert instant == 7 * MINUTE
    assert bid.price_per_kwh == pytest.approx((0.4, 0.2))
    assert bid.quantity_kw == pytest.approx(((10 + 4 + 2) * 1.1, (20 + 6 + 2) * 1.1))
    assert (bid.form, bid.quadratic) == (BidForm.CURVE, None)


def test_a_market_that_is_late_is_bid_for_by_what_its_customers_are_expected_to_use_just_before_the_gate() -> None:
    ((instant, bid),) = published(both_markets(late=True), WholesaleBid)
    assert instant == 8 * MINUTE - SECOND
    assert bid.quantity_kw == pytest.approx(((10 + 2 + 2) * 1.1, (20 + 2 + 2) * 1.1))


@pytest.mark.parametrize("late", [False, True])
def test_each_market_is_offered_energy_at_the_retail_price_of_what_was_bought(late: bool) -> None:
    offers = both_markets(late=late).of(SupplyOffer)
    assert [(o.market, o.clearing, o.slot_start, o.quantity_kw) for o in offers] == [
        ("retail", 9 * MINUTE, 2 * STEP, 1e6),
        ("second", 9 * MINUTE, 2 * STEP, 1e6),
    ]
    assert [o.price_per_kwh for o in offers] == pytest.approx([0.25, 0.25])


def test_estimates_are_told_by_market_and_for_those_in_none() -> None:
    estimates = both_markets().of(LoadEstimate)
    assert [(e.market, e.usage_points, e.power_kw) for e in estimates] == [
        ("none", ("h3",), (2.0,)),
        ("retail", ("h1",), (2.0,)),
    ]


def test_a_market_that_has_named_half_of_its_demand_is_expected_to_want_the_other_half() -> None:
    mains = {
        **retailer(tariffs=OFFERS, loss_factor=0.0),
        **registry(in_market("h1")),
        "wholesale.iso": says((5 * MINUTE, call(2 * STEP, gate=8 * MINUTE, length=2 * STEP))),
        "mo.retail": says((0, info()), (6 * MINUTE, demand(3 * STEP, (10.0,), (0.5,)))),
    }
    (bid,) = run_components(mains, stop=2 * STEP).of(WholesaleBid)
    assert bid.quantity_kw == pytest.approx((10.0 / 2 + 2.0 / 2,))


def test_a_slot_that_the_wholesale_market_has_none_for_is_offered_at_the_expected_price() -> None:
    ahead = call(0, product="day-ahead", gate=MINUTE, length=HOUR)
    mains = {
        **retailer(tariffs=OFFERS, conversion=PriceConversion.RATIO),
        "wholesale.iso": says((0, expected(0.3)), (0, ahead)),
        "mo.retail": says((MINUTE, demand(2 * STEP, (10.0,), (0.5,)))),
    }
    (offer,) = run_components(mains, stop=STEP).of(SupplyOffer)
    assert (offer.slot_start, offer.price_per_kwh) == (2 * STEP, pytest.approx(0.375))


def test_a_bid_takes_its_form_from_the_settings_and_is_what_contracts_leave_over() -> None:
    settings = {
        "tariffs": OFFERS,
        "loss_factor": 0.0,
        "price_scaling": 1.0,
        "charge_per_kwh": 0.0,
        "real_time_bid": BidForm.QUADRATIC,
        "bilateral": (BilateralBlock(quantity_kw=30.0, price_per_kwh=0.05),),
    }
    mains = {
        **retailer(**settings),
        **registry(in_market("h1")),
        "wholesale.iso": says(
            (MINUTE, call(2 * STEP, product="day-ahead", gate=4 * MINUTE)), (MINUTE, call(2 * STEP, gate=4 * MINUTE))
        ),
        "mo.retail": says((0, info()), (2 * MINUTE, demand(2 * STEP, (100.0, 200.0), (0.5, 0.1)))),
    }
    log = run_components(mains, stop=2 * STEP)
    (schedule,) = log.of(BilateralSchedule)
    assert (schedule.power_kw, schedule.price_per_kwh) == ((30.0,), (0.05,))
    bids = {bid.product: bid for bid in log.of(WholesaleBid)}
    # Without a day-ahead series its market's customer is expected to use 2 kW; the rest of the contract is sold.
    assert (bids["day-ahead"].form, bids["day-ahead"].quantity_kw) == (BidForm.CURVE, pytest.approx((-28.0,)))
    quadratic = bids["real-time"].quadratic
    assert quadratic is not None
    # Price falls by 0.4 $/kWh over 100 kW; the first sample within the middle lies 5.05 % from the start.
    assert quadratic.unresponsive_kw == pytest.approx(70.0 + 100.0 * 5 / 99)
    assert quadratic.c2 == pytest.approx(0.002)
    assert bids["real-time"].quantity_kw[1] == pytest.approx(170.0)


# Prices


def test_customers_are_told_expected_prices_and_those_of_the_day_ahead_when_they_are_bought() -> None:
    ahead = call(HOUR, product="day-ahead", gate=30 * MINUTE, length=HOUR)
    mains = {
        **retailer(conversion=PriceConversion.RATIO),
        "wholesale.iso": both(answers(0.4), says((0, expected(0.1, 0.2)), (MINUTE, ahead))),
    }
    forecasts = run_components(mains, stop=2 * HOUR).of(PriceForecast)
    assert [(f.first_hour, f.price_per_kwh) for f in forecasts] == [
        (0, pytest.approx((0.125, 0.25))),
        (0, pytest.approx((0.125, 0.5))),
    ]


def test_a_dynamic_tariff_without_a_market_has_the_prices_that_were_told() -> None:
    mains = {
        **retailer(conversion=PriceConversion.RATIO, tariffs=(TariffOffer(name="dynamic"),)),
        **registry(assignment(tariff="dynamic")),
        "wholesale.iso": says((0, expected(0.1, 0.2))),
        "do.wires": says(*meter(10.0, 20.0)),
    }
    (bill,) = run_components(mains, stop=2 * HOUR).of(Bill)
    # The energy, and two hours of 0.40 $ a day.
    assert [line.amount for line in bill.lines] == [Decimal("6.25"), Decimal("0.03")]


def test_reads_that_come_at_once_are_of_an_interval_each_and_one_that_is_told_twice_counts_once() -> None:
    async def wires(port: Port) -> None:
        await port.sleep_until(2 * HOUR)
        for each in (read(0, 5.0), read(HOUR, 3.0), read(0, 99.0), read(0, 7.0, "h2"), read(HOUR, 4.0, "h2")):
            port.publish(each)

    mains = {**retailer(), **registry(assignment(), assignment(usage_point="h2")), "do.wires": wires}
    records = run_components(mains, stop=3 * HOUR).of(Procurement)
    latest = {record.slot_start // HOUR: record.energy_kwh for record in records}
    assert latest == {0: (5.0, 7.0), 1: (3.0, 4.0), 2: ()}


# Bills


def test_a_customer_who_leaves_pays_until_then_and_is_estimated_no_more() -> None:
    calls = [(start - MINUTE, call(start, gate=start)) for start in (DAY // 2 - HOUR, DAY // 2)]
    mains = {
        **retailer(),
        **registry(assignment(0, DAY // 2), assignment(usage_point="h2")),
        "wholesale.iso": says(*calls),
    }
    log = run_components(mains, stop=DAY)
    assert [estimate.usage_points for estimate in log.of(LoadEstimate)] == [("h1", "h2"), ("h2",)]
    assert {bill.usage_point: bill.total for bill in log.of(Bill)} == {"h1": Decimal("0.20"), "h2": Decimal("0.40")}


NEW_YEAR = Calendar(datetime(2024, 12, 31, 5, tzinfo=UTC), ZoneInfo("America/New_York"))
"""Instant 0 is midnight of the last day of the year."""


def test_bills_are_made_when_a_local_month_ends_and_at_the_end_of_the_run() -> None:
    kwh = [((hour + 1) * HOUR, read(hour * HOUR, 1.0)) for hour in range(36)]
    mains = {**retailer(calendar=NEW_YEAR), **registry(assignment()), "do.wires": says(*kwh)}
    bills = published(run_components(mains, stop=36 * HOUR, calendar=NEW_YEAR), Bill)
    assert [(instant, bill.start, bill.end) for instant, bill in bills] == [
        (DAY, 0, DAY),
        (DAY + DAY // 2, DAY, DAY + DAY // 2),
    ]
    assert [[(line.month, line.amount) for line in bill.lines] for _, bill in bills] == [
        [("2024-12", Decimal("3.12")), ("2024-12", Decimal("0.40"))],
        [("2025-01", Decimal("1.56")), ("2025-01", Decimal("0.20"))],
    ]


def pays() -> Main:
    async def customer(port: Port) -> None:
        async for bill in port.subscribe(Bill):
            port.publish(Payment(payee_role="lse", payee=bill.lse, kind=TransferKind.BILL, amount=bill.adjustment))

    return customer


def revised() -> Log:
    """A first day of 1 kW that is billed; in its second morning three of its hours turn out to be other ones."""

    async def wires(port: Port) -> None:
        for hour in range(30):
            await port.sleep_until((hour + 1) * HOUR)
            port.publish(read(hour * HOUR, 1.0))
            port.publish(EntityEnergy(lse="green", start=hour * HOUR, duration=HOUR, metered_kwh=1.0, losses_kwh=0.0))
        changes = ((2, 11.0), (3, 11.0), (4, -9.0), (25, 5.0))
        for hour, kwh in changes:
            await port.sleep_until(30 * HOUR)
            port.publish(read(hour * HOUR, kwh), revision=2)
        for hour, kwh in changes:
            await port.sleep_until(30 * HOUR)
            port.publish(
                EntityEnergy(lse="green", start=hour * HOUR, duration=HOUR, metered_kwh=kwh, losses_kwh=0.0), revision=2
            )

    mains = {**retailer(calendar=NEW_YEAR), **registry(assignment()), "do.wires": wires, "agent.h1": pays()}
    return run_components(mains, stop=36 * HOUR, calendar=NEW_YEAR)


def test_a_read_that_is_revised_after_its_bill_leads_to_one_revised_bill_whose_adjustment_is_paid() -> None:
    log = revised()
    envelopes = [each for each in log.envelopes if isinstance(each.message, Bill)]
    assert [(e.instant, e.revision, e.message.start, e.message.adjustment) for e in envelopes] == [
        (DAY, 1, 0, Decimal("3.52")),
        (30 * HOUR, 2, 0, Decimal("1.30")),
        (36 * HOUR, 1, DAY, Decimal("1.50")),
    ]
    assert [p.amount for p in log.of(Payment)] == [Decimal("3.52"), Decimal("1.30"), Decimal("1.50")]


def test_procurement_is_recorded_by_the_hour_and_anew_when_its_reads_are_revised() -> None:
    envelopes = [each for each in revised().envelopes if isinstance(each.message, Procurement)]
    first = [(e.message.slot_start // HOUR, e.message.required_kwh) for e in envelopes if e.revision == 1]
    assert first[:30] == [(hour, 1.0) for hour in range(30)]
    again = [(e.instant, e.message.slot_start // HOUR, e.message.required_kwh) for e in envelopes if e.revision == 2]
    assert again == [(30 * HOUR, 2, 11.0), (30 * HOUR, 3, 11.0), (30 * HOUR, 4, 0.0), (30 * HOUR, 25, 5.0)]


def test_a_first_read_that_comes_after_the_bill_is_billed() -> None:
    async def wires(port: Port) -> None:
        await port.sleep_until(HOUR)
        port.publish(read(0, 1.0))
        await port.sleep_until(30 * HOUR)
        port.publish(read(2 * HOUR, 5.0))

    mains = {**retailer(calendar=NEW_YEAR), **registry(assignment()), "do.wires": wires, "agent.h1": pays()}
    log = run_components(mains, stop=36 * HOUR, calendar=NEW_YEAR)
    anew = [each for each in log.envelopes if isinstance(each.message, Bill) and each.revision == 2]
    assert [(each.instant, each.message.start) for each in anew] == [(30 * HOUR, 0)]
    assert anew[0].message.adjustment > 0


# Records


def test_forecast_errors_are_recorded_at_the_end_of_the_local_day_and_of_the_run() -> None:
    calls = [(hour * HOUR, call(hour * HOUR, gate=hour * HOUR + 1, length=HOUR)) for hour in (1, 30)]
    kwh = [((hour + 1) * HOUR, read(hour * HOUR, 3.0 + (hour == 30))) for hour in range(36)]
    mains = {
        **retailer(calendar=NEW_YEAR, near_min=0.0, smoothing=0.0),
        **registry(assignment()),
        "wholesale.iso": says(*calls),
        "do.wires": says(*kwh),
    }
    errors = published(run_components(mains, stop=36 * HOUR, calendar=NEW_YEAR), ForecastError)
    assert [(i, e.product, e.subject.value, e.names, e.bias_kw) for i, e in errors] == [
        (DAY, "real-time", "customer class", ("residential",), (pytest.approx(-1.0),)),
        (DAY, "real-time", "usage point", ("h1",), (pytest.approx(-1.0),)),
        (36 * HOUR, "real-time", "customer class", ("residential",), (pytest.approx(-2.0),)),
        (36 * HOUR, "real-time", "usage point", ("h1",), (pytest.approx(-2.0),)),
    ]


def test_a_new_customer_is_expected_to_be_like_his_class_from_the_instant_at_which_he_moves_in() -> None:
    moves = assignment(2 * HOUR, customer="bob", customer_class="shop")
    starts = (2 * HOUR - STEP, 2 * HOUR, 2 * HOUR + STEP)
    mains = {
        **retailer(classes=(LoadClass(name="shop", profile_kw=(9.0,) * 24),)),
        **registry(assignment(0, 2 * HOUR), moves),
        "wholesale.iso": says(*((start - MINUTE, call(start, gate=start)) for start in starts)),
        "do.wires": says(*meter(5.0, 5.0)),
    }
    estimates = run_components(mains, stop=3 * HOUR).of(LoadEstimate)
    assert [estimate.power_kw for estimate in estimates] == [(5.0,), (9.0,), (9.0,)]


# Money and statements


def test_invoices_are_paid_and_the_statement_is_what_came_in_less_what_went_out() -> None:
    invoice = Invoice(payer_role="lse", payer="green", kind=TransferKind.USE_OF_SYSTEM, amount=Decimal("0.40"))
    mains = {
        **retailer(),
        **registry(assignment()),
        "do.wires": says((HOUR, read(0, 10.0)), (HOUR, invoice)),
        "agent.h1": pays(),
    }
    log = run_components(mains, stop=HOUR)
    (statement,) = [s for s in log.of(AccountStatement) if s.party == "green"]
    assert (statement.received, statement.paid, statement.balance) == (
        Decimal("1.32"),
        Decimal("0.40"),
        Decimal("0.92"),
    )


def cleared(start: int, product: str = "real-time", price: float = 0.2, length: int = STEP) -> ClearingResult:
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


def held(start: int, product: str, kw: float, price: float, length: int = STEP) -> Positions:
    return Positions(
        market="retail",
        product=product,
        lse="green",
        clearing=start - MINUTE,
        slot_start=start,
        slot_length=length,
        usage_points=("h1",),
        power_kw=(kw,),
        price_per_kwh=(price,),
    )


def test_a_transactive_bill_has_positions_at_day_ahead_and_deviations_at_real_time_prices() -> None:
    mains = {
        **retailer(tariffs=OFFERS),
        **registry(in_market("h1")),
        "mo.retail": says(
            (1, cleared(0, "day-ahead", 0.3, HOUR)),
            (1, held(0, "day-ahead", 6.0, 0.3, HOUR)),
            (1, cleared(0, length=HOUR)),
            (1, held(0, "real-time", 5.0, 0.25, HOUR)),
        ),
        "do.wires": says((HOUR, read(0, 4.0))),
    }
    log = run_components(mains, stop=HOUR)
    (bill,) = log.of(Bill)
    assert [(line.component, line.amount) for line in bill.lines[:2]] == [
        ("day-ahead energy", Decimal("1.80")),
        ("real-time deviation", Decimal("-0.50")),
    ]
    assert [p for p in log.of(Payment) if p.payee_role == "mo"] == []


def statement(kwh: float, version: int = 1, kind: StatementType = StatementType.INITIAL) -> SettlementStatement:
    line = StatementLine(
        slot=0, kind=LineKind.REAL_TIME, quantity_kwh=kwh, price_per_kwh=0.2, amount=Decimal("0.20"), usage_point="h1"
    )
    return SettlementStatement(
        market="retail",
        product="real-time",
        party="green",
        clearing=-MINUTE,
        statement=f"s-{version}",
        version=version,
        type=kind,
        start=0,
        end=STEP,
        lines=(line,),
        total=Decimal("0.20"),
        estimated=False,
    )


def test_a_statement_that_contradicts_the_meter_is_disputed_once() -> None:
    mains = {
        **retailer(tariffs=OFFERS),
        **registry(in_market("h1")),
        "do.wires": says((STEP, read(0, 1.5, duration=STEP))),
        "mo.retail": says(
            (0, info()),
            (STEP + 1, statement(1.0)),
            (STEP + 2, statement(1.0, 2, StatementType.RECALCULATION)),
            (STEP + 3, statement(1.2, 3, StatementType.RECALCULATION)),
            (STEP + 4, statement(1.5, 4, StatementType.RECALCULATION)),
        ),
    }
    disputes = run_components(mains, stop=2 * STEP).of(Dispute)
    assert [(d.statement, d.line, d.claimed_kwh, d.dispute) for d in disputes] == [("s-1", 0, 1.5, "green-1")]


def test_a_final_statement_is_disputed_no_more() -> None:
    mains = {
        **retailer(tariffs=OFFERS),
        **registry(in_market("h1")),
        "do.wires": says((STEP, read(0, 1.5, duration=STEP))),
        "mo.retail": says((0, info()), (STEP + 1, statement(1.0, 1, StatementType.FINAL))),
    }
    assert run_components(mains, stop=2 * STEP).of(Dispute) == []


def test_energy_bought_and_used_is_in_the_procurement_record() -> None:
    mains = {
        **retailer(),
        **registry(assignment()),
        "wholesale.iso": both(
            answers(0.2, kw=3.0), says((MINUTE, call(0, product="day-ahead", gate=2 * MINUTE, length=HOUR)))
        ),
        "do.wires": says(
            (HOUR, read(0, 5.0)),
            (HOUR, EntityEnergy(lse="green", start=0, duration=HOUR, metered_kwh=5.0, losses_kwh=0.5)),
        ),
    }
    (record,) = run_components(mains, stop=HOUR).of(Procurement)
    found = {line.source: (line.bid_kwh, line.settled_kwh, line.paid) for line in record.lines}
    assert record.required_kwh == 5.5
    assert found[SupplySource.DAY_AHEAD] == pytest.approx((2.2, 3.0, 0.6))
    assert found[SupplySource.REAL_TIME] == pytest.approx((0.0, 2.5, 0.0))
    assert (record.usage_points, record.energy_kwh) == (("h1",), (5.0,))
    assert record.cost == pytest.approx((0.6,))
