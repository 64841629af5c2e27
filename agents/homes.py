"""A population of homes as a scenario table: each home a household and its devices, all agents of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from ..kernel import MINUTE, Duration, Placement, Setting, field, value
from ..kernel.activity import Main
from ..kernel.message import is_token
from ..roles.interfaces import NO_MARKET, Enrolment
from .battery import BatteryAgent
from .household import Household
from .hvac import HvacAgent
from .photovoltaic import PhotovoltaicAgent
from .population import Home, homes

_GOLDEN = 0.6180339887498949
"""Multiples of it, modulo 1, spread evenly: neighbours get different contracts, whatever the count."""


@value
class Contract:
    """A retailer's tariff and the share of homes that has it."""

    lse: str = field("retailer")
    tariff: str = field("tariff")
    share: float = field("share of the homes", unit="1", above=0, at_most=1)
    market: str = field("market operator, with a transactive tariff", default=NO_MARKET)
    customer_class: str = field("class that the retailer bills and forecasts them in", default="residential")


@value
class Population:
    """Plug-in ``[agents.NAME]``: synthetic homes, drawn from documented distributions."""

    placement: ClassVar[Placement] = Placement.SHARDED

    count: int = field("number of homes", at_least=1, at_most=100_000)
    site: str = field("weather site")
    contracts: tuple[Contract, ...] = field("who supplies them; the shares sum to 1")
    photovoltaic_share: float = field("share of homes with photovoltaics", unit="1", default=0.3, at_least=0, at_most=1)
    battery_share: float = field("share of homes with a battery", unit="1", default=0.2, at_least=0, at_most=1)
    prefix: str = field("what usage points are called before their number", default="h")
    feeder: str = field("what their transformers are called before their number", default="t")
    interval_min: float = field("metering interval", unit="min", default=5.0, above=0)

    def check(self) -> Iterable[tuple[str, str]]:
        """Every home has a contract."""
        if abs(sum(contract.share for contract in self.contracts) - 1.0) > 1e-9:
            yield "contracts", "expected shares that sum to 1"
        for name, text in (("prefix", self.prefix), ("feeder", self.feeder)):
            if not is_token(text) or "-" in text:
                yield name, f"expected letters, digits and _, got {text!r}"

    def references(self) -> Iterable[tuple[str, str]]:
        """The weather site, the retailers and their markets."""
        yield "site", f"weather.{self.site}"
        for number, contract in enumerate(self.contracts):
            yield f"contracts[{number}].lse", f"lse.{contract.lse}"
            if contract.market != NO_MARKET:
                yield f"contracts[{number}].market", f"mo.{contract.market}"

    def components(self, _: str, setting: Setting) -> Iterator[tuple[str, Main]]:
        """The agents of every home."""
        interval = round(self.interval_min * MINUTE)
        population = homes(
            self.count,
            setting.seed,
            photovoltaic_share=self.photovoltaic_share,
            battery_share=self.battery_share,
            prefix=self.prefix,
            feeder=self.feeder,
        )
        for number, home in enumerate(population):
            yield from _agents(home, self._contract(number), self.site, interval)

    def _contract(self, number: int) -> Contract:
        position = number * _GOLDEN % 1.0
        for contract in self.contracts:
            position -= contract.share
            if position < 0.0:
                return contract
        return self.contracts[-1]


def _agents(home: Home, contract: Contract, site: str, interval: Duration) -> Iterator[tuple[str, Main]]:
    name = home.usage_point
    enrolment = Enrolment(
        usage_point=name,
        lse=contract.lse,
        tariff=contract.tariff,
        market=contract.market,
        transformer=home.transformer,
        effective_from=0,
        customer_class=contract.customer_class,
    )
    yield f"agent.{name}", Household(enrolment, home.load, interval).run
    hvac = HvacAgent(name, home.house, home.comfort, site, contract.lse, contract.market, interval)
    yield f"agent.{name}-hvac", hvac.run
    if home.photovoltaic is not None:
        yield f"agent.{name}-pv", PhotovoltaicAgent(name, home.photovoltaic, site, interval).run
    if home.battery is not None:
        battery = BatteryAgent(name, home.battery, contract.lse, contract.market, interval)
        yield f"agent.{name}-battery", battery.run
