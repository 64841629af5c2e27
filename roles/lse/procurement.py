"""Between retail and wholesale: prices, and the demand that a retailer takes to the wholesale market."""

from __future__ import annotations

from collections.abc import Sequence

import attrs


@attrs.frozen
class RetailRate:
    """Retail price from a wholesale price: ``scaling * wholesale + charge``; 1.04 and 0.04 in the DSO+T study."""

    scaling: float
    charge_per_kwh: float

    def retail(self, wholesale_per_kwh: float) -> float:
        """Retail price [$/kWh] of a wholesale price [$/kWh]."""
        return self.scaling * wholesale_per_kwh + self.charge_per_kwh

    def wholesale(self, retail_per_kwh: float) -> float:
        """The wholesale price [$/kWh] that a retail price [$/kWh] stands for."""
        return (retail_per_kwh - self.charge_per_kwh) / self.scaling


def wholesale_bid(
    quantity_kw: Sequence[float],
    retail_per_kwh: Sequence[float],
    *,
    rate: RetailRate,
    loss_factor: float,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A retail demand curve at the substation: quantities [kW] with losses, at wholesale prices [$/kWh]."""
    quantities = tuple(quantity * (1.0 + loss_factor) for quantity in quantity_kw)
    return quantities, tuple(rate.wholesale(price) for price in retail_per_kwh)
