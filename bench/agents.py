"""What agents cost: a day of 1,500 and of 10,000 homes in one process, by phase, and plans beside TESP's agents.

``gridbus bench agents`` simulates some hours and scales them to a day; ``python -m gridbus.bench.agents --full`` all of
it. Each measurement makes sure that the work was done: that every device has bid and was awarded in every clearing,
that energy balances, and that plans are optima.
"""

from __future__ import annotations

import argparse
import sys
from math import nan
from statistics import median
from typing import Any

import orjson

from . import agents_planning, tesp_agents
from .agents_day import Day, simulate_apart
from .agents_phases import shares_apart
from .agents_scenario import DAY_H

Measurement = dict[str, Any]
"""``name``, ``value`` and ``unit``."""

_HOMES, _MANY_HOMES = 1_500, 10_000
_LEAD_H = 1.0
_SPAN_H, _MANY_SPAN_H = 2.0, 1.0
_REPEATS = 3
_PHASES_H = 1.0
_MEGABYTE = 1e6


def measure(*, full: bool = False, repeats: int = _REPEATS) -> list[Measurement]:
    """Measure everything; see the README for what the figures mean.

    ``full`` simulates the whole day; ``repeats`` is how often that of 1,500 homes is.
    """
    rest_h = DAY_H - _LEAD_H
    span_h, many_span_h = (rest_h, rest_h) if full else (_SPAN_H, _MANY_SPAN_H)
    days = [simulate_apart(_HOMES, _LEAD_H, span_h) for _ in range(repeats)]
    many = simulate_apart(_MANY_HOMES, _LEAD_H, many_span_h)
    return [
        *_of_day(days, _how(span_h)),
        *_of_day([many], _how(many_span_h)),
        _bytes_per_agent(days, many),
        *_phases(),
        *_plans(),
    ]


def _how(span_h: float) -> str:
    """How a figure of a day was found, for its unit."""
    hours = _LEAD_H + span_h
    return "" if hours == DAY_H else f", scaled from {hours:g} h"


def _of_day(days: list[Day], how: str) -> list[Measurement]:
    """Medians of runs that are alike but for their times."""
    first, name = days[0], f"day_{days[0].homes}"
    return [
        {"name": f"{name}_trading_devices", "value": first.trading, "unit": f"of {first.agents}"},
        {"name": f"{name}_cpu_s", "value": round(median(day.cpu_s for day in days), 1), "unit": f"s{how}"},
        {
            "name": f"{name}_agent_steps_per_s",
            "value": round(median(day.steps_per_s for day in days)),
            "unit": "device intervals by s of CPU",
        },
        {"name": f"{name}_messages", "value": round(first.messages), "unit": f"1{how}"},
        {
            "name": f"{name}_peak_rss_mb",
            "value": round(median(day.peak_bytes for day in days) / _MEGABYTE, 1),
            "unit": f"MB{how.replace('scaled from', 'after')}",
        },
        {"name": f"{name}_optimal_share", "value": round(first.optimal_share, 4), "unit": "1"},
    ]


def _bytes_per_agent(days: list[Day], many: Day) -> Measurement:
    """What an agent adds to the resident set, with what the roles know of it."""
    peak = median(day.peak_bytes for day in days)
    more = many.agents - days[0].agents
    unit = f"B, of the resident set, from {days[0].homes:,} to {many.homes:,} homes"
    return {"name": "bytes_per_agent", "value": round((many.peak_bytes - peak) / more), "unit": unit}


def _phases() -> list[Measurement]:
    found = shares_apart(_HOMES, _LEAD_H, _PHASES_H)
    return [
        {"name": f"share_{phase.replace(' ', '_')}", "value": round(share, 4), "unit": "1, of the profiled time"}
        for phase, share in found.items()
    ]


def _plans() -> list[Measurement]:
    ours = [
        {
            "name": f"plan_{kind}_{count}_ms",
            "value": round(agents_planning.plan_ms(kind, count), 4),
            "unit": "ms by device",
        }
        for kind in agents_planning.KINDS
        for count in agents_planning.COUNTS
    ]
    return [*ours, *(entry for kind in agents_planning.KINDS for entry in _beside_tesp(kind))]


def _beside_tesp(kind: str) -> list[Measurement]:
    """The same devices by TESP and by us, and how many times as long it takes."""
    missing = tesp_agents.missing()
    names = f"tesp_{kind}_ms", f"{kind}_same_devices_ms", f"{kind}_ratio", f"{kind}_difference_kw"
    units = "ms by device", "ms by device", "1", "kW"
    if missing:
        return [
            {"name": name, "value": nan, "unit": f"{unit} ({missing})"} for name, unit in zip(names, units, strict=True)
        ]
    found = agents_planning.compare(kind)
    values = found.tesp_ms, found.ours_ms, found.tesp_ms / found.ours_ms, found.difference_kw
    units = f"ms by device, of {found.solved} of {found.devices} that its solver has done", *units[1:]
    return [
        {"name": name, "value": float(f"{value:.4g}"), "unit": unit}
        for name, value, unit in zip(names, values, units, strict=True)
    ]


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description="What agents cost.")
    parser.add_argument("--full", action="store_true", help="the whole day, also of 10,000 homes: a quarter of an hour")
    parser.add_argument("--repeats", type=int, default=_REPEATS, help="how often 1,500 homes are simulated")
    options = parser.parse_args()
    for entry in measure(full=options.full, repeats=options.repeats):
        sys.stdout.buffer.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
