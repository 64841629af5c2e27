"""Bids of one device as a table of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from ...kernel import HOUR, MINUTE
from ..planning.bids import Bids
from ..surroundings import FloatArray
from .curves import EVENING, SLOT, BidCurves

HOURS_SHOWN = 3
"""Hours of the day ahead that are shown."""


@attrs.frozen(eq=False)
class Shown:
    """The bids for one slot in one weather, by slider; arrays of shape (n_sliders, 4)."""

    name: str
    expected_per_kwh: float
    quantity_kw: FloatArray
    price_per_kwh: FloatArray


def table(sliders: Sequence[float], curves: Sequence[BidCurves]) -> Iterator[str]:
    """Four points of each bid, power at price from dear to cheap; weathers that change nothing are one row."""
    yield f"{'weather':<14}  {'slot':<16}  expected  slider  power [kW] at price [$/kWh]"
    for weather, each in distinct(curves):
        for slot in slots(each):
            head = f"{weather:<14}  {slot.name:<16}  {slot.expected_per_kwh:8.3f}"
            for slider, quantities, prices in zip(sliders, slot.quantity_kw, slot.price_per_kwh, strict=True):
                points = "  ".join(
                    f"{round(kw, 2) + 0.0:6.2f} at {price:6.3f}" for kw, price in zip(quantities, prices, strict=True)
                )
                yield f"{head}  {slider:6.2f}  {points}"
                head = " " * len(head)


def _points(quantities: FloatArray, prices: FloatArray) -> str:
    """The points of a bid; what is rounded to zero has no sign."""
    pairs = zip(quantities.tolist(), prices.tolist(), strict=True)
    return "  ".join(f"{round(kw, 2) + 0.0:6.2f} at {price:6.3f}" for kw, price in pairs)


def distinct(curves: Sequence[BidCurves]) -> list[tuple[str, BidCurves]]:
    """The curves with a name of their weather each, or just one of them where weather does not matter."""
    first = curves[0]
    if len(curves) > 1 and all(_is_same(first, each) for each in curves):
        return [("any weather", first)]
    return [(f"{each.outdoor_c:g} °C outdoors", each) for each in curves]


def slots(curves: BidCurves) -> list[Shown]:
    """The present slot and the first hours of the day ahead."""
    ahead, expected = curves.day_ahead, curves.expected_per_kwh.tolist()
    now = _shown(f"now, {SLOT // MINUTE} min", expected[0], curves.real_time, 0)
    clocks = [EVENING.local(hour * HOUR) for hour in range(HOURS_SHOWN)]
    return [now, *(_shown(f"day ahead, {clock:%H:%M}", expected[h], ahead, h) for h, clock in enumerate(clocks))]


def _shown(name: str, expected_per_kwh: float, bids: Bids, place: int) -> Shown:
    return Shown(name, expected_per_kwh, bids.quantity_kw[:, place], bids.price_per_kwh[:, place])


def _is_same(one: BidCurves, other: BidCurves) -> bool:
    pairs = zip((one.real_time, one.day_ahead), (other.real_time, other.day_ahead), strict=True)
    return all(
        np.array_equal(a.quantity_kw, b.quantity_kw) and np.array_equal(a.price_per_kwh, b.price_per_kwh)
        for a, b in pairs
    )
