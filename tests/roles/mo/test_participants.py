"""Who takes part: assignment, registration, reservation; and what they hold."""

from math import inf, nan

import numpy as np
import pytest

from gridbus.kernel import MINUTE, Port
from gridbus.roles.interfaces import (
    Award,
    ClearingResult,
    OrderResponse,
    OrderStatus,
    Position,
    PositionQuery,
    ReasonCode,
    RegistrationAnswer,
    RegistrationStatus,
    Reservation,
)
from gridbus.roles.mo.ledger import Cleared, Holders, PositionLedger
from gridbus.roles.mo.participants import Participants
from gridbus.roles.mo.spec import MissingOrderRule


def registered(play) -> Participants:
    made = Participants()
    for usage_point in ("h1", "h2"):
        made.assign(play.assignment(usage_point, "t1"))
        made.register(play.registration(f"{usage_point}-a"))
    return made


def expected(made: Participants, clearing: int) -> list[str]:
    return [each.resource for each in made.expected(clearing, absent=made.absent("real-time", clearing))]


@pytest.mark.parametrize("rating", [nan, inf, -1.0])
def test_a_rating_that_is_none_is_rejected(play, rating: float) -> None:
    status, reasons = Participants().register(play.registration("h1-a", import_kw=rating))
    assert (status, [reason.code for reason in reasons]) == (RegistrationStatus.REJECTED, [ReasonCode.OUT_OF_BOUNDS])


def test_a_registration_waits_for_the_assignment_of_its_usage_point(play) -> None:
    made = Participants()
    assert made.register(play.registration("h1-a"))[0] is RegistrationStatus.PENDING
    assert [each.resource for each in made.assign(play.assignment("h1", "t1"))] == ["h1-a"]
    assert made.register(play.registration("h1-b"))[0] is RegistrationStatus.ACTIVE


def test_registrations_are_answered_and_answered_again_when_they_become_active(play) -> None:
    async def late(port: Port) -> None:
        await port.sleep_until(MINUTE)
        port.publish(play.assignment("h1", "t1"))

    log = play.run({"agent.h1-a": play.sends()}, registry=late)
    assert [answer.status for answer in log.of(RegistrationAnswer)] == [
        RegistrationStatus.PENDING,
        RegistrationStatus.ACTIVE,
    ]


def test_a_registered_resource_is_expected_until_it_says_otherwise(play) -> None:
    made = registered(play)

    def reserve(attends: bool, clearing: int | None = None) -> None:
        made.reserve(
            Reservation(market="retail", product="real-time", resource="h1-a", attends=attends, clearing=clearing)
        )

    assert expected(made, 5) == ["h1-a", "h2-a"]
    reserve(attends=False, clearing=5)
    assert (expected(made, 5), expected(made, 6)) == (["h2-a"], ["h1-a", "h2-a"])
    reserve(attends=False)
    reserve(attends=True, clearing=7)
    assert (expected(made, 6), expected(made, 7)) == (["h2-a"], ["h1-a", "h2-a"])
    reserve(attends=True)
    assert expected(made, 6) == ["h1-a", "h2-a"]


@pytest.mark.parametrize(("late", "rules"), [(0, ()), (1, ("missing orders: 1, of which 0 by rule exclude",))])
def test_a_reservation_counts_until_the_end_of_the_state_that_is_for_it(play, late: int, rules) -> None:
    async def main(port: Port) -> None:
        port.publish(play.registration(port.name))
        # Active from minute 4 to 5, negotiation to 6, orders to 8.
        await port.sleep_until(5 * MINUTE - 1 + late)
        port.publish(Reservation(market="retail", product="real-time", resource=port.name, attends=False))

    spec = play.spec(activation_lead_min=1.0, negotiation_lead_min=1.0)
    first, second = play.run({"agent.h1-a": main}, spec, stop=play.stop + play.slot).of(ClearingResult)
    assert (first.rules, second.rules) == (rules, ())


def test_one_who_registers_later_is_expected_from_then_on(play) -> None:
    made = registered(play)
    assert expected(made, 5) == ["h1-a", "h2-a"]
    made.register(play.registration("h1-b"))
    assert expected(made, 5) == ["h1-a", "h1-b", "h2-a"]


