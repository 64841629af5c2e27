"""A fleet: the devices of one kind in one process that share weather, prices and a market.

Each device is a coroutine of its own, which enrols, bids, is awarded and draws by itself. What costs time is done for
all of them at once, by whoever comes first: stepping the physics, planning a day, making curves. What a device is told
is its own, and depends on no other device of the fleet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import numpy as np

from ..kernel import HOUR, Duration, Instant
from ..roles.interfaces import Award, AwardStatus, MarketCall
from .bidding import Bidder
from .customers import Customer
from .kinds.kind import Interval, Kind, PlanningKind
from .planning.bids import Bids
from .planning.problem import Outcome
from .power_curve import Rows
from .surroundings import FloatArray, Surroundings

_HOURS_KEPT = 72
"""Positions are kept for so many hours around the present."""


@attrs.frozen(eq=False)
class _Called:
    """A call of a market, and the curves of all devices for it."""

    clearing: Instant
    gate_closure: Instant
    rows: list[Rows]


@attrs.define(eq=False)
class Fleet:
    """Devices that are advanced together; they join before the first interval begins."""

    build: Callable[[Sequence[Customer], Surroundings], Kind]
    surroundings: Surroundings
    interval: Duration
    bidder: Bidder | None = None
    customers: list[Customer] = attrs.field(factory=list, init=False)
    kind: Kind | None = attrs.field(default=None, init=False)
    present: Interval | None = attrs.field(default=None, init=False)
    power_kw: FloatArray = attrs.field(factory=lambda: np.zeros(0), init=False)
    """What each draws in the present interval; NaN where it is left to its own control."""
    outcomes: list[int] = attrs.field(factory=list, init=False)
    """How the plan of each device came about in the last day-ahead call."""
    _default_kw: list[float] = attrs.field(factory=list, init=False)
    _limits_kw: tuple[list[float], list[float]] | None = attrs.field(default=None, init=False)
    _called: dict[str, _Called] = attrs.field(factory=dict, init=False)
    """By series, the last call, until its gate closes."""
    _positions_kw: FloatArray = attrs.field(factory=lambda: np.zeros((0, _HOURS_KEPT)), init=False)
    _hours: list[int] = attrs.field(factory=lambda: [-1] * _HOURS_KEPT, init=False)

    def join(self, customer: Customer) -> int:
        """Take the device of a customer in; returns its place."""
        self.customers.append(customer)
        return len(self.customers) - 1

    def begin(self, start: Instant) -> None:
        """Let the interval before pass, and begin one; once for all devices."""
        if self.present is not None and self.present.start == start:
            return
        if self.kind is None or self.present is None:
            self.kind = self.build(self.customers, self.surroundings)
            self._positions_kw = np.full((len(self.customers), _HOURS_KEPT), np.nan)
        else:
            self.kind.step(self.present, self.power_kw)
        around = self.surroundings
        self.present = Interval(start, self.interval, around.weather, around.calendar)
        self.power_kw = np.full(len(self.customers), np.nan)
        self._default_kw = self.kind.default_kw(self.present).tolist()
        self._limits_kw = None
        # Nobody asks for curves after the gate, and those of a day are large.
        self._called = {product: called for product, called in self._called.items() if start < called.gate_closure}

    def choose_kw(self, place: int, awarded_kw: float | None) -> float:
        """What a device draws now: its award, as far as it can and its people allow, or what its control says."""
        if awarded_kw is None:
            return self._default_kw[place]
        least_kw, most_kw = self._limits()
        chosen_kw = min(max(awarded_kw, least_kw[place]), most_kw[place])
        self.power_kw[place] = chosen_kw
        return chosen_kw

    def draw(self, place: int, power_kw: float) -> None:
        """Enter that a device draws something else than it chose."""
        self.power_kw[place] = power_kw

    def _limits(self) -> tuple[list[float], list[float]]:
        if self._limits_kw is None:
            if self.kind is None or self.present is None:
                raise RuntimeError("a fleet has limits once it has begun an interval")
            least_kw, most_kw = self.kind.limits_kw(self.present)
            self._limits_kw = least_kw.tolist(), most_kw.tolist()
        return self._limits_kw

    # Market

    def curves(self, place: int, call: MarketCall) -> Rows:
        """A device's curves for the slots of a call; those of all devices are made by the first that asks."""
        called = self._called.get(call.product)
        if called is None or called.clearing != call.clearing:
            called = _Called(call.clearing, call.gate_closure, self._make_curves(call))
            self._called[call.product] = called
        return called.rows[place] if called.rows else ((), ())

    def _make_curves(self, call: MarketCall) -> list[Rows]:
        kind, present, bidder = self.kind, self.present, self.bidder
        if kind is None or present is None or bidder is None:
            return []
        planning: PlanningKind = kind  # type: ignore[assignment]
        ahead = planning.copy()
        ahead.step(present, self.power_kw)
        if call.slot_length >= HOUR:
            bids, plan = bidder.day_ahead(ahead, call, self.surroundings)
            self.outcomes = plan.outcome.tolist()
        else:
            slot = present.followed_by(call.first_slot, call.slot_length)
            bids = bidder.real_time(ahead, call, slot, self._position(call.first_slot), self.surroundings)
        return _rows(bids)

    def hold(self, place: int, award: Award) -> None:
        """Keep what a device holds for hours to come."""
        first = award.first_slot // HOUR
        for number, (power_kw, status) in enumerate(zip(award.quantity_kw, award.status, strict=True)):
            if status is not AwardStatus.SUSPENDED:
                self._positions_kw[place, self._column(first + number)] = power_kw

    def _column(self, hour: int) -> int:
        """The place of an hour, emptied of the hour that had it before."""
        column = hour % _HOURS_KEPT
        if self._hours[column] != hour:
            self._hours[column] = hour
            self._positions_kw[:, column] = np.nan
        return column

    def _position(self, instant: Instant) -> FloatArray:
        return self._positions_kw[:, self._column(instant // HOUR)]

    def planned(self, place: int, call: MarketCall) -> Outcome:
        """How the plan of a device behind its curves for a call came about."""
        if call.slot_length < HOUR or not self.outcomes:
            return Outcome.OPTIMAL
        return Outcome(self.outcomes[place])


def _rows(bids: Bids) -> list[Rows]:
    quantities, prices = _points(bids.quantity_kw), _points(bids.price_per_kwh)
    return list(zip(quantities, prices, strict=True))


def _points(values: FloatArray) -> list[tuple[tuple[float, ...], ...]]:
    """An array of shape (n_devices, n_slots, n_points) as tuples, by device and slot."""
    count, slots, points = values.shape
    # Equal numbers are one object where that is cheap to see: a day of curves is large.
    columns: list[list[float]] = []
    for point in range(points):
        column = values[:, :, point]
        if columns and _same(column, values[:, :, point - 1]):
            columns.append(columns[-1])
        elif _same(column, column[:, :1]):
            columns.append([value for value in column[:, 0].tolist() for _ in range(slots)])
        else:
            columns.append(column.ravel().tolist())
    by_slot = list(zip(*columns, strict=True))
    return [tuple(by_slot[first : first + slots]) for first in range(0, count * slots, slots)]


def _same(values: FloatArray, others: FloatArray) -> bool:
    """Whether numbers are the same, the signs of zeros included."""
    return bool(((values == others) & (np.signbit(values) == np.signbit(others))).all())
