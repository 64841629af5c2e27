"""A market operator beside a registry, agents, a retailer and a distribution operator that are played by hand."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from gridbus.kernel import HOUR, MINUTE, Port, Setting
from gridbus.kernel.testing import CALENDAR, Log, run_components
from gridbus.roles.interfaces import (
    AggregateDemand,
    Assignment,
    CancelOrder,
    ElementLimit,
    LoadEstimate,
    MarketCall,
    MarketEnergy,
    Order,
    Registration,
    SupplyOffer,
    ValidationRequest,
    ValidationResult,
)
from gridbus.roles.mo import MarketOperator
from gridbus.roles.mo.spec import MarketSpec

Main = Callable[[Port], Any]
Points = tuple[tuple[float, float], ...]

SLOT = 5 * MINUTE
START = 10 * MINUTE
"""First slot of the first instance."""
CLEARING = START - MINUTE
GATE = START - 2 * MINUTE
LEAD = START - 4 * MINUTE
STOP = START + SLOT
WANTS: Points = ((0.0, 0.5), (4.0, 0.1))
"""Between 0.5 and 0.1 $/kWh it falls from 4 kW to nothing."""


def spec(**changes: Any) -> MarketSpec:
    fields = {
        "product": "real-time",
        "slot_min": 5.0,
        "slots": 1,
        "first_min": 10.0,
        "delivery_lead_min": 1.0,
        "market_lead_min": 3.0,
        "gate_min": 1.0,
    }
    return MarketSpec(**(fields | changes))


@attrs.define
class Play:
    """Scenes of a market; every scene is run from the start."""

    start: int = START
    slot: int = SLOT
    clearing: int = CLEARING
    gate: int = GATE
    lead: int = LEAD
    stop: int = STOP
    wants: Points = WANTS
    spec: Callable[..., MarketSpec] = spec

    def operator(self, *series: MarketSpec, **changes: Any) -> dict[str, Main]:
        fields = {"lse": "green", "do": "wires", "series": series or (spec(),)} | changes
        return dict(MarketOperator(**fields).components("retail", Setting(CALENDAR, HOUR, 0)))

    def assignment(self, usage_point: str, transformer: str, **changes: Any) -> Assignment:
        fields = {"lse": "green", "tariff": "transactive", "market": "retail", "effective_from": 0}
        return Assignment(usage_point=usage_point, transformer=transformer, **(fields | changes))

    def registry(self, *assignments: Assignment) -> Main:
        told = assignments or (self.assignment("h1", "t1"), self.assignment("h2", "t2"))

        async def main(port: Port) -> None:
            for each in told:
                port.publish(each)

        return main

    def order(self, resource: str, *points: tuple[float, float], **changes: Any) -> Order:
        """An order of one slot, or, with rows given, of several."""
        fields: dict[str, Any] = {
            "market": "retail",
            "product": "real-time",
            "clearing": CLEARING,
            "resource": resource,
            "usage_point": resource[:2],
            "order_id": "o1",
            "first_slot": START,
            "slot_length": SLOT,
            "quantity_kw": (tuple(quantity for quantity, _ in points),),
            "price_per_kwh": (tuple(price for _, price in points),),
        }
        return Order(**(fields | changes))

    def registration(self, resource: str, import_kw: float = 10.0, export_kw: float = 10.0) -> Registration:
        return Registration(
            market="retail",
            resource=resource,
            usage_point=resource[:2],
            import_rating_kw=import_kw,
            export_rating_kw=export_kw,
        )

    def sends(self, *messages: Any, when: int = START - 3 * MINUTE, **envelope: Any) -> Main:
        """An agent that registers, and sends its messages at an instant."""

        async def main(port: Port) -> None:
            port.publish(self.registration(port.name))
            await port.sleep_until(when)
            for each in messages:
                port.publish(each, **envelope)

        return main

    def bids(self, *points: tuple[float, float]) -> Main:
        """An agent that answers every call with the same curve for every slot."""

        async def main(port: Port) -> None:
            port.publish(self.registration(port.name))
            async for call in port.subscribe(MarketCall, market="retail"):
                rows = (tuple(q for q, _ in points),) * call.slots, (tuple(p for _, p in points),) * call.slots
                port.publish(
                    self.order(
                        port.name,
                        product=call.product,
                        clearing=call.clearing,
                        order_id=f"o{call.clearing}",
                        first_slot=call.first_slot,
                        slot_length=call.slot_length,
                        quantity_kw=rows[0],
                        price_per_kwh=rows[1],
                    )
                )

        return main

    def hungry(self) -> dict[str, Main]:
        return {f"agent.{name}": self.sends(self.order(name, *WANTS)) for name in ("h1-a", "h2-a")}

    def cancels(self, resource: str, order_id: str = "o1") -> CancelOrder:
        return CancelOrder(market="retail", product="real-time", resource=resource, order_id=order_id)

    def retailer(
        self,
        price: float | Callable[[AggregateDemand], float] | None = 0.1,
        *,
        inelastic_kw: float = 0.0,
        kw: float = 1e6,
    ) -> Main:
        """Estimates at the call, and offers as soon as it hears of the demand."""

        async def main(port: Port) -> None:
            async for message in port.subscribe(MarketCall, AggregateDemand, market="retail"):
                if isinstance(message, MarketCall):
                    for number in range(message.slots):
                        port.publish(self.estimate(port.name, message, number, inelastic_kw))
                elif price is not None:
                    asked = price(message) if callable(price) else price
                    port.publish(self.offer(message, asked, kw))

        return main

    def estimate(self, lse: str, call: MarketCall, number: int, kw: float) -> LoadEstimate:
        return LoadEstimate(
            lse=lse,
            market=call.market,
            product=call.product,
            slot_start=call.first_slot + number * call.slot_length,
            slot_length=call.slot_length,
            usage_points=("h1",),
            power_kw=(kw,),
        )

    def offer(self, demand: AggregateDemand, price: float, kw: float = 1e6) -> SupplyOffer:
        return SupplyOffer(
            market="retail",
            product=demand.product,
            clearing=demand.clearing,
            slot_start=demand.slot_start,
            slot_length=demand.slot_length,
            quantity_kw=kw,
            price_per_kwh=price,
        )

    def wires(self, *limits: float, element: str = "substation") -> Main:
        """Finds the limits one after the other, each until it has said it, and then is content."""

        async def main(port: Port) -> None:
            left = list(limits)
            async with port.subscribe(ValidationRequest) as requests:
                async for envelope in requests.envelopes():
                    found = (ElementLimit(element=element, import_limit_kw=left.pop(0), loading=1.2),) if left else ()
                    answer = ValidationResult(
                        market="retail", slot_start=envelope.message.slot_start, feasible=not found, limits=found
                    )
                    port.publish(answer, reply_to=envelope)

        return main

    def energy(self, start: int, duration: int, **kwh: float) -> MarketEnergy:
        return MarketEnergy(
            market="retail", start=start, duration=duration, usage_points=tuple(kwh), energy_kwh=tuple(kwh.values())
        )

    def run(
        self,
        agents: dict[str, Main],
        *series: MarketSpec,
        lse: Main | None = None,
        do: Main | None = None,
        registry: Main | None = None,
        stop: int = STOP,
        **changes: Any,
    ) -> Log:
        others = {
            "registry.main": registry or self.registry(),
            "lse.green": lse or self.retailer(),
            "do.wires": do or self.wires(),
        }
        return run_components({**self.operator(*series, **changes), **others, **agents}, stop=stop)


@pytest.fixture(scope="session")
def play() -> Play:
    return Play()
