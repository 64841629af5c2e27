"""Clearing: where net demand meets supply, under a network limit and between a price floor and a price cap.

Every market has an outcome. The price is the one from which on demand no longer exceeds what supply and
network offer. Three ties are left, and are broken so:

* Demand and supply both jump at the price: the greatest consumption is served.
* A range of prices clears the same quantity: the one nearest to the price that supply itself asks for it.
* Several bids stand at the margin: as a `TieRule` says.

Export is a negative quantity and no special case: a supply curve that starts below zero absorbs that much, at
the prices of its points. What it does not absorb is curtailed at the floor, as load is shed at the cap.
"""

import enum
from bisect import bisect_left
from collections.abc import Callable
from math import inf, isclose, isnan, nextafter
from typing import Self

import attrs
import numpy as np

from .curves import DemandCurve, FloatArray, PriceCurve, between

# Quantities are sums of thousands of floats: a smaller difference must not send the price to its cap.
_TOLERANCE_KW = 1e-9
_TOLERANCE = 1e-12
"""Relative to the demand, for markets of gigawatts."""


class Outcome(enum.StrEnum):
    """How a market ended."""

    CLEARED = "cleared"
    """Demand met supply, at a price inside the band or on its edge."""
    AT_CAP = "at_cap"
    """Supply or network is short even at the price cap; the rest of the demand is shed."""
    AT_FLOOR = "at_floor"
    """Surplus even at the price floor; injection that supply does not absorb is curtailed."""
    NO_TRADE = "no_trade"
    """Nothing is exchanged with supply: nobody there, or the customers balance each other."""


class TieRule(enum.StrEnum):
    """How bids that stand at the margin share what is left for them."""

    PRO_RATA = "pro rata"
    """Each gets the same share of its own jump."""
    TIME = "time"
    """In order of arrival, the earliest first."""


@attrs.frozen
class Clearing:
    """The result of one market interval."""

    price_per_kwh: float
    """Clearing price for all. [$/kWh]"""
    quantity_kw: float
    """Exchanged with supply, positive = import; demand at the price is `quantity_kw + shed_kw`. [kW]"""
    outcome: Outcome
    marginal_fraction: float = 1.0
    """Share that is served of the jump that demand makes at the price; 1 where it makes none. [0..1]"""
    congestion_price_per_kwh: float = 0.0
    """Rise of the price above what supply asks, where the network limit binds. [$/kWh]"""
    shed_kw: float = 0.0
    """Demand not served at the cap, or negative: injection curtailed at the floor. [kW]"""


