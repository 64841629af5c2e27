"""HELICS, with real players and recorders on the other side."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import helics
import pytest

from gridbus.kernel import (
    SECOND,
    InputError,
    Instant,
    Member,
    PeerError,
    Port,
    Scenario,
    Setting,
    UsageError,
    field,
    message,
    run,
    run_async,
    value,
)
from gridbus.kernel.activity import Main
from gridbus.kernel.helics.adapter import federate
from gridbus.kernel.helics.federation import free_port
from gridbus.kernel.helics.file import read_federate_file
from gridbus.kernel.helics.settings import HelicsSettings
from gridbus.kernel.helics.units import conversion
from gridbus.kernel.records import read_manifest

from .conftest import Entries

START = datetime(2025, 1, 1, tzinfo=UTC)
PROGRAMS = Path(helics.__file__).parent / "install" / "bin"


class Season(Enum):
    """A choice, to be carried as text."""

    WARM = "warm"
    COLD = "cold"


@message(topic="probe.reading.{site}", senders=["weather.{site}"], receivers=["*.*"])
class Reading:
    """What a site measured."""

    site: str = field("where")
    at: Instant = field("when")
    temperature: float = field("of the air", unit="degC", at_least=-60.0)
    irradiance: float | None = field("of the sun", unit="W/m2", default=None)


@message(topic="probe.answer.{probe}", senders=["probe.{probe}"], receivers=["*.*"])
class Answer:
    """What a component makes of a reading."""

    probe: str = field("who")
    power: float = field("mean of the next interval", unit="kW")
    season: Season = field("what it feels like")
    profile: tuple[float, ...] = field("mean powers", unit="kW")


@value
class Probe:
    """Answers every reading with a tenth of a kW per degree, and says what it saw."""

    period_s: int = field("seconds between its own instants", unit="s", default=10)
    spin: bool = field("whether it keeps the event loop busy", default=False)

    def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"probe.{name}", self._main

    async def _main(self, port: Port) -> None:
        port.start(self._tick(port))
        async for reading in port.subscribe(Reading):
            warmth = reading.temperature
            season = Season.WARM if warmth > 15 else Season.COLD
            port.publish(Answer(port.name, warmth / 10, season, (warmth / 10, 0.0)))

    async def _tick(self, port: Port) -> None:
        while port.now < port.stop:
            await port.sleep_until(port.now + self.period_s * SECOND)
            port.random.random()


@pytest.fixture(autouse=True)
def _contract(installed: Entries) -> None:
    installed.add("messages", test=sys.modules[__name__])
    installed.add("components", probe=Probe)


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[Peers]:
    made = Peers(tmp_path)
    yield made
    made.end()


class Peers:
    """HELICS programs on the other side of a federation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, program: str, config: dict[str, Any], *options: str) -> Path:
        """Start one; returns the file that a recorder writes."""
        name = f"{program.removeprefix('helics_')}{len(self._processes)}"
        path, output = self.folder / f"{name}.json", self.folder / f"{name}.out.json"
        path.write_text(json.dumps(config))
        command = [
            PROGRAMS / program,
            path,
            f"--name={name}",
            f"--brokerport={self.port}",
            "--quiet",
            *options,
        ]
        if program == "helics_recorder":
            command.append(f"--output={output}")
        self._processes.append(subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL))
        return output

    def play(self, key: str, unit: str, points: dict[float, object], kind: str = "double") -> None:
        """Publish values at instants given in seconds."""
        publication = {"key": key, "type": kind, "unit": unit, "global": True}
        listed = [{"key": key, "type": kind, "value": v, "time": t} for t, v in points.items()]
        self.start("helics_player", {"publications": [publication], "points": listed}, "--stop=1000s")

    def record(self, *keys: str) -> Path:
        """Record publications."""
        return self.start("helics_recorder", {"subscriptions": [{"key": key} for key in keys]}, "--stop=1000s")

    def wait(self) -> None:
        """Until all have ended well."""
        assert [process.wait(5) for process in self._processes] == [0] * len(self._processes)

    def end(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


def scenario(helics: dict[str, Any] | None = None, stop_s: int = 60, **probe: Any) -> Scenario:
    head = {"name": "test", "start": START, "stop": START + timedelta(seconds=stop_s)}
    data = {**head, "probe": {"one": probe}, **({} if helics is None else {"helics": helics})}
    return Scenario.from_data(data)


SLEEPER = '{"name": "sleeper", "core_init_string": "--brokerport=%d"}'
READINGS: dict[str, Any] = {
    "message": "reading",
    "sender": "weather.roof",
    "values": [{"key": "weather/t", "into": "temperature", "unit": "degF"}],
    "fixed": [{"name": "site", "value": "roof"}, {"name": "at", "value": "{now}"}],
}
POWERS: dict[str, Any] = {
    "message": "answer",
    "source": "power",
    "key": "gridbus/{probe}/power",
    "unit": "W",
    "for_each": [{"name": "probe", "values": ["one"]}],
}


def recorded_points(path: Path) -> list[tuple[str, int, str]]:
    """What a recorder wrote: key, whole seconds, value."""
    return [(p["key"], round(p["time"]), p["value"]) for p in json.loads(path.read_text())["points"]]


def readings(result: Any) -> list[tuple[float, str, float]]:
    """The readings of a run: seconds from the start, sender, temperature."""
    rows = result.table("reading").to_pylist()
    return [((row["at"] - START).total_seconds(), row["sender"], row["temperature"]) for row in rows]


def test_values_become_messages_and_answers_become_values(peers: Peers, tmp_path: Path) -> None:
    peers.play("weather/t", "degF", {0: 68.0, 10: 50.0, 15: 50.0, 30: 41.0})
    recorded = peers.record("gridbus/one/power", "gridbus/season", "gridbus/profile")
    cold = [{"name": "season", "value": "cold"}]
    publications = [
        POWERS,
        {"message": "answer", "source": "season", "key": "gridbus/season"},
        {"message": "answer", "source": "profile", "key": "gridbus/profile", "where": cold},
    ]
    table = {"federates": 3, "port": peers.port, "inputs": [READINGS], "publications": publications}
    result = run(scenario(table), tmp_path / "run")
    peers.wait()
    # 15 s is no instant of the run: it is granted because a value has come in.
    assert readings(result) == [
        (0, "weather.roof", 20.0),
        (10, "weather.roof", 10.0),
        (15, "weather.roof", 10.0),
        (30, "weather.roof", 5.0),
    ]
    assert recorded_points(recorded) == [
        ("gridbus/one/power", 0, "2000.000000"),
        ("gridbus/season", 0, "warm"),
        ("gridbus/one/power", 10, "1000.000000"),
        ("gridbus/season", 10, "cold"),
        ("gridbus/profile", 10, "[1,0]"),
        ("gridbus/one/power", 30, "500.000000"),
        ("gridbus/profile", 30, "[0.5,0]"),
    ]
    assert read_manifest(tmp_path / "run")["state"] == "done"


def test_a_wildcard_makes_a_message_for_each_publication_that_it_matches(peers: Peers) -> None:
    peers.play("roof/east/t", "K", {5: 280.15})
    peers.play("roof/west/t", "", {5: 8.0})
    peers.play("roof/west/sun", "kW/m^2", {7: 0.5})
    table = {
        "message": "reading",
        "sender": "weather.{wildcard}",
        "values": [{"key": "roof/*/t", "into": "temperature"}],
        "fixed": [{"name": "site", "value": "{wildcard}"}, {"name": "at", "value": "{now}"}],
    }
    both = {
        "message": "reading",
        "sender": "weather.both",
        "values": [
            {"key": "roof/west/t", "into": "temperature"},
            {"key": "roof/west/sun", "into": "irradiance", "unit": "W/m2"},
        ],
        "fixed": [{"name": "site", "value": "both"}, {"name": "at", "value": "{now}"}],
    }
    settings = {"federates": 4, "port": peers.port, "inputs": [table, both]}
    result = run(scenario(settings, stop_s=10), peers.folder / "run")
    assert sorted(readings(result)) == [
        (5, "weather.both", 8.0),
        (5, "weather.east", 7.0),
        (5, "weather.west", 8.0),
        (7, "weather.both", 8.0),
    ]
    assert [row["irradiance"] for row in result.table("reading").to_pylist()].count(500.0) == 1


@pytest.mark.parametrize("kind", ["string", "complex", "int"])
def test_values_of_other_types_are_read(peers: Peers, kind: str) -> None:
    peers.play("weather/t", "degF", {5: {"string": "50", "complex": "50+3j", "int": 50}[kind]}, kind)
    settings = {"federates": 2, "port": peers.port, "inputs": [READINGS]}
    assert readings(run(scenario(settings, stop_s=10), peers.folder / "run")) == [(5, "weather.roof", 10.0)]


@pytest.mark.parametrize(
    ("kind", "unit", "value", "complaint"),
    [
        ("string", "", "warm", "weather/t sent 'warm' for temperature \\[degC\\]"),
        ("double", "", -300.0, "expected a number of at least -60"),
        ("double", "kW", 5.0, "'kW' \\(power\\) cannot be converted to 'degC' \\(temperature\\)"),
        ("vector", "", "[1,2]", "a list is no number"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_that_names_it(
    peers: Peers, kind: str, unit: str, value: object, complaint: str
) -> None:
    peers.play("weather/t", unit, {5: value}, kind)
    settings = {"federates": 2, "port": peers.port, "inputs": [READINGS]}
    with pytest.raises(PeerError, match=complaint):
        run(scenario(settings, stop_s=10), records=False)


def test_without_a_mapping_a_run_is_the_same_as_without_helics(tmp_path: Path) -> None:
    alone = run(scenario(), tmp_path / "alone", seed=7)
    joined = run(scenario(), tmp_path / "joined", seed=7, helics=True)
    assert (joined.digest, joined.statistics) == (alone.digest, alone.statistics)
    assert run(scenario(), seed=7, helics=True, records=False).digest == alone.digest


def test_the_exception_hook_is_left_alone() -> None:
    hook = sys.excepthook
    run(scenario(), helics=True, records=False)
    assert sys.excepthook is hook


def test_a_federate_file_joins_the_broker_that_it_names(peers: Peers, tmp_path: Path) -> None:
    broker = helics.helicsCreateBroker("zmq", "", f"-f 2 --port={peers.port} --loglevel=error")
    recorded = peers.record("ours/power")
    file = tmp_path / "federate.json"
    declared = [{"key": "ours/power", "type": "double", "unit": "MW", "global": True}]
    declared_inputs = [{"key": "ours/power"}]
    options = {
        "name": "ours",
        "coreInit": f"--brokerport={peers.port}",
        "period": 5,
        "publications": declared,
    }
    file.write_text(json.dumps({"helics": {**options, "subscriptions": declared_inputs}, "other_program": {}}))
    own = {"sender": "weather.roof", "values": [{"key": "ours/power", "into": "temperature"}]}
    publication = {"message": "answer", "source": "power", "key": "ours/power"}
    readings_of_own = {**READINGS, **own, "values": [{"key": "weather/t", "into": "temperature"}]}
    settings = {"federate": str(file), "inputs": [readings_of_own], "publications": [publication]}

    class Starter:
        """A component that answers once, so that something goes out."""

        def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Main]]:
            async def main(port: Port) -> None:
                await port.sleep_until(10 * SECOND)
                port.publish(Answer("starter", 3000.0, Season.WARM, ()))

            yield "probe.starter", main

    made = scenario(settings, stop_s=20)
    made = Scenario(made.head, (*made.members, Member("probe", "starter", Starter(), "probe")), made.helics)
    run(made, records=False)
    peers.wait()
    assert helics.helicsBrokerWaitForDisconnect(broker, 2000)
    assert recorded_points(recorded) == [("ours/power", 10, "3.000000")]


def test_a_period_that_does_not_divide_the_agenda_is_named(tmp_path: Path) -> None:
    file = tmp_path / "federate.json"
    file.write_text('{"name": "ours", "period": "7 s", "offset": 1}')
    with pytest.raises(UsageError, match=r"granted 15 s for a request of 10 s.*period 7 s, offset 1 s"):
        run(scenario(), records=False, helics=file)


def test_an_unforeseen_publication_is_an_error_that_says_what_to_list(peers: Peers) -> None:
    peers.play("weather/t", "degF", {10: 50.0})
    powers = {**POWERS, "for_each": [{"name": "probe", "values": ["two"]}]}
    settings = {"federates": 2, "port": peers.port, "inputs": [READINGS], "publications": [powers]}
    with pytest.raises(UsageError, match=r"helics.publications\[0\].for_each does not list 'one' of probe: add it"):
        run(scenario(settings), records=False)


def test_the_run_goes_on_alone_when_the_federation_ends(peers: Peers, caplog: pytest.LogCaptureFixture) -> None:
    options = f"-f 1 --port={peers.port} --maxcosimduration=1ms --tick=100ms"
    broker = helics.helicsCreateBroker("zmq", "", options)
    file = peers.folder / "federate.json"
    file.write_text(json.dumps({"name": "ours", "core_init_string": f"--brokerport={peers.port}"}))

    async def until_it_has_ended() -> list[Instant]:
        async with federate(scenario(), file) as joined:
            asked = 0
            while not caplog.records:
                asked += SECOND
                await joined.clock.advance(asked)
            return [await joined.clock.advance(asked + more) - asked for more in (1, 2)]

    assert anyio.run(until_it_has_ended) == [1, 2]
    assert [record.message for record in caplog.records] == [
        "the HELICS federation ended before the run did; going on alone to the stop"
    ]
    helics.helicsBrokerDisconnect(broker)


def test_cancelling_while_a_grant_is_pending_ends_soon_with_whole_records(peers: Peers) -> None:
    out = peers.folder / "run"
    code = f"""
import helics, time
federate = helics.helicsCreateCombinationFederateFromConfig('{SLEEPER % peers.port}')
helics.helicsFederateRegisterGlobalTypePublication(federate, "weather/t", "double", "degF")
helics.helicsFederateEnterExecutingMode(federate)
helics.helicsFederateRequestTime(federate, 25.0)
time.sleep(60)
"""
    sleeper = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    settings = {"federates": 2, "port": peers.port, "inputs": [READINGS]}
    begun = 0.0

    async def cancelled() -> None:
        nonlocal begun
        reached: list[int] = []
        async with anyio.create_task_group() as group:
            tell = lambda now, stop: reached.append(now)  # noqa: E731
            group.start_soon(lambda: run_async(scenario(settings), out, progress=tell))
            with anyio.fail_after(4):
                while not reached or reached[-1] < 20 * SECOND:  # noqa: ASYNC110 - it is told from outside
                    await anyio.sleep(0.01)
            await anyio.sleep(0.1)
            begun = time.monotonic()
            group.cancel_scope.cancel()

    try:
        anyio.run(cancelled)
        assert time.monotonic() - begun < 2
    finally:
        os.killpg(sleeper.pid, signal.SIGKILL)
        sleeper.wait()
    manifest = read_manifest(out)
    assert (manifest["state"], manifest["until_ns"]) == ("interrupted", 20 * SECOND)


def test_cancelling_while_others_are_awaited_ends_soon(peers: Peers) -> None:
    async def cancelled() -> None:
        with anyio.move_on_after(0.5):
            await run_async(scenario({"federates": 2, "port": peers.port}), records=False)

    begun = time.monotonic()
    anyio.run(cancelled)
    assert time.monotonic() - begun < 2


def test_a_busy_event_loop_does_not_starve_the_grants(peers: Peers) -> None:
    peers.play("weather/t", "degF", {float(t): float(t % 7) for t in range(1, 200)})
    settings = {"federates": 2, "port": peers.port, "inputs": [READINGS]}

    async def busy() -> None:
        while True:
            end = time.perf_counter() + 0.0001
            while time.perf_counter() < end:
                pass
            await anyio.lowlevel.checkpoint()

    async def beside() -> int:
        async with anyio.create_task_group() as group:
            group.start_soon(busy)
            with anyio.fail_after(5):
                result = await run_async(scenario(settings, stop_s=200), records=False)
            group.cancel_scope.cancel()
        return result.statistics.instants

    assert anyio.run(beside) >= 200


# The federate file


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("{'name': 3", ["1: not JSON: Expecting property name enclosed in double quotes at column 2"]),
        ("[]", ["expected a JSON object with the options of a HELICS federate"]),
        ('{"helics": 3}', ["helics: expected a JSON object with the options of a HELICS federate"]),
        (
            """{
            "name": "", "perod": 60, "period": "fast", "core_type": "smoke", "log_level": 3,
            "flags": ["uninteruptible"], "uninterruptible": 1, "subscriptions": {},
            "publications": [{"type": "double"}, {"key": "a", "global": true}, {"key": "a", "global": true}, 5]
            }""",
            [
                "name: expected text, got ''",
                "perod: no option of a HELICS federate is called 'perod'; did you mean period?",
                "period: expected seconds or a time such as \"500 ms\", got 'fast'",
                "core_type: expected one of zmq, zmq_ss, tcp, tcp_ss, udp, ipc, inproc, got 'smoke'",
                "log_level: expected one of trace, debug",
                "flags: no flag of a HELICS federate is called 'uninteruptible'; did you mean uninterruptible?",
                "uninterruptible: expected true or false, got 1",
                "subscriptions: expected a list of objects, got {}",
                "publications[0]: expected a key",
                "publications[2]: the key 'a' is taken by publications[1] already",
                "publications[3]: expected an object, got 5",
            ],
        ),
    ],
)
def test_every_fault_of_a_federate_file_is_reported(tmp_path: Path, text: str, faults: list[str]) -> None:
    file = tmp_path / "federate.json"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        run(scenario(), records=False, helics=file)
    assert len(error.value.lines()) == len(faults)
    for line, fault in zip(error.value.lines(), faults, strict=True):
        assert line.startswith((f"{file}: {fault}", f"{file}:{fault}"))


