"""What customers hold of the day-ahead market, and where the real-time price is a local one."""

from __future__ import annotations

import attrs
import numpy as np

from ....kernel import HOUR, Instant
from ...interfaces import DAY_AHEAD, Positions
from .points import FloatArray, Places
from .prices import Prices
from .slots import SlotValues


@attrs.define
class PositionBook:
    """Day-ahead positions with their prices, and local real-time prices, by the places of usage points."""

    held_kw: SlotValues = attrs.field(factory=SlotValues, init=False)
    """Day-ahead positions. [kW]"""
    held_per_kwh: SlotValues = attrs.field(factory=SlotValues, init=False)
    """Their prices. [$/kWh]"""
    local_per_kwh: SlotValues = attrs.field(factory=SlotValues, init=False)
    """Real-time price where it is not that of the market: below a transformer that binds. [$/kWh]"""

    def enter(self, positions: Positions, places: Places, at_market: Prices) -> None:
        """Enter the day-ahead positions of a slot, or its local prices in real time."""
        start, length = positions.slot_start, positions.slot_length
        price = np.array(positions.price_per_kwh, dtype=np.float64)
        if positions.product == DAY_AHEAD:
            power_kw = np.array(positions.power_kw, dtype=np.float64)
            self.held_kw.enter(start, length, places, power_kw if positions.commitment else np.zeros(len(places)))
            self.held_per_kwh.enter(start, length, places, price)
            return
        market = at_market.real_time.at(start)
        is_local = ~np.isnan(self.local_per_kwh.at(places, start))
        is_local |= True if market is None else price != market.value
        if is_local.any():
            self.local_per_kwh.enter(start, length, places[is_local], price[is_local])

    def position_kwh(self, places: Places, start: Instant, end: Instant) -> FloatArray:
        """Day-ahead positions in a span [kWh]."""
        return self.held_kw.summed(places, start, end) / HOUR

    def real_time_price(self, places: Places, at_market: Prices, start: Instant) -> FloatArray:
        """Prices at which what deviates from positions settles [$/kWh]."""
        local = self.local_per_kwh.at(places, start)
        return np.where(np.isnan(local), at_market.at(start), local)

    def day_ahead_price(self, places: Places, at_market: Prices, start: Instant) -> FloatArray:
        """Day-ahead prices of an interval [$/kWh]; 0 where there was no day-ahead slot."""
        held = self.held_per_kwh.at(places, start)
        return np.where(np.isnan(held), at_market.day_ahead_at(start), held)

    @property
    def entries(self) -> int:
        """How often something was entered."""
        return self.held_kw.entries + self.held_per_kwh.entries + self.local_per_kwh.entries
