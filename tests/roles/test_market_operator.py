"""The market operator as a component, beside agents, a retailer and a distribution operator that are played by hand."""

from collections.abc import Callable
from decimal import Decimal
from math import nan
from typing import Any

import pytest

from gridbus.kernel import HOUR, MINUTE, Port, Setting
from gridbus.kernel.testing import CALENDAR, Log, run_components
from gridbus.roles.interfaces import (
    Assignment,
    Award,
    AwardStatus,
    ClearingResult,
    CurtailmentPlan,
    ElementLimit,
    Invoice,
    LoadEstimate,
    MarketCall,
    Order,
    Payment,
    Positions,
    SupplyOffer,
    TransferKind,
    ValidationRequest,
    ValidationResult,
)
from gridbus.roles.mo import MarketOperator
from gridbus.roles.mo.series import Series

Main = Callable[[Port], Any]
SLOT = 5 * MINUTE
START = 10 * MINUTE
GATE = START - 2 * MINUTE
STOP = START + SLOT
SERIES = Series(product="real-time", slot_min=5.0, slots=1, first_min=10.0, call_min=4.0, gate_min=2.0, award_min=1.0)


def operator(**changes: Any) -> dict[str, Main]:
    fields = {"lse": "green", "do": "wires", "series": (SERIES,)} | changes
    return dict(MarketOperator(**fields).components("retail", Setting(CALENDAR, HOUR, 0)))


async def registry(port: Port) -> None:
    for usage_point, transformer in (("h1", "t1"), ("h2", "t2")):
        port.publish(
            Assignment(
                usage_point=usage_point,
                lse="green",
                tariff="transactive",
                market="retail",
                transformer=transformer,
                effective_from=0,
            )
        )


def order(resource: str, *points: tuple[float, float], **changes: Any) -> Order:
    fields: dict[str, Any] = {
        "market": "retail",
        "product": "real-time",
        "resource": resource,
        "usage_point": resource[:2],
        "slot_start": START,
        "slot_length": SLOT,
        "quantity_kw": tuple(quantity for quantity, _ in points),
        "price_per_kwh": tuple(price for _, price in points),
    }
    return Order(**(fields | changes))


def sends(*orders: Order, when: int = START - 3 * MINUTE) -> Main:
    async def main(port: Port) -> None:
        await port.sleep_until(when)
        for each in orders:
            port.publish(each)

    return main


def retailer(price: float | None = 0.1, *, inelastic_kw: float = 0.0, quantity_kw: float = 1e6) -> Main:
    async def main(port: Port) -> None:
        async for call in port.subscribe(MarketCall, market="retail"):
            slots = [call.first_slot + number * call.slot_length for number in range(call.slots)]
            for start in slots:
                port.publish(
                    LoadEstimate(
                        lse=port.name,
                        product=call.product,
                        slot_start=start,
                        slot_length=call.slot_length,
                        usage_points=("h1",),
                        power_kw=(inelastic_kw,),
                    )
                )
            if price is None:
                continue
            await port.sleep_until(call.gate_closure + 1)
            for start in slots:
                port.publish(
                    SupplyOffer(
                        market="retail",
                        product=call.product,
                        slot_start=start,
                        slot_length=call.slot_length,
                        quantity_kw=quantity_kw,
                        price_per_kwh=price,
                    )
                )

    return main


def wires(*limits: float, element: str = "substation") -> Main:
    """Finds the limits one after the other, each until it has said it, and then is content."""

    async def main(port: Port) -> None:
        left = list(limits)
        async with port.subscribe(ValidationRequest) as requests:
            async for envelope in requests.envelopes():
                found = (ElementLimit(element=element, import_limit_kw=left.pop(0), loading=1.2),) if left else ()
                answer = ValidationResult(
                    market="retail", slot_start=envelope.message.slot_start, feasible=not found, limits=found
                )
                port.publish(answer, reply_to=envelope)

    return main


def ran(agents: dict[str, Main], *, lse: Main | None = None, do: Main | None = None, **changes: Any) -> Log:
    stop = changes.pop("stop", STOP)
    others = {"registry.main": registry, "lse.green": lse or retailer(), "do.wires": do or wires()}
    return run_components({**operator(**changes), **others, **agents}, stop=stop)


WANTS = ((0.0, 0.5), (4.0, 0.1))
HUNGRY = {"agent.h1-a": sends(order("h1-a", *WANTS)), "agent.h2-a": sends(order("h2-a", *WANTS))}