def test_a_federate_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_federate_file(tmp_path / "missing.json")
    with pytest.raises(InputError, match="is a directory"):
        read_federate_file(tmp_path)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, False),
        ({"coreInit": "--federates=1"}, False),
        ({"coreInitString": "--broker_key=abc"}, True),
        ({"core_init_string": "--brokerport=23404"}, True),
        ({"broker": "10.0.0.1"}, True),
        ({"brokerPort": 23404}, True),
        ({"autobroker": False}, False),
    ],
)
def test_a_broker_is_started_only_where_none_is_named(tmp_path: Path, options: dict[str, Any], named: bool) -> None:
    file = tmp_path / "federate.json"
    file.write_text(json.dumps({"name": "a", **options}))
    assert read_federate_file(file).names_broker is named


# The table


def test_every_fault_of_the_table_is_reported_with_its_path() -> None:
    inputs: list[dict[str, Any]] = [
        {"message": "redding", "sender": "weather.roof", "values": []},
        {
            "message": "reading",
            "sender": "stranger.roof",
            "values": [
                {"key": "a/*/*", "into": "temprature"},
                {"key": "b", "into": "temperature", "unit": "kW"},
                {"key": "c", "into": "site", "unit": "degC"},
            ],
            "fixed": [{"name": "irradiance", "value": "bright"}, {"name": "site", "value": "{now}"}],
        },
        {
            "message": "reading",
            "sender": "weather.{wildcard}",
            "values": [{"key": "t", "into": "temperature"}],
        },
        {"message": "reading", "sender": "weather.roof", "values": [{"key": "t", "into": "temperature"}]},
    ]
    publications: list[dict[str, Any]] = [
        {"message": "answer", "source": "powr", "key": "{probe}/{power}/{what}"},
        {
            "message": "answer",
            "source": "power",
            "key": "p",
            "unit": "degC",
            "where": [{"name": "x", "value": ""}],
        },
        {"message": "answer", "source": "season", "key": "p"},
    ]
    with pytest.raises(InputError) as error:
        scenario({"inputs": inputs, "publications": publications})
    found = {fault.path.removeprefix("helics."): fault.complaint for fault in error.value.faults}
    assert found.keys() == {
        "inputs[0].message",
        "inputs[1].sender",
        "inputs[1].values[0].into",
        "inputs[1].values[0].key",
        "inputs[1].values[1].unit",
        "inputs[1].values[2].unit",
        "inputs[1].fixed[0].value",
        "inputs[1].fixed[1].value",
        "inputs[1].values",
        "inputs[2].values",
        "inputs[3].values",
        "publications[0].source",
        "publications[0].key",
        "publications[0].for_each",
        "publications[1].unit",
        "publications[1].where[0].name",
        "publications[2].key",
    }
    assert found["inputs[1].values[1].unit"] == "'kW' (power) cannot be converted to 'degC' (temperature)"
    assert "did you mean reading?" in found["inputs[0].message"]


