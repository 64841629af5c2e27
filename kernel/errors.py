"""Errors, sorted by who has to act.

``UsageError``      the caller: a script, a scenario file or the author of a component uses gridbus wrongly.
``ComponentError``  a component (role or agent) raised, or will not come to rest.
``PeerError``       something outside this process sent what it should not, or went away.
``InternalError``   gridbus itself is wrong: please report it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from .envelope import Envelope
    from .instant import Instant


class GridbusError(Exception):
    """Base of all errors that gridbus raises on purpose."""


class UsageError(GridbusError):
    """The caller asked for something that cannot be; the text says what to change."""


class PermissionDenied(UsageError):
    """A component tried to say or hear what its declaration does not allow."""

    def __init__(self, address: str, action: str, message: str, allowed: Sequence[str], hint: str = "") -> None:
        self.address, self.action, self.message, self.allowed = address, action, message, tuple(allowed)
        who = ", ".join(self.allowed) or "nobody"
        super().__init__(f"{address} may not {action} {message}: allowed are {who}{hint}")


@attrs.frozen
class Fault:
    """One thing wrong with an input: where it is and what was expected there."""

    path: str
    complaint: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.complaint}" if self.path else self.complaint


class InputError(UsageError):
    """A scenario or federate file is wrong; carries every fault found, each with its line."""

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source, self.faults = source, tuple(faults)
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """One line per fault, ``file:line: key: complaint``."""
        return [
            f"{self.source}:{fault.line}: {fault}" if fault.line else f"{self.source}: {fault}" for fault in self.faults
        ]


class ComponentError(GridbusError):
    """A component raised; names the component, the message that it was handling and the instant."""

    def __init__(
        self, address: str, instant: Instant, envelope: Envelope[object] | None, text: str, when: str = ""
    ) -> None:
        self.address, self.instant, self.envelope = address, instant, envelope
        handling = f" while handling {envelope.describe()}" if envelope is not None else ""
        super().__init__(f"{address} failed at {when or f'{instant} ns'}{handling}: {text}")

    @classmethod
    def told(cls, address: str, instant: Instant, text: str) -> ComponentError:
        """The error of a component in another process, in the words of that process."""
        error = cls.__new__(cls)
        error.address, error.instant, error.envelope = address, instant, None
        Exception.__init__(error, text)
        return error


class EndlessExchange(ComponentError):
    """An instant does not come to rest: components keep answering each other; names the topics."""

    def __init__(self, address: str, instant: Instant, rounds: int, topics: Sequence[str], when: str) -> None:
        self.rounds, self.topics = rounds, tuple(topics)
        text = f"still publishing after {rounds} rounds of one instant, on {', '.join(self.topics)}"
        super().__init__(address, instant, None, text, when)


class MailboxOverflow(ComponentError):
    """A subscriber does not take its messages; names the subscription and its limit."""

    def __init__(self, address: str, instant: Instant, envelope: Envelope[object], limit: int) -> None:
        self.limit = limit
        text = (
            f"its mailbox already holds {limit} messages; receive faster, raise limit=, "
            "or state overflow='drop_oldest' or 'drop_newest'"
        )
        super().__init__(address, instant, envelope, text)


class TooSlow(GridbusError):
    """A run that is paced by the clock on the wall has fallen behind by more than its tolerance."""


class DeadlinePassed(GridbusError, TimeoutError):
    """What was waited for had not come when its deadline was reached."""


class PeerError(GridbusError):
    """A remote peer is at fault: lost, of another version, or speaking nonsense."""


class DecodeError(PeerError):
    """A payload does not fit its message class; carries every fault with the path to it."""

    def __init__(self, message: str, faults: Sequence[Fault]) -> None:
        self.message, self.faults = message, tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


class InternalError(GridbusError):
    """An invariant of gridbus does not hold; please report it with the scenario and the seed."""
