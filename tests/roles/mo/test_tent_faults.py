"""None of the faults of the public TENT code: one test each, named after the fault."""

import gc
import weakref

import attrs
import pytest

from gridbus.kernel import HOUR, MINUTE, Port
from gridbus.kernel.testing import Log
from gridbus.roles.interfaces import (
    Award,
    ClearingResult,
    MarketCall,
    MarketOutcome,
    MarketState,
    MarketStateChange,
    SettlementStatement,
    SupplyOffer,
)
from gridbus.roles.mo.instance import MarketInstance
from gridbus.roles.mo.spec import MarketSpec, MissingOrderRule

DAY_AHEAD = {
    "product": "day-ahead",
    "slot_min": 60.0,
    "slots": 2,
    "first_min": 120.0,
    "delivery_lead_min": 30.0,
    "market_lead_min": 30.0,
    "gate_min": 10.0,
}
CORRECTION = {
    "product": "real-time",
    "slot_min": 15.0,
    "first_min": 120.0,
    "delivery_lead_min": 5.0,
    "negotiation_lead_min": 5.0,
    "market_lead_min": 5.0,
    "gate_min": 2.0,
    "refines": "day-ahead",
    "dispute_min": 5.0,
}


def priced(play, **by_product: float):
    """A retailer whose price is that of the product."""
    return play.retailer(lambda demand: by_product[demand.product.replace("-", "_")])


