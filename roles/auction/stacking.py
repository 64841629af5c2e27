"""Bids of different lengths as arrays: the last point of a shorter one is repeated."""

from collections.abc import Iterable, Sequence, Sized
from itertools import chain

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Rows = np.ndarray[tuple[int, int], np.dtype[np.float64]] | Sequence[Sequence[float]]
"""A row for each bid, of one length or not."""
HourlyRows = np.ndarray[tuple[int, int, int], np.dtype[np.float64]] | Sequence[Rows]
"""Rows for each hour."""


def stack_rows(quantity_kw: Rows, price_per_kwh: Rows) -> tuple[FloatArray, FloatArray]:
    """Stack rows of quantities [kW] and of prices [$/kWh] as two arrays (n_bids, n_points); arrays are such already.

    Raises:
        ValueError: a bid is empty, or has not one price per quantity.
    """
    if isinstance(quantity_kw, np.ndarray) and isinstance(price_per_kwh, np.ndarray):
        return quantity_kw, price_per_kwh
    lengths, others = _lengths(quantity_kw), _lengths(price_per_kwh)
    if lengths.size != others.size:
        raise ValueError(f"{lengths.size} rows of quantities and {others.size} of prices: give one each per bid")
    if (lengths != others).any():
        bad = int((lengths != others).argmax())
        raise ValueError(f"bid {bad}: {lengths[bad]} quantities and {others[bad]} prices: give one price per quantity")
    place = _places(lengths)
    return _flat(quantity_kw)[place], _flat(price_per_kwh)[place]


def stack_bids(bids: Sequence[Sequence[tuple[float, float]]]) -> tuple[FloatArray, FloatArray]:
    """Stack bids of (quantity [kW], price [$/kWh]) points as two arrays (n_bids, n_points).

    Raises:
        ValueError: a bid has no point, or a point is not a pair.
    """
    lengths = _lengths(bids)
    place = _places(lengths)
    numbers = _flat(chain.from_iterable(bids))
    if numbers.size != 2 * lengths.sum():
        raise ValueError("each point of a bid must be one (quantity, price) pair")
    return numbers[0::2][place], numbers[1::2][place]


def is_hourly(rows: Rows | HourlyRows) -> bool:
    """Whether there is an axis of hours before that of bids."""
    if isinstance(rows, np.ndarray):
        return rows.ndim == 3
    first = next(filter(len, rows), None)
    return first is not None and (first.ndim == 2 if isinstance(first, np.ndarray) else np.ndim(first[0]) > 0)


def _lengths(rows: Rows | Sequence[Sized]) -> NDArray[np.intp]:
    return np.fromiter(map(len, rows), np.intp, len(rows))


def _flat(rows: Iterable[Iterable[float]]) -> FloatArray:
    return np.fromiter(chain.from_iterable(rows), np.float64)


def _places(lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where the points of each bid stand among the points of all, shape (n_bids, n_points)."""
    if not lengths.all():
        raise ValueError(f"bid {int(lengths.argmin())} is empty: give at least one (quantity, price) point")
    start = (lengths.cumsum() - lengths)[:, np.newaxis]
    return start + np.minimum(np.arange(lengths.max(initial=0)), lengths[:, np.newaxis] - 1)
