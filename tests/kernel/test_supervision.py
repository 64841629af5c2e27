"""What happens when a component raises, and that everything is cleaned up after it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import anyio
import anyio.to_thread
import pytest

from gridbus.kernel import (
    Calendar,
    ComponentError,
    DeadlinePassed,
    Kernel,
    Port,
    Quarantined,
    UsageError,
    field,
    message,
)
from gridbus.kernel.testing import CALENDAR, Log, run_components


@message(topic="beat.{name}", senders=["*.{name}"], receivers=["*.*"])
class Beat:
    """A sign of life."""

    name: str = field("of whom")
    number: int = field("count", default=0)


class Boom(Exception):
    """What broken components raise."""


async def in_thread() -> None:
    await asyncio.to_thread(int)


async def in_loop() -> None:
    await asyncio.sleep(0)


async def nowhere() -> None:
    pass


waits = pytest.mark.parametrize("wait", [nowhere, in_loop, in_thread])
Wait = Callable[[], Awaitable[None]]


async def beating(port: Port) -> None:
    for number in range(10):
        await port.sleep_until(number)
        port.publish(Beat(port.name, number))


# The run ends


@waits
def test_a_component_that_raises_ends_the_run_with_its_address_message_and_instant(wait: Wait):
    async def broken(port: Port) -> None:
        async for beat in port.subscribe(Beat):
            if beat.number == 3:
                await wait()
                raise Boom("cannot count to 3")

    with pytest.raises(ComponentError) as caught:
        run_components({"a.good": beating, "b.broken": broken}, stop=100)

    error = caught.value
    assert (error.address, error.instant) == ("b.broken", 3)
    assert error.envelope is not None
    assert error.envelope.message == Beat("good", 3)
    assert isinstance(error.__cause__, Boom)
    assert str(error) == (
        "b.broken failed at 2025-01-01T00:00:00.000000+00:00 while handling "
        "Beat a.good#4 on beat.good (round 0): Boom: cannot count to 3"
    )


def test_an_error_while_no_message_is_handled_names_none():
    async def broken(port: Port) -> None:
        await port.sleep_until(3_600_000_000_000)
        raise Boom("at once")

    with pytest.raises(ComponentError, match=r"a\.x failed at 2025-01-01T01:00:00\+00:00: Boom: at once") as caught:
        run_components({"a.x": broken})

    assert caught.value.envelope is None


def test_the_first_address_is_blamed_when_two_raise_in_one_round():
    async def broken(port: Port) -> None:
        raise Boom(port.name)

    with pytest.raises(ComponentError) as caught:
        run_components({"a.z": broken, "a.b": broken}, stop=1)

    assert caught.value.address == "a.b"


@pytest.mark.parametrize("early", [True, False])
def test_a_component_that_awaits_what_was_cancelled_has_failed(early: bool):
    """It must not look like the end of the run, nor vanish in silence."""

    async def broken(port: Port) -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if early:
            future.cancel()
        else:
            loop.call_soon(future.cancel)
        await future

    with pytest.raises(ComponentError, match=r"a\.x failed .*: CancelledError"):
        run_components({"a.x": broken}, stop=1)


def not_async(_: Port) -> None:
    pass


def test_a_component_that_is_no_async_function_is_named():
    with pytest.raises(UsageError, match=r"a\.x is not an async function of its port: calling it gave None"):
        run_components({"a.x": not_async}, stop=1)  # type: ignore[dict-item]


# Clean-up


def cleaning(cleaned: list[str], wait: Callable[[Port], Awaitable[Any]]) -> Callable[[Port], Any]:
    async def main(port: Port) -> None:
        try:
            await wait(port)
        finally:
            cleaned.append(port.address)

    return main


async def forever_foreign(_: Port) -> None:
    await asyncio.get_running_loop().create_future()


def everywhere(cleaned: list[str]) -> dict[str, Callable[[Port], Any]]:
    """Components that are suspended in each of the ways there are."""

    async def request(port: Port) -> None:
        await port.request(Beat(port.name), Beat, until=1000)

    return {
        "c.sleep": cleaning(cleaned, lambda port: port.sleep_until(1000)),
        "c.receive": cleaning(cleaned, lambda port: port.subscribe(Beat, name="none").receive()),
        "c.collect": cleaning(cleaned, lambda port: port.subscribe(Beat).collect(until=1000)),
        "c.request": cleaning(cleaned, request),
        "c.none": cleaning(cleaned, lambda _: nowhere()),
    }


def test_clean_up_runs_in_every_coroutine_at_the_end_last_address_first():
    cleaned: list[str] = []
    run_components(everywhere(cleaned), stop=10)

    assert cleaned == ["c.none", "c.sleep", "c.request", "c.receive", "c.collect"]


@waits
def test_clean_up_runs_in_every_coroutine_when_one_raises(wait: Wait):
    cleaned: list[str] = []

    async def broken(port: Port) -> None:
        await port.sleep_until(5)
        await wait()
        raise Boom

    async def stuck(port: Port) -> None:
        await port.sleep_until(5)
        await forever_foreign(port)

    mains = everywhere(cleaned) | {"b.broken": broken, "d.stuck": cleaning(cleaned, stuck)}
    with pytest.raises(ComponentError, match=r"b\.broken failed"):
        run_components(mains, stop=10)

    assert sorted(cleaned) == ["c.collect", "c.none", "c.receive", "c.request", "c.sleep", "d.stuck"]


async def test_clean_up_runs_in_every_coroutine_when_the_run_is_cancelled():
    cleaned: list[str] = []
    begun = anyio.Event()

    async def stuck(port: Port) -> None:
        await port.sleep_until(5)
        begun.set()
        await forever_foreign(port)

    kernel = Kernel(CALENDAR, stop=10)
    for address, main in (everywhere(cleaned) | {"d.stuck": cleaning(cleaned, stuck)}).items():
        kernel.add(address, main)
    async with anyio.create_task_group() as group:
        group.start_soon(kernel.run)
        await begun.wait()
        group.cancel_scope.cancel()

    assert sorted(cleaned) == ["c.collect", "c.none", "c.receive", "c.request", "c.sleep", "d.stuck"]


def test_a_failing_clean_up_is_an_error():
    async def broken(port: Port) -> None:
        try:
            await port.sleep_until(1000)
        finally:
            raise Boom("in clean-up")

    with pytest.raises(ComponentError, match=r"a\.x failed .*: Boom: in clean-up"):
        run_components({"a.x": broken}, stop=1)


def test_a_failing_clean_up_does_not_hide_what_ended_the_run():
    async def broken(port: Port) -> None:
        await port.sleep_until(5)
        raise Boom("the cause")

    async def clumsy(port: Port) -> None:
        try:
            await port.sleep_until(1000)
        finally:
            raise Boom("in clean-up")

    with pytest.raises(ComponentError, match=r"a\.broken failed .*: Boom: the cause"):
        run_components({"a.broken": broken, "b.clumsy": clumsy}, stop=10)


# Quarantine


@waits
def test_a_quarantined_component_is_out_and_the_run_goes_on(wait: Wait):
    lives: list[str] = []

    async def side(port: Port) -> None:
        try:
            async for beat in port.subscribe(Beat):
                lives.append(f"side heard {beat.number}")  # noqa: PERF401 - to be seen while the run goes on
        finally:
            lives.append("side cleaned up")

    async def broken(port: Port) -> None:
        port.subscribe(Beat, "beat.>")
        port.start(side(port))
        await port.sleep_until(4)
        assert port.kernel.bus.statistics().subscriptions == 3
        await wait()
        raise Boom("enough")

    async def witness(port: Port) -> None:
        quarantined = await port.subscribe(Quarantined).receive()
        lives.append(f"{quarantined.role}.{quarantined.name}")
        assert port.kernel.bus.statistics().subscriptions == 1

    log = run_components(
        {"a.good": beating, "b.broken": broken, "c.witness": witness}, stop=100, quarantine=["x.*", "b.*"]
    )

    assert [beat.number for beat in log.of(Beat)] == list(range(10))
    (notice,) = [envelope for envelope in log.envelopes if isinstance(envelope.message, Quarantined)]
    assert (notice.sender, notice.instant) == ("kernel.b-broken", 4)
    assert "b.broken failed at" in notice.message.reason
    assert "Boom: enough" in notice.message.reason
    assert lives.count("side cleaned up") == 1
    assert "b.broken" in lives
    assert [life for life in lives if "heard" in life] == [f"side heard {n}" for n in range(4)]


def test_a_quarantined_component_is_no_longer_in_the_agenda():
    async def side(port: Port) -> None:
        await port.sleep_until(50)

    async def broken(port: Port) -> None:
        port.start(side(port))
        await port.sleep_until(4)
        raise Boom

    kernel = Kernel(CALENDAR, stop=100, quarantine=["*"])
    kernel.add("b.broken", broken)
    anyio.run(kernel.run)

    assert kernel.statistics().instants == 2  # 4 and the stop


def test_only_who_is_named_is_quarantined():
    async def broken(_: Port) -> None:
        raise Boom

    with pytest.raises(ComponentError, match=r"market\.m failed"):
        run_components({"market.m": broken, "agent.a": broken}, stop=1, quarantine=["agent.*"])


def test_a_quarantined_components_failing_clean_up_is_told_and_ends_nothing():
    async def side(port: Port) -> None:
        try:
            await port.sleep_until(1000)
        finally:
            raise Boom("in clean-up")

    async def broken(port: Port) -> None:
        port.start(side(port))
        await port.sleep_until(4)
        raise Boom("first")

    log = run_components({"a.good": beating, "b.broken": broken}, stop=100, quarantine=["b.*"])

    assert len(log.of(Beat)) == 10
    (notice,) = log.of(Quarantined)
    assert "Boom: first; then its clean-up: Boom: in clean-up" in notice.reason


def test_who_waits_for_a_quarantined_component_has_only_its_deadline():
    async def broken(port: Port) -> None:
        await port.subscribe(Beat).receive()
        raise Boom

    async def asker(port: Port) -> None:
        with pytest.raises(DeadlinePassed):
            await port.request(Beat("asker"), Beat, until=7)
        port.publish(Beat("asker", port.now))

    log = run_components({"a.asker": asker, "b.broken": broken}, stop=9, quarantine=["b.*"])

    assert [beat.number for beat in log.of(Beat)] == [0, 7]


# asyncio


def test_a_kernel_primitive_awaited_in_a_task_of_asyncio_gives_a_clear_error():
    async def lost(port: Port) -> None:
        await asyncio.create_task(waiting(port))

    async def waiting(port: Port) -> None:
        await port.sleep_until(5)

    with pytest.raises(ComponentError, match="only a component's own coroutine can await"):
        run_components({"a.x": lost}, stop=10)


def test_what_needs_a_task_of_its_own_gets_one_by_foreign():
    async def library() -> str:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            task = group.create_task(asyncio.to_thread(lambda: "from a library"))
        return task.result()

    async def main(port: Port) -> None:
        assert await port.foreign(library()) == "from a library"
        assert port.now == 0
        port.publish(Beat("x"))

    assert len(run_components({"a.x": main}, stop=10).of(Beat)) == 1


def test_an_error_in_foreign_is_raised_where_it_is_awaited():
    async def library() -> None:
        await asyncio.sleep(0)
        raise Boom("in the library")

    async def main(port: Port) -> None:
        with pytest.raises(Boom, match="in the library"):
            await port.foreign(library())
        port.publish(Beat("x"))

    assert len(run_components({"a.x": main}, stop=10).of(Beat)) == 1


def test_a_component_can_catch_what_a_foreign_wait_raises():
    def fail() -> None:
        raise Boom("in a thread")

    async def main(port: Port) -> None:
        with pytest.raises(Boom):
            await asyncio.to_thread(fail)
        with pytest.raises(Boom):
            await anyio.to_thread.run_sync(fail)
        port.publish(Beat("x"))

    assert len(run_components({"a.x": main}, stop=10).of(Beat)) == 1


def test_a_component_speaks_only_from_its_own_coroutine():
    ports: dict[str, Port] = {}

    async def owner(port: Port) -> None:
        ports["owner"] = port

    async def thief(_: Port) -> None:
        ports["owner"].publish(Beat("owner"))

    with pytest.raises(ComponentError, match=r"a\.owner can publish only from its own coroutine"):
        run_components({"a.owner": owner, "b.thief": thief}, stop=1)


# Composition


@pytest.mark.parametrize("address", ["", "a", "a.", ".b", "a.b.c", "a b.c", "a.*", "ä.b"])
def test_an_address_is_two_tokens(address: str):
    with pytest.raises(UsageError, match="is no address"):
        Kernel(CALENDAR, stop=1).add(address, beating)


def test_an_address_is_taken_once():
    kernel = Kernel(CALENDAR, stop=1)
    kernel.add("a.x", beating)
    with pytest.raises(UsageError, match=r"the address a\.x is taken twice"):
        kernel.add("a.x", beating)


def test_a_component_cannot_come_after_the_start():
    kernel = Kernel(CALENDAR, stop=1)

    async def main(_: Port) -> None:
        kernel.add("a.y", beating)

    kernel.add("a.x", main)
    with pytest.raises(ComponentError, match=r"a\.y comes too late: the run has begun"):
        anyio.run(kernel.run)


class Doorbell:
    """A gateway that brings one message at each instant."""

    def __init__(self, sender: str) -> None:
        self.sender = sender

    def inbound(self, now: int) -> list[tuple[str, object]]:
        return [(self.sender, Beat(self.sender.partition(".")[2], now))]


def test_a_gateway_speaks_in_order_with_the_components():
    log = run_components({"m.good": beating}, stop=4, gateway=Doorbell("z.bell"))
    other = run_components({"m.good": beating}, stop=4, gateway=Doorbell("a.bell"))

    assert [e.sender for e in log.envelopes if e.instant == 2] == ["m.good", "z.bell"]
    assert [e.sender for e in other.envelopes if e.instant == 2] == ["a.bell", "m.good"]
    for each in (log, other):
        keys = [(e.instant, e.round, e.sender, e.sequence) for e in each.envelopes]
        assert keys == sorted(keys)
        assert {e.instant for e in each.envelopes if e.sender.endswith("bell")} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(("sender", "text"), [("m.good", "is a component of this run"), ("z.bell", None)])
def test_a_gateway_cannot_speak_in_the_name_of_a_component(sender: str, text: str | None):
    if text is None:
        run_components({"m.good": beating}, stop=4, gateway=Doorbell(sender))
    else:
        with pytest.raises(UsageError, match=text):
            run_components({"m.good": beating}, stop=4, gateway=Doorbell(sender))


def test_the_kernel_counts_instants_and_rounds():
    kernel = Kernel(CALENDAR, stop=20)
    kernel.add("a.good", beating)
    anyio.run(kernel.run)

    statistics = kernel.statistics()
    assert (statistics.components, statistics.bus.published) == (1, 10)
    assert statistics.instants == 10  # 1 to 9 and the stop
    assert statistics.rounds == 11  # the start, and one for each beat


def test_observers_see_messages_before_they_are_delivered():
    seen: list[int] = []

    class Counting:
        def observe(self, outbox: list[Any]) -> None:
            seen.extend(envelope.message.number for envelope in outbox)

    async def listener(port: Port) -> None:
        async for beat in port.subscribe(Beat):
            assert seen[-1] == beat.number

    kernel = Kernel(CALENDAR, stop=20, observers=[Counting(), log := Log()])
    kernel.add("a.good", beating)
    kernel.add("b.listener", listener)
    anyio.run(kernel.run)

    assert seen == list(range(10)) == [beat.number for beat in log.of(Beat)]


def test_a_calendar_needs_a_zone():
    with pytest.raises(ValueError, match="has no zone"):
        Calendar(datetime(2025, 1, 1))  # noqa: DTZ001
