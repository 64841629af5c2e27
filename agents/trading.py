"""The market interface of an agent: orders from curves, awards by slot."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from ..kernel import Instant, Port
from ..roles.interfaces import (
    DAY_AHEAD,
    NO_MARKET,
    Award,
    AwardStatus,
    MarketCall,
    MarketPrice,
    Order,
    PriceForecast,
    Registration,
)
from .prices import Prices
from .strategies import Curve, power_at


@attrs.define
class Trader:
    """Takes part in a market for one resource: sends orders, or, where only a price is told, responds to that.

    It keeps what was awarded and what is known of prices.
    """

    port: Port
    usage_point: str
    lse: str
    market: str
    import_rating_kw: float
    export_rating_kw: float
    prices: Prices = attrs.field(factory=Prices, init=False)
    _real_time_kw: dict[Instant, tuple[Instant, float]] = attrs.field(factory=dict, init=False)
    _day_ahead_kw: dict[Instant, float] = attrs.field(factory=dict, init=False)
    _intended: dict[Instant, Curve] = attrs.field(factory=dict, init=False)
    """By slot, what it would do at which price, until the price is told."""

    async def trade(self, bid: Callable[[MarketCall], Sequence[Curve]]) -> None:
        """Answer every call of the market with the curves that ``bid`` gives, one a slot, and take the awards."""
        if self.market == NO_MARKET:
            return
        self._register()
        forecasts = self.port.subscribe(PriceForecast, lse=self.lse)
        async for message in self.port.subscribe(MarketCall, Award, MarketPrice, market=self.market):
            for forecast in forecasts.take_waiting():
                self.prices.forecast(forecast)
            if isinstance(message, MarketCall):
                self._answer(message, bid(message))
            elif isinstance(message, Award):
                self._take(message)
            else:
                self._heed(message)

    def _register(self) -> None:
        self.port.publish(
            Registration(
                market=self.market,
                resource=self.port.name,
                usage_point=self.usage_point,
                import_rating_kw=self.import_rating_kw,
                export_rating_kw=self.export_rating_kw,
            )
        )

    def _answer(self, call: MarketCall, curves: Sequence[Curve]) -> None:
        """Send an order; where none is taken, keep the curves for when the price comes."""
        if call.orders:
            self._offer(call, curves)
            return
        for number, curve in enumerate(curves):
            self._intended[call.first_slot + number * call.slot_length] = curve

    def _offer(self, call: MarketCall, curves: Sequence[Curve]) -> None:
        """Send an order for the slots of a call; a curve is (quantity [kW], price [$/kWh]) points, price descending."""
        if not curves:
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
                quantity_kw=tuple(tuple(quantity for quantity, _ in curve) for curve in curves),
                price_per_kwh=tuple(tuple(price for _, price in curve) for curve in curves),
            )
        )

    def _take(self, award: Award) -> None:
        """Keep an award until its slot is over; a suspended clearing leaves the device to itself."""
        rows = zip(award.quantity_kw, award.status, strict=True)
        for number, (power_kw, status) in enumerate(rows):
            start = award.first_slot + number * award.slot_length
            if status is AwardStatus.SUSPENDED:
                continue
            if award.product == DAY_AHEAD:
                self._day_ahead_kw[start] = power_kw
            else:
                self._real_time_kw[start] = start + award.slot_length, power_kw
        if award.product == DAY_AHEAD:
            self.prices.awarded(award)

    def _heed(self, price: MarketPrice) -> None:
        """Take expected prices over; at a price that is binding, do what was intended at it."""
        if price.forecast:
            self.prices.expect(price.first_slot, price.slot_length, price.price_per_kwh)
            return
        for number, each in enumerate(price.price_per_kwh):
            start = price.first_slot + number * price.slot_length
            curve = self._intended.pop(start, None)
            if curve is None:
                continue
            if price.product == DAY_AHEAD:
                self._day_ahead_kw[start] = power_at(curve, each)
                self.prices.expect(start, price.slot_length, (each,))
            else:
                self._real_time_kw[start] = start + price.slot_length, power_at(curve, each)

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
