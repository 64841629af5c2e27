"""Fault drills: processes of a split run, or its server, are killed; the run ends all the same, or says who is gone.

Run ``python -m gridbus.bench.drills --runs 50``. Each run has a seed of its own, which says who is killed and when;
``--runs 1 --seed N`` does one of them again. In every run whose seed is a multiple of ten the victim stays away.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from ..kernel import HOUR, Duration, GridbusError, Instant, PeerError, Scenario, UsageError, run
from ..kernel.journal import JOURNAL, read_journal
from ..kernel.nats.bus import NatsBus
from ..kernel.network.followers import followers, kept_members
from ..kernel.records import read_manifest, read_table, table_names

if TYPE_CHECKING:
    from ..kernel.nats.ensemble import Ensemble

SCENARIO = "feeder-day"
SERVER = "server"
"""The victim that is the NATS server."""
_SHARDS = 2
_AWAY_EVERY = 10
_AWAY_PATIENCE_S = 3.0
_LEAVE_S = 5.0
_LATEST = 0.97
"""Share of the run in which somebody is killed: after the last instant nobody is there to do it."""


@attrs.frozen
class Drill:
    """What is done to one run."""

    seed: int
    until: Duration
    victim: str
    instants: tuple[Instant, ...]
    away: bool
    """Whether the victim is not started again: the run must fail then, and say why."""

    @classmethod
    def plan(cls, seed: int, until: Duration, names: Sequence[str]) -> Drill:
        """The drill that a seed stands for; ``names`` are the followers."""
        random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        away = seed % _AWAY_EVERY == 0
        victim = random.choice([*names] if away else [*names, SERVER])
        kills = 1 if away else random.randint(1, 3)
        instants = sorted(random.randrange(round(until * _LATEST)) for _ in range(kills))
        return cls(seed, until, victim, tuple(instants), away)


def follower_names(scenario: Scenario) -> list[str]:
    """The processes that can be killed."""
    return sorted(follower.name for follower in followers(scenario, kept_members(scenario, None), _SHARDS))


@attrs.frozen
class Reference:
    """The run in memory that the others are compared with."""

    folder: Path
    digest: str
    wall_s: float


@attrs.frozen
class Outcome:
    """How a drill went; ``complaint`` says what was wrong, and is empty where nothing was."""

    drill: Drill
    killed: int
    ended: str
    complaint: str
    wall_s: float

    def line(self) -> str:
        """The outcome as one line of text."""
        hours = " ".join(f"{instant / HOUR:.3f}" for instant in self.drill.instants)
        verdict = f"WRONG: {self.complaint}" if self.complaint else self.ended
        kills = f"{self.killed} of {len(self.drill.instants)} kills"
        return (
            f"seed {self.drill.seed:>4}  {self.drill.victim:<18} at {hours} h, {kills}: {verdict}, {self.wall_s:.1f} s"
        )


class Killer:
    """Kills the victim of a drill with SIGKILL, at its instants or as soon after as it is there again."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill
        self._ensemble: Ensemble | None = None
        self._killed: set[int] = set()

    @property
    def killed(self) -> int:
        """How often the victim was killed."""
        return len(self._killed)

    def see(self, ensemble: Ensemble) -> None:
        """Be shown the processes of the run."""
        self._ensemble = ensemble

    def tell(self, now: Instant, _: Duration) -> None:
        """Be told the present instant."""
        if self._ensemble is None or self.killed == len(self._drill.instants):
            return
        if now >= self._drill.instants[self.killed] and (pid := self._pid(self._ensemble)) not in self._killed:
            self._kill(self._ensemble, pid)

    def _pid(self, ensemble: Ensemble) -> int:
        return ensemble.server.pid if self._drill.victim == SERVER else ensemble.processes[self._drill.victim].pid

    def _kill(self, ensemble: Ensemble, pid: int) -> None:
        if self._drill.away:
            ensemble.away.add(self._drill.victim)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self._killed.add(pid)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drills; returns the exit code: 0 all went well, 1 one did not, 2 bad input."""
    options = _parser().parse_args(arguments)
    say = _quiet if options.json else _say
    try:
        scenario = Scenario.load(SCENARIO).evolve(until=span(options.until))
        with _folder(options.keep) as folder:
            reference = _in_memory(scenario, folder / "in-memory")
            say(f"in memory: digest {reference.digest}, {reference.wall_s:.1f} s")
            outcomes = list(_drills(scenario, reference, folder, options, say))
    except UsageError as error:
        sys.stderr.write(f"drills: {error}\n")
        return 2
    wrong = [outcome for outcome in outcomes if outcome.complaint]
    kills = sum(outcome.killed for outcome in outcomes)
    say(f"{len(outcomes)} runs, {kills} kills, {len(wrong)} wrong")
    if options.json:
        _say(orjson.dumps(list(map(_facts, outcomes)), option=orjson.OPT_INDENT_2).decode())
    return 1 if wrong else 0


def _drills(
    scenario: Scenario, reference: Reference, folder: Path, options: argparse.Namespace, say: Callable[[str], None]
) -> Iterator[Outcome]:
    names = follower_names(scenario)
    for seed in range(options.seed, options.seed + options.runs):
        drill = Drill.plan(seed, scenario.stop, names)
        outcome = bounded(drill, reference, folder / f"seed-{seed}", options.limit)
        say(outcome.line())
        yield outcome


def bounded(drill: Drill, reference: Reference, folder: Path, limit_s: float) -> Outcome:
    """Carry a drill out in a process of its own, which is ended where it takes too long.

    The folder holds the records and the log; it stays only if something was wrong.
    """
    folder.mkdir(parents=True)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_carried_out, args=(drill, reference, folder, there))
    begun = time.perf_counter()
    process.start()
    there.close()
    try:
        if here.poll(limit_s):
            outcome: Outcome = here.recv()
            process.join(_LEAVE_S)
        else:
            outcome = _lost(drill, f"no end after {limit_s:g} s", begun)
    except EOFError:
        outcome = _lost(drill, f"the process ended early, see {folder / 'log.txt'}", begun)
    finally:
        process.kill()
        process.join()
    if not outcome.complaint:
        shutil.rmtree(folder)
    return outcome


def _lost(drill: Drill, complaint: str, begun: float) -> Outcome:
    return Outcome(drill, 0, "", complaint, time.perf_counter() - begun)


def _carried_out(drill: Drill, reference: Reference, folder: Path, there: Connection) -> None:
    """In a process of its own: carry a drill out and send what came of it."""
    # What a run leaves behind when it is ended lies in the folder too.
    tempfile.tempdir = str(folder)
    logging.basicConfig(filename=folder / "log.txt", format="%(asctime)s %(name)s %(message)s", level=logging.INFO)
    begun = time.perf_counter()
    killer = Killer(drill)
    ended, complaint = _outcome(drill, reference, folder / "records", killer)
    if not complaint and not killer.killed:
        complaint = "nobody was killed"
    there.send(Outcome(drill, killer.killed, ended, complaint, time.perf_counter() - begun))


def _outcome(drill: Drill, reference: Reference, records: Path, killer: Killer) -> tuple[str, str]:
    """How a drill ended, and what was wrong with that."""
    bus = NatsBus(shards=_SHARDS, watch=killer.see, patience_s=_AWAY_PATIENCE_S if drill.away else 60.0)
    try:
        result = run(SCENARIO, records, until=drill.until, bus=bus, progress=killer.tell)
    except GridbusError as error:
        if not drill.away:
            return "", f"{type(error).__name__}: {error}"
        return f"failed as it should ({error})", _fault_of_failed(error, drill, reference, records)
    if drill.away:
        return "", f"the run ended without {drill.victim}"
    if result.digest != reference.digest:
        return "", f"digest {result.digest}; {_difference(records, reference)}"
    return "same digest", ""


def _fault_of_failed(error: GridbusError, drill: Drill, reference: Reference, records: Path) -> str:
    """What is wrong with how a run failed; empty where nothing is."""
    if not isinstance(error, PeerError) or drill.victim not in str(error):
        return f"expected a PeerError that names {drill.victim}, got {type(error).__name__}: {error}"
    manifest = read_manifest(records)
    if manifest["state"] != "failed" or drill.victim not in manifest["error"]:
        return f"the manifest says {manifest['state']}: {manifest.get('error')}"
    if difference := _difference(records, reference):
        return difference
    for name in table_names(records):
        table, whole = read_table(records, name), read_table(reference.folder, name)
        if table.num_rows != manifest["tables"][name]["rows"] or not table.equals(whole.slice(0, table.num_rows)):
            return f"the table {name} is not the first {table.num_rows} rows of the run in memory"
    lines = sum(1 for _ in read_journal(records / JOURNAL))
    rows = sum(table["rows"] for table in manifest["tables"].values())
    return "" if lines == rows else f"{lines} messages in the journal, {rows} in the tables"


def _difference(records: Path, reference: Reference) -> str:
    """Where a journal leaves the reference; empty where it is equal as far as it goes."""
    recorded = read_journal(records / JOURNAL)
    expected = read_journal(reference.folder / JOURNAL)
    for number, (line, other) in enumerate(zip_longest(recorded, expected), start=1):
        if line is None:
            return ""
        if line != other:
            return f"message {number} differs: {line[:200]!r} instead of {(other or b'')[:200]!r}"
    return ""


def _in_memory(scenario: Scenario, folder: Path) -> Reference:
    result = run(scenario, folder)
    return Reference(folder, result.digest, result.wall_s)


# Arguments and output


def span(text: str) -> Duration:
    """A span such as ``26h`` or ``1.5h``. [ns]

    Raises:
        UsageError: it is none.
    """
    with suppress(ValueError):
        if text.endswith("h") and (hours := float(text.removesuffix("h"))) > 0:
            return round(hours * HOUR)
    raise UsageError(f"expected a span such as 26h, got {text!r}")


@contextmanager
def _folder(keep: str | None) -> Iterator[Path]:
    if keep is not None:
        yield Path(keep)
        return
    with tempfile.TemporaryDirectory(prefix="gridbus-drills-") as folder:
        yield Path(folder)


def _facts(outcome: Outcome) -> dict[str, Any]:
    return {**attrs.asdict(outcome), "wall_s": round(outcome.wall_s, 3)}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _quiet(_: str) -> None:
    pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gridbus.bench.drills", description="Kill parts of split runs.")
    parser.add_argument("--runs", type=int, default=50, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the first run (default: %(default)s)")
    parser.add_argument("--until", default="26h", metavar="SPAN", help="length of each run (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=600.0, metavar="S", help="longest wall time of a run")
    parser.add_argument("--keep", metavar="DIR", help="keep the records and logs of runs that went wrong here")
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
