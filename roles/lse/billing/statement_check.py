"""A market's statement against the retailer's own books: which lines they contradict, and what is claimed instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from ....kernel import HOUR, Duration, Instant
from ...interfaces import LineKind, SettlementStatement, StatementLine
from ..forecast import Expected

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
    expected: Callable[[Instant], Expected | None]
    """What the customers with awards were expected to use in a slot of the series."""


def contradictions(statement: SettlementStatement, length: Duration, books: OwnBooks) -> Iterator[Claim]:
    """The lines that the books contradict; ``length`` is that of a slot.

    Day-ahead energy is compared with the position, imbalance and what did not bid with the meter. A line of one usage
    point has either of the two; in a line for all of them the awards tell which is whose. Where a read is missing
    nothing can be claimed.
    """
    groups: dict[tuple[Instant, str], _Lines] = {}
    for place, line in enumerate(statement.lines):
        if line.kind in _METERED:
            groups.setdefault((line.slot, line.usage_point), {})[line.kind] = place, line
    for (slot, usage_point), lines in groups.items():
        start, end = slot, min(slot + length, statement.end)
        names = [usage_point] if usage_point else books.usage_points(slot)
        position_kwh = sum(books.position(name, start, end) for name in names)
        yield from _claim(lines, LineKind.DAY_AHEAD, position_kwh)
        metered = {name: books.metered(name, start, end) for name in names}
        metered_kwh = {name: energy for name, energy in metered.items() if energy is not None}
        if len(metered_kwh) < len(metered):
            continue
        if usage_point:
            yield from _claim_of_one(lines, metered_kwh[usage_point])
        elif (expected := books.expected(slot)) is not None:
            yield from _claims_of_all(lines, metered_kwh, position_kwh, expected, (end - start) / HOUR)


_Lines = dict[LineKind, tuple[int, StatementLine]]


def _claim(lines: _Lines, kind: LineKind, quantity_kwh: float) -> Iterator[Claim]:
    """The quantity that a line should have, if it has another."""
    if kind in lines:
        place, line = lines[kind]
        if abs(line.quantity_kwh - quantity_kwh) > _SAME_KWH:
            yield Claim(place, quantity_kwh)


def _claim_of_one(lines: _Lines, metered_kwh: float) -> Iterator[Claim]:
    """All parts of one usage point's energy are its meter's: what is missing belongs to the part that is measured."""
    kind = LineKind.IMBALANCE if LineKind.IMBALANCE in lines else LineKind.REAL_TIME
    others_kwh = sum(line.quantity_kwh for each, (_, line) in lines.items() if each is not kind)
    yield from _claim(lines, kind, metered_kwh - others_kwh)


def _claims_of_all(
    lines: _Lines, metered_kwh: Mapping[str, float], position_kwh: float, expected: Expected, hours: float
) -> Iterator[Claim]:
    """What was metered of those with awards beyond what was expected is imbalance; all of the others' energy is not."""
    with_awards = sum(metered_kwh.get(name, 0.0) for name in expected.usage_points)
    without = sum(metered_kwh.values()) - with_awards
    expected_kwh = expected.power_kw * hours
    yield from _claim(lines, LineKind.IMBALANCE, with_awards - expected_kwh)
    yield from _claim(lines, LineKind.REAL_TIME, expected_kwh + without - position_kwh)
