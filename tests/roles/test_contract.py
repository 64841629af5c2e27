"""Who may say and hear what in the real contract."""

from collections.abc import Callable
from typing import Any

import pytest

from gridbus.kernel import MINUTE, ComponentError, PermissionDenied, Port
from gridbus.kernel.plugins import contract
from gridbus.kernel.testing import run_components
from gridbus.roles.interfaces import (
    AggregateDemand,
    Award,
    AwardStatus,
    Bill,
    ClearingResult,
    DeviceLimit,
    DevicePower,
    Invoice,
    MarketEnergy,
    MeterRead,
    Order,
    OrderResponse,
    Position,
    Positions,
    Quality,
    SettlementStatement,
    SupplyOffer,
    WholesaleBid,
)

AWARD = Award(
    market="retail",
    product="real-time",
    clearing=0,
    resource="h1",
    order_id="o1",
    first_slot=0,
    slot_length=MINUTE,
    quantity_kw=(1.0,),
    price_per_kwh=(0.1,),
    status=(AwardStatus.AWARDED,),
    reason=("",),
)
ORDER = Order(
    market="retail",
    product="real-time",
    clearing=0,
    resource="h1",
    usage_point="h1",
    order_id="o1",
    first_slot=0,
    slot_length=MINUTE,
    quantity_kw=((1.0,),),
    price_per_kwh=((0.1,),),
)
READ = MeterRead(lse="green", usage_point="h1", start=0, duration=MINUTE, energy_kwh=1.0, quality=Quality.VALID)
POWER = DevicePower(device="h1", usage_point="h1", start=0, duration=MINUTE, power_kw=1.0, controllable=True)
LIMIT = DeviceLimit(device="h1", start=0, duration=MINUTE, import_limit_kw=1.0, reason="test")


def denial(address: str, main: Callable[[Port], Any]) -> PermissionDenied | None:
    try:
        run_components({address: main}, stop=1)
    except ComponentError as error:
        cause = error.__cause__
        if not isinstance(cause, PermissionDenied):
            raise
        return cause
    return None


def saying(address: str, message: object) -> PermissionDenied | None:
    async def main(port: Port) -> None:
        port.publish(message)

    return denial(address, main)


def hearing(address: str, cls: type, **chosen: str) -> PermissionDenied | None:
    async def main(port: Port) -> None:
        port.subscribe(cls, **chosen)

    return denial(address, main)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mo.retail", AWARD),
        ("agent.h1", ORDER),
        ("agent.h1", POWER),
        ("do.wires", READ),
        ("do.wires", LIMIT),
    ],
)
def test_who_owns_an_interface_may_speak_on_it(address: str, message: object) -> None:
    assert saying(address, message) is None


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mo.other", AWARD),
        ("lse.green", AWARD),
        ("do.wires", AWARD),
        ("agent.h1", AWARD),
        ("agent.h2", ORDER),
        ("lse.green", ORDER),
        ("agent.h2", POWER),
        ("lse.green", READ),
        ("agent.h1", READ),
        ("lse.green", LIMIT),
        ("mo.retail", LIMIT),
    ],
)
def test_nobody_speaks_for_another(address: str, message: object) -> None:
    refused = saying(address, message)
    assert refused is not None
    assert refused.action == "send"


@pytest.mark.parametrize(
    ("address", "cls", "chosen"),
    [
        ("lse.green", MeterRead, {"lse": "simple"}),
        ("lse.green", Positions, {"lse": "simple"}),
        ("mo.retail", MeterRead, {}),
        ("agent.h1", MeterRead, {}),
        ("do.wires", Order, {}),
        ("do.wires", Award, {}),
        ("do.wires", AggregateDemand, {}),
        ("do.wires", SupplyOffer, {}),
        ("do.wires", WholesaleBid, {}),
        ("lse.green", Order, {}),
        ("agent.h1", Order, {}),
        ("mo.other", Order, {"market": "retail"}),
        ("agent.h1", Award, {"resource": "h2"}),
        ("agent.h1", OrderResponse, {"resource": "h2"}),
        ("agent.h1", Position, {"resource": "h2"}),
        ("lse.green", Award, {}),
        ("lse.green", SettlementStatement, {"party": "simple"}),
        ("mo.other", MarketEnergy, {"market": "retail"}),
        ("lse.green", MarketEnergy, {}),
        ("agent.h1", DeviceLimit, {"device": "h2"}),
        ("agent.h1", Bill, {"usage_point": "h2"}),
        ("lse.green", Invoice, {"payer": "simple"}),
    ],
)
def test_nobody_hears_what_is_not_for_him(address: str, cls: type, chosen: dict[str, str]) -> None:
    refused = hearing(address, cls, **chosen)
    assert refused is not None
    assert refused.action == "hear"


@pytest.mark.parametrize(
    "address", ["agent.h1", "do.wires", "lse.green", "mo.retail", "wholesale.iso", "registry.main"]
)
def test_everybody_hears_the_result_of_a_market(address: str) -> None:
    assert hearing(address, ClearingResult) is None


def test_a_retailer_gets_its_own_reads_only_even_by_a_wildcard() -> None:
    heard: list[MeterRead] = []

    async def retailer(port: Port) -> None:
        async for read in port.subscribe("meter.>"):
            heard.append(read)  # noqa: PERF401 - to be seen while the run goes on

    async def wires(port: Port) -> None:
        await port.sleep_until(1)
        port.publish(READ)

    run_components({"do.wires": wires, "lse.simple": retailer}, stop=1)
    assert heard == []
    run_components({"do.wires": wires, "lse.green": retailer}, stop=1)
    assert heard == [READ]


def test_no_message_that_the_distribution_operator_may_hear_carries_a_bid_price() -> None:
    heard = [d for d in contract() if "do" in d.receiver_rules]
    assert heard
    priced = [d.name for d in heard for field in d.structure.fields if "price" in field.name]
    assert priced == []


def test_market_data_are_anonymous() -> None:
    public = [d for d in contract() if "*" in d.receiver_rules and d.senders == ("mo.{market}",)]
    assert {d.name for d in public} >= {"clearing_result", "market_state_change", "market_session", "market_info"}
    named = [d.name for d in public for field in d.structure.fields if field.name in ("resource", "usage_point", "lse")]
    assert named == []


def test_only_market_operators_may_send_awards_and_results() -> None:
    for cls in (Award, ClearingResult, Positions, AggregateDemand, SettlementStatement):
        (declaration,) = [d for d in contract() if d.cls is cls]
        assert declaration.senders == ("mo.{market}",)
