"""Messages between processes: the lines of the journal, checked as anything that comes from outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ..codec import structured
from ..envelope import WiredEnvelope
from ..errors import DecodeError, Fault
from ..message import Declaration

_HEAD = {"at": int, "round": int, "sender": str, "sequence": int, "message": str, "body": dict}
_MORE = {"reply_to": str, "conversation": str, "revision": int, "valid_until": int}


class Lines:
    """Reads the lines of one message class."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.name = declaration.name

    def read(self, content: bytes) -> Iterator[WiredEnvelope[Any]]:
        """The messages of a frame, each still to be made when it is asked for.

        Raises:
            DecodeError: a line is not JSON, or not a message of this class with its envelope; carries every fault.
        """
        loads, name, cls, make = orjson.loads, self.name, self.declaration.cls, self.make
        for line in content.splitlines(keepends=True):
            try:
                raw = loads(line)
            except orjson.JSONDecodeError as error:
                raise DecodeError("line", [Fault("line", f"expected JSON ({error})")]) from None
            if not _is_head(raw, name) and (faults := _head_faults(raw, name)):
                raise DecodeError("line", faults)
            yield WiredEnvelope(line, raw, cls, make)

    def make(self, body: object) -> Any:
        """A message of the class.

        Raises:
            DecodeError: the body does not fit; carries every fault.
        """
        made, faults = structured(self.declaration.cls, body, self.name)
        if made is None:
            raise DecodeError(self.name, faults)
        return made


def _is_head(raw: Any, name: str) -> bool:
    """Whether a line is right at first sight, with nothing in it that need not be there."""
    try:
        return (
            len(raw) == len(_HEAD)
            and raw["message"] == name
            and type(raw["sender"]) is str
            and type(raw["sequence"]) is int
            and type(raw["at"]) is int
            and type(raw["round"]) is int
            and type(raw["body"]) is dict
        )
    except (KeyError, TypeError):
        return False


def _head_faults(raw: object, name: str) -> list[Fault]:
    if type(raw) is not dict:
        return [Fault("line", "expected an object")]
    faults = [Fault(k, f"expected {t.__name__}") for k, t in _HEAD.items() if type(raw.get(k)) is not t]
    faults += [Fault(k, f"expected {t.__name__}") for k, t in _MORE.items() if k in raw and type(raw[k]) is not t]
    faults += [Fault(k, "unknown") for k in sorted(raw.keys() - _HEAD.keys() - _MORE.keys())]
    if raw.get("message") != name:
        faults.append(Fault("message", f"expected {name}"))
    return faults


class Batch:
    """The lines of a round, by message class in order of first appearance, cut into pieces that a payload holds."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._pieces: dict[str, list[list[bytes]]] = {}
        self._sizes: dict[str, int] = {}

    def add(self, name: str, line: bytes) -> None:
        """Add the line of a message."""
        pieces = self._pieces.get(name)
        if pieces is None:
            pieces = self._pieces[name] = [[]]
            self._sizes[name] = 0
        size = self._sizes[name] + len(line)
        if size > self._largest and pieces[-1]:
            pieces.append([])
            size = len(line)
        pieces[-1].append(line)
        self._sizes[name] = size

    def take(self) -> Iterator[tuple[str, bytes]]:
        """Message name and content of each frame; the batch is empty then."""
        pieces, self._pieces = self._pieces, {}
        for name, contents in pieces.items():
            for lines in contents:
                yield name, b"".join(lines)

    def __bool__(self) -> bool:
        return bool(self._pieces)
