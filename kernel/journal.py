"""The journal: every message of a run in order, one JSON line each, in frames of zstd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import orjson
import pyarrow as pa

from .envelope import Envelope, WiredEnvelope
from .errors import ComponentError, GridbusError
from .instant import SECOND

JOURNAL = "journal.jsonl.zst"


def journal_line(envelope: Envelope[Any], body: dict[str, Any] | None = None) -> bytes:
    """A message and its envelope as one line; what digests and comparisons of runs are made of.

    Whoever has the encoded message already may give it.
    """
    if isinstance(envelope, WiredEnvelope):
        return envelope.line
    line = {
        "at": envelope.instant,
        "round": envelope.round,
        "sender": envelope.sender,
        "sequence": envelope.sequence,
        "message": envelope.declaration.name,
        "body": envelope.body if body is None else body,
    }
    if envelope.reply_to is not None:
        line["reply_to"], line["conversation"] = envelope.reply_to, envelope.conversation
    if envelope.revision != 1:
        line["revision"] = envelope.revision
    if envelope.valid_until is not None:
        line["valid_until"] = envelope.valid_until
    try:
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError as error:
        raise ComponentError(envelope.sender, envelope.instant, envelope, f"it cannot be written: {error}") from error


class JournalWriter:
    """Appends lines to a journal; what was written is on its way to the disk when ``write`` returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._codec = pa.Codec("zstd")

    def write(self, lines: list[bytes]) -> None:
        """Append lines as one frame."""
        self._file.write(self._codec.compress(b"".join(lines), asbytes=True))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> Iterator[bytes]:
    """The lines of a journal; a last frame that was cut off is left out."""
    rest = b""
    for block in _blocks(path):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line + b"\n"


def _blocks(path: Path) -> Iterator[bytes]:
    """The text of a journal, block by block.

    A block that runs into a cut fails as a whole, so what is before the cut is read again in smaller ones.
    """
    position, size = 0, 1 << 20
    while size > 0:
        with pa.input_stream(str(path), compression="zstd") as stream:
            try:
                for _ in range(position >> 20):
                    stream.read(1 << 20)
                stream.read(position % (1 << 20))
                while block := stream.read(size):
                    position += len(block)
                    yield block
            except OSError:
                size >>= 4
            else:
                return


@attrs.frozen
class Difference:
    """The first message in which two runs differ."""

    number: int
    recorded: dict[str, Any] | None
    replayed: dict[str, Any] | None

    def lines(self) -> list[str]:
        """The difference for people: where it is and the fields that differ."""
        if self.recorded is None or self.replayed is None:
            which, line = ("replay", self.replayed) if self.recorded is None else ("record", self.recorded)
            return [f"message {self.number}: only in the {which}: {_headline(line or {})}"]
        lines = [f"message {self.number}: recorded {_headline(self.recorded)}"]
        if _headline(self.recorded) != _headline(self.replayed):
            lines.append(f"message {self.number}: replayed {_headline(self.replayed)}")
        recorded, replayed = _flat(self.recorded), _flat(self.replayed)
        differing = [p for p in sorted(recorded.keys() | replayed.keys()) if recorded.get(p) != replayed.get(p)]
        return lines + [f"  {p}: recorded {recorded.get(p)!r}, replayed {replayed.get(p)!r}" for p in differing]


class DifferenceFound(GridbusError):
    """Two runs differ."""

    def __init__(self, difference: Difference) -> None:
        self.difference = difference
        super().__init__("\n".join(difference.lines()))


class JournalEnded(GridbusError):
    """The journal of a run that was cut short has been compared to its end."""


class Comparison:
    """Compares a run with a journal, message by message; an observer of the kernel.

    ``complete`` says that the recorded run came to its end, and that more messages are a difference.
    """

    def __init__(self, recorded: Iterator[bytes], *, complete: bool = True) -> None:
        self._recorded = recorded
        self._complete = complete
        self.compared = 0

    def observe(self, outbox: list[Envelope[Any]]) -> None:
        """Compare the messages of a round.

        Raises:
            DifferenceFound: at the first message that differs.
            JournalEnded: the journal is not complete, and equal up to its end.
        """
        for envelope in outbox:
            self._compare(journal_line(envelope))

    def finish(self) -> None:
        """Say that the run is over.

        Raises:
            DifferenceFound: the journal has more messages.
        """
        if (line := next(self._recorded, None)) is not None:
            raise DifferenceFound(Difference(self.compared + 1, orjson.loads(line), None))

    def _compare(self, line: bytes) -> None:
        recorded = next(self._recorded, None)
        if recorded is None and not self._complete:
            raise JournalEnded(f"the same {self.compared} messages, to the end of the journal")
        self.compared += 1
        if recorded != line:
            there = None if recorded is None else orjson.loads(recorded)
            raise DifferenceFound(Difference(self.compared, there, orjson.loads(line)))


def _headline(line: dict[str, Any]) -> str:
    return f"{line.get('message')} {line.get('sender')}#{line.get('sequence')} at {line.get('at', 0) / SECOND:.3f} s"


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        pairs = [(f"{path}.{key}" if path else str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{index}]", inner) for index, inner in enumerate(value)]
    else:
        return {path: value}
    return {key: leaf for name, inner in pairs for key, leaf in _flat(inner, name).items()}
