"""The orders of one market instance: what they are, what replaces and cancels them, and their curves as arrays."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

import attrs
import numpy as np

from ...kernel import Instant
from ..auction.curves import FloatArray
from ..interfaces import Order, OrderStatus, Reason, ReasonCode, Registration
from .order_faults import Curve, OrderRules

Answer = tuple[OrderStatus, tuple[Reason, ...]]

_AGAIN: Answer = (
    OrderStatus.ACKNOWLEDGED,
    (Reason(ReasonCode.ALREADY_SUBMITTED, "the order is in the book already"),),
)


@attrs.define(eq=False, on_setattr=attrs.setters.frozen)
class Entered:
    """An order in the book; its curves by the place of the slot in the instance, ascending."""

    order: Order
    revision: int
    valid_until: Instant | None
    curves: Mapping[int, Curve]
    arrival: int
    """Place in the order of arrival; a replaced order arrives anew."""


@attrs.define(eq=False)
class OrderBook:
    """Takes orders for the slots of an instance; a resource has one at a time."""

    rules: OrderRules
    ids: dict[tuple[str, str], OrderBook] = attrs.field(factory=dict)
    """Resource and id of the orders of a series, each with the book of its clearing: an id is used once."""
    _claimed: list[tuple[str, str]] = attrs.field(factory=list, init=False)
    """What this book has in ``ids``."""
    _entered: dict[str, Entered] = attrs.field(factory=dict, init=False)
    _cleared: dict[str, tuple[str, int]] = attrs.field(factory=dict, init=False)
    """After the clearing: resource to id and revision of the order that took part."""
    _arrivals: int = attrs.field(default=0, init=False)
    _revoked: set[tuple[str, str]] = attrs.field(factory=set, init=False)
    """Resource and id of orders that were cancelled."""
    _withdrawn: set[str] = attrs.field(factory=set, init=False)
    """Resources of which an order was cancelled or has expired."""

    def enter(
        self,
        order: Order,
        registration: Registration | None,
        *,
        revision: int = 1,
        valid_until: Instant | None = None,
        now: Instant = 0,
    ) -> Answer:
        """Take an order in, or say all that is wrong with it; an order that was there before stands if it is wrong."""
        before = self._entered.get(order.resource)
        if before is not None and before.order.order_id == order.order_id and before.revision == revision:
            return _repeated(before.order, order)
        key = order.resource, order.order_id
        is_new = before is None and key not in self.ids and key not in self._revoked
        conflicts = () if is_new else tuple(self._conflicts(order, before, revision))
        if valid_until is not None and valid_until <= now:
            text = f"it has run out at {valid_until} ns"
            conflicts += (Reason(ReasonCode.EXPIRED, text),)
        curves = None if conflicts else self.rules.plain_curves(order, registration)
        if curves is None:
            reasons, curves = self.rules.judged(order, registration, conflicts)
            if reasons:
                return OrderStatus.REJECTED, reasons
        self._claim(key)
        self._arrivals += 1
        self._entered[order.resource] = Entered(order, revision, valid_until, curves, self._arrivals)
        return OrderStatus.ACKNOWLEDGED if before is None else OrderStatus.REPLACED, ()

    def repeated(self, order: Order, revision: int) -> Answer | None:
        """The answer to an order that is in the book already, just as it is; None for any other.

        After the clearing an order is known by its id and revision.
        """
        if self._cleared.get(order.resource) == (order.order_id, revision):
            return _AGAIN
        before = self._entered.get(order.resource)
        return _AGAIN if before is not None and before.revision == revision and before.order == order else None

    def cancel(self, resource: str, order_id: str) -> Answer:
        """Take an order out; taking it out twice is the same as once."""
        if (resource, order_id) in self._revoked:
            return OrderStatus.CANCELLED, (Reason(ReasonCode.ALREADY_SUBMITTED, "it is cancelled already"),)
        entered = self._entered.get(resource)
        if entered is None or entered.order.order_id != order_id:
            return OrderStatus.REJECTED, (_unknown(order_id),)
        del self._entered[resource]
        self._revoked.add((resource, order_id))
        self._withdrawn.add(resource)
        return OrderStatus.CANCELLED, ()

    def expire(self, instant: Instant) -> list[Entered]:
        """Take out the orders whose last valid instant is not after an instant; returns them."""
        gone = [each for each in self if each.valid_until is not None and each.valid_until <= instant]
        for each in gone:
            del self._entered[each.order.resource]
            self._withdrawn.add(each.order.resource)
        return gone

    def lapse(self, resource: str, now: Instant) -> Entered | None:
        """Take out the order of a resource if it has run out; returns it then."""
        entered = self._entered.get(resource)
        if entered is None or entered.valid_until is None or entered.valid_until > now:
            return None
        self._withdrawn.add(resource)
        return self._entered.pop(resource)

    def void(self, usage_points: Container[str]) -> list[Entered]:
        """Take out the orders of all but these usage points; returns them."""
        gone = [each for each in self if each.order.usage_point not in usage_points]
        for each in gone:
            del self._entered[each.order.resource]
        return gone

    def __iter__(self) -> Iterator[Entered]:
        """The orders, by resource."""
        return map(self._entered.__getitem__, sorted(self._entered))

    def knows(self, resource: str, order_id: str) -> bool:
        """Whether a resource has, or has cancelled, an order of this id."""
        entered = self._entered.get(resource)
        there = self._cleared.get(resource, ("", 0))[0] if entered is None else entered.order.order_id
        return (resource, order_id) in self._revoked or there == order_id

    def __contains__(self, resource: object) -> bool:
        """Whether a resource has an order."""
        return resource in self._entered

    def has_withdrawn(self, resource: str) -> bool:
        """Whether a resource has taken an order back, or let one expire."""
        return resource in self._withdrawn

    def __len__(self) -> int:
        """How many orders there are."""
        return len(self._entered)

    def close(self) -> None:
        """Keep of the orders what they are called by: their curves over a horizon are large, and used no more."""
        self._cleared = {name: (each.order.order_id, each.revision) for name, each in self._entered.items()}
        self._entered.clear()

    def forget(self) -> None:
        """Let the ids of the orders be used again, when nothing refers to them any more."""
        for key in self._claimed:
            del self.ids[key]
        self._claimed.clear()

    def _claim(self, key: tuple[str, str]) -> None:
        if key not in self.ids:
            self.ids[key] = self
            self._claimed.append(key)

    def _conflicts(self, order: Order, before: Entered | None, revision: int) -> Iterator[Reason]:
        if (order.resource, order.order_id) in self._revoked:
            yield Reason(ReasonCode.REVOKED, f"order {order.order_id} was cancelled; give a new id", "order_id")
        elif self.ids.get((order.resource, order.order_id), self) is not self:
            text = f"order {order.order_id} is for another clearing; give a new id"
            yield Reason(ReasonCode.DUPLICATE_ID, text, "order_id")
        if before is None:
            return
        if before.order.order_id != order.order_id:
            text = (
                f"the resource has order {before.order.order_id} here; cancel it, or send that id with a later revision"
            )
            yield Reason(ReasonCode.INTERVAL_CONFLICT, text, "order_id")
        elif revision < before.revision:
            text = f"revision {revision} comes after revision {before.revision} of the order"
            yield Reason(ReasonCode.DUPLICATE_ID, text, "order_id")


def stacked(entered: Sequence[Entered], slots: int) -> tuple[FloatArray, FloatArray]:
    """The curves of orders as quantities and prices of shape (n_slots, n_orders, n_points).

    The last point of a shorter curve is repeated; in a slot that an order leaves out, its quantity is zero.
    """
    nothing: Curve = (0.0,), (0.0,)
    curves = [each.curves.get(number, nothing) for number in range(slots) for each in entered]
    width = max((len(quantity_kw) for quantity_kw, _ in curves), default=1)
    shape = slots, len(entered), width
    quantity_kw = np.array([_wide(row, width) if len(row) < width else row for row, _ in curves], dtype=float)
    price_per_kwh = np.array([_wide(row, width) if len(row) < width else row for _, row in curves], dtype=float)
    return quantity_kw.reshape(shape), price_per_kwh.reshape(shape)


def _wide(row: tuple[float, ...], width: int) -> tuple[float, ...]:
    return (*row, *row[-1:] * (width - len(row)))


def _repeated(before: Order, order: Order) -> Answer:
    if before == order:
        return _AGAIN
    text = f"order {order.order_id} is in the book with other content; a change needs a later revision"
    return OrderStatus.REJECTED, (Reason(ReasonCode.DUPLICATE_ID, text, "order_id"),)


def _unknown(order_id: str) -> Reason:
    return Reason(ReasonCode.UNKNOWN_REFERENCE, f"the resource has no order {order_id} here", "order_id")
