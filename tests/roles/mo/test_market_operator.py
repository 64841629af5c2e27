"""The market operator as a component: orders, clearing within the network, awards, and what is told to whom."""

from math import nan
from typing import Any

import pytest

from gridbus.kernel import MINUTE, Port
from gridbus.kernel.testing import Log
from gridbus.roles.auction.clearing import TieRule
from gridbus.roles.interfaces import (
    Award,
    AwardStatus,
    ClearingResult,
    CurtailmentPlan,
    CurveForm,
    MarketCall,
    MarketInfo,
    MarketOutcome,
    Order,
    OrderResponse,
    OrderStatus,
    Positions,
    ReasonCode,
    ValidationRequest,
)


def only(award: Award) -> tuple[str, float, float, AwardStatus]:
    """An award for one slot."""
    (quantity_kw,), (price,), (status,) = award.quantity_kw, award.price_per_kwh, award.status
    return award.resource, quantity_kw, price, status


def total_kw(log: Log) -> float:
    return sum(sum(award.quantity_kw) for award in log.of(Award))


def responses(log: Log, resource: str) -> list[tuple[OrderStatus, list[ReasonCode]]]:
    found = [each for each in log.of(OrderResponse) if each.resource == resource]
    return [(each.status, [reason.code for reason in each.reasons]) for each in found]


def test_orders_are_cleared_against_the_supply_and_everybody_is_told(play) -> None:
    log = play.run(play.hungry(), lse=play.retailer(0.2, inelastic_kw=3.0))
    # Between 0.5 and 0.1 $/kWh each order falls from 4 kW to nothing: 3 kW at 0.2.
    assert [only(award) for award in log.of(Award)] == [
        (name, pytest.approx(3.0), pytest.approx(0.2), AwardStatus.AWARDED) for name in ("h1-a", "h2-a")
    ]
    (result,) = log.of(ClearingResult)
    assert (result.outcome, result.orders, result.attempts) == (MarketOutcome.CLEARED, 2, 1)
    assert (result.binding, result.rules, result.buyers, result.sellers) == ((), (), 2, 0)
    assert result.quantity_kw == pytest.approx(9.0)
    assert (result.inelastic_kw, result.shed_kw) == (3.0, 0.0)
    (positions,) = log.of(Positions)
    assert (positions.lse, positions.usage_points, positions.commitment) == ("green", ("h1", "h2"), True)
    assert positions.power_kw == pytest.approx((3.0, 3.0))


def test_the_clearing_is_at_its_instant_and_not_before(play) -> None:
    log = play.run(play.hungry())
    told = {type(e.message): e.instant for e in log.envelopes}
    assert told[MarketCall] == play.lead
    assert told[ClearingResult] == told[Award] == play.clearing


def test_a_call_names_the_clearing_the_gate_and_the_band(play) -> None:
    (call,) = play.run({}).of(MarketCall)
    assert (call.first_slot, call.slots, call.gate_closure, call.clearing) == (play.start, 1, play.gate, play.clearing)
    assert (call.price_floor_per_kwh, call.price_cap_per_kwh, call.orders) == (0.0, 1.0, True)


def test_the_rules_of_each_series_are_published_once_and_kept(play) -> None:
    (info,) = play.run({}).of(MarketInfo)
    assert (info.product, info.mechanism, info.slots, info.gate) == ("real-time", "double-auction", 1, MINUTE)


@pytest.mark.parametrize("acknowledge", [True, False])
def test_every_good_order_is_answered_at_once_unless_the_market_does_not(play, acknowledge: bool) -> None:
    log = play.run(play.hungry(), acknowledge=acknowledge)
    answered = [e for e in log.envelopes if isinstance(e.message, OrderResponse)]
    assert len(answered) == (2 if acknowledge else 0)
    assert all(e.instant == play.start - 3 * MINUTE for e in answered)
    assert len(log.of(Award)) == 2


# Bad input

