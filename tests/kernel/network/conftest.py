"""A network in memory that loses, repeats and disorders what it carries, as its seed says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

import pytest

from gridbus.kernel.message import matches
from gridbus.kernel.network.transport import Take


class Network:
    """Carries payloads between its connections; ``trouble`` is the share of them that something happens to."""

    def __init__(self, seed: int = 0, trouble: float = 0.0) -> None:
        self.random = Random(seed)
        self.trouble = trouble
        self.subscriptions: list[tuple[Connection, str, Take]] = []
        self.carried = 0
        self.lost = 0

    def connect(self) -> Connection:
        return Connection(self)

    def carry(self, origin: Connection, subject: str, payload: bytes) -> None:
        for connection, pattern, take in list(self.subscriptions):
            if connection is origin or connection.cut or not matches(pattern, subject):
                continue
            self.carried += 1
            fate = self.random.random()
            if fate < self.trouble / 3:
                self.lost += 1
                continue
            times = 2 if fate < self.trouble * 2 / 3 else 1
            delay = 0.003 if self.trouble * 2 / 3 < fate < self.trouble else 0.0
            for _ in range(times):
                loop = asyncio.get_running_loop()
                if delay:
                    loop.call_later(delay, take, subject, payload)
                else:
                    loop.call_soon(take, subject, payload)


class Connection:
    """A transport; what is published while it is cut is lost."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.largest_payload = 4096
        self.cut = False
        self.calls: list[Callable[[], None]] = []

    async def publish(self, subject: str, payload: bytes) -> None:
        assert len(payload) <= self.largest_payload
        if not self.cut:
            self.network.carry(self, subject, payload)

    async def subscribe(self, subjects: Sequence[str], take: Take) -> None:
        self.network.subscriptions += [(self, subject, take) for subject in subjects]

    def on_reconnect(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def mend(self) -> None:
        self.cut = False
        for call in self.calls:
            call()

    async def close(self) -> None:
        self.cut = True
        self.network.subscriptions = [entry for entry in self.network.subscriptions if entry[0] is not self]


@pytest.fixture
def network() -> Callable[..., Network]:
    return Network
