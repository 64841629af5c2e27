"""A link between two processes over a network that may lose, repeat and disorder frames.

Every frame has a number. The receiver hands frames on in their order and only once; when some are missing the sender
is asked for them, and has kept them. A frame begins with a line of its own: token of the link, number, and the number
of frames received the other way. A link's token is made when a process joins and known to its two ends alone.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator
from typing import Protocol

import attrs

from ..errors import DecodeError, Fault

Content = tuple[str, bytes]
"""Subject and content of a frame."""

_WRITTEN_AT_ONCE = 32 << 20
"""Bytes of kept frames that stay in memory until they are written."""
_EARLY = 1_000
"""Frames that may wait for one that is missing."""
HEAD = 100
"""Bytes of the longest first line that a frame has."""


@attrs.define
class Frame:
    """A frame as it came in."""

    token: str
    number: int
    got: int
    content: bytes

    @classmethod
    def parse(cls, payload: bytes) -> Frame:
        """The parts of a payload.

        Raises:
            DecodeError: it is no frame.
        """
        head, newline, content = payload.partition(b"\n")
        parts = head.split(b" ")
        if not newline or len(parts) != 3 or not (parts[1].isdigit() and parts[2].isdigit()) or len(head) >= HEAD:
            raise DecodeError("frame", [Fault("frame", "expected a line with token, number and count")])
        try:
            return cls(parts[0].decode("ascii"), int(parts[1]), int(parts[2]), content)
        except UnicodeDecodeError:
            raise DecodeError("frame", [Fault("token", "expected ASCII")]) from None


def framed(token: str, number: int, got: int, content: bytes) -> bytes:
    """The payload of a frame; number 0 is for what need not arrive."""
    return b"%b %d %d\n%b" % (token.encode(), number, got, content)


class Kept(Protocol):
    """Frames that were sent, for sending again."""

    def keep(self, content: Content) -> None:
        """Add the next frame."""

    def forget(self, number: int) -> None:
        """Be told that the receiver has all frames up to a number."""

    def after(self, number: int) -> Iterator[tuple[int, Content]]:
        """The frames after a number."""

    def close(self) -> None:
        """Be told that nothing will be sent again."""


class Unconfirmed:
    """Keeps frames until the receiver has them."""

    def __init__(self) -> None:
        self._frames: deque[Content] = deque()
        self._first = 1

    def keep(self, content: Content) -> None:
        """Add the next frame."""
        self._frames.append(content)

    def __len__(self) -> int:
        return len(self._frames)

    def forget(self, number: int) -> None:
        """Let go of all frames up to a number."""
        while self._frames and self._first <= number:
            self._frames.popleft()
            self._first += 1

    def after(self, number: int) -> Iterator[tuple[int, Content]]:
        """The frames after a number."""
        for index, content in enumerate(list(self._frames), start=self._first):
            if index > number:
                yield index, content

    def close(self) -> None:
        """Let go of all frames."""
        self._frames.clear()


class Everything:
    """Keeps all frames, in a file: a process that was killed is sent the whole run again."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the run
        self._places: list[tuple[str, int, int]] = []
        self._fresh: list[bytes] = []
        self._written = 0
        self._end = 0

    def keep(self, content: Content) -> None:
        """Add the next frame."""
        subject, text = content
        self._fresh.append(text)
        self._places.append((subject, self._end, len(text)))
        self._end += len(text)
        if self._end - self._written > _WRITTEN_AT_ONCE:
            self._write()

    def forget(self, number: int) -> None:
        """Keep them all the same."""

    def after(self, number: int) -> Iterator[tuple[int, Content]]:
        """The frames after a number."""
        for index in range(number, len(self._places)):
            subject, place, length = self._places[index]
            self._write()
            self._file.seek(place)
            yield index + 1, (subject, self._file.read(length))

    def close(self) -> None:
        """Let go of all frames."""
        self._fresh.clear()
        self._file.close()

    def _write(self) -> None:
        if self._fresh:
            self._file.seek(self._written)
            self._file.writelines(self._fresh)
            self._fresh.clear()
            self._written = self._end


class Link:
    """One end of a link: numbers what is sent, orders what is received."""

    def __init__(self, token: str, kept: Kept) -> None:
        self.token = token
        self.kept = kept
        self.sent = 0
        self.received = 0
        self.repeated = 0
        self._early: dict[int, Content] = {}

    def send(self, subject: str, content: bytes) -> bytes:
        """The payload of the next frame."""
        self.sent += 1
        self.kept.keep((subject, content))
        return framed(self.token, self.sent, self.received, content)

    def skip(self, number: int) -> None:
        """Go on after a number: the other end has the frames up to it already."""
        while self.sent < number:
            self.send("", b"")
        self.kept.forget(number)

    def aside(self, content: bytes) -> bytes:
        """The payload of a frame that has no number: it may be lost."""
        return framed(self.token, 0, self.received, content)

    def confirm(self, frame: Frame) -> None:
        """Take note of what the other end has received, as any frame from it says."""
        self.kept.forget(frame.got)

    def take(self, subject: str, frame: Frame) -> list[Content]:
        """The frames that can be handed on now that one more has come, in order."""
        if frame.number <= self.received or frame.number in self._early:
            self.repeated += 1
            return []
        if frame.number != self.received + 1:
            if len(self._early) < _EARLY:
                self._early[frame.number] = (subject, frame.content)
            return []
        ready = [(subject, frame.content)]
        while (following := self._early.pop(frame.number + len(ready), None)) is not None:
            ready.append(following)
        self.received += len(ready)
        return ready

    @property
    def gap(self) -> bool:
        """Whether a frame is missing before one that has come."""
        return bool(self._early)

    def again(self, number: int) -> Iterator[tuple[str, bytes]]:
        """Subject and payload of every frame after a number."""
        for index, (subject, content) in self.kept.after(number):
            yield subject, framed(self.token, index, self.received, content)

    def renew(self, token: str) -> None:
        """The other end is another process now, which has to be sent everything again."""
        self.token = token
        self._early.clear()
