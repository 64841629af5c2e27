"""The market operator (MO): a neutral venue for the orders of a retailer's customers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from ...kernel import Port, Setting, field, value
from ...kernel.activity import Main
from ..accounts import Account, dollars
from ..interfaces import BILLING, Assignment, Order, Payment, TransferKind
from .series import Series, SeriesRun
from .venue import Venue


@value
class MarketOperator:
    """Plug-in ``[mo.NAME]``: a double auction of the customers' orders against a retailer's supply."""

    lse: str = field("retailer that supplies the market")
    do: str = field("distribution operator that validates the results")
    series: tuple[Series, ...] = field("day-ahead and real-time series")
    price_cap_per_kwh: float = field("highest price", unit="$/kWh", default=1.0, above=0)
    price_floor_per_kwh: float = field("lowest price", unit="$/kWh", default=0.0)
    fallback_price_per_kwh: float = field("supply price when no offer has come yet", unit="$/kWh", default=0.12)
    largest_order_kw: float = field("largest power of an order, either way", unit="kW", default=1000.0, above=0)
    attempts: int = field("clearings of a slot before awards are curtailed", default=3, at_least=1)
    fee_per_kwh: float = field(
        "market fee to the retailer on the energy of every award, day-ahead and real-time",
        unit="$/kWh",
        default=0.001,
        at_least=0,
    )

    def check(self) -> Iterable[tuple[str, str]]:
        """The price band is not empty and no series is there twice."""
        if self.price_cap_per_kwh <= self.price_floor_per_kwh:
            yield "price_cap_per_kwh", f"expected more than the floor {self.price_floor_per_kwh:g}"
        names = [series.product for series in self.series]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield "series", f"{name} is there twice"

    def references(self) -> Iterable[tuple[str, str]]:
        """The retailer and the distribution operator."""
        yield "lse", f"lse.{self.lse}"
        yield "do", f"do.{self.do}"

    def components(self, name: str, _: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"mo.{name}", lambda port: _Operator(self, port).run()


@attrs.define
class _Operator:
    rules: MarketOperator
    port: Port
    venue: Venue = attrs.field(init=False)
    account: Account = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.venue = Venue(self.rules, self.port)
        self.account = Account(self.port)

    async def run(self) -> None:
        port = self.port
        runs = {series.product: SeriesRun(self.venue, series) for series in self.rules.series}
        port.start(self._take_assignments())
        port.start(self._take_orders(runs))
        port.start(self._take_payments())
        port.start(self._charge())
        port.start(self.account.close())
        for each in runs.values():
            port.start(each.run())

    async def _take_assignments(self) -> None:
        async for assignment in self.port.subscribe(Assignment):
            self.venue.assign(assignment)

    async def _take_orders(self, runs: Mapping[str, SeriesRun]) -> None:
        """Give every order to its series, or refuse it."""
        async for order in self.port.subscribe(Order):
            series = runs.get(order.product)
            if series is None:
                self.venue.refuse(order, f"this market has no series {order.product}")
            elif self.port.now >= series.gate:
                self.venue.refuse(order, "after gate closure" if series.gate else "before the first call")
            else:
                series.orders.append(order)

    async def _take_payments(self) -> None:
        """Book payments; congestion rent belongs to the wires and is passed on."""
        async for payment in self.port.subscribe(Payment, payee_role="mo"):
            self.account.book(payment)
            if payment.kind is TransferKind.CONGESTION_RENT:
                self.account.pay("do", self.rules.do, payment.kind, payment.amount)

    async def _charge(self) -> None:
        await self.port.sleep_until(self.port.stop, BILLING)
        fee = dollars(self.venue.awarded_kwh * self.rules.fee_per_kwh)
        self.account.invoice("lse", self.rules.lse, TransferKind.MARKET_FEE, fee)
