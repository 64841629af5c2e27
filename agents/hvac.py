"""Air conditioning of a house: cools to its set-point, or, in a market, to where the price makes it worth it."""

from __future__ import annotations

import attrs

from ..kernel import HOUR, SECOND, Duration, Port, Subscription
from ..roles.interfaces import DAY_AHEAD, MarketCall, WeatherForecast, WeatherReading
from .feed import Feed
from .models.house import House, HouseParameters
from .strategies import Comfort, Curve, hvac_bid, hvac_day_bid
from .trading import Trader

KW_PER_W = 1e-3


@attrs.frozen
class HvacAgent:
    """The air conditioner of one house, with the house."""

    usage_point: str
    parameters: HouseParameters
    comfort: Comfort
    site: str
    lse: str
    market: str
    interval: Duration

    async def run(self, port: Port) -> None:
        """Cool the house, interval by interval, and trade beside it."""
        await _Cooling(self, port).run()


@attrs.define
class _Cooling:
    agent: HvacAgent
    port: Port
    house: House = attrs.field(init=False)
    feed: Feed = attrs.field(init=False)
    trader: Trader = attrs.field(init=False)
    weather: WeatherReading | None = attrs.field(default=None, init=False)
    days: Subscription[WeatherForecast] = attrs.field(init=False)
    day: WeatherForecast | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        agent = self.agent
        self.house = House(agent.parameters, agent.comfort.setpoint_c)
        self.feed = Feed(self.port, agent.usage_point, agent.interval, controllable=True)
        self.trader = Trader(self.port, agent.usage_point, agent.lse, agent.market, agent.parameters.rated_kw, 0.0)
        self.days = self.port.subscribe(WeatherForecast, site=agent.site)

    async def run(self) -> None:
        port, agent = self.port, self.agent
        readings = port.subscribe(WeatherReading, site=agent.site)
        port.start(self.feed.obey_limits())
        port.start(self.trader.trade(self._bid))
        for start in range(0, port.stop, agent.interval):
            await port.sleep_until(start)
            if start:
                self._advance(self.house)
            self.weather = [self.weather, *readings.take_waiting()][-1]
            self.feed.draw(self._power_kw(start), start)

    def _advance(self, house: House) -> None:
        """Let an interval pass in a house, with the weather and the power of the present one."""
        if self.weather is not None:
            house.step(
                self.agent.interval / SECOND,
                self.weather.outdoor_c,
                self.weather.ghi_w_per_m2 * KW_PER_W,
                self.feed.power_kw,
            )

    def _power_kw(self, start: int) -> float:
        """What was awarded, or else what the thermostat wants."""
        awarded = self.trader.take_kw(start)
        if awarded is not None:
            return min(max(awarded, 0.0), self.agent.parameters.rated_kw)
        if self.weather is None:
            return 0.0
        return self.house.cooling_for(
            self.agent.comfort.setpoint_c,
            self.agent.interval / SECOND,
            self.weather.outdoor_c,
            self.weather.ghi_w_per_m2 * KW_PER_W,
        )

    def _bid(self, call: MarketCall) -> tuple[Curve, ...]:
        if call.product == DAY_AHEAD:
            return self._bid_day(call)
        if self.weather is None:
            return ()
        ahead = self.house.copy()
        self._advance(ahead)
        curve = hvac_bid(
            ahead,
            self.agent.comfort,
            self.trader.prices.outlook(call.first_slot, call),
            duration_s=call.slot_length / SECOND,
            outdoor_c=self.weather.outdoor_c,
            solar_kw_per_m2=self.weather.ghi_w_per_m2 * KW_PER_W,
        )
        return (curve,)

    def _bid_day(self, call: MarketCall) -> tuple[Curve, ...]:
        self.day = [self.day, *self.days.take_waiting()][-1]
        if self.day is None:
            return ()
        prices = self.trader.prices.ahead(call.first_slot, call.slots)
        first = (call.first_slot - self.day.first_hour) // HOUR
        last = first + len(prices)
        return hvac_day_bid(
            self.agent.parameters,
            self.agent.comfort,
            prices,
            self.day.outdoor_c[first:last],
            [sun * KW_PER_W for sun in self.day.ghi_w_per_m2[first:last]],
            floor_per_kwh=call.price_floor_per_kwh,
            cap_per_kwh=call.price_cap_per_kwh,
        )
