"""The position ledger: what every resource holds, by series and delivery interval, with the prices.

It outlives the instances. A market that refines another finds there what that one has cleared; a tender for more than a
rating leaves, with what is held in other series already, is found out there: the same capacity is not sold twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import attrs
import numpy as np
from numpy.typing import NDArray

from ...kernel import Duration, Instant
from ..auction.curves import FloatArray


@attrs.frozen
class Holding:
    """What a resource holds for a slot."""

    resource: str
    usage_point: str
    power_kw: float
    price_per_kwh: float


@attrs.frozen(eq=False)
class Holders:
    """The resources whose orders took part in a clearing; arrays of what they hold are in their order."""

    resources: tuple[str, ...]
    usage_points: tuple[str, ...]
    """Of each resource."""

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Resource to its place."""
        return {name: place for place, name in enumerate(self.resources)}

    @cached_property
    def meters(self) -> tuple[str, ...]:
        """The usage points, each once and sorted."""
        return tuple(sorted(set(self.usage_points)))

    @cached_property
    def meter(self) -> NDArray[np.intp]:
        """Place of the usage point of each resource among the meters."""
        place = {name: number for number, name in enumerate(self.meters)}
        return np.array([place[name] for name in self.usage_points], dtype=np.intp)

    def by_meter(self, power_kw: FloatArray, price_per_kwh: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What is held summed over the resources of each usage point, and the price there."""
        total_kw = np.bincount(self.meter, weights=power_kw, minlength=len(self.meters)).astype(np.float64)
        price = np.zeros(len(self.meters))
        price[self.meter] = price_per_kwh
        return total_kw, price


@attrs.frozen(eq=False)
class Cleared:
    """A slot as a series has cleared it last; arrays with an entry for each holder."""

    start: Instant
    length: Duration
    price_per_kwh: float
    supply_price_per_kwh: float
    holders: Holders
    power_kw: FloatArray
    held_per_kwh: FloatArray
    """Price at which each holds. [$/kWh]"""
    commitment: bool

    @property
    def end(self) -> Instant:
        """First instant after the slot. [ns]"""
        return self.start + self.length

    def holding(self, resource: str) -> Holding | None:
        """What a resource holds; None for one that had no order."""
        place = self.holders.place.get(resource)
        if place is None:
            return None
        power_kw, price = float(self.power_kw[place]), float(self.held_per_kwh[place])
        return Holding(resource, self.holders.usage_points[place], power_kw, price)


@attrs.define
class PositionLedger:
    """Cleared slots of all series of a market; a later clearing of a slot replaces the earlier one."""

    _slots: dict[str, dict[Instant, Cleared]] = attrs.field(factory=dict, init=False)

    def enter(self, product: str, cleared: Cleared) -> None:
        """Enter the result of a slot."""
        self._slots.setdefault(product, {})[cleared.start] = cleared

    def at(self, product: str, instant: Instant) -> Cleared | None:
        """The slot of a series that an instant lies in."""
        slots = self._slots.get(product, {})
        found = slots.get(instant)
        if found is not None:
            return found
        return next((each for each in slots.values() if each.start <= instant < each.end), None)

    def held_kw(self, product: str, resource: str, instant: Instant) -> float:
        """What a resource holds in a series at an instant [kW]."""
        cleared = self.at(product, instant)
        holding = None if cleared is None else cleared.holding(resource)
        return 0.0 if holding is None else holding.power_kw

    def committed_kw(self, series: Iterable[str], resource: str, instant: Instant) -> float:
        """What a resource holds as commitments in some series together at an instant [kW]."""
        total = 0.0
        for product in series:
            cleared = self.at(product, instant)
            if cleared is not None and cleared.commitment and (holding := cleared.holding(resource)) is not None:
                total += holding.power_kw
        return total

    def of(self, resource: str, start: Instant, end: Instant) -> Iterator[tuple[str, Cleared, Holding]]:
        """All that a resource holds in a span, by series and time."""
        for product, slots in sorted(self._slots.items()):
            for cleared in sorted(slots.values(), key=lambda each: each.start):
                holding = cleared.holding(resource) if start < cleared.end and cleared.start < end else None
                if holding is not None:
                    yield product, cleared, holding

    def forget(self, before: Instant) -> None:
        """Drop the slots that end before an instant."""
        for product, slots in self._slots.items():
            self._slots[product] = {start: each for start, each in slots.items() if each.end > before}

    def __len__(self) -> int:
        """Slots that are kept."""
        return sum(map(len, self._slots.values()))
