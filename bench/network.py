"""What splitting a run over processes costs: frames beside bare nats-py, round trips, and a day beside one in memory.

Wall time, with a NATS server on loopback and the other end in a process of its own. Ours and bare take turns in one
run; a figure is the median of the rounds, a ratio the median of the rounds' ratios. The day is the best of its rounds.
Each measurement makes sure that the work was done.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import anyio

from ..kernel import HOUR, SECOND, InternalError, Kernel, Port, Result, Scenario, UsageError, run
from ..kernel.collector import quiet_collector
from ..kernel.nats.bus import NatsBus
from ..kernel.nats.permissions import server_configuration
from ..kernel.nats.server import NatsServer, dies_with_parent
from ..kernel.nats.settings import ServerSettings
from ..kernel.run import unwrapped
from ..roles.interfaces.network import ValidationResult
from . import network_peer
from .network_ends import (
    BARE,
    ECHO_BYTES,
    OURS,
    BareEnd,
    End,
    OurEnd,
    Ways,
    all_good,
    component_scenario,
    frame,
    request,
)

T = TypeVar("T")
Measurement = dict[str, Any]
"""``name``, ``value`` and ``unit``."""

_ROUNDS = 7
_FRAMES = 1_000
_TRIPS = 1_000
_WARM_UP = 50
_COMPONENT_TRIPS = 3_000
_DAY = 4 * HOUR
_DAYS = 3
_LIMIT_S = 120.0
"""After that what was sent is taken for lost."""


def measure() -> list[Measurement]:
    """Measure everything; see the README for what the figures mean.

    Raises:
        UsageError: the NATS client or server is not installed.
    """
    if find_spec("nats") is None:
        raise UsageError("this benchmark needs NATS; run: pip install 'gridbus[nats]'")
    return [*_in_loop(_frames_and_trips), *_in_loop(_component_trips), *split_day()]


def _in_loop(function: Callable[[], Awaitable[list[Measurement]]]) -> list[Measurement]:
    try:
        return anyio.run(function, backend_options=NatsBus().loop())
    except BaseExceptionGroup as group:
        raise unwrapped(group) from None


# Frames and their round trips


async def _frames_and_trips() -> list[Measurement]:
    async with _server() as url, _peer(url, network_peer.CHANNELS):
        ours = await OurEnd.open(url, [Ways(OURS).back], leads=True)
        bare = await BareEnd.open(url, [Ways(BARE).back])
        try:
            return await _compared(ours, bare)
        finally:
            await ours.close()
            await bare.close()


async def _compared(ours: End, bare: End) -> list[Measurement]:
    rates: dict[str, list[float]] = {OURS: [], BARE: []}
    trips: dict[str, list[float]] = {OURS: [], BARE: []}
    with quiet_collector():
        for _ in range(_ROUNDS):
            for kind, end in ((OURS, ours), (BARE, bare)):
                rates[kind].append(await _within_limit(frames_per_s(end, Ways(kind))))
        for _ in range(_ROUNDS):
            for kind, end in ((OURS, ours), (BARE, bare)):
                trips[kind].append(await _within_limit(round_trip_s(end, Ways(kind))))
    return [
        {"name": "frames_per_s", "value": round(median(rates[OURS])), "unit": "1/s"},
        {"name": "bare_frames_per_s", "value": round(median(rates[BARE])), "unit": "1/s"},
        {"name": "frame_throughput_ratio", "value": _ratio(rates), "unit": "1"},
        {"name": "frame_round_trip_us", "value": round(median(trips[OURS]) * 1e6, 1), "unit": "us"},
        {"name": "bare_round_trip_us", "value": round(median(trips[BARE]) * 1e6, 1), "unit": "us"},
        {"name": "round_trip_ratio", "value": _ratio(trips), "unit": "1"},
    ]


def _ratio(figures: dict[str, list[float]]) -> float:
    """Ours to bare, round by round, so that what else the machine does falls on both."""
    return round(median(mine / other for mine, other in zip(figures[OURS], figures[BARE], strict=True)), 3)


async def frames_per_s(end: End, ways: Ways) -> float:
    """Frames of a burst, until the other end says that it has all of them, over the time that took. [1/s]"""
    burst = [frame(number) for number in range(1, _FRAMES + 1)]
    gc.collect()
    begun = perf_counter()
    for content in burst:
        await end.send(ways.frames, content)
    await end.send(ways.frames, b"")
    _, summary = await end.next()
    seconds = perf_counter() - begun
    _require(summary == all_good(_FRAMES))
    return _FRAMES / seconds


async def round_trip_s(end: End, ways: Ways) -> float:
    """Median time of a small frame there and back. [s]"""
    times = []
    for number in range(_WARM_UP + _TRIPS):
        content = number.to_bytes(ECHO_BYTES, "big")
        begun = perf_counter()
        await end.send(ways.echo, content)
        _, back = await end.next()
        times.append(perf_counter() - begun)
        _require(back == content)
    return median(times[_WARM_UP:])


# Round trips of components


async def _component_trips() -> list[Measurement]:
    rounds = 2 * (_WARM_UP + _COMPONENT_TRIPS) + 100
    async with _server() as url, _peer(url, network_peer.COMPONENT, str(rounds)) as peer:
        times = await _within_limit(component_round_trips_s(url, rounds))
        _require(await peer.wait() == 0)
    _require(len(times) == _WARM_UP + _COMPONENT_TRIPS)
    return [{"name": "component_round_trip_us", "value": round(median(times[_WARM_UP:]) * 1e6, 1), "unit": "us"}]


async def component_round_trips_s(url: str, round_limit: int) -> list[float]:
    """Times of a request by a component here and the reply of one in the other process, in a run that is led here."""
    times: list[float] = []

    async def ask(port: Port) -> None:
        await port.sleep_until(SECOND)
        for number in range(_WARM_UP + _COMPONENT_TRIPS):
            begun = perf_counter()
            answer = await port.request(request(number), ValidationResult)
            times.append(perf_counter() - begun)
            _require(answer.slot_start == number)

    scenario = component_scenario(round_limit)
    async with NatsBus(url, keep=(), patience_s=10).joined(scenario, url, 1) as timekeeper:
        kernel = Kernel(
            scenario.calendar,
            stop=scenario.stop,
            round_limit=round_limit,
            driver=timekeeper.drive,
            elsewhere=timekeeper.addresses,
        )
        kernel.add("mo.retail", ask)
        await kernel.run()
    return times


# A part of the built-in day


def split_day() -> list[Measurement]:
    """The built-in day split over processes of this machine, and in memory: the run alone, and with what starts it."""
    scenario = Scenario.load("feeder-day").evolve(until=_DAY)
    split, memory = [], []
    for _ in range(_DAYS):
        memory.append(_timed(lambda: run(scenario, records=False)))
        split.append(_timed(lambda: run(scenario, records=False, bus=NatsBus())))
    _require(len({result.digest for _, result in memory + split}) == 1)
    whole_split, whole_memory = (min(seconds for seconds, _ in timed) for timed in (split, memory))
    alone_split, alone_memory = (min(result.wall_s for _, result in timed) for timed in (split, memory))
    return [
        {"name": "split_day_s", "value": round(alone_split, 3), "unit": "s"},
        {"name": "memory_day_s", "value": round(alone_memory, 3), "unit": "s"},
        {"name": "split_day_ratio", "value": round(alone_split / alone_memory, 3), "unit": "1"},
        {"name": "split_day_with_start_s", "value": round(whole_split, 3), "unit": "s"},
        {"name": "memory_day_with_start_s", "value": round(whole_memory, 3), "unit": "s"},
        {"name": "split_day_with_start_ratio", "value": round(whole_split / whole_memory, 3), "unit": "1"},
    ]


def _timed(function: Callable[[], Result]) -> tuple[float, Result]:
    begun = perf_counter()
    result = function()
    return perf_counter() - begun, result


# The server and the other process


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    settings = ServerSettings()
    async with NatsServer(settings, server_configuration(settings, [], None)) as server:
        yield server.url


@asynccontextmanager
async def _peer(url: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", network_peer.__name__, url, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=dies_with_parent,
    )
    try:
        if network_peer.CHANNELS in arguments and process.stdout is not None:
            _require(await _within_limit(process.stdout.readline()) == network_peer.READY)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _within_limit(work: Awaitable[T]) -> T:
    try:
        return await asyncio.wait_for(work, _LIMIT_S)
    except TimeoutError:
        raise InternalError("what was sent has not come back; the figures of this benchmark mean nothing") from None


def _require(is_done: bool) -> None:
    """Show that a benchmark did its work, also where Python leaves assertions out."""
    if not is_done:
        raise InternalError("a benchmark did not do its work; its figure means nothing")
