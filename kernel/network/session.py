"""A run over a network from both ends: keeping its time, and taking part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs

from ..errors import UsageError
from ..kernel import Kernel
from ..message import is_token
from ..scenario import Member, Scenario
from .follow import FollowedRun, follow
from .followers import Follower, Shard, chosen_members, follower, kept_members, main_functions
from .identity import hello_of
from .link import HEAD
from .pace import Pace
from .roster import Roster
from .subjects import Subjects
from .timekeeper import Timekeeper, keep_time
from .transport import Transport


@attrs.frozen
class Split:
    """How a run is split over processes, and which part this one has.

    With ``only`` this process runs those members of the scenario, or the ``shard`` of them, and follows. Without, it
    keeps time: it runs the members in ``keep`` (by default those whose plug-ins say so) and waits for the others.
    """

    only: tuple[str, ...] = ()
    shard: Shard = attrs.field(factory=Shard)
    keep: tuple[str, ...] | None = None
    run: str = ""
    """Name of the run on the network, where several share one; by default the scenario's."""
    pace: Pace = attrs.field(factory=Pace)

    def __attrs_post_init__(self) -> None:
        if self.only and self.keep is not None:
            raise UsageError("a process that keeps members with it keeps time; it cannot run only some and follow")
        if not self.only and not self.shard.whole:
            raise UsageError("a shard is of something; name it with --only")
        if self.run and not is_token(self.run):
            raise UsageError(f"the name of a run has letters, digits, - and _ only, got {self.run!r}")

    def subjects(self, scenario: Scenario) -> Subjects:
        """The subjects of the run."""
        return Subjects(self.run or scenario.name)

    def kept(self, scenario: Scenario) -> list[Member]:
        """The members that the timekeeper runs itself."""
        return kept_members(scenario, self.keep)


@asynccontextmanager
async def timekeeping(
    scenario: Scenario,
    split: Split,
    transport: Transport,
    shards: int | None = None,
    show: Callable[[Timekeeper], None] | None = None,
) -> AsyncIterator[Timekeeper]:
    """Keep time; ``shards`` says beforehand into how many parts members are split that can be.

    ``show`` is called with the timekeeper before the followers are waited for.
    """
    roster = Roster(scenario, split.kept(scenario), split.subjects(scenario), transport.largest_payload - HEAD)
    if shards is not None:
        roster.expect_all(shards)
    async with keep_time(roster, transport, split.subjects(scenario), split.pace, show) as timekeeper:
        yield timekeeper


def parts(scenario: Scenario, split: Split) -> list[Follower]:
    """The followers that this process is.

    Raises:
        UsageError: it is none, or one cannot be split.
    """
    return [follower(scenario, member, split.shard) for member in chosen_members(scenario, split.only)]


async def take_part(scenario: Scenario, split: Split, part: Follower, transport: Transport) -> tuple[Kernel, str]:
    """Run the components of one follower to the end; returns their kernel and the digest of what they have said.

    Raises:
        ComponentError: one of them raised.
        PeerError: the timekeeper refuses, ends the run or is lost.
    """
    hello = hello_of(part, scenario)
    async with follow(part, hello, split.subjects(scenario), transport, split.pace) as followed:
        kernel = _kernel(scenario, part, followed)
        try:
            await kernel.run()
        except Exception as error:
            await followed.fail(kernel, error)
            raise
        await followed.farewell(kernel)
        return kernel, followed.digest()


def _kernel(scenario: Scenario, part: Follower, followed: FollowedRun) -> Kernel:
    head = scenario.head
    kernel = Kernel(
        scenario.calendar, stop=scenario.stop, seed=head.seed, quarantine=head.quarantine, driver=followed.drive
    )
    (member,) = chosen_members(scenario, [part.member])
    for address, main in main_functions(scenario, member, part.shard):
        kernel.add(address, main)
    return kernel
