"""One market instance: a clearing of a series, from its activation to its expiry.

The coroutine walks the table of states; what is heard meanwhile is put into the instance by the market operator's one
dispatcher, so that the work of a state never waits for anybody, only for instants.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import attrs
import numpy as np
from numpy.typing import NDArray

from ...kernel import FIRST, NORMAL, Instant
from ..auction.curves import FloatArray
from ..auction.safe_clearing import Slot
from ..interfaces import (
    AggregateDemand,
    CancelOrder,
    MarketCall,
    MarketState,
    MarketStateChange,
    Order,
    OrderStatus,
    Reason,
    ReasonCode,
    SupplyOffer,
)
from .awarding import clear_instance, suspend
from .ledger import Cleared, Holders
from .mechanism import Negotiation
from .missing import missing_orders
from .order_book import Answer, Entered, OrderBook, stacked
from .order_faults import OrderRules
from .reconcile import Reconcile
from .spec import MissingOrderRule, Timeline
from .states import Boundary, following
from .venue import Venue

_GATE_CLOSED = OrderStatus.REJECTED, (Reason(ReasonCode.GATE_CLOSED, "after gate closure"),)
_NOT_OPEN = OrderStatus.REJECTED, (Reason(ReasonCode.GATE_CLOSED, "before the call"),)
_EXPIRED: Answer = OrderStatus.EXPIRED, ()
_LEFT = OrderStatus.CANCELLED, (Reason(ReasonCode.REVOKED, "its usage point leaves the market", "usage_point"),)
_NO_ORDERS = OrderStatus.REJECTED, (Reason(ReasonCode.NOT_AUTHORISED, "this series takes no orders, it tells a price"),)


@attrs.define(eq=False)
class MarketInstance:
    """A clearing of a series; ``state`` changes by the table of states alone."""

    venue: Venue
    timeline: Timeline
    state: MarketState = attrs.field(default=MarketState.INACTIVE, init=False)
    slot_starts: tuple[Instant, ...] = attrs.field(init=False)
    book: OrderBook = attrs.field(init=False)
    takes_orders: bool = attrs.field(init=False)
    opening: Instant = attrs.field(init=False)
    """First instant at which orders are taken."""
    refined: tuple[Cleared | None, ...] = attrs.field(default=(), init=False)
    """The slots of the refined market that this instance's slots lie in, as they were when it negotiated."""
    agreed: Mapping[Instant, object] = attrs.field(factory=dict, init=False)
    """What the mechanism has negotiated, by start of the slot."""
    absent: frozenset[str] = attrs.field(default=frozenset(), init=False)
    """Resources that have said, in time, that no order of theirs is to be expected."""
    entered: list[Entered] = attrs.field(factory=list, init=False)
    """The orders that take part, in the order of the slots' arrays."""
    holders: Holders = attrs.field(default=Holders((), ()), init=False)
    """Their resources."""
    rules: tuple[str, ...] = attrs.field(default=(), init=False)
    """What stands in for orders that are missing."""
    slots: list[Slot] = attrs.field(factory=list, init=False)
    places: dict[str, int] = attrs.field(factory=dict, init=False)
    """Transformer to its place in the slots' arrays."""
    estimates_kw: dict[Instant, float] = attrs.field(factory=dict, init=False)
    offers: dict[Instant, SupplyOffer] = attrs.field(factory=dict, init=False)
    remarks: dict[Instant, tuple[str, ...]] = attrs.field(factory=dict, init=False)
    """What was ignored for a slot, and replaced by rule, a line on each."""
    reconcile: Reconcile = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        spec = self.timeline.spec
        self.slot_starts = self.timeline.slot_starts(self.venue.port.stop)
        rules = OrderRules(spec, self.slot_starts, self.venue.limits(spec))
        self.book = OrderBook(rules, self.venue.memory(spec).order_ids)
        self.takes_orders = self.venue.mechanism(self.timeline).takes_orders
        self.opening = self.timeline.boundary(Boundary.MARKET_LEAD)
        self.reconcile = Reconcile(self.venue, self.timeline)

    # What is heard

    def order(self, order: Order, revision: int, valid_until: Instant | None) -> Answer:
        """Take an order in, or say why not."""
        if not self.takes_orders:
            return _NO_ORDERS
        now = self.venue.port.now
        if order.resource in self.book:
            self._lapse(order.resource)
        closed = self._closed()
        if closed is not None:
            return self.book.repeated(order, revision) or closed
        registration = self.venue.registration(order.resource, self.timeline.first_slot)
        return self.book.enter(order, registration, revision=revision, valid_until=valid_until, now=now)

    def cancel(self, cancel: CancelOrder) -> Answer:
        """Take an order out, or say why not."""
        self._lapse(cancel.resource)
        return self.book.cancel(cancel.resource, cancel.order_id) if self._is_open() else _GATE_CLOSED

    def _lapse(self, resource: str) -> None:
        """Take out the order of a resource if it has run out by now, so that it is in nobody's way."""
        gone = self.book.lapse(resource, self.venue.port.now) if self._is_open() else None
        if gone is not None:
            self.venue.answer(gone.order, gone.revision, _EXPIRED)

    def _closed(self) -> Answer | None:
        """Why no order is taken now; None while orders are."""
        if self.venue.halted:
            text = f"the market is halted: {self.venue.halted}"
            return OrderStatus.REJECTED, (Reason(ReasonCode.GATE_CLOSED, text),)
        if self._is_open():
            return None
        return _GATE_CLOSED if self.venue.port.now >= self.timeline.gate else _NOT_OPEN

    def ignore(self, slot_start: Instant, what: str, reasons: tuple[Reason, ...]) -> None:
        """Note a message about a slot that makes no sense, so that the result says so."""
        faults = "; ".join(f"{reason.path}: {reason.text}" for reason in reasons)
        self._remark(slot_start, f"ignored {what}: {faults}")

    def _remark(self, slot_start: Instant, line: str) -> None:
        self.remarks[slot_start] = (*self.remarks.get(slot_start, ()), line)

    def has(self, resource: str, order_id: str) -> bool:
        """Whether the book knows an order."""
        return self.book.knows(resource, order_id)

    def _is_open(self) -> bool:
        return self.opening <= self.venue.port.now < self.timeline.gate

    # The states

    async def run(self) -> None:
        """Go through the states, to the last."""
        await self._enter(self.timeline.state_at(self.venue.port.now))
        while (change := following(self.state)) is not None:
            if change.boundary is not Boundary.SETTLED:
                # Clearings come before whatever else begins at their instant and may want to know their result.
                priority = FIRST if change.boundary is Boundary.CLEARING else NORMAL
                await self.venue.port.sleep_until(self.timeline.boundary(change.boundary), priority)
            await self._enter(change.target)
        self.book.forget()

    async def _enter(self, state: MarketState) -> None:
        self.state = state
        self.venue.port.publish(
            MarketStateChange(
                market=self.venue.port.name,
                product=self.timeline.spec.product,
                clearing=self.timeline.clearing,
                state=state,
            )
        )
        work = _WORK.get(state)
        if work is not None:
            await work(self)

    async def _negotiate(self) -> None:
        self._look_up()
        mechanism = self.venue.mechanism(self.timeline)
        self.agreed = await mechanism.negotiate(
            Negotiation(
                port=self.venue.port,
                product=self.timeline.spec.product,
                clearing=self.timeline.clearing,
                slot_starts=self.slot_starts,
                end=self.timeline.boundary(Boundary.MARKET_LEAD),
                expected_price_per_kwh=self.expected_prices(),
            )
        )

    def _look_up(self) -> None:
        """Learn what the refined market has cleared by now: never earlier, when it had no result; and who comes."""
        refines = self.timeline.spec.refines
        ledger = self.venue.ledger
        self.refined = tuple(ledger.at(refines, start) if refines else None for start in self.slot_starts)
        self.absent = self.venue.participants.absent(self.timeline.spec.product, self.timeline.clearing)

    def expected_prices(self) -> tuple[float, ...]:
        """Price of each slot to plan against; empty where nothing is known of the first [$/kWh].

        That of the refined market, else the last forecast of the series; a slot that is new has the price before it.
        """
        known = [None if refined is None else refined.price_per_kwh for refined in self.refined]
        return self.venue.memory(self.timeline.spec).prices.expected(self.slot_starts, known)

    async def _lead(self) -> None:
        if len(self.refined) != len(self.slot_starts):
            self._look_up()
        self._call()
        await self.venue.port.sleep_until(self.timeline.gate, FIRST)
        self._close_book()
        for start, slot in zip(self.slot_starts, self.slots, strict=True):
            self._publish_demand(start, slot)

    def _call(self) -> None:
        timeline, spec = self.timeline, self.timeline.spec
        self.venue.port.publish(
            MarketCall(
                market=self.venue.port.name,
                product=spec.product,
                clearing=timeline.clearing,
                first_slot=timeline.first_slot,
                slot_length=spec.slot,
                slots=len(self.slot_starts),
                gate_closure=timeline.gate,
                price_cap_per_kwh=spec.price_cap_per_kwh,
                price_floor_per_kwh=spec.price_floor_per_kwh,
                orders=self.takes_orders,
                expected_price_per_kwh=self.expected_prices(),
            )
        )

    def _close_book(self) -> None:
        """What is good by now takes part; what is missing is replaced by rule."""
        transformers = self.venue.participants.transformers(self.timeline.first_slot)
        for gone in self.book.expire(self.timeline.clearing):
            self.venue.answer(gone.order, gone.revision, _EXPIRED)
        for gone in self.book.void(transformers):
            self.venue.answer(gone.order, gone.revision, _LEFT)
        memory = self.venue.memory(self.timeline.spec)
        stand_ins, self.rules = missing_orders(
            self.venue, self.timeline, self.book, self.slot_starts, self.refined, self.absent
        )
        if self.timeline.spec.missing_order is MissingOrderRule.LAST_KNOWN:
            memory.orders |= {each.order.resource: each for each in self.book}
        self.entered = sorted([*self.book, *stand_ins], key=lambda each: each.order.resource)
        orders = [each.order for each in self.entered]
        self.holders = Holders(tuple(o.resource for o in orders), tuple(o.usage_point for o in orders))
        self.places = {name: place for place, name in enumerate(sorted(set(transformers.values())))}
        places = np.array([self.places[transformers[order.usage_point]] for order in orders], dtype=np.intp)
        arrays = stacked(self.entered, len(self.slot_starts))
        arrival = np.array([each.arrival for each in self.entered], dtype=np.intp)
        for start, quantity_kw, price_per_kwh in zip(self.slot_starts, *arrays, strict=True):
            if start not in self.estimates_kw:
                self._remark(start, "missing load estimate: the last")
            memory.inelastic_kw = self.estimates_kw.get(start, memory.inelastic_kw)
            self.slots.append(self._slot(quantity_kw, price_per_kwh, places, arrival, memory.inelastic_kw))

    def _release(self) -> None:
        """Let go of what only the clearing needs; the instance lives on until its final statement."""
        self.entered, self.slots = [], []
        self.book.close()

    def _slot(
        self,
        quantity_kw: FloatArray,
        price_per_kwh: FloatArray,
        places: NDArray[np.intp],
        arrival: NDArray[np.intp],
        inelastic_kw: float,
    ) -> Slot:
        spec = self.timeline.spec
        return Slot(
            quantity_kw=quantity_kw,
            price_per_kwh=price_per_kwh,
            transformer=places,
            inelastic_kw=inelastic_kw,
            supply_price_per_kwh=spec.fallback_price_per_kwh,
            supply_kw=float("inf"),
            price_cap_per_kwh=spec.price_cap_per_kwh,
            price_floor_per_kwh=spec.price_floor_per_kwh,
            ties=spec.ties,
            arrival=arrival,
        )

    def _publish_demand(self, start: Instant, slot: Slot) -> None:
        points = slot.demand().simplified()
        self.venue.port.publish(
            AggregateDemand(
                market=self.venue.port.name,
                product=self.timeline.spec.product,
                clearing=self.timeline.clearing,
                slot_start=start,
                slot_length=self.timeline.spec.slot,
                quantity_kw=tuple(quantity for quantity, _ in points),
                price_per_kwh=tuple(price for _, price in points),
            )
        )

    async def _clear(self) -> None:
        if self.venue.halted:
            suspend(self)
        else:
            await clear_instance(self)
        self._release()

    async def _settle(self) -> None:
        await self.reconcile.run()


_WORK: dict[MarketState, Callable[[MarketInstance], Awaitable[None]]] = {
    MarketState.NEGOTIATION: MarketInstance._negotiate,
    MarketState.MARKET_LEAD: MarketInstance._lead,
    MarketState.DELIVERY_LEAD: MarketInstance._clear,
    MarketState.RECONCILE: MarketInstance._settle,
}
"""What is done in a state; in the others there is nothing to do but to wait."""