BAD: dict[str, tuple[dict[str, Any], ReasonCode]] = {
    "a NaN": ({"quantity_kw": ((nan, 1.0),)}, ReasonCode.OUT_OF_BOUNDS),
    "a rising price": ({"price_per_kwh": ((0.1, 0.3),)}, ReasonCode.OUT_OF_BOUNDS),
    "a falling quantity": ({"quantity_kw": ((3.0, 1.0),)}, ReasonCode.OUT_OF_BOUNDS),
    "a text for a number": ({"quantity_kw": (("much", 1.0),)}, ReasonCode.OUT_OF_BOUNDS),
    "no curve": ({"quantity_kw": (), "price_per_kwh": ()}, ReasonCode.OUT_OF_BOUNDS),
    "an empty curve": ({"quantity_kw": ((),), "price_per_kwh": ((),)}, ReasonCode.OUT_OF_BOUNDS),
    "a price beyond the cap": ({"price_per_kwh": ((7.0, 0.1),)}, ReasonCode.OUT_OF_BOUNDS),
    "a quantity over the rating": ({"quantity_kw": ((0.0, 10.1),)}, ReasonCode.LIMIT_EXCEEDED),
    "an injection over the rating": ({"quantity_kw": ((-10.1, 0.0),)}, ReasonCode.LIMIT_EXCEEDED),
    "an unknown slot": ({"first_slot": 11 * MINUTE}, ReasonCode.UNKNOWN_REFERENCE),
    "more slots than there are": (
        {"quantity_kw": ((0.0, 1.0),) * 2, "price_per_kwh": ((0.5, 0.1),) * 2},
        ReasonCode.PERIOD_MISMATCH,
    ),
    "slots of another length": ({"slot_length": MINUTE}, ReasonCode.PERIOD_MISMATCH),
    "an unknown clearing": ({"clearing": 7}, ReasonCode.UNKNOWN_REFERENCE),
    "a clearing that is no number": ({"clearing": "soon"}, ReasonCode.OUT_OF_BOUNDS),
    "a number beyond all floats": ({"quantity_kw": ((0, 10**400),)}, ReasonCode.OUT_OF_BOUNDS),
    "rows that are none": ({"quantity_kw": (0.0, 4.0)}, ReasonCode.OUT_OF_BOUNDS),
    "a form by its name": ({"form": "block"}, ReasonCode.OUT_OF_BOUNDS),
    "no form": ({"form": None}, ReasonCode.OUT_OF_BOUNDS),
    "an id that is a list": ({"order_id": ["o1"]}, ReasonCode.OUT_OF_BOUNDS),
    "a slot that is text": ({"first_slot": "x"}, ReasonCode.OUT_OF_BOUNDS),
    "an unknown series": ({"product": "weekly"}, ReasonCode.UNKNOWN_REFERENCE),
    "a usage point of somebody else": ({"usage_point": "h2"}, ReasonCode.NOT_AUTHORISED),
    "a polynomial that rises": (
        {"form": CurveForm.POLYNOMIAL, "quantity_kw": ((0.0, 1.0),), "price_per_kwh": ((0.1, 0.5),)},
        ReasonCode.OUT_OF_BOUNDS,
    ),
}


@pytest.mark.parametrize("what", list(BAD))
def test_a_bad_order_is_rejected_with_a_code_and_the_market_clears_without_it(play, what: str) -> None:
    changes, code = BAD[what]
    order = play.order("h1-x", *play.wants, **changes)
    log = play.run(play.hungry() | {"agent.h1-x": play.sends(order)})
    assert responses(log, "h1-x") == [(OrderStatus.REJECTED, [code])]
    assert all(reason.text for each in log.of(OrderResponse) for reason in each.reasons)
    without = play.run(play.hungry())
    assert log.of(Award) == without.of(Award)
    assert log.of(ClearingResult)[0].orders == 2


def test_all_that_is_wrong_with_an_order_is_said_at_once(play) -> None:
    order = play.order("h1-x", (5.0, 0.1), (nan, 0.4), slot_length=MINUTE, usage_point="h2")
    (status, codes), *_ = responses(play.run({"agent.h1-x": play.sends(order)}), "h1-x")
    assert status is OrderStatus.REJECTED
    assert set(codes) == {ReasonCode.NOT_AUTHORISED, ReasonCode.PERIOD_MISMATCH, ReasonCode.OUT_OF_BOUNDS}


def test_a_duplicate_id_with_other_content_is_rejected_and_the_first_order_stands(play) -> None:
    twice = play.sends(play.order("h1-a", *play.wants), play.order("h1-a", (9.0, 0.3)))
    log = play.run({"agent.h1-a": twice})
    assert responses(log, "h1-a") == [
        (OrderStatus.ACKNOWLEDGED, []),
        (OrderStatus.REJECTED, [ReasonCode.DUPLICATE_ID]),
    ]
    assert total_kw(log) == 4.0


