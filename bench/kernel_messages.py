"""Messages of the kernel's benchmarks: a market without an operator behind it."""

from __future__ import annotations

from ..kernel import field, message


@message(topic="bench.{market}.call", senders=["mo.{market}"], receivers=["agent.*"])
class Call:
    """A market calls for orders."""

    market: str = field("market")
    slot: int = field("number of the slot")


@message(topic="bench.{market}.order.{resource}", senders=["agent.{resource}"], receivers=["mo.{market}"])
class Tender:
    """An agent's bid of four points."""

    market: str = field("market")
    resource: str = field("resource")
    quantity_kw: tuple[float, ...] = field("powers", unit="kW")
    price_per_kwh: tuple[float, ...] = field("prices", unit="$/kWh")


@message(topic="bench.{market}.award.{resource}", senders=["mo.{market}"], receivers=["agent.{resource}"])
class Grant:
    """What became of a bid."""

    market: str = field("market")
    resource: str = field("resource")
    quantity_kw: float = field("power", unit="kW")
