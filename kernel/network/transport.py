"""What carries frames between processes: subjects and payloads, delivered once at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

Take = Callable[[str, bytes], None]
"""Is called with the subject and the payload of everything that comes in."""


class Transport(Protocol):
    """A connection to the network; what it loses, repeats or brings in another order, the links mend."""

    largest_payload: int
    """Bytes that one payload may have."""

    async def publish(self, subject: str, payload: bytes) -> None:
        """Send a payload to whoever has subscribed to the subject."""

    async def subscribe(self, subjects: Sequence[str], take: Take) -> None:
        """Have everything that comes in on some subjects; a last token ``>`` stands for any number of tokens.

        Raises:
            PeerError: the network refuses it.
        """

    def on_reconnect(self, call: Callable[[], None]) -> None:
        """Be told when the connection was lost and is there again: frames may be missing."""

    async def close(self) -> None:
        """Send what is left and disconnect."""
