"""The orders of one session: which are good, and their curves as arrays."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np
from numpy.typing import NDArray

from ...kernel import Duration, Instant
from ..interfaces import Order, belongs
from .curves import FloatArray, faults


@attrs.define
class OrderBook:
    """Takes orders for the slots of a session; a resource has one order a slot, and a later one is refused."""

    start: Instant
    slot: Duration
    slots: int
    price_cap_per_kwh: float
    price_floor_per_kwh: float
    largest_kw: float
    """Largest power of an order, either way. [kW]"""
    transformers: Mapping[str, str]
    """Usage point of the market to its transformer, as they are when the session begins."""
    _entered: list[dict[str, Order]] = attrs.field(init=False)
    _places: dict[str, int] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._entered = [{} for _ in range(self.slots)]
        self._places = {name: place for place, name in enumerate(sorted(set(self.transformers.values())))}

    def enter(self, order: Order) -> str | None:
        """Take an order in; returns why it is refused, all reasons at once, or None."""
        try:
            reasons = list(faults(order.quantity_kw, order.price_per_kwh))
            number, rest = divmod(order.slot_start - self.start, self.slot)
        except (TypeError, ValueError):
            return "its curve and slot are not numbers"
        sound = not reasons
        if rest or order.slot_length != self.slot or not 0 <= number < self.slots:
            reasons.append("its slot is not in this session")
        elif order.resource in self._entered[number]:
            reasons.append("the resource has an order for this slot already")
        if order.usage_point not in self.transformers:
            reasons.append(f"its usage point {order.usage_point} does not belong to this market")
        elif not belongs(order.resource, order.usage_point):
            reasons.append(f"the resource is no device of usage point {order.usage_point}")
        if sound and max(-order.quantity_kw[0], order.quantity_kw[-1]) > self.largest_kw:
            reasons.append(f"it asks for more than {self.largest_kw:g} kW")
        if sound and not self._in_band(order):
            band = f"[{self.price_floor_per_kwh:g}, {self.price_cap_per_kwh:g}] $/kWh"
            reasons.append(f"its prices leave the band {band}")
        if reasons:
            return "; ".join(reasons)
        self._entered[number][order.resource] = order
        return None

    def orders(self, number: int) -> list[Order]:
        """The orders of a slot, by resource."""
        return [order for _, order in sorted(self._entered[number].items())]

    def arrays(self, number: int) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
        """Quantities and prices of shape (n_orders, n_points), and the place of the transformer of each order."""
        orders = self.orders(number)
        places = [self._places[self.transformers[order.usage_point]] for order in orders]
        quantity_kw = _rows([order.quantity_kw for order in orders])
        price_per_kwh = _rows([order.price_per_kwh for order in orders])
        return quantity_kw, price_per_kwh, np.array(places, dtype=np.intp)

    def place(self, transformer: str) -> int:
        """The place of a transformer; -1 when no usage point of the market is below it."""
        return self._places.get(transformer, -1)

    def _in_band(self, order: Order) -> bool:
        highest, lowest = order.price_per_kwh[0], order.price_per_kwh[-1]
        return highest <= self.price_cap_per_kwh and lowest >= self.price_floor_per_kwh


def _rows(rows: list[tuple[float, ...]]) -> FloatArray:
    """Rows of equal length; the last point of a shorter one is repeated."""
    width = max((len(row) for row in rows), default=1)
    return np.array([row + row[-1:] * (width - len(row)) for row in rows], dtype=float).reshape(len(rows), width)
