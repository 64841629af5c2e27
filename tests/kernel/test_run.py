"""Running a scenario: records, digest, interruption, replay."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import orjson
import pandas as pd
import pytest

from gridbus.kernel import (
    HOUR,
    SECOND,
    ComponentError,
    InputError,
    Instant,
    Interrupted,
    Port,
    Result,
    Scenario,
    Setting,
    UsageError,
    compose,
    field,
    message,
    replay,
    run,
    run_async,
    value,
)
from gridbus.kernel.journal import DifferenceFound, JournalWriter, read_journal
from gridbus.kernel.records import read_manifest
from gridbus.kernel.run import unwrapped


@message(topic="drawn.{name}", senders=["drawer.{name}"], receivers=["*.*"])
class Drawn:
    """A random number, drawn at an instant."""

    name: str = field("drawer")
    at: Instant = field("when")
    number: float = field("what")


hooks: list[Callable[[Port], None]] = []
"""What each drawer calls before it draws; emptied after each test."""


@value
class Drawer:
    """Draws numbers."""

    period_s: float = field("period", unit="s", default=600.0, above=0)
    breaks_after: int = field("draws until it raises; 0: never", default=0)

    def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Any]]:
        async def main(port: Port) -> None:
            count = 0
            while True:
                for hook in hooks:
                    hook(port)
                port.publish(Drawn(port.name, port.now, port.random.random()))
                count += 1
                if count == self.breaks_after:
                    raise ValueError("no more numbers")
                await port.sleep_until(port.now + round(self.period_s * SECOND))

        yield f"drawer.{name}", main


TEXT = """name = "lottery"
start = 2025-01-01T00:00:00Z
stop = 2025-01-01T02:00:00Z
seed = 1

