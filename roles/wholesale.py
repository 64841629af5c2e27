"""A stand-in for the wholesale market: a quadratic supply curve by hour, day-ahead and in real time.

Retailers settle twice: what they bought day-ahead at its price, and what their customers and losses took beyond it at
the real-time price. What they have contracted with generators is delivered and settled here as well, at its own price.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import ClassVar

import attrs

from ..kernel import HOUR, Duration, Instant, Placement, Port, Setting, field, value
from ..kernel.activity import Main
from .accounts import Account, dollars
from .interfaces import (
    BILLING,
    DAY_AHEAD,
    FORECAST,
    REAL_TIME,
    BilateralSchedule,
    EntityEnergy,
    TransferKind,
    WholesaleAward,
    WholesaleBid,
    WholesaleCall,
    WholesalePrice,
)
from .intervals import Intervals
from .series import SlotSeries
from .wholesale_curve import Bid, QuadraticSupply, clear_wholesale
from .wholesale_settlement import WholesaleAccount


@value
class WholesaleMarket:
    """Plug-in ``[wholesale.NAME]``: price = intercept + slope * q + curvature * q**2, q the power of all retailers."""

    placement: ClassVar[Placement] = Placement.KEPT

    series: tuple[SlotSeries, ...] = field("day-ahead and real-time series")
    intercept_per_kwh: tuple[float, ...] = field("price at no power, by local hour", unit="$/kWh")
    slope_per_kwh_kw: float = field("rise of the price with power", unit="$/kWh/kW", default=0.0, at_least=0)
    curvature_per_kwh_kw2: float = field("rise of the slope with power", unit="$/kWh/kW2", default=0.0, at_least=0)
    expected_kw: float = field("power that the price forecast assumes", unit="kW", default=0.0, at_least=0)
    real_time_deviation: float = field(
        "standard deviation of real-time intercepts, as a share", unit="1", default=0.0, at_least=0
    )

    def check(self) -> Iterable[tuple[str, str]]:
        """A supply curve has 24 hours, and no series is there twice."""
        if len(self.intercept_per_kwh) != 24:
            yield "intercept_per_kwh", f"expected 24 numbers, one an hour, got {len(self.intercept_per_kwh)}"
        names = [series.product for series in self.series]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield "series", f"{name} is there twice"

    def components(self, name: str, _: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"wholesale.{name}", lambda port: _Wholesale(self, port).run()


@attrs.define
class _Wholesale:
    settings: WholesaleMarket
    port: Port
    account: Account = attrs.field(init=False)
    retailers: defaultdict[str, WholesaleAccount] = attrs.field(
        factory=lambda: defaultdict(WholesaleAccount), init=False
    )
    prices: Intervals[float] = attrs.field(factory=Intervals, init=False)
    """Real-time price of each slot [$/kWh]."""

    def __attrs_post_init__(self) -> None:
        self.account = Account(self.port)

    async def run(self) -> None:
        self._publish_forecast()
        port = self.port
        for activity in (self._take_energy, self._take_schedules, self._charge):
            port.start(activity())
        for activity in (self.account.receive, self.account.close):
            port.start(activity())
        for series in self.settings.series:
            port.start(self._run_series(series))

    def _supply(self, start: Instant, deviation: float = 0.0) -> QuadraticSupply:
        settings = self.settings
        hour = self.port.calendar.local(start).hour
        return QuadraticSupply(
            settings.intercept_per_kwh[hour] * (1.0 + deviation),
            settings.slope_per_kwh_kw,
            settings.curvature_per_kwh_kw2,
        )

    def _publish_forecast(self) -> None:
        """Expected prices of every hour that the run touches."""
        hours = range(0, self.port.stop, HOUR)
        expected = self.settings.expected_kw
        self.port.publish(
            WholesalePrice(
                iso=self.port.name,
                product=FORECAST,
                slot_start=0,
                slot_length=HOUR,
                price_per_kwh=tuple(self._supply(hour).price_at(expected) for hour in hours),
                quantity_kw=tuple(expected for _ in hours),
            )
        )

    async def _take_energy(self) -> None:
        async for envelope in self.port.subscribe(EntityEnergy).envelopes():
            energy = envelope.message
            used_kwh = energy.metered_kwh + energy.losses_kwh
            self.retailers[energy.lse].use(envelope.sender, energy.start, energy.duration, used_kwh)

    async def _take_schedules(self) -> None:
        async for schedule in self.port.subscribe(BilateralSchedule):
            bilateral = self.retailers[schedule.lse].bilateral
            rows = zip(schedule.power_kw, schedule.price_per_kwh, strict=True)
            for number, row in enumerate(rows):
                bilateral.enter(schedule.first_hour + number * HOUR, HOUR, row)

    # Sessions

    async def _run_series(self, series: SlotSeries) -> None:
        port = self.port
        bids = port.subscribe(WholesaleBid, product=series.product)
        for start, count in series.sessions(port.stop):
            gate = series.before(start, series.gate_min)
            await port.sleep_until(series.before(start, series.call_min))
            port.publish(
                WholesaleCall(
                    iso=port.name,
                    product=series.product,
                    first_slot=start,
                    slot_length=series.slot,
                    slots=count,
                    gate_closure=gate,
                )
            )
            received = await bids.collect(until=gate)
            for number in range(count):
                self._clear(series.product, start + number * series.slot, series.slot, received)

    def _clear(self, product: str, start: Instant, slot: Duration, received: list[WholesaleBid]) -> None:
        deviation = 0.0
        if product == REAL_TIME:
            deviation = self.port.random.gauss(0.0, self.settings.real_time_deviation)
        bids = {bid.lse: Bid(bid.quantity_kw, bid.price_per_kwh) for bid in received if bid.slot_start == start}
        lses = sorted(bids)
        contracted = sum(retailer.bilateral_kw(start, slot) for _, retailer in sorted(self.retailers.items()))
        scheduled = [Bid((contracted,), (0.0,))] if contracted else []
        price, quantities = clear_wholesale(self._supply(start, deviation), [*(bids[lse] for lse in lses), *scheduled])
        for lse, quantity_kw in zip(lses, quantities[: len(lses)], strict=True):
            self._award(product, lse, start, slot, quantity_kw, price)
        if product == REAL_TIME:
            self.prices.enter(start, slot, price)
        self.port.publish(
            WholesalePrice(
                iso=self.port.name,
                product=product,
                slot_start=start,
                slot_length=slot,
                price_per_kwh=(price,),
                quantity_kw=(sum(quantities),),
            )
        )

    def _award(self, product: str, lse: str, start: Instant, slot: Duration, quantity_kw: float, price: float) -> None:
        if product == DAY_AHEAD:
            self.retailers[lse].day_ahead.enter(start, slot, (quantity_kw, price))
        self.port.publish(
            WholesaleAward(
                iso=self.port.name,
                product=product,
                lse=lse,
                slot_start=start,
                slot_length=slot,
                quantity_kw=quantity_kw,
                price_per_kwh=price,
            )
        )

    # Settlement

    async def _charge(self) -> None:
        await self.port.sleep_until(self.port.stop, BILLING)
        for lse, retailer in sorted(self.retailers.items()):
            owed = retailer.owed(self.port.stop, self._real_time_price)
            self.account.invoice("lse", lse, TransferKind.WHOLESALE_ENERGY, dollars(owed))

    def _real_time_price(self, start: Instant) -> float:
        """The price of an interval; in no slot, what the curve says without any noise."""
        held = self.prices.at(start)
        return self._supply(start).price_at(self.settings.expected_kw) if held is None else held.value
