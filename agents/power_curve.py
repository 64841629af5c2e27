"""The power that a curve asks for at a price."""

from __future__ import annotations

from collections.abc import Sequence


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
