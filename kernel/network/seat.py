"""A follower as the timekeeper sees it: its link, what it has said in this round, and when it wants to be woken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from ..agenda import Due
from ..envelope import Envelope, WiredEnvelope
from ..errors import DecodeError, Fault
from ..instant import Instant
from ..message import Declaration
from .followers import Follower
from .lines import Batch, Lines, Raw
from .link import Everything, Link
from .notes import Failed, Farewell, Report
from .subjects import Subjects

_NOBODY = ""
"""In place of a field's name: the role may not send the message at all."""


@attrs.define(eq=False)
class Seat:
    """A place in the run that a follower has, or is still to take."""

    follower: Follower
    subjects: Subjects
    link: Link
    outgoing: Batch
    """What its components may hear of the round before, and wait for."""
    later: Batch
    """Values to keep that nobody there waits for; they need not be sent before the follower is stepped again."""
    says: dict[str, Lines]
    """Subject to the message class that comes on it."""
    process: str = ""
    """The process that has the seat, for people; empty while nobody has."""
    stirs: bool = True
    """Whether it has something to do in the next round, whatever the others publish."""
    due: Due | None = None
    """When its agenda is next due."""
    listens: frozenset[str] = frozenset()
    """The messages that its components have subscribed to."""
    said: list[Envelope[Any]] = attrs.field(factory=list)
    """What its components have published in this round."""
    asked: bool = False
    """Whether it was told to step and has not answered yet."""
    answer: Report | Failed | Farewell | None = None
    """What it has answered to the last step."""
    heard: bool = False
    """Whether something came from it since the last look."""
    silent: int = 0
    """Looks at which nothing had come from it."""
    checksum: int = 0
    """Of all that it has said, in order; what a process that is started again says must have the same."""
    confirmed: int = -1
    """Frames that it had received at its last status."""
    rival: bool = False
    """Whether another process wants the seat, while it is found out whether the first one lives."""
    alive: bool = False
    """Whether something has come from the first one since."""
    addresses: frozenset[str] = frozenset()
    """Who speaks there: its components, and the names in which the kernel tells of them."""

    @classmethod
    def of(cls, follower: Follower, subjects: Subjects, contract: tuple[Declaration, ...], largest: int) -> Seat:
        """A seat that nobody has taken yet."""
        says = {subjects.say(follower.name, d.name): Lines(d) for d in follower.says(contract)}
        addresses = frozenset(follower.addresses) | {
            f"kernel.{address.replace('.', '-', 1)}" for address in follower.addresses
        }
        link = Link("", Everything())
        return cls(follower, subjects, link, Batch(largest), Batch(largest), says, addresses=addresses)

    @property
    def name(self) -> str:
        """The follower's name."""
        return self.follower.name

    @property
    def lead(self) -> str:
        """The subject on which it is led."""
        return self.subjects.lead(self.name)

    def take_said(self, subject: str, content: bytes, now: Instant, round_: int) -> None:
        """Take messages of its components in.

        Raises:
            DecodeError: they are not what this follower may say now; carries the faults of the first.
        """
        lines = self.says[subject]
        declaration, rules, addresses = lines.declaration, lines.declaration.sender_rules, self.addresses
        for raw, line in zip(lines.raws(content), content.split(b"\n"), strict=False):
            sender = raw["sender"]
            role, _, name = sender.partition(".")
            bound = rules[role] if role in rules else rules.get("*", _NOBODY)
            if (
                sender not in addresses
                or (bound is not None and raw["body"].get(bound) != name)
                or raw["at"] != now
                or raw["round"] != round_
                or (role == "kernel" and not _of_itself(raw))
            ):
                raise DecodeError(declaration.name, list(self._faults(raw, declaration, now, round_)))
            self.said.append(WiredEnvelope(declaration, line + b"\n", raw, lines.made))

    def _faults(self, raw: Raw, declaration: Declaration, now: Instant, round_: int) -> Iterator[Fault]:
        if (raw["at"], raw["round"]) != (now, round_):
            yield Fault("at", f"expected round {round_} of {now} ns, got round {raw['round']} of {raw['at']} ns")
        if raw["sender"] not in self.addresses:
            yield Fault("sender", f"{raw['sender']} is not run by {self.name}")
        else:
            allowed = ", ".join(declaration.senders)
            yield Fault("sender", f"{raw['sender']} may not send it so: allowed are {allowed}, in their own name")

    def send(self, note_or_lines: bytes, subject: str | None = None) -> tuple[str, bytes]:
        """Subject and payload of the next frame to the follower."""
        subject = subject or self.lead
        return subject, self.link.send(subject, note_or_lines)

    def aside(self, note: bytes) -> tuple[str, bytes]:
        """Subject and payload of a note that may be lost."""
        return self.lead, self.link.aside(note)


def _of_itself(raw: Raw) -> bool:
    """Whether a notice of the kernel is about the component in whose name it is sent."""
    return bool(raw["sender"] == f"kernel.{raw['body'].get('role')}-{raw['body'].get('name')}")
