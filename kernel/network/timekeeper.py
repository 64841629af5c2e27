"""The process that keeps time: it leads the followers from round to round, and carries their messages.

For each round it tells those followers that have something to do to step, gathers what their components publish, puts
it in order, and sends every message to the followers that may hear it. It alone knows the clock, HELICS and the
records. A follower that has nothing to do in a round is not asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from operator import attrgetter
from typing import Any
from zlib import crc32

import anyio
import anyio.abc
import attrs

from ..agenda import Due
from ..collector import quiet_collector
from ..envelope import Envelope
from ..errors import ComponentError, DecodeError, Fault, GridbusError, InternalError, PeerError, UsageError
from ..journal import journal_line
from ..kernel import Kernel, KernelStatistics
from ..message import Declaration, has_topic
from ..scenario import Member
from .lines import check_size
from .link import HEAD, Frame
from .notes import Failed, Farewell, Finish, Hello, Report, Status, Step, Stopped, read, written
from .pace import Pace
from .rejected import Rejected
from .roster import Roster, stranger
from .routing import Router
from .seat import Seat
from .subjects import Subjects
from .transport import Transport

_log = logging.getLogger(__name__)
_BY_SENDER = attrgetter("sender", "sequence")
_HERE = None
"""In place of a seat: this process."""


class Timekeeper:
    """Drives a kernel in step with the followers of a run; made with ``keep_time``."""

    def __init__(self, roster: Roster, transport: Transport, pace: Pace, tasks: anyio.abc.TaskGroup) -> None:
        self._roster = roster
        self._transport = transport
        self._pace = pace
        self._largest = transport.largest_payload - HEAD
        self._tasks = tasks
        self._router: Router[Seat | None] = Router({})
        self._published: Counter[str] = Counter()
        self._seat_of: dict[str, Seat] = {}
        self._changed = asyncio.Event()
        self._awaited: list[Seat] = []
        self._failure: GridbusError | None = None
        self._kernel: Kernel | None = None
        self._resending: set[str] = set()
        self._waiting = anyio.CancelScope()
        self._over = False
        self.rejected = Rejected()

    # The run

    async def assemble(self) -> None:
        """Wait until every follower is there, and say who is missing."""
        looks = 0
        while missing := self._roster.missing():
            if looks in (3, 10) or (looks and looks % 30 == 0):
                _log.warning("waiting for %s", ", ".join(missing))
            looks += 1
            await self._change(self._pace.look_s)
            self._check()
        self._seat_of = {address: seat for seat in self._seats for address in seat.addresses}

    @property
    def kept(self) -> Sequence[Member]:
        """The members of the scenario that run in this process."""
        return self._roster.kept

    @property
    def addresses(self) -> list[str]:
        """The components that run elsewhere."""
        return [address for seat in self._seats for address in seat.follower.addresses]

    @property
    def _seats(self) -> list[Seat]:
        return self._roster.seats

    async def drive(self, kernel: Kernel) -> None:
        """Take the kernel and all followers from instant 0 to the end; the kernel's driver.

        Raises:
            ComponentError: a component of a follower raised.
            PeerError: a follower is lost, or says what it may not.
        """
        self._kernel = kernel
        places: dict[Seat | None, Sequence[str]] = {seat: seat.follower.addresses for seat in self._seats}
        self._router = Router(places | {_HERE: kernel.addresses})
        kernel.take_in()
        await self._settle(kernel, None)
        with quiet_collector():
            while (due := await self._advance(kernel)) is not None:
                kernel.wake(due[1])
                await self._settle(kernel, due[1])
        await self._send(self._last_words(Finish(kernel.now)))
        await self._answers(self._seats)
        await self._send(seat.aside(_status(seat)) for seat in self._seats)

    async def _advance(self, kernel: Kernel) -> Due | None:
        """Go to what is due next, anywhere; a follower that is lost while the clock waits ends the wait."""
        due = None
        self._check()
        with anyio.CancelScope() as self._waiting:
            due = await kernel.advance(self._due(kernel))
        self._check()
        return due

    def _due(self, kernel: Kernel) -> Due | None:
        dues = [due for due in (kernel.due(), *(seat.due for seat in self._seats)) if due is not None]
        return min(dues, default=None)

    async def _settle(self, kernel: Kernel, priority: int | None) -> None:
        """Run rounds, everywhere, until nothing is published."""
        said: list[Envelope[Any]] = []
        local: list[Envelope[Any]] = []
        while True:
            due = None if priority is None else (kernel.now, priority)
            active = [s for s in self._seats if s.stirs or s.outgoing or (due is not None and s.due == due)]
            await self._send(self._step(active, Step(kernel.now, kernel.round, priority)))
            # From here on the followers are at work, and what need not be done before is done beside them.
            if said:
                self._published.update([envelope.declaration.name for envelope in said])
                for observer in kernel.observers:
                    observer.observe(said)
            own, stirring, failure = await _own_round(kernel, local)
            if not (active or stirring):
                return
            await self._answers(active, failure)
            said = self._gather(own, active)
            if stirring or said or any(isinstance(s.answer, Report) and s.answer.stepped for s in active):
                if kernel.round >= kernel.round_limit:
                    kernel.endless(envelope.topic for envelope in said)
                kernel.round += 1
            local = self._route(said)
            priority = None

    def _gather(self, own: list[Envelope[Any]], active: list[Seat]) -> list[Envelope[Any]]:
        """All that a round has published, in order."""
        said = own
        for seat in active:
            said = said + seat.said
            seat.said = []
        said.sort(key=_BY_SENDER)
        return said

    def _route(self, said: list[Envelope[Any]]) -> list[Envelope[Any]]:
        """Put messages aside for the followers that may hear them; returns those for components of this process."""
        local: list[Envelope[Any]] = []
        last: Declaration | None = None
        seat_of, router = self._seat_of, self._router
        for envelope in said:
            if (declaration := envelope.declaration) is not last:
                last, routes = declaration, router.routes(declaration)
                name, retain = declaration.name, declaration.retain
            body = envelope.body
            if not has_topic(declaration, body):
                if envelope.sender not in seat_of:
                    local.append(envelope)
                continue
            line = journal_line(envelope)
            check_size(envelope, line, self._largest)
            asked = None if envelope.reply_to is None else seat_of.get(envelope.reply_to.partition("#")[0])
            for place in routes.places(body):
                if place is _HERE:
                    local.append(envelope)
                elif place is not seat_of.get(envelope.sender):  # A follower keeps what its own components hear.
                    if name in place.listens or place is asked:
                        place.outgoing.add(name, line)
                    elif retain:
                        place.later.add(name, line)
        return local

    def _step(self, seats: list[Seat], step: Step) -> Iterable[tuple[str, bytes]]:
        """What the followers of a round have to know, and the word to step."""
        note = written(step)
        for seat in seats:
            seat.asked, seat.answer = True, None
            for name, content in (*seat.later.take(), *seat.outgoing.take()):
                yield seat.send(content, seat.subjects.hear(seat.name, name))
            yield seat.send(note)

    def _last_words(self, finish: Finish) -> Iterable[tuple[str, bytes]]:
        note = written(finish)
        for seat in self._seats:
            seat.asked, seat.answer = True, None
            yield seat.send(note)

    async def _answers(self, seats: Sequence[Seat], failure: ComponentError | None = None) -> None:
        """Wait until all of some followers have answered.

        Raises:
            ComponentError: a component of one raised, or of this process; the first by address, where several did.
            PeerError: one is lost.
        """
        self._awaited = [seat for seat in seats if seat.asked]
        self._check()
        while self._awaited:
            await self._change()
            self._check()
        failed = [seat.answer for seat in seats if isinstance(seat.answer, Failed)]
        first = min(failed, key=attrgetter("address"), default=None)
        if failure is not None and (first is None or failure.address < first.address):
            raise failure
        if first is not None:
            raise _error_of(first)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _change(self, longest_s: float | None = None) -> None:
        """Wait until something has come that is waited for."""
        self._changed = asyncio.Event()
        if longest_s is None:
            await self._changed.wait()
        else:
            with anyio.move_on_after(longest_s):
                await self._changed.wait()

    def gone(self, name: str) -> int:
        """A follower's process is known to have ended: another may take its seat at once.

        Returns the number of frames that have come from it, by which one sees whether it gets on.
        """
        return self._roster.gone(name)

    def lose(self, text: str) -> None:
        """A follower is known to be lost for good: the run fails."""
        self._fail(PeerError(text))

    def _fail(self, error: GridbusError) -> None:
        self._failure = self._failure or error
        self._changed.set()
        self._waiting.cancel()

    async def _send(self, frames: Iterable[tuple[str, bytes]]) -> None:
        for subject, payload in frames:
            await self._transport.publish(subject, payload)

    async def stop(self, reason: str) -> None:
        """Tell every follower that the run ends early."""
        await self._send(seat.aside(written(Stopped(reason))) for seat in self._seats)

    def statistics(self, own: KernelStatistics) -> KernelStatistics:
        """The counts of the whole run, with what the followers have said in their farewells."""
        farewells = [seat.answer for seat in self._seats if isinstance(seat.answer, Farewell)]
        bus = attrs.evolve(
            own.bus,
            published=self._published.total(),
            published_by_message={name: self._published[name] for name in sorted(self._published)},
            delivered=own.bus.delivered + sum(f.delivered for f in farewells),
            subscriptions=own.bus.subscriptions + sum(f.subscriptions for f in farewells),
        )
        return attrs.evolve(own, components=own.components + sum(f.components for f in farewells), bus=bus)

    def close(self) -> None:
        """The run is over: what still comes in concerns nobody."""
        self._over = True

    # What comes in

    def take(self, subject: str, payload: bytes) -> None:
        """Take in what the network has brought."""
        if self._over:
            return
        try:
            frame = Frame.parse(payload)
            self._take_frame(subject, frame)
        except DecodeError as error:
            now = self._kernel.now if self._kernel is not None else 0
            self.rejected.add(now, subject, payload, str(error))

    def _take_frame(self, subject: str, frame: Frame) -> None:
        seat = self._roster.seat_of(subject)
        if seat is None or frame.token != seat.link.token or not seat.process:
            self._greet(subject, frame, seat)
            return
        seat.heard = seat.alive = True
        seat.link.confirm(frame)
        if frame.number == 0:
            self._take_aside(seat, frame)
            return
        gap = seat.link.gap
        for earlier, content in seat.link.take(subject, frame):
            seat.checksum = crc32(content, seat.checksum)
            try:
                self._take_content(seat, earlier, content)
            except DecodeError as error:
                self.lose(f"{seat.name} ({seat.process}) says what it may not on {earlier}: {error}")
                return
        if seat.link.gap and not gap:
            self._tasks.start_soon(self._send, [seat.aside(_status(seat, lost=True))])

    def _take_content(self, seat: Seat, subject: str, content: bytes) -> None:
        kernel = self._kernel
        if subject in seat.says:
            if kernel is None or not seat.asked:
                raise DecodeError("frame", [Fault("frame", "expected nothing: it was not asked")])
            seat.take_said(subject, content, kernel.now, kernel.round)
            return
        note = read(content)
        if isinstance(note, Report | Farewell) and not seat.asked:
            raise DecodeError("report", [Fault("report", "expected nothing: it was not asked")])
        if isinstance(note, Report):
            seat.stirs = note.more
            seat.listens = seat.listens if note.listens is None else frozenset(note.listens)
            seat.due = None if note.due_instant is None else (note.due_instant, note.due_priority)
        if isinstance(note, Failed) and not seat.asked:
            # Before it was told anything, or when it was started again and is not as it was.
            self._fail(_error_of(note))
        if isinstance(note, Report | Failed | Farewell):
            seat.asked, seat.answer = False, note
            if seat in self._awaited:
                self._awaited.remove(seat)
            if not self._awaited:
                self._changed.set()

    def _take_aside(self, seat: Seat, frame: Frame) -> None:
        note = read(frame.content)
        if isinstance(note, Hello):
            self._tasks.start_soon(self._send, [self._roster.accept(seat)])
        elif isinstance(note, Status):
            stuck = note.received == seat.confirmed
            seat.confirmed = note.received
            if note.received < seat.link.sent and (note.lost or stuck):
                self._resend(seat, note.received)
            if note.sent > seat.link.received and note.lost:
                self._tasks.start_soon(self._send, [seat.aside(_status(seat, lost=True))])

    # Who comes, stays and goes

    def _greet(self, subject: str, frame: Frame, seat: Seat | None) -> None:
        """Someone unknown: a follower that wants to take part, one whose seat was taken, or a stranger."""
        note = read(frame.content) if subject.endswith(".report") else None
        if not isinstance(note, Hello):
            if seat is not None and isinstance(note, Status):
                self._tasks.start_soon(self._send, [Roster.replaced(seat, frame.token)])
            raise DecodeError("frame", [stranger(subject)])
        answer = self._roster.welcome(subject, note, frame.token)
        if answer is not None:
            self._tasks.start_soon(self._send, [answer])
        found = self._roster.seat_of(subject)
        if found is not None and found.process and found.link.token == frame.token:
            self._resend(found, 0)
            self._changed.set()

    def _resend(self, seat: Seat, number: int) -> None:
        if seat.name not in self._resending:
            self._resending.add(seat.name)
            self._tasks.start_soon(self._send_again, seat, number)

    async def _send_again(self, seat: Seat, number: int) -> None:
        try:
            await self._send(seat.link.again(number))
        finally:
            self._resending.discard(seat.name)

    def reconnected(self) -> None:
        """The network was away: ask everyone how far they are."""
        self._tasks.start_soon(self._send, [s.aside(_status(s, lost=True)) for s in self._seats if s.process])

    async def look(self) -> None:
        """Ask the followers for a sign of life, again and again; one that stays silent is lost."""
        while True:
            await anyio.sleep(self._pace.look_s)
            for seat in self._seats:
                if seat.process or self._kernel is not None:
                    self._look_at(seat)
            await self._send([seat.aside(_status(seat)) for seat in self._seats if seat.process])

    def _look_at(self, seat: Seat) -> None:
        seat.silent = 0 if seat.heard else seat.silent + 1
        seat.heard = False
        who = f"{seat.name} ({seat.process})" if seat.process else f"{seat.name}, whose process has ended,"
        if seat.silent == min(5, self._pace.patience // 2 + 1):
            _log.warning("%s is silent; time stands still when it is needed", who)
        if seat.silent >= self._pace.patience:
            self.lose(f"{who} has been silent for {self._pace.patience_s:g} s: it is lost")


async def _own_round(
    kernel: Kernel, inbox: list[Envelope[Any]]
) -> tuple[list[Envelope[Any]], bool, ComponentError | None]:
    """What components of this process publish in a round, and whether there was something to do.

    The error of one that raises comes last: it waits for those of other processes.
    """
    try:
        kernel.deliver(inbox)
        stirring = kernel.stirring
        return await kernel.step() if stirring else [], stirring, None
    except ComponentError as error:
        return [], True, error


def _status(seat: Seat, *, lost: bool = False) -> bytes:
    return written(Status(seat.link.sent, seat.link.received, lost or seat.link.gap))


def _error_of(failed: Failed) -> GridbusError:
    if failed.fault == "component":
        return ComponentError.told(failed.address, failed.instant, failed.text)
    kinds = {"usage": UsageError, "peer": PeerError}
    return kinds.get(failed.fault, InternalError)(failed.text)


@asynccontextmanager
async def keep_time(
    roster: Roster,
    transport: Transport,
    subjects: Subjects,
    pace: Pace,
    show: Callable[[Timekeeper], None] | None = None,
) -> AsyncIterator[Timekeeper]:
    """Keep the time of a run whose followers are all there; they are told when it ends early."""
    async with AsyncExitStack() as stack:
        stack.callback(roster.close)
        tasks = await stack.enter_async_context(anyio.create_task_group())
        timekeeper = Timekeeper(roster, transport, pace, tasks)
        if show is not None:
            show(timekeeper)
        transport.on_reconnect(timekeeper.reconnected)
        await transport.subscribe([subjects.all_up], timekeeper.take)
        tasks.start_soon(timekeeper.look)
        try:
            await timekeeper.assemble()
            yield timekeeper
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await timekeeper.stop(str(error) if isinstance(error, Exception) else "interrupted")
            raise
        finally:
            timekeeper.close()
            tasks.cancel_scope.cancel()