def test_orders_are_cleared_against_the_supply_and_everybody_is_told() -> None:
    log = ran(HUNGRY, lse=retailer(0.2, inelastic_kw=3.0))
    # Between 0.5 and 0.1 $/kWh each order falls from 4 kW to nothing: 3 kW at 0.2.
    assert [(a.resource, a.quantity_kw, a.price_per_kwh, a.status) for a in log.of(Award)] == [
        (name, pytest.approx(3.0), pytest.approx(0.2), AwardStatus.AWARDED) for name in ("h1-a", "h2-a")
    ]
    (result,) = log.of(ClearingResult)
    assert (result.outcome, result.orders, result.attempts, result.binding) == ("cleared", 2, 1, ())
    assert result.quantity_kw == pytest.approx(9.0)
    assert (result.inelastic_kw, result.shed_kw) == (3.0, 0.0)
    (positions,) = log.of(Positions)
    assert (positions.lse, positions.usage_points) == ("green", ("h1", "h2"))
    assert positions.power_kw == pytest.approx((3.0, 3.0))


def test_a_call_names_the_gate_and_the_band() -> None:
    (call,) = ran({}).of(MarketCall)
    assert (call.first_slot, call.slots, call.gate_closure) == (START, 1, GATE)
    assert (call.price_floor_per_kwh, call.price_cap_per_kwh) == (0.0, 1.0)


BAD = {
    "a NaN": order("h1-x", (nan, 0.2)),
    "a rising price": order("h1-x", (0.0, 0.1), (1.0, 0.3)),
    "an unknown slot": order("h1-x", *WANTS, slot_start=START + SLOT),
    "a foreign usage point": order("h1-x", *WANTS, usage_point="h9"),
    "an empty curve": order("h1-x"),
    "a price beyond the cap": order("h1-x", (1.0, 7.0)),
    "an unknown series": order("h1-x", *WANTS, product="weekly"),
}


@pytest.mark.parametrize("what", list(BAD))
def test_a_bad_order_is_refused_with_the_reason_and_the_market_clears_without_it(what: str) -> None:
    log = ran(HUNGRY | {"agent.h1-x": sends(BAD[what])})
    (refused,) = [award for award in log.of(Award) if award.resource == "h1-x"]
    assert (refused.status, refused.quantity_kw) == (AwardStatus.REFUSED, 0.0)
    assert refused.reason
    assert refused.product == BAD[what].product
    others = [award for award in log.of(Award) if award.resource != "h1-x"]
    assert others == ran(HUNGRY).of(Award)
    assert log.of(ClearingResult)[0].orders == 2


def test_of_two_orders_for_one_slot_the_second_is_refused_and_the_first_awarded() -> None:
    log = ran({"agent.h1-a": sends(order("h1-a", *WANTS), order("h1-a", (9.0, 0.3)))})
    assert [(award.status, award.quantity_kw) for award in log.of(Award)] == [
        (AwardStatus.REFUSED, 0.0),
        (AwardStatus.AWARDED, 4.0),
    ]


@pytest.mark.parametrize(
    ("when", "reason"),
    [(GATE, "after gate closure"), (START + MINUTE, "after gate closure"), (0, "before the first call")],
)
def test_an_order_outside_of_the_session_is_refused_at_once(when: int, reason: str) -> None:
    log = ran(HUNGRY | {"agent.h1-x": sends(order("h1-x", *WANTS), when=when)})
    told = [e for e in log.envelopes if isinstance(e.message, Award) and e.message.resource == "h1-x"]
    assert [(e.instant, e.message.status, e.message.reason) for e in told] == [(when, AwardStatus.REFUSED, reason)]
    assert log.of(ClearingResult)[0].orders == 2


def test_an_order_a_nanosecond_before_the_gate_takes_part() -> None:
    log = ran({"agent.h1-a": sends(order("h1-a", *WANTS), when=GATE - 1)})
    assert [award.status for award in log.of(Award)] == [AwardStatus.AWARDED]


def test_an_order_that_asks_for_nothing_at_the_price_is_told_so() -> None:
    (award,) = ran({"agent.h1-a": sends(order("h1-a", (0.0, 0.09), (2.0, 0.01)))}).of(Award)
    assert (award.status, award.quantity_kw) == (AwardStatus.NOT_AWARDED, 0.0)
    assert award.reason


def test_an_order_that_sells_all_that_it_offers_is_awarded() -> None:
    (award,) = ran({"agent.h1-a": sends(order("h1-a", (-4.0, 0.09), (0.0, 0.05)))}).of(Award)
    assert (award.status, award.quantity_kw) == (AwardStatus.AWARDED, -4.0)


