"""Allocation: what each bid gets of what was cleared."""

import numpy as np
from numpy.typing import NDArray

from .clearing import Clearing, TieRule
from .curves import FloatArray
from .summation import segments

Arrival = NDArray[np.integer] | NDArray[np.floating]


def allocate(
    quantity_kw: FloatArray,
    price_per_kwh: FloatArray,
    clearing: Clearing,
    *,
    fixed_kw: float = 0.0,
    ties: TieRule = TieRule.PRO_RATA,
    arrival: Arrival | None = None,
) -> FloatArray:
    """Award each bid its quantity at the clearing price, shape (n_bids,) [kW].

    The awards and the inelastic load add up to `clearing.quantity_kw`. Bids that jump at the price share what is left
    for them by the tie rule. So do all consumers where load is shed, and all injectors where surplus is curtailed:
    pro rata each keeps the same share, by time the latest are cut first.

    By time, buyers and sellers at the margin exchange as much as they can, so that only one side has to be ranked.

    Args:
        quantity_kw: the bids that were aggregated, shape (n_bids, n_points). [kW]
        price_per_kwh: their prices, same shape. [$/kWh]
        clearing: the result of clearing their sum.
        fixed_kw: inelastic load that takes its part of a pro-rata cut; leave it out to spare it. By time it came
            first. [kW]
        ties: how those share who cannot all have what they ask for.
        arrival: when each bid arrived, shape (n_bids,), earlier is less; equals rank in the order of the rows.

    Raises:
        ValueError: bids are to be ranked by time and `arrival` does not say when each came.
    """
    if ties is TieRule.TIME and (arrival is None or arrival.shape != quantity_kw.shape[:1]):
        raise ValueError(f"to rank {len(quantity_kw)} bids by time, give the arrival of each")
    if not quantity_kw.size:
        return np.zeros(len(quantity_kw))
    if ties is TieRule.PRO_RATA or arrival is None:
        return _cut(_awards(quantity_kw, price_per_kwh, clearing, clearing.marginal_fraction), clearing, fixed_kw)
    rank = arrival.argsort(kind="stable")
    low_kw, high_kw = (_awards(quantity_kw, price_per_kwh, clearing, share) for share in (0.0, 1.0))
    return _cut_latest(_ranked(low_kw, high_kw, clearing.marginal_fraction, rank), clearing, rank)


def _awards(quantity_kw: FloatArray, price_per_kwh: FloatArray, clearing: Clearing, fraction: float) -> FloatArray:
    """Quantities at the clearing price, with a share of every jump there."""
    quantity, price = np.ascontiguousarray(quantity_kw.T), np.ascontiguousarray(price_per_kwh.T)
    _, width, is_step = segments(quantity, price)
    drop = price[:-1] - clearing.price_per_kwh
    share = np.clip(np.divide(drop, width, out=np.zeros_like(drop), where=~is_step), 0.0, 1.0)
    below = price[1:] - clearing.price_per_kwh
    np.copyto(share, np.where(below == 0, fraction, below > 0), where=is_step)
    # Weights of the points, not of the segments: exact wherever the price falls on a point.
    weight = -np.diff(share, axis=0, prepend=1.0, append=0.0)
    awards: FloatArray = (quantity * weight).sum(axis=0)
    return awards


def _ranked(low_kw: FloatArray, high_kw: FloatArray, fraction: float, rank: NDArray[np.intp]) -> FloatArray:
    """Awards between the ends of the jumps: together a share of all jumps, and each by its rank."""
    if fraction in (0.0, 1.0):
        return high_kw if fraction else low_kw
    neutral_kw = np.clip(0.0, low_kw, high_kw)
    buys, sells = high_kw - neutral_kw, neutral_kw - low_kw
    left_kw = fraction * float((high_kw - low_kw).sum())
    bought_kw = min(float(buys.sum()), left_kw)
    sold_kw = float(sells.sum()) - (left_kw - bought_kw)
    awards: FloatArray = neutral_kw + _filled(buys, bought_kw, rank) - _filled(sells, sold_kw, rank)
    return awards


def _filled(wanted_kw: FloatArray, total_kw: float, rank: NDArray[np.intp]) -> FloatArray:
    """Give out a total, to each what it wants as long as there is something left."""
    ahead_kw = wanted_kw[rank].cumsum()
    filled = np.empty_like(wanted_kw)
    filled[rank] = np.clip(total_kw - (ahead_kw - wanted_kw[rank]), 0.0, wanted_kw[rank])
    return filled


def _cut(awards: FloatArray, clearing: Clearing, fixed_kw: float) -> FloatArray:
    """Take what is shed from consumption, or what is curtailed from injection, in proportion."""
    sign = np.sign(clearing.shed_kw)
    total_kw = np.maximum(sign * awards, 0.0).sum() + max(sign * fixed_kw, 0.0)
    kept = max(1.0 - abs(clearing.shed_kw) / total_kw, 0.0) if total_kw else 0.0
    return np.where(sign * awards > 0, awards * kept, awards)


def _cut_latest(awards: FloatArray, clearing: Clearing, rank: NDArray[np.intp]) -> FloatArray:
    """Likewise, but from those who came last."""
    sign = np.sign(clearing.shed_kw)
    wanted_kw = np.maximum(sign * awards, 0.0)
    kept_kw = max(float(wanted_kw.sum()) - abs(clearing.shed_kw), 0.0)
    return np.where(sign * awards > 0, sign * _filled(wanted_kw, kept_kw, rank), awards)
