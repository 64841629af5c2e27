"""Fault drills in small: the same seed plans the same, a victim is killed once an instant, no run goes on for ever."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gridbus.bench.drills import SERVER, Drill, Killer, Reference, bounded, follower_names, main, span
from gridbus.kernel import HOUR, Scenario, UsageError

FOLLOWERS = ["agents.homes.1of2", "agents.homes.2of2", "do.wires", "lse.green", "lse.simple", "mo.retail"]


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2)]
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def test_a_seed_stands_for_one_plan_and_seeds_for_many() -> None:
    plans = [Drill.plan(seed, HOUR, FOLLOWERS) for seed in range(1, 101)]
    assert plans == [Drill.plan(seed, HOUR, FOLLOWERS) for seed in range(1, 101)]
    assert {plan.victim for plan in plans} == {*FOLLOWERS, SERVER}
    assert {len(plan.instants) for plan in plans} == {1, 2, 3}
    assert [plan.seed for plan in plans if plan.away] == list(range(10, 101, 10))
    for plan in plans:
        assert list(plan.instants) == sorted(plan.instants)
        assert 0 <= plan.instants[0] <= plan.instants[-1] < HOUR
        assert not plan.away or (len(plan.instants) == 1 and plan.victim != SERVER)


def test_the_followers_of_the_built_in_day_can_be_killed() -> None:
    assert follower_names(Scenario.load("feeder-day")) == FOLLOWERS


def test_a_victim_is_killed_at_each_of_its_instants_and_not_twice(sleepers: list[subprocess.Popen[bytes]]) -> None:
    first, second = sleepers
    ensemble: Any = SimpleNamespace(processes={"mo.retail": first}, away=set())
    killer = Killer(Drill(1, HOUR, "mo.retail", (10, 20), away=False))
    killer.see(ensemble)
    killer.tell(9, HOUR)
    assert killer.killed == 0
    killer.tell(10, HOUR)
    killer.tell(25, HOUR)
    assert (killer.killed, first.wait(), second.poll()) == (1, -signal.SIGKILL, None)
    ensemble.processes["mo.retail"] = second
    killer.tell(30, HOUR)
    killer.tell(40, HOUR)
    assert (killer.killed, second.wait(), ensemble.away) == (2, -signal.SIGKILL, set())


def test_who_stays_away_is_entered_as_such_before_it_is_killed(sleepers: list[subprocess.Popen[bytes]]) -> None:
    ensemble: Any = SimpleNamespace(processes={"mo.retail": sleepers[0]}, away=set())
    killer = Killer(Drill(10, HOUR, "mo.retail", (10,), away=True))
    killer.see(ensemble)
    killer.tell(11, HOUR)
    assert (killer.killed, ensemble.away) == (1, {"mo.retail"})


def test_a_run_that_takes_too_long_is_ended_and_wrong(tmp_path: Path) -> None:
    drill = Drill.plan(1, HOUR, FOLLOWERS)
    outcome = bounded(drill, Reference(tmp_path / "none", "", 0.0), tmp_path / "run", 0.2)
    assert outcome.complaint == "no end after 0.2 s"
    assert "WRONG" in outcome.line()
    assert (tmp_path / "run").is_dir()


@pytest.mark.parametrize("text", ["", "h", "-1h", "0h", "1", "6 min"])
def test_a_span_is_a_number_of_hours(text: str) -> None:
    assert span("1.5h") == HOUR * 3 // 2
    with pytest.raises(UsageError, match="expected a span such as 26h"):
        span(text)


@pytest.mark.skipif(os.name == "nt", reason="kills by signals")
def test_a_short_drill_ends_with_the_digest_of_the_run_in_memory(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("nats")
    assert main(["--runs", "1", "--seed", "1", "--until", "0.25h"]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("in memory: digest ")
    assert "same digest" in second
    assert last == "1 runs, 3 kills, 0 wrong"
