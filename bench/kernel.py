"""What the kernel itself costs: agents, round trips, fan-out, fan-in and a market round.

CPU time, permissions on, no records; medians of several repetitions in one process. Each measurement asserts that
the work was done.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Coroutine
from statistics import median
from time import process_time
from typing import Any

import anyio

from ..kernel import LAST, SECOND, InternalError, Kernel, Port
from ..kernel.activity import Main
from ..kernel.testing import CALENDAR
from . import asyncio_baseline
from .kernel_messages import Call, Grant, Tender

Measurement = dict[str, Any]
"""``name``, ``value`` and ``unit``."""

_AGENTS = 10_000
_MARKET_AGENTS = 50_000
_ROUND_TRIPS = 20_000
_REPEATS = 7


def measure() -> list[Measurement]:
    """Measure everything; see the README for what the figures mean."""
    return [
        {"name": "bytes_per_agent", "value": round(bytes_per_agent()), "unit": "B"},
        {"name": "rtt_us", "value": round(round_trip_s() * 1e6, 3), "unit": "us"},
        {"name": "fanout_per_s", "value": round(1.0 / fan_out_s()), "unit": "1/s"},
        {"name": "fanin_per_s", "value": round(1.0 / fan_in_s()), "unit": "1/s"},
        {"name": "market_round_50k_ms", "value": round(market_round_s() * 1e3, 1), "unit": "ms"},
        *_baseline(),
    ]


def _baseline() -> list[Measurement]:
    """The same with a task and a queue an agent, for scale on this machine."""
    trip = anyio.run(asyncio_baseline.round_trip_s, _ROUND_TRIPS, _REPEATS)
    market = anyio.run(asyncio_baseline.market_round_s, _MARKET_AGENTS, _REPEATS)
    return [
        {"name": "asyncio_rtt_us", "value": round(trip * 1e6, 3), "unit": "us"},
        {"name": "asyncio_market_round_50k_ms", "value": round(market * 1e3, 1), "unit": "ms"},
    ]


def bytes_per_agent() -> float:
    """Memory of an agent that waits for its first call [B], as Python's allocator counts it."""
    gc.collect()
    tracemalloc.start()
    used: list[int] = []

    async def market(port: Port) -> None:
        await port.sleep_until(SECOND)
        gc.collect()
        used.append(tracemalloc.get_traced_memory()[0])

    async def agent(port: Port) -> None:
        async for _ in port.subscribe(Call, market="retail"):
            raise AssertionError("nobody calls")

    before = tracemalloc.get_traced_memory()[0]
    try:
        statistics = _run({"mo.retail": market, **{f"agent.a{i}": agent for i in range(_AGENTS)}})
    finally:
        tracemalloc.stop()
    _require(statistics.bus.subscriptions == _AGENTS)
    return (used[0] - before) / _AGENTS


def round_trip_s() -> float:
    """CPU time of a message and its answer between two components [s]."""
    times: list[float] = []

    async def caller(port: Port) -> None:
        awards = port.subscribe(Grant)
        for _ in range(_REPEATS):
            begun = process_time()
            for _ in range(_ROUND_TRIPS):
                port.publish(Tender("retail", port.name, (1.0,), (0.1,)))
                await awards.receive()
            times.append((process_time() - begun) / _ROUND_TRIPS)

    async def answerer(port: Port) -> None:
        async for order in port.subscribe(Tender):
            port.publish(Grant("retail", order.resource, 1.0))

    statistics = _run({"agent.caller": caller, "mo.retail": answerer})
    _require(statistics.bus.published == 2 * _REPEATS * _ROUND_TRIPS)
    return median(times)


def fan_out_s() -> float:
    """CPU time of delivering one message to one of 10,000 agents, each of which receives it [s]."""
    heard = 0

    async def agent(port: Port) -> None:
        nonlocal heard
        async for _ in port.subscribe(Call, market="retail"):
            heard += 1

    async def step(port: Port, number: int) -> None:
        port.publish(Call("retail", number))
        await port.sleep_until(port.now, LAST)

    seconds = _steps(step, agent, _AGENTS)
    _require(heard == _AGENTS * (_REPEATS + 1))
    return seconds / _AGENTS


def fan_in_s() -> float:
    """CPU time of a message from one of 10,000 agents to one component [s]: sent, delivered and taken.

    One call wakes all agents, and each answers with ten messages, so that what is timed is the messages.
    """
    each = 10

    async def agent(port: Port) -> None:
        order = Tender("retail", port.name, (1.0,), (0.1,))
        async for _ in port.subscribe(Call, market="retail"):
            for _ in range(each):
                port.publish(order)

    async def step(port: Port, number: int) -> None:
        port.publish(Call("retail", number))
        orders = await port.subscriptions[0].collect(until=port.now)
        _require(len(orders) == each * _AGENTS)

    return _steps(step, agent, _AGENTS, Tender) / (each * _AGENTS)


def market_round_s() -> float:
    """CPU time of a call to each of 50,000 agents, a four-point bid back and an award to each [s]."""
    awarded = 0

    async def agent(port: Port) -> None:
        nonlocal awarded
        calls, awards = port.subscribe(Call, market="retail"), port.subscribe(Grant, market="retail")
        name, power_kw = port.name, 3.0
        while True:
            await calls.receive()
            quantity_kw = (-power_kw, 0.0, 0.0, power_kw)
            port.publish(Tender("retail", name, quantity_kw, (0.30, 0.20, 0.15, 0.10 * power_kw)))
            await awards.receive()
            awarded += 1

    async def step(port: Port, number: int) -> None:
        port.publish(Call("retail", number))
        for order in await port.subscriptions[0].collect(until=port.now):
            port.publish(Grant("retail", order.resource, 1.0))
        await port.sleep_until(port.now, LAST)

    seconds = _steps(step, agent, _MARKET_AGENTS, Tender)
    _require(awarded == _MARKET_AGENTS * (_REPEATS + 1))
    return seconds


def _steps(
    step: Callable[[Port, int], Coroutine[object, object, None]], agent: Main, agents: int, *hears: type
) -> float:
    """Median CPU time of a market operator's step [s]; the first, which finds the routes, is not counted."""
    times: list[float] = []

    async def market(port: Port) -> None:
        if hears:
            port.subscribe(*hears)
        for number in range(1, _REPEATS + 2):
            await port.sleep_until(number * SECOND)
            begun = process_time()
            await step(port, number)
            times.append(process_time() - begun)

    _run({"mo.retail": market, **{f"agent.a{i}": agent for i in range(agents)}})
    return median(times[1:])


def _run(mains: dict[str, Main]) -> Any:
    kernel = Kernel(CALENDAR, stop=(_REPEATS + 2) * SECOND, round_limit=10 * _REPEATS * _ROUND_TRIPS)
    for address, main in mains.items():
        kernel.add(address, main)
    anyio.run(kernel.run)
    return kernel.statistics()


def _require(is_done: bool) -> None:
    """Show that a benchmark did its work, also where Python leaves assertions out."""
    if not is_done:
        raise InternalError("a benchmark did not do its work; its figure means nothing")