def test_of_several_assignments_the_one_in_force_counts(play) -> None:
    made = Participants()
    made.assign(play.assignment("h1", "t1", effective_to=10))
    made.assign(play.assignment("h1", "t2", effective_from=20))
    assert [made.transformers(instant) for instant in (9, 10, 20)] == [{"h1": "t1"}, {}, {"h1": "t2"}]


# What stands in for an order that is missing


def silent_second_slot(play):
    """Bids 2 kW in the first clearing and is silent after that."""

    async def main(port: Port) -> None:
        await play.sends(play.order(port.name, (2.0, 0.9)))(port)

    return main


@pytest.mark.parametrize(
    ("rule", "awards"),
    [(MissingOrderRule.EXCLUDE, [2.0]), (MissingOrderRule.LAST_KNOWN, [2.0, 2.0])],
)
def test_a_missing_order_is_replaced_by_the_rule_of_the_series(play, rule, awards: list[float]) -> None:
    log = play.run({"agent.h1-a": silent_second_slot(play)}, play.spec(missing_order=rule), stop=20 * MINUTE)
    assert [sum(award.quantity_kw) for award in log.of(Award)] == awards
    assert [award.order_id for award in log.of(Award)] == ["o1", ""][: len(awards)]


@pytest.mark.parametrize("withdrawn", ["cancelled", "expired", "nothing"])
def test_who_has_withdrawn_an_order_is_not_silent_and_nothing_stands_in_for_it(play, withdrawn: str) -> None:
    async def main(port: Port) -> None:
        await silent_second_slot(play)(port)
        await port.sleep_until(port.now + play.slot)
        if withdrawn != "nothing":
            until = play.clearing + play.slot if withdrawn == "expired" else None
            later = {"clearing": play.clearing + play.slot, "first_slot": play.start + play.slot, "order_id": "o2"}
            port.publish(play.order(port.name, (2.0, 0.9), **later), valid_until=until)
        if withdrawn == "cancelled":
            port.publish(play.cancels(port.name, "o2"))

    spec = play.spec(missing_order=MissingOrderRule.LAST_KNOWN)
    log = play.run({"agent.h1-a": main}, spec, stop=20 * MINUTE)
    if withdrawn == "nothing":
        assert [award.order_id for award in log.of(Award)] == ["o1", ""]
    else:
        assert [award.order_id for award in log.of(Award)] == ["o1"]
        assert [result.rules for result in log.of(ClearingResult)] == [(), ()]


def test_a_missing_order_can_be_the_position_in_the_refined_market(play) -> None:
    async def day_ahead_only(port: Port) -> None:
        port.publish(play.registration(port.name))
        await port.sleep_until(3 * MINUTE)
        rows = {"quantity_kw": ((1.0,), (3.0,)), "price_per_kwh": ((0.9,), (0.9,))}
        port.publish(play.order(port.name, product="day-ahead", clearing=6 * MINUTE, **rows))

    ahead = play.spec(product="day-ahead", slots=2, delivery_lead_min=4.0)
    now = play.spec(refines="day-ahead", missing_order=MissingOrderRule.POSITION)
    log = play.run({"agent.h1-a": day_ahead_only}, ahead, now, stop=20 * MINUTE)
    held = [sum(award.quantity_kw) for award in log.of(Award) if award.product == "real-time"]
    assert held == [1.0, 3.0]


# The ledger


def cleared(start: int, kw: float, *, commitment: bool = True) -> Cleared:
    holders = Holders(("h1-a",), ("h1",))
    return Cleared(start, 5, 0.1, 0.1, holders, np.array([kw]), np.array([0.1]), commitment)


def test_the_ledger_finds_a_slot_by_any_instant_in_it() -> None:
    ledger = PositionLedger()
    ledger.enter("day-ahead", cleared(10, 2.0))
    assert [ledger.held_kw("day-ahead", "h1-a", instant) for instant in (9, 10, 14, 15)] == [0.0, 2.0, 2.0, 0.0]
    assert ledger.held_kw("day-ahead", "h2-a", 10) == 0.0


