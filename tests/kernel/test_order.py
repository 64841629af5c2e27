"""The order of everything: rounds, delivery, stepping; the same with and without foreign awaits."""

import asyncio
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import anyio.to_thread
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import FIRST, LAST, NORMAL, DeadlinePassed, Envelope, Port, field, message
from gridbus.kernel.records import DigestObserver
from gridbus.kernel.testing import run_components


@message(topic="said.{speaker}", senders=["*.{speaker}"], receivers=["*.*"])
class Said:
    """Something said."""

    speaker: str = field("who")
    text: int = field("what")


Step = tuple[Any, ...]
Pause = Callable[[], Awaitable[object]]
Program = dict[str, list[list[Step]]]
"""By address, the steps of each activity of a component."""

# Sorted as text, these do not come out as they do when sorted by role and name.
ADDRESSES = ["a.x", "a-b.x", "a.X", "a.x2", "b.a", "B.a", "a.x-2"]

steps = st.one_of(
    st.tuples(st.just("sleep"), st.integers(0, 2), st.sampled_from([FIRST, NORMAL, LAST])),
    st.tuples(st.just("say"), st.integers(0, 9)),
    st.tuples(st.just("listen"), st.integers(0, 2)),
)
programs = st.dictionaries(
    st.sampled_from(ADDRESSES),
    st.lists(st.lists(steps, max_size=6), min_size=1, max_size=3),
    min_size=1,
    max_size=4,
)


async def no_pause() -> None:
    pass


async def perform(port: Port, program: list[Step], pause: Pause) -> None:
    mailbox = port.subscribe(Said)
    for kind, *arguments in program:
        before = port.now
        await pause()
        assert port.now == before
        if kind == "sleep":
            await port.sleep_until(port.now + arguments[0], arguments[1])
        elif kind == "say":
            port.publish(Said(port.name, arguments[0]))
        else:
            try:
                heard = await mailbox.receive(until=port.now + arguments[0])
            except DeadlinePassed:
                heard = None
            port.publish(Said(port.name, -1 if heard is None else heard.text + 1))


def key(envelope: Envelope[Any]) -> tuple[int, int, str, int]:
    return envelope.instant, envelope.round, envelope.sender, envelope.sequence


def observed(program: Program, pause: Pause = no_pause) -> tuple[list[tuple[Any, ...]], str]:
    """What an onlooker receives, in order, and the digest of the run."""
    seen: list[Envelope[Said]] = []

    async def onlooker(port: Port) -> None:
        async for envelope in port.subscribe(Said).envelopes():
            assert (port.now, port.kernel.round) == (envelope.instant, envelope.round + 1)
            seen.append(envelope)

    def component(parts: list[list[Step]]) -> Callable[[Port], Any]:
        async def main(port: Port) -> None:
            for part in parts[1:]:
                port.start(perform(port, part, pause))
            await perform(port, parts[0], pause)

        return main

    mains = {address: component(parts) for address, parts in program.items()}
    log = run_components(mains | {"m.onlooker": onlooker}, stop=100)
    digester = DigestObserver()
    digester.observe(log.envelopes)
    assert [key(e) for e in log.envelopes] == [key(e) for e in seen]
    return [(*key(e), e.message.text) for e in seen], digester.digest()


@given(programs)
@settings(max_examples=100, deadline=None)
def test_messages_are_delivered_by_instant_round_sender_and_sequence(program: Program):
    seen, _ = observed(program)

    assert seen == sorted(seen)
    assert len({entry[:4] for entry in seen}) == len(seen)


@given(programs)
@settings(max_examples=30, deadline=None)
def test_nothing_that_is_published_is_lost(program: Program):
    seen, _ = observed(program)

    spoken = sum(step[0] != "sleep" for parts in program.values() for part in parts for step in part)
    assert len(seen) == spoken


@given(programs)
@settings(max_examples=30, deadline=None)
def test_two_runs_are_the_same(program: Program):
    assert observed(program) == observed(program)


