"""The orders of one market instance: which are good, what replaces and cancels them, and their curves as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs
import numpy as np

from ...kernel import Instant
from ..auction.bid_forms import Points, block_points, polynomial_points
from ..auction.curves import FloatArray, faults
from ..interfaces import CurveForm, Order, OrderStatus, Reason, ReasonCode, Registration, belongs
from .spec import Timeline

Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""Quantities [kW], ascending, and prices [$/kWh], descending, of one slot."""

_NEGLIGIBLE_KW = 1e-6
"""A quantity misses a rating by its rounding."""

Answer = tuple[OrderStatus, tuple[Reason, ...]]


@attrs.frozen
class Limits:
    """What the market allows of a single order."""

    import_kw: Callable[[str, Instant], float]
    """Of a resource, most that it may still tender to draw in the slot of an instant. [kW]"""
    export_kw: Callable[[str, Instant], float]
    """Likewise to inject. [kW]"""
    cost: float | None
    """Highest cost of an order at its own prices; None for any. [$]"""


@attrs.frozen
class Entered:
    """An order in the book; its curves by the place of the slot in the instance."""

    order: Order
    revision: int
    valid_until: Instant | None
    curves: Mapping[int, Curve]
    arrival: int
    """Place in the order of arrival; a replaced order arrives anew."""


@attrs.define
class OrderBook:
    """Takes orders for the slots of an instance; a resource has one at a time."""

    timeline: Timeline
    slot_starts: tuple[Instant, ...]
    limits: Limits
    _entered: dict[str, Entered] = attrs.field(factory=dict, init=False)
    _arrivals: int = attrs.field(default=0, init=False)
    _revoked: set[tuple[str, str]] = attrs.field(factory=set, init=False)
    """Resource and id of orders that were cancelled."""

    def enter(
        self, order: Order, registration: Registration | None, *, revision: int = 1, valid_until: Instant | None = None
    ) -> Answer:
        """Take an order in, or say all that is wrong with it; an order that was there before stands if it is wrong."""
        before = self._entered.get(order.resource)
        if before is not None and before.order.order_id == order.order_id and before.revision == revision:
            return _repeated(before.order, order)
        reasons = list(self._conflicts(order, before, revision))
        reasons += _rights(order, registration)
        curves: dict[int, Curve] = {}
        try:
            reasons += self._period_faults(order)
            for number, curve in self._curves(order):
                reasons += _curve_faults(curve, number)
                curves[number] = curve
            if not reasons:
                reasons += self._limit_faults(order.resource, curves)
        except (TypeError, ValueError) as error:
            reasons.append(Reason(ReasonCode.OUT_OF_BOUNDS, f"its slots and curves are not numbers: {error}"))
        if reasons:
            return OrderStatus.REJECTED, tuple(reasons)
        self._arrivals += 1
        self._entered[order.resource] = Entered(order, revision, valid_until, curves, self._arrivals)
        return OrderStatus.ACKNOWLEDGED if before is None else OrderStatus.REPLACED, ()

    def cancel(self, resource: str, order_id: str) -> Answer:
        """Take an order out; taking it out twice is the same as once."""
        if (resource, order_id) in self._revoked:
            return OrderStatus.CANCELLED, (Reason(ReasonCode.ALREADY_SUBMITTED, "it is cancelled already"),)
        entered = self._entered.get(resource)
        if entered is None or entered.order.order_id != order_id:
            return OrderStatus.REJECTED, (_unknown(order_id),)
        del self._entered[resource]
        self._revoked.add((resource, order_id))
        return OrderStatus.CANCELLED, ()

    def expire(self, instant: Instant) -> list[Entered]:
        """Take out the orders whose last valid instant is not after an instant; returns them."""
        gone = [each for each in self if each.valid_until is not None and each.valid_until <= instant]
        for each in gone:
            del self._entered[each.order.resource]
        return gone

    def void(self) -> list[Entered]:
        """Take all orders out; returns them."""
        gone, self._entered = list(self), {}
        return gone

    def __iter__(self) -> Iterator[Entered]:
        """The orders, by resource."""
        return (entered for _, entered in sorted(self._entered.items()))

    def knows(self, resource: str, order_id: str) -> bool:
        """Whether a resource has, or has cancelled, an order of this id."""
        entered = self._entered.get(resource)
        return (resource, order_id) in self._revoked or (entered is not None and entered.order.order_id == order_id)

    def __contains__(self, resource: str) -> bool:
        """Whether a resource has an order."""
        return resource in self._entered

    def __len__(self) -> int:
        """How many orders there are."""
        return len(self._entered)

    def _conflicts(self, order: Order, before: Entered | None, revision: int) -> Iterator[Reason]:
        if (order.resource, order.order_id) in self._revoked:
            yield Reason(ReasonCode.REVOKED, f"order {order.order_id} was cancelled; give a new id", "order_id")
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

    def _period_faults(self, order: Order) -> Iterator[Reason]:
        slot = self.timeline.spec.slot
        if order.slot_length != slot:
            yield Reason(
                ReasonCode.PERIOD_MISMATCH, f"slots here have {slot} ns, its have {order.slot_length}", "slot_length"
            )
        if order.first_slot not in self.slot_starts:
            text = f"no slot of this clearing begins at {order.first_slot} ns"
            yield Reason(ReasonCode.UNKNOWN_REFERENCE, text, "first_slot")
        elif len(order.quantity_kw) > len(self.slot_starts) - self.slot_starts.index(order.first_slot):
            text = f"{len(order.quantity_kw)} slots from there on are more than this clearing has"
            yield Reason(ReasonCode.PERIOD_MISMATCH, text, "quantity_kw")
        if not order.quantity_kw or len(order.quantity_kw) != len(order.price_per_kwh):
            yield Reason(ReasonCode.OUT_OF_BOUNDS, "give a row of quantities and a row of prices for each slot")

    def _curves(self, order: Order) -> Iterator[tuple[int, Curve]]:
        """The curve of each slot; of a slot that is not here, under a number of its own."""
        first = self.slot_starts.index(order.first_slot) if order.first_slot in self.slot_starts else 0
        rows = zip(order.quantity_kw, order.price_per_kwh, strict=False)
        for number, (quantity_kw, price_per_kwh) in enumerate(rows, start=first):
            if order.form is CurveForm.PIECEWISE_LINEAR:
                yield number, (quantity_kw, price_per_kwh)
            else:
                points = _FORMS[order.form](quantity_kw, price_per_kwh)
                yield number, (tuple(q for q, _ in points), tuple(p for _, p in points))

    def _limit_faults(self, resource: str, curves: Mapping[int, Curve]) -> Iterator[Reason]:
        spec = self.timeline.spec
        lowest, highest = spec.price_floor_per_kwh, spec.price_cap_per_kwh
        for number, (quantity_kw, price_per_kwh) in curves.items():
            start, path = self.slot_starts[number], f"[{number}]"
            most_in, most_out = self.limits.import_kw(resource, start), self.limits.export_kw(resource, start)
            if quantity_kw[-1] > most_in + _NEGLIGIBLE_KW or -quantity_kw[0] > most_out + _NEGLIGIBLE_KW:
                text = f"its rating and positions leave {-most_out:g} to {most_in:g} kW"
                yield Reason(ReasonCode.LIMIT_EXCEEDED, text, f"quantity_kw{path}")
            if price_per_kwh[0] > highest or price_per_kwh[-1] < lowest:
                text = f"its prices leave the band [{lowest:g}, {highest:g}] $/kWh"
                yield Reason(ReasonCode.OUT_OF_BOUNDS, text, f"price_per_kwh{path}")
        cost = sum(_cost(curve) for curve in curves.values()) * spec.slot_min / 60.0
        if self.limits.cost is not None and cost > self.limits.cost:
            text = f"it may cost {cost:.2f} $, more than the credit of {self.limits.cost:.2f} $"
            yield Reason(ReasonCode.LIMIT_EXCEEDED, text)


