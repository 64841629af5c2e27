"""Bid curves: quantity as a function of price, and the exact sum of many bids.

A bid is a list of (quantity, price) points, price descending and quantity ascending; consumption is positive,
injection negative, so buyers and sellers among the customers meet in one net curve. Above its first price a
bid keeps its first quantity and below its last price its last one: what must run stays in the demand.

A curve is kept as its breakpoints in ascending price, with the quantity just below and just above each.
Between breakpoints it is straight; where the two differ it jumps. Nothing is sampled: a sum of curves has the
breakpoints of all of them, so aggregation is one sort and two running sums (of slopes, then of quantity).
"""

from collections.abc import Sequence
from heapq import heappop, heappush
from math import isfinite
from operator import ge, le
from typing import Self, cast, overload

import attrs
import numpy as np
from numpy.typing import NDArray

from .stacking import HourlyRows, Rows, is_hourly, stack_bids, stack_rows
from .summation import levels, runs, stable_order

__all__ = ["DemandCurve", "FloatArray", "PriceCurve", "aggregate", "asked", "between", "faults", "stack_bids"]

FloatArray = NDArray[np.float64]


@attrs.frozen(eq=False)
class PriceCurve:
    """Quantity against price, straight between breakpoints and constant outside them.

    The arrays have shape (n_prices,) and are made read-only.
    """

    price_per_kwh: FloatArray
    """Breakpoints, strictly ascending. [$/kWh]"""
    below_kw: FloatArray
    """Quantity just below each breakpoint. [kW]"""
    above_kw: FloatArray
    """Quantity just above each breakpoint. [kW]"""

    def __attrs_post_init__(self) -> None:
        prices = self.price_per_kwh
        arrays = prices, self.below_kw, self.above_kw
        if prices.ndim != 1 or not prices.size or len({array.shape for array in arrays}) > 1:
            raise ValueError(f"a curve needs three equal, non-empty rows, not {[a.shape for a in arrays]}")
        if not (np.isfinite(prices).all() and (prices[1:] > prices[:-1]).all()):
            raise ValueError("the breakpoints of a curve must be finite and strictly ascending prices")
        for array in arrays:
            array.setflags(write=False)

    def limits_at(self, price_per_kwh: float) -> tuple[float, float]:
        """Quantity just below and just above a price [kW]; the two differ only where the curve jumps."""
        prices = self.price_per_kwh
        k = int(prices.searchsorted(price_per_kwh))
        if k < prices.size and prices[k] == price_per_kwh:
            return float(self.below_kw[k]), float(self.above_kw[k])
        if k == 0 or k == prices.size:
            quantity_kw = float(self.below_kw[0] if k == 0 else self.above_kw[-1])
        else:
            share = float((price_per_kwh - prices[k - 1]) / (prices[k] - prices[k - 1]))
            quantity_kw = between(float(self.above_kw[k - 1]), float(self.below_kw[k]), share)
        return quantity_kw, quantity_kw


@attrs.frozen(eq=False)
class DemandCurve(PriceCurve):
    """Net demand against price, never rising with it; build it with `aggregate`.

    Raises:
        ValueError: a quantity is not finite, or one rises with the price.
    """

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        falls = (self.above_kw <= self.below_kw).all() and (self.below_kw[1:] <= self.above_kw[:-1]).all()
        if not (falls and np.isfinite(self.below_kw[0]) and np.isfinite(self.above_kw[-1])):
            raise ValueError("demand must be finite and never rise with the price: build it with `aggregate`")

    def quantity_at(self, price_per_kwh: float) -> float:
        """Demand at a price, right-continuous: at a jump, the lower quantity [kW]."""
        return self.limits_at(price_per_kwh)[1]

    def quantity_range_at(self, price_per_kwh: float) -> tuple[float, float]:
        """Lowest and highest demand at a price [kW]; equal except where the curve jumps."""
        high_kw, low_kw = self.limits_at(price_per_kwh)
        return low_kw, high_kw

    def shifted(self, fixed_kw: float) -> Self:
        """Add inelastic load (negative: inelastic injection) [kW]."""
        return attrs.evolve(self, below_kw=self.below_kw + fixed_kw, above_kw=self.above_kw + fixed_kw)

    def capped(self, limit_kw: float) -> Self:
        """The same demand where it does not exceed a limit [kW], and the limit below that price."""
        prices, below, above = self.price_per_kwh, self.below_kw, self.above_kw
        if below[0] <= limit_kw:
            return self
        if above[-1] >= limit_kw:
            flat = np.array([limit_kw])
            return type(self)(prices[-1:].copy(), flat, flat.copy())
        k = int((above <= limit_kw).argmax())
        price = prices[k]
        if below[k] < limit_kw:
            share = (above[k - 1] - limit_kw) / (above[k - 1] - below[k])
            price = prices[k - 1] + share * (prices[k] - prices[k - 1])
        # Where the limit is met a rounding error before a breakpoint, it is met there.
        if price >= prices[k]:
            return type(self)(prices[k:].copy(), np.append(limit_kw, below[k + 1 :]), above[k:].copy())
        rest = [np.append(limit_kw, side[k:]) for side in (below, above)]
        return type(self)(np.append(price, prices[k:]), *rest)

    def points(self) -> tuple[tuple[float, float], ...]:
        """The curve as one bid: (quantity, price) points, price descending."""
        rows = zip(self.price_per_kwh.tolist(), self.above_kw.tolist(), self.below_kw.tolist(), strict=True)
        return tuple(point for p, above, below in reversed(list(rows)) for point in ((above, p), (below, p)))

    def simplified(self, max_points: int = 10) -> tuple[tuple[float, float], ...]:
        """Reduce the curve to at most `max_points` points (quantity [kW], price [$/kWh]), price descending.

        The points lie on the curve and include both ends, so the result is monotone and keeps the full range.
        Lost is what happens between: jumps become slopes, and the quantity is off by as much as the curve
        bows there. Each point added is the one farthest from the chords so far, axes scaled to their range.

        Raises:
            ValueError: fewer than two points are asked for.
        """
        if max_points < 2:
            raise ValueError(f"max_points is {max_points}: a curve needs its two ends")
        quantity_kw = np.column_stack((self.below_kw, self.above_kw)).ravel()[::-1]
        price_per_kwh = np.repeat(self.price_per_kwh, 2)[::-1]
        kept = _farthest_points(_unit(quantity_kw), _unit(price_per_kwh), max_points)
        points = zip(quantity_kw[kept].tolist(), price_per_kwh[kept].tolist(), strict=True)
        return tuple(dict.fromkeys(points))