@given(programs, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_adding_components_does_not_matter(program: Program, random: Any):
    shuffled = list(program.items())
    random.shuffle(shuffled)

    assert observed(dict(shuffled)) == observed(program)


async def via_thread() -> None:
    await asyncio.to_thread(no_pause().close)


async def via_anyio_thread() -> None:
    await anyio.to_thread.run_sync(no_pause().close)


async def via_loop() -> None:
    """Waits of different lengths, counted in turns of the loop, so that components overtake each other."""
    turns = via_loop.turns = (via_loop.turns * 5 + 3) % 7  # type: ignore[attr-defined]
    for _ in range(turns):
        await asyncio.sleep(0)


via_loop.turns = 0  # type: ignore[attr-defined]


async def via_socket() -> None:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    theirs.sendall(b"x\n")
    assert await reader.readline() == b"x\n"
    writer.close()
    await writer.wait_closed()
    theirs.close()


@pytest.mark.parametrize(
    ("pause", "examples"), [(via_thread, 10), (via_anyio_thread, 8), (via_loop, 40), (via_socket, 8)]
)
def test_foreign_waits_change_nothing_and_time_stands_still_meanwhile(pause: Pause, examples: int):
    @given(programs)
    @settings(max_examples=examples, deadline=None)
    def check(program: Program):
        assert observed(program, pause) == observed(program)

    check()


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([FIRST, NORMAL, LAST])), max_size=15))
@settings(max_examples=60, deadline=None)
def test_sleepers_wake_by_instant_then_priority_then_address(sleeps: list[tuple[int, int]]):
    woken: list[tuple[int, int, str]] = []

    def sleeper(instant: int, priority: int) -> Callable[[Port], Any]:
        async def main(port: Port) -> None:
            await port.sleep_until(instant, priority)
            assert port.now == instant
            woken.append((instant, priority, port.address))

        return main

    run_components({f"s.{index:02}": sleeper(*sleep) for index, sleep in enumerate(sleeps)}, stop=10)

    assert woken == sorted(woken)
    assert len(woken) == len(sleeps)


def test_a_priority_begins_when_all_rounds_of_the_one_before_are_at_rest():
    trace: list[str] = []

    async def late(port: Port) -> None:
        mailbox = port.subscribe(Said)
        await port.sleep_until(5, LAST)
        trace.append(f"last, with {len(mailbox.take_waiting())} messages")

    async def early(port: Port) -> None:
        await port.sleep_until(5, FIRST)
        trace.append("first")
        port.publish(Said("early", 3))

    async def normal(port: Port) -> None:
        await port.sleep_until(5)
        trace.append("normal")

    async def echo(port: Port) -> None:
        async for said in port.subscribe(Said):
            trace.append(f"echo {said.text}")
            if said.text > 0:
                port.publish(Said("echo", said.text - 1))

    run_components({"a.late": late, "b.normal": normal, "c.early": early, "d.echo": echo}, stop=10)

    rounds = ["echo 3", "echo 2", "echo 1", "echo 0"]
    assert trace == ["first", *rounds, "normal", "last, with 4 messages"]


def test_rounds_are_counted_through_all_priorities_of_an_instant():
    async def main(port: Port) -> None:
        for priority in (FIRST, NORMAL, LAST):
            await port.sleep_until(5, priority)
            port.publish(Said("x", priority))

    log = run_components({"a.x": main}, stop=10)

    rounds = [envelope.round for envelope in log.envelopes]
    assert rounds == sorted(set(rounds))


def test_each_activity_of_a_component_counts_its_own_messages():
    async def side(port: Port) -> None:
        port.publish(Said("x", 2))

    async def main(port: Port) -> None:
        port.start(side(port))
        port.start(side(port))
        port.publish(Said("x", 1))
        await port.sleep_until(1)
        port.publish(Said("x", 3))

    log = run_components({"a.x": main}, stop=2)

    by_activity = defaultdict(list)
    for envelope in log.envelopes:
        by_activity[envelope.sequence // 1_000_000_000].append(envelope.sequence % 1_000_000_000)
    assert by_activity == {0: [1, 2], 1: [1], 2: [1]}
    assert len({envelope.id for envelope in log.envelopes}) == 4
