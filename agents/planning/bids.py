"""Four-point bids around a plan, for all devices and hours at once.

At the expected price, and within a band around it, a bid asks for the plan. On either side it follows one slope to
the least and to the most quantity. The slopes and bands of the DSO+T study are those that each device's module gives
as its Response. Source: H. M. Reeve et al., PNNL-32170, volume 3, 2022.
"""

import attrs
import numpy as np
from numpy.typing import ArrayLike

from ..models.elementwise import FloatArray, clip
from .arrays import as_array, greatest
from .faults import Fault

LEAST_SPREAD_FRACTION = 0.1
"""A forecast flatter than this share of its greatest price is taken to have that spread."""
LEAST_SLIDER = 0.001
HALF_HOUR_MINUTES = 30.0


@attrs.frozen(eq=False)
class Response:
    """How far and how steeply devices depart from their plans, broadcastable to (n_devices, n_hours)."""

    least_kw: FloatArray
    """Lowest quantity; negative where the device can inject. [kW]"""
    most_kw: FloatArray
    """Highest quantity. [kW]"""
    slope_per_kwh_kw: FloatArray
    """Change of price by quantity, at most 0; 0 for those that do not respond. [$/kWh per kW]"""
    band_per_kwh: FloatArray
    """Half of the band of prices in which the plan holds. [$/kWh]"""

    @classmethod
    def of(cls, least_kw: ArrayLike, most_kw: ArrayLike, slope: ArrayLike, band_per_kwh: ArrayLike) -> "Response":
        """A response from numbers and arrays that broadcast."""
        return cls(*np.broadcast_arrays(*map(as_array, (least_kw, most_kw, slope, band_per_kwh))))

    def within(self, least_kw: ArrayLike, most_kw: ArrayLike) -> "Response":
        """The same response in a narrower range of quantities, such as a device's present state allows."""
        least = clip(as_array(least_kw), self.least_kw, self.most_kw)
        most = clip(as_array(most_kw), least, self.most_kw)
        return attrs.evolve(self, least_kw=least, most_kw=most)


@attrs.frozen(eq=False)
class Bids:
    """Demand curves of four points, shapes (n_devices, n_hours, 4): quantities not falling, prices not rising."""

    quantity_kw: FloatArray
    """[kW]"""
    price_per_kwh: FloatArray
    """[$/kWh]"""

    def quantity_at(self, price_per_kwh: ArrayLike) -> FloatArray:
        """What is asked for at prices that broadcast to (n_devices, n_hours) [kW]; where a bid jumps, the greater."""
        quantity, price = self.quantity_kw, self.price_per_kwh
        at = np.broadcast_to(as_array(price_per_kwh), quantity.shape[:2])
        result = quantity[..., 3]
        for point in (3, 2, 1):
            above, width = price[..., point - 1], price[..., point - 1] - price[..., point]
            share = np.divide(above - at, width, out=np.zeros_like(width), where=(width > 0.0) & (above > at))
            between = quantity[..., point - 1] + (quantity[..., point] - quantity[..., point - 1]) * share
            result = np.where(price[..., point] < at, between, result)
        return np.where(price[..., 0] < at, quantity[..., 0], result)


def four_point_bids(
    plan_kw: ArrayLike,
    expected_per_kwh: ArrayLike,
    response: Response,
    *,
    floor_per_kwh: float,
    cap_per_kwh: float,
    wanted_kw: ArrayLike | None = None,
) -> Bids:
    """Bids whose line passes through the plan at the expected price, within rating and price band.

    plan_kw and what broadcasts with it have the shape (n_devices, n_hours). wanted_kw, by default the plan, is
    the quantity of the two middle points: in real time the plan between two hours. Where a device does not
    respond it bids that quantity at any price.

    Raises:
        ValueError: the cap is below the floor.
    """
    if not cap_per_kwh >= floor_per_kwh:
        raise ValueError(f"price cap {cap_per_kwh} $/kWh is below the floor {floor_per_kwh} $/kWh")
    plan = as_array(plan_kw)
    wanted = clip(plan if wanted_kw is None else as_array(wanted_kw), response.least_kw, response.most_kw)
    responds = response.slope_per_kwh_kw < 0.0
    least, most = (np.where(responds, end, wanted) for end in (response.least_kw, response.most_kw))
    quantity = np.stack(np.broadcast_arrays(least, wanted, wanted, most), axis=-1)
    band = np.multiply.outer(response.band_per_kwh, np.array([1.0, 1.0, -1.0, -1.0]))
    line = np.broadcast_to(expected_per_kwh, plan.shape)[..., np.newaxis] + (
        response.slope_per_kwh_kw[..., np.newaxis] * (quantity - plan[..., np.newaxis])
    )
    return Bids(quantity, clip(line + band, floor_per_kwh, cap_per_kwh))


def spread_per_kwh(price_per_kwh: ArrayLike, faults: Fault = Fault.NONE) -> FloatArray:
    """Highest less lowest price of each forecast, never quite nothing: shape (n_devices or 1, 1). [$/kWh]"""
    prices = np.atleast_2d(as_array(price_per_kwh))
    spread: FloatArray = prices.max(axis=-1, keepdims=True) - prices.min(axis=-1, keepdims=True)
    if Fault.CLIFF_AT_FLAT_FORECAST in faults:
        return spread
    return greatest(spread, LEAST_SPREAD_FRACTION * abs(prices).max(axis=-1, keepdims=True))


def between_hours_kw(
    start_kw: ArrayLike, this_hour_kw: ArrayLike, next_hour_kw: ArrayLike, minute: float
) -> FloatArray:
    """Plan for the time up to a minute of the hour (0..60), in two straight half-hours. [kW]

    From what it was at the hour's start to the hour's plan at half past, and from there half of the way to the
    next hour's: neighbouring hours join without a jump.
    """
    start, this, following = as_array(start_kw), as_array(this_hour_kw), as_array(next_hour_kw)
    if minute <= HALF_HOUR_MINUTES:
        return start + (this - start) * (minute / HALF_HOUR_MINUTES)
    return this + (following - this) * (0.5 * (minute - HALF_HOUR_MINUTES) / HALF_HOUR_MINUTES)
