"""The kernel: components, rounds and time.

An instant runs in rounds. In a round every activity that has something to do is stepped, in the order of
(address, order of creation); what they publish is delivered in the next round, in the order of (sender address,
sender's sequence). The instant is over when a round publishes nothing, and only then does the clock move to the next
instant of the agenda. Stepping in address order makes the outbox come out in delivery order by itself.

A coroutine that awaits something foreign (a thread, a socket) is handed to an asyncio task until it waits for
the kernel again. The round is not over before that, so that time stands still and the order stays the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Any, NoReturn, Protocol

import anyio
import anyio.lowlevel
import attrs

from .activity import DEADLINE, PARKED, Activity, Main
from .agenda import NORMAL, Agenda, Due, Wake
from .bus import Bus, BusStatistics
from .clock import Clock, VirtualClock
from .collector import quiet_collector
from .envelope import Envelope
from .errors import ComponentError, EndlessExchange, InternalError, PermissionDenied, UsageError
from .foreign import ForeignAwaits
from .instant import Calendar, Duration, Instant
from .message import declaration_of, is_token
from .port import Port
from .system import Quarantined

_BY_RANK = attrgetter("rank")
_BY_SENDER = attrgetter("sender", "sequence")
_ACTIVITIES = 1_000_000
"""Room between the ranks of two components, for the activities that each starts."""
_ROLE = "kernel"
_NOBODY = f"{_ROLE}.nobody"
_BREATH = 1000
"""Rounds of one instant after which signals and other tasks get their turn."""


class Observer(Protocol):
    """Sees every message of a run, in order, as the recorder does."""

    def observe(self, outbox: list[Envelope[Any]]) -> None:
        """The messages that a round published, before they are delivered."""


class Gateway(Protocol):
    """Brings messages from outside into the run when the clock has moved, and takes messages out."""

    def inbound(self, now: Instant) -> list[tuple[str, object]]:
        """Messages that came from outside by now, each with the address that it is sent as."""


Driver = Callable[["Kernel"], Awaitable[None]]
"""Takes an opened kernel from instant 0 to the end; in a run of several processes, in step with the others."""


@attrs.frozen
class KernelStatistics:
    """A run so far."""

    components: int
    instants: int
    rounds: int
    bus: BusStatistics


class Kernel:
    """Steps components through simulated time and carries their messages."""

    def __init__(
        self,
        calendar: Calendar,
        *,
        stop: Duration,
        seed: int = 0,
        clock: Clock | None = None,
        quarantine: Sequence[str] = (),
        round_limit: int = 10_000,
        observers: Sequence[Observer] = (),
        gateway: Gateway | None = None,
        on_instant: Callable[[Instant], None] | None = None,
        driver: Driver | None = None,
        elsewhere: Collection[str] = (),
    ) -> None:
        self.calendar = calendar
        self.stop = stop
        self.seed = seed
        self.bus = Bus()
        self.now: Instant = 0
        self.round = 0
        self.outbox: list[Envelope[Any]] = []
        self.current = self._nobody = self._speaker(_NOBODY)
        self._clock = clock if clock is not None else VirtualClock()
        self._quarantine = tuple(quarantine)
        self.round_limit = round_limit
        self.observers = list(observers)
        self._gateway = gateway
        self._on_instant = on_instant
        self._drive: Driver = driver if driver is not None else Kernel._alone
        self._elsewhere = frozenset(elsewhere)
        self._mains: dict[str, Main] = {}
        self._ports: dict[str, Port] = {}
        self._speakers: dict[str, Activity] = {}
        self._activities: dict[int, Activity] = {}
        self._agenda = Agenda()
        self._ready: list[Activity] = []
        self._foreign: ForeignAwaits | None = None
        self._disordered = False
        self._instants = 0
        self._rounds = 0

    # Composition

    def add(self, address: str, main: Main) -> None:
        """Add a component: an address ``role.name`` and an async function of its port.

        Raises:
            UsageError: the address is malformed, taken or the kernel's own, or the run has begun.
        """
        role, _, name = address.partition(".")
        if role == _ROLE:
            raise UsageError(f"{address}: the role {_ROLE} is taken; choose another")
        if not (is_token(role) and is_token(name)):
            raise UsageError(f"{address!r} is no address; write role.name in letters, digits, - and _")
        if address in self._mains:
            raise UsageError(f"the address {address} is taken twice")
        if self._ports:
            raise UsageError(f"{address} comes too late: the run has begun")
        self._mains[address] = main

    # What ports and subscriptions use

    def wake_at(self, instant: Instant, priority: int) -> Wake:
        """Enter the current activity in the agenda.

        Raises:
            UsageError: the instant lies in the past.
        """
        if instant < self.now:
            address = self.current.port.address
            raise UsageError(f"{address} wants to wake at {instant} ns, but it is {self.now} ns already")
        return self._agenda.push(instant, priority, self.current)

    def spawn(self, port: Port, coroutine: Coroutine[object, object, None], index: int) -> None:
        """Enter a new activity of a component; it is stepped in the next round."""
        if index >= _ACTIVITIES:
            raise UsageError(f"{port.address} started {index} activities; reuse them in a loop")
        activity = Activity(coroutine, port, port.rank * _ACTIVITIES + index, index)
        self._activities[activity.rank] = activity
        self._ready.append(activity)

    def deny(self, address: str, message: object, bound: str) -> NoReturn:
        """Refuse a message that is sent in another's name."""
        declaration, name = declaration_of(type(message)), getattr(message, bound)
        hint = f"; its {bound} is {name!r}"
        raise PermissionDenied(address, "send", declaration.cls.__name__, declaration.senders, hint)

    def deny_hearing(self, address: str, message: object) -> NoReturn:
        """Refuse a reply that the one who asked may not hear."""
        declaration = declaration_of(type(message))
        hint = f"; the reply was on {declaration.topic_of(message)}"
        raise PermissionDenied(address, "hear", declaration.cls.__name__, declaration.receivers, hint)

    # The run

    async def run(self) -> None:
        """Run from instant 0 to the stop, which is included.

        Raises:
            ComponentError: a component raised and is not to be quarantined.
            UsageError: this kernel has run before.
        """
        if self._foreign is not None:
            raise UsageError("a kernel runs once; compose another for another run")
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            self._foreign = ForeignAwaits(self, tasks)
            try:
                self._open()
                await self._drive(self)
            except Exception as error:  # noqa: BLE001 - raised again below, outside of the group that would wrap it
                failure = error
            finally:
                closing = self._close()
                failure = failure or closing
                self._clock.ended()
                tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    def statistics(self) -> KernelStatistics:
        """Counts since the start."""
        return KernelStatistics(len(self._mains), self._instants, self._rounds + self.round, self.bus.statistics())

    def _open(self) -> None:
        for rank, address in enumerate(sorted(self._mains), start=1):
            port = self._ports[address] = Port(self, address, rank)
            main = self._mains[address](port)
            if not isinstance(main, Coroutine):
                raise UsageError(f"{address} is not an async function of its port: calling it gave {main!r}")
            self.spawn(port, main, 0)

    def _close(self) -> Exception | None:
        """End every coroutine, last address first, so that their clean-up runs; returns the first failure."""
        failure: Exception | None = None
        for _, activity in sorted(self._activities.items(), reverse=True):
            try:
                activity.end()
            except Exception as error:  # noqa: BLE001 - the others must be ended too
                failure = failure or self._failure(activity, error)
        self._activities.clear()
        return failure

    async def _alone(self) -> None:
        """Drive a run that has no other process."""
        self.take_in()
        await self._settle()
        with quiet_collector():
            while (due := await self.advance(self.due())) is not None:
                self.wake(due[1])
                await self._settle()

    # What drivers use

    @property
    def addresses(self) -> list[str]:
        """The components that run here."""
        return sorted(self._mains)

    def due(self) -> Due | None:
        """The next instant and priority at which one of the components wants to be woken."""
        return self._agenda.due()

    async def advance(self, due: Due | None) -> Due | None:
        """Go to what is due next, as far as the clock and the stop allow.

        Returns the instant and priority to wake; None when the run is over.
        """
        if due is not None and due[0] == self.now:
            return due
        if self.now >= self.stop:
            return None
        target = self.stop if due is None else min(due[0], self.stop)
        granted = await self._clock.advance(target)
        if not self.now < granted <= target:
            raise InternalError(f"the clock granted {granted} ns for a request of {target} ns at {self.now} ns")
        self.enter(granted)
        self.take_in()
        return due if due is not None and due[0] == granted else (granted, NORMAL)

    def enter(self, instant: Instant) -> None:
        """Begin an instant."""
        self.now = instant
        self._rounds += self.round
        self.round = 0
        self._instants += 1
        if self._on_instant is not None:
            self._on_instant(instant)

    def wake(self, priority: int) -> None:
        """Make ready what is due now with a priority."""
        for activity in self._agenda.pop_due(self.now, priority):
            activity.inbound = DEADLINE
            self._ready.append(activity)

    @property
    def stirring(self) -> bool:
        """Whether there is something to step or to deliver."""
        return bool(self._ready or self.outbox)

    async def step(self) -> list[Envelope[Any]]:
        """Step whatever is ready; returns what was published, in order. One round of one process."""
        foreign = self._foreign
        if foreign is None:
            raise InternalError("a kernel steps outside of a run")
        ready, self._ready = self._ready, []
        self._step(ready, foreign)
        if foreign.pending:
            await foreign.wait()
        self.current = self._nobody
        outbox, self.outbox = self.outbox, []
        outbox.sort(key=_BY_SENDER)
        self._disordered = False
        return outbox

    def deliver(self, outbox: list[Envelope[Any]]) -> None:
        """Put the messages of a round, from whichever process, into the mailboxes of this one."""
        self.bus.deliver(outbox, self._ready, self._answer, self._blame)

    def endless(self, topics: Iterable[str]) -> NoReturn:
        """Give up on an instant that has had too many rounds; names the topics."""
        named = sorted(set(topics))[:10]
        raise EndlessExchange("the run", self.now, self.round, named, self.calendar.text(self.now))

    def take_in(self) -> None:
        """Publish what has come from outside by now."""
        if self._gateway is not None:
            for address, message in self._gateway.inbound(self.now):
                self.post(address, message)

    def post(self, address: str, message: object) -> None:
        """Publish a message in the name of an address that is no component: a gateway's or the kernel's."""
        if address in self._mains or address in self._elsewhere:
            raise UsageError(f"{address} is a component of this run; nothing from outside can speak in its name")
        speaker = self._speakers.get(address)
        if speaker is None:
            speaker = self._speakers[address] = self._speaker(address)
        before, self.current = self.current, speaker
        try:
            speaker.port.publish(message)
        finally:
            self.current = before
        self._disordered = True

    def _speaker(self, address: str) -> Activity:
        """An activity that only lends its name; its coroutine is never stepped."""
        speaker = Activity(_nothing(), Port(self, address, 0), 0, 0)
        speaker.end()
        return speaker

    async def _settle(self) -> None:
        """Run rounds until nothing is published."""
        deliver, observers, answer = self.bus.deliver, self.observers, self._answer
        foreign, nobody, blame = self._foreign, self._nobody, self._blame
        if foreign is None:
            raise InternalError("a kernel settles outside of a run")
        while self._ready or self.outbox:
            if self.round >= self.round_limit:
                self.endless(self._stirred())
            ready, self._ready = self._ready, []
            self._step(ready, foreign)
            if foreign.pending:
                await foreign.wait()
                self._disordered = True
            self.current = nobody
            if self.outbox:
                outbox, self.outbox = self.outbox, []
                if self._disordered:
                    outbox.sort(key=_BY_SENDER)
                    self._disordered = False
                for observer in observers:
                    observer.observe(outbox)
                self.round += 1
                deliver(outbox, self._ready, answer, blame)
            else:
                self.round += 1
            if self.round % _BREATH == 0:
                await anyio.lowlevel.checkpoint()

    def _step(self, ready: list[Activity], foreign: ForeignAwaits) -> None:
        """Step what is ready, by rank, each until it waits again."""
        if len(ready) > 1:
            ready.sort(key=_BY_RANK)
        for activity in ready:
            self.current = activity
            try:
                trap = activity.send(activity.inbound)
            except StopIteration:
                self.finished(activity)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - sorted in failed
                self.failed(activity, error)
            else:
                if trap is not PARKED:
                    foreign.take(activity, trap)

    def _answer(self, envelope: Envelope[Any]) -> None:
        """Wake the activity that waits for a reply."""
        requester = self._ports.get((envelope.reply_to or "").partition("#")[0])
        activity = requester.take_reply(envelope) if requester is not None else None
        if activity is not None:
            activity.inbound = envelope
            self._ready.append(activity)

    def _stirred(self) -> Iterator[str]:
        """Topics that activities are to be stepped for; addresses where it is something else."""
        for activity in self._ready:
            by = activity.inbound
            yield by.topic if isinstance(by, Envelope) else activity.port.address

    # Failure

    def is_alive(self, activity: Activity) -> bool:
        """Whether an activity has neither ended nor been taken out."""
        return activity.rank in self._activities

    def finished(self, activity: Activity) -> None:
        """Take note that an activity has ended."""
        self._activities.pop(activity.rank, None)

    def resume(self, activity: Activity, resume: Callable[[Any], object], value: object) -> object:
        """Carry an activity on from outside of the rounds; returns what it yields next."""
        self.current = activity
        try:
            return resume(value)
        finally:
            self.current = self._nobody

    def _blame(self, address: str, error: Exception) -> None:
        """Treat what delivery has found wrong as if the component had raised it."""
        port = self._ports.get(address)
        activities = [] if port is None else [a for a in self._activities.values() if a.port is port]
        if not activities:
            raise error
        self.failed(activities[0], error)

    def failed(self, activity: Activity, error: BaseException) -> None:
        """Quarantine the component, where the scenario says so, or end the run.

        Raises:
            ComponentError: the component is not to be quarantined.
        """
        self._activities.pop(activity.rank, None)
        failure, port = self._failure(activity, error), activity.port
        if not any(fnmatchcase(port.address, pattern) for pattern in self._quarantine):
            raise failure from error
        reason = str(failure) + self._isolate(port)
        # In a name of its own, so that the notices of several processes need no common count.
        self.post(f"{_ROLE}.{port.role}-{port.name}", Quarantined(role=port.role, name=port.name, reason=reason))

    def _failure(self, activity: Activity, error: BaseException) -> ComponentError:
        if isinstance(error, ComponentError):
            return error
        envelope = activity.inbound if isinstance(activity.inbound, Envelope) else None
        text, when = f"{type(error).__name__}: {error}", self.calendar.text(self.now)
        failure = ComponentError(activity.port.address, self.now, envelope, text, when)
        failure.__cause__ = error
        return failure

    def _isolate(self, port: Port) -> str:
        """End all activities of a component; returns what else went wrong in that."""
        more = ""
        for subscription in port.subscriptions:
            subscription.close()
        for rank in [rank for rank, activity in self._activities.items() if activity.port is port]:
            activity = self._activities.pop(rank)
            self._agenda.forget(activity)
            try:
                activity.end()
            except Exception as error:  # noqa: BLE001 - the component is out either way
                more += f"; then its clean-up: {type(error).__name__}: {error}"
        return more


async def _nothing() -> None:
    """The coroutine of a speaker, which is never stepped."""
