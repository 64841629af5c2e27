"""The market interface of a device: orders from curves, awards by slot."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ..kernel import Instant, Port
from ..roles.interfaces import (
    DAY_AHEAD,
    Award,
    AwardStatus,
    MarketCall,
    MarketPrice,
    Order,
    PriceForecast,
    Registration,
)
from .power_curve import Rows, power_at


@attrs.define
class Trader:
    """Takes part in a market for one resource: sends orders, or, where only a price is told, responds to that."""

    port: Port
    usage_point: str
    lse: str
    market: str
    ratings_kw: tuple[float, float]
    """Most that it draws and injects."""
    curves: Callable[[MarketCall], Rows]
    """Its curves for the slots of a call."""
    hold: Callable[[Award], None]
    """Keeps what it holds from the day ahead."""
    hear: Callable[[PriceForecast | MarketPrice], None]
    """Keeps what everybody is told of prices."""
    _real_time_kw: dict[Instant, tuple[Instant, float]] = attrs.field(factory=dict, init=False)
    _intended: dict[Instant, tuple[tuple[float, ...], tuple[float, ...]]] = attrs.field(factory=dict, init=False)
    """By slot, what it would do at which price, until the price is told."""

    async def trade(self) -> None:
        """Answer every call of the market, and take the awards, to the end of the run."""
        self._register()
        forecasts = self.port.subscribe(PriceForecast, lse=self.lse)
        async for message in self.port.subscribe(MarketCall, Award, MarketPrice, market=self.market):
            for forecast in forecasts.take_waiting():
                self.hear(forecast)
            if isinstance(message, MarketCall):
                self._answer(message, *self.curves(message))
            elif isinstance(message, Award):
                self._take(message)
            elif message.forecast:
                self.hear(message)
            else:
                self._heed(message)

    def _register(self) -> None:
        import_kw, export_kw = self.ratings_kw
        self.port.publish(
            Registration(
                market=self.market,
                resource=self.port.name,
                usage_point=self.usage_point,
                import_rating_kw=import_kw,
                export_rating_kw=export_kw,
            )
        )

    def _answer(
        self,
        call: MarketCall,
        quantity_kw: tuple[tuple[float, ...], ...],
        price_per_kwh: tuple[tuple[float, ...], ...],
    ) -> None:
        """Send an order; where none is taken, keep the curves for when the price comes."""
        if not quantity_kw:
            return
        if not call.orders:
            for number, curve in enumerate(zip(quantity_kw, price_per_kwh, strict=True)):
                self._intended[call.first_slot + number * call.slot_length] = curve
            return
        self.port.publish(
            Order(
                market=call.market,
                product=call.product,
                clearing=call.clearing,
                resource=self.port.name,
                usage_point=self.usage_point,
                order_id=f"{call.product}-{call.clearing}",
                first_slot=call.first_slot,
                slot_length=call.slot_length,
                quantity_kw=quantity_kw,
                price_per_kwh=price_per_kwh,
            )
        )

    def _take(self, award: Award) -> None:
        """Keep an award until its slot is over; a suspended clearing leaves the device to itself."""
        if award.product == DAY_AHEAD:
            self.hold(award)
            return
        for number, (power_kw, status) in enumerate(zip(award.quantity_kw, award.status, strict=True)):
            start = award.first_slot + number * award.slot_length
            if status is not AwardStatus.SUSPENDED:
                self._real_time_kw[start] = start + award.slot_length, power_kw

    def _heed(self, price: MarketPrice) -> None:
        """At a price that is binding, do what was intended at it."""
        for number, each in enumerate(price.price_per_kwh):
            start = price.first_slot + number * price.slot_length
            curve = self._intended.pop(start, None)
            if curve is not None:
                self._real_time_kw[start] = (
                    start + price.slot_length,
                    power_at(*curve, each),
                )

    def take_kw(self, start: Instant) -> float | None:
        """What was awarded for the slot of an instant, the latest to begin; None without an award [kW]."""
        held = self._real_time_kw
        if not held:
            return None
        for slot in [slot for slot, (end, _) in held.items() if end <= start]:
            del held[slot]
        begun = [slot for slot in held if slot <= start]
        return held[max(begun)][1] if begun else None