def stacked(entered: Sequence[Entered], slots: int) -> tuple[FloatArray, FloatArray]:
    """The curves of orders as quantities and prices of shape (n_slots, n_orders, n_points).

    The last point of a shorter curve is repeated; in a slot that an order leaves out, its quantity is zero.
    """
    nothing: Curve = (0.0,), (0.0,)
    rows = [[each.curves.get(number, nothing) for each in entered] for number in range(slots)]
    width = max((len(curve[0]) for row in rows for curve in row), default=1)
    shape = slots, len(entered), width
    sides = ([[_wide(curve[side], width) for curve in row] for row in rows] for side in (0, 1))
    quantity_kw, price_per_kwh = (np.array(side, dtype=float).reshape(shape) for side in sides)
    return quantity_kw, price_per_kwh


def _wide(row: tuple[float, ...], width: int) -> tuple[float, ...]:
    return row if len(row) == width else (*row, *row[-1:] * (width - len(row)))


def _repeated(before: Order, order: Order) -> Answer:
    if before == order:
        return OrderStatus.ACKNOWLEDGED, (Reason(ReasonCode.ALREADY_SUBMITTED, "the order is in the book already"),)
    text = f"order {order.order_id} is in the book with other content; a change needs a later revision"
    return OrderStatus.REJECTED, (Reason(ReasonCode.DUPLICATE_ID, text, "order_id"),)


def _rights(order: Order, registration: Registration | None) -> Iterator[Reason]:
    if registration is None:
        text = f"{order.resource} is not registered, or {order.usage_point} does not belong to this market now"
        yield Reason(ReasonCode.NOT_AUTHORISED, text, "resource")
    elif registration.usage_point != order.usage_point or not belongs(order.resource, order.usage_point):
        text = f"the resource is registered at usage point {registration.usage_point}"
        yield Reason(ReasonCode.NOT_AUTHORISED, text, "usage_point")


def _curve_faults(curve: Curve, number: int) -> Iterator[Reason]:
    for text in faults(*curve):
        yield Reason(ReasonCode.OUT_OF_BOUNDS, text, f"[{number}]")


def _unknown(order_id: str) -> Reason:
    return Reason(ReasonCode.UNKNOWN_REFERENCE, f"the resource has no order {order_id} here", "order_id")


def _cost(curve: Curve) -> float:
    """Most that a curve can cost an hour, buying at its own prices [$/h]."""
    return max(0.0, *(quantity * price for quantity, price in zip(*curve, strict=True)))


def _blocks(quantity_kw: tuple[float, ...], price_per_kwh: tuple[float, ...]) -> Points:
    return block_points(tuple(zip(quantity_kw, price_per_kwh, strict=True)))


def _polynomial(quantity_kw: tuple[float, ...], coefficients: tuple[float, ...]) -> Points:
    least, most = quantity_kw
    return polynomial_points(coefficients, least, most)


_FORMS = {CurveForm.BLOCK: _blocks, CurveForm.POLYNOMIAL: _polynomial}
