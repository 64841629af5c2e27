"""A market's statement against the retailer's own books: which lines they contradict, and what is claimed instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs
import numpy as np

from ....kernel import HOUR, Duration, Instant
from ...interfaces import LineKind, SettlementStatement, StatementLine
from ..customers.points import FloatArray, Places
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
    """What the retailer knows of its customers in a market, whose usage points are known by their places."""

    places: Callable[[Sequence[str]], Places]
    """Of some usage points."""
    supplied: Callable[[Instant], Places]
    """Of those that it supplies in the market at an instant."""
    metered_kwh: Callable[[Places, Instant, Instant], FloatArray]
    """Energy in a span; not a number where some of it was not read."""
    position_kwh: Callable[[Places, Instant, Instant], FloatArray]
    """Day-ahead positions in a span."""
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
        places = books.places([usage_point]) if usage_point else books.supplied(slot)
        position_kwh = float(books.position_kwh(places, start, end).sum())
        yield from _claim(lines, LineKind.DAY_AHEAD, position_kwh)
        metered_kwh = books.metered_kwh(places, start, end)
        if np.isnan(metered_kwh).any():
            continue
        if usage_point:
            yield from _claim_of_one(lines, float(metered_kwh[0]))
        elif (expected := books.expected(slot)) is not None:
            bids = np.isin(places, expected.places)
            with_awards, others = float(metered_kwh[bids].sum()), float(metered_kwh[~bids].sum())
            expected_kwh = expected.power_kw * ((end - start) / HOUR)
            yield from _claims_of_all(lines, with_awards, others, expected_kwh, position_kwh)


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
    lines: _Lines, with_awards_kwh: float, others_kwh: float, expected_kwh: float, position_kwh: float
) -> Iterator[Claim]:
    """What was metered of those with awards beyond what was expected is imbalance; all of the others' energy is not."""
    yield from _claim(lines, LineKind.IMBALANCE, with_awards_kwh - expected_kwh)
    yield from _claim(lines, LineKind.REAL_TIME, expected_kwh + others_kwh - position_kwh)
