"""The retailer (load-serving entity, LSE): estimates, buys, sells and bills.

With a flat tariff it has no market: it estimates its customers' load and buys a fixed quantity. With a transactive one
it takes the demand of its market operator's orders to the wholesale market and offers there what it has bought.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import Enum

import attrs

from ...kernel import DAY, Duration, Instant, Port, Setting, field, value
from ...kernel.activity import Main
from ..accounts import Account, dollars
from ..interfaces import (
    BILLING,
    FORECAST,
    NO_MARKET,
    REAL_TIME,
    AggregateDemand,
    Assignment,
    Bill,
    ClearingResult,
    LoadEstimate,
    MarketCall,
    MeterRead,
    Positions,
    PriceForecast,
    SupplyOffer,
    TariffPublished,
    TransferKind,
    WholesaleAward,
    WholesaleBid,
    WholesaleCall,
    WholesalePrice,
)
from .forecast import LoadForecast
from .positions import PositionBook
from .pricing import RetailRate
from .profile import HourlyProfile
from .tariffs import FlatTariff, TransactiveTariff, total


class TariffKind(Enum):
    """How energy is charged."""

    FLAT = "flat"
    TRANSACTIVE = "transactive"


@value
class Retailer:
    """Plug-in ``[lse.NAME]``: one retailer with one tariff."""

    tariff: TariffKind = field("flat, or transactive with a market")
    wholesale: str = field("wholesale market to buy from")
    profile_kw: tuple[float, ...] = field("average load of a customer that does not bid, by local hour", unit="kW")
    market: str = field("market operator of a transactive tariff", default=NO_MARKET)
    flat_price_per_kwh: float = field("price of a flat tariff", unit="$/kWh", default=0.12, at_least=0)
    connection_per_day: float = field("connection charge", unit="$/d", default=0.4, at_least=0)
    price_scaling: float = field("retail price per wholesale price, before the charge", unit="1", default=1.04, above=0)
    charge_per_kwh: float = field("what a retail price adds to it", unit="$/kWh", default=0.04, at_least=0)
    loss_factor: float = field("losses expected between substation and meters", unit="1", default=0.03, at_least=0)
    supply_limit_kw: float = field("most that it offers in its market", unit="kW", default=1e6, above=0)

    def check(self) -> Iterable[tuple[str, str]]:
        """A transactive tariff has a market, and a profile has 24 hours."""
        if len(self.profile_kw) != 24:
            yield "profile_kw", f"expected 24 numbers, one an hour, got {len(self.profile_kw)}"
        if (self.tariff is TariffKind.TRANSACTIVE) != (self.market != NO_MARKET):
            yield "market", "expected a market operator with a transactive tariff, and none with a flat one"

    def references(self) -> Iterable[tuple[str, str]]:
        """The wholesale market, and the market operator if there is one."""
        yield "wholesale", f"wholesale.{self.wholesale}"
        if self.market != NO_MARKET:
            yield "market", f"mo.{self.market}"

    def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"lse.{name}", lambda port: _Retailer(self, port, setting).run()


@attrs.define
class _Retailer:
    settings: Retailer
    port: Port
    setting: Setting
    forecast: LoadForecast = attrs.field(init=False)
    rate: RetailRate = attrs.field(init=False)
    account: Account = attrs.field(init=False)
    book: PositionBook = attrs.field(init=False)
    customers: dict[tuple[str, Instant], Assignment] = attrs.field(factory=dict, init=False)
    """Usage point and first instant to the assignment, also of those who have left."""

    def __attrs_post_init__(self) -> None:
        settings = self.settings
        self.forecast = LoadForecast(self.setting.calendar, {"": HourlyProfile.given(settings.profile_kw)})
        self.rate = RetailRate(settings.price_scaling, settings.charge_per_kwh)
        self.account = Account(self.port)
        self.book = PositionBook()

    async def run(self) -> None:
        port = self.port
        port.publish(TariffPublished(lse=port.name, tariff=self.settings.tariff.value, description=self._tariff_text()))
        activities = [self._take_assignments, self._take_reads, self._publish_prices, self._bill]
        activities += [self.account.receive, self.account.settle_invoices, self.account.close]
        if self.settings.tariff is TariffKind.FLAT:
            activities.append(self._buy_estimate)
        else:
            activities += [
                self._estimate_for_market,
                self._buy_demand,
                self._offer_supply,
                self._keep_positions,
            ]
        for activity in activities:
            port.start(activity())

    def _tariff_text(self) -> str:
        settings = self.settings
        if settings.tariff is TariffKind.FLAT:
            return f"{settings.flat_price_per_kwh:g} $/kWh and {settings.connection_per_day:g} $ a day"
        return f"day-ahead and real-time prices of {settings.market}, and {settings.connection_per_day:g} $ a day"

    # What comes in

    async def _take_assignments(self) -> None:
        async for assignment in self.port.subscribe(Assignment):
            if not any(name == assignment.usage_point for name, _ in self.customers):
                self.forecast.enrol(assignment.usage_point, assignment.customer_class)
            self.customers[assignment.usage_point, assignment.effective_from] = assignment

    async def _take_reads(self) -> None:
        async for read in self.port.subscribe(MeterRead):
            self.book.read(read)
            self.forecast.read(read.usage_point, read.start, read.duration, read.energy_kwh)

    async def _keep_positions(self) -> None:
        market = self.settings.market
        async for message in self.port.subscribe(Positions, ClearingResult, market=market):
            if isinstance(message, ClearingResult):
                self.book.result(message)
                continue
            self.book.positions(message)
            if message.product == REAL_TIME:
                for usage_point, power_kw in zip(message.usage_points, message.power_kw, strict=True):
                    self.forecast.award(usage_point, message.slot_start, message.slot_length, power_kw)

    async def _publish_prices(self) -> None:
        """Tell customers what the wholesale forecast means for them."""
        async for price in self.port.subscribe(WholesalePrice, iso=self.settings.wholesale, product=FORECAST):
            retail = tuple(self.rate.retail(each) for each in price.price_per_kwh)
            self.port.publish(PriceForecast(lse=self.port.name, first_hour=price.slot_start, price_per_kwh=retail))

    # Procurement

    def _estimate(self, product: str, start: Instant, length: Duration) -> float:
        """Publish the load expected of those who do not bid; returns the sum [kW]."""
        usage_points = tuple(name for (name, _), each in sorted(self.customers.items()) if each.covers(start))
        power_kw = self.forecast.expected_kw(usage_points, start, length)
        self.port.publish(
            LoadEstimate(
                lse=self.port.name,
                product=product,
                slot_start=start,
                slot_length=length,
                usage_points=usage_points,
                power_kw=power_kw,
            )
        )
        return sum(power_kw)

    async def _buy_estimate(self) -> None:
        """Without a market: buy what the customers are expected to use, at any price."""
        async for call in self.port.subscribe(WholesaleCall, iso=self.settings.wholesale):
            for number in range(call.slots):
                start = call.first_slot + number * call.slot_length
                expected = self._estimate(call.product, start, call.slot_length) * (1.0 + self.settings.loss_factor)
                self._bid(call.product, start, call.slot_length, (expected,), (0.0,))

    async def _estimate_for_market(self) -> None:
        async for call in self.port.subscribe(MarketCall, market=self.settings.market):
            for number in range(call.slots):
                self._estimate(call.product, call.first_slot + number * call.slot_length, call.slot_length)

    async def _buy_demand(self) -> None:
        """With a market: take the demand of its orders to the wholesale market, with the losses to come."""
        async for demand in self.port.subscribe(AggregateDemand, market=self.settings.market):
            quantity_kw = tuple(quantity * (1.0 + self.settings.loss_factor) for quantity in demand.quantity_kw)
            price_per_kwh = tuple(self.rate.wholesale(price) for price in demand.price_per_kwh)
            self._bid(demand.product, demand.slot_start, demand.slot_length, quantity_kw, price_per_kwh)

    def _bid(
        self,
        product: str,
        start: Instant,
        length: Duration,
        quantity_kw: tuple[float, ...],
        price: tuple[float, ...],
    ) -> None:
        self.port.publish(
            WholesaleBid(
                iso=self.settings.wholesale,
                product=product,
                lse=self.port.name,
                slot_start=start,
                slot_length=length,
                quantity_kw=quantity_kw,
                price_per_kwh=price,
            )
        )

    async def _offer_supply(self) -> None:
        """Offer energy at the retail price that follows from the wholesale price, more than was bought if need be."""
        async for award in self.port.subscribe(WholesaleAward, iso=self.settings.wholesale):
            self.port.publish(
                SupplyOffer(
                    market=self.settings.market,
                    product=award.product,
                    slot_start=award.slot_start,
                    slot_length=award.slot_length,
                    quantity_kw=self.settings.supply_limit_kw,
                    price_per_kwh=self.rate.retail(award.price_per_kwh),
                )
            )

    # Bills

    async def _bill(self) -> None:
        port = self.port
        await port.sleep_until(port.stop, BILLING)
        served: defaultdict[str, Duration] = defaultdict(int)
        for (usage_point, start), assignment in self.customers.items():
            end = port.stop if assignment.effective_to is None else min(assignment.effective_to, port.stop)
            served[usage_point] += max(end - start, 0)
        rent = 0.0
        for usage_point, duration in sorted(served.items()):
            days = duration / DAY
            if self.settings.tariff is TariffKind.FLAT:
                tariff = FlatTariff(self.settings.flat_price_per_kwh, self.settings.connection_per_day)
                lines = tariff.lines(self.book.energy_kwh(usage_point), days)
            else:
                settled = self.book.settle(usage_point, port.stop)
                lines = TransactiveTariff(self.settings.connection_per_day).lines(
                    settled.day_ahead, settled.deviation, days
                )
                rent += settled.congestion_rent
            port.publish(
                Bill(
                    lse=port.name,
                    usage_point=usage_point,
                    start=0,
                    end=port.stop,
                    lines=lines,
                    total=total(lines),
                )
            )
        if self.settings.tariff is TariffKind.TRANSACTIVE:
            self.account.pay("mo", self.settings.market, TransferKind.CONGESTION_RENT, dollars(rent))
