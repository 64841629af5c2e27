"""What an order has to keep to, and all that is wrong with one that does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import attrs

from ...kernel import Duration, Instant
from ..auction.bid_forms import Points, block_points, polynomial_points
from ..auction.curves import faults
from ..interfaces import CurveForm, Order, Reason, ReasonCode, Registration, belongs
from .spec import MarketSpec

Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""Quantities [kW], ascending, and prices [$/kWh], descending, of one slot."""

_NEGLIGIBLE_KW = 1e-6
"""A quantity misses a rating by its rounding."""


@attrs.frozen
class Limits:
    """What the market allows of a single order, beside the ratings of its resource."""

    held_kw: Callable[[str, Instant], float]
    """What a resource holds in other series in the slot of an instant. [kW]"""
    cost: float | None
    """Highest cost of an order at its own prices; None for any. [$]"""


@attrs.frozen
class OrderRules:
    """The rules that the orders of an instance are held to."""

    spec: MarketSpec
    slot_starts: tuple[Instant, ...]
    limits: Limits
    _numbers: Mapping[Instant, int] = attrs.field(init=False)
    """First instant of each slot to its number."""
    _slot: Duration = attrs.field(default=attrs.Factory(lambda self: self.spec.slot, True), init=False)

    @_numbers.default
    def _numbered(self) -> Mapping[Instant, int]:
        return {start: number for number, start in enumerate(self.slot_starts)}

    def plain_curves(self, order: Order, registration: Registration | None) -> dict[int, Curve] | None:
        """The curves of an order, by the number of the slot, if all is well; None where it takes a closer look.

        Most orders are good: it takes a twentieth of the time to see that than to say what is wrong with others.
        """
        first = self._numbers.get(order.first_slot)
        if (
            first is None
            or registration is None
            or registration.usage_point != order.usage_point
            or order.form is not CurveForm.PIECEWISE_LINEAR
            or order.slot_length != self._slot
            or self.limits.cost is not None
            or not belongs(order.resource, order.usage_point)
        ):
            return None
        try:
            curves = dict(enumerate(zip(order.quantity_kw, order.price_per_kwh, strict=True), first))
            if not curves or first + len(curves) > len(self.slot_starts):
                return None
            for number, curve in curves.items():
                if faults(*curve) or not self._fits(order.resource, registration, number, curve):
                    return None
        except (TypeError, ValueError):
            return None
        return curves

    def judged(
        self, order: Order, registration: Registration | None, conflicts: tuple[Reason, ...]
    ) -> tuple[tuple[Reason, ...], dict[int, Curve]]:
        """All that is wrong with an order, conflicts with others first, and its curves by the number of the slot."""
        reasons, curves = [*conflicts, *_rights(order, registration)], dict[int, Curve]()
        try:
            reasons += self._period_faults(order)
            for number, curve in self._curves(order):
                reasons += _curve_faults(curve, number)
                curves[number] = curve
            if not reasons and registration is not None:
                reasons += self._limit_faults(order.resource, registration, curves)
        except (TypeError, ValueError) as error:
            reasons.append(Reason(ReasonCode.OUT_OF_BOUNDS, f"its slots and curves are not numbers: {error}"))
        return tuple(reasons), curves

    def _room_kw(self, resource: str, registration: Registration, number: int) -> tuple[float, float]:
        """The most that a resource may still tender to inject and to draw in a slot."""
        held_kw = self.limits.held_kw(resource, self.slot_starts[number])
        return registration.export_rating_kw + held_kw, registration.import_rating_kw - held_kw

    def _fits(self, resource: str, registration: Registration, number: int, curve: Curve) -> bool:
        quantity_kw, price_per_kwh = curve
        most_out, most_in = self._room_kw(resource, registration, number)
        return (
            quantity_kw[-1] <= most_in + _NEGLIGIBLE_KW
            and -quantity_kw[0] <= most_out + _NEGLIGIBLE_KW
            and price_per_kwh[0] <= self.spec.price_cap_per_kwh
            and price_per_kwh[-1] >= self.spec.price_floor_per_kwh
        )

    def _period_faults(self, order: Order) -> Iterator[Reason]:
        slot, first = self.spec.slot, self._numbers.get(order.first_slot)
        if order.slot_length != slot:
            yield Reason(
                ReasonCode.PERIOD_MISMATCH, f"slots here have {slot} ns, its have {order.slot_length}", "slot_length"
            )
        if first is None:
            text = f"no slot of this clearing begins at {order.first_slot} ns"
            yield Reason(ReasonCode.UNKNOWN_REFERENCE, text, "first_slot")
        elif len(order.quantity_kw) > len(self.slot_starts) - first:
            text = f"{len(order.quantity_kw)} slots from there on are more than this clearing has"
            yield Reason(ReasonCode.PERIOD_MISMATCH, text, "quantity_kw")
        if not order.quantity_kw or len(order.quantity_kw) != len(order.price_per_kwh):
            yield Reason(ReasonCode.OUT_OF_BOUNDS, "give a row of quantities and a row of prices for each slot")

    def _curves(self, order: Order) -> Iterator[tuple[int, Curve]]:
        """The curve of each slot; of a slot that is not here, under a number of its own."""
        rows = zip(order.quantity_kw, order.price_per_kwh, strict=False)
        for number, (quantity_kw, price_per_kwh) in enumerate(rows, start=self._numbers.get(order.first_slot, 0)):
            if order.form is CurveForm.PIECEWISE_LINEAR:
                yield number, (quantity_kw, price_per_kwh)
            else:
                points = _FORMS[order.form](quantity_kw, price_per_kwh)
                yield number, (tuple(q for q, _ in points), tuple(p for _, p in points))

    def _limit_faults(self, resource: str, registration: Registration, curves: Mapping[int, Curve]) -> Iterator[Reason]:
        lowest, highest = self.spec.price_floor_per_kwh, self.spec.price_cap_per_kwh
        for number, (quantity_kw, price_per_kwh) in curves.items():
            most_out, most_in = self._room_kw(resource, registration, number)
            if quantity_kw[-1] > most_in + _NEGLIGIBLE_KW or -quantity_kw[0] > most_out + _NEGLIGIBLE_KW:
                text = f"its rating and positions leave {-most_out:g} to {most_in:g} kW"
                yield Reason(ReasonCode.LIMIT_EXCEEDED, text, f"quantity_kw[{number}]")
            if price_per_kwh[0] > highest or price_per_kwh[-1] < lowest:
                text = f"its prices leave the band [{lowest:g}, {highest:g}] $/kWh"
                yield Reason(ReasonCode.OUT_OF_BOUNDS, text, f"price_per_kwh[{number}]")
        cost = sum(_cost(curve) for curve in curves.values()) * self.spec.slot_min / 60.0
        if self.limits.cost is not None and cost > self.limits.cost:
            text = f"it may cost {cost:.2f} $, more than the credit of {self.limits.cost:.2f} $"
            yield Reason(ReasonCode.LIMIT_EXCEEDED, text)


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


