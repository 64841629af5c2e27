"""The market of the DSO+T study on its grid of prices, to compare the exact one with.

TESP samples every bid at 100 prices, adds the samples, and looks for the crossing with a supply that is sampled too.
`sample_bids` and `clear_on_grid` do the same arithmetic in the same order, so that price and quantity agree with
tesp-support 1.3.7 (`Curve.curve_aggregator` and `RetailMarket.clear_market`) to the last digits. Where bids are summed
differently by `aggregate`, and why, says `grid_differences`. The clearing differs from `clear` in that

* the supply is taken from a straight line between samples, and at the last sample of the demand is the price cap,
* the limit holds nothing back: it only gives the result another type and a surcharge,
* there may be no result, and a result may lie above the cap.

Source: H. M. Reeve et al., Distribution System Operator with Transactive (DSO+T) Study, PNNL-32170, 2022; observed
results of tesp-support 1.3.7.
"""

import enum
from collections.abc import Sequence
from math import inf

import attrs
import numpy as np

from .bid_forms import Points
from .curves import FloatArray

SAMPLES = 100
"""Prices of a curve in the study."""
_CONGESTION_PER_KWH = 1e-7
"""Surcharge for each kW above the limit where no crossing is found. [$/kWh per kW]"""
_SPREAD_KW = 0.1
"""Where the demand stands upright, how far a line through the supply reaches to both sides. [kW]"""

Point = tuple[float, float]


class GridClearingType(enum.IntEnum):
    """How the study says that a market ended."""

    UNCONGESTED = 0
    CONGESTED = 1
    FAILURE = 2


@attrs.frozen(eq=False)
class GridCurve:
    """Quantities at prices; arrays of shape (n_samples,)."""

    price_per_kwh: FloatArray
    """Of a demand, descending in even steps; of a supply, ascending. [$/kWh]"""
    quantity_kw: FloatArray
    """Quantity at each price. [kW]"""
    is_elastic: bool = True
    """Of a demand, whether its quantity depends on the price."""


@attrs.frozen
class GridClearing:
    """The result of one market interval; all infinite if it failed."""

    price_per_kwh: float
    quantity_kw: float
    clearing_type: GridClearingType
    surcharge_per_kwh: float = 0.0
    """Part of the price that is put down to congestion. [$/kWh]"""


_FAILURE = GridClearing(inf, inf, GridClearingType.FAILURE, inf)


# Aggregation


def sample_bids(
    bids: Sequence[Points], *, highest_per_kwh: float, lowest_per_kwh: float = 0.0, samples: int = SAMPLES
) -> GridCurve:
    """Sum bids of (quantity [kW], price [$/kWh]) points, price descending, at evenly spaced prices.

    Args:
        bids: two to four points each; which come twice matters, as in the study's code, and with more than four
            so does the processor there.
        highest_per_kwh: first price of the grid; what lies above is cut off. [$/kWh]
        lowest_per_kwh: last price of the grid; what lies below it or below zero is cut off. [$/kWh]
        samples: prices of the grid.

    Raises:
        ValueError: a bid has one point.
    """
    total, is_elastic = np.zeros(samples), False
    for number, bid in enumerate(bids):
        if len(bid) == 1:
            raise ValueError(f"bid {number} has one point: the grid takes two or more, so repeat it")
        _add(total, _within(as_sorted(bid), highest_per_kwh, lowest_per_kwh), highest_per_kwh, lowest_per_kwh)
        is_elastic = is_elastic or bool((total != total[0]).any())
    return GridCurve(np.linspace(highest_per_kwh, lowest_per_kwh, samples), total, is_elastic)


def as_sorted(bid: Points) -> list[Point]:
    """The points in the order in which the study's code takes them: those of one price, inside the bid, reversed."""
    points = sorted(((float(quantity), float(price)) for quantity, price in bid), key=lambda point: point[1])[::-1]
    start, price = 0, bid[0][1] if len(bid) else 0.0
    for place in range(1, len(points)):
        if place < len(points) - 1 and points[place][1] == price:
            continue
        end = len(points) if place == len(points) - 1 else place
        points[start:end] = sorted(points[start:end], key=lambda point: point[0])
        # The next run of one price is compared with a quantity: only the first run and the last two points are sorted.
        start, price = place, points[place][0]
    return points


def _within(points: list[Point], highest: float, lowest: float) -> list[Point]:
    """The part of a sorted bid between two prices; nothing of one that lies wholly above or below."""
    return _above(_below(_above(points, 0.0), highest), lowest)


def _below(points: list[Point], highest: float) -> list[Point]:
    kept = [point for point in points if point[1] <= highest]
    if kept and len(kept) < len(points):
        kept.insert(0, _at_price(points[-len(kept) - 1], kept[0], highest))
    return kept


def _above(points: list[Point], lowest: float) -> list[Point]:
    kept = [point for point in points if point[1] >= lowest]
    if kept and len(kept) < len(points):
        kept.append(_at_price(kept[-1], points[len(kept)], lowest))
    return kept


def _at_price(first: Point, second: Point, price: float) -> Point:
    return _meeting((first, second), ((0.0, price), (1.0, price)))[0], price


