"""The retailer between its markets and the wholesale market: estimates, a bid a slot, offers of what it has bought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from ...kernel import HOUR, SECOND, DeadlinePassed, Duration, Instant, Port
from ..interfaces import (
    DAY_AHEAD,
    FORECAST,
    NO_MARKET,
    AggregateDemand,
    BilateralSchedule,
    ClearingResult,
    LoadEstimate,
    MarketCall,
    MarketInfo,
    Positions,
    PriceForecast,
    SupplyOffer,
    WholesaleAward,
    WholesaleBid,
    WholesaleCall,
    WholesalePrice,
)
from .portfolio import Portfolio
from .procurement import (
    DemandBook,
    Lot,
    RetailPrice,
    RetailPrices,
    node_curve,
    portfolio_demand,
    schedule,
    wholesale_bid,
)

if TYPE_CHECKING:
    from .retailer import Retailer


@attrs.frozen
class _Open:
    """A wholesale slot that is to be bid for."""

    product: str
    start: Instant
    length: Duration
    latest: Instant


@attrs.define
class TradingDesk:
    """Everything that a retailer says and hears about energy before it is delivered."""

    settings: Retailer
    port: Port
    portfolio: Portfolio
    prices: RetailPrices = attrs.field(init=False)
    demands: DemandBook = attrs.field(init=False)
    slot_lengths: dict[tuple[str, str], Duration] = attrs.field(factory=dict, init=False)
    """Length of a slot, by market and series."""
    _open: dict[tuple[str, Instant], _Open] = attrs.field(factory=dict, init=False)
    _outside_kw: dict[tuple[str, Instant], float] = attrs.field(factory=dict, init=False)
    """Expected power of the customers outside of any market, by open slot."""
    _bids: dict[tuple[str, Instant], tuple[float, Instant]] = attrs.field(factory=dict, init=False)
    """The most that was bid for [kW], and the end of the slot, until it is awarded."""
    _waiting: list[AggregateDemand] = attrs.field(factory=list, init=False)
    """Demand for slots that wait for the wholesale market."""

    def __attrs_post_init__(self) -> None:
        settings = self.settings
        node = settings.node_curve if settings.retail_price is RetailPrice.NODE_CURVE else ()
        self.prices = RetailPrices(
            settings.rate(),
            self.port.calendar,
            self.portfolio.supply,
            hourly=self.portfolio.book.prices(NO_MARKET).day_ahead,
            node=node,
        )
        self.demands = DemandBook(self.settings.markets)

    def start(self) -> None:
        """Begin to trade."""
        self._schedule_contracts()
        self.port.start(self._follow_wholesale())
        for market in self.settings.markets:
            self.port.start(self._follow_market(market))
            self.port.start(self._follow_results(market))

    def _schedule_contracts(self) -> None:
        hours = -(-self.port.stop // HOUR)
        power_kw, price = schedule(self.settings.bilateral, self.port.calendar, hours)
        for hour, row in enumerate(zip(power_kw, price, strict=True)):
            self.portfolio.supply.bilateral.enter(hour * HOUR, HOUR, row)
        if any(power_kw):
            self.port.publish(
                BilateralSchedule(
                    iso=self.settings.wholesale,
                    lse=self.port.name,
                    first_hour=0,
                    power_kw=power_kw,
                    price_per_kwh=price,
                )
            )

    # The wholesale market

    async def _follow_wholesale(self) -> None:
        heard = self.port.subscribe(WholesaleCall, WholesaleAward, WholesalePrice, iso=self.settings.wholesale)
        while True:
            latest = min((slot.latest for slot in self._open.values()), default=None)
            try:
                messages = [await heard.receive(until=latest), *heard.take_waiting()]
            except DeadlinePassed:
                self._bid(all_known=False)
                continue
            self._hear_all(messages)
            self._bid(all_known=True)
            self._offer_what_waits()

    def _hear_all(self, messages: Sequence[WholesaleCall | WholesaleAward | WholesalePrice]) -> None:
        """Take in what was said in a round; customers are told once what new prices mean for them."""
        is_news = False
        for message in messages:
            if isinstance(message, WholesaleCall):
                self._open_slots(message)
            elif isinstance(message, WholesaleAward):
                most_kw, _ = self._bids.pop((message.product, message.slot_start), (message.quantity_kw, 0))
                is_news |= self.prices.buy(message, Lot(message.quantity_kw, message.price_per_kwh, most_kw))
            elif message.product == FORECAST:
                self.prices.expect(message, self.port.now)
                is_news = True
        if is_news:
            first, prices = self.prices.ahead(self.port.now)
            self.port.publish(PriceForecast(lse=self.port.name, first_hour=first, price_per_kwh=prices))

    def _open_slots(self, call: WholesaleCall) -> None:
        """Expect the load outside of all markets, and note by when a bid is due."""
        now = self.port.now
        self.demands.forget(now)
        latest = max(call.gate_closure - round(self.settings.bid_lead_s * SECOND), now)
        for number in range(call.slots):
            start = call.first_slot + number * call.slot_length
            key = call.product, start
            self._open[key] = _Open(call.product, start, call.slot_length, latest)
            self._outside_kw[key] = self._estimate(NO_MARKET, call.product, start, call.slot_length)

    def _bid(self, *, all_known: bool) -> None:
        """Bid for the open slots for which all demand is known, or, at the latest, for those that are due."""
        for key, slot in list(self._open.items()):
            is_due = slot.latest <= self.port.now
            if is_due or (all_known and not self.demands.missing(slot.product, slot.start, slot.length)):
                del self._open[key]
                self._bid_for(slot, self._outside_kw.pop(key))

    def _bid_for(self, slot: _Open, outside_kw: float) -> None:
        settings, supply, length = self.settings, self.portfolio.supply, slot.length
        held = supply.bilateral.over(slot.start, slot.start + length)
        demand = portfolio_demand(
            self.demands.curves(slot.product, slot.start, length),
            outside_kw + self._unknown_kw(slot),
            rate=self.prices.rate,
            loss_factor=settings.loss_factor,
            bilateral_kw=sum(shared * each.value[0] for shared, each in held) / length,
        )
        expected = supply.expected_per_kwh.at(slot.start)
        bid = wholesale_bid(
            settings.day_ahead_bid if slot.product == DAY_AHEAD else settings.real_time_bid,
            demand,
            expected_per_kwh=0.0 if expected is None else expected.value,
            node=node_curve(settings.node_curve, self.port.calendar, slot.start, length),
        )
        self._bids[slot.product, slot.start] = bid.curve.quantity_kw[-1], slot.start + length
        self.port.publish(
            WholesaleBid(
                iso=settings.wholesale,
                product=slot.product,
                lse=self.port.name,
                slot_start=slot.start,
                slot_length=length,
                quantity_kw=bid.curve.quantity_kw,
                price_per_kwh=bid.curve.price_per_kwh,
                form=bid.form,
                quadratic=bid.quadratic,
            )
        )

    def _unknown_kw(self, slot: _Open) -> float:
        """What the customers of markets that have named no demand are expected to use."""
        total = 0.0
        for market in self.settings.markets:
            share = self.demands.unknown_share(market, slot.product, slot.start, slot.length)
            if share > 0.0:
                total += share * self.portfolio.expected_kw(market, slot.start, slot.length)
        return total

    # Its markets

    async def _follow_market(self, market: str) -> None:
        heard = self.port.subscribe(MarketInfo, MarketCall, AggregateDemand, market=market)
        while True:
            messages = [await heard.receive(), *heard.take_waiting()]
            for message in messages:
                if isinstance(message, MarketInfo):
                    self.demands.has_series(market, message.product)
                    self.slot_lengths[market, message.product] = message.slot_length
                elif isinstance(message, MarketCall):
                    for number in range(message.slots):
                        start = message.first_slot + number * message.slot_length
                        self._estimate(market, message.product, start, message.slot_length)
                else:
                    self.demands.enter(message)
                    self._waiting.append(message)
            self._bid(all_known=True)
            self._offer_what_waits()

    async def _follow_results(self, market: str) -> None:
        async for message in self.port.subscribe(ClearingResult, Positions, market=market):
            if isinstance(message, ClearingResult):
                self.portfolio.book.result(message)
            else:
                self.portfolio.positions(message)

    def _estimate(self, market: str, product: str, start: Instant, length: Duration) -> float:
        """Publish the load that is expected beyond what is bid, in a market or in none; returns the sum [kW]."""
        usage_points, power_kw = self.portfolio.estimate(market, product, self.port.now, start, length)
        self.port.publish(
            LoadEstimate(
                lse=self.port.name,
                market=market,
                product=product,
                slot_start=start,
                slot_length=length,
                usage_points=usage_points,
                power_kw=power_kw,
            )
        )
        return sum(power_kw)

    def _offer_what_waits(self) -> None:
        """Offer for the slots that are bought, and at expected prices where no wholesale award is to come."""
        waiting, self._waiting = self._waiting, []
        for demand in waiting:
            price = self.prices.of(demand.product, demand.slot_start, demand.slot_length)
            if price is None and not self._is_pending(demand):
                price = self.prices.expected(demand.slot_start)
            if price is not None:
                self._offer(demand, price)
            elif demand.clearing > self.port.now:
                self._waiting.append(demand)

    def _is_pending(self, demand: AggregateDemand) -> bool:
        """Whether a wholesale award may still come for a slot."""
        pending = {key: slot.start + slot.length for key, slot in self._open.items()}
        pending |= {key: end for key, (_, end) in self._bids.items()}
        begin, end = demand.slot_start, demand.slot_start + demand.slot_length
        return any(
            product == demand.product and start < end and begin < stop for (product, start), stop in pending.items()
        )

    def _offer(self, demand: AggregateDemand, price_per_kwh: float) -> None:
        """Offer energy at the retail price, more than was bought if need be."""
        self.port.publish(
            SupplyOffer(
                market=demand.market,
                product=demand.product,
                clearing=demand.clearing,
                slot_start=demand.slot_start,
                slot_length=demand.slot_length,
                quantity_kw=self.settings.supply_limit_kw,
                price_per_kwh=price_per_kwh,
            )
        )
