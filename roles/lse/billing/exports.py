"""What a retailer pays its customers for what they export."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from ....kernel import Calendar, Instant
from ..tariff import Tariff
from ..tariff.tariff import ExportRule, MarketRule
from ..week import SATURDAY

FloatArray = NDArray[np.float64]


@attrs.frozen
class ExportRates:
    """The prices of exports under one tariff.

    Of a tariff that takes exports off the consumption of the customer himself, the retailer buys nothing.
    """

    tariff: Tariff
    calendar: Calendar
    _period: NDArray[np.int64] | None = attrs.field(init=False, eq=False)
    """Index of the energy period by weekend, month and hour."""

    @_period.default
    def _scheduled(self) -> NDArray[np.int64] | None:
        pays = self.tariff.energy is not None and self.tariff.export.rule is ExportRule.NET_BILLING
        return self.tariff.energy.schedule.table() if self.tariff.energy is not None and pays else None

    def paid(
        self,
        start: Instant,
        energy_kwh: FloatArray,
        *,
        position_kwh: FloatArray,
        day_ahead_per_kwh: FloatArray,
        real_time_per_kwh: FloatArray,
    ) -> FloatArray:
        """What an interval costs the retailer whose energies are exports, so negative; each of shape (n,). [$]

        What was sold day-ahead has that price; more, or less, than it the price in real time.
        """
        exported = np.minimum(energy_kwh, 0.0)
        paid: FloatArray = -exported * self._own_price(start)
        market = self.tariff.market
        if market is None:
            return paid
        sold = np.minimum(position_kwh, 0.0) * (market.rule is MarketRule.TRANSACTIVE)
        later = day_ahead_per_kwh if market.rule is MarketRule.SUBSCRIPTION else real_time_per_kwh
        deviating = sold * day_ahead_per_kwh + (exported - sold) * later
        return np.where(energy_kwh < 0.0, paid - market.multiplier * deviating, 0.0)

    def _own_price(self, start: Instant) -> float:
        """The tariff's own price of an export [$/kWh]."""
        energy = self.tariff.energy
        if self._period is None or energy is None:
            return 0.0
        local = self.calendar.local(start)
        index = int(self._period[int(local.weekday() >= SATURDAY), local.month - 1, local.hour])
        return energy.periods[index].export_per_kwh