def test_a_second_order_of_a_resource_is_in_conflict_with_its_first(play) -> None:
    two = play.sends(play.order("h1-a", *play.wants), play.order("h1-a", (9.0, 0.3), order_id="o2"))
    log = play.run({"agent.h1-a": two})
    assert responses(log, "h1-a")[1] == (OrderStatus.REJECTED, [ReasonCode.INTERVAL_CONFLICT])
    assert total_kw(log) == 4.0


def test_an_order_of_a_party_without_the_right_is_rejected(play) -> None:
    async def unregistered(port: Port) -> None:
        await port.sleep_until(play.start - 3 * MINUTE)
        port.publish(play.order("h1-x", *play.wants))

    stranger = play.sends(play.order("h9-x", *play.wants))
    log = play.run(play.hungry() | {"agent.h1-x": unregistered, "agent.h9-x": stranger})
    for name in ("h1-x", "h9-x"):
        assert responses(log, name) == [(OrderStatus.REJECTED, [ReasonCode.NOT_AUTHORISED])]
    assert log.of(ClearingResult)[0].orders == 2


def test_an_order_that_may_cost_more_than_the_credit_is_rejected(play) -> None:
    # At most 2 kW at 0.3 $/kWh for five minutes: 5 cents.
    order = play.order("h1-a", (0.0, 0.5), (2.0, 0.3))
    log = play.run({"agent.h1-a": play.sends(order)}, credit_limit=0.049)
    assert responses(log, "h1-a") == [(OrderStatus.REJECTED, [ReasonCode.LIMIT_EXCEEDED])]
    assert play.run({"agent.h1-a": play.sends(order)}, credit_limit=0.051).of(Award)


COSTLY: dict[str, dict[str, Any]] = {
    # From 0.5 to 0.1 $/kWh over 4 kW the most is spent between the ends: 2.5 kW at 0.25 $/kWh.
    "points": {"quantity_kw": ((0.0, 4.0),), "price_per_kwh": ((0.5, 0.1),)},
    "a polynomial": {
        "form": CurveForm.POLYNOMIAL,
        "quantity_kw": ((0.0, 4.0),),
        "price_per_kwh": ((0.5, -0.1),),
    },
    "blocks": {"form": CurveForm.BLOCK, "quantity_kw": ((2.5,),), "price_per_kwh": ((0.25,),)},
}


@pytest.mark.parametrize("form", list(COSTLY))
def test_the_cost_of_an_order_is_the_most_that_is_spent_anywhere_on_its_curve(play, form: str) -> None:
    order = play.order("h1-a", **COSTLY[form])
    most = 2.5 * 0.25 / 12.0
    log = play.run({"agent.h1-a": play.sends(order)}, credit_limit=most * 0.999)
    assert responses(log, "h1-a") == [(OrderStatus.REJECTED, [ReasonCode.LIMIT_EXCEEDED])]
    assert play.run({"agent.h1-a": play.sends(order)}, credit_limit=most * 1.001).of(Award)


@pytest.mark.parametrize("when", ["gate", "clearing"])
def test_an_order_for_a_closed_gate_is_rejected_at_once(play, when: str) -> None:
    late = play.sends(play.order("h1-x", *play.wants), when=getattr(play, when))
    log = play.run(play.hungry() | {"agent.h1-x": late})
    (told,) = [e for e in log.envelopes if isinstance(e.message, OrderResponse) and e.message.resource == "h1-x"]
    assert told.instant == getattr(play, when)
    assert responses(log, "h1-x") == [(OrderStatus.REJECTED, [ReasonCode.GATE_CLOSED])]
    assert log.of(ClearingResult)[0].orders == 2


def test_an_order_before_the_call_is_rejected(play) -> None:
    early = play.sends(play.order("h1-x", *play.wants), when=0)
    log = play.run({"agent.h1-x": early})
    assert responses(log, "h1-x") == [(OrderStatus.REJECTED, [ReasonCode.GATE_CLOSED])]


