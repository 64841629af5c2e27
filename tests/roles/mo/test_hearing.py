"""Nonsense in every message that a market operator hears: it ends no run, and is answered or shows in the result."""

from math import inf, nan
from typing import Any

import attrs
import pytest

from gridbus.kernel import Port
from gridbus.kernel.testing import Log
from gridbus.roles.interfaces import (
    AggregateDemand,
    Award,
    ClearingResult,
    LoadEstimate,
    MarketCall,
    MarketEnergy,
    Order,
    OrderResponse,
    OrderStatus,
    PositionQuery,
    ReasonCode,
    Registration,
    RegistrationAnswer,
    RegistrationStatus,
    Reservation,
    SettlementStatement,
    SupplyOffer,
)
from gridbus.roles.mo.hearing import misfits


def others(log: Log) -> list[Award]:
    """The awards of those who talk sense."""
    return [award for award in log.of(Award) if award.resource != "h1-x"]


@pytest.mark.parametrize("changes", [{"order_id": ["o1"]}, {"order_id": None}])
def test_a_cancellation_that_makes_no_sense_is_rejected(play, changes: dict[str, Any]) -> None:
    cancel = attrs.evolve(play.cancels("h1-x"), **changes)
    log = play.run(play.hungry() | {"agent.h1-x": play.sends(cancel)})
    (response,) = [each for each in log.of(OrderResponse) if each.resource == "h1-x"]
    assert (response.status, response.reasons[0].code) == (OrderStatus.REJECTED, ReasonCode.OUT_OF_BOUNDS)
    assert response.reasons[0].path == "order_id"
    assert others(log) == play.run(play.hungry()).of(Award)


@pytest.mark.parametrize("envelope", [{"revision": "two"}, {"valid_until": "noon"}, {"valid_until": 0.5}])
def test_an_order_in_an_envelope_that_makes_no_sense_is_rejected(play, envelope: dict[str, Any]) -> None:
    agent = play.sends(play.order("h1-x", *play.wants), **envelope)
    log = play.run(play.hungry() | {"agent.h1-x": agent})
    (response,) = [each for each in log.of(OrderResponse) if each.resource == "h1-x"]
    assert response.status is OrderStatus.REJECTED
    assert [reason.path for reason in response.reasons] == list(envelope)
    assert others(log) == play.run(play.hungry()).of(Award)


@pytest.mark.parametrize("changes", [{"clearing": [1]}, {"clearing": "y"}, {"attends": "x"}])
def test_a_reservation_that_makes_no_sense_is_as_if_it_had_not_come(play, changes: dict[str, Any]) -> None:
    fields = {"market": "retail", "product": "real-time", "resource": "h1-x", "attends": False} | changes
    log = play.run(play.hungry() | {"agent.h1-x": play.sends(Reservation(**fields))})
    assert others(log) == play.run(play.hungry()).of(Award)
    assert log.of(ClearingResult)[0].rules == ("missing orders: 1, of which 0 by rule exclude",)


def test_a_registration_that_makes_no_sense_is_rejected_with_all_faults(play) -> None:
    async def main(port: Port) -> None:
        port.publish(play.registration(port.name, import_kw="much", export_kw=None))

    (answer,) = play.run({"agent.h1-x": main}).of(RegistrationAnswer)
    assert answer.status is RegistrationStatus.REJECTED
    assert [reason.path for reason in answer.reasons] == ["import_rating_kw", "export_rating_kw"]


def test_a_query_that_makes_no_sense_ends_no_run(play) -> None:
    query = PositionQuery(market="retail", resource="h1-x", start="a", end=None)
    log = play.run(play.hungry() | {"agent.h1-x": play.sends(query)})
    assert others(log) == play.run(play.hungry()).of(Award)


def retailer(play, *, estimate: dict[str, Any] | None = None, offer: dict[str, Any] | None = None):
    """A retailer whose estimates or offers are changed."""

    async def main(port: Port) -> None:
        async for message in port.subscribe(MarketCall, AggregateDemand, market="retail"):
            if isinstance(message, MarketCall):
                port.publish(attrs.evolve(play.estimate(port.name, message, 0, 3.0), **(estimate or {})))
            else:
                port.publish(attrs.evolve(play.offer(message, 0.2), **(offer or {})))

    return main


