"""How a market is settled and who gets what: the settings, with defaults under which nothing but a fee is charged."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum

from ...kernel import field, value

_ITEMISED_DECIMALS = 4


class ImbalancePrice(Enum):
    """At which price a meter's deviation from what was awarded settles."""

    SINGLE = "single"
    """At the price of the market at the usage point, whichever way it deviates."""
    DUAL = "dual"
    """So too, but what aggravates the imbalance of the market as a whole settles at a penalty.

    Consumption beyond the awards costs more and consumption below them is credited with less, by the absolute price
    times the multiplier less one; so the penalty is one at negative prices too.
    """


class Receiver(Enum):
    """Who gets what is left in an account."""

    DO = "do"
    LSE = "lse"
    """All retailers of the slot, by the energy that their customers exchanged, either way."""
    NOBODY = "nobody"
    """The market operator keeps it."""


class LossPayer(Enum):
    """Who pays for the energy that the network loses."""

    LSE = "lse"
    """Retailers carry their share, as a part of what they buy at the wholesale market."""
    DO = "do"
    """The distribution operator buys it from them."""


class LossPrice(Enum):
    """At which price lost energy is bought."""

    SUPPLY = "supply"
    """That of the supply in the slot."""
    MARKET = "market"
    """That of the market in the slot, congestion included: the mean over usage points by metered energy."""
    FIXED = "fixed"


@value
class SettlementRules:
    """Rules of a market operator's settlement, and what it charges."""

    imbalance_price: ImbalancePrice = field("price of deviations from awards", default=ImbalancePrice.SINGLE)
    penalty_multiplier: float = field(
        "price of what aggravates the imbalance, per market price; of no account with a single price",
        unit="1",
        default=1.5,
        at_least=1,
    )
    penalties_to: Receiver = field("who gets the penalties", default=Receiver.LSE)
    congestion_rent_to: Receiver = field("who gets the congestion rent", default=Receiver.DO)
    losses_paid_by: LossPayer = field("who pays for losses", default=LossPayer.LSE)
    loss_price: LossPrice = field("price of losses that are bought", default=LossPrice.SUPPLY)
    loss_price_per_kwh: float = field("fixed price of losses", unit="$/kWh", default=0.0)
    flexibility_penalty_per_kwh: float = field(
        "what ordered flexibility that is not delivered costs", unit="$/kWh", default=0.0, at_least=0
    )
    fee_per_kwh: float = field(
        "market fee on awards, net at each usage point, day-ahead and real-time",
        unit="$/kWh",
        default=0.001,
        at_least=0,
    )
    fee_per_customer_month: float = field("market fee on each usage point", unit="$/month", default=0.0, at_least=0)
    market_share_per_kwh: float = field(
        "from the distribution operator to the market operator, on metered consumption",
        unit="$/kWh",
        default=0.0,
        at_least=0,
    )
    costs_per_year: float = field("costs of the market operator", unit="$/a", default=0.0, at_least=0)
    do_share_of_costs: float = field(
        "part of them that the distribution operator bears", unit="1", default=0.0, at_least=0, at_most=1
    )
    itemised: bool = field("whether statements have a line for each usage point, or one for all", default=False)
    decimals: int = field("decimals of a line's amount; records keep six", default=6, at_least=2, at_most=6)

    def check(self) -> Iterable[tuple[str, str]]:
        """A fixed price of losses is given, and lines of single usage points are not rounded to cents."""
        if self.loss_price is LossPrice.FIXED and self.loss_price_per_kwh == 0.0:
            yield "loss_price_per_kwh", "expected a price, as loss_price is fixed"
        if self.itemised and self.decimals < _ITEMISED_DECIMALS:
            yield "decimals", f"expected at least {_ITEMISED_DECIMALS}, as a line of a slot can be a fraction of a cent"

    @property
    def quantum(self) -> Decimal:
        """What amounts of lines are multiples of. [$]"""
        return Decimal(1).scaleb(-self.decimals)


@value
class NetworkCharges:
    """What a distribution operator charges retailers for the use of its system, and pays them for losses."""

    per_kwh: float = field("on consumption", unit="$/kWh", default=0.02, at_least=0)
    per_kw_month: float = field(
        "on the peak of a retailer's customers together in a calendar month", unit="$/kW/month", default=0.0, at_least=0
    )
    per_customer_day: float = field("on each usage point", unit="$/d", default=0.0, at_least=0)
    losses_per_kwh: float = field(
        "paid for losses to retailers whose losses no market settles", unit="$/kWh", default=0.0, at_least=0
    )
