"""TLS: whoever cannot check the server does not connect, nor whoever the server cannot check."""

import asyncio
import shutil
import ssl
from contextlib import suppress
from pathlib import Path

import nats
import nats.errors
import pytest

from gridbus.kernel import PeerError, UsageError
from gridbus.kernel.nats.access import Access
from gridbus.kernel.nats.client import connect

from .conftest import Taken, certificate, joined, open_server, until

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl")


async def test_frames_travel_encrypted(tmp_path: Path):
    made, key = certificate(tmp_path)
    taken = Taken()
    async with open_server(tls_certificate=made, tls_key=key) as server:
        assert server.url.startswith("tls://")
        async with joined(server, tls_ca=made) as sender, joined(server, tls_ca=made) as receiver:
            back: list[bool] = []
            receiver.on_reconnect(lambda: back.append(True))
            await receiver.subscribe(["x"], taken)
            await sender.publish("x", bytes(300_000))
            await until(lambda: taken.frames)
            await server.restart()
            await until(lambda: back)
    assert taken.frames == [("x", bytes(300_000))]


async def test_a_server_that_cannot_be_checked_is_refused(tmp_path: Path):
    made, key = certificate(tmp_path)
    other, _ = certificate(tmp_path, "other")
    async with open_server(tls_certificate=made, tls_key=key) as server:
        for access in (Access(), Access(tls_ca=other)):
            with pytest.raises(PeerError, match="certificate verify failed"):
                async with asyncio.timeout(2):
                    await connect(server.url, access, name="someone", wait_s=0.3)
        bare = nats.NATS()
        with pytest.raises((ssl.SSLError, nats.errors.Error)):
            await bare.connect(server.url, allow_reconnect=False, tls_handshake_first=True, error_cb=_ignore)
        # The client waits for a connection that has never been told that it is closed.
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await bare.close()


async def _ignore(error: Exception) -> None:
    pass


async def test_a_client_without_a_certificate_is_refused_where_one_is_asked_for(tmp_path: Path):
    made, key = certificate(tmp_path)
    async with open_server(tls_certificate=made, tls_key=key, tls_ca=made) as server:
        with pytest.raises(PeerError):
            async with asyncio.timeout(2):
                await connect(server.url, Access(tls_ca=made), name="someone", wait_s=0.3)
        async with joined(server, tls_ca=made, tls_certificate=made, tls_key=key) as transport:
            await transport.publish("x", b"")


async def test_a_server_without_tls_is_refused_where_it_is_wanted():
    async with open_server() as server:
        url = server.url.replace("nats://", "tls://")
        with pytest.raises(PeerError):
            async with asyncio.timeout(2):
                await (await connect(url, Access(), name="someone", wait_s=0.3)).close()


async def test_files_that_are_not_there_are_the_callers_fault(tmp_path: Path):
    with pytest.raises(UsageError, match="nowhere"):
        await connect("tls://127.0.0.1:1", Access(tls_ca=tmp_path / "nowhere"), name="someone", wait_s=0.1)
    with pytest.raises(UsageError, match=r"nowhere\.nk"):
        async with asyncio.timeout(2):
            await connect("nats://127.0.0.1:1", Access(seed=tmp_path / "nowhere.nk"), name="someone", wait_s=0.1)