[drawer.a]
[drawer.b]
period_s = 1200
"""
DRAWS = 13 + 7


@pytest.fixture(autouse=True)
def _plugins(installed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterable[None]:
    installed.add("components", drawer=Drawer)
    monkeypatch.chdir(tmp_path)
    yield
    hooks.clear()


def lottery(more: str = "") -> Scenario:
    return Scenario.parse(TEXT + more)


def test_a_run_gives_its_tables_digest_and_counts(tmp_path: Path):
    result = run(lottery(), tmp_path / "out")

    table = result.table("drawn").to_pandas()
    assert result.path == tmp_path / "out"
    assert result.tables() == ["drawn"]
    assert result.messages == len(table) == DRAWS
    assert table["at"].max() == pd.Timestamp("2025-01-01T02:00:00Z")
    assert result.statistics.components == 2
    manifest = read_manifest(tmp_path / "out")
    assert (manifest["state"], manifest["error"], manifest["until_ns"]) == ("done", "", 2 * HOUR)
    assert manifest["digest"] == result.digest
    assert manifest["scenario_digest"] == lottery().digest()


def test_a_scenario_and_a_seed_give_the_same_digest_with_or_without_records(tmp_path: Path):
    digest = run(lottery(), tmp_path / "one").digest

    assert run(lottery(), tmp_path / "two").digest == digest
    assert run(lottery(), records=False).digest == digest
    assert run(lottery(), records=False, speed=1e9).digest == digest
    assert run(lottery(), records=False, seed=1).digest == digest
    assert run(lottery(), records=False, seed=2).digest != digest
    assert run(lottery(), records=False, until=HOUR).digest != digest


async def test_a_run_in_the_callers_loop_is_the_same(tmp_path: Path):
    result = await run_async(lottery(), tmp_path / "out")

    assert result.digest == (await run_async(lottery(), records=False)).digest
    assert result.table("drawn").num_rows == DRAWS


@pytest.mark.parametrize("until", [HOUR, datetime(2025, 1, 1, 1, tzinfo=UTC)])
def test_until_ends_a_run_earlier(tmp_path: Path, until: Any):
    result = run(lottery(), tmp_path / "out", until=until)

    assert result.messages == 7 + 4
    assert read_manifest(tmp_path / "out")["scenario"]["stop"] == "2025-01-01T01:00:00+00:00"


def test_records_go_to_the_next_free_folder(tmp_path: Path):
    paths = [run(lottery(), until=HOUR).path for _ in range(2)]

    assert paths == [Path("runs/lottery-001"), Path("runs/lottery-002")]
    assert (tmp_path / "runs" / "lottery-002" / "manifest.json").is_file()


def test_a_run_without_records_says_so():
    result = run(lottery(), records=False)

    assert result.path is None
    with pytest.raises(UsageError, match="kept no records"):
        result.table("drawn")
    assert not Path("runs").exists()


def test_a_scenario_may_be_a_file(tmp_path: Path):
    (tmp_path / "lottery.toml").write_text(TEXT)

    assert run(tmp_path / "lottery.toml", records=False).digest == run(lottery(), records=False).digest
    with pytest.raises(InputError, match="no such file"):
        run(tmp_path / "missing.toml")


def test_progress_is_told_each_instant():
    told: list[tuple[int, int]] = []
    result = run(lottery(), records=False, progress=lambda now, stop: told.append((now, stop)))

    assert told == [(n * 600 * SECOND, 2 * HOUR) for n in range(1, 13)]
    assert result.statistics.instants == len(told)


def test_two_members_cannot_claim_one_address(installed: Any):
    @value
    class Claimant:
        def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Any]]:
            async def main(_: Port) -> None:
                pass

            yield "drawer.a", main

    installed.add("components", claimant=Claimant)
    with pytest.raises(UsageError, match=r"the address drawer\.a is taken twice"):
        compose(lottery("[claimant.c]\n"))


# Failure


def test_a_failed_run_has_its_records_up_to_the_failure(tmp_path: Path):
    with pytest.raises(ComponentError, match=r"drawer\.c failed .*: ValueError: no more numbers") as caught:
        run(lottery("[drawer.c]\nbreaks_after = 3\n"), tmp_path / "out")

    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.__cause__.__traceback__ is not None
    manifest = read_manifest(tmp_path / "out")
    assert (manifest["state"], manifest["until_ns"]) == ("failed", 1200 * SECOND)
    assert manifest["error"] == str(caught.value)
    drawn = pd.read_parquet(tmp_path / "out" / "drawn")
    assert drawn.groupby("name").size().to_dict() == {"a": 2, "b": 1, "c": 2}


def test_a_quarantined_component_is_in_the_records(tmp_path: Path):
    text = TEXT.replace("[", 'quarantine = ["drawer.*"]\n[', 1) + "[drawer.c]\nbreaks_after = 3\n"
    result = run(Scenario.parse(text), tmp_path / "out")

    assert result.tables() == ["drawn", "quarantined"]
    assert result.table("quarantined").to_pylist()[0]["name"] == "c"
    assert result.messages == DRAWS + 3 + 1


def test_a_folder_in_use_is_refused_before_the_run(tmp_path: Path):
    (tmp_path / "file").touch()
    hooks.append(lambda _: pytest.fail("the run has begun"))
    with pytest.raises(UsageError, match="is not empty"):
        run(lottery(), tmp_path)


# Interruption


async def test_a_cancelled_run_leaves_whole_records(tmp_path: Path):
    async with anyio.create_task_group() as group:

        def stop_at(now: Instant, _: Instant) -> None:
            if now >= HOUR:
                group.cancel_scope.cancel()

        await run_async(lottery(), tmp_path / "out", progress=stop_at)

    manifest = read_manifest(tmp_path / "out")
    assert (manifest["state"], manifest["until_ns"]) == ("interrupted", HOUR)
    drawn = pd.read_parquet(tmp_path / "out" / "drawn")
    assert drawn["at"].max() == pd.Timestamp("2025-01-01T01:00:00Z")
    assert len(list(read_journal(tmp_path / "out" / "journal.jsonl.zst"))) == len(drawn) == 7 + 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_a_run(tmp_path: Path, number: signal.Signals):
    def interrupt(port: Port) -> None:
        if port.now == HOUR:
            os.kill(os.getpid(), number)

    hooks.append(interrupt)
    with pytest.raises(Interrupted) as caught:
        run(
            Scenario.parse(TEXT.replace("stop = 2025-01-01T02:00:00Z", "stop = 2025-03-01T00:00:00Z")), tmp_path / "out"
        )

    assert caught.value.path == tmp_path / "out"
    assert read_manifest(tmp_path / "out")["state"] == "interrupted"
    drawn = pd.read_parquet(tmp_path / "out" / "drawn")
    assert drawn["at"].max() >= pd.Timestamp("2025-01-01T01:00:00Z")
    assert read_manifest(tmp_path / "out")["tables"]["drawn"]["rows"] == len(drawn)


PROGRAM = """
import asyncio, sys
from gridbus.kernel import Setting, field, message, plugins, value
from gridbus.kernel.cli import main

@message(topic="count.{name}", senders=["counter.{name}"], receivers=["*.*"])
class Count:
    name: str = field("who")
    number: int = field("how many")

