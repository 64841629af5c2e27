"""What a retailer's markets want in each wholesale slot, and which of them have not said so yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from ....kernel import Duration, Instant
from ...interfaces import AggregateDemand
from ...intervals import Held, Intervals
from .bidding import Points

_NONE: Intervals[AggregateDemand] = Intervals()


@attrs.define
class DemandBook:
    """Demand curves by market, series and slot; slots of retail and wholesale market need not be the same."""

    markets: Sequence[str]
    _products: dict[str, list[str]] = attrs.field(factory=dict, init=False)
    """The series that each market has."""
    _demands: dict[tuple[str, str], Intervals[AggregateDemand]] = attrs.field(factory=dict, init=False)

    def has_series(self, market: str, product: str) -> None:
        """Learn that a market clears a series."""
        self._products.setdefault(market, []).append(product)

    def enter(self, demand: AggregateDemand) -> None:
        """Enter the demand of a slot; that of a later clearing replaces it."""
        series = self._demands.setdefault((demand.market, demand.product), Intervals())
        series.enter(demand.slot_start, demand.slot_length, demand)

    def missing(self, product: str, start: Instant, length: Duration) -> tuple[str, ...]:
        """The markets with such a series whose demand is not known for all of a slot."""
        return tuple(
            market
            for market in self.markets
            if product in self._products.get(market, ()) and self._known(market, product, start, length) < length
        )

    def unknown_share(self, market: str, product: str, start: Instant, length: Duration) -> float:
        """The part of a slot for which a market has named no demand."""
        return 1.0 - self._known(market, product, start, length) / length

    def curves(self, product: str, start: Instant, length: Duration) -> list[Points]:
        """Demand curves whose sum is the average demand over a slot, power [kW] against retail price [$/kWh]."""
        found: list[Points] = []
        for market in self.markets:
            for shared, held in self._over(market, product, start, length):
                rows = zip(held.value.quantity_kw, held.value.price_per_kwh, strict=True)
                found.append([(power_kw * shared / length, price) for power_kw, price in rows])
        return found

    def forget(self, before: Instant) -> None:
        """Drop the demand of slots that have ended before an instant."""
        for series in self._demands.values():
            series.forget(before)

    def _known(self, market: str, product: str, start: Instant, length: Duration) -> Duration:
        return sum(shared for shared, _ in self._over(market, product, start, length))

    def _over(
        self, market: str, product: str, start: Instant, length: Duration
    ) -> Iterator[tuple[Duration, Held[AggregateDemand]]]:
        return self._demands.get((market, product), _NONE).over(start, start + length)
