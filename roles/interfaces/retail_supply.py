"""LSE ↔ MO and DO: load that does not bid, demand, supply and positions."""

from __future__ import annotations

from ...kernel import Duration, Instant, field, message


@message(topic="load.{lse}.{product}.estimate", senders=["lse.{lse}"], receivers=["mo.*", "do.*"])
class LoadEstimate:
    """A retailer's estimate of the load that does not bid, at each of its usage points."""

    lse: str = field("retailer")
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
    """Retail prices that a retailer expects, hour by hour."""

    lse: str = field("retailer")
    first_hour: Instant = field("first instant of the first hour", unit="ns")
    price_per_kwh: tuple[float, ...] = field("expected price of each hour", unit="$/kWh")
