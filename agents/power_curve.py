"""Curves of power by price: what they ask for, and how they are kept within bounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Rows = tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]
"""Quantities [kW] and prices [$/kWh] of the curves of one device, a row a slot."""


def power_at(quantity_kw: Sequence[float], price_per_kwh: Sequence[float], price: float) -> float:
    """The power at a price [kW]; where the curve jumps there, the greater. Quantities ascend and prices descend."""
    above = 0
    for place, each in enumerate(price_per_kwh):
        if each < price:
            width = price_per_kwh[above] - each
            share = (price_per_kwh[above] - price) / width if price_per_kwh[above] > price else 0.0
            return quantity_kw[above] + (quantity_kw[place] - quantity_kw[above]) * share
        above = place
    return quantity_kw[above]


def within(rows: Rows, bounds_kw: Iterable[tuple[float, float]]) -> Rows:
    """Curves whose points lie within the most that may be drawn and injected in each slot."""
    quantities, prices = rows
    cut = (
        quantity if -most_out <= quantity[0] and quantity[-1] <= most_in else _cut(quantity, -most_out, most_in)
        for quantity, (most_in, most_out) in zip(quantities, bounds_kw, strict=False)
    )
    return tuple(cut), prices


def _cut(quantity_kw: Sequence[float], least_kw: float, most_kw: float) -> tuple[float, ...]:
    return tuple(min(max(kw, least_kw), most_kw) for kw in quantity_kw)
