"""Clearing a slot within the limits of network elements.

A limited transformer's orders are cleared as one order that ends at the limit; when that binds, the orders below it
are cleared again among themselves, at a local price above the market's. The substation's limit is that of the whole
market.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from .allocation import Arrival, allocate
from .clearing import Clearing, Outcome, SupplyCurve, TieRule, clear
from .curves import DemandCurve, FloatArray, aggregate, stack_bids

_TOLERANCE_KW = 1e-9


@attrs.frozen(eq=False)
class Slot:
    """All that is bid and offered in a slot; arrays of shape (n_orders, n_points) and (n_orders,)."""

    quantity_kw: FloatArray
    price_per_kwh: FloatArray
    transformer: NDArray[np.intp]
    """The transformer above each order."""
    inelastic_kw: float
    """Load that does not bid. [kW]"""
    supply_price_per_kwh: float
    supply_kw: float
    """Most that is offered at that price. [kW]"""
    price_cap_per_kwh: float
    price_floor_per_kwh: float
    ties: TieRule = TieRule.PRO_RATA
    arrival: Arrival | None = None
    """When each order arrived, for ties by time; orders below a binding transformer rank as the first of them."""

    def demand(self) -> DemandCurve:
        """The demand of all orders and the inelastic load."""
        return aggregate(self.quantity_kw, self.price_per_kwh, fixed_kw=self.inelastic_kw)


@attrs.frozen(eq=False)
class SlotResult:
    """A cleared slot; arrays of shape (n_orders,)."""

    clearing: Clearing
    award_kw: FloatArray
    price_per_kwh: FloatArray
    """Price at each order, above the market's below a transformer whose limit binds. [$/kWh]"""
    binding: tuple[int, ...]
    """Transformers whose limit binds."""


def clear_slot(
    slot: Slot,
    *,
    market_limit_kw: float | None = None,
    transformer_limit_kw: Mapping[int, float] | None = None,
) -> SlotResult:
    """Clear a slot so that its orders draw no more than the limits [kW] together; inelastic load comes on top.

    Prices make orders draw less, not inject: a limit below zero is taken as zero, and the rest is for curtailment.
    """
    groups = _capped_groups(slot, transformer_limit_kw or {})
    free = ~np.isin(slot.transformer, [place for place, _ in groups])
    clearing = _clear(slot, _stacked(slot, free, [curve for _, curve in groups]), market_limit_kw)
    binding = [
        (place, curve)
        for place, curve in groups
        if _most_kw(_of(slot, slot.transformer == place), clearing) > _most_kw(curve, clearing) + _TOLERANCE_KW
    ]
    single = ~np.isin(slot.transformer, [place for place, _ in binding])
    bids = _stacked(slot, single, [curve for _, curve in binding])
    arrival = _arrivals(slot, single, [place for place, _ in binding])
    awards = allocate(*bids, clearing, ties=slot.ties, arrival=arrival)
    award_kw = np.zeros(len(slot.transformer))
    price = np.full(len(slot.transformer), clearing.price_per_kwh)
    award_kw[single] = awards[: int(single.sum())]
    for (place, _), limit in zip(binding, awards[int(single.sum()) :].tolist(), strict=True):
        below = slot.transformer == place
        local = _clear_below(slot, below, clearing.price_per_kwh, limit)
        award_kw[below] = allocate(
            slot.quantity_kw[below],
            slot.price_per_kwh[below],
            local,
            ties=slot.ties,
            arrival=_arrivals(slot, below, []),
        )
        price[below] = local.price_per_kwh
    return SlotResult(clearing, award_kw, price, tuple(place for place, _ in binding))


def _clear(slot: Slot, bids: tuple[FloatArray, FloatArray], market_limit_kw: float | None) -> Clearing:
    limit = None if market_limit_kw is None else max(slot.inelastic_kw + market_limit_kw, 0.0)
    return clear(
        aggregate(*bids, fixed_kw=slot.inelastic_kw),
        SupplyCurve.flat(slot.supply_price_per_kwh, slot.supply_kw, export_kw=slot.supply_kw),
        price_cap=slot.price_cap_per_kwh,
        price_floor=slot.price_floor_per_kwh,
        limit_kw=limit,
    )


def _clear_below(slot: Slot, below: NDArray[np.bool_], price_per_kwh: float, limit_kw: float) -> Clearing:
    demand = _of(slot, below)
    low_kw, high_kw = demand.quantity_range_at(price_per_kwh)
    if low_kw <= limit_kw < high_kw:
        # The group stands at the margin of the market itself, maybe with more injection than load.
        share = (limit_kw - low_kw) / (high_kw - low_kw)
        return Clearing(price_per_kwh, limit_kw, Outcome.CLEARED, share)
    return clear(
        demand,
        SupplyCurve.flat(price_per_kwh),
        price_cap=slot.price_cap_per_kwh,
        price_floor=slot.price_floor_per_kwh,
        limit_kw=limit_kw,
    )


def _capped_groups(slot: Slot, limits_kw: Mapping[int, float]) -> list[tuple[int, DemandCurve]]:
    there = {place: _of(slot, slot.transformer == place) for place in sorted(limits_kw)}
    return [(place, curve.capped(max(limits_kw[place], 0.0))) for place, curve in there.items()]


def _most_kw(curve: DemandCurve, clearing: Clearing) -> float:
    """Demand just below the price: what a curve that jumps there may be awarded."""
    return curve.limits_at(clearing.price_per_kwh)[0]


def _of(slot: Slot, chosen: NDArray[np.bool_]) -> DemandCurve:
    return aggregate(slot.quantity_kw[chosen], slot.price_per_kwh[chosen])


def _stacked(slot: Slot, chosen: NDArray[np.bool_], curves: Sequence[DemandCurve]) -> tuple[FloatArray, FloatArray]:
    """The chosen orders followed by curves, one row each."""
    quantity, price = slot.quantity_kw[chosen], slot.price_per_kwh[chosen]
    if not curves:
        return quantity, price
    more_quantity, more_price = stack_bids([curve.points() for curve in curves])
    width = max(quantity.shape[1], more_quantity.shape[1])
    return (
        np.concatenate([_padded(quantity, width), _padded(more_quantity, width)]),
        np.concatenate([_padded(price, width), _padded(more_price, width)]),
    )


def _arrivals(slot: Slot, chosen: NDArray[np.bool_], places: Sequence[int]) -> Arrival | None:
    """Arrivals of the chosen orders, followed by the first arrival below each of the transformers."""
    arrival = slot.arrival
    if arrival is None:
        return None
    first = [arrival[slot.transformer == place].min() for place in places]
    return np.concatenate([arrival[chosen], np.array(first, arrival.dtype)])


def _padded(rows: FloatArray, width: int) -> FloatArray:
    """Rows of the wanted width; the last point is repeated."""
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])), mode="edge") if rows.shape[1] < width else rows


def curtailed(award_kw: FloatArray, below: NDArray[np.bool_], limit_kw: float) -> tuple[FloatArray, float]:
    """Cut the consuming awards below an element pro rata to its limit; returns the awards and the factor left."""
    consuming = below & (award_kw > 0.0)
    total, injected = float(award_kw[consuming].sum()), float(award_kw[below & ~consuming].sum())
    if total + injected <= limit_kw or total <= 0.0:
        return award_kw, 1.0
    factor = max((limit_kw - injected) / total, 0.0)
    return np.where(consuming, award_kw * factor, award_kw), factor
