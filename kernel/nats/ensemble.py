"""A run that is split over processes of this machine: a server of its own, a process for each follower, all watched.

A process or server that something kills is started again, and the run goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import attrs
import orjson

from ..network.followers import Follower, followers
from ..network.timekeeper import Timekeeper
from ..plugins import contract
from ..scenario import Scenario
from .credentials import make_credentials
from .permissions import permissions, server_configuration
from .server import NatsServer, dies_with_parent
from .settings import ServerSettings

if TYPE_CHECKING:
    from .bus import NatsBus

_log = logging.getLogger(__name__)
_TOLD_S = 2.0
"""Seconds in which a follower that ends with an error has told why."""
_ENOUGH = 5
"""Times that a follower may be ended without having said anything new."""
_LEAVE_S = 10.0
"""Seconds that a follower has to leave after the run."""
_LEAVE_FAILED_S = 1.0
"""The same after a run that failed."""


@attrs.define(eq=False)
class Ensemble:
    """The server and the processes of a run."""

    server: NatsServer
    folder: Path
    processes: dict[str, asyncio.subprocess.Process] = attrs.field(factory=dict)
    away: set[str] = attrs.field(factory=set)
    """Followers that are not started again when they end."""

    async def start(self, follower: Follower) -> asyncio.subprocess.Process:
        """Start the process of a follower."""
        with (self.folder / f"{follower.name}.log").open("ab") as log:
            process = self.processes[follower.name] = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "gridbus.kernel.nats.child", str(self.folder / f"{follower.name}.json")),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_parent,
            )
        return process

    def last_words(self, follower: Follower) -> str:
        """What a follower's process has written last."""
        text = (self.folder / f"{follower.name}.log").read_text(encoding="utf-8", errors="replace").strip()
        return text.splitlines()[-1] if text else "it wrote nothing"

    async def end(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for the processes to leave, and end those that do not; after a failure one may be frozen."""
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(_LEAVE_S if kind is None else _LEAVE_FAILED_S):
                for process in self.processes.values():
                    await process.wait()
            for process in self.processes.values():
                if process.returncode is None:
                    process.kill()
                    await process.wait()


@asynccontextmanager
async def ensemble(scenario: Scenario, bus: NatsBus) -> AsyncIterator[Timekeeper]:
    """Start a server and a process for each follower, and keep the time of their run."""
    split = bus.split
    expected = list(followers(scenario, split.kept(scenario), bus.shards))
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gridbus-")))
        credentials = folder / "credentials"
        users = permissions(split.subjects(scenario), expected, contract())
        keys = make_credentials(credentials, [user.user for user in users])
        settings = ServerSettings()
        server = await stack.enter_async_context(NatsServer(settings, server_configuration(settings, users, keys)))
        _write_orders(folder, scenario, bus, server.url, credentials, expected)
        here = attrs.evolve(bus, url=server.url, shards=1, credentials=credentials)
        players = Ensemble(server, folder)
        stack.push_async_exit(players.end)
        tasks = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(tasks.cancel_scope.cancel)
        for follower in expected:
            await players.start(follower)
        watch = _Watch(players, tasks)
        watch.begin(expected)
        if bus.watch is not None:
            bus.watch(players)
        timekeeper = await stack.enter_async_context(here.joined(scenario, server.url, bus.shards, watch.see))
        yield timekeeper


def _write_orders(
    folder: Path, scenario: Scenario, bus: NatsBus, url: str, credentials: Path, expected: Sequence[Follower]
) -> None:
    for follower in expected:
        order = {
            "scenario": scenario.data(),
            "url": url,
            "member": follower.member,
            "shard": None if follower.shard.whole else f"{follower.shard.number}/{follower.shard.count}",
            "run": bus.run,
            "credentials": str(credentials),
            "patience_s": bus.patience_s,
        }
        (folder / f"{follower.name}.json").write_bytes(orjson.dumps(order))


class _Watch:
    """Starts again what was killed, and tells the timekeeper of what has failed."""

    def __init__(self, players: Ensemble, tasks: anyio.abc.TaskGroup) -> None:
        self._players = players
        self._tasks = tasks
        self._timekeeper: Timekeeper | None = None
        self._over = False

    def see(self, timekeeper: Timekeeper) -> None:
        """Be shown who keeps the time."""
        self._timekeeper = timekeeper

    def begin(self, expected: Sequence[Follower]) -> None:
        """Watch the processes and the server."""
        for follower in expected:
            self._tasks.start_soon(self._follower, follower)
        self._tasks.start_soon(self._server)

    async def _follower(self, follower: Follower) -> None:
        process = self._players.processes[follower.name]
        ended_at: list[int] = []
        while True:
            code = await process.wait()
            if code == 0:
                return
            if code > 0:
                await anyio.sleep(_TOLD_S)
                self._lost(f"{follower.name} ended with exit code {code}: {self._players.last_words(follower)}")
                return
            if follower.name in self._players.away:
                return
            how = signal.Signals(-code).name
            ended_at.append(0 if self._timekeeper is None else self._timekeeper.gone(follower.name))
            if ended_at[-_ENOUGH:] == [ended_at[-1]] * _ENOUGH:
                self._lost(f"{follower.name} is ended by {how} again and again: {self._players.last_words(follower)}")
                return
            _log.warning("%s was ended by %s; it is started again", follower.name, how)
            process = await self._players.start(follower)

    async def _server(self) -> None:
        while True:
            await self._players.server.wait()
            _log.warning("the NATS server has ended; it is started again")
            await self._players.server.restart()

    def _lost(self, text: str) -> None:
        if self._timekeeper is not None:
            self._timekeeper.lose(text)
