"""The specification of a series of market instances, and the boundaries of one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

import attrs

from ...kernel import MINUTE, Duration, Instant, UsageError, field, value
from ..auction.clearing import TieRule
from ..interfaces import DAY_AHEAD, REAL_TIME, MarketState
from .mechanism import mechanism
from .states import TRANSITIONS, Boundary


class MissingOrderRule(Enum):
    """What stands for the order of a participant that is expected and silent at gate closure."""

    EXCLUDE = "exclude"
    """Nothing; the participant holds no award."""
    LAST_KNOWN = "last known"
    """The curves of its last order in the series, slot by slot."""
    POSITION = "position"
    """What it holds in the market that is refined, at any price; nothing if it holds nothing there."""


class MissingOfferRule(Enum):
    """What stands for a supply offer that has not come by the clearing."""

    HOLD = "hold"
    """The last offer of the series; before the first, the fallback price."""
    EXPECTED_PRICE = "expected price"
    """The price of the refined market for the slot, without limit of quantity; else as with hold."""


@value
class MarketSpec:
    """A series of slots that are cleared in the same way; one instance a clearing, and each has all of this.

    With T the clearing of an instance: activation, negotiation and market lead come before T, one after the other, the
    delivery lead between T and the first slot (TENT, PNNL-28420). Where clearings come more often than their slots end,
    the slots up to the next clearing's first are binding and the rest of the horizon is a forecast.
    """

    product: str = field("name of the series, day-ahead or real-time")
    slot_min: float = field("length of a slot", unit="min", above=0)
    slots: int = field("slots of a clearing", at_least=1)
    first_min: float = field(
        "start of the first slot of the first instance, after the start of the run", unit="min", at_least=0
    )
    delivery_lead_min: float = field("from the clearing to the first slot", unit="min", at_least=0)
    market_lead_min: float = field("orders and supply, before the clearing", unit="min", above=0)
    gate_min: float = field("gate closure, before the clearing", unit="min", above=0)
    negotiation_lead_min: float = field("before the market lead", unit="min", default=0.0, at_least=0)
    activation_lead_min: float = field("reservations, before the negotiation", unit="min", default=0.0, at_least=0)
    every_min: float | None = field(
        "from one clearing to the next; without it, all slots of one", unit="min", default=None, above=0
    )
    meter_wait_min: float = field("after the last binding slot, for meter data", unit="min", default=0.0, at_least=0)
    dispute_min: float = field("after the initial statement", unit="min", default=60.0, at_least=0)
    mechanism: str = field("how a slot is cleared", default="double-auction")
    refines: str = field("series whose results it corrects; empty for none", default="")
    commitment: bool = field("whether awards are positions, settled at their price", default=True)
    price_cap_per_kwh: float = field("highest price", unit="$/kWh", default=1.0, above=0)
    price_floor_per_kwh: float = field("lowest price", unit="$/kWh", default=0.0)
    scarcity_price_per_kwh: float | None = field(
        "administrative price while demand is shed; without it, the cap", unit="$/kWh", default=None
    )
    fallback_price_per_kwh: float = field("supply price before the first offer", unit="$/kWh", default=0.12)
    missing_order: MissingOrderRule = field(
        "for a participant that is silent at gate closure", default=MissingOrderRule.EXCLUDE
    )
    missing_offer: MissingOfferRule = field("for a retailer that is silent", default=MissingOfferRule.HOLD)
    ties: TieRule = field("how orders at the margin share what there is", default=TieRule.PRO_RATA)
    price_smoothing: float = field(
        "weight of a new price in the published forecast, over the root of hours to go; DSO+T has 0.2, 0 for none",
        unit="1",
        default=0.0,
        at_least=0,
        at_most=1,
    )
    attempts: int = field("clearings of a slot before awards are curtailed", default=3, at_least=1)

    def check(self) -> Iterable[tuple[str, str]]:
        """The product is known, the gate lies in the market lead, the horizon is whole, prices lie in their band."""
        if self.product not in (DAY_AHEAD, REAL_TIME):
            yield "product", f"expected {DAY_AHEAD} or {REAL_TIME}, by which participants know their orders"
        if self.slot <= 0 or self.every <= 0:
            yield "slot_min", "expected at least a nanosecond"
            return
        if self.gate_min > self.market_lead_min:
            yield "gate_min", f"expected at most market_lead_min = {self.market_lead_min:g}"
        if self.before_first_min > self.first_min:
            hint = "so that the first instance lies in the run"
            yield "first_min", f"expected at least the leads together, {self.before_first_min:g}, {hint}"
        if self.every % self.slot or self.every > self.slot * self.slots:
            yield "every_min", f"expected a multiple of slot_min, at most {self.slots} slots"
        yield from self._check_prices()
        if self.refines == self.product:
            yield "refines", "expected another series, or none"
        try:
            mechanism(self.mechanism)
        except UsageError as error:
            yield "mechanism", str(error)

    def _check_prices(self) -> Iterable[tuple[str, str]]:
        floor, cap = self.price_floor_per_kwh, self.price_cap_per_kwh
        if cap <= floor:
            yield "price_cap_per_kwh", f"expected more than the floor {floor:g}"
            return
        prices = {
            "scarcity_price_per_kwh": self.scarcity_price_per_kwh,
            "fallback_price_per_kwh": self.fallback_price_per_kwh,
        }
        for name, price in prices.items():
            if price is not None and not floor <= price <= cap:
                yield name, f"expected {floor:g} to {cap:g}, the price band"

    @property
    def before_first_min(self) -> float:
        """From the activation to the first slot. [min]"""
        return self.activation_lead_min + self.negotiation_lead_min + self.market_lead_min + self.delivery_lead_min

    @property
    def slot(self) -> Duration:
        """Length of a slot. [ns]"""
        return round(self.slot_min * MINUTE)

    @property
    def every(self) -> Duration:
        """From one clearing to the next. [ns]"""
        return self.slot * self.slots if self.every_min is None else round(self.every_min * MINUTE)

    @property
    def binding_slots(self) -> int:
        """Slots of an instance that no later one of the series clears again."""
        return self.every // self.slot

    def instances(self, stop: Instant) -> Iterator[Timeline]:
        """The boundaries of every instance whose first slot begins within a run."""
        for first in range(round(self.first_min * MINUTE), stop, self.every):
            yield Timeline(self, first)


@attrs.frozen
class Timeline:
    """The boundaries of one instance. [ns]"""

    spec: MarketSpec
    first_slot: Instant
    clearing: Instant = attrs.field(init=False)
    """The clearing, which names the instance."""
    gate: Instant = attrs.field(init=False)
    """First instant at which an order is too late."""
    delivery_end: Instant = attrs.field(init=False)
    """First instant after the last binding slot."""
    meter_deadline: Instant = attrs.field(init=False)
    """Instant of the initial statement."""
    dispute_end: Instant = attrs.field(init=False)
    """Instant of the final statement."""
    _boundaries: Mapping[Boundary, Instant] = attrs.field(init=False, repr=False, eq=False)

    @clearing.default
    def _clearing(self) -> Instant:
        return self.first_slot - _ns(self.spec.delivery_lead_min)

    @gate.default
    def _gate(self) -> Instant:
        return self.clearing - _ns(self.spec.gate_min)

    @delivery_end.default
    def _delivery_end(self) -> Instant:
        return self.first_slot + self.spec.every

    @meter_deadline.default
    def _meter_deadline(self) -> Instant:
        return self.delivery_end + _ns(self.spec.meter_wait_min)

    @dispute_end.default
    def _dispute_end(self) -> Instant:
        return self.meter_deadline + _ns(self.spec.dispute_min)

    @_boundaries.default
    def _all_boundaries(self) -> Mapping[Boundary, Instant]:
        spec, clearing = self.spec, self.clearing
        market_lead = clearing - _ns(spec.market_lead_min)
        negotiation = market_lead - _ns(spec.negotiation_lead_min)
        return {
            Boundary.ACTIVATION: negotiation - _ns(spec.activation_lead_min),
            Boundary.NEGOTIATION: negotiation,
            Boundary.MARKET_LEAD: market_lead,
            Boundary.CLEARING: clearing,
            Boundary.DELIVERY: self.first_slot,
            Boundary.DELIVERY_END: self.delivery_end,
            Boundary.SETTLED: self.dispute_end,
        }

    def boundary(self, which: Boundary) -> Instant:
        """The instant of a boundary."""
        return self._boundaries[which]

    def state_at(self, instant: Instant) -> MarketState:
        """The state that belongs to an instant: a function of time alone."""
        state = TRANSITIONS[0].source
        for change in TRANSITIONS:
            if instant >= self.boundary(change.boundary):
                state = change.target
        return state

    def slot_starts(self, stop: Instant) -> tuple[Instant, ...]:
        """First instant of each slot that begins within a run."""
        spec = self.spec
        return tuple(range(self.first_slot, min(self.first_slot + spec.slots * spec.slot, stop), spec.slot))


def _ns(minutes: float) -> Duration:
    return round(minutes * MINUTE)
