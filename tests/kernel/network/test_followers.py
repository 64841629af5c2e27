"""Which components each process runs: every one in one place, homes whole, shards of like size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import Placement, Port, Scenario, Setting, UsageError, field, value
from gridbus.kernel.network.followers import (
    Follower,
    Shard,
    chosen_members,
    follower,
    followers,
    kept_members,
    main_functions,
    placement_of,
)
from gridbus.kernel.network.pace import Pace
from gridbus.kernel.network.session import Split, parts
from gridbus.kernel.plugins import contract
from gridbus.kernel.scenario import Member

from .conftest import Stage

names = st.lists(st.from_regex(r"[a-z][0-9]?(-[a-z])?(-[a-z])?", fullmatch=True), unique=True, max_size=40)


async def nothing(_: Port) -> None:
    """A component."""


@value
class Homes:
    """Components by their names."""

    placement = Placement.SHARDED
    named: tuple[str, ...] = field("names", default=())

    def components(self, _: str, __: Setting) -> Iterable[tuple[str, Any]]:
        return [(f"agent.{name}", nothing) for name in self.named]


SCENARIO = Scenario.parse('name = "s"\nstart = 2025-01-01T00:00:00Z\nstop = 2025-01-02T00:00:00Z\n')


def homes(*named: str) -> Member:
    return Member("agents", "homes", Homes(named), "agents")


def shards_of(member: Member, count: int) -> list[list[str]]:
    return [[a for a, _ in main_functions(SCENARIO, member, Shard(n, count))] for n in range(1, count + 1)]


@given(named=names, count=st.integers(1, 9))
def test_every_component_is_in_one_shard_and_what_belongs_together_in_the_same(named: list[str], count: int):
    shards = shards_of(homes(*named), count)

    assert Counter(a for shard in shards for a in shard) == Counter(f"agent.{name}" for name in named)
    place = {a.partition("-")[0]: number for number, shard in enumerate(shards) for a in shard}
    assert all(place[a.partition("-")[0]] == number for number, shard in enumerate(shards) for a in shard)
    sizes = Counter(place.values())
    assert max(sizes[n] for n in range(count)) - min(sizes[n] for n in range(count)) <= 1


@given(named=names, count=st.integers(1, 9), data=st.data())
def test_the_order_in_which_components_are_made_does_not_matter(named: list[str], count: int, data: st.DataObject):
    other = data.draw(st.permutations(named))
    assert [set(s) for s in shards_of(homes(*named), count)] == [set(s) for s in shards_of(homes(*other), count)]


def test_shards_follow_the_names_and_keep_the_order_of_their_making():
    member = homes("h2-b", "h1", "h3", "h1-a", "h2")
    assert shards_of(member, 2) == [["agent.h1", "agent.h3", "agent.h1-a"], ["agent.h2-b", "agent.h2"]]


@pytest.mark.parametrize("text", ["", "2", "0/2", "3/2", "1/1001", "-1/2", "1/2/3", "a/b", "²/4"])
def test_what_is_no_shard_is_refused(text: str):
    with pytest.raises(UsageError, match="a shard is written like 2/4"):
        Shard.parse(text)


def test_a_shard_is_read():
    assert Shard.parse("2/4") == Shard(2, 4)
    assert Shard.parse("1/1").whole
    assert not Shard.parse("1/2").whole


# The built-in scenario


@pytest.fixture(scope="module")
def day() -> Scenario:
    return Scenario.load("feeder-day")


def addresses(members: Iterable[Member]) -> list[str]:
    return [member.address for member in members]


def test_members_are_chosen_by_kind_and_by_name_each_once(day: Scenario):
    assert addresses(chosen_members(day, ["lse"])) == ["lse.simple", "lse.green"]
    assert addresses(chosen_members(day, ["lse.green", "lse", "do.wires"])) == ["lse.green", "lse.simple", "do.wires"]
    assert chosen_members(day, []) == []


@pytest.mark.parametrize("choice", ["lsd", "lse.gren", "", "lse.*", "agent"])
def test_a_choice_that_names_nothing_is_refused_with_what_there_is(day: Scenario, choice: str):
    with pytest.raises(UsageError, match=r"feeder-day: no member is called .* There are: agents, agents\.homes"):
        chosen_members(day, ["lse", choice])


def test_plugins_say_what_is_kept_unless_the_caller_does(day: Scenario):
    assert addresses(kept_members(day, None)) == ["registry.main", "weather.greensboro", "wholesale.iso"]
    assert addresses(kept_members(day, ["mo"])) == ["mo.retail"]
    assert kept_members(day, []) == []


def test_the_followers_of_a_day_run_what_is_not_kept_each_component_once(day: Scenario):
    kept = kept_members(day, None)
    found = list(followers(day, kept, shards=3))

    shards = [f"agents.homes.{number}of3" for number in (1, 2, 3)]
    assert [f.name for f in found] == ["do.wires", "lse.simple", "lse.green", "mo.retail", *shards]
    whole = [a for m in day.members if m not in kept for a, _ in main_functions(day, m)]
    assert Counter(a for f in found for a in f.addresses) == Counter(whole)
    assert max(len({a.partition("-")[0] for a in f.addresses}) for f in found[-3:]) == 67


def test_a_part_is_the_same_for_both_ends(day: Scenario):
    (part,) = parts(day, Split(only=("agents",), shard=Shard(2, 4)))
    assert part == follower(day, chosen_members(day, ["agents"])[0], Shard(2, 4)) == list(followers(day, [], 4))[-3]


def test_a_member_that_is_one_component_cannot_be_split(day: Scenario):
    with pytest.raises(UsageError, match=r"lse\.simple cannot be split into shards; leave out --shard"):
        parts(day, Split(only=("lse",), shard=Shard(1, 2)))


def test_a_placement_is_one():
    @value
    class Wrong:
        placement = "sharded"

        def components(self, _: str, __: Setting) -> Iterable[tuple[str, Any]]:
            return []

    with pytest.raises(UsageError, match=r"Wrong\.placement is a Placement, not 'sharded'"):
        placement_of(Member("wrong", "w", Wrong(), "wrong"))


def test_a_follower_may_say_and_hear_what_its_roles_may_and_the_kernels_own(stage: Stage):
    part = Follower("troupe.a", Shard(), ("x.a", "x.b", "y.c"))

    assert part.roles == ("x", "y")
    assert [d.name for d in part.says(contract())] == [d.name for d in part.hears(contract())]
    assert "quarantined" in [d.name for d in part.says(contract())]


def test_a_retailer_hears_no_orders_and_an_agent_says_no_prices(day: Scenario):
    parts_ = {f.member: f for f in followers(day, [])}
    said = {name: {d.name for d in part.says(contract())} for name, part in parts_.items()}
    heard = {name: {d.name for d in part.hears(contract())} for name, part in parts_.items()}

    assert "order" in said["agents.homes"]
    assert "order" in heard["mo.retail"]
    assert "order" not in heard["do.wires"] | said["do.wires"]
    assert "clearing_result" not in said["agents.homes"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"only": ("a",), "keep": ("b",)}, "keeps time; it cannot run only some"),
        ({"shard": Shard(1, 2)}, "a shard is of something; name it with --only"),
        ({"run": "a.b"}, "the name of a run has letters, digits"),
    ],
)
def test_a_split_that_contradicts_itself_is_refused(options: dict[str, Any], text: str):
    with pytest.raises(UsageError, match=text):
        Split(**options)


def test_patience_is_counted_in_looks_of_which_there_are_two_at_least():
    assert (Pace(0.5, 10.0).patience, Pace(1.0, 0.1).patience) == (20, 2)
    with pytest.raises(UsageError, match="patience is a number of seconds above 0, got 0"):
        Pace(patience_s=0.0)
