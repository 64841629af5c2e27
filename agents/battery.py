"""A home battery: buys when energy is cheap and sells when it is dear; without a market it rests."""

from __future__ import annotations

import attrs

from ..kernel import HOUR, SECOND, Duration, Port
from ..roles.interfaces import DAY_AHEAD, MarketCall
from .feed import Feed
from .models.battery import Battery, BatteryParameters
from .strategies import Curve, battery_bid, battery_day_bid
from .trading import Trader

INITIAL_CHARGE = 0.5
"""Share of the capacity that is stored when a run begins."""


@attrs.frozen
class BatteryAgent:
    """One battery and its inverter."""

    usage_point: str
    parameters: BatteryParameters
    lse: str
    market: str
    interval: Duration

    async def run(self, port: Port) -> None:
        """Store and give back, interval by interval, and trade beside it."""
        await _Storing(self, port).run()


@attrs.define
class _Storing:
    agent: BatteryAgent
    port: Port
    battery: Battery = attrs.field(init=False)
    feed: Feed = attrs.field(init=False)
    trader: Trader = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        agent = self.agent
        self.battery = Battery(agent.parameters, INITIAL_CHARGE * agent.parameters.capacity_kwh)
        self.feed = Feed(self.port, agent.usage_point, agent.interval, controllable=True)
        self.trader = Trader(
            self.port, agent.usage_point, agent.lse, agent.market, agent.parameters.rated_kw, agent.parameters.rated_kw
        )

    async def run(self) -> None:
        port, agent = self.port, self.agent
        port.start(self.feed.obey_limits())
        port.start(self.trader.trade(self._bid))
        duration_s = agent.interval / SECOND
        for start in range(0, port.stop, agent.interval):
            await port.sleep_until(start)
            if start:
                self.battery.step(self.feed.power_kw, duration_s)
            lowest_kw, highest_kw = self.battery.feasible_kw(duration_s)
            awarded = self.trader.take_kw(start) or 0.0
            self.feed.draw(min(max(awarded, lowest_kw), highest_kw), start)

    def _bid(self, call: MarketCall) -> tuple[Curve, ...]:
        ahead = attrs.evolve(self.battery)
        ahead.step(self.feed.power_kw, self.agent.interval / SECOND)
        prices = self.trader.prices
        if call.product == DAY_AHEAD:
            return battery_day_bid(
                ahead,
                prices.ahead(call.first_slot, call.slots),
                floor_per_kwh=call.price_floor_per_kwh,
                cap_per_kwh=call.price_cap_per_kwh,
            )
        planned_kw = self.trader.day_ahead_kw(call.first_slot // HOUR * HOUR) or 0.0
        outlook = prices.outlook(call.first_slot, call)
        return (battery_bid(ahead, planned_kw, outlook, duration_s=call.slot_length / SECOND),)