def test_an_order_a_nanosecond_before_the_gate_takes_part(play) -> None:
    log = play.run({"agent.h1-a": play.sends(play.order("h1-a", *play.wants), when=play.gate - 1)})
    assert [only(award)[3] for award in log.of(Award)] == [AwardStatus.AWARDED]


# Life of an order


def test_the_same_order_again_changes_nothing_and_counts_as_success(play) -> None:
    order = play.order("h1-a", *play.wants)
    log = play.run({"agent.h1-a": play.sends(order, order)})
    assert responses(log, "h1-a") == [
        (OrderStatus.ACKNOWLEDGED, []),
        (OrderStatus.ACKNOWLEDGED, [ReasonCode.ALREADY_SUBMITTED]),
    ]
    assert len(log.of(Award)) == 1


def revising(play, *revisions: tuple[int, float]):
    async def main(port: Port) -> None:
        port.publish(play.registration(port.name))
        await port.sleep_until(play.start - 3 * MINUTE)
        for revision, kw in revisions:
            port.publish(play.order(port.name, (kw, 0.5)), revision=revision)

    return main


def test_a_later_revision_replaces_an_order_and_an_earlier_one_does_not(play) -> None:
    log = play.run({"agent.h1-a": revising(play, (1, 1.0), (3, 3.0), (2, 2.0))})
    assert responses(log, "h1-a") == [
        (OrderStatus.ACKNOWLEDGED, []),
        (OrderStatus.REPLACED, []),
        (OrderStatus.REJECTED, [ReasonCode.DUPLICATE_ID]),
    ]
    assert total_kw(log) == 3.0


def test_a_bad_revision_leaves_the_order_that_was_there(play) -> None:
    log = play.run({"agent.h1-a": revising(play, (1, 1.0), (2, 99.0))})
    assert responses(log, "h1-a")[1] == (OrderStatus.REJECTED, [ReasonCode.LIMIT_EXCEEDED])
    assert total_kw(log) == 1.0


def test_a_cancelled_order_takes_no_part_and_its_id_is_not_used_again(play) -> None:
    order = play.order("h1-a", *play.wants)
    agent = play.sends(order, play.cancels("h1-a"), play.cancels("h1-a"), order)
    log = play.run({"agent.h1-a": agent})
    assert responses(log, "h1-a") == [
        (OrderStatus.ACKNOWLEDGED, []),
        (OrderStatus.CANCELLED, []),
        (OrderStatus.CANCELLED, [ReasonCode.ALREADY_SUBMITTED]),
        (OrderStatus.REJECTED, [ReasonCode.REVOKED]),
    ]
    assert log.of(Award) == []


def test_what_is_not_in_the_book_cannot_be_cancelled(play) -> None:
    log = play.run({"agent.h1-a": play.sends(play.cancels("h1-a", "o9"))})
    assert responses(log, "h1-a") == [(OrderStatus.REJECTED, [ReasonCode.UNKNOWN_REFERENCE])]


def test_after_the_gate_an_order_is_binding(play) -> None:
    async def regrets(port: Port) -> None:
        await play.sends(play.order("h1-a", *play.wants))(port)
        await port.sleep_until(play.gate)
        port.publish(play.cancels("h1-a"))

    log = play.run({"agent.h1-a": regrets})
    assert responses(log, "h1-a")[1] == (OrderStatus.REJECTED, [ReasonCode.GATE_CLOSED])
    assert total_kw(log) == 4.0


def test_an_order_that_expires_before_the_clearing_takes_no_part_and_is_told_so(play) -> None:
    order = play.order("h1-a", *play.wants)
    log = play.run({"agent.h1-a": play.sends(order, valid_until=play.clearing)})
    assert responses(log, "h1-a")[1] == (OrderStatus.EXPIRED, [])
    assert log.of(Award) == []
    assert play.run({"agent.h1-a": play.sends(order, valid_until=play.clearing + 1)}).of(Award)


def sending(play, *told: tuple[int, Order, int | None]):
    """Orders, each with its instant and its last valid instant."""

    async def main(port: Port) -> None:
        port.publish(play.registration(port.name))
        for instant, order, valid_until in told:
            await port.sleep_until(instant)
            port.publish(order, valid_until=valid_until)

    return main


