"""Playing back what came from outside in a recorded run, so that it can be replayed without the outside."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import orjson

from .clock import VirtualClock
from .codec import structured
from .errors import DecodeError
from .instant import Instant
from .plugins import message_class

_KERNEL = "kernel."


class Playback(VirtualClock):
    """Clock and gateway at once: stops where something came in, and hands it in again."""

    def __init__(self, lines: Iterable[bytes], components: Collection[str]) -> None:
        self._lines = _from_outside(lines, components)
        self._next = next(self._lines, None)

    async def advance(self, target: Instant) -> Instant:
        """Go to the target, or to the next instant at which something came in."""
        due = target if self._next is None else min(target, self._next["at"])
        return await super().advance(due)

    def inbound(self, now: Instant) -> list[tuple[str, object]]:
        """What had come in by now, each message with its sender."""
        came: list[tuple[str, object]] = []
        while self._next is not None and self._next["at"] <= now:
            came.append((self._next["sender"], _message(self._next)))
            self._next = next(self._lines, None)
        return came


def _from_outside(lines: Iterable[bytes], components: Collection[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        entry = orjson.loads(line)
        if entry["sender"] not in components and not entry["sender"].startswith(_KERNEL):
            yield entry


def _message(entry: dict[str, Any]) -> object:
    made, faults = structured(message_class(entry["message"]), entry["body"], entry["message"])
    if made is None:
        raise DecodeError(entry["message"], faults)
    return made