def _cost(curve: Curve) -> float:
    """Most that a curve can cost an hour, buying at its own prices [$/h]."""
    points = tuple(zip(*curve, strict=True))
    return max(0.0, *(q * p for q, p in points), *(_between(*ends) for ends in pairwise(points)))


def _between(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Greatest quantity times price on a straight line: where its parabola peaks, if that is between the ends [$/h]."""
    (first_kw, first_per_kwh), (last_kw, last_per_kwh) = start, end
    if last_kw == first_kw or last_per_kwh == first_per_kwh:
        return 0.0
    slope = (last_per_kwh - first_per_kwh) / (last_kw - first_kw)
    peak_kw = (first_kw - first_per_kwh / slope) / 2.0
    return peak_kw * (first_per_kwh + slope * (peak_kw - first_kw)) if first_kw < peak_kw < last_kw else 0.0


def _blocks(quantity_kw: tuple[float, ...], price_per_kwh: tuple[float, ...]) -> Points:
    return block_points(tuple(zip(quantity_kw, price_per_kwh, strict=True)))


def _polynomial(quantity_kw: tuple[float, ...], coefficients: tuple[float, ...]) -> Points:
    least, most = quantity_kw
    return polynomial_points(coefficients, least, most)


_FORMS = {CurveForm.BLOCK: _blocks, CurveForm.POLYNOMIAL: _polynomial}