def test_an_order_that_has_run_out_is_in_nobodys_way(play) -> None:
    first, second = play.order("h1-a", *play.wants), play.order("h1-a", *play.wants, order_id="o2")
    told = (play.lead + 1, first, play.lead + MINUTE), (play.lead + MINUTE, second, None)
    log = play.run({"agent.h1-a": sending(play, *told)})
    assert [(each.order_id, each.status) for each in log.of(OrderResponse)] == [
        ("o1", OrderStatus.ACKNOWLEDGED),
        ("o1", OrderStatus.EXPIRED),
        ("o2", OrderStatus.ACKNOWLEDGED),
    ]
    assert [award.order_id for award in log.of(Award)] == ["o2"]


def test_an_order_that_has_run_out_cannot_be_cancelled_any_more(play) -> None:
    async def main(port: Port) -> None:
        await sending(play, (play.lead + 1, play.order("h1-a", *play.wants), play.lead + MINUTE))(port)
        await port.sleep_until(play.lead + MINUTE)
        port.publish(play.cancels("h1-a"))

    assert responses(play.run({"agent.h1-a": main}), "h1-a")[1:] == [
        (OrderStatus.EXPIRED, []),
        (OrderStatus.REJECTED, [ReasonCode.UNKNOWN_REFERENCE]),
    ]


@pytest.mark.parametrize("early", [0, MINUTE])
def test_an_order_that_has_run_out_when_it_comes_is_rejected(play, early: int) -> None:
    when = play.start - 3 * MINUTE
    log = play.run({"agent.h1-a": sending(play, (when, play.order("h1-a", *play.wants), when - early))})
    assert responses(log, "h1-a") == [(OrderStatus.REJECTED, [ReasonCode.EXPIRED])]
    assert log.of(Award) == []


def test_an_order_that_is_in_the_book_is_known_again_after_the_gate_and_any_other_is_too_late(play) -> None:
    order = play.order("h1-a", *play.wants)
    other = play.order("h1-a", (1.0, 0.3))
    late = play.gate, play.gate + 1
    agent = sending(play, (play.lead + 1, order, None), (late[0], order, None), (late[1], other, None))
    assert responses(play.run({"agent.h1-a": agent}), "h1-a") == [
        (OrderStatus.ACKNOWLEDGED, []),
        (OrderStatus.ACKNOWLEDGED, [ReasonCode.ALREADY_SUBMITTED]),
        (OrderStatus.REJECTED, [ReasonCode.GATE_CLOSED]),
    ]


@pytest.mark.parametrize(("dispute_min", "later", "code"), [(60.0, 1, ReasonCode.DUPLICATE_ID), (0.0, 3, None)])
def test_an_id_is_for_one_clearing_as_long_as_that_lives(play, dispute_min: float, later: int, code) -> None:
    span = later * play.slot
    again = play.order("h1-a", *play.wants, clearing=play.clearing + span, first_slot=play.start + span)
    told = (play.lead + 1, play.order("h1-a", *play.wants), None), (play.lead + span + 1, again, None)
    log = play.run({"agent.h1-a": sending(play, *told)}, play.spec(dispute_min=dispute_min), stop=play.stop + span)
    second = (OrderStatus.ACKNOWLEDGED, []) if code is None else (OrderStatus.REJECTED, [code])
    assert responses(log, "h1-a") == [(OrderStatus.ACKNOWLEDGED, []), second]


def test_every_order_is_answered_once_and_every_good_one_awarded_once(play) -> None:
    bad = [play.order("h1-x", *play.wants, **changes) for changes, _ in BAD.values()]
    log = play.run({"agent.h1-a": play.sends(play.order("h1-a", *play.wants)), "agent.h1-x": play.sends(*bad)})
    assert len(log.of(OrderResponse)) == len(log.of(Order)) == len(bad) + 1
    assert [only(award)[0] for award in log.of(Award)] == ["h1-a"]


# Clearing


def test_an_order_that_asks_for_nothing_at_the_price_is_told_so(play) -> None:
    (award,) = play.run({"agent.h1-a": play.sends(play.order("h1-a", (0.0, 0.09), (2.0, 0.01)))}).of(Award)
    assert only(award)[1::2] == (0.0, AwardStatus.NOT_AWARDED)
    assert award.reason[0]


