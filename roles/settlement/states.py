"""The reconcile sub-machine of a market instance, as one table.

Theory. After delivery an instance waits for its meters. What has not come by the deadline is estimated by rule, so that
nobody who is silent holds up the money of the others; either way an INITIAL statement is issued, and only then is there
something to dispute. While the window is open, whatever changes a number (a late or revised read, a dispute that is
upheld) makes a recalculation due, never a statement by itself: how often recalculations are issued is for the calendar.
When the window closes, the FINAL statement carries what has not been issued yet and settles the instance for good; what
comes afterwards changes nothing. The three states in which a statement is due, ESTIMATED, INITIAL and RECALCULATED, are
left by issuing it, so no version can be skipped.

A transition that is not in the table cannot happen: no dispute comes before there is a statement.
"""

from __future__ import annotations

from enum import Enum

from ...kernel import UsageError


class ReconcileState(Enum):
    """Where the settlement of a market instance stands."""

    AWAIT_METER = "await meter"
    ESTIMATED = "estimated"
    """Missing reads are estimated; the initial statement is due."""
    INITIAL = "initial"
    """All reads are there; the initial statement is due."""
    DISPUTE_WINDOW = "dispute window"
    RECALCULATED = "recalculated"
    """A number has changed; a recalculation is due."""
    FINAL = "final"


class ReconcileEvent(Enum):
    """What moves it on."""

    METER_REVISED = "a read is new or has changed"
    METER_COMPLETE = "every usage point is read"
    METER_DEADLINE = "the deadline for meter data has passed"
    STATEMENT_ISSUED = "a statement has been issued"
    DISPUTE_RAISED = "a retailer disputes a line"
    DISPUTE_UPHELD = "the meter data prove a dispute right"
    DISPUTE_REJECTED = "a dispute is rejected"
    WINDOW_CLOSED = "the dispute window has closed"


_S, _E = ReconcileState, ReconcileEvent

TRANSITIONS: dict[tuple[ReconcileState, ReconcileEvent], ReconcileState] = {
    (_S.AWAIT_METER, _E.METER_REVISED): _S.AWAIT_METER,
    (_S.AWAIT_METER, _E.METER_COMPLETE): _S.INITIAL,
    (_S.AWAIT_METER, _E.METER_DEADLINE): _S.ESTIMATED,
    (_S.ESTIMATED, _E.STATEMENT_ISSUED): _S.DISPUTE_WINDOW,
    (_S.INITIAL, _E.STATEMENT_ISSUED): _S.DISPUTE_WINDOW,
    (_S.DISPUTE_WINDOW, _E.METER_REVISED): _S.RECALCULATED,
    (_S.DISPUTE_WINDOW, _E.DISPUTE_RAISED): _S.DISPUTE_WINDOW,
    (_S.DISPUTE_WINDOW, _E.DISPUTE_UPHELD): _S.RECALCULATED,
    (_S.DISPUTE_WINDOW, _E.DISPUTE_REJECTED): _S.DISPUTE_WINDOW,
    (_S.DISPUTE_WINDOW, _E.WINDOW_CLOSED): _S.FINAL,
    (_S.RECALCULATED, _E.METER_REVISED): _S.RECALCULATED,
    (_S.RECALCULATED, _E.METER_COMPLETE): _S.RECALCULATED,
    (_S.RECALCULATED, _E.DISPUTE_RAISED): _S.RECALCULATED,
    (_S.RECALCULATED, _E.DISPUTE_UPHELD): _S.RECALCULATED,
    (_S.RECALCULATED, _E.DISPUTE_REJECTED): _S.RECALCULATED,
    (_S.RECALCULATED, _E.STATEMENT_ISSUED): _S.DISPUTE_WINDOW,
    (_S.RECALCULATED, _E.WINDOW_CLOSED): _S.FINAL,
    **{(_S.FINAL, event): _S.FINAL for event in ReconcileEvent},
}


def following(state: ReconcileState, event: ReconcileEvent) -> ReconcileState:
    """The state after an event.

    Raises:
        UsageError: the event cannot happen in that state.
    """
    found = TRANSITIONS.get((state, event))
    if found is None:
        raise UsageError(f"in the state {state.value} it cannot be that {event.value}")
    return found
