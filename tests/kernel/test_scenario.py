"""Scenarios: every fault at once, each with its line; data out and in; changes."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, Head, InputError, Port, Scenario, Setting, UsageError, field, value
from gridbus.kernel.plugins import load, names, scenario_text


@value
class Share:
    """A part."""

    name: str = field("of whom")
    share: float = field("how much", at_least=0, at_most=1)


@value
class Clock:
    """A plug-in with settings of several kinds."""

    period_s: float = field("period", unit="s", above=0, default=60.0)
    count: int = field("how many", at_least=1, default=1)
    shares: tuple[Share, ...] = field("parts", default=())

    def check(self) -> Iterable[tuple[str, str]]:
        if sum(each.share for each in self.shares) > 1:
            yield "shares", "expected shares that sum to at most 1"

    def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Any]]:
        async def main(_: Port) -> None:
            pass

        yield f"clock.{name}", main


@value
class Listener:
    """A plug-in that needs another member."""

    to: str = field("address of a clock")

    def references(self) -> Iterable[tuple[str, str]]:
        yield "to", self.to

    def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Any]]:
        return ()


HEAD = 'name = "day"\nstart = 2025-07-16T00:00:00-04:00\nstop = 2025-07-17T00:00:00-04:00\n'
GOOD = f"""{HEAD}
zone = "America/New_York"
quarantine = ["clock.*"]

[clock.a]
period_s = 5
shares = [
    {{ name = "x", share = 0.25 }},
    {{ name = "y", share = 0.5 }},
]

[clock.b]

[ear.e]
use = "listener"
to = "clock.a"
"""


@pytest.fixture(autouse=True)
def _plugins(installed: Any) -> None:
    installed.add("components", clock=Clock, listener=Listener)


def complaints(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        Scenario.parse(text, "day.toml")
    lines = caught.value.lines()
    assert str(caught.value) == "\n".join(lines)
    return lines


def test_a_good_scenario_is_structured_by_its_plug_ins():
    scenario = Scenario.parse(GOOD)

    assert (scenario.name, scenario.stop, scenario.head.seed) == ("day", DAY, 0)
    assert scenario.calendar.zone == ZoneInfo("America/New_York")
    assert [(m.kind, m.name, m.use, m.settings) for m in scenario.members] == [
        ("clock", "a", "clock", Clock(5.0, 1, (Share("x", 0.25), Share("y", 0.5)))),
        ("clock", "b", "clock", Clock()),
        ("ear", "e", "listener", Listener("clock.a")),
    ]


# Faults

FAULTY = """name = "day"
start = "tomorrow"
stop = 2025-07-17T00:00:00Z
seed = -1
sead = 3

[clock.a]
period_s = 0
count = "two"

  [clock.b]   # a comment
peroid_s = 5

[clok.c]

[clock.d]
use = "lisener"

[listener.e]
to = "clock.nobody"

[listener.f]

[clock.g]
shares = [
    { name = "x", share = 0.5 },
]
[[clock.h.shares]]
name = "x"
share = 0.5
[[clock.h.shares]]
name = "y"
share = 1.5

