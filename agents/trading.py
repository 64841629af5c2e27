"""The market interface of an agent: orders from curves, awards by slot."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from ..kernel import Instant, Port
from ..roles.interfaces import DAY_AHEAD, NO_MARKET, Award, AwardStatus, MarketCall, Order, PriceForecast
from .prices import Prices
from .strategies import Curve


@attrs.define
class Trader:
    """Sends orders for one resource, keeps what was awarded and what is known of prices."""

    port: Port
    usage_point: str
    lse: str
    market: str
    prices: Prices = attrs.field(factory=Prices, init=False)
    _real_time_kw: dict[Instant, tuple[Instant, float]] = attrs.field(factory=dict, init=False)
    _day_ahead_kw: dict[Instant, float] = attrs.field(factory=dict, init=False)

    async def trade(self, bid: Callable[[MarketCall], Sequence[Curve]]) -> None:
        """Answer every call of the market with the curves that ``bid`` gives, one a slot, and take the awards."""
        if self.market == NO_MARKET:
            return
        forecasts = self.port.subscribe(PriceForecast, lse=self.lse)
        async for message in self.port.subscribe(MarketCall, Award, market=self.market):
            for forecast in forecasts.take_waiting():
                self.prices.forecast(forecast)
            if isinstance(message, MarketCall):
                self._offer(message, bid(message))
            else:
                self._take(message)

    def _offer(self, call: MarketCall, curves: Sequence[Curve]) -> None:
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

    def _take(self, award: Award) -> None:
        """Keep an award until its slot is over; a refused order awards nothing, and leaves the device to itself."""
        if award.status is AwardStatus.REFUSED:
            return
        if award.product == DAY_AHEAD:
            self._day_ahead_kw[award.slot_start] = award.quantity_kw
            self.prices.awarded(award)
        else:
            self._real_time_kw[award.slot_start] = award.slot_start + award.slot_length, award.quantity_kw

    def take_kw(self, start: Instant) -> float | None:
        """What was awarded for the real-time slot of an instant; None without an award [kW]."""
        held = self._real_time_kw
        if not held:
            return None
        for slot in [slot for slot, (end, _) in held.items() if end <= start]:
            del held[slot]
        return next((kw for slot, (_, kw) in held.items() if slot <= start), None)

    def day_ahead_kw(self, hour_start: Instant) -> float | None:
        """What was awarded for an hour of the day ahead; None without an award [kW]."""
        return self._day_ahead_kw.get(hour_start)
