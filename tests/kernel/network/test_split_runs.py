"""The same scenario and seed give the same bytes, however a run is split and whatever happens to its processes."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio.to_thread
import attrs
import orjson
import pytest

from gridbus.kernel import (
    FIRST,
    LAST,
    MINUTE,
    SECOND,
    ComponentError,
    DeadlinePassed,
    EndlessExchange,
    InternalError,
    PeerError,
    Port,
    Quarantined,
    Result,
    Scenario,
    UsageError,
)
from gridbus.kernel.activity import Main
from gridbus.kernel.network.follow import follow
from gridbus.kernel.network.followers import Follower
from gridbus.kernel.network.identity import hello_of
from gridbus.kernel.network.link import framed
from gridbus.kernel.network.notes import Hello, Report, written
from gridbus.kernel.plugins import scenario_text
from gridbus.kernel.records import read_manifest
from gridbus.kernel.run import unwrapped

from .conftest import (
    QUICK,
    Answer,
    Letter,
    MemoryBus,
    Network,
    Question,
    Said,
    Sign,
    Stage,
    alone,
    counts,
    over,
)

Cast = dict[str, Main]


# Components


async def talker(port: Port) -> None:
    """Speaks every minute, a random number, and tells what it has heard from whom."""
    with_all = port.subscribe(Said)
    while True:
        heard = with_all.take_waiting()
        text = ", ".join(f"{said.name} {said.number}" for said in heard)
        port.publish(Said(port.name, port.random.random(), text))
        await port.sleep_until(port.now + MINUTE * (1 + len(port.name) % 3))


async def post(port: Port) -> None:
    """Sends a letter to each of the others, and one on for each that it gets."""
    mine = port.subscribe(Letter)
    for name in ("a", "b", "c", "d-1", "d-2"):
        port.publish(Letter(name, f"{port.address} at {port.now}"))
    while True:
        letter = await mine.receive()
        if len(letter.text) < 16:
            port.publish(Letter(letter.text[-1] if letter.text[-1] in "abc" else "a", f"{letter.text} {port.name}"))


async def asker(port: Port) -> None:
    """Asks, within the instant and beyond it, and says what it was answered."""
    for number in range(5):
        await port.sleep_until(number * MINUTE)
        for to, until in (("oracle", None), ("slow", port.now + 30 * SECOND), ("slow", None), ("nobody", None)):
            try:
                answer = await port.request(Question(to, number), Answer, until=until)
            except DeadlinePassed:
                port.publish(Said(port.name, number, f"{to} is silent"))
            else:
                port.publish(Said(port.name, answer.number, f"{to} has answered"))


async def oracle(port: Port) -> None:
    """Answers at once."""
    async for question in port.subscribe(Question).envelopes():
        port.publish(Answer(question.sender.partition(".")[2], question.message.number * 2), reply_to=question)


async def slow(port: Port) -> None:
    """Answers after ten seconds."""
    async for question in port.subscribe(Question).envelopes():
        await port.sleep_until(port.now + 10 * SECOND)
        port.publish(Answer(question.sender.partition(".")[2], -question.message.number), reply_to=question)


async def signs(port: Port) -> None:
    """Sets a value now and then, one of them until an instant only."""
    for number in range(4):
        port.publish(Sign(port.name, number), valid_until=port.now + 5 * MINUTE if number == 3 else None)
        await port.sleep_until(port.now + 10 * MINUTE)


async def latecomer(port: Port) -> None:
    """Subscribes late, again and again, and says which values were kept for it."""
    for minute in (0, 1, 12, 31, 40):
        await port.sleep_until(minute * MINUTE)
        with_signs = port.subscribe(Sign)
        there = ", ".join(f"{sign.name} {sign.number}" for sign in with_signs.take_waiting())
        port.publish(Said(port.name, minute, there))
        with_signs.close()


async def spawner(port: Port) -> None:
    """Starts activities that wake at one instant before and after all others."""

    async def one(priority: int, number: int) -> None:
        while True:
            await port.sleep_until(port.now + 5 * MINUTE, priority)
            port.publish(Said(port.name, number, f"priority {priority}"))

    for number, priority in enumerate((LAST, FIRST, 0, LAST)):
        port.start(one(priority, number))
    await port.sleep_until(port.now)
    port.publish(Said(port.name, -1.0))


async def echo(port: Port) -> None:
    """Says again what it hears, in the round in which it hears it."""
    async for said in port.subscribe(Said):
        if not said.text.startswith("echo"):
            port.publish(Said(port.name, said.number, f"echo of {said.name}: {said.text}"))


async def foreign(port: Port) -> None:
    """Waits for a thread and for asyncio, while time stands still."""
    for number in range(20):
        await port.sleep_until(number * MINUTE)
        square = await anyio.to_thread.run_sync(lambda n=number: n * n)
        port.publish(Said(port.name, square))
        await port.foreign(asyncio.sleep(0.001))
        port.publish(Said(port.name, -square))


async def wide(port: Port) -> None:
    """Speaks more in a round than a payload holds."""
    for minute in range(3):
        for number in range(100):
            port.publish(Said(port.name, number, "wide " * 20))
        await port.sleep_until(minute * MINUTE)


async def later(port: Port, minute: int = 1) -> None:
    await port.sleep_until(minute * MINUTE)


async def broken(port: Port) -> None:
    """Raises after five minutes."""
    port.publish(Said(port.name, 1.0))
    await port.sleep_until(5 * MINUTE)
    raise ValueError(f"{port.name} is broken")


PLAYS: dict[str, dict[str, Cast]] = {
    "talk": {
        "left": {"x.one": talker, "x.two": talker, "x.three": talker, "x.three-a": talker, "x.three-b": talker},
        "right": {"y.four": talker, "y.sixteen": talker},
        "still": {},
    },
    "letters": {"left": {"a.a": post, "a.b": post, "b.a": post, "z.d-1": post}, "right": {"b.c": post, "a.d-2": post}},
    "requests": {
        "left": {"x.asker": asker, "x.other": asker},
        "right": {"y.oracle": oracle, "y.slow": slow, "y.third": asker},
    },
    "kept values": {
        "left": {"x.one": signs, "x.late": latecomer},
        "right": {"y.two": signs, "y.late": latecomer, "a.late": latecomer},
    },
    "priorities": {"left": {"x.a": spawner, "x.echo": echo}, "right": {"y.a": spawner, "a.b": spawner, "y.t": talker}},
    "foreign": {"left": {"x.a": foreign, "x.b": foreign}, "right": {"y.a": foreign, "a.echo": echo}},
    "wide": {"left": {"x.a": wide, "x.b": wide}, "right": {"y.a": wide, "a.echo": echo}},
}
plays = pytest.mark.parametrize("play", PLAYS)


async def assert_same(scenario: Scenario, *buses: MemoryBus) -> Result:
    expected = await alone(scenario)
    for bus in buses:
        result = await over(bus, scenario)
        assert result.digest == expected.digest
        assert counts(result) == counts(expected)
        assert all(isinstance(outcome, str) for outcome in bus.outcomes.values())
        assert bus.outcomes.keys() == bus.parts.keys()
    return expected


# The same bytes


@plays
async def test_a_split_run_is_the_same(stage: Stage, play: str):
    scenario = stage.scenario(**PLAYS[play])
    result = await assert_same(
        scenario,
        MemoryBus(),
        MemoryBus(shards=4),
        MemoryBus(keep=("troupe.left",)),
        MemoryBus(keep=("troupe.right",), shards=2),
    )
    assert result.messages > 10


@pytest.mark.usefixtures("short_farewells")
@plays
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_network_that_loses_repeats_and_disorders_changes_nothing(stage: Stage, play: str, seed: int):
    scenario = stage.scenario(**PLAYS[play]).evolve(until=6 * MINUTE)
    bus = MemoryBus(Network(seed, trouble=0.2), shards=2)
    await assert_same(scenario, bus)
    assert bus.network.lost > 0
    assert bus.timekeeper is not None
    assert bus.timekeeper.rejected.facts() == {}


@pytest.fixture(scope="module")
def homes() -> Scenario:
    """Six homes of the built-in scenario, in the evening, when the retail market clears every five minutes."""
    text = scenario_text("feeder-day")
    for before, after in (
        ("count = 200", "count = 6"),
        ("start = 2025-07-20T22:00:00-04:00", "start = 2025-07-21T17:00:00-04:00"),
        ("stop = 2025-07-22T00:00:00-04:00", "stop = 2025-07-21T17:12:00-04:00"),
    ):
        assert before in text
        text = text.replace(before, after)
    return Scenario.parse(text)


@pytest.mark.usefixtures("short_farewells")
async def test_a_feeder_with_its_roles_apart_and_its_homes_in_shards_is_the_same(homes: Scenario):
    result = await assert_same(homes, MemoryBus(Network(3, trouble=0.05), shards=3, keep=("wholesale", "registry")))
    assert {"order", "award", "clearing_result"} <= result.statistics.bus.published_by_message.keys()


# Failure


async def careless(port: Port) -> None:
    """Sends a letter to what cannot be a name."""
    await port.sleep_until(2 * MINUTE)
    port.publish(Letter("a b", "to whom?"))
    await port.sleep_until(3 * MINUTE)


@pytest.mark.parametrize("keep", [(), ("troupe.left",), ("troupe.right",)])
async def test_a_message_without_a_topic_costs_its_sender_alone(stage: Stage, keep: tuple[str, ...]):
    left: Cast = {"x.careless": careless, "x.b": talker}
    scenario = stage.scenario('quarantine = ["x.*"]', left=left, right={"a.a": post, "b.c": post})

    result = await assert_same(scenario, MemoryBus(keep=keep))

    assert result.statistics.bus.published_by_message["quarantined"] == 1


@pytest.mark.parametrize("keep", [(), ("troupe.left",), ("troupe.right",)])
async def test_a_quarantined_component_is_taken_out_with_the_same_notice(stage: Stage, keep: tuple[str, ...]):
    watched: list[str] = []

    async def watcher(port: Port) -> None:
        async for notice in port.subscribe(Quarantined):
            watched.append(notice.reason)
            port.publish(Said(port.name, 0.0, notice.reason))

    left: Cast = {"x.broken": broken, "x.watch": watcher, "a.broken": broken, "a.well": talker}
    scenario = stage.scenario('quarantine = ["*.broken"]', left=left, right={"y.broken": broken, "y.watch": watcher})
    result = await assert_same(scenario, MemoryBus(keep=keep))

    assert result.statistics.bus.published_by_message["quarantined"] == 3
    assert len(watched) == 2 * 2 * 3
    assert watched[:6] == watched[6:]


async def overrun(port: Port) -> None:
    """Does not take what comes."""
    mine = port.subscribe(Said, limit=2)
    await port.sleep_until(30 * MINUTE)
    port.publish(Letter("nobody", f"{len(mine.take_waiting())} left"))


@pytest.mark.parametrize("keep", [(), ("troupe.left",), ("troupe.right",)])
async def test_a_mailbox_that_runs_over_is_told_alike(stage: Stage, keep: tuple[str, ...]):
    play: dict[str, Cast] = {"left": {"x.o": overrun, "a.t": talker}, "right": {"y.o": overrun, "y.t": talker}}
    expected = await failure_of(alone(stage.scenario(**play)))
    error = await failure_of(over(MemoryBus(keep=keep), stage.scenario(**play)))
    assert str(error) == str(expected)
    assert "its mailbox already holds 2 messages" in str(expected)

    scenario = stage.scenario('quarantine = ["*.o"]', **play)
    result = await assert_same(scenario, MemoryBus(keep=keep))
    assert result.statistics.bus.published_by_message["quarantined"] == 2


async def test_a_component_that_is_no_async_function_is_named(stage: Stage):
    wrong: Any = lambda port: port.address  # noqa: E731 - no async function
    scenario = stage.scenario(left={"x.wrong": wrong}, right={"y.t": talker})
    expected = await failure_of(alone(scenario))
    error = await failure_of(over(MemoryBus(), scenario))

    assert isinstance(error, UsageError)
    assert str(error) == str(expected)


def chatter(other: str) -> Main:
    async def main(port: Port) -> None:
        mine = port.subscribe(Letter)
        port.publish(Letter(other))
        async for _ in mine:
            port.publish(Letter(other))

    return main


async def failure_of(run: Coroutine[Any, Any, object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - compared below
        await run
    return caught.value


@pytest.mark.parametrize("keep", [None, ("troupe.left",)])
async def test_an_endless_exchange_is_found_and_named(stage: Stage, keep: tuple[str, ...] | None):
    play: dict[str, Cast] = {"left": {"x.a": chatter("b")}, "right": {"y.b": chatter("a")}}
    scenario = stage.scenario("round_limit = 50", **play)
    expected = await failure_of(alone(scenario))
    assert "still publishing after 50 rounds of one instant, on letter.a, letter.b" in str(expected)

    bus = MemoryBus(keep=keep)
    error = await failure_of(over(bus, scenario))

    assert (type(error), str(error)) == (EndlessExchange, str(expected))
    assert all(str(expected) in str(outcome) for outcome in bus.outcomes.values())


async def test_an_error_in_a_follower_ends_the_run_as_it_does_in_memory(stage: Stage, tmp_path: Path):
    play: dict[str, Cast] = {
        "left": {"x.t": talker},
        "right": {"y.broken": broken, "y.t": talker},
        "far": {"z.t": talker},
    }
    scenario = stage.scenario(**play)
    expected = await failure_of(alone(scenario))
    assert isinstance(expected, ComponentError)

    bus = MemoryBus()
    begun = time.monotonic()
    error = await failure_of(over(bus, scenario, tmp_path / "out"))

    assert time.monotonic() - begun < 1.5
    assert isinstance(error, ComponentError)
    assert (str(error), error.address, error.instant) == (str(expected), "y.broken", 5 * MINUTE)
    assert str(bus.outcomes["troupe.right"]) == str(expected)
    for name in ("troupe.left", "troupe.far"):
        other = bus.outcomes[name]
        assert isinstance(other, PeerError)
        assert str(other) == f"the run was ended: {expected}"
    manifest = read_manifest(tmp_path / "out")
    assert (manifest["state"], manifest["error"]) == ("failed", str(expected))


@pytest.mark.parametrize("keep", [(), ("troupe.left",), ("troupe.right",)])
async def test_the_first_address_is_blamed_when_two_processes_fail_in_one_round(stage: Stage, keep: tuple[str, ...]):
    scenario = stage.scenario(left={"z.broken": broken}, right={"b.broken": broken, "a.t": talker})
    expected = await failure_of(alone(scenario))

    error = await failure_of(over(MemoryBus(keep=keep), scenario))

    assert isinstance(error, ComponentError)
    assert (error.address, str(error)) == ("b.broken", str(expected))


async def test_an_error_in_the_process_that_keeps_time_is_told_to_the_others(stage: Stage):
    scenario = stage.scenario(left={"x.broken": broken}, right={"y.t": talker})
    bus = MemoryBus(keep=("troupe.left",))
    error = await failure_of(over(bus, scenario))

    assert isinstance(error.__cause__, ValueError)
    assert str(bus.outcomes["troupe.right"]) == f"the run was ended: {error}"


# Killed processes


def at(minute: int, action: Callable[[], object]) -> Callable[[int], None]:
    """Progress that does something at an instant, once."""
    left = [action]

    def tell(now: int) -> None:
        if now >= minute * MINUTE and left:
            left.pop()()

    return tell


@pytest.mark.usefixtures("short_farewells")
@plays
async def test_a_follower_that_is_killed_and_started_again_comes_to_be_where_it_was(stage: Stage, play: str):
    scenario = stage.scenario(**PLAYS[play]).evolve(until=12 * MINUTE)
    expected = await alone(scenario)
    bus = MemoryBus(Network(1, 0.05))
    result = await over(bus, scenario, progress=at(3, lambda: bus.start_again("troupe.right")))

    assert result.digest == expected.digest
    assert counts(result) == counts(expected)
    assert all(isinstance(outcome, str) for outcome in bus.outcomes.values())


@pytest.mark.parametrize("after", [1, 2, 3, 8, 17])
@pytest.mark.parametrize("play", ["talk", "requests", "wide"])
async def test_it_may_be_killed_at_any_of_its_frames(stage: Stage, play: str, after: int):
    scenario = stage.scenario(**PLAYS[play]).evolve(until=10 * MINUTE)
    expected = await alone(scenario)
    bus = MemoryBus()
    left = [after]

    def count(subject: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            # Before the frame is carried: it is lost with the process that wanted to send it.
            bus.start_again("troupe.right")

    bus.ready = lambda: setattr(bus.connections["troupe.right"], "before", count)
    result = await over(bus, scenario)

    assert left[0] <= 0
    assert result.digest == expected.digest


async def test_a_follower_that_was_killed_in_silence_is_replaced(stage: Stage):
    scenario = stage.scenario(**PLAYS["talk"]).evolve(until=10 * MINUTE)
    bus = MemoryBus(absent=["troupe.right"])

    def kill() -> None:
        bus.kill("troupe.left")
        bus.start("troupe.left", "the second")

    bus.ready = lambda: bus.start("troupe.right")
    result = await over(bus, scenario, progress=at(3, kill))

    assert result.digest == (await alone(scenario)).digest
    assert bus.outcomes.keys() == {"the second", "troupe.right", "troupe.still"}


starts: list[str] = []
"""Who has started, and how often: what no component may depend on."""


async def forgetful(port: Port) -> None:
    """Says something else when it is started a second time."""
    starts.append(port.name)
    await port.sleep_until(MINUTE)
    port.publish(Said(port.name, starts.count(port.name)))
    await port.sleep_until(20 * MINUTE)


async def mute(port: Port) -> None:
    """Says nothing when it is started a second time."""
    starts.append(port.name)
    if starts.count(port.name) == 1:
        for message in (Said(port.name), Sign(port.name), Letter(port.name), Question(port.name)):
            port.publish(message)
    await port.sleep_until(20 * MINUTE)


async def touchy(port: Port) -> None:
    """Raises when it is started a second time."""
    starts.append(port.name)
    if starts.count(port.name) > 1:
        raise ValueError("not again")
    port.publish(Said(port.name))
    await port.sleep_until(20 * MINUTE)


@pytest.mark.parametrize(
    ("main", "kind", "text"),
    [
        (forgetful, InternalError, "troupe.right was started again and does not say what it had said before"),
        (mute, InternalError, "troupe.right was started again and does not say what it had said before"),
        (touchy, ComponentError, "y.one failed at .*: not again"),
    ],
)
async def test_a_component_that_is_not_the_same_when_started_again_is_found_out(
    stage: Stage, main: Main, kind: type[Exception], text: str
):
    starts.clear()
    scenario = stage.scenario(left={"x.t": talker}, right={"y.one": main})
    bus = MemoryBus()
    with pytest.raises(kind, match=text):
        await over(bus, scenario, progress=at(3, lambda: bus.start_again("troupe.right")))

    assert isinstance(bus.outcomes["troupe.right"], kind)
    assert str(bus.outcomes["troupe.left"]).startswith("the run was ended: ")


# Lost processes and networks


async def test_a_run_waits_for_whoever_is_missing_and_says_who_that_is(stage: Stage, caplog: pytest.LogCaptureFixture):
    scenario = stage.scenario(**PLAYS["talk"]).evolve(until=5 * MINUTE)
    bus = MemoryBus(shards=2, absent=["troupe.right.2of2", "troupe.still.1of2"])

    async def come_late() -> None:
        while "waiting for" not in caplog.text:  # noqa: ASYNC110 - there is nothing to wait for
            await asyncio.sleep(0.01)
        bus.start("troupe.right.2of2")
        bus.start("troupe.still.1of2")

    with caplog.at_level(logging.WARNING):
        result, _ = await asyncio.gather(over(bus, scenario), come_late())

    assert "waiting for troupe.right.2of2, troupe.still.1of2" in caplog.text
    assert result.digest == (await alone(scenario)).digest


async def test_a_frozen_follower_stops_time_and_is_named(stage: Stage):
    reached: list[int] = []
    scenario = stage.scenario(**PLAYS["talk"])
    bus = MemoryBus(pace=QUICK)

    def freeze(now: int) -> None:
        reached.append(now)
        if now == 6 * MINUTE:
            bus.connections["troupe.right"].cut = True

    with pytest.raises(PeerError, match=r"troupe\.right \(.*\) has been silent for 0\.2 s: it is lost") as caught:
        await over(bus, scenario, progress=freeze)

    assert reached[-1] == 6 * MINUTE
    assert str(bus.outcomes["troupe.left"]) == f"the run was ended: {caught.value}"
    assert "the process that keeps time has been silent for 0.2 s: it is lost" in str(bus.outcomes["troupe.right"])


@pytest.mark.parametrize("who", ["troupe.right", "timekeeper"])
async def test_a_run_goes_on_when_a_network_that_was_away_is_back(stage: Stage, who: str):
    scenario = stage.scenario(**PLAYS["talk"]).evolve(until=10 * MINUTE)
    bus = MemoryBus()

    def unplug() -> None:
        connection = bus.connections[who]
        connection.cut = True
        asyncio.get_running_loop().call_later(0.1, connection.mend)

    result = await over(bus, scenario, progress=at(4, unplug))

    assert result.digest == (await alone(scenario)).digest


async def test_time_stands_still_but_nobody_is_lost_while_a_component_waits_for_something_foreign(stage: Stage):
    async def sleeper(port: Port) -> None:
        await port.foreign(asyncio.sleep(0.3))
        port.publish(Said(port.name))

    scenario = stage.scenario(left={"x.s": sleeper}, right={"y.t": talker}).evolve(until=MINUTE)
    await assert_same(scenario, MemoryBus(pace=QUICK), MemoryBus(pace=QUICK, keep=("troupe.left",)))


async def test_a_follower_ends_when_the_run_is_stopped_from_outside(stage: Stage):
    scenario = stage.scenario(**PLAYS["talk"])
    bus = MemoryBus()
    task = asyncio.create_task(over(bus, scenario, progress=at(3, lambda: task.cancel())))
    with pytest.raises(asyncio.CancelledError):
        await task

    assert {str(outcome) for outcome in bus.outcomes.values()} == {"the run was ended: interrupted"}
    assert len(bus.outcomes) == 3


async def test_a_follower_that_fails_when_the_run_is_over_does_not_wait_to_tell_of_it(stage: Stage):
    reached, release = asyncio.Event(), asyncio.Event()

    async def late(port: Port) -> None:
        await port.sleep_until(MINUTE)
        reached.set()
        await release.wait()
        raise ValueError("too late")

    bus = MemoryBus()
    task = asyncio.create_task(over(bus, stage.scenario(left={"x.t": talker}, right={"y.late": late})))
    await reached.wait()
    asyncio.get_running_loop().call_later(0.1, release.set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert "too late" in str(bus.outcomes["troupe.right"])


# Those who do not belong


class Gate:
    """Keeps time standing, in the process that keeps it, while the test does something."""

    keep = ("troupe.gate",)

    def __init__(self, stage: Stage) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        play: dict[str, Cast] = {"gate": {"x.gate": self._main}, "right": {"y.t": talker}, "far": {"z.t": talker}}
        self.scenario = stage.scenario(**play).evolve(until=5 * MINUTE)

    async def _main(self, port: Port) -> None:
        await port.sleep_until(2 * MINUTE)
        self.reached.set()
        await self.open.wait()
        port.publish(Said(port.name))

    async def meanwhile(self, bus: MemoryBus, what: Callable[[], Coroutine[Any, Any, None]], out: Path) -> Any:
        """Do something while time stands; returns the manifest of the run, which ends with the right digest."""

        async def doing() -> None:
            try:
                async with asyncio.timeout(2.0):
                    await self.reached.wait()
                    await what()
            finally:
                self.open.set()

        result, _ = await asyncio.gather(over(bus, self.scenario, out), doing())
        assert result.digest == (await alone(self.scenario)).digest
        return read_manifest(out)


@pytest.fixture
def gate(stage: Stage) -> Gate:
    """A scenario whose time stands still until the test has done something."""
    return Gate(stage)


async def refusal_of(bus: MemoryBus, part: Follower, hello: Hello) -> str:
    """Why a process with this greeting is not let in."""
    connection = bus.network.connect()
    try:
        async with follow(part, hello, bus.subjects, connection, bus.split.pace):
            pytest.fail("it was let in")
    except BaseExceptionGroup as group:
        error = unwrapped(group)
        assert isinstance(error, PeerError), error
        return str(error)
    finally:
        connection.leave()


async def test_a_second_process_is_turned_away_while_the_first_lives(gate: Gate, tmp_path: Path):
    bus = MemoryBus(keep=gate.keep)
    refusals: list[str] = []

    async def second() -> None:
        part = bus.parts["troupe.right"]
        refusals.append(await refusal_of(bus, part, hello_of(part, gate.scenario)))

    manifest = await gate.meanwhile(bus, second, tmp_path / "out")

    assert "troupe.right was turned away: troupe.right is taking part already, as process" in refusals[0]
    assert "rejected" not in manifest


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"version": "0.0.0"}, r"this run is kept by gridbus .*, not 0\.0\.0; install the same version"),
        ({"contract": "0"}, "its packages declare other messages; install the same packages in both places"),
        ({"scenario": "0"}, "it has another scenario than play as it is run here; start it with the same file, --seed"),
        ({"member": "troupe.nobody"}, r"troupe\.nobody is no part of this run"),
        ({"member": "troupe.gate"}, r"troupe\.gate is no part of this run, or is run by the process that keeps time"),
        ({"shards": 2}, r"cannot say that it is troupe\.right\.1of2 on gridbus\.play\.up\.troupe\.right\.report"),
        ({"member": "troupe.far"}, r"cannot say that it is troupe\.far on gridbus\.play\.up\.troupe\.right\.report"),
    ],
    ids=["version", "contract", "scenario", "stranger", "kept", "shards", "subject"],
)
async def test_a_process_that_does_not_fit_is_turned_away_with_the_reason(
    gate: Gate, tmp_path: Path, change: dict[str, Any], text: str
):
    bus = MemoryBus(keep=gate.keep)
    refusals: list[str] = []

    async def misfit() -> None:
        part = bus.parts["troupe.right"]
        refusals.append(await refusal_of(bus, part, attrs.evolve(hello_of(part, gate.scenario), **change)))

    await gate.meanwhile(bus, misfit, tmp_path / "out")

    assert re.search(text, refusals[0])
    assert refusals[0].startswith("troupe.right was turned away: ")


async def test_another_seed_or_stop_is_another_scenario(gate: Gate, tmp_path: Path):
    bus = MemoryBus(keep=gate.keep)
    refusals: list[str] = []

    async def others() -> None:
        part = bus.parts["troupe.right"]
        for other in ({"seed": 8}, {"until": 4 * MINUTE}):
            hello = hello_of(part, gate.scenario.evolve(**other))  # type: ignore[arg-type]
            refusals.append(await refusal_of(bus, part, hello))

    await gate.meanwhile(bus, others, tmp_path / "out")

    assert len(refusals) == 2
    assert all("another scenario than play" in refusal for refusal in refusals)


STRANGERS = [
    ("troupe.right.report", b"garbage"),
    ("troupe.right.report", b""),
    ("troupe.right.report", framed("x", 0, 0, b"garbage")),
    ("troupe.right.report", framed("x", 1, 0, written(Report(stepped=True, more=False)))),
    ("troupe.right.say.said", b"\xff\x00\n\n"),
    ("troupe.right.say.said", framed("x", 1, 0, b'{"at":0}\n')),
    ("troupe.right.say.nothing", framed("x", 1, 0, b"")),
    ("troupe.nobody.report", framed("x", 0, 0, written(Report(stepped=True, more=False)))),
    ("somebody", b"x" * 4000),
]
"""What somebody sends who is not of the run, on subjects that end so."""


async def test_what_comes_from_strangers_is_rejected_counted_and_recorded(gate: Gate, tmp_path: Path):
    bus = MemoryBus(keep=gate.keep)

    async def intrude() -> None:
        connection = bus.network.connect()
        for subject, payload in STRANGERS:
            await connection.publish(f"gridbus.play.up.{subject}", payload)
        await connection.publish("gridbus.other.up.troupe.right.report", b"for another run")
        await asyncio.sleep(0.05)

    rejected = (await gate.meanwhile(bus, intrude, tmp_path / "out"))["rejected"]

    assert rejected["count"] == len(STRANGERS)
    assert [entry["subject"] for entry in rejected["first"]] == [f"gridbus.play.up.{name}" for name, _ in STRANGERS]
    assert [entry["bytes"] for entry in rejected["first"]] == [len(payload) for _, payload in STRANGERS]
    assert {entry["at"] for entry in rejected["first"]} == {2 * MINUTE}
    assert rejected["first"][0]["excerpt"] == "garbage"
    assert rejected["first"][0]["reason"] == "frame: expected a line with token, number and count"
    unknown = "nobody in this run speaks on gridbus.play.up.troupe.nobody.report with this token"
    assert unknown in rejected["first"][-2]["reason"]


async def test_a_follower_rejects_what_is_not_from_the_process_that_keeps_time(
    gate: Gate, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    bus = MemoryBus(keep=gate.keep)

    async def intrude() -> None:
        connection = bus.network.connect()
        for payload in (b"garbage", framed("x", 1, 0, b"garbage"), framed("x", 0, 0, b"garbage")):
            await connection.publish("gridbus.play.down.troupe.right.lead", payload)
            await connection.publish("gridbus.play.down.troupe.right.hear.said", payload)
        await asyncio.sleep(0.05)

    await gate.meanwhile(bus, intrude, tmp_path / "out")

    assert "rejected 7 bytes on gridbus.play.down.troupe.right.lead: frame: expected a line" in caplog.text


FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "another's name": ({"sender": "z.t"}, r"z\.t is not run by troupe\.right"),
    "in a name that it is not": ({"body": {"name": "other", "number": 0.0, "text": ""}}, r"y\.t may not send it so"),
    "of another time": ({"at": 1}, "expected round 0 of 120000000000 ns, got round 0 of 1 ns"),
    "of another class": ({"message": "letter"}, "expected said"),
    "with a text for a number": ({"round": "0"}, "expected int"),
}


@pytest.mark.parametrize(("change", "text"), FORGERIES.values(), ids=FORGERIES)
async def test_a_follower_that_says_what_it_may_not_ends_the_run(gate: Gate, change: dict[str, Any], text: str):
    """As one would that was taken over: with the right token and number, on its own subject."""
    bus = MemoryBus(keep=gate.keep)
    line = {"at": 2 * MINUTE, "round": 0, "sender": "y.t", "sequence": 99, "message": "said"}
    line |= {"body": {"name": "t", "number": 0.0, "text": ""}, **change}

    def forge(subject: str) -> None:
        if gate.reached.is_set() and not forged:
            forged.append(subject)
            gate.open.set()
            link = bus.seat("troupe.right").link
            payload = framed(link.token, link.received + 1, link.sent, orjson.dumps(line) + b"\n")
            bus.network.carry(bus.connections["troupe.right"], bus.subjects.say("troupe.right", "said"), payload)

    forged: list[str] = []
    bus.ready = lambda: setattr(bus.connections["troupe.right"], "before", forge)
    with pytest.raises(PeerError, match=rf"troupe\.right \(process .*\) says what it may not on .*{text}"):
        await over(bus, gate.scenario)