[ clock . "i" ]
shares = [{ name = "x", share = 0.75 }, { name = "y", share = 0.75 }]
"""


def test_every_fault_is_reported_at_once_with_its_line():
    there = "There are: clock, listener"
    assert complaints(FAULTY) == [
        'day.toml:2: start: expected a date with zone, like 2025-07-16T22:00:00-04:00, got "tomorrow"',
        "day.toml:4: seed: expected a number of at least 0, got -1",
        "day.toml:5: sead: unknown; known are description, name, quarantine, round_limit, seed, start, stop, zone",
        "day.toml:8: clock.a.period_s: expected a number above 0, got 0",
        'day.toml:9: clock.a.count: expected a whole number, got "two"',
        "day.toml:12: clock.b.peroid_s: unknown; known are count, period_s, shares",
        f"day.toml:14: clok.c: no plug-in is called 'clok'; did you mean clock? {there}",
        f"day.toml:17: clock.d.use: no plug-in is called 'lisener'; did you mean listener? {there}",
        "day.toml:20: listener.e.to: expected a member of the scenario, got clock.nobody",
        "day.toml:22: listener.f.to: missing, and it has no default",
        "day.toml:33: clock.h.shares[1].share: expected a number of at most 1, got 1.5",
        "day.toml:36: clock.i.shares: expected shares that sum to at most 1",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name = \n", "day.toml:1: not TOML: Invalid value at column 8"),
        ("name = 'x'\n\nname = 'y'\n", "day.toml:3: not TOML: Cannot overwrite a value at column 11"),
        ("a = 1\n[b\n", "day.toml:2: not TOML: Expected ']' at the end of a table declaration at column 3"),
        ('a = "', "day.toml: not TOML:"),
        (f"a = {'[' * 5000}", "day.toml: not a scenario: lists or tables nested too deep"),
    ],
)
def test_a_syntax_error_is_told_with_its_line(text: str, line: str):
    (complaint,) = complaints(text)

    assert complaint.startswith(line)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("name = ", "nome = "), "day.toml:1: name: missing, and it has no default"),
        (('"day"', '"a day"'), "day.toml:1: name: expected letters, digits, - and _, got 'a day'"),
        (("2025-07-17T", "2025-07-15T"), "day.toml:3: stop: expected an instant after the start"),
        (
            ("2025-07-17T00:00:00-04:00", "2025-07-16T04:00:00Z"),
            "day.toml:3: stop: expected an instant after the",
        ),
        (("00:00:00-04:00\nstop", "00:00:00\nstop"), "day.toml:2: start: expected a date with zone"),
        (("America/New_York", "America/Nowhere"), "day.toml:5: zone: expected a zone such as"),
        (("America/New_York", "../../etc/passwd"), "day.toml:5: zone: expected a zone such as"),
        (("zone =", "round_limit = 0\n#"), "day.toml:5: round_limit: expected a number of at least 1, got 0"),
        (("zone =", "seed = 1e3\n#"), "day.toml:5: seed: expected a whole number, got 1000.0"),
        (("zone =", f"seed = {10**30}\n#"), "day.toml:5: seed: expected a whole number of 64 bits"),
        (("period_s = 5", "period_s = nan"), "day.toml:9: clock.a.period_s: expected a number, got nan"),
        (("period_s = 5", f"period_s = {10**400}"), "day.toml:9: clock.a.period_s: expected a number, got 1"),
        (("period_s = 5", "[clock.a.deep]"), "day.toml:9: clock.a.deep: unknown"),
        (("[clock.b]", '[clock."b b"]'), "day.toml:15: clock.b b: expected a name of letters, digits"),
        (("[clock.b]", "[clock.'b.b']"), "day.toml:15: clock.b.b: expected a name of letters, digits"),
        (
            ("[clock.b]", "[clock]\nb = 1"),
            "day.toml:16: clock.b: expected a table [clock.NAME] of the plug-in",
        ),
        (('use = "listener"', "use = 3"), "day.toml:18: ear.e.use: no plug-in is called '3'"),
        (('use = "listener"', "use = []"), "day.toml:18: ear.e.use: no plug-in is called '[]'"),
        (('to = "clock.a"', "to = 5"), "day.toml:19: ear.e.to: expected text, got 5"),
        (
            ("share = 0.5", "share = 5"),
            "day.toml:10: clock.a.shares[1].share: expected a number of at most 1, got 5",
        ),
    ],
)
def test_each_fault_stands_at_its_line(change: tuple[str, str], complaint: str):
    text = GOOD.replace(*change)
    assert text != GOOD

    assert any(line.startswith(complaint) for line in complaints(text)), complaints(text)


def test_texts_of_several_lines_do_not_confuse_the_line_numbers():
    text = f'{HEAD}description = """\n[clock.a]\ncount = 0\n"""\nzone = "x"\n\n[clock.a]\ncount = 0\n'

    assert [line.split(" ")[0] for line in complaints(text)] == ["day.toml:8:", "day.toml:11:"]


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from([*HEAD.splitlines(), "[clock.a]", "[[x]]", "a.b = {}", "="])).map("\n".join)
)
def test_any_text_is_a_scenario_or_has_faults(text: str):
    scenario, faults = None, ()
    try:
        scenario = Scenario.parse(text)
    except InputError as error:
        faults = error.faults
    assert (scenario is None) == bool(faults)


# Files


def test_a_file_is_read(tmp_path: Path):
    (tmp_path / "day.toml").write_text(GOOD)

    assert Scenario.load(tmp_path / "day.toml") == Scenario.parse(GOOD)
    assert Scenario.load(str(tmp_path / "day.toml")) == Scenario.parse(GOOD)


def test_what_is_no_scenario_file_is_told_in_a_line(tmp_path: Path):
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "binary.toml").write_bytes(b"\x00\xff\xfe\x01")
    (tmp_path / "nul.toml").write_bytes(b"a = 1\x00")

    def complaint(name: str) -> str:
        with pytest.raises(InputError) as caught:
            Scenario.load(name)
        (line,) = caught.value.lines()
        return line.removeprefix(str(tmp_path) + "/")

    assert complaint(str(tmp_path / "missing.toml")) == "missing.toml: no such file"
    assert complaint(str(tmp_path / "missing")) == "missing: no such file"
    assert complaint(str(tmp_path / "folder.toml")) == "folder.toml: is a directory; name a scenario file"
    assert complaint(str(tmp_path / "binary.toml")).startswith("binary.toml: is not text in UTF-8")
    assert complaint(str(tmp_path / "nul.toml")).startswith("nul.toml:1: not TOML: ")
    assert complaint(str(tmp_path / ("x" * 5000))).startswith("x")
    assert "no scenario is called 'feder-day'" in complaint("feder-day")


@pytest.fixture
def _built_in(installed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A built-in scenario in a package of its own."""
    package = tmp_path / "package_of_scenarios"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "built-in.toml").write_text(GOOD)
    monkeypatch.syspath_prepend(tmp_path)
    import package_of_scenarios  # type: ignore[import-not-found]

    installed.add("scenarios", **{"built-in": package_of_scenarios})