@overload
def aggregate(quantity_kw: Rows, price_per_kwh: Rows, *, fixed_kw: float = 0.0) -> DemandCurve: ...


@overload
def aggregate(
    quantity_kw: HourlyRows, price_per_kwh: HourlyRows, *, fixed_kw: float | FloatArray = 0.0
) -> tuple[DemandCurve, ...]: ...


def aggregate(
    quantity_kw: Rows | HourlyRows, price_per_kwh: Rows | HourlyRows, *, fixed_kw: float | FloatArray = 0.0
) -> DemandCurve | tuple[DemandCurve, ...]:
    """Sum bids into one net demand curve, exactly; with an axis of hours before, into a tuple of them.

    Rows that are given as sequences may differ in length: a bid repeats its last point as often as need be.

    Args:
        quantity_kw: shape (n_bids, n_points) or (n_hours, n_bids, n_points), ascending along the points. [kW]
        price_per_kwh: same shape, descending along the points. [$/kWh]
        fixed_kw: inelastic load beside the bids, one for all hours or of shape (n_hours,). [kW]

    Raises:
        ValueError: the shapes differ, or a bid is faulty; the message names the bid, its faults, and the hour.
    """
    if not is_hourly(quantity_kw):
        return _sum(cast(Rows, quantity_kw), cast(Rows, price_per_kwh), float(fixed_kw))
    hours = zip(cast(Sequence[Rows], quantity_kw), cast(Sequence[Rows], price_per_kwh), strict=True)
    fixed = np.broadcast_to(fixed_kw, len(quantity_kw)).tolist()
    curves = []
    for hour, (quantity, price) in enumerate(hours):
        try:
            curves.append(_sum(quantity, price, fixed[hour]))
        except ValueError as error:
            raise ValueError(f"hour {hour}: {error}") from error
    return tuple(curves)


def faults(quantity_kw: Sequence[float] | FloatArray, price_per_kwh: Sequence[float] | FloatArray) -> tuple[str, ...]:
    """List everything that is wrong with one bid, arrays of shape (n_points,); empty if it is sound."""
    if isinstance(quantity_kw, tuple) and isinstance(price_per_kwh, tuple) and _sound(quantity_kw, price_per_kwh):
        return ()
    quantity, price = np.asarray(quantity_kw, np.float64), np.asarray(price_per_kwh, np.float64)
    if quantity.shape != price.shape or quantity.ndim != 1:
        return (f"quantities {quantity.shape} and prices {price.shape}: give one price per quantity",)
    if not quantity.size:
        return ("empty: give at least one (quantity, price) point",)
    found = [
        f"{name}[{i}] is {values[i]}: give a finite number"
        for name, values in (("quantity_kw", quantity), ("price_per_kwh", price))
        for i in np.flatnonzero(~np.isfinite(values))
    ]
    found += [
        f"price_per_kwh[{i + 1}] rises from {price[i]} to {price[i + 1]}: sort points by falling price"
        for i in np.flatnonzero(price[1:] > price[:-1])
    ]
    found += [
        f"quantity_kw[{i + 1}] falls from {quantity[i]} to {quantity[i + 1]}: ask no less at a lower price"
        for i in np.flatnonzero(quantity[1:] < quantity[:-1])
    ]
    return tuple(found)


