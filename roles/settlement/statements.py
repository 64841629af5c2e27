"""Reconciliation of one market instance: from meter data and disputes to statements in versions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

import attrs
import numpy as np

from ...kernel import Duration, Instant, InternalError
from ...kernel.shape import evolved
from ..interfaces import (
    Dispute,
    DisputeAnswer,
    DisputeStatus,
    Reason,
    ReasonCode,
    SettlementStatement,
    StatementType,
)
from .booking import Balances, book_slot, owed
from .books import Books, Party
from .disputes import Claim, refutation
from .dues import Due
from .lines import statement_lines
from .meter_data import MeterData
from .rules import LossPayer, SettlementRules
from .states import ReconcileEvent, ReconcileState, following
from .two_settlement import DeliverySlot, Entities


@attrs.frozen(eq=False)
class SettledInstance:
    """What a market has cleared, as far as it is binding: what its settlement starts from."""

    market: str
    do: str
    product: str
    clearing: Instant
    slots: tuple[DeliverySlot, ...]
    """In order of time, at least one."""

    @property
    def retailers(self) -> list[str]:
        """Those who get a statement."""
        return sorted({retailer for slot in self.slots for retailer in slot.by_retailer})

    @property
    def entities(self) -> Entities:
        """The operators of market and network."""
        return Entities(mo=Party("mo", self.market), do=Party("do", self.do))


@attrs.frozen
class Issue:
    """What the market operator has to publish, and to invoice or pay."""

    statements: tuple[SettlementStatement, ...] = ()
    answers: tuple[DisputeAnswer, ...] = ()
    dues: tuple[Due, ...] = ()

    def __add__(self, other: Issue) -> Issue:
        return Issue(self.statements + other.statements, self.answers + other.answers, self.dues + other.dues)


@attrs.define
class Reconciliation:
    """The settlement of one instance, from its delivery to its final statement.

    Every method takes what has happened and returns what has to be said and paid for it.
    """

    instance: SettledInstance
    rules: SettlementRules
    state: ReconcileState = attrs.field(default=ReconcileState.AWAIT_METER, init=False)
    version: int = attrs.field(default=0, init=False)
    books: Books = attrs.field(factory=Books, init=False)
    """The books of the latest version."""
    _meters: MeterData = attrs.field(init=False)
    _latest: dict[str, SettlementStatement] = attrs.field(factory=dict, init=False)
    """Retailer to its latest statement, with all lines."""
    _is_current: bool = attrs.field(default=False, init=False)
    """Whether the books rest on all that was read."""
    _owed: Balances = attrs.field(factory=dict, init=False)
    _open: dict[tuple[str, str], Claim] = attrs.field(factory=dict, init=False)
    """Retailer and id of the dispute to what is not decided yet."""

    def __attrs_post_init__(self) -> None:
        self._meters = MeterData(self.instance.slots, with_losses=self.rules.losses_paid_by is LossPayer.DO)

    @property
    def is_final(self) -> bool:
        """Whether nothing can change any more."""
        return self.state is ReconcileState.FINAL

    def read(
        self,
        start: Instant,
        duration: Duration,
        usage_points: Sequence[str],
        energy_kwh: Sequence[float],
        estimated: Collection[str] = (),
    ) -> Issue:
        """Take reads of an interval, of any length; those of the usage points in ``estimated`` are estimates.

        With the last read that is missing, the initial statements are issued.
        """
        if self.is_final:
            return Issue()
        was_complete = self._meters.complete
        is_change = self._meters.read(start, duration, usage_points, energy_kwh, estimated)
        return self._revised(was_complete) if is_change else Issue()

    def lost(self, retailer: str, start: Instant, duration: Duration, energy_kwh: float) -> Issue:
        """Take a retailer's share in the losses of an interval; of no account where retailers carry them."""
        if self.is_final:
            return Issue()
        was_complete = self._meters.complete
        is_change = self._meters.lost(retailer, start, duration, energy_kwh)
        return self._revised(was_complete) if is_change else Issue()

    def meter_deadline(self) -> Issue:
        """Estimate what has not been read, and issue the initial statements, unless they are out."""
        if self.state is not ReconcileState.AWAIT_METER:
            return Issue()
        self._step(ReconcileEvent.METER_DEADLINE)
        return self._issue(StatementType.INITIAL)

    def dispute(self, dispute: Dispute) -> Issue:
        """Take a dispute and answer it; one that is upheld is followed by a recalculation."""
        latest = self._latest.get(dispute.party)
        if reason := _inadmissible(dispute, latest, is_final=self.is_final):
            return Issue(answers=(_answer(dispute, DisputeStatus.REJECTED, reason),))
        self._step(ReconcileEvent.DISPUTE_RAISED)
        key = dispute.party, dispute.dispute
        self._open[key] = Claim(dispute, self._latest[dispute.party].lines[dispute.line])
        issue = self._judge_open()
        if key in self._open:
            issue += Issue(answers=(_answer(dispute, DisputeStatus.OPEN),))
        return issue

    def recalculate(self) -> Issue:
        """Issue recalculated statements, if a number has changed since the last ones."""
        if self.state is not ReconcileState.RECALCULATED:
            return Issue()
        return self._issue(StatementType.RECALCULATION)

    def close(self) -> Issue:
        """Close the dispute window and issue the final statements."""
        if self.is_final:
            return Issue()
        issue = self.meter_deadline()
        expired = Reason(code=ReasonCode.EXPIRED, text="no meter data had proved it when the window closed")
        answers = tuple(_answer(claim.dispute, DisputeStatus.REJECTED, expired) for claim in self._open.values())
        self._open.clear()
        self._step(ReconcileEvent.WINDOW_CLOSED)
        return issue + Issue(answers=answers) + self._issue(StatementType.FINAL)

    def _revised(self, was_complete: bool) -> Issue:
        self._is_current = False
        self._step(ReconcileEvent.METER_REVISED)
        if self._meters.complete and not was_complete:
            self._step(ReconcileEvent.METER_COMPLETE)
        if self.state is ReconcileState.INITIAL:
            return self._issue(StatementType.INITIAL)
        return self._judge_open()

    def _step(self, event: ReconcileEvent) -> None:
        self.state = following(self.state, event)

    # Statements

    def _settled(self) -> Books:
        """The books that follow from the meter data as they are."""
        books = Books()
        for number, slot in enumerate(self.instance.slots):
            book_slot(books, slot, self._meters.metered(number), self.rules, self.instance.entities)
        if wrong := books.unbalanced():
            raise InternalError(f"the books of {self.instance.market} do not balance in the slots at {wrong} ns")
        return books

    def _issue(self, kind: StatementType) -> Issue:
        self.version += 1
        is_change = not self._is_current
        if is_change:
            self.books, self._is_current = self._settled(), True
        statements = tuple(self._statement(name, kind, is_change=is_change) for name in self.instance.retailers)
        now = owed(self.books, self.instance.entities.mo)
        dues = tuple(_changes(self._owed, now))
        self._owed = now
        self._step(ReconcileEvent.STATEMENT_ISSUED)
        return Issue(statements, (), dues)

    def _statement(self, retailer: str, kind: StatementType, *, is_change: bool) -> SettlementStatement:
        """Make a statement and keep it with all lines; it is sent without them where they are those of the last one."""
        instance, before = self.instance, self._latest.get(retailer)
        if is_change or before is None:
            lines = tuple(statement_lines(self.books, Party("lse", retailer)))
        else:
            lines = before.lines
        made = SettlementStatement(
            market=instance.market,
            product=instance.product,
            party=retailer,
            clearing=instance.clearing,
            statement=f"{instance.market}-{instance.product}-{instance.clearing}-{retailer}-{self.version}",
            version=self.version,
            type=kind,
            start=instance.slots[0].start,
            end=instance.slots[-1].start + instance.slots[-1].length,
            lines=lines,
            total=sum((line.amount for line in lines), Decimal(0)),
            estimated=self._has_estimates(retailer),
            supersedes="" if before is None else before.statement,
        )
        self._latest[retailer] = made
        return evolved(made, lines=()) if before is not None and before.lines == lines else made

    def _has_estimates(self, retailer: str) -> bool:
        return any(
            bool(self._meters.estimated(number)[slot.by_retailer[retailer]].any())
            for number, slot in enumerate(self.instance.slots)
            if retailer in slot.by_retailer
        )

    # Disputes

    def _judge_open(self) -> Issue:
        """Decide what the meter data allow to be decided; if a claim is right, recalculate."""
        decidable = {key: claim for key, claim in self._open.items() if not self._rests_on_estimate(claim)}
        if not decidable:
            return Issue()
        books = self.books if self._is_current else self._settled()
        issue, is_upheld = Issue(), False
        for key, claim in decidable.items():
            del self._open[key]
            lines = tuple(statement_lines(books, Party("lse", key[0])))
            reason = refutation(claim, lines)
            self._step(ReconcileEvent.DISPUTE_REJECTED if reason else ReconcileEvent.DISPUTE_UPHELD)
            is_upheld |= reason is None
            issue += Issue(answers=(_judgement(claim.dispute, reason),))
        return issue + self.recalculate() if is_upheld else issue

    def _rests_on_estimate(self, claim: Claim) -> bool:
        for number, slot in enumerate(self.instance.slots):
            if slot.start == claim.line.slot and claim.dispute.party in slot.by_retailer:
                concerned = slot.by_retailer[claim.dispute.party]
                if claim.line.usage_point:
                    concerned = concerned & np.array([each == claim.line.usage_point for each in slot.usage_points])
                if (self._meters.estimated(number) & concerned).any():
                    return True
        return False


