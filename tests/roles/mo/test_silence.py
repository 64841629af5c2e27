"""Nobody who asks is left without an answer, and nothing that is replaced goes unsaid."""

from decimal import Decimal

import attrs
import pytest

from gridbus.kernel import HOUR, MINUTE, Port
from gridbus.kernel.testing import Log
from gridbus.roles.interfaces import (
    AccountStatement,
    AggregateDemand,
    ClearingResult,
    Dispute,
    DisputeAnswer,
    DisputeStatus,
    MarketCall,
    Payment,
    ReasonCode,
    TransferKind,
)

SPAN = 5 * MINUTE


def disputing(play, when: int, dispute: Dispute) -> Log:
    async def lse(port: Port) -> None:
        port.start(play.retailer()(port))
        await port.sleep_until(when)
        port.publish(dispute)

    return play.run(play.hungry(), play.spec(dispute_min=5.0), lse=lse, stop=HOUR)


@pytest.mark.parametrize(
    ("when", "changes", "code"),
    [
        pytest.param(40, {}, ReasonCode.GATE_CLOSED, id="expired"),
        pytest.param(40, {"clearing": 7}, ReasonCode.UNKNOWN_REFERENCE, id="no such clearing"),
        pytest.param(40, {"product": "weekly"}, ReasonCode.UNKNOWN_REFERENCE, id="no such series"),
        pytest.param(20, {"clearing": 54 * MINUTE}, ReasonCode.UNKNOWN_REFERENCE, id="still to come"),
        pytest.param(7, {}, ReasonCode.UNKNOWN_REFERENCE, id="not delivered"),
        pytest.param(40, {"clearing": [1]}, ReasonCode.OUT_OF_BOUNDS, id="no number"),
        pytest.param(40, {"dispute": None}, ReasonCode.OUT_OF_BOUNDS, id="no id"),
    ],
)
def test_a_dispute_that_is_about_nothing_is_rejected(play, when: int, changes, code: ReasonCode) -> None:
    dispute = Dispute(
        market="retail",
        party="green",
        product="real-time",
        clearing=play.clearing,
        dispute="d1",
        statement="s1",
        line=0,
        claimed_kwh=1.0,
    )
    dispute = attrs.evolve(dispute, **changes)
    (answer,) = disputing(play, when * MINUTE, dispute).of(DisputeAnswer)
    assert (answer.party, answer.status) == ("green", DisputeStatus.REJECTED)
    assert answer.dispute == ("" if dispute.dispute is None else "d1")
    assert [reason.code for reason in answer.reasons] == [code]


def test_what_is_paid_to_the_market_is_in_its_books(play) -> None:
    async def lse(port: Port) -> None:
        port.start(play.retailer()(port))
        await port.sleep_until(MINUTE)
        for amount in ("1.25", "0.50"):
            fee = {"payee_role": "mo", "payee": "retail", "kind": TransferKind.MARKET_FEE}
            port.publish(Payment(**fee, amount=Decimal(amount)))

    log = play.run({}, lse=lse)
    (account,) = [each for each in log.of(AccountStatement) if each.party == "retail"]
    assert (account.received, account.paid) == (Decimal("1.75"), Decimal(0))


def test_a_missing_load_estimate_is_the_last_one_and_the_result_says_so(play) -> None:
    async def once(port: Port) -> None:
        is_first = True
        async for message in port.subscribe(MarketCall, AggregateDemand, market="retail"):
            if isinstance(message, AggregateDemand):
                port.publish(play.offer(message, 0.1))
            elif is_first:
                port.publish(play.estimate(port.name, message, 0, 7.0))
                is_first = False

    results = play.run(play.hungry(), lse=once, stop=play.stop + SPAN).of(ClearingResult)
    assert [result.inelastic_kw for result in results] == [7.0, 7.0]
    assert results[0].rules == ()
    assert "missing load estimate: the last" in results[1].rules