def test_without_a_supply_offer_the_fallback_price_holds_until_there_was_one() -> None:
    (result,) = ran(HUNGRY, lse=retailer(None), fallback_price_per_kwh=0.3).of(ClearingResult)
    assert result.price_per_kwh == result.supply_price_per_kwh == 0.3


def test_a_missing_supply_offer_is_taken_to_be_like_the_last() -> None:
    async def once(port: Port) -> None:
        await port.sleep_until(GATE + 1)
        offer = SupplyOffer(
            market="retail", product="real-time", slot_start=START, slot_length=SLOT, quantity_kw=9.0, price_per_kwh=0.2
        )
        port.publish(offer)

    results = ran({}, lse=once, stop=STOP + SLOT, fallback_price_per_kwh=0.3).of(ClearingResult)
    assert [result.supply_price_per_kwh for result in results] == [0.2, 0.2]


def test_a_supply_offer_of_a_retailer_that_is_not_the_markets_does_not_count() -> None:
    log = ran({"lse.other": retailer(0.01)}, lse=retailer(None), fallback_price_per_kwh=0.3)
    assert log.of(ClearingResult)[0].supply_price_per_kwh == 0.3


def test_an_offer_that_comes_twice_does_not_stand_for_one_that_is_missing() -> None:
    def offer(number: int, price: float) -> SupplyOffer:
        return SupplyOffer(
            market="retail",
            product="real-time",
            slot_start=START + number * SLOT,
            slot_length=SLOT,
            quantity_kw=9.0,
            price_per_kwh=price,
        )

    async def twice(port: Port) -> None:
        await port.sleep_until(GATE + 1)
        for each in (offer(0, 0.2), offer(0, 0.2)):
            port.publish(each)
        await port.sleep_until(GATE + 2)
        port.publish(offer(1, 0.4))

    two = Series(product="real-time", slot_min=5.0, slots=2, first_min=10.0, call_min=4.0, gate_min=2.0, award_min=1.0)
    results = ran({}, lse=twice, series=(two,), stop=STOP + SLOT).of(ClearingResult)
    assert [result.supply_price_per_kwh for result in results[:2]] == [0.2, 0.4]


def test_a_violation_tightens_the_market_and_it_is_cleared_again() -> None:
    log = ran(HUNGRY, do=wires(5.0))
    (result,) = log.of(ClearingResult)
    assert (result.attempts, result.binding) == (2, ("substation",))
    assert result.price_per_kwh == pytest.approx(0.25)
    assert result.supply_price_per_kwh == 0.1
    assert sum(award.quantity_kw for award in log.of(Award)) == pytest.approx(5.0)
    assert [request.attempt for request in log.of(ValidationRequest)] == [1, 2]
    assert log.of(CurtailmentPlan) == []


def test_a_limit_of_a_transformer_raises_the_price_below_it_only() -> None:
    log = ran(HUNGRY, do=wires(1.0, element="t1"))
    awards = {award.resource: award for award in log.of(Award)}
    assert awards["h1-a"].quantity_kw == pytest.approx(1.0)
    assert awards["h1-a"].price_per_kwh == pytest.approx(0.4)
    assert (awards["h2-a"].quantity_kw, awards["h2-a"].price_per_kwh) == (4.0, 0.1)
    (positions,) = log.of(Positions)
    assert positions.price_per_kwh == pytest.approx((0.4, 0.1))


def test_when_no_clearing_is_safe_the_awards_are_curtailed_by_a_plan() -> None:
    log = ran(HUNGRY, do=wires(6.0, 5.0, 2.0), attempts=3)
    (result,) = log.of(ClearingResult)
    assert result.attempts == 3
    (plan,) = log.of(CurtailmentPlan)
    assert (plan.do, plan.market, plan.slot_start, plan.element) == ("wires", "retail", START, "substation")
    assert plan.factor == pytest.approx(2.0 / 5.0)
    assert [award.status for award in log.of(Award)] == [AwardStatus.CURTAILED] * 2
    assert sum(award.quantity_kw for award in log.of(Award)) == pytest.approx(2.0)


@pytest.mark.parametrize("element", ["substation", "t1", "t2", "t9"])
def test_a_limit_below_zero_ends_in_awards_and_not_in_an_exception(element: str) -> None:
    log = ran(HUNGRY, do=wires(-7.0, element=element))
    assert len(log.of(Award)) == 2
    assert log.of(ClearingResult)[0].attempts == 2


