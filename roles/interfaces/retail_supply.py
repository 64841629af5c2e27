"""LSE ↔ MO and DO: load that does not bid, demand, supply and positions."""

from __future__ import annotations

from ...kernel import Duration, Instant, field, message


@message(topic="load.{lse}.{market}.{product}.estimate", senders=["lse.{lse}"], receivers=["mo.{market}", "do.*"])
class LoadEstimate:
    """A retailer's estimate of the load that is not bid, at each of its usage points in a market, or in none."""

    lse: str = field("retailer")
    market: str = field("market of the usage points, or none")
    product: str = field("series of the slot, day-ahead or real-time")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    usage_points: tuple[str, ...] = field("usage points")
    power_kw: tuple[float, ...] = field("expected average power at each, consumption positive", unit="kW")


@message(topic="market.{market}.{product}.demand", senders=["mo.{market}"], receivers=["lse.*"])
class AggregateDemand:
    """The demand of all orders of a slot together, anonymous, in at most ten points."""

    market: str = field("market")
    product: str = field("series of the slot")
    clearing: Instant = field("instant of the clearing", unit="ns")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    quantity_kw: tuple[float, ...] = field("powers, ascending; inelastic load included", unit="kW")
    price_per_kwh: tuple[float, ...] = field("retail prices, descending", unit="$/kWh")


@message(topic="market.{market}.{product}.supply", senders=["lse.*"], receivers=["mo.{market}"])
class SupplyOffer:
    """What a retailer offers in the market of its customers, at the price at which it has bought."""

    market: str = field("market")
    product: str = field("series of the slot")
    clearing: Instant = field("instant of the clearing", unit="ns")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    quantity_kw: float = field("most that it delivers", unit="kW")
    price_per_kwh: float = field("retail price", unit="$/kWh")


@message(topic="market.{market}.{product}.positions.{lse}", senders=["mo.{market}"], receivers=["lse.{lse}"])
class Positions:
    """What the customers of a retailer hold for a slot after clearing."""

    market: str = field("market")
    product: str = field("series of the slot")
    lse: str = field("retailer")
    clearing: Instant = field("instant of the clearing", unit="ns")
    slot_start: Instant = field("first instant of the slot", unit="ns")
    slot_length: Duration = field("length of the slot", unit="ns")
    usage_points: tuple[str, ...] = field("usage points with awards")
    power_kw: tuple[float, ...] = field("awarded power at each", unit="kW")
    price_per_kwh: tuple[float, ...] = field("price at each", unit="$/kWh")
    commitment: bool = field("whether the awards are positions that are settled", default=True)


@message(
    topic="price.{lse}.forecast",
    senders=["lse.{lse}"],
    receivers=["agent.*"],
    retain=True,
    mirrors="OpenADR 3 event with payload PRICE, flagged as forecast",
)
class PriceForecast:
    """Retail prices of the hours to come: of those that are bought as they are, of the others as they are expected.

    For customers on a dynamic tariff without a market these are the prices that they pay.
    """

    lse: str = field("retailer")
    first_hour: Instant = field("first instant of the first hour", unit="ns")
    price_per_kwh: tuple[float, ...] = field("price of each hour", unit="$/kWh")
