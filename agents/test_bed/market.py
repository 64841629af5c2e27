"""The multi-agent test bed: homes with their devices beside weather, a retailer, a market and wires played by hand."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

import attrs

from ...kernel import HOUR, MINUTE, Setting
from ...kernel.activity import Main
from ...kernel.testing import Log, run_components
from ..bidding import Strategy
from ..customers import Shares
from ..homes import Contract, Population
from .days import CALENDAR, ClearDay
from .played import INTERVAL, Auctioneer, Forecaster, Station, Supply, Wires

EQUIPPED = Shares(
    electric_water_heater=0.6,
    electric_vehicle=0.3,
    vehicle_to_grid=0.3,
    photovoltaic=0.3,
    battery=0.2,
    participation=1.0,
)
"""Homes with more to trade than most have today."""
SUPPLY, WEATHER = Supply(), ClearDay()


@attrs.frozen
class MarketBed:
    """Components by address, of which any can be replaced, and the run that they are made for."""

    components: Mapping[str, Main]
    setting: Setting

    def run(self) -> Log:
        """Run them in virtual time; returns every message.

        Raises:
            ComponentError: a component raised.
        """
        setting = self.setting
        return run_components(self.components, stop=setting.stop, seed=setting.seed, calendar=setting.calendar)


def market_of(
    count: int = 100,
    *,
    hours: float = 24.0,
    seed: int = 1,
    shares: Shares = EQUIPPED,
    strategy: Strategy = Strategy.OPTIMUM,
    supply: Supply = SUPPLY,
    weather: ClearDay = WEATHER,
    import_limit_kw: float = inf,
) -> MarketBed:
    """Homes from midnight of a July day on, in a market without HELICS or network.

    The market is mo.market; the retailer lse.retailer, the wires do.wires and the weather weather.site are played too.
    Wires beyond their import limit cut the devices that give way.
    """
    setting = Setting(CALENDAR, round(hours * HOUR), seed)
    contract = Contract(lse="retailer", tariff="transactive", share=1.0, market="market", strategy=strategy)
    homes = Population(count=count, site="site", contracts=(contract,), shares=shares, interval_min=INTERVAL / MINUTE)
    played = {
        "weather.site": Station(weather).run,
        "lse.retailer": Forecaster(supply).run,
        "mo.market": Auctioneer(supply).run,
        "do.wires": Wires(import_limit_kw).run,
    }
    return MarketBed(dict(homes.components("homes", setting)) | played, setting)