def _sound(quantity_kw: tuple[float, ...], price_per_kwh: tuple[float, ...]) -> bool:
    """Whether a bid is without fault; on a few numbers twenty times as fast as arrays."""
    return (
        0 < len(quantity_kw) == len(price_per_kwh)
        and all(map(isfinite, quantity_kw))
        and all(map(isfinite, price_per_kwh))
        and all(map(le, quantity_kw, quantity_kw[1:]))
        and all(map(ge, price_per_kwh, price_per_kwh[1:]))
    )


def asked(quantity_kw: FloatArray, price_per_kwh: FloatArray, price: FloatArray) -> FloatArray:
    """Power that each bid asks for at its own price [kW]: where it jumps there, the greater.

    ``quantity_kw`` and ``price_per_kwh`` have shape (n_bids, n_points), ``price`` and the result (n_bids,).
    """
    if not quantity_kw.size:
        return np.zeros(len(quantity_kw))
    rows, last = np.arange(len(price)), quantity_kw.shape[1] - 1
    reached = (price_per_kwh >= price[:, np.newaxis]).sum(axis=1)
    above, below = np.clip(reached - 1, 0, last), np.clip(reached, 0, last)
    width = price_per_kwh[rows, above] - price_per_kwh[rows, below]
    share = np.zeros(len(price))
    np.divide(price_per_kwh[rows, above] - price, width, out=share, where=width > 0.0)
    rise = quantity_kw[rows, below] - quantity_kw[rows, above]
    powers: FloatArray = quantity_kw[rows, above] + rise * share
    return powers


def between(start: float, end: float, share: float) -> float:
    """Interpolate so that equal ends and shares of 0 and 1 give the ends themselves."""
    return start + (end - start) * share if share < 0.5 else end - (end - start) * (1 - share)


def _sum(quantity_kw: Rows, price_per_kwh: Rows, fixed_kw: float) -> DemandCurve:
    quantity, price = _by_point(*stack_rows(quantity_kw, price_per_kwh))
    if not price.size:
        return DemandCurve(np.zeros(1), np.full(1, fixed_kw), np.full(1, fixed_kw))
    order = stable_order(price)
    prices = price.ravel()[order]
    level = levels(quantity, price, prices, order) + fixed_kw
    first, last = runs(prices)
    return DemandCurve(prices[first], level[0::2][first], level[1::2][last])


def _by_point(quantity_kw: FloatArray, price_per_kwh: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Turn checked bids to shape (n_points, n_bids): long rows are what NumPy is fast at."""
    if quantity_kw.shape != price_per_kwh.shape or quantity_kw.ndim != 2:
        shapes = f"quantities {quantity_kw.shape} and prices {price_per_kwh.shape}"
        raise ValueError(f"{shapes}: both must be (n_bids, n_points); with hours (n_hours, n_bids, n_points)")
    quantity = np.ascontiguousarray(quantity_kw.T, np.float64)
    price = np.ascontiguousarray(price_per_kwh.T, np.float64)
    finite = np.isfinite(quantity).all(axis=0) & np.isfinite(price).all(axis=0)
    sound = finite & (price[1:] <= price[:-1]).all(axis=0) & (quantity[1:] >= quantity[:-1]).all(axis=0)
    sound &= len(price) > 0
    if not sound.all():
        bad = int(sound.argmin())
        what = "; ".join(faults(quantity[:, bad], price[:, bad]))
        count = f"{int((~sound).sum())} of {sound.size} bids are faulty"
        raise ValueError(f"bid {bad}: {what} ({count}; correct them or leave them out, see `faults`)")
    return quantity, price


def _unit(values: FloatArray) -> FloatArray:
    scaled: FloatArray = (values - values[0]) / (float(np.ptp(values)) or 1.0)
    return scaled


def _farthest_points(x: FloatArray, y: FloatArray, count: int) -> list[int]:
    """Places of at most `count` vertices of a polyline, ends included, greedily (Douglas and Peucker)."""

    def candidate(start: int, end: int) -> tuple[float, int, int, int]:
        dx, dy = x[end] - x[start], y[end] - y[start]
        distance = np.abs(dx * (y[start : end + 1] - y[start]) - dy * (x[start : end + 1] - x[start]))
        farthest = int(distance.argmax())
        return -float(distance[farthest] / (np.hypot(dx, dy) or 1.0)), start + farthest, start, end

    kept, heap = [0, x.size - 1], [candidate(0, x.size - 1)]
    while len(kept) < count and heap[0][0] < -1e-12:
        _, middle, start, end = heappop(heap)
        kept.append(middle)
        heappush(heap, candidate(start, middle))
        heappush(heap, candidate(middle, end))
    return sorted(kept)
