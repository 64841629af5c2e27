"""What processes of a run tell each other about the run itself, on the subjects ``report`` and ``lead``."""

from __future__ import annotations

from typing import TypeVar

import orjson

from ..codec import encoder, structured
from ..errors import DecodeError, Fault
from ..message import snake_case
from ..shape import field, value


@value
class Hello:
    """A follower asks to take part; sent again until it is answered."""

    member: str = field("member of the scenario that it runs")
    shard: int = field("number of its shard", at_least=1)
    shards: int = field("shards of the member", at_least=1, at_most=1000)
    version: str = field("version of gridbus")
    contract: str = field("digest of the message contract")
    scenario: str = field("digest of the scenario")
    process: str = field("host and process, for people")


@value
class Welcome:
    """A follower takes part; after that all frames from the first on are sent to it."""

    received: int = field("frames that have come from this follower before", at_least=0)
    checksum: int = field("checksum of those frames")
    sent: int = field("frames that had been sent to it by then", at_least=0)


@value
class Refusal:
    """A follower does not take part."""

    reason: str = field("why, and what to do")


@value
class Step:
    """A follower steps its components: one round."""

    instant: int = field("present instant", unit="ns")
    round: int = field("round of the instant", at_least=0)
    priority: int | None = field("priority of the agenda that is woken, when one is", default=None)


@value
class Report:
    """A follower has done its round, and sent what was published in it."""

    stepped: bool = field("whether there was something to do")
    more: bool = field("whether there is something to do in the next round, whatever others publish")
    due_instant: int | None = field("instant at which its agenda is next due", unit="ns", default=None)
    due_priority: int = field("priority of that", default=0)
    listens: tuple[str, ...] | None = field("messages that are subscribed to, where that has changed", default=None)


@value
class Failed:
    """A component of a follower failed, and the run with it."""

    address: str = field("component")
    instant: int = field("when", unit="ns")
    text: str = field("what the follower says of it")
    fault: str = field("who is at fault: component, usage, peer or internal", default="component")


@value
class Finish:
    """The run is over: clean up and say farewell."""

    instant: int = field("last instant", unit="ns")


@value
class Farewell:
    """A follower has cleaned up."""

    components: int = field("components that it has run")
    delivered: int = field("messages delivered to them")
    subscriptions: int = field("subscriptions left")


@value
class Stopped:
    """The run ends early."""

    reason: str = field("why")


@value
class Status:
    """Where a link stands; also tells that the sender lives."""

    sent: int = field("frames sent", at_least=0)
    received: int = field("frames received without a gap", at_least=0)
    lost: bool = field("whether frames are known to be missing", default=False)


Note = Hello | Welcome | Refusal | Step | Report | Failed | Finish | Farewell | Stopped | Status
N = TypeVar("N", bound=Note)

_KINDS: dict[str, type] = {snake_case(cls.__name__): cls for cls in Note.__args__}
_NAMES = {cls: name for name, cls in _KINDS.items()}


def written(note: Note) -> bytes:
    """A note as the content of a frame."""
    cls: type = type(note)
    return orjson.dumps({_NAMES[cls]: encoder(cls)(note)})


def read(content: bytes) -> Note:
    """A note from the content of a frame.

    Raises:
        DecodeError: it is none.
    """
    try:
        raw = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise DecodeError("note", [Fault("note", "expected JSON")]) from None
    kind = next(iter(raw)) if isinstance(raw, dict) and len(raw) == 1 else None
    cls = _KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise DecodeError("note", [Fault("note", f"expected one of {', '.join(_KINDS)}")])
    note, faults = structured(cls, raw[kind], str(kind))
    if note is None:
        raise DecodeError(str(kind), faults)
    made: Note = note
    return made
