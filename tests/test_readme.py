"""The examples of the README run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S))


def run_example(name: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLES[name]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_embedding_script_runs_and_leaves_records(tmp_path: Path) -> None:
    output = run_example("embed", tmp_path)
    assert re.search(r"^\d+ messages, digest [0-9a-f]{12}$", output, re.M)
    assert "real-time" in output
    assert (tmp_path / "runs" / "first" / "manifest.json").is_file()


def test_the_component_example_prints_what_the_prices_imply(tmp_path: Path) -> None:
    assert run_example("component", tmp_path).split() == ["00:00:00", "on", "00:05:00", "on", "00:10:00", "off"]


def test_the_split_run_gives_the_same_bytes(tmp_path: Path) -> None:
    assert re.match(r"True \d+ components in six processes", run_example("split", tmp_path))


def test_homes_trade_in_the_test_bed(tmp_path: Path) -> None:
    said = re.fullmatch(r"(\d+) orders, (\d+) awards\n", run_example("testbed", tmp_path))
    assert said
    assert 0 < int(said[2]) <= int(said[1])


@pytest.mark.parametrize("command", ["gridbus run", "python -m pytest"])
def test_the_two_commands_are_there(command: str) -> None:
    assert command in README.read_text(encoding="utf-8")