def _add(total: FloatArray, points: list[Point], highest: float, lowest: float) -> None:
    """Add a bid, prolonged to both ends of the grid, segment by segment."""
    if not points or highest == lowest:
        return
    # Not the steps between the prices, of which there is one less: a segment may begin a step early or late.
    per_price = total.size / (highest - lowest)
    stretched = [(points[0][0], highest), *points, (points[-1][0], lowest)]
    place = [int((highest - price) * per_price) for _, price in stretched]
    for i in range(len(points) + 1):
        if stretched[i][1] != stretched[i + 1][1]:
            count = place[i + 1] - place[i]
            total[place[i] : place[i + 1]] += np.linspace(stretched[i][0], stretched[i + 1][0], count)


# Clearing


def clear_on_grid(demand: GridCurve, supply: GridCurve, *, price_cap: float, limit_kw: float = inf) -> GridClearing:
    """Find a price at which sampled demand meets sampled supply, as the study's retail market does.

    Args:
        demand: from `sample_bids`.
        supply: quantities and prices ascending, as many samples as the demand has.
        price_cap: price of the supply at the last sample of the demand. [$/kWh]
        limit_kw: capacity of the substation. [kW]
    """
    if not demand.is_elastic:
        return _inelastic(float(demand.quantity_kw[0]), supply, price_cap, limit_kw)
    wanted, offered = demand.quantity_kw, supply.quantity_kw
    if wanted.max() < offered.min() or offered.max() < wanted.min():
        return _FAILURE
    asked = np.interp(wanted, offered, supply.price_per_kwh)
    asked[-1] = price_cap
    is_equal, is_above = demand.price_per_kwh == asked, demand.price_per_kwh > asked
    crosses = is_equal[:-1] | (is_above[:-1] & (demand.price_per_kwh[1:] < asked[1:]))
    if not crosses.any():
        return _without_crossing(demand, supply, asked, limit_kw)
    place = int(crosses.argmax())
    if is_equal[place]:
        return GridClearing(float(asked[place]), float(wanted[place]), GridClearingType.UNCONGESTED)
    quantity, price = _crossing(demand, asked, place)
    return _met(price, quantity, supply, price_cap, limit_kw)


def _inelastic(quantity_kw: float, supply: GridCurve, price_cap: float, limit_kw: float) -> GridClearing:
    if quantity_kw < 0:
        return GridClearing(0.0, quantity_kw, GridClearingType.UNCONGESTED)
    if not supply.quantity_kw.min() <= quantity_kw <= supply.quantity_kw.max():
        return _FAILURE
    place = min(int(supply.quantity_kw.searchsorted(quantity_kw, side="right")), supply.quantity_kw.size - 1)
    left, right = supply.quantity_kw[place - 1 : place + 1].tolist()
    low, high = supply.price_per_kwh[place - 1 : place + 1].tolist()
    if quantity_kw in (left, right):
        price = low if quantity_kw == left else high
    else:
        price = low + (high - low) * (quantity_kw - left) / (right - left)
    return _met(price, quantity_kw, supply, price_cap, limit_kw)


def _crossing(demand: GridCurve, asked: FloatArray, place: int) -> Point:
    """Quantity and price where the lines of demand and supply after a sample meet."""
    left, right = demand.quantity_kw[place : place + 2].tolist()
    high, low = demand.price_per_kwh[place : place + 2].tolist()
    first, last = asked[place : place + 2].tolist()
    spread = _SPREAD_KW if left == right else 0.0
    return _meeting(((left, high), (right, low)), ((left - spread, first), (right + spread, last)))


def _met(price: float, quantity_kw: float, supply: GridCurve, price_cap: float, limit_kw: float) -> GridClearing:
    if quantity_kw <= limit_kw:
        return GridClearing(price, quantity_kw, GridClearingType.UNCONGESTED)
    surcharge = min(price - float(supply.price_per_kwh[0]), price_cap)
    return GridClearing(price, quantity_kw, GridClearingType.CONGESTED, surcharge)


def _without_crossing(demand: GridCurve, supply: GridCurve, asked: FloatArray, limit_kw: float) -> GridClearing:
    """The first sample where supply is dearer from the first on, else the last one."""
    wanted, offered = demand.quantity_kw, supply.quantity_kw
    is_dear = bool(demand.price_per_kwh[0] < asked[0])
    place = 0 if is_dear else -1
    is_short = bool(wanted.min() <= offered.min() if is_dear else wanted.max() >= offered.max())
    price = float((demand.price_per_kwh if is_short else asked)[place])
    quantity_kw = float(wanted[place])
    surcharge = 0.0
    if quantity_kw > limit_kw:
        surcharge = price - (price - (quantity_kw - limit_kw) * _CONGESTION_PER_KWH)
    is_congested = quantity_kw > limit_kw or (is_short and not is_dear)
    return GridClearing(price, quantity_kw, GridClearingType(is_congested), surcharge)


def _meeting(first: tuple[Point, Point], second: tuple[Point, Point]) -> Point:
    """Where two lines, through two points each, meet; infinite if they are parallel."""
    x, y, scale = _cross(*(_cross((*a, 1.0), (*b, 1.0)) for a, b in (first, second)))
    return (x / scale, y / scale) if scale else (inf, inf)


def _cross(u: Sequence[float], v: Sequence[float]) -> tuple[float, float, float]:
    """Line through two points, or point on two lines, in homogeneous coordinates."""
    return u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]
