"""A process that another one has started to take part in its run: ``python -m gridbus.kernel.nats.child FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from ..errors import GridbusError
from ..run import run
from ..scenario import Scenario
from .bus import NatsBus


def main(file: str) -> int:
    """Take part as the file says; returns the exit code."""
    data = orjson.loads(Path(file).read_bytes())
    scenario = Scenario.from_data(data["scenario"], file)
    bus = NatsBus(
        data["url"],
        only=[data["member"]],
        shard=data["shard"],
        run=data["run"],
        credentials=Path(data["credentials"]),
        patience_s=data["patience_s"],
    )
    try:
        run(scenario, records=False, bus=bus)
    except GridbusError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
