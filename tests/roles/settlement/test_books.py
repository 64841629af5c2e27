"""Books: both sides of every transfer, and what they find when a side is missing."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gridbus.roles.interfaces import LineKind
from gridbus.roles.settlement import Books, ClearingAccount, Party, Transfer

HOLDERS = [Party("lse", "green"), Party("lse", "simple"), Party("do", "wires"), Party("mo", "retail")]
AMOUNTS = st.integers(-(10**12), 10**12).map(lambda micros: Decimal(micros).scaleb(-6))
TRANSFERS = st.builds(
    Transfer,
    slot=st.integers(0, 2),
    kind=st.sampled_from(LineKind),
    payer=st.sampled_from(HOLDERS),
    payee=st.sampled_from(HOLDERS),
    amount=AMOUNTS,
)


@given(st.lists(TRANSFERS, max_size=20))
def test_whatever_is_transferred_the_balances_of_every_slot_sum_to_zero(transfers: list[Transfer]) -> None:
    books = Books()
    for transfer in transfers:
        books.enter(transfer)

    assert books.unbalanced() == ()
    for slot in range(3):
        assert sum(books.balance(holder, slot=slot) for holder in HOLDERS) == 0
    for holder in HOLDERS:
        in_slots = sum(books.balance(holder, slot=slot) for slot in range(3))
        of_kinds = sum(books.balance(holder, kind=kind) for kind in LineKind)
        received = sum(each.amount for each in transfers if each.payee == holder)
        paid = sum(each.amount for each in transfers if each.payer == holder)
        assert books.balance(holder) == in_slots == of_kinds == received - paid
        assert sum(amount for (whose, _), amount in books.totals().items() if whose == holder) == received - paid


def test_money_left_in_an_account_that_it_passes_through_is_found() -> None:
    books = Books()
    books.enter(Transfer(7, LineKind.REAL_TIME, HOLDERS[0], ClearingAccount.ENERGY, Decimal("1.5")))
    assert books.unbalanced() == (7,)

    books.enter(Transfer(7, LineKind.CONGESTION_RENT, ClearingAccount.ENERGY, HOLDERS[2], Decimal("1.4")))
    assert books.unbalanced() == (7,)

    books.enter(Transfer(7, LineKind.ROUNDING, ClearingAccount.ENERGY, ClearingAccount.ROUNDING, Decimal("0.1")))
    assert books.unbalanced() == ()


def test_a_transfer_that_is_entered_on_one_side_only_is_found() -> None:
    books = Books()
    books.enter(Transfer(3, LineKind.MARKET_FEE, HOLDERS[0], HOLDERS[3], Decimal("0.000001")))
    books._balances[3].pop((HOLDERS[3], LineKind.MARKET_FEE))

    assert books.unbalanced() == (3,)
