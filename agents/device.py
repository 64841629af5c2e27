"""A device as an agent: one coroutine that draws, interval by interval, and trades beside it.

It is put together of four parts, each of which can be another: the model and the bidding strategy, which are its
fleet's; the market interface, a ``Trader``; and the device interface, a ``Feed``.
"""

from __future__ import annotations

import attrs

from ..kernel import Duration, Instant, Port
from ..roles.interfaces import (
    NO_MARKET,
    MarketCall,
    WeatherForecast,
    WeatherReading,
)
from .connection import Connection
from .customers import Customer
from .feed import Feed
from .fleet import Fleet
from .messages import PlanFallback
from .planning.problem import Outcome
from .power_curve import Rows, within
from .trading import Trader


@attrs.frozen
class Supply:
    """Who supplies a customer: the retailer, and the market if there is one."""

    lse: str
    market: str = NO_MARKET


@attrs.frozen(eq=False)
class DeviceAgent:
    """One device of a customer."""

    customer: Customer
    fleet: Fleet
    connection: Connection
    supply: Supply
    ratings_kw: tuple[float, float]
    """Most that it draws and injects."""
    site: str
    """Weather site."""
    flexible: bool
    """Whether it draws less before others have to, for a limit and for the connection."""

    async def run(self, port: Port) -> None:
        """Draw, interval by interval, and trade beside it."""
        await _Running(self, port, self.fleet.join(self.customer)).run()


@attrs.define(eq=False)
class _Running:
    agent: DeviceAgent
    port: Port
    place: int

    async def run(self) -> None:
        agent, port, fleet, place = self.agent, self.port, self.agent.fleet, self.place
        feed = Feed(
            port,
            agent.customer.usage_point,
            fleet.interval,
            agent.flexible,
            lambda kw: fleet.draw(place, kw),
        )
        port.start(feed.obey_limits())
        trader = self._trader()
        if trader is not None:
            port.start(trader.trade())
        weather = port.subscribe(WeatherReading, WeatherForecast, site=agent.site)
        for start in range(0, port.stop, fleet.interval):
            await port.sleep_until(start)
            for heard in weather.take_waiting():
                fleet.surroundings.hear(heard)
            fleet.begin(start)
            wanted_kw = fleet.choose_kw(place, None if trader is None else trader.take_kw(start))
            allotted_kw = agent.connection.allot_kw(start, fleet.interval, wanted_kw, flexible=agent.flexible)
            if allotted_kw != wanted_kw:
                fleet.draw(place, allotted_kw)
            feed.draw(allotted_kw, start)

    def _trader(self) -> Trader | None:
        agent, fleet, place = self.agent, self.agent.fleet, self.place
        if agent.supply.market == NO_MARKET or fleet.bidder is None:
            return None
        return Trader(
            self.port,
            agent.customer.usage_point,
            agent.supply.lse,
            agent.supply.market,
            agent.ratings_kw,
            curves=self._curves,
            hold=lambda award: fleet.hold(place, award),
            hear=fleet.surroundings.hear,
        )

    def _curves(self, call: MarketCall) -> Rows:
        rows = self._within_bounds(self.agent.fleet.curves(self.place, call), call)
        outcome = self.agent.fleet.planned(self.place, call)
        if outcome is not Outcome.OPTIMAL:
            self.port.publish(
                PlanFallback(
                    device=self.port.name,
                    product=call.product,
                    clearing=call.clearing,
                    reason=outcome.name.lower().replace("_", " "),
                )
            )
        return rows

    def _within_bounds(self, rows: Rows, call: MarketCall) -> Rows:
        """The curves as far as this device may draw and inject, if it had the connection for itself."""
        # The tightest limits of the whole horizon; hardly any curve is beyond them, and then each slot is looked at.
        most_in, most_out = self._bounds_kw(call.first_slot, call.slots * call.slot_length)
        if all(-most_out <= quantity[0] and quantity[-1] <= most_in for quantity in rows[0]):
            return rows
        slots = range(call.first_slot, call.first_slot + call.slots * call.slot_length, call.slot_length)
        return within(rows, (self._bounds_kw(slot, call.slot_length) for slot in slots))

    def _bounds_kw(self, start: Instant, duration: Duration) -> tuple[float, float]:
        """Most that this device may draw and inject through a time."""
        import_kw, export_kw = self.agent.ratings_kw
        most_in, most_out = self.agent.connection.limits_kw(start, duration)
        return min(import_kw, most_in), min(export_kw, most_out)
