"""Series of instances: refinement, rolling horizons, mechanisms without orders, halts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

import attrs
import pytest

from gridbus.kernel import HOUR, MINUTE, Calendar, Port, UsageError
from gridbus.kernel.testing import Log
from gridbus.roles.auction.safe_clearing import Slot, SlotResult, clear_slot
from gridbus.roles.interfaces import (
    Award,
    AwardStatus,
    ClearingResult,
    LineKind,
    MarketCall,
    MarketControl,
    MarketOutcome,
    MarketPrice,
    MarketSession,
    OrderResponse,
    Positions,
    ReasonCode,
    SessionStatus,
    SettlementStatement,
    SupplyOffer,
)
from gridbus.roles.mo import mechanism as mechanisms
from gridbus.roles.mo.mechanism import Negotiation
from gridbus.roles.mo.operator import Halt
from gridbus.roles.mo.price_forecast import SmoothedPrices
from gridbus.roles.mo.spec import MissingOfferRule
from gridbus.roles.settlement import ImbalancePrice, SettlementRules

ROLLING = {
    "product": "day-ahead",
    "slot_min": 60.0,
    "slots": 4,
    "every_min": 60.0,
    "first_min": 60.0,
    "delivery_lead_min": 10.0,
    "market_lead_min": 20.0,
    "gate_min": 5.0,
}


def test_a_correction_knows_what_was_cleared_when_it_negotiates_and_not_what_comes_after(play) -> None:
    prices = iter((0.03, 0.05))
    ahead = play.spec(**ROLLING)
    now = play.spec(first_min=65.0, slot_min=5.0, market_lead_min=2.0, gate_min=0.5, refines="day-ahead")
    known: dict[int, float] = {}

    def price(demand) -> float:
        if demand.product == "real-time":
            return 0.2
        if demand.clearing not in known:
            known[demand.clearing] = next(prices)
        return known[demand.clearing]

    log = play.run({}, ahead, now, lse=play.retailer(price), stop=130 * MINUTE)
    expected = {
        call.first_slot // MINUTE: call.expected_price_per_kwh
        for call in log.of(MarketCall)
        if call.product == "real-time"
    }
    # The hour that begins at 120 is cleared at 50, and again at 110 min: slots from 120 on see the second price.
    assert expected[115] == (0.03,)
    assert expected[120] == (0.05,)


def test_a_rolling_series_clears_its_horizon_again_and_again_and_publishes_the_forecast(play) -> None:
    log = play.run({}, play.spec(**ROLLING), lse=play.retailer(0.1), stop=4 * HOUR)
    results = log.of(ClearingResult)
    assert [result.clearing // MINUTE for result in results] == [50] * 3 + [110] * 2 + [170]
    forecasts = log.of(MarketPrice)
    assert [len(each.price_per_kwh) for each in forecasts] == [3, 2, 1]
    assert all(each.forecast for each in forecasts)


@pytest.mark.parametrize(("day", "quarters"), [("2025-03-30", 92), ("2025-07-01", 96), ("2025-10-26", 100)])
def test_a_local_day_has_as_many_slots_as_its_clock_has_quarters(play, day: str, quarters: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    calendar = Calendar(datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=zone), zone)
    end = calendar.instant(calendar.start.replace(hour=0) + timedelta(days=1))
    spec = play.spec(slot_min=15.0, first_min=15.0)
    slots = [timeline.first_slot for timeline in spec.instances(end)]
    assert len(slots) + 1 == quarters
    assert {calendar.local(slot).date().isoformat() for slot in slots} == {day}


def test_smoothing_moves_near_hours_least() -> None:
    forecast = SmoothedPrices(0.2)
    assert forecast.cleared(0, 1, (0.1, 0.1, 0.1, 0.1)) == (0.1,) * 4
    moved = forecast.cleared(0, 1, (0.2, 0.2, 0.2, 0.2))
    # DSO+T: 0.2 over the root of 4, 3, 2, 1.
    assert moved == pytest.approx([0.1 + 0.1 * 0.2 / k**0.5 for k in (4, 3, 2, 1)])


def test_smoothing_follows_the_slots_as_time_goes_on() -> None:
    forecast = SmoothedPrices(0.2)
    forecast.cleared(0, 1, (0.1, 0.3))
    near, new = forecast.cleared(1, 1, (0.5, 0.7))
    assert near == pytest.approx(0.3 + 0.2 * 0.2 / 2**0.5)
    assert new == 0.7
    assert forecast.at(0) is None


@pytest.mark.parametrize("steps", [200])
def test_smoothed_prices_come_to_rest_at_prices_that_stay(steps: int) -> None:
    forecast = SmoothedPrices(0.2)
    forecast.cleared(0, 1, (0.1,) * 48)
    for _ in range(steps):
        last = forecast.cleared(0, 1, (0.3,) * 48)
    assert last == pytest.approx((0.3,) * 48, abs=1e-3)


# The supply


def test_without_a_supply_offer_the_fallback_price_holds_until_there_was_one(play) -> None:
    log = play.run(play.hungry(), play.spec(fallback_price_per_kwh=0.3), lse=play.retailer(None))
    (result,) = log.of(ClearingResult)
    assert result.price_per_kwh == result.supply_price_per_kwh == 0.3
    assert result.rules == ("missing offer: hold",)


def once(play, **changes):
    """A retailer that offers for the first slot only."""

    async def main(port: Port) -> None:
        await port.sleep_until(play.gate + 1)
        offer = {
            "market": "retail",
            "product": "real-time",
            "clearing": play.clearing,
            "slot_start": play.start,
            "slot_length": play.slot,
            "quantity_kw": 9.0,
            "price_per_kwh": 0.2,
        }
        port.publish(SupplyOffer(**(offer | changes)))

    return main


def test_a_missing_supply_offer_is_taken_to_be_like_the_last(play) -> None:
    results = play.run({}, lse=once(play), stop=play.stop + play.slot).of(ClearingResult)
    assert [result.supply_price_per_kwh for result in results] == [0.2, 0.2]
    assert ["missing offer: hold" in result.rules for result in results] == [False, True]


def test_a_missing_supply_offer_can_be_the_price_of_the_refined_market(play) -> None:
    ahead = play.spec(product="day-ahead", slots=2, delivery_lead_min=5.0)
    now = play.spec(refines="day-ahead", missing_offer=MissingOfferRule.EXPECTED_PRICE)
    lse = once(play, product="day-ahead", clearing=5 * MINUTE)

    async def early(port: Port) -> None:
        await port.sleep_until(4 * MINUTE)
        port.publish(
            SupplyOffer(
                market="retail",
                product="day-ahead",
                clearing=5 * MINUTE,
                slot_start=play.start,
                slot_length=play.slot,
                quantity_kw=9.0,
                price_per_kwh=0.07,
            )
        )

    assert lse
    results = play.run({}, ahead, now, lse=early).of(ClearingResult)
    (corrected,) = [result for result in results if result.product == "real-time"]
    assert corrected.supply_price_per_kwh == 0.07


@pytest.mark.parametrize(
    "changes", [{"price_per_kwh": float("nan")}, {"quantity_kw": -1.0}, {"clearing": 1}, {"product": "weekly"}]
)
def test_an_offer_that_is_no_good_does_not_count(play, changes) -> None:
    (result,) = play.run({}, play.spec(fallback_price_per_kwh=0.3), lse=once(play, **changes)).of(ClearingResult)
    assert result.supply_price_per_kwh == 0.3


def test_a_supply_offer_of_a_retailer_that_is_not_the_markets_does_not_count(play) -> None:
    spec = play.spec(fallback_price_per_kwh=0.3)
    log = play.run({"lse.other": play.retailer(0.01)}, spec, lse=play.retailer(None))
    assert log.of(ClearingResult)[0].supply_price_per_kwh == 0.3


# Mechanisms


def test_a_price_only_market_takes_no_orders_and_tells_a_binding_price(play) -> None:
    spec = play.spec(mechanism="price-only")
    log = play.run({"agent.h1-a": play.bids((2.0, 1.0))}, spec, lse=play.retailer(0.17, inelastic_kw=3.0))
    assert [call.orders for call in log.of(MarketCall)] == [False]
    (price,) = log.of(MarketPrice)
    assert (price.first_slot, price.price_per_kwh, price.forecast) == (play.start, (0.17,), False)
    (result,) = log.of(ClearingResult)
    assert (result.quantity_kw, result.orders) == (3.0, 0)
    assert log.of(OrderResponse)[0].reasons[0].code is ReasonCode.NOT_AUTHORISED


@pytest.mark.parametrize(("offered", "told"), [(2.0, 1.0), (-0.5, 0.0)])
def test_a_price_only_market_keeps_its_price_within_the_band(play, offered: float, told: float) -> None:
    spec = play.spec(mechanism="price-only")
    (price,) = play.run({}, spec, lse=play.retailer(offered, inelastic_kw=3.0)).of(MarketPrice)
    assert price.price_per_kwh == (told,)


class Consensus:
    """Settles its price minute by minute while it negotiates, and clears at what was agreed for the slot."""

    takes_orders: ClassVar[bool] = True

    def clear(
        self,
        slot: Slot,
        *,
        market_limit_kw: float | None,
        transformer_limit_kw: Mapping[int, float],
        agreed: object = None,
    ) -> SlotResult:
        assert isinstance(agreed, float)
        at_price = attrs.evolve(slot, supply_price_per_kwh=agreed)
        return clear_slot(at_price, market_limit_kw=market_limit_kw, transformer_limit_kw=transformer_limit_kw)

    async def negotiate(self, negotiation: Negotiation) -> dict[int, object]:
        port, price = negotiation.port, 0.5
        while port.now + MINUTE < negotiation.end:
            await port.sleep_until(port.now + MINUTE)
            price /= 2.0
        return dict.fromkeys(negotiation.slot_starts, price)


def test_a_mechanism_that_negotiates_clears_at_what_it_has_agreed(play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mechanisms._BUILT_IN, "consensus", Consensus())
    mechanisms.mechanism.cache_clear()
    spec = play.spec(mechanism="consensus", negotiation_lead_min=4.0)
    log = play.run(play.hungry(), spec)
    assert [result.price_per_kwh for result in log.of(ClearingResult)] == [0.5 / 2**3]
    assert len(log.of(Award)) == 2


@pytest.mark.parametrize("made", [Consensus, object()])
def test_an_entry_point_that_is_no_mechanism_is_refused(made: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mechanisms, "names", lambda _: ["consensus"])
    monkeypatch.setattr(mechanisms, "load", lambda *_: made)
    mechanisms.mechanism.cache_clear()
    with pytest.raises(UsageError, match="expected an object with clear and negotiate"):
        mechanisms.mechanism("consensus")


def test_an_unknown_mechanism_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="did you mean double-auction"):
        mechanisms.mechanism("double-action")


def test_a_price_only_market_has_its_price_whatever_the_limits(play) -> None:
    spec = play.spec(mechanism="price-only")
    log = play.run({}, spec, lse=play.retailer(0.17, inelastic_kw=3.0), do=play.wires(-1.0))
    assert [result.price_per_kwh for result in log.of(ClearingResult)] == [0.17]


# Halts


def test_while_a_market_is_halted_orders_are_rejected_and_a_clearing_is_suspended(play) -> None:
    # Halted after the first order and before the clearing, until after it.
    halts = (Halt(from_min=7.5, to_min=12.0, reason="storm"),)
    late = play.sends(play.order("h2-a", *play.wants), when=play.start - 2 * MINUTE - 1)
    agents = {"agent.h1-a": play.sends(play.order("h1-a", *play.wants)), "agent.h2-a": late}
    log = play.run(agents, halts=halts, stop=play.stop + play.slot)
    rejected = [each for each in log.of(OrderResponse) if each.resource == "h2-a"]
    assert [reason.code for each in rejected for reason in each.reasons] == [ReasonCode.GATE_CLOSED]
    first, second = log.of(ClearingResult)
    assert (first.outcome, first.quantity_kw) == (MarketOutcome.SUSPENDED, 0.0)
    assert second.outcome is MarketOutcome.NO_TRADE
    (award,) = log.of(Award)
    assert (award.status, award.quantity_kw) == ((AwardStatus.SUSPENDED,), (0.0,))
    assert "storm" in award.reason[0]
    assert [each.status for each in log.of(MarketSession)] == [
        SessionStatus.OPEN,
        SessionStatus.HALTED,
        SessionStatus.OPEN,
        SessionStatus.CLOSED,
    ]


def test_orders_of_before_a_halt_stand_when_it_ends_before_the_clearing(play) -> None:
    halts = (Halt(from_min=7.5, to_min=8.5, reason="storm"),)
    log = play.run(play.hungry(), halts=halts)
    assert [award.status for award in log.of(Award)] == [(AwardStatus.AWARDED,)] * 2


def sessions(log: Log) -> list[tuple[float, SessionStatus, str]]:
    """Minute, status and reason of every session notice but the last."""
    told = [e for e in log.envelopes if isinstance(e.message, MarketSession)]
    return [(e.instant / MINUTE, e.message.status, e.message.reason) for e in told[:-1]]


def test_of_halts_that_overlap_the_last_to_end_opens_the_market(play) -> None:
    halts = (Halt(from_min=1.0, to_min=5.0, reason="works"), Halt(from_min=3.0, to_min=9.5, reason="storm"))
    log = play.run(play.hungry(), halts=halts)
    assert sessions(log) == [
        (0.0, SessionStatus.OPEN, ""),
        (1.0, SessionStatus.HALTED, "works"),
        (3.0, SessionStatus.HALTED, "works; storm"),
        (5.0, SessionStatus.HALTED, "storm"),
        (9.5, SessionStatus.OPEN, ""),
    ]
    assert log.of(ClearingResult)[0].outcome is MarketOutcome.SUSPENDED


def test_a_halt_without_a_reason_halts(play) -> None:
    log = play.run(play.hungry(), halts=(Halt(from_min=1.0, to_min=12.0, reason=""),))
    assert [status for _, status, _ in sessions(log)] == [SessionStatus.OPEN, SessionStatus.HALTED, SessionStatus.OPEN]
    assert log.of(ClearingResult)[0].outcome is MarketOutcome.SUSPENDED


def controls(play, *told: tuple[int, bool, str]):
    """A distribution operator that halts and releases the market, by minute."""

    async def main(port: Port) -> None:
        port.start(play.wires()(port))
        for minute, halted, reason in told:
            await port.sleep_until(minute * MINUTE)
            port.publish(MarketControl(market="retail", halted=halted, reason=reason))

    return main


def test_the_end_of_a_planned_halt_does_not_lift_an_emergency_halt_nor_the_other_way_round(play) -> None:
    halts = (Halt(from_min=1.0, to_min=5.0, reason="works"),)
    log = play.run(play.hungry(), do=controls(play, (2, True, "fault")), halts=halts)
    assert sessions(log)[-1] == (5.0, SessionStatus.HALTED, "fault")
    assert log.of(ClearingResult)[0].outcome is MarketOutcome.SUSPENDED
    log = play.run(play.hungry(), do=controls(play, (2, True, ""), (3, True, "fault"), (4, False, "")), halts=halts)
    assert [reason for _, _, reason in sessions(log)] == [
        "",
        "works",
        "works; by the distribution operator",
        "works; fault",
        "works",
        "",
    ]
    assert log.of(ClearingResult)[0].outcome is MarketOutcome.CLEARED


def test_only_its_own_distribution_operator_halts_a_market(play) -> None:
    def halts(name: str):
        async def main(port: Port) -> None:
            port.start(play.wires()(port))
            await port.sleep_until(MINUTE)
            port.publish(MarketControl(market="retail", halted=True, reason="fault"))

        return {name: main}

    foreign = play.run(play.hungry() | halts("do.other"))
    assert foreign.of(ClearingResult)[0].outcome is MarketOutcome.CLEARED
    own = play.run(play.hungry(), do=halts("do.wires")["do.wires"])
    assert own.of(ClearingResult)[0].outcome is MarketOutcome.SUSPENDED
    (positions,) = own.of(Positions)
    assert (positions.usage_points, positions.power_kw) == ((), ())


@pytest.mark.parametrize("halts", [(), (Halt(from_min=7.5, to_min=12.0, reason="storm"),)])
def test_nothing_is_held_in_a_suspended_slot_and_nobody_is_fined_for_what_the_meters_count(play, halts) -> None:
    async def wires(port: Port) -> None:
        port.start(play.wires()(port))
        await port.sleep_until(play.start + play.slot)
        port.publish(play.energy(play.start, play.slot, h1=0.3, h2=0.3))

    log = play.run(
        play.hungry(),
        do=wires,
        halts=halts,
        stop=play.stop + MINUTE,
        settlement=SettlementRules(imbalance_price=ImbalancePrice.DUAL),
    )
    (first, *_) = [each for each in log.of(SettlementStatement) if each.lines]
    kwh = {kind: sum(line.quantity_kwh for line in first.lines if line.kind is kind) for kind in LineKind}
    assert kwh[LineKind.REAL_TIME] + kwh[LineKind.IMBALANCE] == pytest.approx(0.6)
    # Awards are 4 kW each for five minutes.
    assert kwh[LineKind.IMBALANCE] == pytest.approx(0.0 if halts else 0.6 - 8.0 / 12.0)
