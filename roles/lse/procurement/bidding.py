"""What a retailer bids in a wholesale slot: the demand of all its customers as a curve, a quadratic or a quantity."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from ...auction.curves import DemandCurve, FloatArray, aggregate, stack_bids
from ...interfaces import BidForm, QuadraticDemand
from ...wholesale_curve import Bid, QuadraticSupply, clear_wholesale
from .pricing import RetailRate

MAX_POINTS = 10
"""Points of a price curve that wholesale markets take."""

_SAMPLES = 100
"""Prices at which a curve is looked at to fit a quadratic; as many as the DSO+T study's code takes."""
_TRIMMED = 0.05
"""Share of the range of quantity that the fit leaves out at each end."""
_NEGLIGIBLE_KW = 1e-6

Points = Sequence[tuple[float, float]]
"""(power [kW], price [$/kWh]), price descending."""


@attrs.frozen
class WholesaleDemand:
    """A bid in one of its forms, and as the curve that says the same; one point is a fixed quantity."""

    form: BidForm
    curve: Bid
    quadratic: QuadraticDemand | None = None


def portfolio_demand(
    retail: Sequence[Points], fixed_kw: float, *, rate: RetailRate, loss_factor: float, bilateral_kw: float = 0.0
) -> DemandCurve:
    """All that a retailer has to buy, against the wholesale price: exact, at the substation.

    Args:
        retail: demand curves of its markets against their retail prices. [kW, $/kWh]
        fixed_kw: what it expects the customers outside of any market to use. [kW]
        rate: retail from wholesale price.
        loss_factor: losses between substation and meters. [1]
        bilateral_kw: what is bought already. [kW]
    """
    gross = 1.0 + loss_factor
    curves = [[(power * gross, rate.wholesale(price)) for power, price in points] for points in retail]
    return aggregate(*stack_bids(curves), fixed_kw=fixed_kw * gross - bilateral_kw)


def wholesale_bid(
    form: BidForm, demand: DemandCurve, *, expected_per_kwh: float, node: QuadraticSupply | None = None
) -> WholesaleDemand:
    """A demand as a bid; a quantity that has to be fixed is what a trial clearing gives.

    The trial clears against the retailer's own curve of wholesale prices, or without one takes the price that is
    expected. A demand that no quadratic describes is bid as a fixed quantity, as the DSO+T study does it.
    """
    if form is BidForm.CURVE:
        power_kw, price_per_kwh = zip(*demand.simplified(MAX_POINTS), strict=True)
        return WholesaleDemand(form, Bid(power_kw, price_per_kwh))
    quadratic = quadratic_demand(demand) if form is BidForm.QUADRATIC else None
    if quadratic is not None:
        return WholesaleDemand(form, as_curve(quadratic), quadratic)
    return WholesaleDemand(BidForm.FIXED, Bid((_trial_kw(demand, expected_per_kwh, node),), (0.0,)))


def quadratic_demand(demand: DemandCurve, samples: int = _SAMPLES) -> QuadraticDemand | None:
    """The benefit ``c0 + c1 P - c2 P**2`` whose slope fits the curve; None where the fit is no falling, buying demand.

    A line is fitted to price against quantity by least squares, over the middle of the range of quantity. What lies
    below that is unresponsive, and quantity counts from there.

    Source: ``convert_2_AMES_quadratic_BID`` of TESP 1.3.7, with its test of acceptance; there a curve is a row of
    samples at even steps of the price, from the highest to the lowest.
    """
    low, high = float(demand.price_per_kwh[0]), float(demand.price_per_kwh[-1])
    price = np.linspace(high, low, samples)
    power = np.array([*(demand.quantity_at(each) for each in price[:-1].tolist()), demand.below_kw[0]])
    margin = _TRIMMED * (power[-1] - power[0])
    middle = np.flatnonzero((power >= power[0] + margin) & (power <= power[-1] - margin))
    if margin < _NEGLIGIBLE_KW or not middle.size or np.ptp(power[middle]) < _NEGLIGIBLE_KW:
        return None
    unresponsive_kw = float(power[middle[0]])
    responsive_max_kw = float(power[-1]) - unresponsive_kw
    slope, intercept = _line(power[middle] - unresponsive_kw, price[middle])
    c1, c2 = intercept, -0.5 * slope
    if not (c2 > 0.0 and c1 > 0.0 and c1 - 2.0 * c2 * responsive_max_kw >= 0.0):
        return None
    return QuadraticDemand(
        unresponsive_kw=unresponsive_kw, responsive_max_kw=responsive_max_kw, c0=0.0, c1=c1, c2=c2, degree=2
    )


def as_curve(quadratic: QuadraticDemand) -> Bid:
    """The demand of a quadratic benefit as a price curve: its slope, over the responsive range."""
    least = quadratic.unresponsive_kw
    if quadratic.responsive_max_kw == 0.0:
        return Bid((least,), (0.0,))
    lowest = quadratic.c1 - 2.0 * quadratic.c2 * quadratic.responsive_max_kw
    return Bid((least, least + quadratic.responsive_max_kw), (quadratic.c1, lowest))


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Slope and intercept of the line of least squares."""
    from_mean = x - x.mean()
    slope = float((from_mean * (y - y.mean())).sum() / (from_mean * from_mean).sum())
    return slope, float(y.mean() - slope * x.mean())


def _trial_kw(demand: DemandCurve, expected_per_kwh: float, node: QuadraticSupply | None) -> float:
    if node is None:
        return demand.quantity_at(expected_per_kwh)
    power_kw, price_per_kwh = zip(*demand.points(), strict=True)
    _, (cleared_kw,) = clear_wholesale(node, [Bid(power_kw, price_per_kwh)])
    return cleared_kw
