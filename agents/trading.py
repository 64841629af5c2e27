"""The market interface of an agent: orders from curves, awards by slot."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ..kernel import Instant, Port
from ..roles.interfaces import Award, AwardStatus, MarketCall, Order
from .strategies import Curve

DAY_AHEAD = "day-ahead"


@attrs.define
class Trader:
    """Sends orders for one resource and keeps what was awarded."""

    port: Port
    usage_point: str
    _real_time_kw: dict[Instant, tuple[Instant, float]] = attrs.field(factory=dict, init=False)
    _day_ahead_kw: dict[Instant, float] = attrs.field(factory=dict, init=False)

    def offer(self, call: MarketCall, curves: Sequence[Curve]) -> None:
        """Send an order for each slot of a call; a curve is (quantity [kW], price [$/kWh]) points, price descending."""
        for number, curve in enumerate(curves):
            quantity_kw, price_per_kwh = zip(*curve, strict=True)
            self.port.publish(
                Order(
                    market=call.market,
                    product=call.product,
                    resource=self.port.name,
                    usage_point=self.usage_point,
                    slot_start=call.first_slot + number * call.slot_length,
                    slot_length=call.slot_length,
                    quantity_kw=quantity_kw,
                    price_per_kwh=price_per_kwh,
                )
            )

    def award(self, award: Award) -> None:
        """Keep an award until its slot is over; a refused order awards nothing, and leaves the device to itself."""
        if award.status is AwardStatus.REFUSED:
            return
        if award.product == DAY_AHEAD:
            self._day_ahead_kw[award.slot_start] = award.quantity_kw
        else:
            self._real_time_kw[award.slot_start] = award.slot_start + award.slot_length, award.quantity_kw

    def take_kw(self, start: Instant) -> float | None:
        """What was awarded for the real-time slot of an instant; None without an award [kW]."""
        for slot in [slot for slot, (end, _) in self._real_time_kw.items() if end <= start]:
            del self._real_time_kw[slot]
        return next((kw for slot, (_, kw) in self._real_time_kw.items() if slot <= start), None)

    def day_ahead_kw(self, hour_start: Instant) -> float | None:
        """What was awarded for an hour of the day ahead; None without an award [kW]."""
        return self._day_ahead_kw.get(hour_start)
