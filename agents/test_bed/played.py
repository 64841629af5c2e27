"""A weather station, a retailer, a market and wires for test beds, each played in a few lines and no more than that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

import attrs
import numpy as np

from ...kernel import DAY, FIRST, HOUR, LAST, MINUTE, Duration, Instant, Port
from ...roles.interfaces import (
    DAY_AHEAD,
    REAL_TIME,
    Award,
    AwardStatus,
    ClearingResult,
    DeviceLimit,
    DevicePower,
    FeederRead,
    MarketCall,
    MarketOutcome,
    MarketPrice,
    Order,
    PriceForecast,
    WeatherForecast,
)
from ..planning.bids import Bids
from ..surroundings import FloatArray
from .days import ClearDay, price_at

INTERVAL: Duration = 5 * MINUTE
LEADS = {DAY_AHEAD: (20 * MINUTE, 10 * MINUTE), REAL_TIME: (2 * MINUTE, MINUTE)}
"""Time from a call and from its clearing to the first slot; the day ahead is over before the first slot is called."""
HALVINGS = 40


@attrs.frozen
class Supply:
    """A straight price curve that moves up and down in the course of a day."""

    low_per_kwh: float = 0.05
    high_per_kwh: float = 0.20
    slope_per_kwh_kw: float = 0.0005

    def price_at(self, hour: float, demand_kw: FloatArray | float = 0.0) -> FloatArray | float:
        """Price of the last kilowatt of a demand at a time of day. [$/kWh]"""
        return price_at(hour, self.low_per_kwh, self.high_per_kwh) + self.slope_per_kwh_kw * demand_kw


@attrs.frozen
class Station:
    """Reads the weather of each interval, and knows it for all hours to come."""

    weather: ClearDay

    async def run(self, port: Port) -> None:
        """Publish to the end of the run."""
        hours = [port.calendar.hour(hour * HOUR) for hour in range(-(-(port.stop + 2 * DAY) // HOUR))]
        outdoor_c, ghi = tuple(map(self.weather.outdoor_c, hours)), tuple(map(self.weather.ghi_w_per_m2, hours))
        port.publish(WeatherForecast(site=port.name, first_hour=0, outdoor_c=outdoor_c, ghi_w_per_m2=ghi))
        for start in range(0, port.stop, INTERVAL):
            await port.sleep_until(start, FIRST)
            port.publish(self.weather.reading(port.name, port.calendar.hour(start), start, INTERVAL))


@attrs.frozen
class Forecaster:
    """A retailer who forecasts the supply's prices, and does nothing else."""

    supply: Supply

    async def run(self, port: Port) -> None:
        """Publish once."""
        hours = range((port.stop + 2 * DAY) // HOUR)
        prices = tuple(float(self.supply.price_at(port.calendar.hour(hour * HOUR))) for hour in hours)
        port.publish(PriceForecast(lse=port.name, first_hour=0, price_per_kwh=prices))


@attrs.frozen
class Auctioneer:
    """A market that crosses the orders of each call with the supply: the day ahead hourly, then every interval."""

    supply: Supply
    floor_per_kwh: float = 0.0
    cap_per_kwh: float = 1.0

    async def run(self, port: Port) -> None:
        """Call, clear and award to the end of the run."""
        port.start(self._series(port, DAY_AHEAD, range(HOUR, port.stop, DAY), HOUR, 24))
        await self._series(port, REAL_TIME, range(INTERVAL, port.stop, INTERVAL), INTERVAL, 1)

    async def _series(self, port: Port, product: str, starts: Sequence[Instant], length: Duration, slots: int) -> None:
        orders = port.subscribe(Order, market=port.name, product=product)
        call_lead, clearing_lead = LEADS[product]
        for start in starts:
            await port.sleep_until(start - call_lead)
            call = MarketCall(
                market=port.name,
                product=product,
                clearing=start - clearing_lead,
                first_slot=start,
                slot_length=length,
                slots=slots,
                gate_closure=start - clearing_lead,
                price_cap_per_kwh=self.cap_per_kwh,
                price_floor_per_kwh=self.floor_per_kwh,
            )
            port.publish(call)
            self._clear(port, call, await orders.collect(until=call.gate_closure))

    def _clear(self, port: Port, call: MarketCall, orders: Sequence[Order]) -> None:
        if not orders:
            return
        bids = Bids(np.array([each.quantity_kw for each in orders]), np.array([each.price_per_kwh for each in orders]))
        starts = [call.first_slot + slot * call.slot_length for slot in range(call.slots)]
        prices = self._crossing(bids, [port.calendar.hour(start) for start in starts])
        quantity_kw = bids.quantity_at(prices)
        for message in _results(call, orders, starts, prices.tolist(), quantity_kw):
            port.publish(message)

    def _crossing(self, bids: Bids, hours: Sequence[float]) -> FloatArray:
        """Price of each slot at which the demand costs just that, within the band."""
        base = np.array([float(self.supply.price_at(hour)) for hour in hours])
        low, high = np.full(len(hours), self.floor_per_kwh), np.full(len(hours), self.cap_per_kwh)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            costs = base + self.supply.slope_per_kwh_kw * bids.quantity_at(middle).sum(axis=0)
            low, high = np.where(costs > middle, middle, low), np.where(costs > middle, high, middle)
        return high


def _results(
    call: MarketCall, orders: Sequence[Order], starts: Sequence[Instant], prices: list[float], quantity_kw: FloatArray
) -> Iterator[object]:
    yield MarketPrice(
        market=call.market,
        product=call.product,
        first_slot=call.first_slot,
        slot_length=call.slot_length,
        price_per_kwh=tuple(prices),
        forecast=call.product == DAY_AHEAD,
    )
    for start, price, total_kw in zip(starts, prices, quantity_kw.sum(axis=0).tolist(), strict=True):
        yield ClearingResult(
            market=call.market,
            product=call.product,
            clearing=call.clearing,
            slot_start=start,
            slot_length=call.slot_length,
            outcome=MarketOutcome.CLEARED,
            price_per_kwh=price,
            supply_price_per_kwh=price,
            quantity_kw=total_kw,
            inelastic_kw=0.0,
            shed_kw=0.0,
            orders=len(orders),
            attempts=1,
        )
    for order, powers in zip(orders, quantity_kw.tolist(), strict=True):
        yield Award(
            market=call.market,
            product=call.product,
            clearing=call.clearing,
            resource=order.resource,
            order_id=order.order_id,
            first_slot=call.first_slot,
            slot_length=call.slot_length,
            quantity_kw=tuple(powers),
            price_per_kwh=tuple(prices),
            status=(AwardStatus.AWARDED,) * call.slots,
            reason=("",) * call.slots,
        )


@attrs.frozen
class Wires:
    """A feeder without losses: sums what devices draw, and cuts those that give way where it is too much."""

    import_limit_kw: float = inf

    async def run(self, port: Port) -> None:
        """Sum and cut in every interval, and read the feeder."""
        heard, powers = port.subscribe(DevicePower), dict[str, DevicePower]()
        for start in range(0, port.stop, INTERVAL):
            await port.sleep_until(start, LAST)
            powers |= {each.device: each for each in heard.take_waiting()}
            wanted_kw = _total_kw(powers)
            self._cut(port, start, powers, wanted_kw)
            await port.sleep_until(start, LAST)
            powers |= {each.device: each for each in heard.take_waiting()}
            port.publish(_read(port.name, start, self.import_limit_kw, wanted_kw, _total_kw(powers)))

    def _cut(self, port: Port, start: Instant, powers: dict[str, DevicePower], wanted_kw: float) -> None:
        giving_way = [each for each in powers.values() if each.controllable and each.power_kw > 0.0]
        flexible_kw = sum(each.power_kw for each in giving_way)
        if wanted_kw <= self.import_limit_kw or flexible_kw == 0.0:
            return
        share = max(1.0 - (wanted_kw - self.import_limit_kw) / flexible_kw, 0.0)
        for each in giving_way:
            limit_kw = share * each.power_kw
            port.publish(
                DeviceLimit(
                    device=each.device, start=start, duration=INTERVAL, import_limit_kw=limit_kw, reason="feeder"
                )
            )


def _total_kw(powers: dict[str, DevicePower]) -> float:
    return sum(power.power_kw for _, power in sorted(powers.items()))


def _read(name: str, start: Instant, limit_kw: float, wanted_kw: float, total_kw: float) -> FeederRead:
    energy_kwh = total_kw * INTERVAL / HOUR
    return FeederRead(
        feeder=name,
        start=start,
        duration=INTERVAL,
        substation_kwh=energy_kwh,
        metered_kwh=energy_kwh,
        losses_kwh=0.0,
        import_limit_kw=limit_kw,
        highest_loading=total_kw / limit_kw,
        curtailed_kwh=(wanted_kw - total_kw) * INTERVAL / HOUR,
    )
