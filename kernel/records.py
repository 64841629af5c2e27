"""The records of a run: one Parquet table per message type, a journal, and a manifest that says what they are.

A table is a folder of parts. A part is written under a hidden name and renamed when it is complete, so that it is
either whole or not there. A digest covers the journal lines of a table, in order: two runs with equal digests
exchanged the same messages, byte for byte, whatever the version of the Parquet writer.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import attrs
import orjson

# Before HELICS is imported anywhere: a pyarrow that comes after it crashes on dates.
import pyarrow as pa
import pyarrow.parquet as pq

from .envelope import Envelope
from .errors import UsageError
from .instant import Calendar
from .journal import JOURNAL, JournalWriter, journal_line
from .message import declaration_of

MANIFEST = "manifest.json"
PART_ROWS = 50_000
"""Rows of a part; a table of a day of 200 homes has one to five parts."""
_FLUSH_AFTER = 20_000
_JOBS = 64
"""Jobs of writing that may be under way; a disk that is slower than the run holds the run back."""
_PACKAGES = ("gridbus", "anyio", "attrs", "helics", "numpy", "orjson", "pvlib", "pyarrow")


class _Aside:
    """Does the part of the writing that leaves the interpreter alone, in order, on a thread beside the run."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="records")
        self._jobs: deque[Future[None]] = deque()

    def do(self, job: Callable[..., None], *arguments: object) -> None:
        """Have something done; raises what an earlier job has raised, and waits when too many are under way."""
        while self._jobs and (self._jobs[0].done() or len(self._jobs) >= _JOBS):
            self._jobs.popleft().result()
        self._jobs.append(self._pool.submit(job, *arguments))

    def finish(self) -> None:
        """Wait for all jobs; raises what one of them has raised."""
        while self._jobs:
            self._jobs.popleft().result()

    def close(self) -> None:
        """End the thread, after what is under way."""
        self._pool.shutdown()


class _Table:
    def __init__(self, folder: Path, cls: type, calendar: Calendar, aside: _Aside) -> None:
        from .columns import Columns

        self.folder = folder
        self.aside = aside
        self.columns = Columns(cls, calendar)
        self.waiting: list[Envelope[Any]] = []
        self.bodies: list[dict[str, Any]] = []
        self.hash = sha256()
        self.rows = 0
        self.parts = 0

    def add(self, envelopes: list[Envelope[Any]], bodies: list[dict[str, Any]]) -> None:
        self.waiting += envelopes
        self.bodies += bodies
        while len(self.waiting) >= PART_ROWS:
            self.write(PART_ROWS)

    def close(self) -> None:
        if self.waiting:
            self.write(len(self.waiting))

    def write(self, rows: int) -> None:
        self.folder.mkdir(exist_ok=True)
        try:
            table = self.columns.table(self.waiting[:rows], self.bodies[:rows])
        except (pa.ArrowException, OverflowError, TypeError, KeyError, ValueError, ArithmeticError) as error:
            raise UsageError(f"the table {self.folder.name} cannot hold what was published: {error}") from error
        self.aside.do(_write_part, table, self.folder / f"part-{self.parts:05}.parquet")
        self.parts += 1
        self.rows += rows
        del self.waiting[:rows]
        del self.bodies[:rows]

    def digest(self, lines: list[bytes]) -> None:
        self.hash.update(b"".join(lines))


@attrs.frozen
class TableSummary:
    """What a manifest says of a table."""

    rows: int
    parts: int
    digest: str


