"""Who may say and hear what about settlement, and that a statement survives the wire and the records."""

from decimal import Decimal
from typing import Any

import attrs
import pytest

from gridbus.kernel import ComponentError, PermissionDenied, Port, decode, encode
from gridbus.kernel.testing import run_components
from gridbus.roles.interfaces import (
    Dispute,
    DisputeAnswer,
    DisputeStatus,
    LineKind,
    SettlementStatement,
    StatementLine,
    StatementType,
)

LINE = StatementLine(
    slot=0,
    kind=LineKind.REAL_TIME,
    quantity_kwh=0.5,
    price_per_kwh=0.2,
    amount=Decimal("0.100001"),
    usage_point="h1",
)
STATEMENT = SettlementStatement(
    market="retail",
    product="real-time",
    party="green",
    clearing=0,
    statement="retail-real-time-0-green-1",
    version=1,
    type=StatementType.INITIAL,
    start=0,
    end=1,
    lines=(LINE,),
    total=Decimal("0.100001"),
    estimated=False,
)
DISPUTE = Dispute(
    market="retail",
    party="green",
    product="real-time",
    clearing=0,
    dispute="d1",
    statement=STATEMENT.statement,
    line=0,
    claimed_kwh=0.4,
)
ANSWER = DisputeAnswer(
    market="retail", party="green", dispute="d1", statement=STATEMENT.statement, status=DisputeStatus.OPEN
)


def refusal(address: str, *, say: object = None, hear: type | None = None, **chosen: str) -> str:
    async def main(port: Port) -> None:
        if hear is None:
            port.publish(say)
        else:
            port.subscribe(hear, **chosen)

    try:
        run_components({address: main}, stop=1)
    except ComponentError as error:
        if not isinstance(error.__cause__, PermissionDenied):
            raise
        return error.__cause__.action
    return ""


@pytest.mark.parametrize(
    ("address", "message"), [("mo.retail", STATEMENT), ("lse.green", DISPUTE), ("mo.retail", ANSWER)]
)
def test_the_market_states_and_answers_and_the_retailer_disputes(address: str, message: object) -> None:
    assert refusal(address, say=message) == ""


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mo.other", STATEMENT),
        ("do.wires", STATEMENT),
        ("lse.green", STATEMENT),
        ("lse.simple", DISPUTE),
        ("agent.h1", DISPUTE),
        ("lse.green", ANSWER),
        ("mo.other", ANSWER),
    ],
)
def test_nobody_states_disputes_or_answers_for_another(address: str, message: object) -> None:
    assert refusal(address, say=message) == "send"


@pytest.mark.parametrize("address", ["lse.simple", "do.wires", "mo.retail", "agent.green"])
def test_a_statement_is_for_its_own_retailer_only(address: str) -> None:
    assert refusal(address, hear=SettlementStatement, party="green") == "hear"
    assert refusal("lse.green", hear=SettlementStatement, party="green") == ""
    assert refusal(address, hear=DisputeAnswer, party="green") == "hear"


@pytest.mark.parametrize("message", [STATEMENT, DISPUTE, ANSWER, attrs.evolve(STATEMENT, lines=())])
def test_messages_survive_the_wire(message: Any) -> None:
    assert decode(type(message), encode(message)) == message
