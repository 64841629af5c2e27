"""What the kernel adds to a message on its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .codec import encoder
from .errors import DecodeError, PeerError
from .instant import Instant
from .message import Declaration, declaration_of

M = TypeVar("M", covariant=True)


class Envelope(Generic[M]):
    """A message with its sender, topic, instant, round and its place in the conversation.

    Written by hand: it is made for every message, and a generated ``__init__`` takes twice as long.
    """

    __slots__ = (
        "_conversation",
        "instant",
        "message",
        "reply_to",
        "revision",
        "round",
        "sender",
        "sequence",
        "valid_until",
    )

    def __init__(
        self,
        message: M,
        sender: str,
        sequence: int,
        instant: Instant,
        round_: int,
        revision: int = 1,
        valid_until: Instant | None = None,
    ) -> None:
        self.message = message
        self.sender = sender
        self.sequence = sequence
        self.instant = instant
        self.round = round_
        self.revision = revision
        self.valid_until = valid_until
        self.reply_to: str | None = None
        self._conversation: str | None = None

    @property
    def declaration(self) -> Declaration:
        """What is declared of the message."""
        return declaration_of(type(self.message))

    @property
    def body(self) -> dict[str, Any]:
        """The message in its encoded form."""
        cls: type = type(self.message)
        return encoder(cls)(self.message)

    @property
    def topic(self) -> str:
        """The topic that the message is on, made from its fields."""
        return declaration_of(type(self.message)).topic_of(self.message)

    @property
    def id(self) -> str:
        """Identity of the message, the same in every run: its sender and the sender's count."""
        return f"{self.sender}#{self.sequence}"

    @property
    def conversation(self) -> str:
        """Identity of the first message of the exchange that this one belongs to."""
        return self._conversation or self.id

    @conversation.setter
    def conversation(self, first: str) -> None:
        self._conversation = first

    @property
    def began(self) -> str | None:
        """Identity of the first message of the exchange; None when it is this one."""
        return self._conversation

    def describe(self) -> str:
        """The message's class, topic, identity and round in a few words, for errors."""
        return f"{type(self.message).__name__} {self.id} on {self.topic} (round {self.round})"

    def __repr__(self) -> str:
        return f"<Envelope {self.describe()} at {self.instant} ns>"


class WiredEnvelope(Envelope[M]):
    """A message from another process, with the line that it came as: records hold what its sender wrote.

    The message itself is made when it is asked for: a process that only passes it on needs a field or two of it.
    """

    __slots__ = ("_made", "_make", "body", "declaration", "line")

    def __init__(self, declaration: Declaration, line: bytes, raw: dict[str, Any], make: Callable[[object], M]) -> None:
        self.declaration = declaration  # type: ignore[misc]
        self.line = line
        self.body = raw["body"]  # type: ignore[misc]
        self.sender = raw["sender"]
        self.sequence = raw["sequence"]
        self.instant = raw["at"]
        self.round = raw["round"]
        self.revision = raw.get("revision", 1)
        self.valid_until = raw.get("valid_until")
        self.reply_to = raw.get("reply_to")
        self._conversation = raw.get("conversation")
        self._make = make
        self._made: M | None = None

    @property
    def message(self) -> M:  # type: ignore[override]
        """The message.

        Raises:
            PeerError: what came is none; names the sender.
        """
        if self._made is None:
            try:
                self._made = self._make(self.body)
            except DecodeError as error:
                raise PeerError(f"{self.sender} published what is no {self.declaration.name}: {error}") from None
        return self._made
