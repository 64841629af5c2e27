"""Messages between processes: the lines of the journal, checked as anything that comes from outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ..codec import checker, path_text
from ..envelope import Envelope
from ..errors import ComponentError, DecodeError, Fault, PeerError
from ..message import Declaration

Raw = dict[str, Any]
"""A line as plain data."""

_HEAD = {"at": int, "round": int, "sender": str, "sequence": int, "message": str, "body": dict}
_MORE = {"reply_to": str, "conversation": str, "revision": int, "valid_until": int}


class Lines:
    """Reads the lines of one message class."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.name = declaration.name
        cls: type = declaration.cls
        # Exact, since what is said in answer must not depend on which process the answer is made in.
        self._check = checker(cls, exact=True)

    def raws(self, content: bytes) -> list[Raw]:
        """The lines of a frame as plain data, their heads checked and their bodies not.

        Raises:
            DecodeError: one is not JSON, or not a line of this class; carries every fault.
        """
        *lines, rest = content.split(b"\n")
        try:
            # One by one: an object that runs over lines could say one thing here and another in the journal.
            raws = [orjson.loads(line) for line in (*lines, *([rest] if rest else []))]
        except orjson.JSONDecodeError as error:
            raise DecodeError("lines", [Fault("lines", f"expected JSON ({error})")]) from None
        name = self.name
        for number, raw in enumerate(raws):
            if not _is_head(raw, name) and (faults := _head_faults(raw, name, f"lines[{number}]")):
                raise DecodeError("lines", faults)
        if rest:
            raise DecodeError("lines", [Fault("lines", "expected a message on each line")])
        return raws

    def envelopes(self, content: bytes) -> Iterator[Envelope[Any]]:
        """The messages of a frame.

        Raises:
            DecodeError: a line is none of this class; carries every fault.
            PeerError: a body is none of this class; names the sender.
        """
        for raw in self.raws(content):
            try:
                message = self.made(raw["body"])
            except DecodeError as error:
                raise PeerError(f"{raw['sender']} published what is no {self.name}: {error}") from None
            envelope = Envelope(message, raw["sender"], raw["sequence"], raw["at"], raw["round"])
            if len(raw) > len(_HEAD):
                envelope.revision, envelope.valid_until = raw.get("revision", 1), raw.get("valid_until")
                if "reply_to" in raw:
                    envelope.reply_to, envelope.conversation = raw["reply_to"], raw.get("conversation", "")
            yield envelope

    def made(self, body: object) -> Any:
        """A message of the class from its encoded form.

        Raises:
            DecodeError: the body does not fit; carries every fault.
        """
        faults: list[Fault] = []
        path = (None, self.name)
        message = self._check(body, path, faults)
        if faults:
            raise DecodeError(path_text(path), faults)
        return message


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


def _head_faults(raw: object, name: str, path: str) -> list[Fault]:
    if type(raw) is not dict:
        return [Fault(path, "expected an object")]
    faults = [Fault(f"{path}.{k}", f"expected {t.__name__}") for k, t in _HEAD.items() if type(raw.get(k)) is not t]
    more = [(k, t) for k, t in _MORE.items() if k in raw]
    faults += [Fault(f"{path}.{k}", f"expected {t.__name__}") for k, t in more if type(raw[k]) is not t]
    faults += [Fault(f"{path}.{k}", "unknown") for k in sorted(raw.keys() - _HEAD.keys() - _MORE.keys())]
    if raw.get("message") != name:
        faults.append(Fault(f"{path}.message", f"expected {name}"))
    return faults


_SHARE = 1 << 20
"""Bytes of a frame: more lines than that go into several, so that others have their turn."""


def check_size(envelope: Envelope[Any], line: bytes, largest: int) -> None:
    """Check that a payload can hold the line of a message.

    Raises:
        ComponentError: it cannot; its sender is at fault.
    """
    if len(line) > largest:
        name = envelope.declaration.name
        text = f"its {name} of {len(line)} bytes is more than the {largest} that the network takes; send it in parts"
        raise ComponentError(envelope.sender, envelope.instant, None, text)


class Batch:
    """The lines of a round, by message class in order of first appearance, cut into pieces that a payload holds."""

    def __init__(self, largest: int) -> None:
        self._largest = min(largest, _SHARE)
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
