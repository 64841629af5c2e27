"""The table of the reconcile sub-machine."""

import pytest

from gridbus.kernel import UsageError
from gridbus.roles.settlement import ReconcileEvent, ReconcileState
from gridbus.roles.settlement.states import TRANSITIONS, following

DUE = {ReconcileState.ESTIMATED, ReconcileState.INITIAL, ReconcileState.RECALCULATED}


def reached_from(state: ReconcileState) -> set[ReconcileState]:
    found, waiting = {state}, [state]
    while waiting:
        here = waiting.pop()
        for (source, _), target in TRANSITIONS.items():
            if source is here and target not in found:
                found.add(target)
                waiting.append(target)
    return found


def test_every_state_is_reached_and_the_end_from_every_state() -> None:
    assert reached_from(ReconcileState.AWAIT_METER) == set(ReconcileState)
    for state in ReconcileState:
        assert ReconcileState.FINAL in reached_from(state)


def test_the_final_state_takes_every_event_and_is_never_left() -> None:
    for event in ReconcileEvent:
        assert following(ReconcileState.FINAL, event) is ReconcileState.FINAL


def test_no_statement_that_is_due_can_be_skipped() -> None:
    leaving = {(s, e) for (s, e), target in TRANSITIONS.items() if s in DUE and target is not s}
    # The final statement carries what a recalculation would have.
    closing = {(ReconcileState.RECALCULATED, ReconcileEvent.WINDOW_CLOSED)}
    assert leaving == {(state, ReconcileEvent.STATEMENT_ISSUED) for state in DUE} | closing


def test_every_event_happens_somewhere_before_the_end() -> None:
    assert {e for s, e in TRANSITIONS if s is not ReconcileState.FINAL} == set(ReconcileEvent)


def test_an_event_that_cannot_happen_is_refused() -> None:
    with pytest.raises(UsageError, match="await meter"):
        following(ReconcileState.AWAIT_METER, ReconcileEvent.DISPUTE_RAISED)
