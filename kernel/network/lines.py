"""Messages between processes: the lines of the journal, checked as anything that comes from outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ..codec import structured
from ..envelope import Envelope, WiredEnvelope
from ..errors import DecodeError, Fault
from ..journal import journal_line
from ..message import Declaration, declaration_of

_HEAD = {"at": int, "round": int, "sender": str, "sequence": int, "message": str}
_MORE = {"reply_to": str, "conversation": str, "revision": int, "valid_until": int}


def envelope_of(line: bytes, declaration: Declaration) -> WiredEnvelope[Any]:
    """A message of a class, with its envelope, from its line.

    Raises:
        DecodeError: the line is not JSON or does not fit; carries every fault.
    """
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DecodeError("line", [Fault("line", f"expected JSON ({error})")]) from None
    faults = _head_faults(raw, declaration)
    if faults:
        raise DecodeError("line", faults)
    message, faults = structured(declaration.cls, raw["body"], declaration.name)
    if faults:
        raise DecodeError(declaration.name, faults)
    envelope: WiredEnvelope[Any] = WiredEnvelope(
        message,
        raw["sender"],
        raw["sequence"],
        raw["at"],
        raw["round"],
        raw.get("revision", 1),
        raw.get("valid_until"),
    )
    if "reply_to" in raw:
        envelope.reply_to, envelope.conversation = raw["reply_to"], raw.get("conversation", raw["reply_to"])
    envelope.line = line
    return envelope


def _head_faults(raw: object, declaration: Declaration) -> list[Fault]:
    if type(raw) is not dict:
        return [Fault("line", "expected an object")]
    faults = [Fault(k, f"expected {t.__name__}") for k, t in _HEAD.items() if type(raw.get(k)) is not t]
    if len(raw) > len(_HEAD) + 1:
        faults += [Fault(k, f"expected {t.__name__}") for k, t in _MORE.items() if k in raw and type(raw[k]) is not t]
    if "body" not in raw or raw.get("message") != declaration.name:
        faults.append(Fault("message", f"expected {declaration.name} with a body"))
    return faults


class Batch:
    """The lines of a round, by message class in order of first appearance, cut into pieces that a payload holds."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._pieces: dict[str, list[list[bytes]]] = {}
        self._sizes: dict[str, int] = {}

    def add(self, envelope: Envelope[Any]) -> bytes:
        """Add a message; returns its line."""
        line, name = journal_line(envelope), declaration_of(type(envelope.message)).name
        pieces = self._pieces.get(name)
        if pieces is None:
            pieces, self._sizes[name] = self._pieces.setdefault(name, [[]]), 0
        if self._sizes[name] + len(line) > self._largest and pieces[-1]:
            pieces.append([])
            self._sizes[name] = 0
        pieces[-1].append(line)
        self._sizes[name] += len(line)
        return line

    def take(self) -> Iterator[tuple[str, bytes]]:
        """Message name and content of each frame; the batch is empty then."""
        pieces, self._pieces = self._pieces, {}
        for name, contents in pieces.items():
            for lines in contents:
                yield name, b"".join(lines)

    def __bool__(self) -> bool:
        return bool(self._pieces)