def test_an_order_that_sells_all_that_it_offers_is_awarded(play) -> None:
    log = play.run({"agent.h1-a": play.sends(play.order("h1-a", (-4.0, 0.09), (0.0, 0.05)))})
    (award,) = log.of(Award)
    assert only(award)[1::2] == (-4.0, AwardStatus.AWARDED)
    assert log.of(ClearingResult)[0].sellers == 1


def test_a_block_is_bought_as_a_whole_up_to_its_price(play) -> None:
    order = play.order("h1-a", (2.0, 0.3), (1.0, 0.05), form=CurveForm.BLOCK)
    log = play.run({"agent.h1-a": play.sends(order)})
    assert total_kw(log) == 2.0


def test_a_polynomial_is_cleared_where_its_price_is_the_supplys(play) -> None:
    # Price 0.5 - 0.1 q: 0.1 $/kWh at 4 kW.
    order = play.order("h1-a", form=CurveForm.POLYNOMIAL, quantity_kw=((0.0, 5.0),), price_per_kwh=((0.5, -0.1),))
    assert total_kw(play.run({"agent.h1-a": play.sends(order)})) == pytest.approx(4.0, abs=1e-6)


@pytest.mark.parametrize(("ties", "expected"), [(TieRule.PRO_RATA, (1.5, 1.5)), (TieRule.TIME, (1.0, 2.0))])
def test_orders_at_the_margin_share_as_the_market_says(play, ties: TieRule, expected: tuple[float, float]) -> None:
    def step(name: str) -> Order:
        return play.order(name, (0.0, 0.1), (2.0, 0.1))

    agents = {
        "agent.h1-a": play.sends(step("h1-a"), when=play.gate - 1),
        "agent.h2-a": play.sends(step("h2-a"), when=play.gate - 2),
    }
    log = play.run(agents, play.spec(ties=ties), lse=play.retailer(0.1, kw=3.0))
    assert tuple(only(award)[1] for award in log.of(Award)) == pytest.approx(expected)
    log = play.run(agents, play.spec(ties=TieRule.TIME), lse=play.retailer(0.1, kw=2.0))
    assert [award.status for award in log.of(Award)] == [(AwardStatus.NOT_AWARDED,), (AwardStatus.AWARDED,)]
    assert [bool(award.reason[0]) for award in log.of(Award)] == [True, False]


def test_a_violation_tightens_the_market_and_it_is_cleared_again(play) -> None:
    log = play.run(play.hungry(), do=play.wires(5.0))
    (result,) = log.of(ClearingResult)
    assert (result.attempts, result.binding) == (2, ("substation",))
    assert result.price_per_kwh == pytest.approx(0.25)
    assert result.supply_price_per_kwh == 0.1
    assert total_kw(log) == pytest.approx(5.0)
    assert [request.attempt for request in log.of(ValidationRequest)] == [1, 2]
    assert log.of(CurtailmentPlan) == []


def test_a_limit_of_a_transformer_raises_the_price_below_it_only(play) -> None:
    log = play.run(play.hungry(), do=play.wires(1.0, element="t1"))
    one, two = log.of(Award)
    assert only(one)[1:3] == (pytest.approx(1.0), pytest.approx(0.4))
    assert only(two)[1:3] == (4.0, 0.1)
    (positions,) = log.of(Positions)
    assert positions.price_per_kwh == pytest.approx((0.4, 0.1))


def test_when_no_clearing_is_safe_the_awards_are_curtailed_by_a_plan(play) -> None:
    log = play.run(play.hungry(), do=play.wires(6.0, 5.0, 2.0))
    (result,) = log.of(ClearingResult)
    assert (result.attempts, result.outcome) == (3, MarketOutcome.FAILED_VALIDATION)
    (plan,) = log.of(CurtailmentPlan)
    assert (plan.do, plan.market, plan.slot_start, plan.element) == ("wires", "retail", play.start, "substation")
    assert plan.factor == pytest.approx(2.0 / 5.0)
    assert [only(award)[3] for award in log.of(Award)] == [AwardStatus.CURTAILED] * 2
    assert total_kw(log) == pytest.approx(2.0)


@pytest.mark.parametrize("element", ["substation", "t1", "t2", "t9"])
def test_a_limit_below_zero_ends_in_awards_and_not_in_an_exception(play, element: str) -> None:
    log = play.run(play.hungry(), do=play.wires(-7.0, element=element))
    assert len(log.of(Award)) == 2
    assert log.of(ClearingResult)[0].attempts == 2


