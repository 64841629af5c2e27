"""The networked bus as a user names it: which server, which part of the run, which credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import attrs

from ..errors import UsageError
from ..kernel import KernelStatistics
from ..network.followers import Follower, Shard
from ..network.pace import Pace
from ..network.session import Split, parts, take_part, timekeeping
from ..network.timekeeper import Timekeeper
from ..records import digest_of
from ..scenario import Scenario
from .access import Access
from .client import connect
from .permissions import TIMEKEEPER

if TYPE_CHECKING:
    from .ensemble import Ensemble


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


@attrs.frozen(kw_only=True)
class NatsBus:
    """Splits a run over processes that a NATS server connects.

    Without ``url`` a server is started on this machine, and a process for each member of the scenario; ``shards``
    splits those that can be. With ``url`` this process keeps time and waits for the others, or, with ``only``, is one
    of them. ``credentials`` is a folder with a seed file for each user (``lse.green.nk``), or this user's file.
    """

    url: str | None = attrs.field(default=None, kw_only=False)
    only: tuple[str, ...] = attrs.field(default=(), converter=_names)
    shard: str | None = None
    shards: int = 1
    keep: tuple[str, ...] | None = None
    run: str = ""
    credentials: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    tls_ca: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    tls_certificate: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    tls_key: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    patience_s: float = 60.0
    watch: Callable[[Ensemble], None] | None = None
    """Is shown the server and the processes that were started here, as fault drills want."""

    def __attrs_post_init__(self) -> None:
        if self.url is None and (self.only or self.shard):
            raise UsageError("one part of a run joins a server that runs; name it, like nats://host:4222")
        if self.url is None and (self.credentials or self.tls_ca or self.tls_certificate or self.tls_key):
            raise UsageError("a server of the run's own needs no credentials and no TLS; they are for one that runs")
        if self.url is not None and self.shards != 1:
            raise UsageError("a process on a running server is one shard: --only agents --shard 2/4")
        if not 1 <= self.shards <= 1000:
            raise UsageError(f"a number of shards is 1 to 1000, got {self.shards}")
        _ = self.split

    @property
    def split(self) -> Split:
        """Which part of the run this process has."""
        shard = Shard.parse(self.shard) if self.shard else Shard()
        return Split(self.only, shard, self.keep, self.run, Pace(patience_s=self.patience_s))

    def loop(self) -> dict[str, Any]:
        """Options of the event loop: uvloop where it is installed, which halves the time on the network."""
        return {"use_uvloop": find_spec("uvloop") is not None}

    def access(self, user: str) -> Access:
        """What a user identifies itself with."""
        seed = self.credentials
        if seed is not None and seed.is_dir():
            seed = seed / f"{user}.nk"
        if seed is not None and not seed.is_file():
            raise UsageError(f"there is no seed file {seed}; gridbus serve writes one for each user")
        return Access(seed, self.tls_ca, self.tls_certificate, self.tls_key)

    def timekeeping(self, scenario: Scenario) -> AbstractAsyncContextManager[Timekeeper]:
        """Keep the time of a run."""
        if self.url is None:
            from .ensemble import ensemble

            return ensemble(scenario, self)
        return self.joined(scenario, self.url)

    @asynccontextmanager
    async def joined(
        self,
        scenario: Scenario,
        url: str,
        shards: int | None = None,
        show: Callable[[Timekeeper], None] | None = None,
    ) -> AsyncIterator[Timekeeper]:
        """Keep the time of a run on a server that runs; whoever is to see the timekeeper early is shown it."""
        transport = await connect(url, self.access(TIMEKEEPER), name=TIMEKEEPER, wait_s=self.patience_s)
        try:
            async with timekeeping(scenario, self.split, transport, shards, show) as timekeeper:
                yield timekeeper
        finally:
            with anyio.CancelScope(shield=True):
                await transport.close()

    async def take_part(self, scenario: Scenario) -> tuple[str, KernelStatistics]:
        """Run a part of a scenario to the end; returns the digest of what it said, and its counts."""
        outcomes: dict[str, tuple[str, KernelStatistics]] = {}
        failures: list[Exception] = []

        async def one(part: Follower) -> None:
            try:
                outcomes[part.name] = await self._take_part(scenario, part)
            except Exception as error:  # noqa: BLE001 - raised again below; two that fail at once are one failure
                failures.append(error)
                tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            for part in parts(scenario, self.split):
                tasks.start_soon(one, part)
        if failures:
            raise failures[0]
        digests = {name: digest for name, (digest, _) in outcomes.items()}
        digest = next(iter(digests.values())) if len(digests) == 1 else digest_of(digests)
        return digest, _sum([statistics for _, (_, statistics) in sorted(outcomes.items())])

    async def _take_part(self, scenario: Scenario, part: Follower) -> tuple[str, KernelStatistics]:
        transport = await connect(self.url or "", self.access(part.name), name=part.name, wait_s=self.patience_s)
        try:
            kernel, digest = await take_part(scenario, self.split, part, transport)
            return digest, kernel.statistics()
        finally:
            with anyio.CancelScope(shield=True):
                await transport.close()


def _sum(counts: list[KernelStatistics]) -> KernelStatistics:
    first = counts[0]
    if len(counts) == 1:
        return first
    bus = attrs.evolve(
        first.bus,
        published=sum(c.bus.published for c in counts),
        delivered=sum(c.bus.delivered for c in counts),
        subscriptions=sum(c.bus.subscriptions for c in counts),
        retained=sum(c.bus.retained for c in counts),
    )
    return attrs.evolve(first, components=sum(c.components for c in counts), bus=bus)
