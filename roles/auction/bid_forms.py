"""The forms in which a bid may be given, as points that `aggregate` and `allocate` take.

Points are (quantity [kW], price [$/kWh]), quantity ascending and price descending; negative quantities are injected.
"""

from collections.abc import Iterator, Sequence
from math import fsum, inf, isfinite

import numpy as np
from numpy.polynomial import Polynomial

from .curves import faults

Points = Sequence[tuple[float, float]]
"""(quantity [kW], price [$/kWh]) of each."""
Curve = tuple[tuple[float, float], ...]
"""Points in the order of a bid."""

_MOST_POINTS = 1000
"""So that a tolerance too small for the range cannot fill the memory."""
_NEGLIGIBLE = 1e-100
_ROUNDING = 1e-12
"""Relative to the terms of a polynomial: a slope that is greater than zero by less is none."""


def block_points(blocks: Points) -> Curve:
    """Blocks, in any order: one is a plain bid, several make a step curve.

    A block of positive quantity is consumed at its price and below; one of negative quantity is injected at its price
    and above.

    Raises:
        ValueError: there is no block, or a number is not finite.
    """
    blocks = tuple((float(quantity_kw), float(price)) for quantity_kw, price in blocks)
    _require(_block_faults(blocks))
    return tuple(dict.fromkeys(point for price in _falling(blocks) for point in _step(blocks, price)))


def threshold_points(on_kw: float, price_per_kwh: float) -> Curve:
    """A device that is on, with `on_kw`, up to a threshold price, and off above; a generator is on from it on.

    At the margin an award may be a part of `on_kw`: that a device cannot be half on is not for a curve to say.

    Source: the household bid of the IDSO in the ITD/AMES platform (Battula, Iowa State University, 2021).

    Raises:
        ValueError: a number is not finite.
    """
    return block_points(((on_kw, price_per_kwh),))


def piecewise_linear_points(points: Points) -> Curve:
    """Points joined by straight lines; two of the same price are a step, two of the same quantity a rigid part.

    Raises:
        ValueError: there is no point, a number is not finite, quantities fall or prices rise.
    """
    points = tuple((float(quantity_kw), float(price)) for quantity_kw, price in points)
    _require(faults(tuple(q for q, _ in points), tuple(p for _, p in points)))
    return points


def polynomial_points(
    coefficients: Sequence[float],
    least_kw: float,
    most_kw: float,
    *,
    tolerance_kw: float = 0.01,
    tolerance_per_kwh: float = 1e-3,
) -> Curve:
    """A price that is a polynomial of the quantity, as points on it that are joined by straight lines.

    The lines leave the polynomial by no more than the tolerances, either way: the price of a quantity by
    `tolerance_per_kwh`, the quantity of a price by `tolerance_kw`.

    Args:
        coefficients: price of 1, q, q², ... with q in kW, the constant first. [$/kWh]
        least_kw: start of the range, what is drawn at any price. [kW]
        most_kw: end of the range. [kW]
        tolerance_kw: above zero; infinite for any. [kW]
        tolerance_per_kwh: above zero; infinite for any. [$/kWh]

    Raises:
        ValueError: a number is not finite, the range is empty, the price rises on it, or more than 1000 points
            would be needed.
    """
    _require(_range_faults(coefficients, least_kw, most_kw, tolerance_kw, tolerance_per_kwh))
    price = Polynomial(np.asarray(coefficients, np.float64))
    _require(_overflows(price, least_kw, most_kw) or _rises(price, least_kw, most_kw))
    quantities = [least_kw, *_ends(price, least_kw, most_kw, tolerance_kw, tolerance_per_kwh)]
    # Where the polynomial is flat, rounding may let it rise by a digit.
    prices = np.minimum.accumulate(price(np.array(quantities)))
    return tuple(dict.fromkeys(zip(map(float, quantities), prices.tolist(), strict=True)))


def _falling(blocks: Points) -> list[float]:
    return sorted({price for _, price in blocks}, reverse=True)


