"""Which lines of a market's statement a retailer contests."""

from collections.abc import Sequence
from decimal import Decimal

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE
from gridbus.roles.interfaces import LineKind, SettlementStatement, StatementLine, StatementType
from gridbus.roles.lse.billing import OwnBooks, contradictions
from gridbus.roles.lse.billing.statement_check import Claim
from gridbus.roles.lse.forecast import Expected
from gridbus.roles.settlement import DeliverySlot, Reconciliation, SettledInstance, SettlementRules

STEP = 15 * MINUTE
NAMES = ("h0", "h1", "h2")


UNBID_KW = np.array([0.5, -0.25, 0.0])


def statements(
    metered: np.ndarray, awarded: np.ndarray, held: np.ndarray, *, itemised: bool
) -> tuple[SettlementStatement, ...]:
    """What a market operator states that has these reads; arrays of shape (4 slots, 3 usage points)."""
    slots = tuple(
        DeliverySlot(
            start=number * STEP,
            length=STEP,
            usage_points=NAMES,
            retailers=("green",) * 3,
            real_time_kw=awarded[number],
            real_time_price_per_kwh=np.full(3, 0.2),
            supply_price_per_kwh=0.1,
            has_award=np.array([True, True, False]),
            unbid_kw=UNBID_KW,
            day_ahead_kw=held[number],
            day_ahead_price_per_kwh=np.full(3, 0.3),
            day_ahead_supply_price_per_kwh=0.1,
        )
        for number in range(4)
    )
    instance = SettledInstance(market="retail", do="wires", product="real-time", clearing=0, slots=slots)
    made = Reconciliation(instance, SettlementRules(itemised=itemised))
    issue = [made.read(number * STEP, STEP, NAMES, metered[number].tolist()) for number in range(4)]
    return tuple(statement for each in issue for statement in each.statements)


def places_of(names: Sequence[str]) -> np.ndarray:
    return np.array([NAMES.index(name) for name in names], dtype=np.intp)


def books(metered: np.ndarray, awarded: np.ndarray, held: np.ndarray) -> OwnBooks:
    return OwnBooks(
        places=places_of,
        supplied=lambda _: places_of(NAMES),
        metered_kwh=lambda places, start, _: metered[start // STEP, places],
        position_kwh=lambda places, start, end: held[start // STEP, places] * (end - start) / HOUR,
        expected=lambda slot: Expected(places_of(("h0", "h1")), float((awarded[slot // STEP] + UNBID_KW)[:2].sum())),
    )


SHAPE = st.integers(0, 2**32 - 1)


def random_market(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    metered, awarded, held = random.uniform(-3.0, 3.0, (3, 4, 3))
    awarded[:, 2] = held[:, 2] = 0.0
    return metered, awarded, held


@given(seed=SHAPE, itemised=st.booleans())
def test_a_statement_that_agrees_with_the_books_is_not_contested(seed: int, itemised: bool) -> None:
    metered, awarded, held = random_market(seed)
    (statement,) = statements(metered, awarded, held, itemised=itemised)
    assert list(contradictions(statement, STEP, books(metered, awarded, held))) == []


@given(
    seed=SHAPE,
    itemised=st.booleans(),
    slot=st.integers(0, 3),
    place=st.integers(0, 2),
    off=st.floats(0.01, 2.0) | st.floats(-2.0, -0.01),
)
def test_a_wrong_read_is_contested_in_its_slot_with_what_makes_it_right(
    seed: int, itemised: bool, slot: int, place: int, off: float
) -> None:
    metered, awarded, held = random_market(seed)
    wrong = metered.copy()
    wrong[slot, place] += off
    (statement,) = statements(wrong, awarded, held, itemised=itemised)
    (right,) = statements(metered, awarded, held, itemised=itemised)
    (claim,) = contradictions(statement, STEP, books(metered, awarded, held))
    line = statement.lines[claim.line]
    assert (line.slot, line.usage_point) == (slot * STEP, NAMES[place] if itemised else "")
    key = line.slot, line.kind, line.usage_point
    (same,) = (each for each in right.lines if (each.slot, each.kind, each.usage_point) == key)
    assert claim.claimed_kwh == pytest.approx(same.quantity_kwh, abs=1e-9)


def test_a_wrong_position_is_contested_too() -> None:
    metered, awarded, held = random_market(3)
    other = held.copy()
    other[1, 0] += 1.0
    (statement,) = statements(metered, awarded, other, itemised=True)
    (claim,) = contradictions(statement, STEP, books(metered, awarded, held))
    line = statement.lines[claim.line]
    assert (line.kind, line.slot, line.usage_point) == (LineKind.DAY_AHEAD, STEP, "h0")
    assert claim.claimed_kwh == pytest.approx(held[1, 0] / 4)


def test_what_was_expected_of_a_slot_is_forgotten_and_then_nothing_is_claimed_of_all_together() -> None:
    metered, awarded, held = random_market(5)
    own = attrs.evolve(books(metered + 1.0, awarded, held), expected=lambda _: None)
    (statement,) = statements(metered, awarded, held, itemised=False)
    assert list(contradictions(statement, STEP, own)) == []


@pytest.mark.parametrize("itemised", [True, False])
def test_where_a_read_is_missing_nothing_is_claimed(itemised: bool) -> None:
    metered, awarded, held = random_market(4)
    known = metered.copy()
    known[2, 1] = np.nan
    metered[2, 1] += 1.0
    (statement,) = statements(metered, awarded, held, itemised=itemised)
    assert list(contradictions(statement, STEP, books(known, awarded, held))) == []


def test_a_slot_that_the_run_cuts_short_is_compared_up_to_there() -> None:
    spans: list[tuple[int, int]] = []

    def metered(_: np.ndarray, start: int, end: int) -> np.ndarray:
        spans.append((start, end))
        return np.array([2.0])

    line = StatementLine(
        slot=0, kind=LineKind.REAL_TIME, quantity_kwh=1.5, price_per_kwh=0.1, amount=Decimal("0.15"), usage_point="h1"
    )
    statement = SettlementStatement(
        market="retail",
        product="real-time",
        party="green",
        clearing=0,
        statement="s-1",
        version=1,
        type=StatementType.INITIAL,
        start=0,
        end=10 * MINUTE,
        lines=(line,),
        total=Decimal("0.15"),
        estimated=False,
    )
    nothing = np.zeros(1)
    own = OwnBooks(
        places=places_of,
        supplied=lambda _: places_of(()),
        metered_kwh=metered,
        position_kwh=lambda *_: nothing,
        expected=lambda _: None,
    )
    assert list(contradictions(statement, STEP, own)) == [Claim(0, 2.0)]
    assert spans == [(0, 10 * MINUTE)]
