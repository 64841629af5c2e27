"""HELICS: real players and recorders on the other side, values that become messages and messages that become values."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import anyio
import helics
import pytest

from gridbus.kernel import (
    SECOND,
    Head,
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
from gridbus.kernel.helics import federate
from gridbus.kernel.helics_file import read_federate_file
from gridbus.kernel.helics_settings import HelicsSettings
from gridbus.kernel.records import read_manifest

from .conftest import Entries

START = datetime(2025, 1, 1, tzinfo=UTC)
PROGRAMS = Path(helics.__file__).parent / "install" / "bin"
# HELICS leaves the sockets of a closed broker to its own threads.
pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")


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
        async for envelope in port.subscribe(Reading):
            warmth = envelope.message.temperature
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
        command = [PROGRAMS / program, path, f"--name={name}", f"--brokerport={self.port}", "--quiet", *options]
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def scenario(helics: dict[str, Any] | None = None, stop_s: int = 60, **probe: Any) -> Scenario:
    head = {"name": "test", "start": START, "stop": START + timedelta(seconds=stop_s)}
    data = {**head, "probe": {"one": probe}, **({} if helics is None else {"helics": helics})}
    return Scenario.from_data(data)


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


def rows(result: Any, name: str, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[c] for c in columns) for row in result.table(name).to_pylist()]


def test_values_become_messages_and_answers_become_values(peers: Peers, tmp_path: Path) -> None:
    peers.play("weather/t", "degF", {0: 68.0, 10: 50.0, 15: 50.0, 30: 41.0})
    recorded = peers.record("gridbus/one/power", "gridbus/season", "gridbus/profile")
    publications = [
        POWERS,
        {"message": "answer", "source": "season", "key": "gridbus/season"},
        {"message": "answer", "source": "profile", "key": "gridbus/profile", "where": [{"name": "season", "value": "cold"}]},
    ]
    table = {"federates": 3, "port": peers.port, "inputs": [READINGS], "publications": publications}
    result = run(scenario(table), tmp_path / "run")
    peers.wait()
    # 15 s is no instant of the run: it is granted because a value has come in.
    assert rows(result, "reading", "at", "temperature", "sender") == [
        (0, 20.0, "weather.roof"),
        (10 * SECOND, 10.0, "weather.roof"),
        (15 * SECOND, 10.0, "weather.roof"),
        (30 * SECOND, 5.0, "weather.roof"),
    ]
    points = json.loads(recorded.read_text())["points"]
    found = [(p["key"], round(p["time"]), p["value"]) for p in points]
    assert [f for f in found if f[0] == "gridbus/one/power"] == []
    assert found == []
