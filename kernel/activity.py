"""A coroutine that the kernel steps itself."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .port import Port


class Signal:
    """A named marker; the name is what asyncio shows when a task of its own awaits a kernel primitive."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


PARKED: Final = Signal("a wait for the gridbus kernel, which only a component's own coroutine can await")
"""What a kernel primitive yields; anything else that a coroutine yields is foreign and belongs to asyncio."""

DEADLINE: Final = Signal("deadline")
"""What a waiting coroutine is sent when its deadline comes first."""

ROOM = 1_000_000_000
"""Room for the messages that one activity sends: the sequence of activity n of a component begins at n * ROOM."""

Main = Callable[["Port"], Coroutine[object, object, None]]
"""What a component is to the kernel: an async function of its port."""


class Activity:
    """One coroutine of a component, its rank in the order of stepping, and what it will be sent next."""

    __slots__ = ("coroutine", "inbound", "port", "rank", "send", "sequence")

    def __init__(self, coroutine: Coroutine[object, object, None], port: Port, rank: int, index: int) -> None:
        self.coroutine = coroutine
        self.send = coroutine.send
        self.port = port
        self.rank = rank
        self.sequence = index * ROOM
        self.inbound: object = None

    def end(self) -> None:
        """Close the coroutine; if it is stepped once more, it has ended."""
        self.send = _ended
        self.coroutine.close()


def _ended(_: object) -> object:
    raise StopIteration
