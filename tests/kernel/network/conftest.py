"""A network in memory that loses, repeats and disorders what it carries, as its seed says, and runs split over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, ClassVar

import attrs
import pytest

from gridbus.kernel import KernelStatistics, Placement, Result, Scenario, Setting, field, message, run_async, value
from gridbus.kernel.activity import Main
from gridbus.kernel.message import matches
from gridbus.kernel.network import follow, identity
from gridbus.kernel.network.followers import Follower, followers
from gridbus.kernel.network.pace import Pace
from gridbus.kernel.network.seat import Seat
from gridbus.kernel.network.session import Split, take_part, timekeeping
from gridbus.kernel.network.timekeeper import Timekeeper
from gridbus.kernel.network.transport import Take
from gridbus.kernel.run import unwrapped

PATIENT = Pace(look_s=0.01, patience_s=10.0)
"""Looks often, so that what is lost is soon sent again, and waits for longer than any test takes."""
QUICK = Pace(look_s=0.02, patience_s=0.2)
"""Gives up soon."""


class Network:
    """Carries payloads between its connections; ``trouble`` is the share of them that something happens to."""

    def __init__(self, seed: int = 0, trouble: float = 0.0) -> None:
        self.random = Random(seed)  # noqa: S311 - the fate of frames, not secrets
        self.trouble = trouble
        self.subscriptions: list[tuple[Connection, str, Take]] = []
        self.carried = 0
        self.lost = 0

    def connect(self) -> Connection:
        return Connection(self)

    def carry(self, origin: Connection, subject: str, payload: bytes) -> None:
        for connection, pattern, take in list(self.subscriptions):
            if connection is origin or connection.cut or not matches(pattern, subject):
                continue
            self.carried += 1
            fate = self.random.random()
            if fate < self.trouble / 3:
                self.lost += 1
                continue
            times = 2 if fate < self.trouble * 2 / 3 else 1
            delay = 0.003 if self.trouble * 2 / 3 < fate < self.trouble else 0.0
            for _ in range(times):
                loop = asyncio.get_running_loop()
                if delay:
                    loop.call_later(delay, take, subject, payload)
                else:
                    loop.call_soon(take, subject, payload)


class Connection:
    """A transport; what is published while it is cut is lost."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.largest_payload = 4096
        self.cut = False
        self.published = 0
        self.before: Callable[[str], None] = lambda _: None
        """Is told the subject of each payload before it is published."""
        self.calls: list[Callable[[], None]] = []

    async def publish(self, subject: str, payload: bytes) -> None:
        assert len(payload) <= self.largest_payload
        self.before(subject)
        if not self.cut:
            self.published += 1
            self.network.carry(self, subject, payload)

    async def subscribe(self, subjects: Sequence[str], take: Take) -> None:
        self.network.subscriptions += [(self, subject, take) for subject in subjects]

    def on_reconnect(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def mend(self) -> None:
        self.cut = False
        for call in self.calls:
            call()

    async def close(self) -> None:
        self.leave()

    def leave(self) -> None:
        self.cut = True
        self.network.subscriptions = [entry for entry in self.network.subscriptions if entry[0] is not self]


class MemoryBus:
    """Splits a run over tasks of one event loop, each with a connection of its own; a bus for ``run_async``."""

    def __init__(
        self,
        network: Network | None = None,
        *,
        shards: int = 1,
        keep: tuple[str, ...] | None = None,
        pace: Pace = PATIENT,
        absent: Iterable[str] = (),
    ) -> None:
        self.network = network or Network()
        self.shards = shards
        self.split = Split(keep=keep, pace=pace)
        self.absent = set(absent)
        """Followers that do not come by themselves."""
        self.parts: dict[str, Follower] = {}
        self.connections: dict[str, Connection] = {}
        self.outcomes: dict[str, str | Exception] = {}
        """What became of each follower: the digest of what it has said, or its error."""
        self.complaints: list[dict[str, Any]] = []
        """What went wrong in callbacks, as when a frame comes that nobody waits for any more."""
        self.timekeeper: Timekeeper | None = None
        self.ready: Callable[[], None] = lambda: None
        """Is called before the followers are waited for."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._all: list[asyncio.Task[None]] = []

    def loop(self) -> dict[str, Any]:
        return {}

    async def take_part(self, scenario: Scenario) -> tuple[str, KernelStatistics]:
        raise NotImplementedError

    @asynccontextmanager
    async def timekeeping(self, scenario: Scenario) -> AsyncIterator[Timekeeper]:
        self.scenario = scenario
        self.subjects = self.split.subjects(scenario)
        self.parts = {part.name: part for part in followers(scenario, self.split.kept(scenario), self.shards)}
        for name in self.parts.keys() - self.absent:
            self.start(name)
        connection = self.connections["timekeeper"] = self.network.connect()
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.complaints.append(context))
        try:
            async with timekeeping(scenario, self.split, connection, self.shards, self._see) as timekeeper:
                yield timekeeper
        finally:
            try:
                async with asyncio.timeout(2.0):
                    await asyncio.gather(*self._all, return_exceptions=True)
            finally:
                for each in self.connections.values():
                    each.leave()
            assert self.complaints == []

    def _see(self, timekeeper: Timekeeper) -> None:
        self.timekeeper = timekeeper
        self.ready()

    def seat(self, name: str) -> Seat:
        """A follower as the process that keeps time sees it."""
        assert self.timekeeper is not None
        return next(seat for seat in self.timekeeper._seats if seat.name == name)

    def start(self, name: str, outcome: str = "") -> None:
        """Start the process of a follower; the one before it is none of its business."""
        connection = self.connections[name] = self.network.connect()
        task = self._tasks[name] = asyncio.create_task(self._follow(self.parts[name], connection, outcome or name))
        self._all.append(task)

    async def _follow(self, part: Follower, connection: Connection, outcome: str) -> None:
        split = Split(only=(part.member,), shard=part.shard, pace=self.split.pace)
        try:
            _, self.outcomes[outcome] = await take_part(self.scenario, split, part, connection)
        except BaseExceptionGroup as group:
            error = unwrapped(group)
            if not isinstance(error, Exception):
                raise
            self.outcomes[outcome] = error

    def kill(self, name: str) -> None:
        """End the process of a follower, which has no time for a last word."""
        self.connections[name].leave()
        self._tasks[name].cancel()

    def start_again(self, name: str) -> None:
        """Kill a follower and start it again, as somebody does who watches the processes."""
        self.kill(name)
        assert self.timekeeper is not None
        self.timekeeper.gone(name)
        self.start(name)


# Components given by the test


@message(topic="said.{name}", senders=["*.{name}"], receivers=["*.*"])
class Said:
    """Anybody may hear it."""

    name: str = field("who")
    number: float = field("number", default=0.0)
    text: str = field("text", default="")


@message(topic="letter.{to}", senders=["*.*"], receivers=["*.{to}"])
class Letter:
    """For one alone."""

    to: str = field("receiver")
    text: str = field("text", default="")


@message(topic="question.{to}", senders=["*.*"], receivers=["*.{to}"])
class Question:
    """Is to be answered."""

    to: str = field("receiver")
    number: int = field("number", default=0)


@message(topic="answer.{to}", senders=["*.*"], receivers=["*.{to}"])
class Answer:
    """Answers a question."""

    to: str = field("receiver")
    number: int = field("number", default=0)


@message(topic="sign.{name}", senders=["*.{name}"], receivers=["*.*"], retain=True)
class Sign:
    """Its last value is kept for those who come late."""

    name: str = field("who")
    number: int = field("number", default=0)


_CONTRACT = SimpleNamespace(Said=Said, Letter=Letter, Question=Question, Answer=Answer, Sign=Sign)
_casts: dict[str, Mapping[str, Main]] = {}
"""What a troupe consists of, by its name; the test says."""


@value
class Troupe:
    """Runs the components that a test has given it."""

    placement: ClassVar[Placement] = Placement.SHARDED

    def components(self, name: str, _: Setting) -> Iterable[tuple[str, Main]]:
        return _casts[name].items()


class Stage:
    """Runs the components of a test, in memory and split, a follower for each troupe."""

    def scenario(self, head: str = "", **casts: Mapping[str, Main]) -> Scenario:
        """A scenario with a member ``troupe.NAME`` for each cast."""
        _casts.clear()
        _casts.update(casts)
        text = 'name = "play"\nstart = 2025-01-01T00:00:00Z\nstop = 2025-01-01T00:42:00Z\nseed = 7\n'
        return Scenario.parse(text + head + "".join(f"\n[troupe.{name}]" for name in casts))


async def alone(scenario: Scenario) -> Result:
    """A run in one process."""
    return await run_async(scenario, records=False)


async def over(
    bus: MemoryBus, scenario: Scenario, out: Path | None = None, progress: Callable[[int], None] | None = None
) -> Result:
    """A run that is split; raises what it ends with, out of its groups."""

    def tell(now: int, _: int) -> None:
        if progress is not None:
            progress(now)

    try:
        async with asyncio.timeout(8.0):
            return await run_async(scenario, out, records=out is not None, bus=bus, progress=tell)
    except BaseExceptionGroup as group:
        error = unwrapped(group)
        raise error from error.__cause__


def counts(result: Result) -> KernelStatistics:
    """The counts of a run that do not depend on how it is split."""
    statistics = result.statistics
    return attrs.evolve(statistics, bus=attrs.evolve(statistics.bus, retained=0))


@pytest.fixture
def short_farewells(monkeypatch: pytest.MonkeyPatch) -> None:
    """For networks that lose frames: the last word of a run may be lost, and then nobody is there to say it again."""
    monkeypatch.setattr(follow, "_LINGER_S", 0.3)


@pytest.fixture
def stage(installed: Any) -> Iterator[Stage]:
    """The plug-in whose components the test gives, and its messages."""
    installed.add("components", troupe=Troupe)
    installed.add("messages", play=_CONTRACT)
    identity.contract_digest.cache_clear()
    yield Stage()
    identity.contract_digest.cache_clear()
    _casts.clear()
