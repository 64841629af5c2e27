"""The command line: exit codes, what is printed where, and never a traceback for bad input."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest

from gridbus.kernel import Port, Setting, UsageError, cli, field, message, value
from gridbus.kernel.cli import main
from gridbus.kernel.records import read_manifest


@message(topic="word.{name}", senders=["speaker.{name}"], receivers=["*.*"], mirrors="a standard")
class Word:
    """A word."""

    name: str = field("speaker")
    volume: float = field("loudness", unit="dB", default=0.0)


@value
class Speaker:
    """Says a word a minute."""

    raises: bool = field("whether it raises at the end", default=False)

    def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Any]]:
        async def speaking(port: Port) -> None:
            while port.now < port.stop:
                port.publish(Word(port.name))
                await port.sleep_until(port.now + 60_000_000_000)
            if self.raises:
                raise ValueError("out of words")

        yield f"speaker.{name}", speaking


TEXT = """name = "talk"
description = "a [bold] talk :house: [/]"
start = 2025-01-01T00:00:00Z
stop = 2025-01-01T01:00:00Z

[speaker.a]
"""


@pytest.fixture(autouse=True)
def _here(installed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package_of_talks"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "talk.toml").write_text(TEXT)
    monkeypatch.syspath_prepend(tmp_path)
    import package_of_talks  # type: ignore[import-not-found]

    module = ModuleType("words")
    module.Word = Word  # type: ignore[attr-defined]
    installed.add("components", speaker=Speaker)
    installed.add("messages", words=module)
    installed.add("scenarios", talk=package_of_talks)
    installed.add("summaries", words=lambda result: [("words", str(result.table("word").num_rows))])
    installed.add("benchmarks", call=lambda: [{"name": "call", "value": 1234.5, "unit": "calls/s"}])
    (tmp_path / "talk.toml").write_text(TEXT)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "binary.toml").write_bytes(b"\x00\xff\x01")
    (tmp_path / "faulty.toml").write_text(TEXT.replace("01:00:00Z", "00:00:00Z") + "lous = 1\n[speker.b]\n")
    (tmp_path / "raises.toml").write_text(TEXT + "raises = true\n")
    monkeypatch.chdir(tmp_path)


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_run_prints_a_summary_and_keeps_records(capsys: pytest.CaptureFixture[str]):
    code, out, err = called(capsys, "run", "talk.toml", "--out", "out")

    assert (code, err) == (0, "")
    assert "a [bold] talk :house: [/]" in out
    assert "60 in 61 rounds of 60 instants" in out
    assert any({"words", "60"} <= set(line.split()) for line in out.splitlines())
    assert read_manifest(Path("out"))["state"] == "done"


def test_run_prints_one_json_object(capsys: pytest.CaptureFixture[str]):
    code, out, err = called(capsys, "run", "talk.toml", "--json", "--out", "out", "--until", "30min")

    facts = orjson.loads(out)
    assert (code, err) == (0, "")
    assert facts.keys() == {"scenario", "digest", "path", "wall_s", "messages", "instants", "rounds"}
    assert (facts["scenario"], facts["messages"], facts["path"]) == ("talk", 30, "out")
    assert facts["digest"] == read_manifest(Path("out"))["digest"]
    assert facts["wall_s"] >= 0


def test_run_without_records_and_with_a_built_in_scenario(capsys: pytest.CaptureFixture[str]):
    Path("talk.toml").unlink()
    code, out, _ = called(capsys, "run", "talk", "--json", "--no-records", "--seed", "4", "--speed", "1e9")

    assert code == 0
    assert orjson.loads(out)["path"] is None


@pytest.mark.parametrize(
    ("until", "messages"),
    [("0.5h", 30), ("90s", 2), ("1min", 1), ("2025-01-01T00:10:00Z", 10), ("2025-01-01T00:10:00", 10)],
)
def test_until_is_a_span_or_a_date(capsys: pytest.CaptureFixture[str], until: str, messages: int):
    _, out, _ = called(capsys, "run", "talk.toml", "--json", "--no-records", "--until", until)

    assert orjson.loads(out)["messages"] == messages


BAD_INPUT = [
    (["run", "missing.toml"], "gridbus: missing.toml: no such file"),
    (["run", "missing"], "gridbus: missing: no such file, and no scenario is called 'missing'"),
    (["run"], "gridbus: feeder-day: no such file"),
    (["run", "empty"], "gridbus: empty: is a directory"),
    (["run", "binary.toml"], "gridbus: binary.toml: is not text"),
    (["run", "talk.toml", "--out", "full"], "gridbus: full is not empty"),
    (["run", "talk.toml", "--out", "talk.toml"], "gridbus: talk.toml cannot be used"),
    (["run", "talk.toml", "--seed", "-1"], "gridbus: seed: expected a number of at least 0"),
    (["run", "talk.toml", "--speed", "0"], "gridbus: a wall clock needs a speed above 0"),
    (["run", "talk.toml", "--speed", "nan"], "gridbus: a wall clock needs a speed above 0"),
    (["run", "talk.toml", "--until", "soon"], "gridbus: --until: expected a date or a span such as 6h"),
    (["run", "talk.toml", "--until", "\u00b2h"], "gridbus: --until: expected a date or a span"),
    (["run", "talk.toml", "--until=-1h"], "gridbus: --until: expected a date or a span"),
    (["run", "talk.toml", "--until", "0h"], "gridbus: stop: expected an instant after the start"),
    (["run", "talk.toml", "--until", f"{'9' * 19}h"], "which no calendar holds"),
    (["run", "talk.toml", "--until", f"{'9' * 400}h"], "gridbus: --until: expected a date or a span"),
    (["check", "missing.toml"], "gridbus: missing.toml: no such file"),
    (["check", "faulty.toml"], "gridbus: faulty.toml:4: stop: expected an instant after the start"),
    (["init", "tolk"], "gridbus: no scenario is called 'tolk'; did you mean talk?"),
    (["init", "talk"], "gridbus: talk.toml cannot be written: File exists"),
    (["init", "talk", "--to", "nowhere/x.toml"], "gridbus: nowhere/x.toml cannot be written"),
    (["replay", "missing"], "gridbus: missing is no run folder"),
    (["replay", "talk.toml"], "gridbus: talk.toml"),
    (["replay", "full"], "gridbus: full is no run folder"),
]


@pytest.mark.parametrize(("arguments", "complaint"), BAD_INPUT)
def test_bad_input_has_exit_code_2_and_a_complaint(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
):
    code, out, err = called(capsys, *arguments)

    assert (code, out) == (2, "")
    assert complaint in err
    assert "Traceback" not in err
    assert not Path("runs").exists()


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run", "talk.toml", "--seed", "x"], ["bench", "nothing"]])
def test_a_command_that_is_none_has_exit_code_2(capsys: pytest.CaptureFixture[str], arguments: list[str]):
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "usage: gridbus" in capsys.readouterr().err


def test_check_tells_every_fault_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]):
    _, _, err = called(capsys, "check", "faulty.toml")

    assert [line.split(": ")[1] for line in err.splitlines()] == [
        "faulty.toml:4",
        "faulty.toml:7",
        "faulty.toml:8",
    ]


def test_check_of_a_good_scenario(capsys: pytest.CaptureFixture[str]):
    code, out, _ = called(capsys, "check", "talk.toml")

    assert (code, out) == (0, "talk.toml: good; 1 members, 1 h from 2025-01-01 00:00:00+00:00\n")


def test_a_failed_run_has_exit_code_1(capsys: pytest.CaptureFixture[str]):
    code, out, err = called(capsys, "run", "raises.toml", "--out", "out")

    assert (code, out) == (1, "")
    assert err.startswith("gridbus: speaker.a failed at 2025-01-01T01:00:00+00:00: ValueError: out of words")
    assert read_manifest(Path("out"))["state"] == "failed"


def test_a_complaint_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]):
    """Neither brackets nor line 100, which rich would show as an emoji, are decorated."""
    Path("[red]x[bold].toml").write_text(TEXT + "\n" * 93 + "[speaker.b]\nlous = 1\n")
    _, _, err = called(capsys, "check", "[red]x[bold].toml")

    assert err == "gridbus: [red]x[bold].toml:101: speaker.b.lous: unknown; known are raises\n"
    Path("x.toml").write_text(TEXT + "\n" * 92 + "[speaker.b]\nlous = 1\n")
    _, _, err = called(capsys, "check", "x.toml")
    assert err.startswith("gridbus: x.toml:100: speaker.b.lous")


def test_init_writes_a_built_in_scenario(capsys: pytest.CaptureFixture[str]):
    code, out, _ = called(capsys, "init", "talk", "--to", "mine.toml")

    assert (code, Path("mine.toml").read_text()) == (0, TEXT)
    assert "gridbus run mine.toml" in out


def test_scenarios_lists_the_built_in_ones(capsys: pytest.CaptureFixture[str]):
    Path("talk.toml").unlink()

    assert called(capsys, "scenarios") == (0, "talk  a [bold] talk :house: [/]\n", "")


def test_describe_prints_the_contract(capsys: pytest.CaptureFixture[str]):
    code, out, _ = called(capsys, "describe")

    assert code == 0
    assert "word.{name}" in out
    assert "[dB]" in out


def test_describe_prints_asyncapi(capsys: pytest.CaptureFixture[str]):
    code, out, _ = called(capsys, "describe", "--asyncapi")

    assert code == 0
    assert set(orjson.loads(out)["channels"]) == {"word", "quarantined"}


def test_replay_says_same_or_shows_the_difference(capsys: pytest.CaptureFixture[str]):
    called(capsys, "run", "talk.toml", "--out", "out")
    same = called(capsys, "replay", "out")
    manifest = Path("out/manifest.json")
    manifest.write_text(manifest.read_text().replace("2025-01-01T01:00:00", "2025-01-01T00:30:00"))
    code, out, err = called(capsys, "replay", "out")

    assert same == (0, "out: the same 60 messages, byte for byte\n", "")
    assert (code, err) == (1, "")
    assert out == "message 31: only in the record: word speaker.a#31 at 1800.000 s\n"


def test_bench_prints_measurements(capsys: pytest.CaptureFixture[str]):
    code, out, _ = called(capsys, "bench")
    _, json, _ = called(capsys, "bench", "call", "--json")

    assert code == 0
    assert "1,234.5" in out
    assert orjson.loads(json) == [{"name": "call", "value": 1234.5, "unit": "calls/s"}]


class Greeting:
    """A command that a package adds."""

    help = "greet somebody"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("who")

    def run(self, options: argparse.Namespace) -> list[str]:
        if options.who == "nobody":
            raise UsageError("there must be somebody")
        return [f"hello {options.who}"]


def test_a_package_can_add_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    loaded: list[str] = []

    def load(group: str, name: str) -> object:
        loaded.append(f"{group}.{name}")
        return Greeting()

    monkeypatch.setattr(cli, "names", lambda group: ["greet"] if group == "commands" else [])
    monkeypatch.setattr(cli, "load", load)
    assert cli.main(["scenarios"]) == 0
    assert loaded == []
    assert cli.main(["greet", "you"]) == 0
    assert capsys.readouterr().out == "hello you\n"
    assert cli.main(["greet", "nobody"]) == 2
    assert "there must be somebody" in capsys.readouterr().err
