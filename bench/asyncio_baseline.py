"""The same work with what Python brings: a task and a queue an agent. For scale, in the same run."""

from __future__ import annotations

import asyncio
import gc
from statistics import median
from time import process_time

from .kernel_messages import Call, Grant, Tender


async def round_trip_s(trips: int, repeats: int) -> float:
    """CPU time of a message and its answer between two tasks [s]."""
    there: asyncio.Queue[Tender] = asyncio.Queue()
    back: asyncio.Queue[Grant] = asyncio.Queue()

    async def answer() -> None:
        while True:
            order = await there.get()
            back.put_nowait(Grant("retail", order.resource, 1.0))

    task = asyncio.create_task(answer())
    times = []
    for _ in range(repeats):
        begun = process_time()
        for _ in range(trips):
            there.put_nowait(Tender("retail", "caller", (1.0,), (0.1,)))
            await back.get()
        times.append((process_time() - begun) / trips)
    task.cancel()
    return median(times)


async def market_round_s(agents: int, repeats: int) -> float:
    """CPU time of a call to each agent, a four-point bid back and an award to each [s]."""
    inbox: asyncio.Queue[Tender] = asyncio.Queue()
    queues: dict[str, asyncio.Queue[Call | Grant]] = {f"a{i}": asyncio.Queue() for i in range(agents)}

    async def agent(name: str, queue: asyncio.Queue[Call | Grant]) -> None:
        power_kw = 3.0
        while True:
            await queue.get()
            inbox.put_nowait(
                Tender("retail", name, (-power_kw, 0.0, 0.0, power_kw), (0.30, 0.20, 0.15, 0.10 * power_kw))
            )
            await queue.get()

    tasks = [asyncio.create_task(agent(name, queue)) for name, queue in queues.items()]
    await asyncio.sleep(0)
    gc.collect()
    gc.freeze()
    times = []
    for number in range(repeats):
        begun = process_time()
        call = Call("retail", number)
        for queue in queues.values():
            queue.put_nowait(call)
        for _ in range(agents):
            order = await inbox.get()
            queues[order.resource].put_nowait(Grant("retail", order.resource, 1.0))
        await asyncio.sleep(0)
        times.append(process_time() - begun)
    gc.unfreeze()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return median(times)