@pytest.mark.parametrize(
    "changes",
    [
        {"price_per_kwh": "x"},
        {"price_per_kwh": nan},
        {"quantity_kw": None},
        {"quantity_kw": nan},
        {"quantity_kw": 10**400},
    ],
)
def test_an_offer_that_makes_no_sense_is_missing_and_the_result_says_why(play, changes: dict[str, Any]) -> None:
    spec = play.spec(fallback_price_per_kwh=0.3)
    (result,) = play.run(play.hungry(), spec, lse=retailer(play, offer=changes)).of(ClearingResult)
    assert result.supply_price_per_kwh == 0.3
    ignored, missing = result.rules
    assert ignored.startswith(f"ignored supply offer: {next(iter(changes))}: ")
    assert missing == "missing offer: hold"


@pytest.mark.parametrize("changes", [{"clearing": [1]}, {"slot_start": "x"}])
def test_an_offer_for_nothing_at_all_is_missing(play, changes: dict[str, Any]) -> None:
    (result,) = play.run(play.hungry(), lse=retailer(play, offer=changes)).of(ClearingResult)
    assert result.rules == ("missing offer: hold",)


@pytest.mark.parametrize(
    "changes",
    [{"power_kw": (1.0, 2.0)}, {"power_kw": (nan,)}, {"power_kw": ("x",)}, {"power_kw": None}, {"usage_points": None}],
)
def test_an_estimate_that_makes_no_sense_is_ignored_and_the_result_says_why(play, changes: dict[str, Any]) -> None:
    log = play.run(play.hungry(), lse=retailer(play, estimate=changes), stop=play.stop + 3 * play.slot)
    result = log.of(ClearingResult)[0]
    assert result.inelastic_kw == 0.0
    assert result.rules[0].startswith("ignored load estimate: ")


@pytest.mark.parametrize(
    "changes",
    [
        {"energy_kwh": (nan,)},
        {"energy_kwh": ("x",)},
        {"energy_kwh": (1.0, 2.0)},
        {"usage_points": None},
        {"duration": 0},
        {"losses_kwh": inf},
        {"start": "x"},
    ],
)
def test_reads_that_make_no_sense_are_estimated_as_if_they_had_not_come(play, changes: dict[str, Any]) -> None:
    def wires(send: bool):
        async def main(port: Port) -> None:
            port.start(play.wires()(port))
            await port.sleep_until(play.start + play.slot)
            if send:
                port.publish(attrs.evolve(play.energy(play.start, play.slot, h1=0.3), **changes))

        return main

    def statements(send: bool) -> list[SettlementStatement]:
        return play.run(play.hungry(), do=wires(send), stop=play.stop + 3 * play.slot).of(SettlementStatement)

    assert statements(True) == statements(False) != []


def test_whatever_is_of_the_declared_types_is_no_misfit(play) -> None:
    call = MarketCall("retail", "real-time", 1, 2, 3, 1, 1, 1.0, 0.0)
    good: list[object] = [
        play.order("h1-a", *play.wants),
        play.order("h1-a", (0, 1), (2, 0)),
        play.registration("h1-a"),
        play.cancels("h1-a"),
        play.estimate("green", call, 0, 1.0),
        play.energy(0, 5, h1=0.3, h2=-1),
        Reservation(market="retail", product="real-time", resource="h1-a", attends=True),
    ]
    assert [misfits(each) for each in good] == [()] * len(good)
    assert {type(each) for each in good} >= {Order, Registration, LoadEstimate, MarketEnergy}
    assert misfits(SupplyOffer("retail", "real-time", 1, 2, 3, inf, -0.1)) == ()


@pytest.mark.parametrize("number", [2**63, -(2**63)])
def test_a_whole_number_of_more_than_64_bits_has_no_place_in_records(play, number: int) -> None:
    assert [reason.path for reason in misfits(play.order("h1-a", *play.wants, clearing=number))] == ["clearing"]
