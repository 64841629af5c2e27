"""The supply of a wholesale stand-in: a quadratic price curve, cleared against fixed and price-dependent demand."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

_STEPS = 200
"""Halvings of the price interval; more than a float has digits."""


@attrs.frozen
class QuadraticSupply:
    """Price against total power, ``intercept + slope * q + curvature * q**2``, rising for q of 0 and more.

    Source of the form: the wholesale node curves of the DSO+T study (PNNL-32170).
    """

    intercept_per_kwh: float
    slope_per_kwh_kw: float
    curvature_per_kwh_kw2: float

    def price_at(self, quantity_kw: float) -> float:
        """Price of the last kW [$/kWh]; below zero power the price at zero."""
        q = max(quantity_kw, 0.0)
        return self.intercept_per_kwh + q * (self.slope_per_kwh_kw + q * self.curvature_per_kwh_kw2)


@attrs.frozen
class Bid:
    """A demand curve, joined by straight lines; one point is a fixed quantity."""

    quantity_kw: tuple[float, ...]
    """Ascending. [kW]"""
    price_per_kwh: tuple[float, ...]
    """Descending. [$/kWh]"""

    def quantity_at(self, price_per_kwh: float) -> float:
        """Power bought at a price [kW], the first or last quantity outside of the curve."""
        return float(np.interp(price_per_kwh, self.price_per_kwh[::-1], self.quantity_kw[::-1]))


def clear_wholesale(supply: QuadraticSupply, bids: Sequence[Bid]) -> tuple[float, list[float]]:
    """The price at which supply meets demand [$/kWh] and each bid's power [kW].

    Demand never rises with the price and supply never falls, so the crossing is found by halving an interval. Where a
    curve drops at the price, each bid gets the quantity just above it.
    """

    def demand(price_per_kwh: float) -> float:
        return sum(bid.quantity_at(price_per_kwh) for bid in bids)

    low = min([supply.price_at(0.0), *(bid.price_per_kwh[-1] for bid in bids)])
    high = max([supply.price_at(demand(low)), *(bid.price_per_kwh[0] for bid in bids)])
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        if supply.price_at(demand(middle)) > middle:
            low = middle
        else:
            high = middle
    return high, [bid.quantity_at(high) for bid in bids]
