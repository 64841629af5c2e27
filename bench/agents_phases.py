"""Where the time of a day of homes goes: shares of a profiled run by part of the program.

``python -m gridbus.bench.agents_phases HOMES LEAD_H SPAN_H`` prints them as JSON. What a function of this program
spends in Python's and other libraries is its own; a profiler makes calls dear, so that arrays look a little cheaper
beside them than they are.
"""

from __future__ import annotations

import pstats
import sys
from cProfile import Profile
from typing import TypeAlias

import attrs

from .agents_day import answer, apart, simulate

PHASES = {
    "physics": ("agents/models/", "agents/kinds/"),
    "planning": ("agents/planning/", "agents/bidding.py", "agents/prices.py", "agents/surroundings.py"),
    "agents": ("agents/",),
    "clearing": ("roles/auction/",),
    "settlement": ("roles/settlement/",),
    "market operator": ("roles/mo/",),
    "retailer": ("roles/lse/",),
    "distribution operator": ("roles/do/",),
    "messages": ("roles/interfaces/",),
    "other roles": ("roles/",),
    "bus and kernel": ("kernel/",),
}
"""Parts by the beginnings of their files' paths in the package; the first that fits."""
LIBRARY = ("agents/models/elementwise.py", "agents/models/parameters.py", "agents/planning/arrays.py")
"""Arithmetic that several parts use; it counts as theirs."""
_OUTSIDE = ("bench/",)
OTHER = "other"
"""What nothing of this program has called."""

Function: TypeAlias = tuple[str, int, str]
Called: TypeAlias = dict[Function, tuple[int, int, float, float]]
"""By caller: calls, calls without recursion, own time and time with all that is called."""
Shares: TypeAlias = dict[str, float]


def shares(homes: int, lead_h: float, span_h: float) -> Shares:
    """Share of each part in the time of the span, without what the benchmark itself does; they sum to 1."""
    profile = Profile()
    simulate(homes, lead_h, span_h, profile.enable)
    profile.disable()
    return by_phase(pstats.Stats(profile))


def shares_apart(homes: int, lead_h: float, span_h: float) -> Shares:
    """The same in a process of its own."""
    found: Shares = apart(__name__, homes, lead_h, span_h)
    return found


def by_phase(stats: pstats.Stats) -> Shares:
    """Share of each phase in a profile."""
    calls: dict[Function, tuple[int, int, float, float, Called]] = stats.stats  # type: ignore[attr-defined]
    owners = _Owners({function: entry[4] for function, entry in calls.items()})
    times = dict.fromkeys([*PHASES, OTHER], 0.0)
    for function, (_, _, own_s, _, callers) in calls.items():
        phase = phase_of(function)
        if phase is not None:
            _add(times, {phase: 1.0}, own_s)
        elif callers:
            for caller, (_, _, for_caller_s, _) in callers.items():
                _add(times, owners.of(caller), for_caller_s)
        else:
            times[OTHER] += own_s
    total = sum(times.values())
    return {phase: time / total for phase, time in times.items()}


def _add(times: Shares, owners: Shares, seconds: float) -> None:
    for phase, share in owners.items():
        if phase in times:
            times[phase] += share * seconds


def phase_of(function: Function) -> str | None:
    """The part that a function belongs to; None for one of a library, ``bench/`` for the benchmark's own."""
    path = function[0].replace("\\", "/").replace("gridbus.", "gridbus/")
    _, found, place = path.rpartition("gridbus/")
    if not found or place.startswith(LIBRARY):
        return None
    if place.startswith(_OUTSIDE):
        return _OUTSIDE[0]
    # Methods that attrs has made have the name of a module, with dots, for a file.
    place = place.replace(".", "/") if not place.endswith(".py") else place
    return next((phase for phase, paths in PHASES.items() if place.startswith(paths)), None)


@attrs.define
class _Owners:
    """Whose work the functions of libraries do: that of their nearest callers in this program."""

    callers: dict[Function, Called]
    _known: dict[Function, Shares] = attrs.field(factory=dict, init=False)

    def of(self, function: Function) -> Shares:
        """Shares of phases in the work of a function."""
        phase = phase_of(function)
        if phase is not None:
            return {phase: 1.0}
        if function not in self._known:
            # For functions that call each other in a circle.
            self._known[function] = {OTHER: 1.0}
            self._known[function] = self._by_callers(self.callers.get(function, {}))
        return self._known[function]

    def _by_callers(self, callers: Called) -> Shares:
        total = sum(entry[3] for entry in callers.values())
        found: Shares = {}
        for caller, (_, _, _, seconds) in callers.items():
            for phase, share in self.of(caller).items():
                found[phase] = found.get(phase, 0.0) + share * (seconds / total if total else 1.0 / len(callers))
        return found or {OTHER: 1.0}


if __name__ == "__main__":
    answer(shares(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
