"""A series of slots that a market clears in the same way: day-ahead, real-time.

A session goes call, gate closure, demand to the retailer, supply offer from it, clearing of every slot. Every boundary
is a deadline: what has not come by then is replaced by a stated rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

import attrs

from ...kernel import FIRST, DeadlinePassed, Instant, Subscription, field, value
from ..interfaces import AggregateDemand, LoadEstimate, MarketCall, Order, SupplyOffer
from ..series import SlotSeries
from .order_book import OrderBook
from .safe_clearing import Slot
from .slot_clearing import SlotClearing
from .venue import Venue


@value
class Series(SlotSeries):
    """A series of a retail market."""

    award_min: float = field("latest award, before the first slot", unit="min", at_least=0)

    def check(self) -> Iterable[tuple[str, str]]:
        """Besides what holds for every series, awards come after the gate closure."""
        yield from SlotSeries.check(self)
        if self.gate_min <= self.award_min:
            yield "award_min", "expected the awards after the gate closure"

    @property
    def last_min(self) -> float:
        """The last deadline of a session, before its first slot. [min]"""
        return self.award_min


@attrs.define
class SeriesRun:
    """The sessions of one series, one after the other."""

    venue: Venue
    series: Series
    orders: list[Order] = attrs.field(factory=list, init=False)
    """Those of the present session."""
    gate: Instant = attrs.field(default=0, init=False)
    """Gate closure of the present session, or of the last."""
    _last_supply: tuple[float, float] | None = attrs.field(default=None, init=False)
    _last_inelastic_kw: float = attrs.field(default=0.0, init=False)
    _estimates: Subscription[LoadEstimate] = attrs.field(init=False)
    _offers: Subscription[SupplyOffer] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        port, product = self.venue.port, self.series.product
        self._estimates = port.subscribe(LoadEstimate, product=product, lse=self.venue.rules.lse)
        self._offers = port.subscribe(SupplyOffer, product=product)

    async def run(self) -> None:
        """Hold session after session, to the end of the run."""
        port, series = self.venue.port, self.series
        for start, count in series.sessions(port.stop):
            await port.sleep_until(series.before(start, series.call_min))
            await self._session(start, count)

    async def _session(self, start: Instant, count: int) -> None:
        port, series, rules = self.venue.port, self.series, self.venue.rules
        self.gate = series.before(start, series.gate_min)
        self._call(start, count)
        book = OrderBook(
            start,
            series.slot,
            count,
            rules.price_cap_per_kwh,
            rules.price_floor_per_kwh,
            rules.largest_order_kw,
            self.venue.transformers(start),
        )
        await port.sleep_until(self.gate, FIRST)
        self._enter_orders(book)
        estimated_kw = {e.slot_start: sum(e.power_kw) for e in self._estimates.take_waiting()}
        starts = [start + number * series.slot for number in range(count)]
        slots = [self._slot(book, number, estimated_kw.get(at)) for number, at in enumerate(starts)]
        for at, slot in zip(starts, slots, strict=True):
            self._publish_demand(at, slot)
        await self._take_supply(start, slots)
        for number, at in enumerate(starts):
            orders = book.orders(number)
            await SlotClearing(self.venue, series.product, at, series.slot, slots[number], orders, book).run()

    def _call(self, start: Instant, count: int) -> None:
        rules = self.venue.rules
        self.venue.port.publish(
            MarketCall(
                market=self.venue.port.name,
                product=self.series.product,
                first_slot=start,
                slot_length=self.series.slot,
                slots=count,
                gate_closure=self.gate,
                price_cap_per_kwh=rules.price_cap_per_kwh,
                price_floor_per_kwh=rules.price_floor_per_kwh,
            )
        )

    def _enter_orders(self, book: OrderBook) -> None:
        orders, self.orders = self.orders, []
        for order in orders:
            if (reason := book.enter(order)) is not None:
                self.venue.refuse(order, reason)

    def _slot(self, book: OrderBook, number: int, estimated_kw: float | None) -> Slot:
        """A slot with the retailer's estimate of the load that does not bid, or else with the last one."""
        rules = self.venue.rules
        if estimated_kw is not None and isfinite(estimated_kw):
            self._last_inelastic_kw = estimated_kw
        quantity_kw, price_per_kwh, transformer = book.arrays(number)
        price, supply_kw = self._last_supply or (rules.fallback_price_per_kwh, float("inf"))
        return Slot(
            quantity_kw=quantity_kw,
            price_per_kwh=price_per_kwh,
            transformer=transformer,
            inelastic_kw=self._last_inelastic_kw,
            supply_price_per_kwh=price,
            supply_kw=supply_kw,
            price_cap_per_kwh=rules.price_cap_per_kwh,
            price_floor_per_kwh=rules.price_floor_per_kwh,
        )

    def _publish_demand(self, start: Instant, slot: Slot) -> None:
        points = slot.demand().simplified()
        self.venue.port.publish(
            AggregateDemand(
                market=self.venue.port.name,
                product=self.series.product,
                slot_start=start,
                slot_length=self.series.slot,
                quantity_kw=tuple(quantity for quantity, _ in points),
                price_per_kwh=tuple(price for _, price in points),
            )
        )

    async def _take_supply(self, start: Instant, slots: list[Slot]) -> None:
        """Wait for an offer for every slot, until awards are due; a missing one is taken to be like the last."""
        latest = self.series.before(start, self.series.award_min)
        missing = set(range(len(slots)))
        retailer = f"lse.{self.venue.rules.lse}"
        while missing:
            try:
                envelope = await self._offers.receive_envelope(until=latest)
            except DeadlinePassed:
                return
            offer = envelope.message
            number, rest = divmod(offer.slot_start - start, self.series.slot)
            sound = isfinite(offer.price_per_kwh) and offer.quantity_kw >= 0.0
            if envelope.sender != retailer or not sound or rest or not 0 <= number < len(slots):
                continue
            self._last_supply = offer.price_per_kwh, offer.quantity_kw
            slots[number] = attrs.evolve(
                slots[number], supply_price_per_kwh=offer.price_per_kwh, supply_kw=offer.quantity_kw
            )
            missing.discard(number)
