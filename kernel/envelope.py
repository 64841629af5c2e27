"""What the kernel adds to a message on its way."""

from __future__ import annotations

from typing import Generic, TypeVar

from .instant import Instant
from .message import declaration_of

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
    """A message from another process, with the line that it came as: records hold what its sender wrote."""

    __slots__ = ("line",)

    line: bytes