def states(log: Log, product: str) -> dict[int, list[tuple[int, MarketState]]]:
    """Minute and state of every change, by clearing."""
    found: dict[int, list[tuple[int, MarketState]]] = {}
    for envelope in log.envelopes:
        change = envelope.message
        if isinstance(change, MarketStateChange) and change.product == product:
            found.setdefault(change.clearing // MINUTE, []).append((envelope.instant // MINUTE, change.state))
    return found


def test_1_a_correction_market_starts_from_the_cleared_price_and_not_from_a_model(play) -> None:
    log = play.run(
        {"agent.h1-a": play.bids((2.0, 1.0))},
        play.spec(**DAY_AHEAD),
        play.spec(**CORRECTION),
        lse=priced(play, day_ahead=0.0424, real_time=0.06),
        stop=3 * HOUR - 1,
    )
    calls = [call for call in log.of(MarketCall) if call.product == "real-time"]
    assert len(calls) == 4
    assert {call.expected_price_per_kwh for call in calls} == {(0.0424,)}


def test_2_reconcile_settles_and_a_commitment_is_a_position(play) -> None:
    async def wires(port: Port) -> None:
        port.start(play.wires()(port))
        for start in range(120 * MINUTE, 180 * MINUTE, 15 * MINUTE):
            await port.sleep_until(start + 15 * MINUTE)
            port.publish(play.energy(start, 15 * MINUTE, h1=0.75))

    log = play.run(
        {"agent.h1-a": play.bids((2.0, 1.0))},
        play.spec(**DAY_AHEAD),
        play.spec(**CORRECTION),
        lse=priced(play, day_ahead=0.04, real_time=0.06),
        do=wires,
        stop=3 * HOUR,
    )
    statements = [each for each in log.of(SettlementStatement) if each.product == "real-time"]
    (first, *_) = [each for each in statements if each.lines]
    by_kind = {line.kind.value: line for line in first.lines}
    # 2 kW for a quarter of an hour day-ahead, nothing more in real time, 3 kW metered.
    assert float(by_kind["day-ahead energy"].amount) == pytest.approx(0.5 * 0.04)
    assert float(by_kind["imbalance"].quantity_kwh) == pytest.approx(0.25)
    assert float(by_kind["imbalance"].amount) == pytest.approx(0.25 * 0.06)


def test_3_spawning_an_instance_completes_no_work_of_another(play) -> None:
    # Leads of 30 min, a clearing every 15 min: three instances live side by side.
    overlapping = play.spec(
        slot_min=15.0,
        first_min=40.0,
        delivery_lead_min=5.0,
        negotiation_lead_min=15.0,
        market_lead_min=15.0,
        gate_min=1.0,
    )
    log = play.run({"agent.h1-a": play.bids((2.0, 1.0))}, overlapping, stop=2 * HOUR)
    for clearing, path in states(log, "real-time").items():
        lead = next(minute for minute, state in path if state is MarketState.MARKET_LEAD)
        cleared = next(minute for minute, state in path if state is MarketState.DELIVERY_LEAD)
        assert (lead, cleared) == (clearing - 15, clearing)
    # The first two have their market lead while the next is spawned.
    results = log.of(ClearingResult)
    assert len(results) == 6
    assert {result.orders for result in results} == {1}


def test_4_a_market_of_loads_only_ends_at_the_cap_and_not_in_an_exception(play) -> None:
    log = play.run({"agent.h1-a": play.bids((2.0, 1.0))}, lse=play.retailer(0.1, kw=0.0))
    (result,) = log.of(ClearingResult)
    assert (result.outcome, result.price_per_kwh, result.shed_kw) == (MarketOutcome.AT_CAP, 1.0, 2.0)


def test_5_a_mechanism_and_a_state_are_what_the_specification_and_time_say(play) -> None:
    assert [key for key, _ in play.spec(mechanism="interpolation").check()] == ["mechanism"]
    # An instance that should be in its market lead when the run begins is.
    late = play.spec(first_min=3.0, delivery_lead_min=1.0, market_lead_min=5.0, gate_min=1.0)
    log = play.run({}, late, stop=4 * MINUTE)
    assert states(log, "real-time")[2][0] == (0, MarketState.MARKET_LEAD)
    assert len(log.of(ClearingResult)) == 1


def test_6_the_first_day_is_corrected_like_any_other(play) -> None:
    log = play.run({}, play.spec(**DAY_AHEAD), play.spec(**CORRECTION), stop=4 * HOUR - 1)
    corrected = [result.slot_start // MINUTE for result in log.of(ClearingResult) if result.product == "real-time"]
    assert corrected == list(range(120, 240, 15))


def test_7_every_instance_has_the_whole_specification(play) -> None:
    made = play.spec(slot_min=5.0, activation_lead_min=2.0, missing_order=MissingOrderRule.LAST_KNOWN)
    timelines = list(made.instances(HOUR))
    assert len(timelines) == 10
    assert all(each.spec is made for each in timelines)
    with pytest.raises(attrs.exceptions.FrozenAttributeError):
        made.slot_min = 15.0
    lengths = {call.slot_length for call in play.run({}, made, stop=HOUR).of(MarketCall)}
    assert lengths == {5 * MINUTE}


def test_8_an_expired_instance_is_dropped(play, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[MarketInstance]] = []
    after_init = MarketInstance.__attrs_post_init__

    def noticed(self: MarketInstance) -> None:
        after_init(self)
        made.append(weakref.ref(self))

    monkeypatch.setattr(MarketInstance, "__attrs_post_init__", noticed)
    alive: list[int] = []

    async def count(port: Port) -> None:
        for hour in range(1, 12):
            await port.sleep_until(hour * HOUR + 1)
            gc.collect()
            alive.append(sum(ref() is not None for ref in made))

    play.run({"agent.h2-a": count}, play.spec(dispute_min=0.0), stop=12 * HOUR)
    assert len(made) > 100
    assert max(alive) <= 3


def test_9_one_silent_party_stalls_nobody_and_no_message_is_overwritten(play) -> None:
    async def twice(port: Port) -> None:
        await port.sleep_until(play.gate + 1)
        for price in (0.2, 0.3):
            port.publish(
                SupplyOffer(
                    market="retail",
                    product="real-time",
                    clearing=play.clearing,
                    slot_start=play.start,
                    slot_length=play.slot,
                    quantity_kw=9.0,
                    price_per_kwh=price,
                )
            )

    async def silent(port: Port) -> None:
        port.publish(play.registration(port.name))
        await port.sleep_until(port.stop)

    log = play.run({"agent.h1-a": play.bids((2.0, 1.0)), "agent.h2-a": silent}, lse=twice)
    (told,) = [e for e in log.envelopes if isinstance(e.message, ClearingResult)]
    assert told.instant == play.clearing
    assert told.message.supply_price_per_kwh == 0.3
    assert told.message.rules == ("missing orders: 1, of which 0 by rule exclude", "missing load estimate: the last")


def test_10_prices_of_a_horizon_are_kept_slot_by_slot_and_without_gaps(play) -> None:
    rolling = play.spec(**DAY_AHEAD | {"slots": 3, "every_min": 60.0, "delivery_lead_min": 5.0})
    hours = {hour * HOUR: 0.01 * hour for hour in range(2, 12)}
    log = play.run({}, rolling, lse=play.retailer(lambda demand: hours[demand.slot_start]), stop=8 * HOUR)
    first, *others = log.of(MarketCall)
    assert first.expected_price_per_kwh == ()
    # What was cleared an hour before, and for the hour that is new to the horizon the price of the last.
    for call in others:
        known = [hours[call.first_slot + number * HOUR] for number in range(call.slots)]
        assert call.expected_price_per_kwh[:2] == pytest.approx(known[:2])
        assert len(call.expected_price_per_kwh) == call.slots


def test_11_a_market_needs_no_single_upstream_neighbour(play) -> None:
    log = play.run({"agent.h1-a": play.bids((2.0, 1.0)), "agent.h2-a": play.bids((-1.0, 0.05))})
    # A customer's injection and the retailer supply side by side.
    assert sorted(sum(award.quantity_kw) for award in log.of(Award)) == [-1.0, 2.0]
    assert log.of(ClearingResult)[0].quantity_kw == pytest.approx(1.0)


def test_12_the_record_of_an_instance_is_its_messages_and_none_overwrites_another(play) -> None:
    log = play.run({}, stop=play.start + 3 * play.slot)
    keys = [(result.product, result.clearing, result.slot_start) for result in log.of(ClearingResult)]
    assert len(keys) == len(set(keys)) == 3


def test_the_spec_of_the_tests_is_sound(play) -> None:
    for fields in (DAY_AHEAD, CORRECTION):
        made: MarketSpec = play.spec(**fields)
        assert list(made.check()) == []
