"""Retail prices that follow from wholesale prices: of what was bought, and of what is expected, hour by hour."""

from __future__ import annotations

import attrs

from ....kernel import HOUR, Calendar, Duration, Instant
from ...interfaces import DAY_AHEAD, WholesaleAward, WholesalePrice
from ...intervals import Held, Intervals
from .pricing import NodePrices, RetailRate, node_curve
from .supply_book import Lot, SupplyBook


@attrs.define
class RetailPrices:
    """The prices at which a retailer offers energy, and those that it tells customers without a market."""

    rate: RetailRate
    calendar: Calendar
    supply: SupplyBook
    hourly: Intervals[float] = attrs.field(factory=Intervals)
    """Price of each hour for customers without a market. [$/kWh]"""
    node: tuple[NodePrices, ...] = ()
    """Curves to make the price of an award from, in place of the price that it was cleared at."""

    def expect(self, forecast: WholesalePrice, now: Instant) -> None:
        """Enter wholesale prices that are expected; hours that are over keep theirs."""
        for number, price in enumerate(forecast.price_per_kwh):
            start = forecast.slot_start + number * forecast.slot_length
            if start + forecast.slot_length > now:
                self.supply.expected_per_kwh.enter(start, forecast.slot_length, price)
                self.hourly.enter(start, forecast.slot_length, self.rate.retail(price))

    def buy(self, award: WholesaleAward, lot: Lot) -> bool:
        """Enter an award; returns whether it makes the price of an hour."""
        self.supply.award(award.product, award.slot_start, award.slot_length, lot)
        if award.product != DAY_AHEAD:
            return False
        first, end = award.slot_start // HOUR * HOUR, award.slot_start + award.slot_length
        prices = [(hour, self.of(DAY_AHEAD, hour, HOUR)) for hour in range(first, end, HOUR)]
        complete = [(hour, price) for hour, price in prices if price is not None]
        for hour, price in complete:
            self.hourly.enter(hour, HOUR, price)
        return bool(complete)

    def of(self, product: str, start: Instant, length: Duration) -> float | None:
        """Price of what was bought in a series for a span; None where not all of it is bought [$/kWh]."""
        lots = list(self.supply.lots(product).over(start, start + length))
        if sum(shared for shared, _ in lots) < length:
            return None
        return sum(shared * self._retail(held) for shared, held in lots) / length

    def expected(self, instant: Instant) -> float | None:
        """The price that is expected for a slot, as far as a wholesale price is [$/kWh]."""
        held = self.supply.expected_per_kwh.at(instant)
        return None if held is None else self.rate.retail(held.value)

    def ahead(self, now: Instant) -> tuple[Instant, tuple[float, ...]]:
        """The first hour that is not over, and the price of each from then on as far as they are known [$/kWh]."""
        held = [each for each in self.hourly if each.end > now]
        first = held[0].start if held else now // HOUR * HOUR
        return first, tuple(each.value for each in held)

    def _retail(self, held: Held[Lot]) -> float:
        curve = node_curve(self.node, self.calendar, held.start, held.length)
        lot = held.value
        return self.rate.retail(lot.price_per_kwh if curve is None else curve.price_at(lot.power_kw))
