"""A process that runs some of a run's components and follows the timekeeper, round by round.

A process that was killed and started again is sent the whole run from its first round, and runs it once more; what its
components publish in that is known already, and only compared. So it comes to be where the killed one was.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from operator import attrgetter
from typing import Any
from zlib import crc32

import anyio
import anyio.abc
import anyio.lowlevel

from ..collector import quiet_collector
from ..envelope import Envelope
from ..errors import ComponentError, DecodeError, InternalError, PeerError, UsageError
from ..journal import journal_line
from ..kernel import Kernel
from ..message import has_topic
from ..plugins import contract
from ..records import digest_of
from .followers import Follower
from .identity import new_token
from .lines import Batch, Lines, check_size
from .link import HEAD, Frame, Link, Unconfirmed
from .notes import (
    Failed,
    Farewell,
    Finish,
    Hello,
    Note,
    Refusal,
    Report,
    Status,
    Step,
    Stopped,
    Welcome,
    read,
    written,
)
from .pace import Pace
from .rejected import Rejected
from .routing import Router
from .subjects import Subjects
from .transport import Transport

_log = logging.getLogger(__name__)
_IN_ORDER = attrgetter("instant", "round", "sender", "sequence")
_KNOCK_S = 0.25
"""Seconds between two greetings until one is answered."""
_TURN = 50
"""Frames after which other tasks have their turn, while there are more."""
_LINGER_S = 10.0
"""Seconds that the last words may take to arrive."""


class FollowedRun:
    """Drives a kernel as the timekeeper leads; made with ``follow``."""

    def __init__(
        self, follower: Follower, subjects: Subjects, transport: Transport, pace: Pace, tasks: anyio.abc.TaskGroup
    ) -> None:
        self._follower = follower
        self._tasks = tasks
        self._subjects = subjects
        self._transport = transport
        self._pace = pace
        self._unconfirmed = Unconfirmed()
        self._link = Link(new_token(), self._unconfirmed)
        self._report = subjects.report(follower.name)
        self._hears = {subjects.hear(follower.name, d.name): Lines(d) for d in follower.hears(contract())}
        self._listens: tuple[str, ...] = ()
        self._at_home = Router({follower.name: follower.addresses})
        self._largest = transport.largest_payload - HEAD
        self._batch = Batch(self._largest)
        self._inbox: deque[tuple[str, bytes]] = deque()
        self._arrived = asyncio.Event()
        self._welcome: Welcome | None = None
        self._repeated = 0
        """Checksum of what a process that was started again says once more."""
        self._taken = 0
        self._end: PeerError | None = None
        self._heard = False
        self._confirmed = -1
        self._hashes: dict[str, Any] = {}
        self._over = False
        self.rejected = Rejected()

    # Joining

    async def join(self, hello: Hello) -> None:
        """Greet until the timekeeper answers.

        Raises:
            PeerError: it refuses; says why.
        """
        subjects = [self._subjects.lead(self._follower.name), *self._hears]
        await self._transport.subscribe(subjects, self._take)
        knocks = 0
        while self._welcome is None:
            if self._end is not None:
                raise self._end
            if knocks == 8:
                _log.warning("%s waits for the process that keeps time", self._follower.name)
            knocks += 1
            await self._aside(hello)
            await self._arrival(_KNOCK_S)

    async def look(self) -> None:
        """Tell the timekeeper that this process lives; when it is silent for too long, it is lost."""
        silent = 0
        while True:
            await anyio.sleep(self._pace.look_s)
            silent = 0 if self._heard else silent + 1
            self._heard = False
            if silent >= self._pace.patience:
                self._leave(f"the process that keeps time has been silent for {self._pace.patience_s:g} s: it is lost")
                return
            await self._aside(self._status())

    def reconnected(self) -> None:
        """The network was away: frames may be lost."""
        self._tasks.start_soon(self._aside, self._status(lost=True))

    def _status(self, *, lost: bool = False) -> Status:
        return Status(self._link.sent, self._link.received, lost or self._link.gap)

    # The run

    async def drive(self, kernel: Kernel) -> None:
        """Take the kernel through the rounds as it is led; the kernel's driver.

        Raises:
            PeerError: the timekeeper ends the run, or is lost.
        """
        own: list[Envelope[Any]] = []
        others: list[Envelope[Any]] = []
        with quiet_collector():
            while True:
                subject, content = await self._next()
                lines = self._hears.get(subject)
                if lines is not None:
                    others += lines.envelopes(content)
                    continue
                note = read(content)
                if isinstance(note, Finish):
                    if note.instant != kernel.now:
                        kernel.enter(note.instant)
                    return
                if isinstance(note, Step):
                    own, others = await self._round(kernel, note, own + others), []

    async def _round(self, kernel: Kernel, step: Step, inbox: list[Envelope[Any]]) -> list[Envelope[Any]]:
        """Step the components once; returns what they have said that components of this process may hear."""
        if step.instant != kernel.now:
            kernel.enter(step.instant)
        kernel.round = step.round
        if inbox:
            inbox.sort(key=_IN_ORDER)
            kernel.deliver(inbox)
        if step.priority is not None:
            kernel.wake(step.priority)
        stepped = kernel.stirring
        outbox = await kernel.step()
        own = []
        for envelope in outbox:
            declaration, body = envelope.declaration, envelope.body
            line = journal_line(envelope, body)
            check_size(envelope, line, self._largest)
            self._batch.add(declaration.name, line)
            # What has no topic goes nowhere but back to its sender, whose fault it is.
            if self._at_home.routes(declaration).places(body) or not has_topic(declaration, body):
                own.append(envelope)
        await self._say()
        instant, priority = kernel.due() or (None, 0)
        more = bool(own) or kernel.stirring
        await self._numbered(Report(stepped, more, instant, priority, self._change_of_subscriptions(kernel)))
        return own

    def _change_of_subscriptions(self, kernel: Kernel) -> tuple[str, ...] | None:
        """The messages that components of this process subscribe to; None when they are as they were."""
        before = self._listens
        self._listens = tuple(li.name for li in self._hears.values() if kernel.bus.listens(li.declaration.cls))
        return None if self._listens == before else self._listens

    async def _say(self) -> None:
        for name, content in self._batch.take():
            self._hashes.setdefault(name, sha256()).update(content)
            await self._send(self._subjects.say(self._follower.name, name), content)

    def digest(self) -> str:
        """The digest of what the components of this process have published, as of a run of them alone."""
        return digest_of({name: made.hexdigest() for name, made in self._hashes.items()})

    async def fail(self, kernel: Kernel, error: Exception) -> None:
        """Tell the timekeeper that the run has failed here."""
        if isinstance(error, PeerError) and error is self._end:
            return
        fault = {ComponentError: "component", UsageError: "usage", PeerError: "peer"}
        kind = next((name for cls, name in fault.items() if isinstance(error, cls)), "internal")
        address = error.address if isinstance(error, ComponentError) else self._follower.name
        text = str(error) if kind != "internal" else f"{self._follower.name}: {type(error).__name__}: {error}"
        if self._welcome is not None:
            # Whatever a process before this one has said: this is new.
            self._link.skip(self._welcome.received)
        await self._numbered(Failed(address, kernel.now, text, kind))
        await self._linger()

    async def farewell(self, kernel: Kernel) -> None:
        """Tell the timekeeper that everything is cleaned up, and wait until it has heard."""
        counts = kernel.statistics()
        await self._numbered(Farewell(counts.components, counts.bus.delivered, counts.bus.subscriptions))
        await self._linger()

    def close(self) -> None:
        """The run is over: what still comes in concerns nobody."""
        self._over = True

    async def _linger(self) -> None:
        with anyio.move_on_after(_LINGER_S):
            while self._unconfirmed and self._end is None:
                await self._arrival()

    # Frames

    async def _numbered(self, note: Note) -> None:
        await self._send(self._report, written(note))

    async def _send(self, subject: str, content: bytes) -> None:
        payload = self._link.send(subject, content)
        welcome = self._welcome
        if welcome is not None and self._link.sent <= welcome.received:
            self._link.kept.forget(self._link.sent)
            self._repeated = crc32(content, self._repeated)
            if self._link.sent == welcome.received and self._repeated != welcome.checksum:
                raise self._another_run()
            return
        await self._transport.publish(subject, payload)

    def _another_run(self) -> InternalError:
        return InternalError(
            f"{self._follower.name} was started again and does not say what it had said before: a component "
            "depends on something other than its messages, its seed and time"
        )

    async def _aside(self, note: Note) -> None:
        await self._transport.publish(self._report, self._link.aside(written(note)))

    async def _next(self) -> tuple[str, bytes]:
        if not self._inbox:
            while not self._inbox:
                if self._end is not None:
                    raise self._end
                welcome = self._welcome
                if welcome is not None and self._link.sent < welcome.received and self._link.received >= welcome.sent:
                    raise self._another_run()
                await self._arrival()
        self._taken += 1
        if self._taken % _TURN == 0:
            await anyio.lowlevel.checkpoint()
        return self._inbox.popleft()

    async def _arrival(self, longest_s: float | None = None) -> None:
        self._arrived = asyncio.Event()
        if longest_s is None:
            await self._arrived.wait()
        else:
            with anyio.move_on_after(longest_s):
                await self._arrived.wait()

    def _leave(self, reason: str) -> None:
        self._end = self._end or PeerError(reason)
        self._arrived.set()

    def _take(self, subject: str, payload: bytes) -> None:
        """Take in what the network has brought."""
        if self._over:
            return
        try:
            frame = Frame.parse(payload)
            if frame.token != self._link.token:
                return  # For the process that had this place before.
            self._heard = True
            self._link.confirm(frame)
            if frame.number == 0:
                self._take_aside(read(frame.content))
                return
        except DecodeError as error:
            self.rejected.add(0, subject, payload, str(error))
            return
        gap = self._link.gap
        self._inbox.extend(self._link.take(subject, frame))
        if self._link.gap and not gap:
            self._tasks.start_soon(self._aside, self._status(lost=True))
        if self._inbox:
            self._arrived.set()

    def _take_aside(self, note: Note) -> None:
        if isinstance(note, Welcome):
            self._welcome = self._welcome or note
        elif isinstance(note, Refusal):
            self._leave(f"{self._follower.name} was turned away: {note.reason}")
        elif isinstance(note, Stopped):
            self._leave(f"the run was ended: {note.reason}")
        elif isinstance(note, Status):
            stuck = note.received == self._confirmed
            self._confirmed = note.received
            if note.received < self._link.sent and (note.lost or stuck):
                self._tasks.start_soon(self._send_again, note.received)
        self._arrived.set()

    async def _send_again(self, number: int) -> None:
        for subject, payload in list(self._link.again(number)):
            await self._transport.publish(subject, payload)


@asynccontextmanager
async def follow(
    follower: Follower, hello: Hello, subjects: Subjects, transport: Transport, pace: Pace
) -> AsyncIterator[FollowedRun]:
    """Take part in a run for as long as the block lasts.

    Raises:
        PeerError: the timekeeper refuses, or is lost.
    """
    async with anyio.create_task_group() as tasks:
        run = FollowedRun(follower, subjects, transport, pace, tasks)
        transport.on_reconnect(run.reconnected)
        try:
            await run.join(hello)
            tasks.start_soon(run.look)
            yield run
        finally:
            run.close()
            tasks.cancel_scope.cancel()