def _step(blocks: Points, price: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """What the blocks ask for together just above and just below a price; exact, so that nothing is zero."""
    above_kw = fsum(kw for kw, p in blocks if (p > price if kw > 0 else p <= price))
    below_kw = fsum(kw for kw, p in blocks if (p >= price if kw > 0 else p < price))
    return (above_kw, price), (below_kw, price)


def _ends(price: Polynomial, least_kw: float, most_kw: float, kw: float, per_kwh: float) -> Iterator[float]:
    """Ends of the stretches, from the first on, on which a straight line is near enough; bisected until it is."""
    waiting, start, found = [most_kw], least_kw, 0
    while waiting:
        end = waiting[-1]
        middle = start + (end - start) / 2
        if start < middle < end and not _is_near(price, start, end, kw, per_kwh):
            waiting.append(middle)
            continue
        yield waiting.pop()
        start, found = end, found + 1
        if found > _MOST_POINTS:
            raise ValueError(f"more than {_MOST_POINTS} points are needed: widen the tolerances or narrow the range")


def _is_near(price: Polynomial, start: float, end: float, kw: float, per_kwh: float) -> bool:
    first, last = float(price(start)), float(price(end))
    slope = (last - first) / (end - start)
    off = price - Polynomial((first - slope * start, slope))
    farthest = max(abs(float(off(q))) for q in _extremes(off, start, end))
    # Along a line of this slope, what is off in price is off in quantity by that over the slope.
    return farthest <= per_kwh and farthest <= kw * abs(slope)


def _extremes(curve: Polynomial, start: float, end: float) -> list[float]:
    """Both ends of a range, and where a curve may have its extremes within; some more do no harm."""
    slope = curve.deriv()
    # A last coefficient of next to nothing makes roots too great for floats, and no difference within the range.
    slope = slope.trim(float(np.abs(slope.coef).max()) * _NEGLIGIBLE)
    roots = np.real(slope.roots()) if slope.degree() else np.empty(0)
    return [start, end, *np.clip(roots, start, end).tolist()]


def _block_faults(blocks: Points) -> list[str]:
    if not blocks:
        return ["empty: give at least one (quantity, price) block"]
    return [
        f"block {number} is {quantity_kw} kW at {price} $/kWh: give finite numbers"
        for number, (quantity_kw, price) in enumerate(blocks)
        if not (isfinite(quantity_kw) and isfinite(price))
    ]


def _range_faults(
    coefficients: Sequence[float], least_kw: float, most_kw: float, kw: float, per_kwh: float
) -> list[str]:
    found = [f"coefficient {i} is {c}: give a finite number" for i, c in enumerate(coefficients) if not isfinite(c)]
    if not len(coefficients):
        found.append("no coefficients: give at least a constant price")
    if not -inf < least_kw < most_kw < inf:
        found.append(f"the range {least_kw} to {most_kw} kW is none: give two finite quantities, the least first")
    for name, tolerance in (("tolerance_kw", kw), ("tolerance_per_kwh", per_kwh)):
        if not tolerance > 0:
            found.append(f"{name} is {tolerance}: a tolerance is above zero")
    return found


def _overflows(price: Polynomial, least_kw: float, most_kw: float) -> list[str]:
    largest_kw = max(abs(least_kw), abs(most_kw))
    with np.errstate(over="ignore"):
        largest = Polynomial(np.abs(price.coef))(largest_kw)
    if isfinite(largest):
        return []
    return [f"its terms at {largest_kw:g} kW are no finite prices: give smaller coefficients"]


def _rises(price: Polynomial, least_kw: float, most_kw: float) -> list[str]:
    slope = price.deriv()
    size = Polynomial(np.abs(slope.coef))
    return [
        f"the price rises at {quantity_kw:g} kW, by {rise:g} $/kWh per kW: ask no less at a lower price"
        for quantity_kw in dict.fromkeys(_extremes(slope, least_kw, most_kw))
        if (rise := float(slope(quantity_kw))) > _ROUNDING * float(size(abs(quantity_kw)))
    ]


def _require(faults_found: Sequence[str]) -> None:
    if faults_found:
        raise ValueError("; ".join(faults_found))
