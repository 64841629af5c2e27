"""Frames over NATS: one connection of one process, which comes back by itself when the server was away."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import anyio

from ..errors import PeerError, UsageError
from ..network.transport import Take
from .access import Access

_log = logging.getLogger(__name__)
_PENDING_BYTES = 1 << 30
"""What may wait for a server that is away; frames that it loses all the same are sent again by their links."""
_RETRY_S = 0.1
_PING_S = 10
_FRAME_BYTES = 1 << 20
"""A frame is no larger than this, whatever the server takes: others want their turn."""


class NatsTransport:
    """A connection to a NATS server."""

    def __init__(self, client: Any, events: _Events) -> None:
        self._client = client
        self._events = events
        self.largest_payload = min(int(client.max_payload), _FRAME_BYTES)
        self.publish: Callable[[str, bytes], Any] = client.publish

    @property
    def refused(self) -> list[str]:
        """What the server has refused to this user, in its words."""
        return self._events.refused

    async def subscribe(self, subjects: Sequence[str], take: Take) -> None:
        """Have everything that comes in on some subjects.

        Raises:
            PeerError: the server refuses one of them to this user.
        """

        async def receive(message: Any) -> None:
            take(message.subject, message.data)

        for subject in subjects:
            await self._client.subscribe(subject, cb=receive, pending_msgs_limit=0, pending_bytes_limit=0)
        before = len(self.refused)
        await self._client.flush()
        if len(self.refused) > before:
            raise PeerError(f"the NATS server refuses: {self.refused[-1]}; these are the credentials of another user")

    def on_reconnect(self, call: Callable[[], None]) -> None:
        """Be told when the connection was lost and is there again."""
        self._events.calls.append(call)

    async def close(self) -> None:
        """Send what is left and disconnect."""
        self._events.calls.clear()
        if self._client.is_connected:
            await self._client.flush()
        await self._client.close()


class _Events:
    """What a connection has to say by itself."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []
        self.refused: list[str] = []
        self.last = ""

    async def error(self, error: Exception) -> None:
        self.last = f"{type(error).__name__}: {error}".removesuffix(": ")
        if "permissions violation" in self.last.lower():
            self.refused.append(str(error).removeprefix("nats: "))
            _log.warning("the NATS server refuses: %s", self.refused[-1])

    async def disconnected(self) -> None:
        _log.info("the connection to the NATS server is lost")

    async def reconnected(self) -> None:
        _log.info("the connection to the NATS server is there again")
        for call in self.calls:
            call()


async def connect(url: str, access: Access, *, name: str, wait_s: float) -> NatsTransport:
    """Connect to a server, which may take some seconds to come up.

    Raises:
        PeerError: it is not there, or refuses the credentials.
        UsageError: the client is not installed, or a file of the credentials is no good.
    """
    try:
        import nats.errors
        from nats.aio.client import Client
    except ImportError:
        raise UsageError("the NATS client is not installed; run: pip install 'gridbus[nats]'") from None
    events = _Events()
    options: dict[str, Any] = {
        "name": name,
        "error_cb": events.error,
        "disconnected_cb": events.disconnected,
        "reconnected_cb": events.reconnected,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": _RETRY_S,
        "ping_interval": _PING_S,
        "connect_timeout": 5,
        "pending_size": _PENDING_BYTES,
        "no_echo": True,
        "nkeys_seed": None if access.seed is None else str(access.seed),
        "tls": access.tls(url),
    }
    deadline = anyio.current_time() + wait_s
    while True:
        client = Client()
        try:
            # A first attempt is one attempt: what is wrong with it is to be told, not tried for ever.
            await client.connect(url, allow_reconnect=False, **options)
            client.options["allow_reconnect"] = True
        except nats.errors.AuthorizationError:
            raise PeerError(
                f"{url} refuses {name}: it wants the credentials of that user; give --credentials"
            ) from None
        except (OSError, nats.errors.Error, TimeoutError) as error:
            await client.close()
            if anyio.current_time() >= deadline:
                raise PeerError(
                    f"no NATS server at {url}: {events.last or error}; start one with gridbus serve"
                ) from None
            await anyio.sleep(_RETRY_S)
        else:
            return NatsTransport(client, events)
