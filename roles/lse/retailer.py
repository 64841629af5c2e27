"""The retailer (load-serving entity, LSE): forecasts, buys, sells and bills.

Some of its customers may be in a market of its own, which it supplies, others in none. For all of them together it
makes one bid a slot to the wholesale market.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...kernel import MINUTE, Duration, InputError, Port, Setting, field, value
from ...kernel.activity import Main
from ...kernel.message import is_token
from ...kernel.shape import evolved
from ..interfaces import NO_MARKET, BidForm, TariffPublished
from .cashier import Cashier
from .forecast import HourlyProfile, LoadForecast
from .meter_desk import MeterDesk
from .portfolio import Portfolio, Terms
from .procurement import BilateralBlock, NodePrices, PriceConversion, RetailPrice, RetailRate
from .tariff import Tariff, components, load_tariff
from .tariff.tariff import MarketRule
from .trading_desk import TradingDesk
from .week import HOURS


@value
class LoadClass:
    """What customers of a class are expected to use before anything has been metered."""

    name: str = field("class, as customers enrol in it")
    profile_kw: tuple[float, ...] = field("average load of a customer by local hour, beyond what is bid", unit="kW")
    weekend_kw: tuple[float, ...] = field("that of Saturdays and Sundays, where it is another", unit="kW", default=())

    def check(self) -> Iterable[tuple[str, str]]:
        """A day has 24 hours."""
        yield from _profile_faults("profile_kw", self.profile_kw)
        if self.weekend_kw:
            yield from _profile_faults("weekend_kw", self.weekend_kw)


@value
class TariffOffer:
    """A tariff of the retailer's catalogue."""

    name: str = field("name by which customers enrol")
    tariff: str = field("built-in tariff, or path of a file; empty for the built-in one of that name", default="")
    market: str = field("market operator of these customers, or none", default=NO_MARKET)

    def check(self) -> Iterable[tuple[str, str]]:
        """There is such a tariff, and one with positions in a market has a market."""
        if not is_token(self.name):
            yield "name", f"expected letters, digits, - and _, got {self.name!r}"
        try:
            tariff = self.load()
        except InputError as error:
            yield "tariff", "; ".join(error.lines())
            return
        if tariff.market_rule is MarketRule.TRANSACTIVE and self.market == NO_MARKET:
            yield "market", "expected a market operator, as the tariff settles positions in a market"

    def load(self) -> Tariff:
        """The tariff, under the name of the catalogue.

        Raises:
            InputError: there is no such tariff or it is wrong.
        """
        return evolved(load_tariff(self.tariff or self.name), name=self.name)


