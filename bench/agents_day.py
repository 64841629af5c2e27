"""A day of homes in one process: what it costs, and whether the work was done.

``python -m gridbus.bench.agents_day HOMES LEAD_H SPAN_H`` prints the figures of one run as JSON: a process of its own,
so that CPU time and memory are those of the run, with all that is imported. Nothing is recorded. The run ends after a
lead-in and a span; what is left of the day is taken to cost what the span costs.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from time import process_time
from typing import Any

import anyio
import attrs
import orjson

from ..kernel import HOUR, Instant, InternalError
from ..kernel.run import compose
from .agents_scenario import DAY_H, INTERVAL_MIN, count_devices, population, scenario
from .agents_tally import Tally

_BYTES_PER_UNIT = 1 if sys.platform == "darwin" else 1024
"""Of the greatest resident set, as the operating system counts it."""


@attrs.frozen
class Day:
    """What a day costs."""

    homes: int
    agents: int
    """Devices, also those that do not trade, and household loads."""
    trading: int
    """Devices that trade."""
    cpu_s: float
    """CPU time of the process for all of the day."""
    steps_per_s: float
    """Metering intervals of devices by CPU second of the span."""
    messages: float
    """Messages of all of the day."""
    peak_bytes: float
    """Greatest resident set."""
    optimal_share: float
    """Share of day-ahead plans that are optima within all bounds."""


def simulate(homes: int, lead_h: float, span_h: float, on_lead: Callable[[], object] = lambda: None) -> Day:
    """Run the scenario in this process, and make sure that all devices have taken part.

    ``on_lead`` is called when the lead-in is over.

    Raises:
        InternalError: something is missing: orders, awards or energy.
    """
    lead, stop = round(lead_h * HOUR), round((lead_h + span_h) * HOUR)
    devices, trading = count_devices(population(homes))
    tally = Tally()
    marks = _Marks(tally, [(lead, on_lead), (stop, _end)])
    kernel = compose(scenario(homes), observers=(tally,), on_instant=marks.see)
    with suppress(_Over):
        anyio.run(kernel.run)
    tally.check(devices=devices, trading=trading, stop=stop)
    (lead_s, lead_messages), (stop_s, stop_messages) = marks.seen
    span_s, more = stop_s - lead_s, (DAY_H - lead_h - span_h) / span_h
    return Day(
        homes=homes,
        agents=devices,
        trading=trading,
        cpu_s=stop_s + more * span_s,
        steps_per_s=devices * span_h * (60 / INTERVAL_MIN) / span_s,
        messages=stop_messages + more * (stop_messages - lead_messages),
        peak_bytes=_BYTES_PER_UNIT * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        optimal_share=tally.optimal_share,
    )


class _Over(Exception):
    """The run has come as far as it is wanted."""


def _end() -> None:
    raise _Over


@attrs.define
class _Marks:
    """Notes CPU time and messages when certain instants are over."""

    tally: Tally
    ahead: list[tuple[Instant, Callable[[], object]]]
    """Instants, and what is done then."""
    seen: list[tuple[float, int]] = attrs.field(factory=list, init=False)

    def see(self, now: Instant) -> None:
        """An instant begins."""
        while self.ahead and now > self.ahead[0][0]:
            _, do = self.ahead.pop(0)
            self.seen.append((process_time(), self.tally.messages))
            do()


def simulate_apart(homes: int, lead_h: float, span_h: float) -> Day:
    """The same in a process of its own."""
    return Day(**apart(__name__, homes, lead_h, span_h))


def apart(module: str, *arguments: float) -> Any:
    """What a module of this package prints as JSON in a process of its own.

    Raises:
        InternalError: it failed.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - a module of this package
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise InternalError(f"{module} failed in a process of its own: {lines[-1] if lines else done.returncode}")
    return orjson.loads(done.stdout)


def answer(content: object) -> None:
    """Print what the process is asked for."""
    sys.stdout.buffer.write(orjson.dumps(content))


if __name__ == "__main__":
    answer(attrs.asdict(simulate(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))))
