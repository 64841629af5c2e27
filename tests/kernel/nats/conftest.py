"""A real server on loopback, and what the tests do with it."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest

from gridbus.kernel import Scenario
from gridbus.kernel.nats.access import Access
from gridbus.kernel.nats.client import NatsTransport, connect
from gridbus.kernel.nats.credentials import make_credentials
from gridbus.kernel.nats.permissions import Permissions, permissions, server_configuration
from gridbus.kernel.nats.server import NatsServer
from gridbus.kernel.nats.settings import ServerSettings
from gridbus.kernel.network.followers import Follower, followers, kept_members
from gridbus.kernel.network.subjects import Subjects
from gridbus.kernel.plugins import contract


@attrs.frozen
class Run:
    """The built-in scenario, split over processes."""

    subjects: Subjects
    followers: list[Follower]
    users: list[Permissions]


@attrs.frozen
class Taken:
    """Keeps what comes in."""

    frames: list[tuple[str, bytes]] = attrs.field(factory=list)

    def __call__(self, subject: str, payload: bytes) -> None:
        self.frames.append((subject, payload))


def open_server(**settings: object) -> NatsServer:
    """A server for anybody on this machine."""
    made = ServerSettings(**settings)  # type: ignore[arg-type]
    return NatsServer(made, server_configuration(made, [], None))


@asynccontextmanager
async def joined(server: NatsServer, name: str = "someone", **access: Path) -> AsyncIterator[NatsTransport]:
    """A connection to a server."""
    transport = await connect(server.url, Access(**access), name=name, wait_s=2)
    try:
        yield transport
    finally:
        await transport.close()


async def until(true: Callable[[], object], within_s: float = 2.5) -> None:
    """Wait for something that is to become true."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - anything may make it true
            await asyncio.sleep(0.005)


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)  # noqa: S607


def certificate(folder: Path, name: str = "server") -> tuple[Path, Path]:
    """A certificate that has signed itself, for 127.0.0.1, and its key."""
    made, key = folder / f"{name}.pem", folder / f"{name}.key"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
        *("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-out", made, "-keyout", key),
    )
    return made, key


@pytest.fixture(scope="session")
def split() -> Run:
    """The built-in scenario's followers and their permissions."""
    scenario = Scenario.load("feeder-day")
    found = list(followers(scenario, kept_members(scenario, None)))
    subjects = Subjects("test")
    return Run(subjects, found, permissions(subjects, found, contract()))


@pytest.fixture
def credentials(tmp_path: Path, split: Run) -> Path:
    """A folder with the seed of every user."""
    folder = tmp_path / "credentials"
    make_credentials(folder, [user.user for user in split.users])
    return folder
