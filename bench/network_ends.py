"""What the two processes of the network benchmark have in common: their ends of a connection, frames and components."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from ..kernel import Head, Member, Port, Scenario, Setting, value
from ..kernel.activity import Main
from ..kernel.nats.access import Access
from ..kernel.nats.client import connect
from ..kernel.network.link import Everything, Frame, Link, Unconfirmed
from ..kernel.network.subjects import Subjects
from ..kernel.network.transport import Transport
from ..roles.interfaces.network import ValidationRequest, ValidationResult

FRAME_BYTES = 20_000
ECHO_BYTES = 200
OURS, BARE = "ours", "bare"
_TOKEN = "0123456789abcdef" * 2
_FILLER = bytes(range(250)) * 80
_NUMBER_BYTES = 8
_PENDING_BYTES = 1 << 30
"""As much as our own client may hold back."""


class Ways:
    """The subjects between the two processes; those of both kinds are equally long."""

    def __init__(self, kind: str) -> None:
        subjects = Subjects(kind)
        self.frames = subjects.hear("peer", "frame")
        self.echo = subjects.lead("peer")
        self.back = subjects.report("peer")

    @property
    def there(self) -> list[str]:
        """What the peer listens to."""
        return [self.frames, self.echo]


def frame(number: int) -> bytes:
    """The content of a frame, which its receiver knows beforehand."""
    return number.to_bytes(_NUMBER_BYTES, "big") + _FILLER[: FRAME_BYTES - _NUMBER_BYTES]


class Check:
    """Counts the frames of a burst that are whole and in their order."""

    def __init__(self) -> None:
        self._rest = _FILLER[: FRAME_BYTES - _NUMBER_BYTES]
        self._good = self._wrong = 0

    def take(self, content: bytes) -> None:
        """Look at the next frame."""
        number = int.from_bytes(content[:_NUMBER_BYTES], "big")
        if number == self._good + 1 and len(content) == FRAME_BYTES and content.endswith(self._rest):
            self._good += 1
        else:
            self._wrong += 1

    def summary(self) -> bytes:
        """How many were good and how many were not; begins anew."""
        text = b"%d %d" % (self._good, self._wrong)
        self._good = self._wrong = 0
        return text


def all_good(frames: int) -> bytes:
    """The summary of a burst in which nothing was lost, repeated, disordered or damaged."""
    return b"%d 0" % frames


class End(Protocol):
    """One end of a connection."""

    async def send(self, subject: str, content: bytes) -> None:
        """Send to the other end."""

    async def next(self) -> tuple[str, bytes]:
        """Subject and content of what has come, in order; waits for it."""

    async def close(self) -> None:
        """Disconnect."""


class OurEnd:
    """Transport and link as in a run: numbered, kept until confirmed, put in order."""

    def __init__(self, transport: Transport, link: Link) -> None:
        self.link = link
        self._transport = transport
        self._inbox: deque[tuple[str, bytes]] = deque()
        self._arrived = asyncio.Event()

    @classmethod
    async def open(cls, url: str, subjects: list[str], *, leads: bool) -> OurEnd:
        """Connect, and listen to some subjects; who leads keeps everything, as a timekeeper does."""
        transport = await connect(url, Access(), name=OURS, wait_s=5)
        end = cls(transport, Link(_TOKEN, Everything() if leads else Unconfirmed()))
        await transport.subscribe(subjects, end.take)
        return end

    async def send(self, subject: str, content: bytes) -> None:
        """Send the next frame."""
        await self._transport.publish(subject, self.link.send(subject, content))

    def take(self, subject: str, payload: bytes) -> None:
        """Take in what the network has brought."""
        parsed = Frame.parse(payload)
        if parsed.token != self.link.token:
            return
        self.link.confirm(parsed)
        self._inbox.extend(self.link.take(subject, parsed))
        if self._inbox:
            self._arrived.set()

    async def next(self) -> tuple[str, bytes]:
        """The next frame in order, handed on as a follower does it."""
        while not self._inbox:
            self._arrived = asyncio.Event()
            await self._arrived.wait()
        return self._inbox.popleft()

    async def close(self) -> None:
        """Disconnect, and let go of what was kept."""
        await self._transport.close()
        if isinstance(self.link.kept, Everything):
            self.link.kept.close()


class BareEnd:
    """A client of nats-py and nothing else."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._inbox: deque[tuple[str, bytes]] = deque()
        self._arrived = asyncio.Event()

    @classmethod
    async def open(cls, url: str, subjects: list[str]) -> BareEnd:
        """Connect, and keep what comes in on some subjects."""
        end = cls(await bare_client(url))
        for subject in subjects:
            await listen(end.client, subject, end._take)
        await end.client.flush()
        return end

    async def send(self, subject: str, content: bytes) -> None:
        """Publish."""
        await self.client.publish(subject, content)

    async def _take(self, message: Any) -> None:
        self._inbox.append((message.subject, message.data))
        self._arrived.set()

    async def next(self) -> tuple[str, bytes]:
        """What has come next."""
        while not self._inbox:
            self._arrived.clear()
            await self._arrived.wait()
        return self._inbox.popleft()

    async def close(self) -> None:
        """Disconnect."""
        await self.client.close()


async def bare_client(url: str) -> Any:
    """A connection with the limits that ours has."""
    import nats

    return await nats.connect(url, no_echo=True, pending_size=_PENDING_BYTES)


async def listen(client: Any, subject: str, call: Any) -> None:
    """Subscribe without the limits that a client has of itself."""
    await client.subscribe(subject, cb=call, pending_msgs_limit=0, pending_bytes_limit=0)


# A request and its reply, between components of a run that is split over two processes


@value
class Answerer:
    """A distribution operator that finds everything safe."""

    def components(self, name: str, _: Setting) -> Iterable[tuple[str, Main]]:
        """The one component."""
        yield f"do.{name}", _answer


async def _answer(port: Port) -> None:
    async for asked in port.subscribe(ValidationRequest).envelopes():
        port.publish(ValidationResult(asked.message.market, asked.message.slot_start, True), reply_to=asked)


def request(number: int) -> ValidationRequest:
    """The request of a market that is to be answered; some 200 bytes in its envelope."""
    return ValidationRequest("wires", "retail", number, 1, 1, (), ())


def component_scenario(round_limit: int) -> Scenario:
    """The part of the run that the other process has: one member."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    head = Head("component-trips", start, start + timedelta(seconds=10), round_limit=round_limit)
    return Scenario(head, (Member("do", "wires", Answerer(), "do"),))