def test_without_orders_the_outcome_is_said_and_published_for_every_slot(play) -> None:
    results = play.run({}, stop=play.start + 3 * play.slot).of(ClearingResult)
    assert [(result.slot_start, result.outcome, result.orders) for result in results] == [
        (play.start + number * play.slot, MarketOutcome.NO_TRADE, 0) for number in range(3)
    ]


def test_without_orders_inelastic_load_is_cleared_and_what_cannot_be_supplied_is_shed(play) -> None:
    (result,) = play.run({}, lse=play.retailer(0.1, inelastic_kw=5.0)).of(ClearingResult)
    assert (result.outcome, result.quantity_kw) == (MarketOutcome.CLEARED, 5.0)
    (result,) = play.run({}, lse=play.retailer(0.1, inelastic_kw=5.0, kw=2.0)).of(ClearingResult)
    assert (result.outcome, result.quantity_kw, result.shed_kw) == (MarketOutcome.AT_CAP, 2.0, 3.0)
    assert result.price_per_kwh == 1.0


def test_an_administrative_price_holds_while_demand_is_shed_and_only_then(play) -> None:
    scarce = play.spec(scarcity_price_per_kwh=0.7)
    hungry = {"agent.h1-a": play.sends(play.order("h1-a", (4.0, 1.0)))}
    log = play.run(hungry, scarce, lse=play.retailer(0.1, kw=3.0))
    assert log.of(ClearingResult)[0].price_per_kwh == 0.7
    assert [only(award)[1:3] for award in log.of(Award)] == [(3.0, 0.7)]
    assert play.run(hungry, scarce).of(ClearingResult)[0].price_per_kwh == 0.1


async def silent(port: Port) -> None:
    await port.sleep_until(port.stop)


def test_awards_stand_without_a_distribution_operator_and_the_result_says_so(play) -> None:
    log = play.run(play.hungry(), do=silent)
    assert [only(award)[3] for award in log.of(Award)] == [AwardStatus.AWARDED] * 2
    assert [result.validated for result in log.of(ClearingResult)] == [False]


def test_an_order_that_gets_less_than_it_asks_is_told_why(play) -> None:
    log = play.run(play.hungry(), play.spec(price_cap_per_kwh=0.5), do=play.wires(1.0, 1.0, 1.0))
    awards = log.of(Award)
    assert len(awards) == 2
    assert all(award.reason[0] for award in awards if only(award)[3] is not AwardStatus.AWARDED)


# Participants


def test_a_customer_who_has_left_the_market_is_refused_from_then_on(play) -> None:
    async def leaving(port: Port) -> None:
        await play.registry()(port)
        await port.sleep_until(MINUTE)
        port.publish(play.assignment("h1", "t1", effective_to=play.start))

    log = play.run(play.hungry(), registry=leaving)
    assert responses(log, "h1-a") == [(OrderStatus.REJECTED, [ReasonCode.NOT_AUTHORISED])]
    assert [only(award)[0] for award in log.of(Award)] == ["h2-a"]


def test_an_order_of_a_customer_who_leaves_before_the_gate_is_revoked_and_the_market_clears_without_it(play) -> None:
    async def leaving(port: Port) -> None:
        await play.registry()(port)
        await port.sleep_until(play.gate - MINUTE // 2)
        port.publish(play.assignment("h1", "t1", effective_to=play.start))

    log = play.run(play.hungry(), registry=leaving)
    assert responses(log, "h1-a") == [(OrderStatus.ACKNOWLEDGED, []), (OrderStatus.CANCELLED, [ReasonCode.REVOKED])]
    assert [only(award)[0] for award in log.of(Award)] == ["h2-a"]
    (positions,) = log.of(Positions)
    assert positions.usage_points == ("h2",)


def test_a_customer_who_joins_during_the_market_lead_takes_part_at_once(play) -> None:
    async def late(port: Port) -> None:
        await play.registry()(port)
        await port.sleep_until(play.start - 3 * MINUTE - 1)
        port.publish(play.assignment("h3", "t3", effective_from=port.now))

    log = play.run({"agent.h3-a": play.sends(play.order("h3-a", *play.wants))}, registry=late)
    assert [only(award)[0] for award in log.of(Award)] == ["h3-a"]
