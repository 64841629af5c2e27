"""The retailer and the wholesale stand-in as components."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from gridbus.kernel import DAY, HOUR, MINUTE, Port, Setting
from gridbus.kernel.testing import CALENDAR, Log, run_components
from gridbus.roles.interfaces import (
    AccountStatement,
    AggregateDemand,
    Assignment,
    Bill,
    ClearingResult,
    EntityEnergy,
    Invoice,
    LoadEstimate,
    MarketCall,
    MeterRead,
    Payment,
    PriceForecast,
    Quality,
    SupplyOffer,
    TransferKind,
    WholesaleAward,
    WholesaleBid,
    WholesaleCall,
    WholesalePrice,
)
from gridbus.roles.lse import Retailer
from gridbus.roles.lse.retailer import TariffKind
from gridbus.roles.series import SlotSeries
from gridbus.roles.wholesale import WholesaleMarket

Main = Callable[[Port], Any]
STEP = 5 * MINUTE
SETTING = Setting(CALENDAR, HOUR, 0)


def wholesale(**changes: Any) -> dict[str, Main]:
    series = (
        SlotSeries(product="day-ahead", slot_min=10.0, slots=2, first_min=10.0, call_min=8.0, gate_min=6.0),
        SlotSeries(product="real-time", slot_min=10.0, slots=1, first_min=10.0, call_min=2.0, gate_min=1.0),
    )
    fields: dict[str, Any] = {"series": series, "intercept_per_kwh": (0.1,) * 24, "slope_per_kwh_kw": 0.001}
    return dict(WholesaleMarket(**(fields | changes)).components("iso", SETTING))


def buys(day_ahead_kw: float, real_time_kw: float) -> Main:
    async def main(port: Port) -> None:
        async for call in port.subscribe(WholesaleCall):
            for number in range(call.slots):
                port.publish(
                    WholesaleBid(
                        iso="iso",
                        product=call.product,
                        lse=port.name,
                        slot_start=call.first_slot + number * call.slot_length,
                        slot_length=call.slot_length,
                        quantity_kw=(day_ahead_kw if call.product == "day-ahead" else real_time_kw,),
                        price_per_kwh=(0.0,),
                    )
                )

    return main


def uses(lse: str, kw: float, *, losses_kw: float = 0.0, until: int = 30 * MINUTE) -> Main:
    async def main(port: Port) -> None:
        for start in range(0, until, STEP):
            await port.sleep_until(start + STEP)
            port.publish(
                EntityEnergy(lse=lse, start=start, duration=STEP, metered_kwh=kw / 12, losses_kwh=losses_kw / 12)
            )

    return main


def test_a_two_settlement_invoice_by_hand() -> None:
    mains = {**wholesale(), "lse.green": buys(60.0, 100.0), "do.wires": uses("green", 80.0, losses_kw=4.0)}
    log = run_components(mains, stop=30 * MINUTE)
    # Day-ahead: 60 kW at 0.16 $/kWh from minute 10 to 30. Real-time price of 100 kW: 0.2 $/kWh in that time; before it
    # the curve's 0.1. Use of 84 kW: all of it deviates in the first 10 minutes, 24 kW after that.
    owed = 60 / 3 * 0.16 + 84 / 6 * 0.1 + 24 / 3 * 0.2
    (invoice,) = log.of(Invoice)
    assert (invoice.payer, invoice.kind) == ("green", TransferKind.WHOLESALE_ENERGY)
    assert invoice.amount == Decimal(f"{owed:.2f}")


def test_every_bid_is_awarded_and_the_price_is_published() -> None:
    mains = {**wholesale(), "lse.green": buys(60.0, 70.0), "lse.simple": buys(40.0, 50.0)}
    log = run_components(mains, stop=30 * MINUTE)
    day_ahead = [a for a in log.of(WholesaleAward) if a.product == "day-ahead"]
    assert [(a.lse, a.slot_start, a.quantity_kw) for a in day_ahead] == [
        (lse, start, kw) for start in (10 * MINUTE, 20 * MINUTE) for lse, kw in (("green", 60.0), ("simple", 40.0))
    ]
    assert [a.price_per_kwh for a in day_ahead] == pytest.approx([0.2] * 4)
    prices = [p for p in log.of(WholesalePrice) if p.product == "real-time"]
    assert [(p.slot_start, p.quantity_kw) for p in prices] == [(10 * MINUTE, (120.0,)), (20 * MINUTE, (120.0,))]


def test_the_forecast_covers_every_hour_of_the_run_at_the_expected_power() -> None:
    by_hour = tuple(0.01 * hour for hour in range(24))
    log = run_components(wholesale(intercept_per_kwh=by_hour, expected_kw=50.0), stop=3 * HOUR - 1)
    (forecast,) = [p for p in log.of(WholesalePrice) if p.product == "forecast"]
    assert forecast.price_per_kwh == pytest.approx((0.05, 0.06, 0.07))


def assignment(end: int | None = None, usage_point: str = "h1") -> Assignment:
    return Assignment(
        usage_point=usage_point,
        lse="green",
        tariff="flat",
        market="none",
        transformer="t1",
        effective_from=0,
        effective_to=end,
    )


def registry(*assignments: Assignment) -> Main:
    async def main(port: Port) -> None:
        for each in assignments:
            port.publish(each)

    return main


def retailer(**changes: Any) -> dict[str, Main]:
    fields: dict[str, Any] = {"tariff": TariffKind.FLAT, "wholesale": "iso", "profile_kw": (2.0,) * 24}
    return dict(Retailer(**(fields | changes)).components("green", SETTING))


def meter(*kwh: float) -> Main:
    async def main(port: Port) -> None:
        for number, energy in enumerate(kwh):
            await port.sleep_until((number + 1) * HOUR)
            port.publish(
                MeterRead(
                    lse="green",
                    usage_point="h1",
                    start=number * HOUR,
                    duration=HOUR,
                    energy_kwh=energy,
                    quality=Quality.VALID,
                )
            )

    return main


def test_a_flat_bill_is_for_all_energy_and_the_days_of_supply() -> None:
    mains = retailer(flat_price_per_kwh=0.25, connection_per_day=0.5)
    mains |= {"registry.main": registry(assignment()), "do.wires": meter(1.0, 2.5)}
    log = run_components(mains, stop=DAY)
    (bill,) = log.of(Bill)
    assert [(line.component, line.amount) for line in bill.lines] == [
        ("energy", Decimal("0.88")),
        ("connection", Decimal("0.50")),
    ]
    assert (bill.usage_point, bill.start, bill.end, bill.total) == ("h1", 0, DAY, Decimal("1.38"))


def test_a_customer_who_leaves_pays_until_then_and_is_estimated_no_more() -> None:
    async def iso(port: Port) -> None:
        for start in (DAY // 2 - HOUR, DAY // 2):
            await port.sleep_until(start - MINUTE)
            port.publish(
                WholesaleCall(
                    iso="iso", product="real-time", first_slot=start, slot_length=STEP, slots=1, gate_closure=start
                )
            )

    mains = retailer(connection_per_day=0.5) | {
        "registry.main": registry(assignment(DAY // 2), assignment(usage_point="h2")),
        "wholesale.iso": iso,
    }
    log = run_components(mains, stop=DAY)
    assert [estimate.usage_points for estimate in log.of(LoadEstimate)] == [("h1", "h2"), ("h2",)]
    assert {bill.usage_point: bill.total for bill in log.of(Bill)} == {"h1": Decimal("0.25"), "h2": Decimal("0.50")}


def test_without_a_market_the_expected_load_is_bought_with_its_losses_at_any_price() -> None:
    async def iso(port: Port) -> None:
        await port.sleep_until(HOUR + 1)
        port.publish(
            WholesaleCall(
                iso="iso", product="real-time", first_slot=2 * HOUR, slot_length=STEP, slots=1, gate_closure=9
            )
        )

    mains = retailer(loss_factor=0.1) | {
        "registry.main": registry(assignment(), assignment(usage_point="h2")),
        "wholesale.iso": iso,
        "do.wires": meter(5.0),
    }
    log = run_components(mains, stop=2 * HOUR)
    (bid,) = log.of(WholesaleBid)
    # h1 drew 5 kW in the last hour; of h2 only the profile's 2 kW are known.
    assert bid.quantity_kw == (pytest.approx(7.7),)
    assert bid.price_per_kwh == (0.0,)


TRANSACTIVE = {
    "tariff": TariffKind.TRANSACTIVE,
    "market": "retail",
    "price_scaling": 1.25,
    "charge_per_kwh": 0.05,
    "loss_factor": 0.1,
}


def test_with_a_market_demand_goes_to_the_wholesale_market_and_comes_back_as_an_offer() -> None:
    async def market(port: Port) -> None:
        await port.sleep_until(MINUTE)
        port.publish(
            MarketCall(
                market="retail",
                product="real-time",
                first_slot=STEP,
                slot_length=STEP,
                slots=1,
                gate_closure=2 * MINUTE,
                price_cap_per_kwh=1.0,
                price_floor_per_kwh=0.0,
            )
        )
        await port.sleep_until(2 * MINUTE)
        port.publish(
            AggregateDemand(
                market="retail",
                product="real-time",
                slot_start=STEP,
                slot_length=STEP,
                quantity_kw=(10.0, 20.0),
                price_per_kwh=(0.55, 0.05),
            )
        )

    async def iso(port: Port) -> None:
        async for bid in port.subscribe(WholesaleBid):
            port.publish(
                WholesaleAward(
                    iso="iso",
                    product=bid.product,
                    lse=bid.lse,
                    slot_start=bid.slot_start,
                    slot_length=bid.slot_length,
                    quantity_kw=11.0,
                    price_per_kwh=0.2,
                )
            )

    mains = retailer(**TRANSACTIVE) | {"mo.retail": market, "wholesale.iso": iso}
    log = run_components(mains | {"registry.main": registry(assignment())}, stop=STEP)
    (bid,) = log.of(WholesaleBid)
    assert bid.quantity_kw == pytest.approx((11.0, 22.0))
    assert bid.price_per_kwh == pytest.approx((0.4, 0.0))
    (offer,) = log.of(SupplyOffer)
    assert (offer.slot_start, offer.price_per_kwh) == (STEP, pytest.approx(0.3))
    assert [(e.usage_points, e.power_kw) for e in log.of(LoadEstimate)] == [(("h1",), (2.0,))]


def transactive_day() -> Log:
    async def market(port: Port) -> None:
        await port.sleep_until(1)
        port.publish(
            ClearingResult(
                market="retail",
                product="real-time",
                slot_start=0,
                slot_length=HOUR,
                outcome="cleared",
                price_per_kwh=0.5,
                supply_price_per_kwh=0.2,
                quantity_kw=1.0,
                inelastic_kw=0.0,
                shed_kw=0.0,
                orders=1,
                attempts=1,
            )
        )

    async def wires(port: Port) -> None:
        port.start(meter(3.0)(port))
        await port.sleep_until(2 * HOUR)
        port.publish(
            Invoice(
                payer_role="lse",
                payer="green",
                kind=TransferKind.USE_OF_SYSTEM,
                amount=Decimal("0.40"),
            )
        )

    async def iso(port: Port) -> None:
        port.publish(
            WholesalePrice(
                iso="iso",
                product="forecast",
                slot_start=0,
                slot_length=HOUR,
                price_per_kwh=(0.08, 0.2),
                quantity_kw=(1.0, 1.0),
            )
        )

    async def customer(port: Port) -> None:
        async for bill in port.subscribe(Bill):
            port.publish(
                Payment(
                    payee_role="lse",
                    payee=bill.lse,
                    kind=TransferKind.BILL,
                    amount=bill.total,
                )
            )

    mains = retailer(**TRANSACTIVE, connection_per_day=0.0) | {
        "registry.main": registry(assignment()),
        "mo.retail": market,
        "do.wires": wires,
        "wholesale.iso": iso,
        "agent.h1": customer,
    }
    return run_components(mains, stop=2 * HOUR)


def test_congestion_rent_is_collected_in_bills_and_paid_to_the_market() -> None:
    log = transactive_day()
    (bill,) = log.of(Bill)
    assert bill.total == Decimal("1.50")
    (rent,) = [p for p in log.of(Payment) if p.kind is TransferKind.CONGESTION_RENT]
    assert (rent.payee_role, rent.payee, rent.amount) == ("mo", "retail", Decimal("0.90"))


def test_the_statement_of_a_retailer_is_what_it_received_less_what_it_paid() -> None:
    (statement,) = [s for s in transactive_day().of(AccountStatement) if s.party == "green"]
    assert (statement.received, statement.paid) == (Decimal("1.50"), Decimal("1.30"))
    assert statement.balance == Decimal("0.20")


def test_customers_are_told_retail_prices_of_the_wholesale_forecast() -> None:
    (forecast,) = transactive_day().of(PriceForecast)
    assert forecast.price_per_kwh == pytest.approx((0.15, 0.3))
