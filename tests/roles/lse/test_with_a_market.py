"""Retailer, market operator, wholesale stand-in and registry together: what one says, another understands."""

from collections.abc import Callable
from typing import Any

import pytest

from gridbus.kernel import HOUR, MINUTE, Port, Setting
from gridbus.kernel.testing import CALENDAR, Log, run_components
from gridbus.roles.interfaces import (
    AccountStatement,
    Bill,
    ClearingResult,
    Dispute,
    DisputeAnswer,
    DisputeStatus,
    Enrolment,
    EntityEnergy,
    Invoice,
    MarketEnergy,
    MeterRead,
    Payment,
    Procurement,
    Quality,
    SettlementStatement,
    StatementType,
    SupplySource,
    SwitchRequest,
    TransferKind,
    WholesaleBid,
)
from gridbus.roles.lse import Retailer
from gridbus.roles.lse.procurement import BilateralBlock
from gridbus.roles.lse.retailer import TariffOffer
from gridbus.roles.mo import MarketOperator
from gridbus.roles.mo.spec import MarketSpec
from gridbus.roles.registry import Registry
from gridbus.roles.series import SlotSeries
from gridbus.roles.settlement import SettlementRules
from gridbus.roles.wholesale import WholesaleMarket

SETTING = Setting(CALENDAR, 2 * HOUR, 0)
STEP = 5 * MINUTE
SLOT = 15 * MINUTE


def wholesale() -> WholesaleMarket:
    return WholesaleMarket(
        series=(
            SlotSeries(product="day-ahead", slot_min=60.0, slots=1, first_min=60.0, call_min=30.0, gate_min=20.0),
            SlotSeries(product="real-time", slot_min=15.0, slots=1, first_min=15.0, call_min=6.0, gate_min=4.0),
        ),
        intercept_per_kwh=(0.1,) * 24,
        slope_per_kwh_kw=0.001,
    )


def market(*, itemised: bool) -> MarketOperator:
    return MarketOperator(
        lse="green",
        do="wires",
        series=(
            MarketSpec(
                product="day-ahead",
                mechanism="price-only",
                slot_min=60.0,
                slots=1,
                first_min=60.0,
                market_lead_min=8.0,
                gate_min=7.0,
                delivery_lead_min=15.0,
            ),
            MarketSpec(
                product="real-time",
                refines="day-ahead",
                mechanism="price-only",
                slot_min=15.0,
                slots=1,
                first_min=15.0,
                market_lead_min=3.0,
                gate_min=2.0,
                delivery_lead_min=3.0,
            ),
        ),
        settlement=SettlementRules(itemised=itemised),
    )


def retailer(name: str, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "wholesale": "iso",
        "profile_kw": (6.0,) * 24,
        "tariffs": (TariffOffer(name="flat"), TariffOffer(name="gold", tariff="transactive", market="retail")),
        "bilateral": (BilateralBlock(quantity_kw=5.0, price_per_kwh=0.05),),
    }
    return dict(Retailer(**(fields | changes)).components(name, SETTING))


def customer(tariff: str, market: str, *, switches: bool = False) -> Callable[[Port], Any]:
    async def main(port: Port) -> None:
        port.publish(
            Enrolment(
                usage_point=port.name, lse="green", tariff=tariff, market=market, transformer="t1", effective_from=0
            )
        )
        port.start(_pay(port))
        if switches:
            await port.sleep_until(MINUTE)
            port.publish(
                SwitchRequest(usage_point=port.name, lse="blue", tariff="flat", market="none", effective_from=HOUR)
            )

    return main


async def _pay(port: Port) -> None:
    async for bill in port.subscribe(Bill):
        port.publish(Payment(payee_role="lse", payee=bill.lse, kind=TransferKind.BILL, amount=bill.adjustment))


KWH = {"h1": 0.5, "h2": -0.25, "h3": 0.75}
"""Energy of each interval: h1 and h2 are in the market, h3 switches to another retailer after an hour."""


async def wires(port: Port) -> None:
    """Meters; the market gets an estimate for h1 in one interval that is corrected half an hour later."""
    for start in range(0, port.stop, STEP):
        await port.sleep_until(start + STEP)
        of_h3 = "green" if start < HOUR else "blue"
        for name, kwh in KWH.items():
            port.publish(_read("green" if name != "h3" else of_h3, name, start, kwh))
        totals = {"green": 0.25, "blue": 0.0}
        totals[of_h3] += KWH["h3"]
        for lse, kwh in totals.items():
            port.publish(EntityEnergy(lse=lse, start=start, duration=STEP, metered_kwh=kwh, losses_kwh=0.0))
        port.publish(_market_energy(start, wrong=start == SLOT + STEP))
        if start == 3 * SLOT + STEP:
            port.publish(_market_energy(SLOT + STEP, wrong=False), revision=2)


