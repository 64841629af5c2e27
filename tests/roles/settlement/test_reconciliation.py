"""Reconciliation: versions that follow each other without a gap, disputes by their rule, money that adds up."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE, Duration, Instant, UsageError
from gridbus.roles.interfaces import (
    Dispute,
    DisputeStatus,
    LineKind,
    ReasonCode,
    SettlementStatement,
    StatementType,
    TransferKind,
)
from gridbus.roles.settlement import (
    DeliverySlot,
    Due,
    Dues,
    Issue,
    LossPayer,
    ReconcileState,
    Reconciliation,
    SettledInstance,
    SettlementRules,
)

USAGE_POINTS = ("h1", "h2", "h3")
RETAILERS = ("green", "green", "blue")
LENGTH: Duration = 15 * MINUTE
SLOTS = 2
END: Instant = SLOTS * LENGTH
RULES = SettlementRules(fee_per_kwh=0.001, itemised=True)


def instance() -> SettledInstance:
    """Two quarters of an hour; three usage points of two retailers are awarded 4, 2 and -1 kW."""
    slots = [
        DeliverySlot(
            start=number * LENGTH,
            length=LENGTH,
            usage_points=USAGE_POINTS,
            retailers=RETAILERS,
            day_ahead_kw=np.array([3.0, 0.0, -1.0]),
            day_ahead_price_per_kwh=np.full(3, 0.11),
            day_ahead_supply_price_per_kwh=0.10,
            real_time_kw=np.array([4.0, 2.0, -1.0]),
            real_time_price_per_kwh=np.array([0.2, 0.2, 0.3]),
            supply_price_per_kwh=0.18,
            has_award=np.full(3, True),
        )
        for number in range(SLOTS)
    ]
    return SettledInstance("retail", "wires", "real-time", 0, tuple(slots))


def reconciliation(**changes: Any) -> Reconciliation:
    return Reconciliation(instance(), SettlementRules(**({"fee_per_kwh": 0.001, "itemised": True} | changes)))


def read_all(subject: Reconciliation, energy_kwh: float = 0.5, but: tuple[str, ...] = ()) -> Issue:
    names = [name for name in USAGE_POINTS if name not in but]
    return subject.read(0, END, names, [energy_kwh * SLOTS] * len(names))


def statement_of(issue: Issue, party: str = "green") -> SettlementStatement:
    (found,) = [each for each in issue.statements if each.party == party]
    return found


def place_of(statement: SettlementStatement, kind: LineKind, usage_point: str, slot: Instant = 0) -> int:
    keys = [(line.kind, line.usage_point, line.slot) for line in statement.lines]
    return keys.index((kind, usage_point, slot))


def a_dispute(statement: SettlementStatement, line: int, claimed_kwh: float, name: str = "d1") -> Dispute:
    return Dispute(
        market="retail",
        party=statement.party,
        product="real-time",
        clearing=0,
        dispute=name,
        statement=statement.statement,
        line=line,
        claimed_kwh=claimed_kwh,
    )


# From the last read to the final statement


def test_the_last_read_brings_the_initial_statements_one_for_each_retailer() -> None:
    subject = reconciliation()
    assert read_all(subject, but=("h3",)) == Issue()
    issue = subject.read(0, END, ["h3"], [1.0])

    assert [each.party for each in issue.statements] == ["blue", "green"]
    assert {(each.type, each.version, each.estimated) for each in issue.statements} == {
        (StatementType.INITIAL, 1, False)
    }
    assert subject.state is ReconcileState.DISPUTE_WINDOW
    assert subject.meter_deadline() == Issue()


def test_a_statement_has_the_closed_form_of_two_settlements_as_its_total() -> None:
    statement = statement_of(read_all(reconciliation()))
    # Of h1 and h2, in each slot: rent on what is held day-ahead and on the deviation, and the fee on what is awarded.
    rent = 0.75 * (0.11 - 0.10) + (0.5 - 0.75 + 0.5) * (0.2 - 0.18)
    fee = (3.0 + 4.0 + 2.0) * 0.25 * 0.001
    assert float(statement.total) == pytest.approx(2 * (rent + fee), abs=1e-5)
    assert statement.total == sum(line.amount for line in statement.lines)


def test_what_has_not_been_read_by_the_deadline_is_taken_to_be_what_was_awarded() -> None:
    subject = reconciliation()
    read_all(subject, but=("h2",))
    issue = subject.meter_deadline()
    green, blue = statement_of(issue), statement_of(issue, "blue")

    assert (green.estimated, blue.estimated) == (True, False)
    assert all(line.kind is not LineKind.IMBALANCE for line in green.lines if line.usage_point == "h2")
    assert any(line.kind is LineKind.IMBALANCE for line in green.lines if line.usage_point == "h1")
    assert (subject.state, green.type) == (ReconcileState.DISPUTE_WINDOW, StatementType.INITIAL)


def test_a_late_read_makes_a_recalculation_due_that_carries_the_difference() -> None:
    subject = reconciliation()
    read_all(subject, but=("h2",))
    first = statement_of(subject.meter_deadline())
    assert subject.recalculate() == Issue()
    assert subject.read(0, END, ["h2"], [3.0]) == Issue()
    assert subject.state is ReconcileState.RECALCULATED
    issue = subject.recalculate()
    second = statement_of(issue)

    assert (second.type, second.version, second.supersedes) == (StatementType.RECALCULATION, 2, first.statement)
    assert not second.estimated
    # 2 kWh more than estimated, at 0.02 above the supply.
    assert second.total - first.total == Decimal("0.04")
    rent = TransferKind.CONGESTION_RENT
    assert set(issue.dues) == {Due("lse", "green", rent, Decimal("0.04")), Due("do", "wires", rent, Decimal("-0.04"))}
    other = statement_of(issue, "blue")
    assert (other.lines, other.version) == ((), 2)


def test_the_final_statement_repeats_the_total_or_carries_what_was_not_issued() -> None:
    subject = reconciliation()
    first = statement_of(read_all(subject))
    issue = subject.close()
    last = statement_of(issue)
    assert (last.type, last.version, last.total, last.lines) == (StatementType.FINAL, 2, first.total, ())
    assert issue.dues == ()

    subject = reconciliation()
    first = statement_of(read_all(subject))
    subject.read(0, END, ["h1"], [11.0])
    issue = subject.close()
    assert statement_of(issue).total - first.total == Decimal("0.2")
    assert [due.amount for due in issue.dues if due.role == "lse"] == [Decimal("0.2")]


def test_what_comes_after_the_final_statement_changes_nothing() -> None:
    subject = reconciliation()
    first = statement_of(read_all(subject))
    subject.close()
    assert subject.is_final
    for issue in (
        subject.read(0, END, ["h1"], [99.0]),
        subject.lost("green", 0, END, 1.0),
        subject.meter_deadline(),
        subject.recalculate(),
        subject.close(),
    ):
        assert issue == Issue()
    (answer,) = subject.dispute(a_dispute(first, 0, 1.0)).answers
    assert (answer.status, answer.reasons[0].code) == (DisputeStatus.REJECTED, ReasonCode.GATE_CLOSED)
    assert subject.version == 2


def test_closing_a_window_that_nobody_was_read_for_issues_both_statements() -> None:
    issue = reconciliation().close()
    assert [(each.party, each.type.value) for each in issue.statements] == [
        ("blue", "initial"),
        ("green", "initial"),
        ("blue", "final"),
        ("green", "final"),
    ]


def test_statements_can_have_one_line_a_slot_and_kind() -> None:
    long, short = statement_of(read_all(reconciliation())), statement_of(read_all(reconciliation(itemised=False)))
    assert short.total == long.total
    keys = [(line.slot, line.kind) for line in short.lines]
    assert len(keys) == len(set(keys)) < len(long.lines)
    for line in short.lines:
        assert line.usage_point == ""
        assert float(line.amount) == pytest.approx(line.quantity_kwh * line.price_per_kwh, abs=3e-6)


# Losses


def test_where_the_distribution_operator_pays_for_losses_they_are_waited_for() -> None:
    subject = reconciliation(losses_paid_by=LossPayer.DO)
    assert read_all(subject) == Issue()
    assert subject.lost("blue", 0, END, 0.2) == Issue()
    issue = subject.lost("green", 0, END, 0.4)

    losses = {due.role + due.name: due.amount for due in issue.dues if due.kind is TransferKind.LOSSES}
    assert losses == {"lsegreen": Decimal("-0.072"), "lseblue": Decimal("-0.036"), "dowires": Decimal("0.108")}


def test_where_retailers_carry_losses_they_are_of_no_account() -> None:
    subject = reconciliation()
    assert subject.lost("green", 0, END, 0.4) == Issue()
    assert all(due.kind is not TransferKind.LOSSES for due in read_all(subject).dues)


# Meter reads of any length


@pytest.mark.parametrize("interval", [5 * MINUTE, 15 * MINUTE, 30 * MINUTE])
def test_the_length_of_metering_intervals_makes_no_difference_to_even_load(interval: Duration) -> None:
    subject, issue = reconciliation(), Issue()
    for start in range(0, END, interval):
        issue += subject.read(start, interval, USAGE_POINTS, [2.0 * interval / HOUR] * 3)
    assert statement_of(issue).total == statement_of(read_all(reconciliation())).total


def test_a_read_replaces_those_that_it_overlaps_and_a_gap_that_it_leaves_is_estimated() -> None:
    subject = reconciliation()
    read_all(subject, but=("h1",))
    subject.read(0, LENGTH, ["h1"], [5.0])
    subject.read(0, LENGTH // 3, ["h1"], [0.5])
    first = statement_of(subject.meter_deadline())

    line = first.lines[place_of(first, LineKind.IMBALANCE, "h1")]
    # A third is read, two thirds are estimated at 4 kW; in the second slot all is.
    assert line.quantity_kwh == pytest.approx(0.5 - 1.0 / 3)
    assert first.estimated
    assert all(line.slot == 0 for line in first.lines if (line.kind, line.usage_point) == (LineKind.IMBALANCE, "h1"))


def test_reads_that_overlap_are_not_counted_twice() -> None:
    subject = reconciliation()
    for start, duration in ((0, END), (MINUTE, LENGTH), (0, LENGTH), (LENGTH, LENGTH)):
        issue = subject.read(start, duration, USAGE_POINTS, [2.0 * duration / HOUR] * 3)
    subject.read(MINUTE, MINUTE, ["h1"], [2.0 / 60])
    last = statement_of(subject.close())
    # A minute of the first slot is read, the rest of it estimated at 4 kW.
    assert last.lines[place_of(last, LineKind.IMBALANCE, "h1")].quantity_kwh == pytest.approx((2.0 - 4.0) / 60)
    assert issue == Issue()


def test_an_estimate_of_the_meter_operator_counts_as_a_read_but_is_told() -> None:
    subject = reconciliation()
    read_all(subject, but=("h1",))
    statement = statement_of(subject.read(0, END, ["h1"], [1.0], ["h1"]))
    assert (statement.type, statement.estimated) == (StatementType.INITIAL, True)

    subject.read(0, END, ["h1"], [1.0])
    assert subject.state is ReconcileState.RECALCULATED
    assert not statement_of(subject.recalculate()).estimated


def test_reads_of_others_and_repeated_ones_change_nothing() -> None:
    subject = reconciliation()
    read_all(subject)
    for issue in (
        subject.read(0, END, ["h9"], [1.0]),
        subject.read(END, END, ["h1"], [1.0]),
        subject.read(0, END, ["h1"], [1.0]),
    ):
        assert issue == Issue()
    assert subject.state is ReconcileState.DISPUTE_WINDOW


@pytest.mark.parametrize(("duration", "energy_kwh"), [(0, 1.0), (END, float("nan"))])
def test_a_read_that_is_none_is_refused(duration: Duration, energy_kwh: float) -> None:
    with pytest.raises(UsageError, match="finite number"):
        reconciliation().read(0, duration, ["h1"], [energy_kwh])


# Disputes


def disputed(claimed_kwh: float, revised_kwh: float | None = None) -> tuple[Reconciliation, Issue]:
    """Dispute the imbalance of h1 in the first slot, stated as 0.5 - 1 = -0.5 kWh, after a revised read or without."""
    subject = reconciliation()
    first = statement_of(read_all(subject))
    if revised_kwh is not None:
        subject.read(0, LENGTH, ["h1"], [revised_kwh])
    return subject, subject.dispute(a_dispute(first, place_of(first, LineKind.IMBALANCE, "h1"), claimed_kwh))


def test_a_claim_that_the_latest_meter_data_prove_is_upheld_and_recalculated() -> None:
    subject, issue = disputed(claimed_kwh=-0.2, revised_kwh=0.8)

    assert [answer.status for answer in issue.answers] == [DisputeStatus.RESOLVED]
    recalculated = statement_of(issue)
    assert (recalculated.type, recalculated.version) == (StatementType.RECALCULATION, 2)
    assert recalculated.lines[place_of(recalculated, LineKind.IMBALANCE, "h1")].quantity_kwh == pytest.approx(-0.2)
    assert subject.state is ReconcileState.DISPUTE_WINDOW


@pytest.mark.parametrize(
    ("claimed_kwh", "revised_kwh", "code"),
    [
        (-0.1, 0.8, ReasonCode.OUT_OF_BOUNDS),
        (-0.2, None, ReasonCode.OUT_OF_BOUNDS),
        (-0.5, None, ReasonCode.ALREADY_SUBMITTED),
        (float("nan"), 0.8, ReasonCode.OUT_OF_BOUNDS),
    ],
)
def test_a_claim_that_they_do_not_prove_or_that_changes_nothing_is_rejected(
    claimed_kwh: float, revised_kwh: float | None, code: ReasonCode
) -> None:
    _, issue = disputed(claimed_kwh, revised_kwh)
    assert [(answer.status, answer.reasons[0].code) for answer in issue.answers] == [(DisputeStatus.REJECTED, code)]
    assert issue.statements == ()


def test_a_claim_against_an_estimate_stays_open_until_the_meter_is_read() -> None:
    subject = reconciliation()
    read_all(subject, but=("h2",))
    first = statement_of(subject.meter_deadline())
    issue = subject.dispute(a_dispute(first, place_of(first, LineKind.REAL_TIME, "h2"), 9.0, "d1"))
    issue += subject.dispute(a_dispute(first, place_of(first, LineKind.REAL_TIME, "h2"), 0.5, "d2"))
    assert [answer.status for answer in issue.answers] == [DisputeStatus.OPEN, DisputeStatus.OPEN]
    assert subject.read(0, LENGTH, ["h2"], [0.7]).answers[0].status is DisputeStatus.REJECTED

    subject = reconciliation()
    read_all(subject, but=("h2",))
    first = statement_of(subject.meter_deadline())
    line = place_of(first, LineKind.REAL_TIME_SUPPLY, "")
    wanted = first.lines[line].quantity_kwh - 0.2
    assert subject.dispute(a_dispute(first, line, wanted)).answers[0].status is DisputeStatus.OPEN
    issue = subject.read(0, LENGTH, ["h2"], [0.7])
    assert [answer.status for answer in issue.answers] == [DisputeStatus.RESOLVED]
    assert statement_of(issue).type is StatementType.RECALCULATION


def test_estimates_of_another_retailer_do_not_hold_up_a_claim() -> None:
    subject = reconciliation(itemised=False)
    read_all(subject, but=("h3",))
    first = statement_of(subject.meter_deadline())
    (answer,) = subject.dispute(a_dispute(first, 0, first.lines[0].quantity_kwh)).answers
    assert answer.status is DisputeStatus.REJECTED


def test_a_claim_that_is_open_when_the_window_closes_is_rejected() -> None:
    subject = reconciliation()
    first = statement_of(subject.meter_deadline())
    subject.dispute(a_dispute(first, 0, 9.0))
    (answer,) = subject.close().answers
    assert (answer.status, answer.reasons[0].code) == (DisputeStatus.REJECTED, ReasonCode.EXPIRED)


def test_a_dispute_of_what_is_not_there_is_rejected() -> None:
    subject = reconciliation()
    other = reconciliation()
    first = statement_of(read_all(other))
    (answer,) = subject.dispute(a_dispute(first, 0, 1.0)).answers
    assert answer.reasons[0].code is ReasonCode.UNKNOWN_REFERENCE

    read_all(subject)
    (answer,) = subject.dispute(a_dispute(first, len(first.lines), 1.0)).answers
    assert answer.reasons[0].path == "line"
    subject.read(0, END, ["h1"], [7.0])
    subject.recalculate()
    (answer,) = subject.dispute(a_dispute(first, 0, 1.0)).answers
    assert answer.reasons[0].path == "statement"
    assert "-2" in answer.reasons[0].text


# Whatever happens


CALLS = st.lists(
    st.one_of(
        st.tuples(
            st.just("read"),
            st.sampled_from(USAGE_POINTS),
            st.integers(0, 5),
            st.integers(1, 6),
            st.sampled_from([-1.0, 0.0, 0.5, 1.0, 7.0]),
            st.booleans(),
        ),
        st.tuples(st.just("lost"), st.sampled_from(["green", "blue"]), st.sampled_from([0.0, 0.1, 0.2])),
        st.tuples(st.just("dispute"), st.sampled_from(["green", "blue"]), st.integers(0, 20), st.floats(-2, 2)),
        st.sampled_from([("meter_deadline",), ("recalculate",), ("close",)]),
    ),
    max_size=25,
)


def called(
    subject: Reconciliation, call: tuple[Any, ...], latest: dict[str, SettlementStatement], number: int
) -> Issue:
    match call:
        case ("read", usage_point, start, count, energy_kwh, estimated):
            minutes = 5 * MINUTE
            names = [usage_point, "h9", "h2"]
            return subject.read(start * minutes, count * minutes, names, [energy_kwh] * 3, names[:estimated])
        case ("lost", retailer, energy_kwh):
            return subject.lost(retailer, 0, END, energy_kwh)
        case ("dispute", party, line, claimed_kwh):
            there = latest.get(party)
            return Issue() if there is None else subject.dispute(a_dispute(there, line, claimed_kwh, f"d{number}"))
        case (name,):
            return getattr(subject, name)()  # type: ignore[no-any-return]
    raise AssertionError(call)


@settings(max_examples=150)
@given(calls=CALLS, losses_paid_by=st.sampled_from(LossPayer))
def test_whatever_happens_no_version_is_skipped_and_dues_add_up(
    calls: list[tuple[Any, ...]], losses_paid_by: LossPayer
) -> None:
    subject = reconciliation(losses_paid_by=losses_paid_by)
    told: defaultdict[str, list[SettlementStatement]] = defaultdict(list)
    dues: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for number, call in enumerate([*calls, ("close",)]):
        issue = called(subject, call, {party: each[-1] for party, each in told.items()}, number)
        for statement in issue.statements:
            told[statement.party].append(statement)
        for due in issue.dues:
            dues[due.role, due.name] += due.amount
        assert subject.books.unbalanced() == ()

    for party in ("green", "blue"):
        statements = told[party]
        assert [each.version for each in statements] == list(range(1, len(statements) + 1))
        assert [each.supersedes for each in statements] == ["", *(each.statement for each in statements[:-1])]
        types = [each.type for each in statements]
        assert types[0] is StatementType.INITIAL
        assert types[-1] is StatementType.FINAL
        assert set(types[1:-1]) <= {StatementType.RECALCULATION}
        assert dues["lse", party] == statements[-1].total
        for before, after in zip([None, *statements], statements, strict=False):
            stated = sum((line.amount for line in after.lines), Decimal(0))
            assert after.total == (stated if after.lines or before is None else before.total)
    # What the operators of market and network and the rounding get is what the retailers pay.
    books = subject.books
    kept = -sum(books.balance(holder) for holder in {t.payer for t in books.transfers} if str(holder).startswith("lse"))
    assert kept == dues["lse", "green"] + dues["lse", "blue"]
    assert books.balance(subject.instance.entities.do) == -dues["do", "wires"]


# Dues


CENTS = st.lists(st.integers(-20_000, 20_000).map(lambda n: Decimal(n).scaleb(-6)), max_size=30)


@given(CENTS, st.integers(1, 5))
def test_dues_are_asked_for_in_cents_and_less_than_a_cent_is_left_over(amounts: list[Decimal], every: int) -> None:
    gathered, taken = Dues(), Decimal(0)
    for place, amount in enumerate(amounts):
        gathered.add([Due("lse", "green", TransferKind.MARKET_FEE, amount)])
        if place % every == 0:
            for due in gathered.take():
                assert (due.role, due.name, due.kind) == ("lse", "green", TransferKind.MARKET_FEE)
                assert due.amount == due.amount.quantize(Decimal("0.01")) != 0
                taken += due.amount
    taken += sum((due.amount for due in gathered.take()), Decimal(0))
    assert abs(taken - sum(amounts)) <= Decimal("0.005")
