"""Frames over a real server: they arrive, the connection comes back, and a busy receiver loses none."""

import asyncio
import logging
import os
import signal
import time

import pytest

from gridbus.kernel import PeerError, UsageError
from gridbus.kernel.nats.access import Access
from gridbus.kernel.nats.client import connect

from .conftest import Taken, joined, open_server, until


async def test_a_frame_reaches_whoever_has_subscribed_but_not_its_sender():
    one, other = Taken(), Taken()
    async with open_server() as server, joined(server) as sender, joined(server) as receiver:
        await sender.subscribe(["up.>", "down.*.lead"], one)
        await receiver.subscribe(["up.>", "down.*.lead"], other)

        await sender.publish("up.a.report", b"\x00\r\n\xff")
        await sender.publish("down.a.lead", b"")
        await sender.publish("down.a.else", b"not asked for")
        await until(lambda: len(other.frames) == 2)
        await receiver.subscribe(["another"], other)

    assert sorted(other.frames) == [("down.a.lead", b""), ("up.a.report", b"\x00\r\n\xff")]
    assert one.frames == []


async def test_the_largest_payload_arrives_whole():
    taken = Taken()
    async with open_server() as server, joined(server) as sender, joined(server) as receiver:
        await receiver.subscribe(["x"], taken)
        payload = bytes(range(256)) * (sender.largest_payload // 256)
        await sender.publish("x", payload)
        await until(lambda: taken.frames)

    assert len(payload) == sender.largest_payload >= 1 << 20
    assert taken.frames == [("x", payload)]


async def test_a_restarted_server_is_found_again_and_what_waited_arrives():
    taken, back = Taken(), []
    async with open_server() as server, joined(server) as sender, joined(server) as receiver:
        await receiver.subscribe(["x"], taken)
        sender.on_reconnect(lambda: back.append("sender"))
        receiver.on_reconnect(lambda: back.append("receiver"))
        url, pid = server.url, server.pid

        await server.restart()
        for number in range(100):
            await sender.publish("x", b"%d" % number)
            await asyncio.sleep(0)
        await until(lambda: len(back) == 2)
        await sender.publish("x", b"last")
        await until(lambda: ("x", b"last") in taken.frames)

    assert server.url == url
    assert server.pid != pid
    assert sorted(back) == ["receiver", "sender"]


async def test_what_is_published_while_the_server_is_away_does_not_raise():
    server = open_server()
    async with server, joined(server) as sender:
        lost = asyncio.create_task(server.wait())
        await sender.subscribe(["x"], Taken())
        back: list[bool] = []
        sender.on_reconnect(lambda: back.append(True))
        os.kill(server.pid, signal.SIGKILL)
        await lost
        await asyncio.sleep(0.05)
        for _ in range(30):
            await sender.publish("y", bytes(100_000))
        await server.restart()
        await until(lambda: back)


async def test_a_receiver_that_is_busy_loses_nothing():
    taken, frame = Taken(), bytes(500_000)
    async with open_server() as server, joined(server) as sender, joined(server) as receiver:
        await receiver.subscribe(["x"], taken)
        busy = asyncio.get_running_loop().run_in_executor(None, asyncio.run, _send(server.url, frame, 200))
        time.sleep(0.8)  # noqa: ASYNC251 - the loop is blocked on purpose
        await busy
        await until(lambda: len(taken.frames) == 5200)
        await sender.publish("x", b"alive")
        await until(lambda: taken.frames[-1] == ("x", b"alive"))

    assert [payload for _, payload in taken.frames[:-1]] == [frame] * 200 + [b"small"] * 5000


async def _send(url: str, frame: bytes, times: int) -> None:
    sender = await connect(url, Access(), name="sender", wait_s=2)
    for _ in range(times):
        await sender.publish("x", frame)
    for _ in range(5000):
        await sender.publish("x", b"small")
    await sender.close()


async def test_a_server_that_comes_up_later_is_waited_for():
    async with open_server() as first:
        url = first.url
    waiting = asyncio.create_task(connect(url, Access(), name="early", wait_s=2.5))
    await asyncio.sleep(0.2)
    async with open_server(port=int(url.rpartition(":")[2])):
        transport = await waiting
        await transport.close()


async def test_a_server_that_does_not_come_up_is_named_in_time():
    async with open_server() as gone:
        url = gone.url
    begun = time.monotonic()
    with pytest.raises(PeerError, match=url):
        async with asyncio.timeout(2.5):
            await connect(url, Access(), name="someone", wait_s=0.3)
    assert time.monotonic() - begun < 1.5


async def test_what_fails_in_taking_a_frame_is_told(caplog: pytest.LogCaptureFixture):
    def fail(subject: str, payload: bytes) -> None:
        raise ValueError(f"no sense in {subject}")

    async with open_server() as server, joined(server) as sender, joined(server) as receiver:
        await receiver.subscribe(["x"], fail)
        await sender.publish("x", b"")
        await until(lambda: "no sense in x" in caplog.text, within_s=1)


async def test_a_connection_whose_server_has_gone_can_be_closed():
    async with open_server() as server:
        transport = await connect(server.url, Access(), name="someone", wait_s=2)
        await transport.subscribe(["x"], Taken())
    await asyncio.sleep(0.05)
    await transport.publish("x", b"waits for ever")
    async with asyncio.timeout(2):
        await transport.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.sleep(0)
    assert not [task for task in others if not task.done()]


async def test_a_lost_connection_makes_no_noise(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        async with open_server() as server, joined(server) as transport:
            back: list[bool] = []
            transport.on_reconnect(lambda: back.append(True))
            await server.restart()
            await until(lambda: back)

    assert not [record for record in caplog.records if record.exc_info]
    assert len([record for record in caplog.records if "gridbus" in record.name]) <= 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nats://", "nats://h:port"])
async def test_what_is_no_address_is_the_callers_fault(url: str):
    with pytest.raises(UsageError):
        async with asyncio.timeout(2):
            await connect(url, Access(), name="someone", wait_s=0.2)