@pytest.mark.usefixtures("_built_in")
def test_a_built_in_scenario_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    assert scenario_text("built-in") == GOOD
    assert Scenario.load("built-in") == Scenario.parse(GOOD)
    with pytest.raises(InputError, match=r"no scenario is called 'built-on'; did you mean built-in\?"):
        Scenario.load("built-on")


def test_plug_ins_are_found_by_group_and_name():
    assert names("components") == ["clock", "listener"]
    assert load("components", "clock") is Clock
    with pytest.raises(UsageError, match=r"no component is called 'clack'; did you mean clock\?"):
        load("components", "clack")
    with pytest.raises(UsageError, match=r"no benchmark is called 'x'. There are: none"):
        load("benchmarks", "x")


# Data


def test_a_scenario_is_plain_data_and_back():
    scenario = Scenario.parse(GOOD)
    data = orjson.loads(orjson.dumps(scenario.data()))

    assert Scenario.from_data(data) == scenario
    assert Scenario.from_data(data).digest() == scenario.digest()
    assert data["clock"]["b"] == {"use": "clock", "period_s": 60.0, "count": 1, "shares": []}
    assert data["round_limit"] == 10_000


def test_data_with_faults_name_their_source():
    data = Scenario.parse(GOOD).data()
    data["clock"]["a"]["count"] = 0
    with pytest.raises(InputError) as caught:
        Scenario.from_data(data, "manifest.json")

    assert caught.value.lines() == ["manifest.json: clock.a.count: expected a number of at least 1, got 0"]


@pytest.mark.parametrize(
    "change", [("period_s = 5", "period_s = 6"), ('name = "day"', 'name = "dab"'), ("[clock.b]", "[clock.c]")]
)
def test_the_digest_of_a_scenario_tells_what_is_run(change: tuple[str, str]):
    assert Scenario.parse(GOOD + "\n# a comment").digest() == Scenario.parse(GOOD).digest()
    assert Scenario.parse(GOOD.replace(*change)).digest() != Scenario.parse(GOOD).digest()


# Changes


def test_a_scenario_is_evolved_with_another_seed_and_stop():
    scenario = Scenario.parse(GOOD)
    start = datetime(2025, 7, 16, 4, tzinfo=UTC)

    assert scenario.evolve() == scenario
    assert scenario.evolve(seed=5).head == attrs.evolve(scenario.head, seed=5)
    assert scenario.evolve(until=6 * HOUR).stop == 6 * HOUR
    assert scenario.evolve(until=start + timedelta(hours=6)) == scenario.evolve(until=6 * HOUR)
    assert scenario.evolve(seed=5).digest() != scenario.digest()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"until": 0}, "expected an instant after the start"),
        ({"until": -HOUR}, "expected an instant after the start"),
        ({"until": datetime(2025, 7, 1, tzinfo=UTC)}, "expected an instant after the start"),
        ({"until": datetime(2025, 7, 17)}, "expected a date with zone"),  # noqa: DTZ001
        ({"until": 10**30}, "which no calendar holds"),
        ({"seed": -1}, "seed: expected a number of at least 0, got -1"),
        ({"seed": 10**30}, "seed: expected a whole number of 64 bits"),
    ],
)
def test_a_change_that_makes_no_scenario_is_refused(changes: dict[str, Any], text: str):
    with pytest.raises(UsageError, match=text):
        Scenario.parse(GOOD).evolve(**changes)


def test_a_stop_is_reached_after_the_hours_that_pass_when_clocks_change():
    """The night of 9 March 2025 had 23 hours in New York."""
    zone = ZoneInfo("America/New_York")
    head = Head("spring", datetime(2025, 3, 9, tzinfo=zone), datetime(2025, 3, 10, tzinfo=zone))
    scenario = Scenario(head, ())

    assert scenario.stop == 23 * HOUR
    assert scenario.evolve(until=5 * HOUR).stop == 5 * HOUR


def test_a_run_cannot_be_made_longer_than_its_scenario():
    scenario = Scenario.parse(GOOD)
    with pytest.raises(UsageError, match="after the scenario's stop"):
        scenario.evolve(until=scenario.stop + 1000)