def _inadmissible(dispute: Dispute, latest: SettlementStatement | None, *, is_final: bool) -> Reason | None:
    """Why a dispute is rejected without a look at the meter data."""
    if latest is None:
        text = f"{dispute.party} has no statement of this instance yet"
        return Reason(code=ReasonCode.UNKNOWN_REFERENCE, text=text, path="statement")
    if is_final:
        return Reason(code=ReasonCode.GATE_CLOSED, text="the settlement is final", path="statement")
    if dispute.statement != latest.statement:
        text = f"the latest statement is {latest.statement}"
        return Reason(code=ReasonCode.UNKNOWN_REFERENCE, text=text, path="statement")
    if not 0 <= dispute.line < len(latest.lines):
        text = f"the statement has the lines 0 to {len(latest.lines) - 1}"
        return Reason(code=ReasonCode.UNKNOWN_REFERENCE, text=text, path="line")
    return None


def _answer(dispute: Dispute, status: DisputeStatus, *reasons: Reason) -> DisputeAnswer:
    return DisputeAnswer(
        market=dispute.market,
        party=dispute.party,
        dispute=dispute.dispute,
        statement=dispute.statement,
        status=status,
        reasons=reasons,
    )


def _judgement(dispute: Dispute, refutation: Reason | None) -> DisputeAnswer:
    if refutation is None:
        return _answer(dispute, DisputeStatus.RESOLVED)
    return _answer(dispute, DisputeStatus.REJECTED, refutation)


def _changes(before: Balances, now: Balances) -> Iterator[Due]:
    for party, kind in [*now, *(key for key in before if key not in now)]:
        change = now.get((party, kind), Decimal(0)) - before.get((party, kind), Decimal(0))
        if change:
            yield Due(party.role, party.name, kind, change)
