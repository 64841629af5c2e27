"""A NATS server as a child process of this one."""

from __future__ import annotations

import asyncio
import ctypes
import shutil
import signal
import sys
import sysconfig
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

import anyio
import orjson

from ..errors import PeerError, UsageError
from .settings import ServerSettings

_START_S = 10.0
_END_S = 5.0
_CALLER = (
    "cannot",
    "no such file",
    "error parsing",
    "parse error",
    "certificate",
    "failed to",
    "permission denied",
    "address already in use",
)
"""Words in the last line of a server that did not come up: what its user can mend."""


class NatsServer:
    """Runs a server with a configuration for as long as the block lasts."""

    def __init__(self, settings: ServerSettings, configuration: str) -> None:
        self.settings = settings
        self._configuration = configuration
        self._port = settings.port
        self._process: asyncio.subprocess.Process | None = None
        self._folder = Path()

    @property
    def url(self) -> str:
        """Where clients find it."""
        scheme = "tls" if self.settings.tls_certificate else "nats"
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"{scheme}://{host}:{self._port}"

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._running.pid

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise UsageError("the server has not been started; use it with async with")
        return self._process

    async def __aenter__(self) -> Self:
        self._holder = tempfile.TemporaryDirectory(prefix="gridbus-nats-")
        self._folder = Path(self._holder.name)
        try:
            await self._start()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._end()
            self._holder.cleanup()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._end()
        self._holder.cleanup()

    async def wait(self) -> None:
        """Return when the server has ended."""
        await self._running.wait()

    async def restart(self) -> None:
        """End the server without a warning, if it still runs, and start it again on the same port."""
        with suppress(ProcessLookupError):
            self._running.send_signal(signal.SIGKILL)
        await self._running.wait()
        await self._start()

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            with anyio.move_on_after(_END_S):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()

    async def _start(self) -> None:
        configuration = self._folder / "server.conf"
        configuration.write_text(self._configuration, encoding="utf-8")
        log = self._folder / "server.log"
        log.write_bytes(b"")
        ports = self._folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        # The last port again after a restart: clients look for the server where it was.
        port = str(self._port or -1)
        arguments = ("-c", configuration, "-p", port, "--ports_file_dir", ports)
        # What is wrong with its configuration the server says on standard error only, not in a log of its own.
        with log.open("wb") as out:
            self._process = await asyncio.create_subprocess_exec(
                binary(),
                *map(str, arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=dies_with_parent,
            )
        try:
            with anyio.fail_after(_START_S):
                while not (found := list(ports.glob("*.ports"))) or not (text := found[0].read_bytes()):
                    if self._process.returncode is not None:
                        raise self._complaint(log)
                    await anyio.sleep(0.01)
        except TimeoutError:
            await self._end()
            raise PeerError(f"the NATS server did not come up within {_START_S:g} s") from None
        self._port = int(orjson.loads(text)["nats"][0].rpartition(":")[2])

    def _complaint(self, log: Path) -> PeerError | UsageError:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        marks = ("[FTL] ", "[ERR] ", "nats-server: ")
        found = (line.partition(mark)[2] for line in reversed(lines) for mark in marks if mark in line)
        text = next(found, "no reason given")
        kind = UsageError if any(words in text.lower() for words in _CALLER) else PeerError
        return kind(f"the NATS server did not start: {text}")


def binary() -> str:
    """The program of the server, from the environment of this interpreter or the path.

    Raises:
        UsageError: it is not installed.
    """
    here = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(here) if here.is_file() else shutil.which("nats-server")
    if found is None:
        raise UsageError("nats-server is not installed; run: pip install 'gridbus[nats]'")
    return found


# Loaded here, since little is safe between fork and exec.
_SYSTEM = ctypes.CDLL(None) if sys.platform == "linux" else None


def dies_with_parent() -> None:
    """In a child between fork and exec: on Linux have it end when its parent does, even if the parent is killed."""
    if _SYSTEM is not None:
        _SYSTEM.prctl(1, signal.SIGKILL)