@value
class Retailer:
    """Plug-in ``[lse.NAME]``: one retailer, with the tariffs ``[[lse.NAME.tariffs]]``."""

    wholesale: str = field("wholesale market to buy from")
    profile_kw: tuple[float, ...] = field(
        "average load of a customer by local hour, beyond what is bid, of classes that are not listed", unit="kW"
    )
    tariffs: tuple[TariffOffer, ...] = field("catalogue of tariffs")
    weekend_kw: tuple[float, ...] = field("that of Saturdays and Sundays, where it is another", unit="kW", default=())
    classes: tuple[LoadClass, ...] = field("customer classes with profiles of their own", default=())
    smoothing: float = field(
        "weight of an hour's load in the profile of that hour", unit="1", default=0.2, at_least=0, at_most=1
    )
    near_min: float = field(
        "how far after a customer's last read that read is the forecast", unit="min", default=60.0, at_least=0
    )
    conversion: PriceConversion = field("retail from wholesale price", default=PriceConversion.AFFINE)
    price_scaling: float = field("affine: retail price per wholesale price", unit="1", default=1.04, above=0)
    charge_per_kwh: float = field("affine: what a retail price adds to it", unit="$/kWh", default=0.04, at_least=0)
    price_ratio: float = field("ratio: retail price per wholesale price", unit="1", default=1.25, above=0)
    retail_price: RetailPrice = field(
        "wholesale price that the retail price is made of", default=RetailPrice.LOCATIONAL_MARGINAL
    )
    node_curve: tuple[NodePrices, ...] = field("its own curves of wholesale prices; the first that applies", default=())
    loss_factor: float = field("losses expected between substation and meters", unit="1", default=0.03, at_least=0)
    day_ahead_bid: BidForm = field("form of day-ahead bids", default=BidForm.CURVE)
    real_time_bid: BidForm = field("form of real-time bids", default=BidForm.CURVE)
    bid_lead_s: float = field("latest bid, before the wholesale gate", unit="s", default=1.0, above=0)
    bilateral: tuple[BilateralBlock, ...] = field("contracts with generators", default=())
    supply_limit_kw: float = field("most that it offers in a market", unit="kW", default=1e6, above=0)

    def check(self) -> Iterable[tuple[str, str]]:
        """Profiles have 24 hours, names are unique, and a price from a curve has a curve."""
        yield from _profile_faults("profile_kw", self.profile_kw)
        if self.weekend_kw:
            yield from _profile_faults("weekend_kw", self.weekend_kw)
        if not self.tariffs:
            yield "tariffs", "expected at least one tariff"
        for key, names in (("tariffs", [t.name for t in self.tariffs]), ("classes", [c.name for c in self.classes])):
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield key, f"{name} is there twice"
        if self.retail_price is RetailPrice.NODE_CURVE and not self.node_curve:
            yield "node_curve", "expected a curve, as retail_price is made of it"

    def references(self) -> Iterable[tuple[str, str]]:
        """The wholesale market, and the market operators."""
        yield "wholesale", f"wholesale.{self.wholesale}"
        for number, offer in enumerate(self.tariffs):
            if offer.market != NO_MARKET:
                yield f"tariffs[{number}].market", f"mo.{offer.market}"

    def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"lse.{name}", lambda port: _run(self, port, setting)

    @property
    def markets(self) -> tuple[str, ...]:
        """The markets that it supplies, in the order of the catalogue."""
        return tuple(dict.fromkeys(offer.market for offer in self.tariffs if offer.market != NO_MARKET))

    @property
    def near(self) -> Duration:
        """How far after a read it is the forecast. [ns]"""
        return round(self.near_min * MINUTE)

    def rate(self) -> RetailRate:
        """The conversion of prices."""
        if self.conversion is PriceConversion.RATIO:
            return RetailRate(self.price_ratio, 0.0)
        return RetailRate(self.price_scaling, self.charge_per_kwh)

    def profiles(self) -> Mapping[str, HourlyProfile]:
        """The profile of each class, and of all others under no name."""
        listed = {each.name: HourlyProfile.given(each.profile_kw, each.weekend_kw) for each in self.classes}
        return {"": HourlyProfile.given(self.profile_kw, self.weekend_kw), **listed}


def _profile_faults(key: str, profile_kw: tuple[float, ...]) -> Iterable[tuple[str, str]]:
    if len(profile_kw) != HOURS:
        yield key, f"expected 24 numbers, one an hour, got {len(profile_kw)}"


async def _run(settings: Retailer, port: Port, setting: Setting) -> None:
    catalogue = {offer.name: Terms(offer.load(), offer.market) for offer in settings.tariffs}
    for name, terms in catalogue.items():
        port.publish(
            TariffPublished(
                lse=port.name,
                tariff=name,
                description=terms.tariff.description,
                components=components(terms.tariff),
                market=terms.market,
            )
        )
    profiles = settings.profiles()
    forecast = LoadForecast(setting.calendar, profiles, settings.smoothing, settings.near)
    portfolio = Portfolio(port.name, setting.calendar, catalogue, profiles, forecast)
    trading = TradingDesk(settings, port, portfolio)
    cashier = Cashier(port, portfolio, trading.slot_lengths)
    trading.start()
    MeterDesk(port, portfolio, cashier).start()
    cashier.start()
