"""A population of homes as a scenario table: each home a customer and devices, all agents of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import attrs

from ..kernel import MINUTE, Duration, Placement, Setting, field, value
from ..kernel.activity import Main
from ..kernel.message import is_token
from ..roles.interfaces import NO_MARKET, Enrolment
from .bidding import Strategy, bidder
from .connection import Connection
from .customers import Customer, Shares, customers
from .device import DeviceAgent, Supply
from .equipment import Equipment, equipment_of
from .fleet import Fleet
from .household import Household
from .surroundings import Surroundings

_GOLDEN = 0.6180339887498949
"""Multiples of it, modulo 1, spread evenly: neighbours get different contracts, whatever the count."""


@value
class Contract:
    """A retailer's tariff and the share of homes that has it."""

    lse: str = field("retailer")
    tariff: str = field("tariff")
    share: float = field("share of the homes", unit="1", above=0, at_most=1)
    market: str = field("market operator, with a tariff that has one", default=NO_MARKET)
    customer_class: str = field("class that the retailer bills and forecasts them in", default="residential")
    strategy: Strategy = field("how their devices take part in the market", default=Strategy.OPTIMUM)


@value
class Population:
    """Plug-in ``[agents.NAME]``: synthetic homes, drawn from documented distributions."""

    placement: ClassVar[Placement] = Placement.SHARDED

    count: int = field("number of homes", at_least=1, at_most=100_000)
    site: str = field("weather site")
    contracts: tuple[Contract, ...] = field("who supplies them; the shares sum to 1")
    shares: Shares = field("how common each kind of equipment is", default=Shares())
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
        fleets = {contract: Fleets(contract, setting, interval) for contract in self.contracts}
        made = customers(self.count, setting.seed, shares=self.shares, prefix=self.prefix, feeder=self.feeder)
        for number, customer in enumerate(made):
            contract = self._contract(number)
            yield from _agents(customer, contract, fleets[contract], self.site)

    def _contract(self, number: int) -> Contract:
        position = number * _GOLDEN % 1.0
        for contract in self.contracts:
            position -= contract.share
            if position < 0.0:
                return contract
        return self.contracts[-1]


@attrs.define(eq=False)
class Fleets:
    """The fleets of the customers of one contract in this process, by kind and by whether they take part."""

    contract: Contract
    setting: Setting
    interval: Duration
    _made: dict[tuple[str, bool], Fleet] = attrs.field(factory=dict, init=False)
    _surroundings: Surroundings = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._surroundings = Surroundings(self.setting.calendar, self.setting.stop)

    def of(self, equipment: Equipment, *, participates: bool) -> Fleet:
        """The fleet of a kind of equipment."""
        is_in = participates and equipment.trades and self.contract.market != NO_MARKET
        is_in = is_in and self.contract.strategy is not Strategy.NONE
        key = equipment.name, is_in
        if key not in self._made:
            by = bidder(self.contract.strategy) if is_in else None
            self._made[key] = Fleet(equipment.kind.build, self._surroundings, self.interval, by)
        return self._made[key]


def _agents(customer: Customer, contract: Contract, fleets: Fleets, site: str) -> Iterator[tuple[str, Main]]:
    connection = Connection(customer.connection_kw, customer.connection_kw)
    supply = Supply(contract.lse, contract.market)
    enrolment = Enrolment(
        usage_point=customer.usage_point,
        lse=contract.lse,
        tariff=contract.tariff,
        market=contract.market,
        transformer=customer.transformer,
        effective_from=0,
        customer_class=contract.customer_class,
    )
    for equipment in equipment_of(customer):
        fleet = fleets.of(equipment, participates=customer.participates)
        import_kw, export_kw = (min(rating, customer.connection_kw) for rating in equipment.ratings_kw(customer))
        ratings_kw = import_kw, export_kw
        agent = DeviceAgent(customer, fleet, connection, supply, ratings_kw, site, flexible=equipment.trades)
        if equipment.name:
            yield f"agent.{customer.usage_point}-{equipment.name}", agent.run
        else:
            yield f"agent.{customer.usage_point}", Household(enrolment, agent).run