def test_without_orders_the_outcome_is_said_and_published_for_every_slot() -> None:
    results = ran({}, stop=START + 3 * SLOT).of(ClearingResult)
    assert [(result.slot_start, result.outcome, result.orders) for result in results] == [
        (START + number * SLOT, "no_trade", 0) for number in range(3)
    ]


def test_without_orders_inelastic_load_is_cleared_and_what_cannot_be_supplied_is_shed() -> None:
    (result,) = ran({}, lse=retailer(0.1, inelastic_kw=5.0)).of(ClearingResult)
    assert (result.outcome, result.quantity_kw) == ("cleared", 5.0)
    (result,) = ran({}, lse=retailer(0.1, inelastic_kw=5.0, quantity_kw=2.0)).of(ClearingResult)
    assert (result.outcome, result.quantity_kw, result.shed_kw) == ("at_cap", 2.0, 3.0)
    assert result.price_per_kwh == 1.0


def test_every_order_gets_exactly_one_award() -> None:
    orders = [order("h1-a", *WANTS), *BAD.values(), order("h1-x", *WANTS), order("h1-x", (9.0, 0.3))]
    by_agent = {
        f"agent.{name}": sends(*(each for each in orders if each.resource == name)) for name in ("h1-a", "h1-x")
    }
    log = ran(by_agent)
    assert len(log.of(Award)) == len(log.of(Order)) == len(orders)


def test_a_customer_who_has_left_the_market_is_refused_from_then_on() -> None:
    async def leaving(port: Port) -> None:
        await registry(port)
        await port.sleep_until(MINUTE)
        port.publish(
            Assignment(
                usage_point="h1",
                lse="green",
                tariff="transactive",
                market="retail",
                transformer="t1",
                effective_from=0,
                effective_to=START,
            )
        )

    log = ran({**HUNGRY, "registry.main": leaving})
    status = {award.resource: award.status for award in log.of(Award)}
    assert status == {"h1-a": AwardStatus.REFUSED, "h2-a": AwardStatus.AWARDED}


def test_a_customer_who_joins_during_a_session_takes_part_from_the_next_one_on() -> None:
    async def late(port: Port) -> None:
        await registry(port)
        await port.sleep_until(START - 3 * MINUTE - 1)
        port.publish(
            Assignment(
                usage_point="h3",
                lse="green",
                tariff="transactive",
                market="retail",
                transformer="t3",
                effective_from=port.now,
            )
        )

    log = ran({**HUNGRY, "registry.main": late, "agent.h3-a": sends(order("h3-a", *WANTS))})
    status = {award.resource: award.status for award in log.of(Award)}
    assert status["h3-a"] is AwardStatus.REFUSED
    assert status["h1-a"] is AwardStatus.AWARDED


def test_the_fee_is_on_all_energy_awarded_and_congestion_rent_is_passed_on() -> None:
    async def paying(port: Port) -> None:
        port.start(retailer(0.1)(port))
        await port.sleep_until(MINUTE)
        port.publish(
            Payment(
                payee_role="mo",
                payee="retail",
                kind=TransferKind.CONGESTION_RENT,
                amount=Decimal("1.23"),
            )
        )

    sells = {"agent.h1-b": sends(order("h1-b", (-4.0, 0.05)))}
    log = ran(HUNGRY | sells, lse=paying, fee_per_kwh=0.6)
    (fee,) = log.of(Invoice)
    assert (fee.payer, fee.kind, fee.amount) == ("green", TransferKind.MARKET_FEE, Decimal("0.60"))
    passed = [e.message for e in log.envelopes if isinstance(e.message, Payment) and e.sender == "mo.retail"]
    assert [(p.payee_role, p.payee, p.amount) for p in passed] == [("do", "wires", Decimal("1.23"))]


async def silent(port: Port) -> None:
    await port.sleep_until(port.stop)


def test_awards_stand_without_a_distribution_operator_and_the_result_says_so() -> None:
    log = ran(HUNGRY, do=silent)
    assert [award.status for award in log.of(Award)] == [AwardStatus.AWARDED] * 2
    assert [result.validated for result in log.of(ClearingResult)] == [False]


def test_an_order_that_gets_less_than_it_asks_is_told_why() -> None:
    log = ran(HUNGRY, do=wires(1.0, 1.0, 1.0), price_cap_per_kwh=0.5)
    asked = {AwardStatus.AWARDED, AwardStatus.PARTLY_AWARDED, AwardStatus.CURTAILED, AwardStatus.NOT_AWARDED}
    awards = log.of(Award)
    assert len(awards) == 2
    assert {award.status for award in awards} <= asked
    assert all(award.reason for award in awards if award.status is not AwardStatus.AWARDED)