def test_settings_made_by_hand_are_checked_too() -> None:
    made = scenario({"inputs": [READINGS]})
    assert made.helics is not None
    broken = HelicsSettings(inputs=tuple(type(m)("nothing", "a.b", m.values) for m in made.helics.inputs))
    with pytest.raises(InputError, match=r"scenario test: helics.inputs\[0\].message: no message is called 'nothing'"):
        run(Scenario(made.head, made.members, broken), records=False)


def test_the_broker_tells_how_to_join_it(caplog: pytest.LogCaptureFixture, peers: Peers) -> None:
    caplog.set_level(logging.INFO)
    run(scenario({"port": peers.port}), records=False)
    assert f"start them with --brokerport={peers.port}" in caplog.text


# Units


@pytest.mark.parametrize(
    ("source", "target", "given", "expected"),
    [
        ("W", "kW", 1500.0, 1.5),
        ("MW", "kW", 0.1, 100.0),
        ("MWh", "kWh", 2.5, 2500.0),
        ("$/MWh", "$/kWh", 35.0, 0.035),
        ("degF", "°C", 68.0, 20.0),
        ("degC", "K", -273.15, 0.0),
        ("degF", "K", 32.0, 273.15),
        ("%", "p.u.", 50.0, 0.5),
    ],
)
def test_units_are_converted_exactly_both_ways(source: str, target: str, given: float, expected: float) -> None:
    there, back = conversion(source, target), conversion(target, source)
    assert there is not None
    assert back is not None
    assert (there(given), back(expected)) == (expected, given)


def test_one_unit_under_two_names_is_not_converted() -> None:
    assert conversion("degC", "°C") is None
    assert conversion("furlong", "furlong") is None


def test_units_that_do_not_fit_are_named() -> None:
    with pytest.raises(UsageError, match=r"'kwh' is not known; did you mean 'kWh'\?"):
        conversion("kwh", "kWh")
    with pytest.raises(UsageError, match=r"'kW' \(power\) cannot be converted to 'kWh' \(energy\)"):
        conversion("kW", "kWh")
