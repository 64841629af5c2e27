"""The other process of the network benchmark: ``python -m gridbus.bench.network_peer URL channels|component``."""

from __future__ import annotations

import sys
from typing import Any

import anyio

from ..kernel import UsageError
from ..kernel.collector import quiet_collector
from ..kernel.nats.bus import NatsBus
from .network_ends import BARE, OURS, Check, OurEnd, Ways, bare_client, component_scenario, listen

READY = b"ready\n"
"""What it writes when it listens."""
CHANNELS, COMPONENT = "channels", "component"


async def channels(url: str) -> None:
    """Answer frames of both kinds until this process is ended."""
    end = await OurEnd.open(url, Ways(OURS).there, leads=False)
    await _serve_bare(url, Ways(BARE))
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    with quiet_collector():
        await _serve_ours(end, Ways(OURS))


async def _serve_ours(end: OurEnd, ways: Ways) -> None:
    check = Check()
    while True:
        subject, content = await end.next()
        if subject == ways.echo:
            await end.send(ways.back, content)
        elif content:
            check.take(content)
        else:
            await end.send(ways.back, check.summary())


async def _serve_bare(url: str, ways: Ways) -> None:
    client = await bare_client(url)
    check = Check()

    async def echo(message: Any) -> None:
        await client.publish(ways.back, message.data)

    async def take(message: Any) -> None:
        if message.data:
            check.take(message.data)
        else:
            await client.publish(ways.back, check.summary())

    await listen(client, ways.echo, echo)
    await listen(client, ways.frames, take)
    await client.flush()


async def component(url: str, round_limit: int) -> None:
    """Take part in the run of two components, to its end."""
    await NatsBus(url, only=("do",), patience_s=10).take_part(component_scenario(round_limit))


def main(arguments: list[str]) -> int:
    """Be the other process in the way that the arguments say."""
    url, what, *more = arguments
    options = NatsBus().loop()
    if what == CHANNELS:
        anyio.run(channels, url, backend_options=options)
    elif what == COMPONENT:
        anyio.run(component, url, int(more[0]), backend_options=options)
    else:
        raise UsageError(f"expected {CHANNELS} or {COMPONENT}, got {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
