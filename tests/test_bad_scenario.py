"""A scenario of the real plug-ins with faults of every kind: all are told at once, each with its line."""

import pytest

from gridbus.kernel import InputError, Scenario
from gridbus.kernel.cli import BAD_INPUT, main

FAULTY = """\
name = "bad name"
start = 2025-07-20T22:00:00
stop = 2025-07-19T22:00:00-04:00
zone = "Mars/Base"
seed = -1

[do.wires]
substation_limit_kw = -420.0
peak_kw = "many"
transformers = [{ name = "t01", rating_kva = -3 }, { name = "t01", rating_kva = 25 }]

[lse.simple]
tariffs = [{ name = "flat", tariff = "flatt" }]
wholesale = "iso"
profile_kw = [1.0, 2.0]

[mo.retail]
lse = "gren"
do = "wires"

[foo.bar]
x = 1

[weather.greensboro]
intervall_min = 5
"""

EXPECTED = [
    (1, "name", "expected letters"),
    (2, "start", "expected a date with zone"),
    (4, "zone", "expected a zone"),
    (5, "seed", "at least 0"),
    (8, "do.wires.substation_limit_kw", "above 0"),
    (9, "do.wires.peak_kw", "expected a number"),
    (10, "do.wires.transformers[0].rating_kva", "above 0"),
    (13, "lse.simple.tariffs[0].tariff", "flatt"),
    (14, "lse.simple.wholesale", "expected a member of the scenario, got wholesale.iso"),
    (15, "lse.simple.profile_kw", "expected 24 numbers"),
    (17, "mo.retail.series", "missing"),
    (18, "mo.retail.lse", "expected a member of the scenario, got lse.gren"),
    (21, "foo.bar", "no plug-in is called 'foo'"),
    (25, "weather.greensboro.intervall_min", "unknown; known are"),
]


def test_every_fault_is_told_with_its_line_and_key() -> None:
    with pytest.raises(InputError) as caught:
        Scenario.parse(FAULTY)
    found = [(fault.line, fault.path, fault.complaint) for fault in caught.value.faults]
    assert [(line, path) for line, path, _ in found] == [(line, path) for line, path, _ in EXPECTED]
    assert all(part in complaint for (_, _, complaint), (_, _, part) in zip(found, EXPECTED, strict=True))


def test_the_command_line_prints_them_and_says_bad_input(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "faulty.toml"
    path.write_text(FAULTY, encoding="utf-8")
    assert main(["run", str(path)]) == BAD_INPUT
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1].rsplit(":", 1)[1] for line in lines] == [str(line) for line, _, _ in EXPECTED]
