"""The position ledger: what every resource holds, by series and delivery interval, with the prices.

It outlives the instances. A market that refines another finds there what that one has cleared; a tender for more than a
rating leaves, with what is held in other series already, is found out there: the same capacity is not sold twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from ...kernel import Duration, Instant


@attrs.frozen
class Holding:
    """What a resource holds for a slot."""

    resource: str
    usage_point: str
    power_kw: float
    price_per_kwh: float


@attrs.frozen
class Cleared:
    """A slot as a series has cleared it last."""

    start: Instant
    length: Duration
    price_per_kwh: float
    supply_price_per_kwh: float
    holdings: dict[str, Holding]
    """By resource."""
    commitment: bool

    @property
    def end(self) -> Instant:
        """First instant after the slot. [ns]"""
        return self.start + self.length


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
        holding = None if cleared is None else cleared.holdings.get(resource)
        return 0.0 if holding is None else holding.power_kw

    def committed_kw(self, resource: str, instant: Instant, series: Iterable[str]) -> float:
        """What a resource holds as commitments in some series together at an instant [kW]."""
        total = 0.0
        for product in series:
            cleared = self.at(product, instant)
            if cleared is not None and cleared.commitment and resource in cleared.holdings:
                total += cleared.holdings[resource].power_kw
        return total

    def of(self, resource: str, start: Instant, end: Instant) -> Iterator[tuple[str, Cleared, Holding]]:
        """All that a resource holds in a span, by series and time."""
        for product, slots in sorted(self._slots.items()):
            for cleared in sorted(slots.values(), key=lambda each: each.start):
                if start < cleared.end and cleared.start < end and resource in cleared.holdings:
                    yield product, cleared, cleared.holdings[resource]

    def forget(self, before: Instant) -> None:
        """Drop the slots that end before an instant."""
        for product, slots in self._slots.items():
            self._slots[product] = {start: each for start, each in slots.items() if each.end > before}

    def __len__(self) -> int:
        """Slots that are kept."""
        return sum(map(len, self._slots.values()))