@attrs.frozen(eq=False)
class SupplyCurve(PriceCurve):
    """Supply against price, never falling with it; build it with `flat` or `from_points`.

    Raises:
        ValueError: a quantity falls with the price, is NaN, or is infinite but no outer end of a flat step.
    """

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        rises = (self.below_kw <= self.above_kw).all() and (self.above_kw[:-1] <= self.below_kw[1:]).all()
        inner = np.concatenate((self.below_kw[1:], self.above_kw[:-1]))
        ends = self.below_kw[0] < inf and self.above_kw[-1] > -inf
        if not (rises and ends and np.isfinite(inner).all()):
            raise ValueError(
                "supply must not fall with the price, and only a flat step at an end may be infinite: "
                "give two points with the price of that step"
            )

    @classmethod
    def flat(cls, price_per_kwh: float, quantity_kw: float = inf, *, export_kw: float = 0.0) -> Self:
        """Offer up to `quantity_kw` at one price and absorb up to `export_kw` at the same, both >= 0 [kW]."""
        return cls.from_points((0.0 - export_kw, quantity_kw), (price_per_kwh, price_per_kwh))

    @classmethod
    def from_points(
        cls, quantity_kw: tuple[float, ...] | FloatArray, price_per_kwh: tuple[float, ...] | FloatArray
    ) -> Self:
        """Join points (n_points,), both coordinates ascending: equal prices are a flat step, others a slope.

        Below the first price supply keeps its first quantity (must-run), above the last its last. [kW, $/kWh]

        Raises:
            ValueError: the points do not ascend, or as the class says.
        """
        quantity, price = np.asarray(quantity_kw, np.float64), np.asarray(price_per_kwh, np.float64)
        ascending = (quantity[1:] >= quantity[:-1]).all() and (price[1:] >= price[:-1]).all()
        if quantity.ndim != 1 or quantity.shape != price.shape or not ascending:
            raise ValueError("supply points need one price per quantity, both ascending")
        prices, first, count = np.unique(price, return_index=True, return_counts=True)
        return cls(prices, quantity[first], quantity[first + count - 1])

    def price_at(self, quantity_kw: float) -> float:
        """Price asked for a quantity [kW]: of its last kWh on import, else of the next one [$/kWh]."""
        quantity = np.column_stack((self.below_kw, self.above_kw)).ravel()
        k = int(quantity.searchsorted(quantity_kw, side="left" if quantity_kw > 0 else "right"))
        left, right = max(k - 1, 0), min(k, quantity.size - 1)
        start, end = float(self.price_per_kwh[left // 2]), float(self.price_per_kwh[right // 2])
        if start == end or quantity[left] == quantity[right]:
            return end if quantity_kw > 0 else start
        return between(start, end, float((quantity_kw - quantity[left]) / (quantity[right] - quantity[left])))


def clear(
    demand: DemandCurve,
    supply: SupplyCurve,
    *,
    price_cap: float,
    price_floor: float = 0.0,
    limit_kw: float | None = None,
) -> Clearing:
    """Find the price at which net demand meets supply.

    Args:
        demand: net demand of all customers, inelastic load included.
        supply: what is offered to them; its part below zero absorbs their export.
        price_cap: above it, load is shed. [$/kWh]
        price_floor: below it, injection is curtailed. [$/kWh]
        limit_kw: import limit of the network, >= 0; beyond it the price rises until demand fits. Export is
            limited by the first quantity of `supply`. [kW]

    Raises:
        ValueError: the cap is below the floor, a price is not finite, or the limit is negative or NaN.
    """
    limit = inf if limit_kw is None else limit_kw
    if not -inf < price_floor <= price_cap < inf:
        raise ValueError(f"price floor {price_floor} and cap {price_cap} must be finite and in this order")
    if isnan(limit) or limit < 0:
        raise ValueError(f"limit_kw is {limit_kw}: an import limit is zero or more")
    market = _Market(demand, supply, price_floor, price_cap, limit)
    prices = market.breakpoints()
    tolerance = market.tolerance_kw()
    first = _first(prices, lambda price: market.excess(price)[1] <= tolerance)
    if first == len(prices):
        return market.short()
    if market.excess(float(prices[first]))[0] >= -tolerance:
        last = _first(prices, lambda price: market.excess(price)[0] < -tolerance) - 1
        return market.met(market.nearest(float(prices[first]), float(prices[last])))
    if first == 0:
        return market.surplus()
    return market.met(market.crossing(float(prices[first - 1]), float(prices[first])))


@attrs.frozen(eq=False)
class _Market:
    """Both sides of a market, with supply cut off at the network limit."""

    demand: DemandCurve
    supply: SupplyCurve
    floor: float
    cap: float
    limit_kw: float

    def tolerance_kw(self) -> float:
        """A difference between demand and supply that may be rounding."""
        largest_kw = max(abs(float(self.demand.below_kw[0])), abs(float(self.demand.above_kw[-1])))
        return max(_TOLERANCE_KW, _TOLERANCE * largest_kw)

    def breakpoints(self) -> FloatArray:
        """Prices of the band, ascending, between which demand and limited supply are straight."""
        kink = self.supply.price_at(self.limit_kw)
        edges = (self.floor, self.cap, kink)
        prices = np.concatenate((self.demand.price_per_kwh, self.supply.price_per_kwh, edges))
        prices.sort(kind="stable")
        return np.clip(prices, self.floor, self.cap, out=prices)

    def offered(self, price_per_kwh: float) -> tuple[float, float]:
        """Supply within the limit, just below and just above a price."""
        below_kw, above_kw = self.supply.limits_at(price_per_kwh)
        return min(below_kw, self.limit_kw), min(above_kw, self.limit_kw)

    def excess(self, price_per_kwh: float) -> tuple[float, float]:
        """Demand less supply, just below and just above a price; it falls with the price."""
        wanted, offered = self.demand.limits_at(price_per_kwh), self.offered(price_per_kwh)
        return wanted[0] - offered[0], wanted[1] - offered[1]

    def nearest(self, lowest: float, highest: float) -> float:
        """Of prices that clear the same quantity, the one nearest to what supply asks for it."""
        if lowest == highest:
            return lowest
        return min(max(self.supply.price_at(self.demand.quantity_at(lowest)), lowest), highest)

    def crossing(self, lower: float, upper: float) -> float:
        """Price where straight demand and supply cross, above the lower price, where demand still exceeds."""
        start, end = self.excess(lower)[1], self.excess(upper)[0]
        price = between(lower, upper, start / (start - end))
        return min(max(price, nextafter(lower, inf)), upper)

    def met(self, price: float) -> Clearing:
        """Clear at a price where demand and supply overlap."""
        wanted_kw, offered_kw = self.demand.limits_at(price)[0], self.offered(price)[1]
        # A float price can miss a vertical supply (the limit) by its last digit; the quantity need not.
        is_all = isclose(wanted_kw, offered_kw, rel_tol=_TOLERANCE, abs_tol=self.tolerance_kw())
        quantity_kw = offered_kw if is_all else min(wanted_kw, offered_kw)
        if abs(quantity_kw) <= self.tolerance_kw():
            return self._clearing(price, 0.0, 0.0, Outcome.NO_TRADE)
        return self._clearing(price, quantity_kw, quantity_kw, Outcome.CLEARED)

    def short(self) -> Clearing:
        """Shed what demand still exceeds at the cap."""
        wanted_kw = self.demand.quantity_at(self.cap)
        served_kw = min(wanted_kw, max(self.offered(self.cap)[1], 0.0))
        return self._clearing(self.cap, served_kw, wanted_kw, Outcome.AT_CAP)

    def surplus(self) -> Clearing:
        """Curtail injection left over at the floor; must-run supply that nobody wants is not taken."""
        wanted_kw = self.demand.limits_at(self.floor)[0]
        absorbed_kw = max(wanted_kw, min(self.offered(self.floor)[0], 0.0))
        return self._clearing(self.floor, absorbed_kw, wanted_kw, Outcome.AT_FLOOR)

    def _clearing(self, price: float, quantity_kw: float, wanted_kw: float, outcome: Outcome) -> Clearing:
        low_kw, high_kw = self.demand.quantity_range_at(price)
        fraction = (wanted_kw - low_kw) / (high_kw - low_kw) if high_kw > low_kw else 1.0
        fraction = min(max(fraction, 0.0), 1.0)
        is_limited = self.supply.limits_at(price)[1] > self.limit_kw
        # Where supply asks less than the floor, the floor raises the price, not the network.
        asked = max(self.supply.price_at(quantity_kw), self.floor)
        rise = max(price - asked, 0.0) if is_limited else 0.0
        return Clearing(price, quantity_kw, outcome, fraction, rise, wanted_kw - quantity_kw)


def _first(prices: FloatArray, holds: Callable[[float], bool]) -> int:
    """Place of the first price from which on a condition holds."""
    return bisect_left(range(len(prices)), True, key=lambda k: holds(float(prices[k])))