@value
class Counter:
    def components(self, name, setting):
        async def counting(port):
            for number in range(1000):
                port.publish(Count(port.name, number))
                await port.sleep_until(port.now + 1)
            print("counted", flush=True)
            await asyncio.get_running_loop().create_future()
        yield f"counter.{name}", counting

class Entry:
    name = "counter"
    def load(self):
        return Counter

plugins.entry_points = lambda group: [Entry()] if group == "gridbus.components" else []
sys.exit(main(["run", sys.argv[1], "--out", sys.argv[2]]))
"""


def test_ctrl_c_at_the_command_line_leaves_whole_records_and_exit_code_130(tmp_path: Path):
    (tmp_path / "count.toml").write_text(TEXT.split("[")[0] + "[counter.a]\n")
    command = [sys.executable, "-c", PROGRAM, "count.toml", "out"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "counted\n"
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate(timeout=20)
        finally:
            process.kill()

    assert process.returncode == 130
    assert complaint == "gridbus: interrupted; records so far are in out\n"
    manifest = read_manifest(tmp_path / "out")
    assert (manifest["state"], manifest["tables"]["count"]["rows"]) == ("interrupted", 1000)
    assert pd.read_parquet(tmp_path / "out" / "count")["number"].tolist() == list(range(1000))


# Replay


def recorded(tmp_path: Path, **options: Any) -> Result:
    return run(lottery(), tmp_path / "out", **options)


def test_a_replay_is_identical(tmp_path: Path):
    recorded(tmp_path, seed=5, until=HOUR)

    assert anyio.run(replay, tmp_path / "out") == 7 + 4


def change_journal(path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    lines = [orjson.loads(line) for line in read_journal(path)]
    writer = JournalWriter(path)
    writer.write([orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in change(lines)])
    writer.close()


def test_a_replay_shows_the_first_difference_with_its_fields(tmp_path: Path):
    recorded(tmp_path)

    def change(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        lines[4]["body"]["number"] = 0.5
        lines[6]["body"]["number"] = 0.25
        return lines

    change_journal(tmp_path / "out" / "journal.jsonl.zst", change)
    with pytest.raises(DifferenceFound) as caught:
        anyio.run(replay, tmp_path / "out")

    headline, difference = str(caught.value).splitlines()
    assert headline.startswith("message 5: recorded drawn drawer.")
    assert difference.startswith("  body.number: recorded 0.5, replayed 0.")


def test_a_replay_of_a_run_that_changed_its_mind_is_different(tmp_path: Path):
    recorded(tmp_path)
    hooks.append(lambda port: port.random.random() if port.now == HOUR else None)  # type: ignore[arg-type,return-value]
    with pytest.raises(DifferenceFound, match=r"drawn drawer\.a#7 at 3600\.000 s\n  body\.number"):
        anyio.run(replay, tmp_path / "out")


def test_a_shorter_journal_is_a_difference(tmp_path: Path):
    recorded(tmp_path)
    change_journal(tmp_path / "out" / "journal.jsonl.zst", lambda lines: lines[:-1])
    with pytest.raises(DifferenceFound, match=f"message {DRAWS}: only in the replay"):
        anyio.run(replay, tmp_path / "out")


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda out: (out / "manifest.json").unlink(), "is no run folder"),
        (lambda out: (out / "journal.jsonl.zst").unlink(), "has no journal"),
        (lambda out: (out / "manifest.json").write_text("{}"), "names no scenario"),
        (
            lambda out: (out / "manifest.json").write_text('{"scenario": {}}'),
            "missing, and it has no default",
        ),
        (lambda out: (out / "manifest.json").write_text('{"scenario": 3}'), "names no scenario"),
    ],
)
def test_what_is_no_run_cannot_be_replayed(tmp_path: Path, spoil: Callable[[Path], None], text: str):
    recorded(tmp_path)
    spoil(tmp_path / "out")
    with pytest.raises(UsageError, match=text):
        anyio.run(replay, tmp_path / "out")


def test_a_group_of_errors_is_the_first_that_is_ours():
    error, ours = ValueError("one"), UsageError("ours")

    assert unwrapped(ExceptionGroup("", [ExceptionGroup("", [error])])) is error
    assert unwrapped(ExceptionGroup("", [ExceptionGroup("", [error, KeyError()])])) is error
    assert unwrapped(ExceptionGroup("", [error, ExceptionGroup("", [ours])])) is ours
