"""Between wholesale and retail: a conversion of prices with its inverse, and a retailer's own curve of prices."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import attrs

from ....kernel import Calendar, Duration, Instant, field, value
from ...wholesale_curve import QuadraticSupply
from ..week import WeekHours, share_of


class PriceConversion(Enum):
    """How a retail price follows from a wholesale price; the DSO+T study has both in its code."""

    AFFINE = "affine"
    """``scaling * wholesale + charge``, 1.04 and 0.04 $/kWh in its market of the distribution operator."""
    RATIO = "ratio"
    """``ratio * wholesale``, 1.25 in its bids to the wholesale market."""


class RetailPrice(Enum):
    """Which wholesale price the retail price of a cleared slot is made of."""

    LOCATIONAL_MARGINAL = "locational marginal price"
    """What the wholesale market has cleared at."""
    NODE_CURVE = "node curve"
    """The retailer's own curve at the quantity that it was awarded, as the DSO+T study's code has it."""


@attrs.frozen
class RetailRate:
    """Retail price from a wholesale price: ``scaling * wholesale + charge``."""

    scaling: float
    charge_per_kwh: float

    def retail(self, wholesale_per_kwh: float) -> float:
        """Retail price [$/kWh] of a wholesale price [$/kWh]."""
        return self.scaling * wholesale_per_kwh + self.charge_per_kwh

    def wholesale(self, retail_per_kwh: float) -> float:
        """The wholesale price [$/kWh] that a retail price [$/kWh] stands for."""
        return (retail_per_kwh - self.charge_per_kwh) / self.scaling


@value
class NodePrices:
    """Wholesale price against the retailer's power, ``intercept + slope * q + curvature * q**2``, in some hours."""

    intercept_per_kwh: float = field("price at no power", unit="$/kWh")
    slope_per_kwh_kw: float = field("rise of the price with power", unit="$/kWh/kW", default=0.0)
    curvature_per_kwh_kw2: float = field("rise of the slope with power", unit="$/kWh/kW2", default=0.0)
    hours: tuple[WeekHours, ...] = field("hours of the week; all when there are none", default=())


def node_curve(
    curves: Sequence[NodePrices], calendar: Calendar, start: Instant, length: Duration
) -> QuadraticSupply | None:
    """The curve of the slot: the first whose hours hold all of it; None when no curve does.

    Source: the wholesale node curves of the DSO+T study (PNNL-32170), one for each hour of the week.
    """
    for curve in curves:
        if share_of(curve.hours, calendar, start, length) > 1.0 - 1e-9:
            return QuadraticSupply(curve.intercept_per_kwh, curve.slope_per_kwh_kw, curve.curvature_per_kwh_kw2)
    return None
