"""The receiving end of the bus: a bounded mailbox that is awaited."""

from __future__ import annotations

import types
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, get_args

import attrs

from .activity import DEADLINE, PARKED, Activity
from .agenda import FIRST
from .envelope import Envelope
from .errors import DeadlinePassed, MailboxOverflow, UsageError
from .instant import Instant

if TYPE_CHECKING:
    from .port import Port

M = TypeVar("M")

Pattern = tuple[type | None, str]
"""A message class and its topic with ``*`` for open fields; no class for a pattern that was given as text."""

Overflow = Literal["error", "drop_oldest", "drop_newest"]
"""What a full mailbox does: end the run with an error, or drop the oldest or the newest message and count it."""


_NOTHING: list[Any] = []
"""The content of every mailbox that has never held a message; a list of its own would be 72 bytes an agent."""


@attrs.frozen
class SubscriptionStatistics:
    """A mailbox at this moment."""

    patterns: tuple[str, ...]
    pending: int
    dropped: int


class Subscription(Generic[M]):
    """Messages of one or several topics in the order of delivery; async iterator and context manager."""

    __slots__ = ("_dropped", "_head", "_items", "_limit", "_overflow", "_patterns", "_port", "waiter")

    def __init__(self, port: Port, patterns: tuple[Pattern, ...], limit: int, overflow: Overflow):
        if limit < 1:
            raise UsageError(f"a mailbox needs a limit of at least 1, got {limit}")
        if overflow not in get_args(Overflow):
            raise UsageError(f"overflow is one of {', '.join(get_args(Overflow))}; got {overflow!r}")
        self._port = port
        self._patterns = patterns
        self._limit = limit
        self._overflow: Overflow = overflow
        self._items: list[Envelope[M]] = _NOTHING
        self._head = 0
        self._dropped = 0
        self.waiter: Activity | None = None

    @types.coroutine
    def receive_envelope(self, *, until: Instant | None = None) -> Generator[object, Any, Envelope[M]]:
        """Wait for the next message and return it with its envelope.

        Raises:
            DeadlinePassed: the instant ``until`` was reached first.
        """
        envelope: Any
        port = self._port
        if self._items:
            port.kernel.current.inbound = envelope = self._items[self._head]
            self._head += 1
            if self._head == len(self._items):
                self._items.clear()
                self._head = 0
        else:
            if self.waiter is not None:
                raise UsageError(f"two activities of {port.address} wait on one subscription; subscribe twice")
            self.waiter = port.kernel.current
            if until is None:
                envelope = yield PARKED
            else:
                wake = port.kernel.wake_at(until, FIRST)
                envelope = yield PARKED
                if envelope is DEADLINE:
                    self.waiter = None
                    raise DeadlinePassed(f"{port.address} had no message on {self} by {until} ns")
                wake.activity = None
        received: Envelope[M] = envelope
        return received

    @types.coroutine
    def receive(self, *, until: Instant | None = None) -> Generator[object, Any, M]:
        """Wait for the next message and return it.

        Raises:
            DeadlinePassed: the instant ``until`` was reached first.
        """
        if until is None and not self._items and self.waiter is None:
            # The common case, spelled out: it saves every agent a generator a message.
            self.waiter = self._port.kernel.current
            envelope: Envelope[M] = yield PARKED
            return envelope.message
        envelope = yield from self.receive_envelope(until=until)
        return envelope.message

    @types.coroutine
    def collect(self, *, until: Instant) -> Generator[object, Any, list[M]]:
        """Every message that comes before the instant ``until``; returns when it is reached."""
        kernel = self._port.kernel
        if self.waiter is not None:
            raise UsageError(f"two activities of {self.address} wait on one subscription; subscribe twice")
        collected = self.take_waiting()
        kernel.wake_at(until, FIRST)
        while True:
            self.waiter = kernel.current
            envelope = yield PARKED
            if envelope is DEADLINE:
                self.waiter = None
                return collected
            collected.append(envelope.message)
            collected += self.take_waiting()

    def take_waiting(self) -> list[M]:
        """The messages that are there already, without waiting."""
        waiting = [envelope.message for envelope in self._items[self._head :]]
        self._items.clear()
        self._head = 0
        return waiting

    def envelopes(self) -> _Envelopes[M]:
        """Iterate over the messages with their envelopes, for those who reply."""
        return _Envelopes(self)

    def __aiter__(self) -> Self:
        return self

    __anext__ = receive

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop receiving; what is still in the mailbox is gone."""
        port = self._port
        port.kernel.bus.unsubscribe(self, self._patterns)
        port.subscriptions = tuple(each for each in port.subscriptions if each is not self)
        self._items.clear()
        self._head = 0

    def statistics(self) -> SubscriptionStatistics:
        """How many messages wait and how many were dropped."""
        patterns = tuple(pattern for _, pattern in self._patterns)
        return SubscriptionStatistics(patterns, len(self._items) - self._head, self._dropped)

    @property
    def address(self) -> str:
        """The component that receives."""
        return self._port.address

    @property
    def rank(self) -> int:
        """The place of the component in the order of stepping."""
        return self._port.rank

    def store(self, envelope: Envelope[M]) -> None:
        """Put a message in the mailbox of a component that is not waiting for it.

        Raises:
            MailboxOverflow: the mailbox is full and its rule is ``error``.
        """
        if len(self._items) - self._head >= self._limit:
            if self._overflow == "error":
                raise MailboxOverflow(self.address, envelope.instant, envelope, self._limit)
            self._dropped += 1
            if self._overflow == "drop_newest":
                return
            self._items.pop(self._head)
        if self._items is _NOTHING:
            self._items = []
        self._items.append(envelope)

    def __repr__(self) -> str:
        return ", ".join(pattern for _, pattern in self._patterns)


class _Envelopes(Generic[M]):
    """An iterator by hand: an async generator would be finalised by asyncio, behind the kernel's back."""

    __slots__ = ("_subscription",)

    def __init__(self, subscription: Subscription[M]) -> None:
        self._subscription = subscription

    def __aiter__(self) -> Self:
        return self

    @types.coroutine
    def __anext__(self) -> Generator[object, Any, Envelope[M]]:
        return (yield from self._subscription.receive_envelope())
