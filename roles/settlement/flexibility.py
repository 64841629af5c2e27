"""Flexibility that the distribution operator has ordered: what was delivered of it, and what that is worth."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@attrs.frozen
class FlexibilityOrder:
    """Power that usage points of a retailer draw less than their baseline in a slot; negative: more."""

    retailer: str
    usage_points: tuple[str, ...]
    baseline_kw: float
    ordered_kw: float
    price_per_kwh: float


@attrs.frozen(eq=False)
class Delivery:
    """What became of orders, in the unit that they are in; both at least zero."""

    delivered: FloatArray
    deficiency: FloatArray


def delivery(baseline: FloatArray, ordered: FloatArray, actual: FloatArray) -> Delivery:
    """Compare what was drawn with what was ordered; arrays of one shape, one unit, consumption positive.

    Delivered is at most what was ordered, however far the deviation goes; the deficiency has no bound, as who draws
    more than his baseline takes what others deliver. An order to draw more (negative) is the mirror image.

    Source: UFTP (Shapeshifter), settle phase.
    """
    sign = np.where(ordered < 0.0, -1.0, 1.0)
    reduction = sign * (baseline - actual)
    return Delivery(
        delivered=np.clip(reduction, 0.0, np.abs(ordered)),
        deficiency=np.maximum(np.abs(ordered) - reduction, 0.0),
    )


def payment(what: Delivery, *, price: float | FloatArray, penalty: float | FloatArray) -> FloatArray:
    """What orders are worth to who delivers, by what was delivered, not by what was ordered; negative: he pays."""
    worth: FloatArray = what.delivered * price - what.deficiency * penalty
    return worth
