"""A component's door to the kernel: all that it can do to the world."""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from hashlib import sha256
from random import Random
from sys import intern
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .activity import DEADLINE, PARKED, Activity
from .agenda import FIRST, NORMAL
from .envelope import Envelope
from .errors import DeadlinePassed, PeerError, PermissionDenied, UsageError
from .foreign import in_task
from .instant import Calendar, Instant
from .message import declaration_of, heard_by
from .subscription import Overflow, Pattern, Subscription

if TYPE_CHECKING:
    from .kernel import Kernel

M = TypeVar("M")
A = TypeVar("A")
B = TypeVar("B")
R = TypeVar("R")

MAILBOX_LIMIT = 100_000
"""Messages that a mailbox holds unless the subscription says otherwise."""


class Port:
    """What a component sees of the bus and of time, in its own name."""

    __slots__ = (
        "_random",
        "_spawned",
        "_waiting_for",
        "address",
        "kernel",
        "name",
        "rank",
        "role",
        "rules",
        "subscriptions",
    )

    def __init__(self, kernel: Kernel, address: str, rank: int) -> None:
        self.kernel = kernel
        self.address = address
        role, _, self.name = address.partition(".")
        self.role = intern(role)
        self.rank = rank
        self.rules = kernel.bus.send_rules(self.role)
        self.subscriptions: tuple[Subscription[Any], ...] = ()
        self._spawned = 0
        self._waiting_for: dict[str, Activity] | None = None
        self._random: Random | None = None

    # Time

    @property
    def now(self) -> Instant:
        """The present instant. [ns since the start]"""
        return self.kernel.now

    @property
    def stop(self) -> Instant:
        """The instant at which the run ends. [ns since the start]"""
        return self.kernel.stop

    @property
    def calendar(self) -> Calendar:
        """Relates instants to dates."""
        return self.kernel.calendar

    @types.coroutine
    def sleep_until(self, instant: Instant, priority: int = NORMAL) -> Generator[object, Any, None]:
        """Wait for an instant; with priority ``LAST``, until all else at that instant has come to rest.

        Raises:
            UsageError: the instant lies in the past.
        """
        self.kernel.wake_at(instant, priority)
        yield PARKED

    # Messages

    def publish(
        self,
        message: object,
        *,
        reply_to: Envelope[Any] | None = None,
        revision: int = 1,
        valid_until: Instant | None = None,
    ) -> Envelope[Any]:
        """Send a message to whoever subscribes to its topic; it is delivered in the next round.

        With ``reply_to`` it also answers that request, and belongs to its conversation.

        Raises:
            PermissionDenied: the message's declaration does not let this component send it, or not let the
                requester hear it.
        """
        cls = type(message)
        try:
            bound = self.rules[cls]
        except KeyError:
            bound = self.kernel.bus.authorise_sender(self.address, self.role, cls)
        if bound is not None and getattr(message, bound) != self.name:
            self.kernel.deny(self.address, message, bound)
        kernel = self.kernel
        activity = kernel.current
        if activity.port is not self:
            raise UsageError(f"{self.address} can publish only from its own coroutine, while it runs")
        activity.sequence = sequence = activity.sequence + 1
        envelope = Envelope(message, self.address, sequence, kernel.now, kernel.round, revision, valid_until)
        if reply_to is not None:
            if not heard_by(reply_to.sender, message):
                kernel.deny_hearing(reply_to.sender, message)
            envelope.reply_to, envelope.conversation = reply_to.id, reply_to.conversation
        kernel.outbox.append(envelope)
        return envelope

    @overload
    def subscribe(
        self, one: type[M], /, *, limit: int = ..., overflow: Overflow = ..., **chosen: str
    ) -> Subscription[M]: ...
    @overload
    def subscribe(
        self, one: type[M], two: type[A], /, *, limit: int = ..., overflow: Overflow = ..., **chosen: str
    ) -> Subscription[M | A]: ...
    @overload
    def subscribe(
        self, one: type[M], two: type[A], last: type[B], /, *, limit: int = ..., overflow: Overflow = ..., **chosen: str
    ) -> Subscription[M | A | B]: ...
    @overload
    def subscribe(
        self, /, *what: type | str, limit: int = ..., overflow: Overflow = ..., **chosen: str
    ) -> Subscription[Any]: ...
    def subscribe(
        self, /, *what: Any, limit: int = MAILBOX_LIMIT, overflow: Overflow = "error", **chosen: str
    ) -> Subscription[Any]:
        """Receive the messages of one or more classes, in the order of delivery.

        Keywords choose topics by their fields (``market="retail"``); a field that is not chosen may have any
        value, except one that must carry this component's own name: that is filled in. A text is a topic pattern
        with ``*`` and ``>``; of what it matches, only what this component may hear is delivered.

        Raises:
            PermissionDenied: the declaration does not let this component hear a message.
        """
        fields = {f for each in what if not isinstance(each, str) for f in declaration_of(each).topic_fields}
        if unknown := sorted(set(chosen) - fields):
            raise UsageError(f"no topic here has {', '.join(unknown)}; there are {', '.join(sorted(fields)) or 'none'}")
        patterns = tuple(self._pattern(each, chosen) for each in what)
        subscription: Subscription[Any] = Subscription(self, patterns, limit, overflow)
        now = self.kernel.now
        for envelope in self.kernel.bus.subscribe(subscription, patterns):
            if envelope.valid_until is None or envelope.valid_until > now:
                subscription.store(envelope)
        self.subscriptions += (subscription,)
        return subscription

    def _pattern(self, what: type | str, chosen: dict[str, str]) -> Pattern:
        if isinstance(what, str):
            if ">" in what.split(".")[:-1]:
                raise UsageError(f"{what!r} matches nothing: > can only be the last token")
            return None, what
        declaration = declaration_of(what)
        bound = self.kernel.bus.receiver_field(self.address, self.role, declaration)
        chosen = dict(chosen)
        if bound is not None and chosen.setdefault(bound, self.name) != self.name:
            hint = f"; its {bound} is {chosen[bound]!r}"
            raise PermissionDenied(self.address, "hear", what.__name__, declaration.receivers, hint)
        return what, declaration.subject(**{k: v for k, v in chosen.items() if k in declaration.topic_fields})

    @types.coroutine
    def request(self, message: object, reply: type[R], *, until: Instant | None = None) -> Generator[object, Any, R]:
        """Publish a message and wait for the reply to it; by default within this instant.

        Raises:
            DeadlinePassed: nobody replied before ``until``.
            PeerError: the reply is of another class.
            PermissionDenied: this component may not send the message or not hear the reply.
        """
        kernel = self.kernel
        kernel.bus.receiver_field(self.address, self.role, declaration_of(reply))
        envelope = self.publish(message)
        if self._waiting_for is None:
            self._waiting_for = {}
        self._waiting_for[envelope.id] = kernel.current
        wake = kernel.wake_at(kernel.now if until is None else until, FIRST)
        answer = yield PARKED
        if answer is DEADLINE:
            del self._waiting_for[envelope.id]
            raise DeadlinePassed(f"nobody replied to {envelope.describe()} of {self.address}")
        wake.activity = None
        if not isinstance(answer.message, reply):
            raise PeerError(f"{answer.sender} replied to {envelope.describe()} with {answer.describe()}")
        return answer.message

    def take_reply(self, envelope: Envelope[Any]) -> Activity | None:
        """The activity that waits for this reply, if it still does."""
        if self._waiting_for is None:
            return None
        return self._waiting_for.pop(envelope.reply_to or "", None)

    # The component itself

    def start(self, coroutine: Coroutine[object, object, None]) -> None:
        """Run another coroutine of this component beside the one that calls."""
        self._spawned += 1
        self.kernel.spawn(self, coroutine, self._spawned)

    @property
    def seed(self) -> int:
        """A number made from the run's seed and this address: the source of all randomness of the component."""
        return seed_of(self.kernel.seed, self.address)

    @property
    def random(self) -> Random:
        """This component's own random numbers, the same in every run with the same seed."""
        if self._random is None:
            self._random = Random(self.seed)  # noqa: S311 - simulation, not secrets
        return self._random

    async def foreign(self, awaitable: Coroutine[object, object, R]) -> R:
        """Await a coroutine that needs an asyncio task of its own: a time-out, a task group, a library.

        Plain threads, sockets and futures can be awaited directly. Time does not move until it is done.
        """
        return await in_task(awaitable)


def seed_of(seed: int, address: str) -> int:
    """128 bits made from the run's seed and an address."""
    return int.from_bytes(sha256(f"{seed}/{address}".encode()).digest()[:16], "big")