def _read(lse: str, name: str, start: int, kwh: float) -> MeterRead:
    return MeterRead(lse=lse, usage_point=name, start=start, duration=STEP, energy_kwh=kwh, quality=Quality.VALID)


def _market_energy(start: int, *, wrong: bool) -> MarketEnergy:
    return MarketEnergy(
        market="retail",
        start=start,
        duration=STEP,
        usage_points=("h1", "h2"),
        energy_kwh=(KWH["h1"] + wrong * 0.4, KWH["h2"]),
        estimated=("h1",) if wrong else (),
    )


@pytest.fixture(scope="module", params=[True, False], ids=["itemised", "together"])
def log(request: pytest.FixtureRequest) -> Log:
    mains = {
        **dict(wholesale().components("iso", SETTING)),
        **dict(market(itemised=request.param).components("retail", SETTING)),
        **dict(Registry().components("main", SETTING)),
        **retailer("green"),
        **retailer("blue", tariffs=(TariffOffer(name="flat"),), bilateral=()),
        "do.wires": wires,
        "agent.h1": customer("gold", "retail"),
        "agent.h2": customer("gold", "retail"),
        "agent.h3": customer("flat", "none", switches=True),
    }
    return run_components(mains, stop=2 * HOUR)


def test_each_retailer_bids_once_in_each_wholesale_slot(log: Log) -> None:
    bids = [(bid.lse, bid.product, bid.slot_start) for bid in log.of(WholesaleBid)]
    assert len(bids) == len(set(bids)) == 2 * (1 + 7)


def test_the_market_clears_at_the_retail_price_of_what_was_bought(log: Log) -> None:
    results = log.of(ClearingResult)
    assert len(results) == 8
    assert [result.rules for result in results] == [()] * 8
    assert all(result.price_per_kwh > 1.04 * 0.1 + 0.04 for result in results)


def test_a_read_that_the_market_has_estimated_wrongly_is_disputed_and_put_right_when_it_is_corrected(log: Log) -> None:
    (dispute,) = log.of(Dispute)
    contested = {each.statement: each for each in log.of(SettlementStatement)}[dispute.statement]
    line = contested.lines[dispute.line]
    assert (contested.type, line.slot) == (StatementType.INITIAL, SLOT)
    assert dispute.claimed_kwh == pytest.approx(line.quantity_kwh - 0.4)
    assert [answer.status for answer in log.of(DisputeAnswer)] == [DisputeStatus.OPEN, DisputeStatus.RESOLVED]
    latest = [each for each in log.of(SettlementStatement) if each.clearing == contested.clearing and each.lines][-1]
    assert latest.lines[dispute.line].quantity_kwh == pytest.approx(dispute.claimed_kwh)


def test_procurement_comes_to_the_wholesale_invoice_and_to_what_was_used(log: Log) -> None:
    for lse, used in (("green", 12 * (0.25 + 0.75) + 12 * 0.25), ("blue", 12 * 0.75)):
        records = [record for record in log.of(Procurement) if record.lse == lse]
        lines = [line for record in records for line in record.lines]
        paid = sum(line.paid for line in lines if line.source is not SupplySource.CUSTOMERS)
        (invoice,) = [i for i in log.of(Invoice) if i.payer == lse and i.kind is TransferKind.WHOLESALE_ENERGY]
        assert float(invoice.amount) == pytest.approx(paid, abs=0.00501)
        net = sum(line.settled_kwh for line in lines if line.source is not SupplySource.CUSTOMERS)
        assert net == pytest.approx(used)


def test_a_customer_who_switches_is_billed_by_each_retailer_for_its_time(log: Log) -> None:
    bills = [
        (bill.lse, bill.start, bill.end, bill.lines[0].quantity) for bill in log.of(Bill) if bill.usage_point == "h3"
    ]
    assert sorted(bills) == [("blue", HOUR, 2 * HOUR, pytest.approx(9.0)), ("green", 0, HOUR, pytest.approx(9.0))]


def test_what_customers_pay_is_what_the_entities_are_left_with(log: Log) -> None:
    statements = {statement.party: statement.balance for statement in log.of(AccountStatement)}
    assert sorted(statements) == ["blue", "green", "iso", "retail"]
    assert sum(statements.values()) == sum(bill.adjustment for bill in log.of(Bill))