def test_a_later_clearing_of_a_slot_replaces_the_earlier_one() -> None:
    ledger = PositionLedger()
    for kw in (2.0, 3.0):
        ledger.enter("day-ahead", cleared(10, kw))
    assert ledger.held_kw("day-ahead", "h1-a", 10) == 3.0
    assert len(ledger) == 1


def test_only_commitments_bind_capacity() -> None:
    ledger = PositionLedger()
    ledger.enter("day-ahead", cleared(10, 2.0))
    ledger.enter("forecast", cleared(10, 4.0, commitment=False))
    assert ledger.committed_kw(("day-ahead", "forecast"), "h1-a", 12) == 2.0


def test_what_resources_hold_is_summed_at_their_usage_points() -> None:
    holders = Holders(("h1-a", "h1-b", "h2-a"), ("h1", "h1", "h0"))
    power_kw, price = holders.by_meter(np.array([1.0, 2.0, -4.0]), np.array([0.2, 0.2, 0.1]))
    assert (holders.meters, power_kw.tolist(), price.tolist()) == (("h0", "h1"), [-4.0, 3.0], [0.1, 0.2])


def test_what_is_over_is_forgotten() -> None:
    ledger = PositionLedger()
    for start in (0, 5, 10):
        ledger.enter("real-time", cleared(start, 1.0))
    ledger.forget(before=10)
    assert [each.start for _, each, _ in ledger.of("h1-a", 0, 100)] == [10]


def test_the_same_capacity_is_not_sold_twice(play) -> None:
    # Two series over the same slots, neither of which corrects the other: what one has bought, the other cannot.
    one = play.spec(product="firm", delivery_lead_min=5.0, first_min=10.0, market_lead_min=3.0)
    two = play.spec()

    async def greedy(port: Port) -> None:
        port.publish(play.registration(port.name, import_kw=5.0))
        await port.sleep_until(3 * MINUTE)
        port.publish(play.order(port.name, (4.0, 0.9), product="firm", clearing=5 * MINUTE))
        await port.sleep_until(7 * MINUTE)
        port.publish(play.order(port.name, (2.0, 0.9)))
        port.publish(play.order(port.name, (1.0, 0.9), order_id="o2"))

    log = play.run({"agent.h1-a": greedy}, one, two)
    assert [(r.status, [reason.code for reason in r.reasons]) for r in log.of(OrderResponse)] == [
        (OrderStatus.ACKNOWLEDGED, []),
        (OrderStatus.REJECTED, [ReasonCode.LIMIT_EXCEEDED]),
        (OrderStatus.ACKNOWLEDGED, []),
    ]


def test_a_series_that_corrects_another_asks_for_totals_and_may_use_the_whole_rating(play) -> None:
    ahead = play.spec(product="day-ahead", delivery_lead_min=5.0)
    now = play.spec(refines="day-ahead")

    async def agent(port: Port) -> None:
        port.publish(play.registration(port.name, import_kw=5.0))
        await port.sleep_until(3 * MINUTE)
        port.publish(play.order(port.name, (4.0, 0.9), product="day-ahead", clearing=5 * MINUTE))
        await port.sleep_until(7 * MINUTE)
        port.publish(play.order(port.name, (5.0, 0.9)))

    log = play.run({"agent.h1-a": agent}, ahead, now)
    assert [response.status for response in log.of(OrderResponse)] == [OrderStatus.ACKNOWLEDGED] * 2


def test_a_resource_can_ask_what_it_holds(play) -> None:
    async def asking(port: Port) -> None:
        await play.sends(play.order(port.name, (2.0, 0.9)))(port)
        await port.sleep_until(play.start)
        query = PositionQuery(market="retail", resource=port.name, start=0, end=play.stop)
        answers.append(await port.request(query, Position))

    answers: list[Position] = []
    play.run({"agent.h1-a": asking})
    (answer,) = answers
    assert (answer.products, answer.slot_start, answer.power_kw) == (("real-time",), (play.start,), (2.0,))
