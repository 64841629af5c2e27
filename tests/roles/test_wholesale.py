"""The wholesale stand-in as a component."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from gridbus.kernel import HOUR, MINUTE, Port, Setting
from gridbus.kernel.testing import CALENDAR, run_components
from gridbus.roles.interfaces import (
    BilateralSchedule,
    EntityEnergy,
    Invoice,
    TransferKind,
    WholesaleAward,
    WholesaleBid,
    WholesaleCall,
    WholesalePrice,
)
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


def test_contracts_are_delivered_beside_the_market_and_charged_as_written() -> None:
    async def retailer(port: Port) -> None:
        port.publish(BilateralSchedule(iso="iso", lse=port.name, first_hour=0, power_kw=(30.0,), price_per_kwh=(0.05,)))
        await buys(60.0, 100.0)(port)

    mains = {**wholesale(), "lse.green": retailer, "do.wires": uses("green", 120.0)}
    log = run_components(mains, stop=30 * MINUTE)
    # What is contracted raises the price as any other power: 60 and 30 kW day-ahead at 0.19, 100 and 30 in real time.
    assert {a.product: a.price_per_kwh for a in log.of(WholesaleAward)} == pytest.approx(
        {"day-ahead": 0.19, "real-time": 0.23}
    )
    owed = 30 / 2 * 0.05 + 60 / 3 * 0.19 + (120 - 30) / 6 * 0.1 + (120 - 90) / 3 * 0.23
    (invoice,) = log.of(Invoice)
    assert invoice.amount == Decimal(f"{owed:.2f}")


def test_what_two_distribution_operators_meter_is_charged_together_and_what_one_revises_once() -> None:
    async def revises(port: Port) -> None:
        await uses("green", 5.0)(port)
        for start in range(0, 30 * MINUTE, STEP):
            port.publish(
                EntityEnergy(lse="green", start=start, duration=STEP, metered_kwh=20 / 12, losses_kwh=0.0), revision=2
            )

    mains = {**wholesale(), "do.wires": uses("green", 80.0), "do.other": revises}
    (invoice,) = run_components(mains, stop=30 * MINUTE).of(Invoice)
    # Nobody has bid: real time costs 0.1 $/kWh.
    assert invoice.amount == Decimal("5.00")
