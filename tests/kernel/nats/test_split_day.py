"""Built-in scenarios over a real server, each role in a process of its own: the same bytes, whatever dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from threading import Timer

import pytest

from gridbus.kernel import MINUTE, ComponentError, NatsBus, PeerError, Result, Scenario, run
from gridbus.kernel.errors import UsageError
from gridbus.kernel.journal import JOURNAL, read_journal
from gridbus.kernel.nats.ensemble import Ensemble
from gridbus.kernel.plugins import names
from gridbus.kernel.records import read_manifest, read_table, table_names

UNTIL = 65 * MINUTE
"""Long enough for the day-ahead market's first call, and for twelve real-time slots."""


@cache
def scenario(name: str = "feeder-day") -> Scenario:
    return Scenario.load(name).evolve(until=UNTIL)


@cache
def in_memory(name: str = "feeder-day") -> Result:
    return run(scenario(name), records=False)


def at(instant: int, act: Callable[[], None]) -> Callable[[int, int], None]:
    """Do something once, when the run has come to an instant."""
    done: list[int] = []

    def progress(now: int, _: int) -> None:
        if now >= instant and not done:
            done.append(now)
            act()

    return progress


@pytest.mark.parametrize("name", names("scenarios"))
@pytest.mark.parametrize("shards", [1, 4])
def test_a_run_over_processes_is_the_run_in_memory(name: str, shards: int, tmp_path: Path):
    split = run(scenario(name), tmp_path / "run", bus=NatsBus(shards=shards))

    whole = in_memory(name)
    assert split.digest == whole.digest
    assert split.statistics.rounds == whole.statistics.rounds
    assert split.statistics.instants == whole.statistics.instants
    assert split.statistics.bus.published_by_message == whole.statistics.bus.published_by_message
    assert split.statistics.components == whole.statistics.components
    assert split.statistics.bus.delivered == whole.statistics.bus.delivered
    assert read_manifest(tmp_path / "run")["state"] == "done"


@pytest.mark.parametrize("victim", ["mo.retail", "agents.homes.2of2", "server"])
def test_what_is_killed_comes_back_and_nothing_is_lost(victim: str):
    shown: list[Ensemble] = []
    killed: list[int] = []

    def kill() -> None:
        ensemble = shown[0]
        pid = ensemble.server.pid if victim == "server" else ensemble.processes[victim].pid
        killed.append(pid)
        os.kill(pid, signal.SIGKILL)

    when = Random(victim).randrange(5 * MINUTE, 60 * MINUTE)  # noqa: S311 - a place in the run
    result = run(scenario(), records=False, bus=NatsBus(shards=2, watch=shown.append), progress=at(when, kill))

    assert killed
    assert result.digest == in_memory().digest


def test_a_role_that_stays_away_ends_the_run_with_its_name_and_whole_records(tmp_path: Path):
    shown: list[Ensemble] = []

    def kill() -> None:
        shown[0].away.add("lse.green")
        shown[0].processes["lse.green"].kill()

    with pytest.raises(PeerError, match=r"lse\.green \(process \d+ on .*\) has been silent for 4 s"):
        run(
            scenario(),
            tmp_path / "run",
            bus=NatsBus(patience_s=4.0, watch=shown.append),
            progress=at(30 * MINUTE, kill),
        )

    manifest = read_manifest(tmp_path / "run")
    assert manifest["state"] == "failed"
    assert "lse.green" in manifest["error"]
    lines = list(read_journal(tmp_path / "run" / JOURNAL))
    rows = {name: read_table(tmp_path / "run", name).num_rows for name in table_names(tmp_path / "run")}
    assert sum(rows.values()) == len(lines) > 1000
    assert rows == {name: table["rows"] for name, table in manifest["tables"].items()}


def test_a_frozen_process_stops_time_and_is_named():
    shown: list[Ensemble] = []

    def freeze() -> None:
        os.kill(shown[0].processes["do.wires"].pid, signal.SIGSTOP)

    with pytest.raises(PeerError, match=r"do\.wires \(.*\) has been silent for 4 s: it is lost"):
        run(
            scenario(),
            records=False,
            bus=NatsBus(patience_s=4.0, watch=shown.append),
            progress=at(20 * MINUTE, freeze),
        )


def test_a_process_that_is_frozen_for_a_while_goes_on():
    shown: list[Ensemble] = []

    def freeze() -> None:
        pid = shown[0].processes["agents.homes"].pid
        os.kill(pid, signal.SIGSTOP)
        Timer(1.5, os.kill, (pid, signal.SIGCONT)).start()

    result = run(scenario(), records=False, bus=NatsBus(watch=shown.append), progress=at(20 * MINUTE, freeze))

    assert result.digest == in_memory().digest


def test_a_failure_in_another_process_is_the_runs_own(tmp_path: Path):
    text = Path(str(scenario_file())).read_text(encoding="utf-8")
    broken = tmp_path / "broken.toml"
    # Transformers that the DO does not know are found out by the DO itself, when homes enrol.
    broken.write_text(text.replace("count = 45", "count = 44"), encoding="utf-8")

    with pytest.raises(ComponentError) as in_one:
        run(broken, records=False)
    with pytest.raises(ComponentError) as apart:
        run(broken, records=False, bus=NatsBus())

    assert str(apart.value) == str(in_one.value)
    assert apart.value.address == "do.wires"


def scenario_file() -> Path:
    from importlib import resources

    return Path(str(resources.files("gridbus.agents.scenarios").joinpath("feeder-day.toml")))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"only": ["mo"]}, "joins a server that runs"),
        ({"shards": 0}, "number of shards"),
        ({"url": "nats://127.0.0.1:1", "shards": 2}, "is one shard"),
        ({"url": "nats://127.0.0.1:1", "shard": "2/4"}, "name it with --only"),
        ({"url": "nats://127.0.0.1:1", "only": ["mo"], "shard": "5/4"}, "a shard is written like 2/4"),
        ({"url": "nats://127.0.0.1:1", "only": ["mo"], "keep": ["mo"]}, "cannot run only some"),
        ({"patience_s": 0}, "above 0"),
        ({"run": "a.b"}, "name of a run"),
    ],
)
def test_a_bus_that_cannot_be_is_refused(wrong: dict[str, object], complaint: str):
    with pytest.raises(UsageError, match=complaint):
        NatsBus(**wrong)  # type: ignore[arg-type]


def test_a_member_that_is_none_is_refused_before_anything_is_joined():
    with pytest.raises(UsageError, match=r"no member is called 'mo\.retial'; did you mean mo\.retail"):
        run(scenario(), bus=NatsBus("nats://127.0.0.1:1", only=["mo.retial"]))


def test_what_cannot_be_split_is_refused():
    with pytest.raises(UsageError, match=r"mo\.retail cannot be split"):
        run(scenario(), bus=NatsBus("nats://127.0.0.1:1", only=["mo.retail"], shard="1/2"))
