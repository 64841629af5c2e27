"""Money: rounding, and both sides of every transfer."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import MINUTE, Port
from gridbus.kernel.testing import run_components
from gridbus.roles.accounts import Account, dollars
from gridbus.roles.interfaces import BILLING, AccountStatement, Invoice, Payment, TransferKind


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        (0.0, "0.00"),
        (1.0, "1.00"),
        (0.125, "0.12"),
        (0.135, "0.14"),
        (2.675, "2.68"),
        (-0.125, "-0.12"),
        (1e-9, "0.00"),
    ],
)
def test_amounts_are_rounded_to_the_cent_half_to_even_as_they_are_written(amount: float, rounded: str) -> None:
    assert dollars(amount) == Decimal(rounded)
    assert dollars(amount).as_tuple().exponent == -2


@settings(deadline=None, max_examples=20)
@given(amount=st.floats(-1e9, 1e9))
def test_rounding_moves_an_amount_by_half_a_cent_at_most(amount: float) -> None:
    assert abs(dollars(amount) - Decimal(amount)) <= Decimal("0.005") + Decimal("1e-6")


def test_amounts_can_be_rounded_finer() -> None:
    assert dollars(0.0000125, Decimal("0.000001")) == Decimal("0.000012")
    assert dollars(1.0, Decimal("0.000001")).as_tuple().exponent == -6


CENTS = st.integers(-100_000, 100_000).map(lambda cents: Decimal(cents) / 100)


@settings(deadline=None, max_examples=8)
@given(amounts=st.lists(CENTS, min_size=1, max_size=6))
def test_an_invoice_is_paid_and_the_books_of_both_sides_sum_to_zero(amounts: list[Decimal]) -> None:
    async def wires(port: Port) -> None:
        account = Account(port)
        port.start(account.receive())
        port.start(account.close())
        await port.sleep_until(port.stop, BILLING)
        for amount in amounts:
            account.invoice("lse", "green", TransferKind.USE_OF_SYSTEM, amount)

    async def retailer(port: Port) -> None:
        account = Account(port)
        for activity in (account.receive, account.settle_invoices, account.close):
            port.start(activity())

    log = run_components({"do.wires": wires, "lse.green": retailer, "lse.other": retailer}, stop=MINUTE)
    assert [each.amount for each in log.of(Invoice)] == amounts
    payments = [(e.message.payee, e.sender, e.message.amount) for e in log.envelopes if isinstance(e.message, Payment)]
    assert payments == [("wires", "lse.green", amount) for amount in amounts]
    statements = {each.party: each for each in log.of(AccountStatement)}
    assert statements["wires"].received == statements["green"].paid == sum(amounts)
    assert statements["other"].balance == 0
    assert sum(each.balance for each in statements.values()) == 0


@settings(deadline=None, max_examples=8)
@given(amounts=st.lists(CENTS, min_size=1, max_size=6))
def test_what_is_due_is_invoiced_or_paid_and_the_payer_may_be_the_distribution_operator(amounts: list[Decimal]) -> None:
    async def market(port: Port) -> None:
        account = Account(port)
        port.start(account.receive())
        port.start(account.close())
        await port.sleep_until(port.stop, BILLING)
        for amount in amounts:
            account.settle("do", "wires", TransferKind.LOSSES, amount)

    async def wires(port: Port) -> None:
        account = Account(port)
        for activity in (account.receive, account.settle_invoices, account.close):
            port.start(activity())

    log = run_components({"mo.retail": market, "do.wires": wires}, stop=MINUTE)
    assert [each.amount for each in log.of(Invoice)] == [amount for amount in amounts if amount > 0]
    statements = {each.party: each for each in log.of(AccountStatement)}
    assert statements["retail"].balance == -statements["wires"].balance == sum(amounts)
    assert statements["wires"].received == -sum(amount for amount in amounts if amount < 0)