class Recorder:
    """Writes the records of one run into a new folder; an observer of the kernel."""

    def __init__(self, folder: Path, calendar: Calendar, head: Mapping[str, object]) -> None:
        """Make the folder and its manifest.

        Raises:
            UsageError: the folder holds something already.
        """
        self.folder = new_folder(folder)
        self._calendar = calendar
        self._head = dict(head)
        self._journal = JournalWriter(self.folder / JOURNAL)
        self._aside = _Aside()
        self._tables: dict[type, _Table] = {}
        self._waiting: list[Envelope[Any]] = []
        self._write_manifest("running", {})

    def observe(self, outbox: list[Envelope[Any]]) -> None:
        """Take the messages of a round."""
        self._waiting += outbox
        if len(self._waiting) >= _FLUSH_AFTER:
            self._flush()

    def close(self, state: str, more: Mapping[str, object]) -> str:
        """Write what is left and the final manifest; returns the digest of the run."""
        try:
            self._flush()
            for table in self._tables.values():
                table.close()
            self._aside.finish()
        except Exception as error:
            self._write_manifest("failed", {**more, "error": f"records incomplete: {type(error).__name__}: {error}"})
            raise
        finally:
            self._aside.close()
            self._journal.close()
        digest = self.digest()
        self._write_manifest(state, {"digest": digest, "tables": self._summaries(), **more})
        return digest

    def digest(self) -> str:
        """The digest of all that was recorded: of the tables' names and digests."""
        return digest_of({name: str(summary["digest"]) for name, summary in self._summaries().items()})

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        by_class: dict[type, tuple[list[Envelope[Any]], list[dict[str, Any]], list[bytes]]] = {}
        lines = []
        for envelope in waiting:
            body = envelope.body
            line = journal_line(envelope, body)
            envelopes, bodies, texts = by_class.setdefault(envelope.declaration.cls, ([], [], []))
            envelopes.append(envelope)
            bodies.append(body)
            texts.append(line)
            lines.append(line)
        self._aside.do(self._journal.write, lines)
        for cls, (envelopes, bodies, texts) in by_class.items():
            table = self._table(cls)
            self._aside.do(table.digest, texts)
            table.add(envelopes, bodies)

    def _table(self, cls: type) -> _Table:
        table = self._tables.get(cls)
        if table is None:
            folder = self.folder / declaration_of(cls).name
            table = self._tables[cls] = _Table(folder, cls, self._calendar, self._aside)
        return table

    def _summaries(self) -> dict[str, dict[str, object]]:
        named = sorted((declaration_of(cls).name, table) for cls, table in self._tables.items())
        return {
            name: attrs.asdict(TableSummary(table.rows + len(table.waiting), table.parts, table.hash.hexdigest()))
            for name, table in named
        }

    def _write_manifest(self, state: str, more: Mapping[str, object]) -> None:
        content = {"state": state, **self._head, "versions": versions(), **more}
        hidden = self.folder / f".{MANIFEST}"
        hidden.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        _replace(hidden, self.folder / MANIFEST)


class DigestObserver:
    """Computes the digest of a run without writing anything."""

    def __init__(self) -> None:
        self._hashes: dict[type, Any] = {}

    def observe(self, outbox: list[Envelope[Any]]) -> None:
        """Take the messages of a round."""
        for envelope in outbox:
            cls = envelope.declaration.cls
            if cls not in self._hashes:
                self._hashes[cls] = sha256()
            self._hashes[cls].update(journal_line(envelope))

    def digest(self) -> str:
        """The digest that a recorder would give."""
        return digest_of({declaration_of(cls).name: made.hexdigest() for cls, made in self._hashes.items()})


def digest_of(digests: Mapping[str, str]) -> str:
    """One digest of the digests of all tables."""
    return sha256("".join(f"{name} {digest}\n" for name, digest in sorted(digests.items())).encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder.

    Raises:
        UsageError: the folder is not a run folder.
    """
    try:
        content = orjson.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{folder} is no run folder: it has no {MANIFEST}") from None
    except (OSError, orjson.JSONDecodeError) as error:
        raise UsageError(f"{folder / MANIFEST} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{folder / MANIFEST} is not a manifest")
    return content


def read_table(folder: Path, name: str) -> pa.Table:
    """A table of a run folder.

    Raises:
        UsageError: the run recorded no such messages; names those it did.
    """
    if not (folder / name).is_dir():
        there = ", ".join(table_names(folder)) or "no table at all"
        raise UsageError(f"{folder} has no table {name!r}; it has {there}")
    return pq.read_table(folder / name)


def table_names(folder: Path) -> list[str]:
    """The tables of a run folder."""
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []


def new_folder(folder: Path) -> Path:
    """Make a folder for a run.

    Raises:
        UsageError: it is there and not empty, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; name another folder, nothing recorded is overwritten")
    except OSError as error:
        raise UsageError(f"{folder} cannot be used for the records: {error.strerror}") from None
    return folder


def next_folder(parent: Path, name: str) -> Path:
    """The next free folder ``name-001``, ``name-002``, … under a parent."""
    taken = {entry.name for entry in parent.iterdir()} if parent.is_dir() else set()
    number = 1
    while f"{name}-{number:03}" in taken:
        number += 1
    return parent / f"{name}-{number:03}"


def versions(packages: Iterable[str] = _PACKAGES) -> dict[str, str]:
    """The installed versions of the packages that a result depends on."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _write_part(table: pa.Table, final: Path) -> None:
    hidden = final.with_name(f".{final.name}")
    pq.write_table(table, hidden, compression="zstd")
    _replace(hidden, final)


def _replace(hidden: Path, final: Path) -> None:
    """Give a finished file its name, after its content has reached the disk."""
    with hidden.open("rb") as file:
        os.fsync(file.fileno())
    hidden.replace(final)
