"""The arithmetic of a sum of bids: all their points in one order of price, and running sums along it.

Arrays of bids have the shape (n_points, n_bids) here: long rows are what NumPy is fast at.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

STEP_WIDTH_PER_KWH = 1e-9
"""A narrower segment is a step at its lower price: a float price could not resolve its slope. [$/kWh]"""


def segments(quantity: FloatArray, price: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Rise in quantity [kW], width in price [$/kWh] and whether it is a step, of bids (n_points, n_bids)."""
    width = price[:-1] - price[1:]
    return quantity[1:] - quantity[:-1], width, width < STEP_WIDTH_PER_KWH


def stable_order(values: FloatArray) -> NDArray[np.intp]:
    """Places of values in ascending order, of equal ones the first first."""
    order = values.argsort(axis=None)
    ordered = values.ravel()[order]
    rises = ordered[1:] != ordered[:-1]
    if rises.all():
        return order
    # How NumPy's fast sort leaves ties depends on the processor, and a sum on its order; its stable one takes seven
    # times as long. So sort again, by run of equal values and place in one number.
    run = np.zeros(order.size, np.int64)
    rises.cumsum(out=run[1:])
    run *= order.size
    order += run
    order.sort()
    order -= run
    return order


def levels(quantity: FloatArray, price: FloatArray, prices: FloatArray, order: NDArray[np.intp]) -> FloatArray:
    """Total quantity just below (even places) and just above (odd places) each sorted point of bids, falling."""
    rise, width, is_step = segments(quantity, price)
    slope, jump = np.zeros((len(price) + 1, price.shape[1])), np.zeros_like(price)
    np.divide(rise, width, out=slope[1:-1], where=~is_step)
    np.copyto(jump[1:], rise, where=is_step)
    steepness = _running_difference(slope[:-1].ravel()[order], slope[1:].ravel()[order])
    level = np.zeros(2 * prices.size)
    np.multiply(steepness[:-1], prices[1:] - prices[:-1], out=level[2::2])
    level[1::2] = jump.ravel()[order]
    bottom_kw, top_kw = quantity[0].sum(), quantity[-1].sum()
    np.subtract(top_kw, level.cumsum(out=level), out=level)
    np.maximum(level, bottom_kw, out=level)
    # A demand of nothing must be zero, not a rounding error that would clear as a trade.
    level[-1] = bottom_kw
    return level


def _running_difference(plus: FloatArray, minus: FloatArray) -> FloatArray:
    """Running sum of `plus - minus`, both at least zero, the rounding errors added back (Knuth's two-sum)."""
    # Plain summation would leave the rounding error of the steepest bid in the slope of all bids above it.
    change = plus - minus
    error = _rounding_error(plus, -minus, change)
    total = change.cumsum()
    error[1:] += _rounding_error(total[:-1], change[1:], total[1:])
    total += error.cumsum(out=error)
    np.maximum(total, 0.0, out=total)
    return total


def _rounding_error(a: FloatArray, b: FloatArray, total: FloatArray) -> FloatArray:
    """What rounding took from `total = a + b`."""
    part = total - a
    error = b - part
    np.subtract(total, part, out=part)
    error += np.subtract(a, part, out=part)
    return error


def runs(prices: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last place of each run of equal prices in a sorted, non-empty row."""
    first = np.flatnonzero(np.concatenate(([True], prices[1:] != prices[:-1])))
    return first, np.append(first[1:], prices.size) - 1
