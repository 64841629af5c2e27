"""Which processes a run is split over, which components each of them runs, and what it may say and hear."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import attrs

from ..activity import Main
from ..errors import UsageError
from ..message import Declaration
from ..plugins import Placement, Setting, unknown
from ..scenario import Member, Scenario


@attrs.frozen
class Shard:
    """One of several parts of a member."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """A shard from a text such as ``2/4``.

        Raises:
            UsageError: it is no such text.
        """
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= 1000):
            raise UsageError(f"a shard is written like 2/4, the second of four; got {text!r}")
        return cls(int(number), int(count))

    @property
    def whole(self) -> bool:
        """Whether it is all there is."""
        return self.count == 1


@attrs.frozen
class Follower:
    """A process's part of a run: a member of the scenario, or a shard of one."""

    member: str
    shard: Shard
    addresses: tuple[str, ...] = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """What it is called: ``mo.retail``, ``agents.homes.2of4``."""
        return self.member if self.shard.whole else f"{self.member}.{self.shard.number}of{self.shard.count}"

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of its components."""
        return tuple(sorted({address.partition(".")[0] for address in self.addresses}))

    def says(self, contract: Iterable[Declaration]) -> list[Declaration]:
        """The messages that its components may send; the kernel's own are among them, for what it has to tell."""
        return [d for d in contract if {"*", "kernel", *self.roles} & d.sender_rules.keys()]

    def hears(self, contract: Iterable[Declaration]) -> list[Declaration]:
        """The messages that its components may hear."""
        return [d for d in contract if {"*", *self.roles} & d.receiver_rules.keys()]


def chosen_members(scenario: Scenario, choices: Sequence[str]) -> list[Member]:
    """The members that some choices name: a kind such as ``lse``, or one member such as ``mo.retail``.

    Raises:
        UsageError: a choice names nothing in the scenario.
    """
    found: dict[str, Member] = {}
    for choice in choices:
        named = [m for m in scenario.members if choice in (m.kind, m.address)]
        if not named:
            there = {m.kind for m in scenario.members} | {m.address for m in scenario.members}
            raise UsageError(f"scenario {scenario.name}: {unknown('member', choice, there)}")
        found |= {member.address: member for member in named}
    return list(found.values())


def placement_of(member: Member) -> Placement:
    """Where the components of a member run."""
    placement = getattr(member.settings, "placement", Placement.APART)
    if not isinstance(placement, Placement):
        raise UsageError(f"{type(member.settings).__name__}.placement is a Placement, not {placement!r}")
    return placement


def kept_members(scenario: Scenario, keep: Sequence[str] | None) -> list[Member]:
    """The members that run with the process that keeps time: those chosen, or where none are, the plug-ins' word."""
    if keep is not None:
        return chosen_members(scenario, keep)
    return [member for member in scenario.members if placement_of(member) is Placement.KEPT]


def main_functions(scenario: Scenario, member: Member, shard: Shard = Shard()) -> list[tuple[str, Main]]:
    """The components of a member, or of a shard of it.

    Names that are the same up to a first ``-`` stay together; such groups are dealt out like cards, in their order.

    Raises:
        UsageError: the member cannot be split.
    """
    setting = Setting(scenario.calendar, scenario.stop, scenario.head.seed)
    components = list(member.settings.components(member.name, setting))
    if shard.whole:
        return components
    if placement_of(member) is not Placement.SHARDED:
        raise UsageError(f"{member.address} cannot be split into shards; leave out --shard")
    groups = {address: _group(address) for address, _ in components}
    number = {group: index for index, group in enumerate(sorted(set(groups.values())))}
    return [pair for pair in components if number[groups[pair[0]]] % shard.count == shard.number - 1]


def followers(scenario: Scenario, kept: Collection[Member], shards: int = 1) -> Iterator[Follower]:
    """The followers that a run is usually split into: one for each member that is not kept, more for shards."""
    for member in scenario.members:
        if member in kept:
            continue
        count = shards if placement_of(member) is Placement.SHARDED else 1
        for number in range(1, count + 1):
            yield follower(scenario, member, Shard(number, count))


def follower(scenario: Scenario, member: Member, shard: Shard) -> Follower:
    """The follower that a member or shard stands for."""
    return Follower(member.address, shard, tuple(a for a, _ in main_functions(scenario, member, shard)))


def _group(address: str) -> str:
    return address.partition("-")[0]
