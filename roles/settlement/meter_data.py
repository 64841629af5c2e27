"""Meter data of one market instance: reads of any interval, shared out to its slots, with what is still missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

import attrs
import numpy as np

from ...kernel import Duration, Instant, UsageError
from .two_settlement import DeliverySlot, Metered


@attrs.frozen
class _Read:
    start: Instant
    duration: Duration
    energy_kwh: float
    estimated: bool

    @property
    def end(self) -> Instant:
        return self.start + self.duration

    def within(self, slot: DeliverySlot) -> Duration:
        """How much of the interval lies in a slot. [ns]"""
        return max(min(self.end, slot.start + slot.length) - max(self.start, slot.start), 0)


@attrs.define
class MeterData:
    """Reads of the usage points of an instance; a later read of an interval replaces what was there for any part of it.

    A read is spread evenly over its interval. What no read covers is estimated: the usage point is taken to have drawn
    what is expected of it.
    """

    slots: Sequence[DeliverySlot]
    with_losses: bool
    """Whether the retailers' shares in the losses are needed too."""
    _slots_of: dict[str, list[DeliverySlot]] = attrs.field(init=False)
    _reads: dict[str, list[_Read]] = attrs.field(init=False)
    _unread: set[str] = attrs.field(init=False)
    """Usage points that reads do not cover yet."""
    _losses: dict[str, list[_Read]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._slots_of = {}
        for slot in self.slots:
            for usage_point in slot.usage_points:
                self._slots_of.setdefault(usage_point, []).append(slot)
        self._reads = {usage_point: [] for usage_point in self._slots_of}
        self._unread = set(self._slots_of)
        self._losses = {name: [] for slot in self.slots for name in sorted(set(slot.retailers)) if self.with_losses}

    @property
    def complete(self) -> bool:
        """Whether reads cover every slot at every usage point, and every retailer's losses if they are needed."""
        return not self._unread and all(
            _covered(self._losses[name], slot) == slot.length
            for slot in self.slots
            for name in self._losses
            if name in slot.retailers
        )

    def read(
        self, usage_point: str, start: Instant, duration: Duration, energy_kwh: float, *, estimated: bool = False
    ) -> bool:
        """Enter a read; returns whether it changes anything of this instance."""
        slots = self._slots_of.get(usage_point, ())
        if not _replace(self._reads.get(usage_point), _read(start, duration, energy_kwh, estimated), slots):
            return False
        if all(_covered(self._reads[usage_point], slot) == slot.length for slot in slots):
            self._unread.discard(usage_point)
        else:
            self._unread.add(usage_point)
        return True

    def lost(self, retailer: str, start: Instant, duration: Duration, energy_kwh: float) -> bool:
        """Enter a retailer's share in the losses of an interval; returns whether it changes anything."""
        new = _read(start, duration, energy_kwh, estimated=False)
        return _replace(self._losses.get(retailer), new, self.slots)

    def is_estimated(self, slot: DeliverySlot, usage_point: str) -> bool:
        """Whether a part of a slot is not read, or by an estimate only."""
        reads = self._reads[usage_point]
        return _covered(reads, slot) < slot.length or any(each.estimated for each in reads if each.within(slot))

    def metered(self, slot: DeliverySlot) -> Metered:
        """The energy of a slot, missing parts estimated."""
        reads = [self._reads[usage_point] for usage_point in slot.usage_points]
        covered = np.array([_covered(each, slot) for each in reads]) / slot.length
        energy = np.array([_energy_kwh(each, slot) for each in reads])
        retailers = [name for name in self._losses if name in slot.retailers]
        return Metered(
            energy_kwh=energy + slot.expected_kw * slot.hours * (1.0 - covered),
            estimated=np.array([self.is_estimated(slot, name) for name in slot.usage_points], dtype=bool),
            losses_kwh={name: _energy_kwh(self._losses[name], slot) for name in retailers},
        )


def _read(start: Instant, duration: Duration, energy_kwh: float, estimated: bool) -> _Read:
    if duration <= 0 or not isfinite(energy_kwh):
        raise UsageError(f"a read of {energy_kwh} kWh in {duration} ns: give a finite number and a positive length")
    return _Read(start, duration, energy_kwh, estimated)


def _replace(reads: list[_Read] | None, new: _Read, slots: Iterable[DeliverySlot]) -> bool:
    """Put a read in the place of those that it overlaps; returns whether it is one of these slots and says more."""
    if reads is None or new in reads or not any(new.within(slot) for slot in slots):
        return False
    kept = [each for each in reads if each.end <= new.start or each.start >= new.end]
    reads[:] = sorted([*kept, new], key=lambda each: each.start)
    return True


def _covered(reads: Iterable[_Read], slot: DeliverySlot) -> Duration:
    return sum(each.within(slot) for each in reads)


def _energy_kwh(reads: Iterable[_Read], slot: DeliverySlot) -> float:
    return sum(each.energy_kwh * (each.within(slot) / each.duration) for each in reads)
