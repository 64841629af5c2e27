"""The states of a market instance, as one table.

Theory. A market is a series of instances, one for each clearing. An instance goes through the states of TENT, always
in the same order, and every change of state has one boundary: an instant that follows from the clearing time of the
instance and the lead times of its series, and nothing else. All that is exchanged with others has a deadline within the
state in which it is exchanged; what has not come by then is replaced by a stated rule. So the work of a state is
complete when its last boundary comes, a silent participant delays nobody, and the state of an instance is a function of
simulated time alone. Time is asked for once a boundary, through the agenda; nothing is polled. An instance knows no
other instance: what it wants to know of the market that it refines, it looks up in the ledger by series and delivery
interval, at the moment when it needs it. The last change alone has no instant: an instance expires when its final
statement is out.

Source: the Transactive Energy Network Template metamodel, PNNL-28420, with the boundaries made deadlines.
"""

from __future__ import annotations

from enum import Enum

import attrs

from ..interfaces import MarketState


class Boundary(Enum):
    """The instant at which an instance enters a state; T is the clearing, times as in a series' specification."""

    ACTIVATION = "T - market lead - negotiation lead - activation lead"
    NEGOTIATION = "T - market lead - negotiation lead"
    MARKET_LEAD = "T - market lead"
    CLEARING = "T"
    DELIVERY = "T + delivery lead"
    DELIVERY_END = "T + delivery lead + binding slots"
    SETTLED = "when the final statement is out"


@attrs.frozen
class Transition:
    """One change of state: when it comes, and what is done in the state that is entered."""

    source: MarketState
    target: MarketState
    boundary: Boundary
    work: str


TRANSITIONS = (
    Transition(
        MarketState.INACTIVE,
        MarketState.ACTIVE,
        Boundary.ACTIVATION,
        "participants reserve",
    ),
    Transition(
        MarketState.ACTIVE,
        MarketState.NEGOTIATION,
        Boundary.NEGOTIATION,
        "look up price and position of the refined market, iterate if the mechanism does",
    ),
    Transition(
        MarketState.NEGOTIATION,
        MarketState.MARKET_LEAD,
        Boundary.MARKET_LEAD,
        "call, orders until gate closure, demand to the retailer and its supply offer",
    ),
    Transition(
        MarketState.MARKET_LEAD,
        MarketState.DELIVERY_LEAD,
        Boundary.CLEARING,
        "clear, validate with the distribution operator, award",
    ),
    Transition(
        MarketState.DELIVERY_LEAD,
        MarketState.DELIVERY,
        Boundary.DELIVERY,
        "devices follow their awards, meters count",
    ),
    Transition(
        MarketState.DELIVERY,
        MarketState.RECONCILE,
        Boundary.DELIVERY_END,
        "meter data, statements, disputes",
    ),
    Transition(
        MarketState.RECONCILE,
        MarketState.EXPIRED,
        Boundary.SETTLED,
        "dropped, price and positions stay in the ledger",
    ),
)
"""Every change of state there is, in order."""

_FOLLOWING = {each.source: each for each in TRANSITIONS}


def following(state: MarketState) -> Transition | None:
    """The change that leaves a state; None after the last."""
    return _FOLLOWING.get(state)


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {_identifier(TRANSITIONS[0].source)}"]
    lines += [
        f"    {_identifier(each.source)} --> {_identifier(each.target)}: {each.boundary.value}" for each in TRANSITIONS
    ]
    lines += [f"    {_identifier(each.target)}: {_title(each.target)}<br/>{each.work}" for each in TRANSITIONS]
    return "\n".join([*lines, f"    {_identifier(TRANSITIONS[-1].target)} --> [*]"])


def _identifier(state: MarketState) -> str:
    return state.value.title().replace(" ", "")


def _title(state: MarketState) -> str:
    return state.value.capitalize()
