"""Scenarios: TOML to settings, with every fault reported at once, with file, line and key.

The head of the file says what the run is; each table ``[kind.name]`` is a member, structured by the plug-in of that
kind (or the one that its key ``use`` names).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs
import orjson

from .codec import encoder, salvaged, structured
from .errors import Fault, InputError, UsageError
from .helics.settings import HelicsSettings
from .instant import Calendar, Duration
from .message import is_token
from .plugins import Plugin, load, names, scenario_text, unknown
from .shape import evolved, field, value


@value
class Head:
    """The keys at the top of a scenario file."""

    name: str = field("name of the scenario; letters, digits, - and _")
    start: datetime = field("first instant, with its zone")
    stop: datetime = field("last instant, with its zone; included")
    description: str = field("what is studied", default="")
    zone: str = field("zone of the local clock, such as America/New_York", default="UTC")
    seed: int = field("source of all randomness", default=0, at_least=0)
    quarantine: tuple[str, ...] = field("address patterns of those that may fail without ending the run", default=())
    round_limit: int = field("rounds of one instant after which a run is taken as endless", default=10_000, at_least=1)

    def check(self) -> Iterable[tuple[str, str]]:
        """What one key cannot say of another."""
        if not is_token(self.name):
            yield "name", f"expected letters, digits, - and _, got {self.name!r}"
        if not _is_zone(self.zone):
            yield "zone", f"expected a zone such as America/New_York, got {self.zone!r}"
        if self.stop <= self.start:
            yield "stop", f"expected an instant after the start {self.start.isoformat()}, got {self.stop.isoformat()}"


@attrs.frozen
class Member:
    """A table of a scenario: a kind, a name and the settings."""

    kind: str
    name: str
    settings: Plugin
    use: str

    @property
    def address(self) -> str:
        """The heading of its table, ``kind.name``."""
        return f"{self.kind}.{self.name}"


@attrs.frozen
class Scenario:
    """What to run: from a file with ``load``, from text with ``parse``, or made by hand."""

    head: Head
    members: tuple[Member, ...]
    helics: HelicsSettings | None = None

    @classmethod
    def load(cls, path: str | Path) -> Scenario:
        """Read a scenario file, or the built-in scenario of that name.

        Raises:
            InputError: the file cannot be read or is wrong; carries every fault.
        """
        text, source = scenario_source(path)
        return cls.parse(text, source)

    @classmethod
    def parse(cls, text: str, source: str = "scenario") -> Scenario:
        """A scenario from TOML.

        Raises:
            InputError: the text is wrong; carries every fault.
        """
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InputError(source, [_syntax_fault(str(error))]) from None
        except RecursionError:
            raise InputError(source, [Fault("", "not a scenario: lists or tables nested too deep")]) from None
        return cls.from_data(data, source, text)

    @classmethod
    def from_data(cls, data: Mapping[str, Any], source: str = "scenario", text: str = "") -> Scenario:
        """A scenario from plain data, as in a manifest.

        Raises:
            InputError: the data are wrong; carries every fault.
        """
        faults: list[Fault] = []
        tables = {key: entry for key, entry in data.items() if isinstance(entry, dict)}
        head, found = structured(Head, {key: entry for key, entry in data.items() if key not in tables})
        faults += found
        helics = None
        if "helics" in tables:
            helics, found = structured(HelicsSettings, tables.pop("helics"), "helics")
            faults += found
        members = []
        for kind, table in tables.items():
            for name, entry in table.items():
                member, found = _member(kind, name, entry)
                faults += found
                if member is not None:
                    faults += _unmet_references(member, tables)
                    members.append(member)
        if faults or head is None:
            lines = _lines(text)
            located = [attrs.evolve(fault, line=_line_of(fault.path, lines)) for fault in faults]
            raise InputError(source, sorted(located, key=lambda fault: fault.line or 0))
        return cls(head, tuple(members), helics)

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.head.name

    @property
    def calendar(self) -> Calendar:
        """Relates instants of the run to dates."""
        return Calendar(self.head.start, ZoneInfo(self.head.zone))

    @property
    def stop(self) -> Duration:
        """Length of the run. [ns]"""
        return self.calendar.instant(self.head.stop)

    def data(self) -> dict[str, Any]:
        """The scenario as plain data with every default written out; ``from_data`` reads it back."""
        data = encoder(Head)(self.head)
        if self.helics is not None:
            data["helics"] = encoder(HelicsSettings)(self.helics)
        for member in self.members:
            settings = encoder(type(member.settings))(member.settings)
            data.setdefault(member.kind, {})[member.name] = {"use": member.use, **settings}
        plain: dict[str, Any] = orjson.loads(orjson.dumps(data))
        return plain

    def digest(self) -> str:
        """Identity of what is run, seed included."""
        return sha256(orjson.dumps(self.data(), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def evolve(self, *, seed: int | None = None, until: datetime | Duration | None = None) -> Scenario:
        """The scenario with another seed or an earlier stop.

        Raises:
            UsageError: the stop is not after the start, or a value is out of its bounds.
        """
        changes: dict[str, object] = {} if seed is None else {"seed": seed}
        if until is not None:
            try:
                stop = until if isinstance(until, datetime) else self.calendar.utc(until)
            except OverflowError:
                raise UsageError(f"the stop lies {until} ns after the start, which no calendar holds") from None
            if stop.tzinfo is not None and stop > self.head.stop:
                raise UsageError(f"until {stop.isoformat()} is after the scenario's stop {self.head.stop.isoformat()}")
            changes["stop"] = stop
        head, faults = structured(Head, encoder(Head)(evolved(self.head, **changes)))
        if head is None:
            raise UsageError("; ".join(map(str, faults)))
        return attrs.evolve(self, head=head)


def scenario_source(path: str | Path) -> tuple[str, str]:
    """The text of a scenario file or built-in scenario, and what to call it in messages.

    Raises:
        InputError: there is no such file or it is no text.
    """
    path = Path(path)
    source = str(path)
    try:
        if not path.exists() and path.name == source and not path.suffix:
            return scenario_text(source), f"{source}.toml"
        return path.read_text(encoding="utf-8"), source
    except UsageError as error:
        raise InputError(source, [Fault("", f"no such file, and {error}")]) from None
    except FileNotFoundError:
        raise InputError(source, [Fault("", "no such file")]) from None
    except IsADirectoryError:
        raise InputError(source, [Fault("", "is a directory; name a scenario file")]) from None
    except UnicodeDecodeError:
        raise InputError(source, [Fault("", "is not text in UTF-8; a scenario is a TOML file")]) from None
    except (OSError, ValueError) as error:
        raise InputError(source, [Fault("", f"cannot be read: {error}")]) from None


def _member(kind: str, name: str, entry: object) -> tuple[Member | None, list[Fault]]:
    path = f"{kind}.{name}"
    if not isinstance(entry, dict):
        return None, [Fault(path, f"expected a table [{kind}.NAME] of the plug-in {kind!r}, got the key {name!r}")]
    entry = dict(entry)
    use = entry.pop("use", kind)
    if use not in names("components"):
        where = f"{path}.use" if use != kind else path
        return None, [Fault(where, unknown("plug-in", str(use), names("components")))]
    if not (is_token(kind) and is_token(name)):
        return None, [Fault(path, f"expected a name of letters, digits, - and _, got {name!r}")]
    plugin = load("components", use)
    settings, faults = structured(plugin, entry, path)
    # With a fault the scenario is not run; what is good of the settings still says whom they refer to.
    return Member(kind, name, salvaged(plugin, entry) if settings is None else settings, use), faults


def _unmet_references(member: Member, tables: Mapping[str, Any]) -> list[Fault]:
    there = {f"{kind}.{name}" for kind, table in tables.items() for name in table}
    faults: list[Fault] = []
    references = getattr(member.settings, "references", None)
    with suppress(AttributeError):
        for key, address in references() if references is not None else ():
            if address not in there:
                where = f"{member.kind}.{member.name}.{key}"
                faults.append(Fault(where, f"expected a member of the scenario, got {address}"))
    return faults


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


# Where a key stands in the file. tomllib does not tell, so a scan of headers and keys does.

_HEADER = re.compile(r"\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}")
_KEY = re.compile(r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\")(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"))*)\s*=")
_TRIPLE = re.compile(r'"""|\'\'\'')


def _lines(text: str) -> dict[str, int]:
    """Key path to line number; a table in an array of tables carries its index."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table, in_text = "", False
    for number, line in enumerate(text.splitlines(), start=1):
        was_in_text, in_text = in_text, in_text ^ (len(_TRIPLE.findall(line)) % 2 == 1)
        if was_in_text:
            continue
        if header := _HEADER.match(line):
            table = _bare(header.group(1))
            if line.lstrip().startswith("[["):
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            name = _bare(key.group(1))
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


def _bare(key: str) -> str:
    """A dotted key as it stands in paths: no quotes, no blanks around dots."""
    return re.sub(r"\s*\.\s*", ".", key).replace('"', "").replace("'", "")


def _line_of(path: str, lines: Mapping[str, int]) -> int | None:
    """The line of a path, or of the nearest table around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return 1 if lines else None


def _syntax_fault(text: str) -> Fault:
    place = re.search(r"\(at line (\d+), column (\d+)\)", text)
    if place is None:
        return Fault("", f"not TOML: {text}")
    return Fault("", f"not TOML: {text[: place.start()].strip()} at column {place.group(2)}", int(place.group(1)))
