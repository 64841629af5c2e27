"""Frames over NATS: one connection of one process, which comes back by itself when the server was away."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import anyio

from ..errors import PeerError, UsageError
from ..network.transport import Take
from .access import Access
from .credentials import read_seed

_log = logging.getLogger(__name__)
_PENDING_BYTES = 1 << 30
"""What may wait for a server that is away; frames that it loses all the same are sent again by their links."""
_RETRY_S = 0.1
_PING_S = 10
_CLOSE_S = 5
_SUBSCRIBE_S = 30


class NatsTransport:
    """A connection to a NATS server."""

    def __init__(self, client: Any, events: _Events) -> None:
        self._client = client
        self._events = events
        self._subscriptions: list[Any] = []
        self._errors = _client_errors()
        self.largest_payload = int(client.max_payload)

    @property
    def refused(self) -> list[str]:
        """What the server has refused to this user, in its words."""
        return self._events.refused

    async def publish(self, subject: str, payload: bytes) -> None:
        """Send a payload to whoever has subscribed to the subject; while the server is away, it waits.

        Raises:
            PeerError: the server has refused what this user published, or closed the connection for good.
        """
        if self._events.unsaid:
            raise PeerError(f"the NATS server refuses: {self._events.unsaid}; it was made for other messages or users")
        try:
            await self._client.publish(subject, payload)
        except self._errors as error:
            raise PeerError(f"the NATS server takes nothing more on {subject}: {type(error).__name__}") from error

    async def subscribe(self, subjects: Sequence[str], take: Take) -> None:
        """Have everything that comes in on some subjects.

        Raises:
            PeerError: the server refuses one of them to this user.
        """

        async def receive(message: Any) -> None:
            take(message.subject, message.data)

        before = len(self.refused)
        for subject in subjects:
            self._subscriptions.append(
                await self._client.subscribe(subject, cb=receive, pending_msgs_limit=0, pending_bytes_limit=0)
            )
        await self._flushed()
        if len(self.refused) > before:
            raise PeerError(f"the NATS server refuses: {self.refused[-1]}; these are the credentials of another user")

    async def _flushed(self) -> None:
        """Wait until the server has what was sent to it, even if it is restarted meanwhile."""
        with anyio.move_on_after(_SUBSCRIBE_S):
            # The first ping overtakes what the client still holds; the answer to the second comes after it.
            answers = 0
            while answers < 2:
                try:
                    await self._client.flush(2)
                    answers += 1
                except self._errors:
                    await anyio.sleep(_RETRY_S)
            return
        raise PeerError(f"the NATS server has not answered for {_SUBSCRIBE_S} s")

    def on_reconnect(self, call: Callable[[], None]) -> None:
        """Be told when the connection was lost and is there again."""
        self._events.calls.append(call)

    async def close(self) -> None:
        """Send what is left and disconnect."""
        from nats import errors

        self._events.calls.clear()
        self._events.closing = True
        if self._client.is_connected:
            with suppress(errors.Error):
                await self._client.flush(_CLOSE_S)
        # A client that is closed while its server is away does not end these.
        for subscription in self._subscriptions:
            with suppress(errors.Error):
                await subscription.unsubscribe()
        await _end(self._client, _CLOSE_S)


def _client_errors() -> type[Exception]:
    from nats import errors

    return errors.Error


class _Events:
    """What a connection has to say by itself."""

    def __init__(self, url: str, name: str) -> None:
        self.calls: list[Callable[[], None]] = []
        self.refused: list[str] = []
        self.unsaid = ""
        """What was not published, because the server refuses it."""
        self.last = "it does not answer"
        self.connected = self.closing = False
        self._url, self._name = url, name

    async def error(self, error: Exception) -> None:
        from nats import errors

        words = str(error).removeprefix("nats: ") or type(error).__name__
        self.last = words
        if "permissions violation" in words.lower():
            self.refused.append(words)
            if "for publish" in words.lower():
                self.unsaid = words
            _log.warning("the NATS server refuses: %s", words)
        elif not self.connected:
            self._raise_if_final(error)
        elif not isinstance(error, errors.Error | OSError | TimeoutError):
            _log.error("a frame could not be taken: %s", words, exc_info=error)

    def _raise_if_final(self, error: Exception) -> None:
        """End the attempts to connect: the client goes on for ever, unless this raises."""
        if "authorization violation" in self.last.lower():
            raise PeerError(f"{self._url} refuses {self._name}: it wants that user's credentials; give --credentials")
        if isinstance(error, ssl.SSLError):
            raise PeerError(f"no TLS with {self._url}: {self.last}")

    async def disconnected(self) -> None:
        if self.connected and not self.closing:
            _log.info("the connection to the NATS server is lost")

    async def reconnected(self) -> None:
        _log.info("the connection to the NATS server is there again")
        for call in self.calls:
            call()

    async def closed(self) -> None:
        if self.connected and not self.closing:
            _log.error("the NATS server has closed the connection for good: %s", self.last)


async def connect(url: str, access: Access, *, name: str, wait_s: float) -> NatsTransport:
    """Connect to a server, which may take some seconds to come up.

    Raises:
        PeerError: it is not there, or refuses the credentials.
        UsageError: the client is not installed, the address is none, or a file of the credentials is no good.
    """
    try:
        from nats.aio.client import Client
    except ImportError:
        raise UsageError("the NATS client is not installed; run: pip install 'gridbus[nats]'") from None
    _check(url)
    events, tls = _Events(url, name), access.tls(url)
    options: dict[str, Any] = {
        "name": name,
        "error_cb": events.error,
        "disconnected_cb": events.disconnected,
        "reconnected_cb": events.reconnected,
        "closed_cb": events.closed,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": _RETRY_S,
        "ping_interval": _PING_S,
        "connect_timeout": 5,
        "pending_size": _PENDING_BYTES,
        "no_echo": True,
        "nkeys_seed_str": None if access.seed is None else read_seed(access.seed),
        "tls": tls,
        # Otherwise whoever is between could say that the server has no TLS, and the client would believe it.
        "tls_handshake_first": tls is not None,
    }
    client = Client()
    try:
        async with asyncio.timeout(wait_s):
            await client.connect(url, **options)
        events.connected = True
    except TimeoutError:
        raise PeerError(f"no NATS server at {url}: {events.last}; start one with gridbus serve") from None
    finally:
        if not events.connected:
            await _end(client, _RETRY_S)
    return NatsTransport(client, events)


async def _end(client: Any, within_s: float) -> None:
    """Close a client; one whose TLS has failed would wait for ever to be told that it is closed."""
    with suppress(OSError, RuntimeError, TimeoutError):
        async with asyncio.timeout(within_s):
            await client.close()


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("nats", "tls") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise UsageError(f"{url!r} is no address of a NATS server; write it like nats://host:4222")
