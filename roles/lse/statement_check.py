"""A market's statement against the retailer's own books: which lines they contradict, and what is claimed instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from ...kernel import Duration, Instant
from ..interfaces import LineKind, SettlementStatement, StatementLine

_SAME_KWH = 1e-6
"""Quantities that differ by less agree: no meter counts finer."""

_METERED = (LineKind.DAY_AHEAD, LineKind.REAL_TIME, LineKind.IMBALANCE)
"""The kinds whose quantities sum to what was metered, by slot and usage point."""


@attrs.frozen
class Claim:
    """A line of a statement whose quantity is wrong by the retailer's books."""

    line: int
    """Its place in the statement."""
    claimed_kwh: float


@attrs.frozen
class OwnBooks:
    """What the retailer knows of its customers in a market; energies in kWh."""

    usage_points: Callable[[Instant], Sequence[str]]
    """Those that it supplies in the market at an instant."""
    metered: Callable[[str, Instant, Instant], float | None]
    """Energy of a usage point in a span; None where some of it was not read."""
    position: Callable[[str, Instant, Instant], float]
    """Day-ahead position of a usage point in a span."""


def contradictions(statement: SettlementStatement, length: Duration, books: OwnBooks) -> Iterator[Claim]:
    """The lines that the books contradict; ``length`` is that of a slot.

    Day-ahead energy is compared with the position. What was metered is compared with all parts of it together, and the
    difference is claimed of the part that follows from the meter: the imbalance, or what did not bid. Where a read is
    missing nothing can be claimed.
    """
    groups: dict[tuple[Instant, str], list[int]] = {}
    for place, line in enumerate(statement.lines):
        if line.kind in _METERED:
            groups.setdefault((line.slot, line.usage_point), []).append(place)
    for (slot, usage_point), places in groups.items():
        names = [usage_point] if usage_point else books.usage_points(slot)
        span = slot, min(slot + length, statement.end)
        lines = {statement.lines[place].kind: (place, statement.lines[place]) for place in places}
        yield from _position_claims(lines, sum(books.position(name, *span) for name in names))
        metered = [books.metered(name, *span) for name in names]
        known = [energy for energy in metered if energy is not None]
        if len(known) == len(metered):
            yield from _meter_claims(lines, sum(known))


_Lines = dict[LineKind, tuple[int, StatementLine]]


def _position_claims(lines: _Lines, position_kwh: float) -> Iterator[Claim]:
    if LineKind.DAY_AHEAD in lines:
        place, line = lines[LineKind.DAY_AHEAD]
        if abs(line.quantity_kwh - position_kwh) > _SAME_KWH:
            yield Claim(place, position_kwh)


def _meter_claims(lines: _Lines, metered_kwh: float) -> Iterator[Claim]:
    kind = LineKind.IMBALANCE if LineKind.IMBALANCE in lines else LineKind.REAL_TIME
    stated_kwh = sum(line.quantity_kwh for _, line in lines.values())
    if kind in lines and abs(stated_kwh - metered_kwh) > _SAME_KWH:
        place, line = lines[kind]
        yield Claim(place, line.quantity_kwh + metered_kwh - stated_kwh)
