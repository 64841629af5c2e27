"""Meter data of one market instance: reads of any interval, shared out to its slots, with what is still missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import isfinite

import attrs
import numpy as np
from numpy.typing import NDArray

from ...kernel import Duration, Instant, UsageError
from .flexibility import FloatArray
from .two_settlement import BoolArray, DeliverySlot, Metered

Places = NDArray[np.intp]


@attrs.frozen(eq=False)
class _Interval:
    """The reads of an interval, by the place of the meter."""

    start: Instant
    duration: Duration
    energy_kwh: FloatArray
    """Not a number where there is no read."""
    estimated: BoolArray

    def shared(self, start: Instant, end: Instant) -> Duration:
        """The time that the interval shares with a span. [ns]"""
        return max(min(self.start + self.duration, end) - max(self.start, start), 0)


@attrs.define
class _Meters:
    """Reads of meters, each in some of the slots; one of an interval replaces what was there for any part of it."""

    slots: Sequence[DeliverySlot]
    names: Sequence[Sequence[str]]
    """The meters of each slot."""
    _all: tuple[str, ...] = attrs.field(init=False)
    _places: dict[str, int] = attrs.field(init=False)
    _members: list[Places] = attrs.field(init=False)
    """Places of the meters of each slot, in its order."""
    _intervals: dict[tuple[Instant, Duration], _Interval] = attrs.field(factory=dict, init=False)
    _complete: list[bool | None] = attrs.field(init=False)
    """Whether reads cover a slot at all of its meters; None where that has to be found out anew."""

    def __attrs_post_init__(self) -> None:
        self._all = tuple(dict.fromkeys(name for names in self.names for name in names))
        self._places = {name: place for place, name in enumerate(self._all)}
        self._members = [np.array([self._places[name] for name in names], dtype=np.intp) for names in self.names]
        self._complete = [None] * len(self.slots)

    @property
    def complete(self) -> bool:
        """Whether reads cover every slot at all of its meters."""
        for number, known in enumerate(self._complete):
            if known is None:
                self._complete[number] = bool((self.covered(number) == self.slots[number].length).all())
        return all(self._complete)

    def read(
        self,
        start: Instant,
        duration: Duration,
        names: Sequence[str],
        energy_kwh: Sequence[float],
        estimated: Collection[str] = (),
    ) -> bool:
        """Enter the reads of an interval; returns whether they change anything."""
        energy = np.array(energy_kwh, dtype=np.float64)
        if duration <= 0 or not np.isfinite(energy).all():
            worst = next((each for each in energy.tolist() if not isfinite(each)), energy_kwh[0])
            raise UsageError(f"a read of {worst} kWh in {duration} ns: give a finite number and a positive length")
        places, is_ours, is_estimated = self._found(names), self._nowhere(), self._nowhere()
        touched = [n for n, slot in enumerate(self.slots) if start < slot.end and slot.start < start + duration]
        for number in touched:
            is_ours[self._members[number]] = True
        is_estimated[self._found(tuple(estimated))] = True
        chosen = is_ours[places]
        places, energy = places[chosen], energy[chosen]
        is_change = self._replace(start, duration, places, energy, is_estimated[places])
        for number in touched if is_change else ():
            self._complete[number] = None
        return is_change

    def covered(self, number: int) -> NDArray[np.int64]:
        """How much of a slot is read at each of its meters. [ns]"""
        covered = np.zeros(len(self._members[number]), dtype=np.int64)
        for shared, interval in self._within(number):
            covered += shared * ~np.isnan(interval.energy_kwh[self._members[number]])
        return covered

    def energy_kwh(self, number: int) -> FloatArray:
        """The energy of a slot at each of its meters, as far as it is read."""
        energy = np.zeros(len(self._members[number]))
        for shared, interval in self._within(number):
            energy += np.nan_to_num(interval.energy_kwh[self._members[number]]) * (shared / interval.duration)
        return energy

    def estimated(self, number: int) -> BoolArray:
        """At which of its meters a part of a slot is not read, or by an estimate only."""
        estimated = self.covered(number) < self.slots[number].length
        for _, interval in self._within(number):
            estimated |= interval.estimated[self._members[number]]
        return estimated

    def _found(self, names: Sequence[str]) -> Places:
        """The place of each meter; of those that are none here, one behind all others."""
        if names == self._all:
            return np.arange(len(self._all))
        nowhere = len(self._all)
        return np.array([self._places.get(name, nowhere) for name in names], dtype=np.intp)

    def _nowhere(self) -> BoolArray:
        """No meter, and not the place behind all others."""
        return np.zeros(len(self._all) + 1, dtype=bool)

    def _replace(
        self, start: Instant, duration: Duration, places: Places, energy_kwh: FloatArray, estimated: BoolArray
    ) -> bool:
        nothing = np.full(len(self._all), np.nan), np.zeros(len(self._all), dtype=bool)
        new = self._intervals.get((start, duration)) or _Interval(start, duration, *nothing)
        is_change = (new.energy_kwh[places] != energy_kwh) | (new.estimated[places] != estimated)
        if not is_change.any():
            return False
        self._intervals[start, duration] = new
        new.energy_kwh[places], new.estimated[places] = energy_kwh, estimated
        for old in self._intervals.values():
            if old is not new and old.shared(start, start + duration):
                old.energy_kwh[places[is_change]], old.estimated[places[is_change]] = np.nan, False
        return True

    def _within(self, number: int) -> Iterator[tuple[Duration, _Interval]]:
        """The intervals that share time with a slot, in order of time."""
        slot = self.slots[number]
        for _, interval in sorted(self._intervals.items()):
            if shared := interval.shared(slot.start, slot.end):
                yield shared, interval


@attrs.define
class MeterData:
    """Reads of the usage points of an instance; a later read of an interval replaces what was there for any part of it.

    A read is spread evenly over its interval. What no read covers is estimated: the usage point is taken to have drawn
    what is expected of it.
    """

    slots: Sequence[DeliverySlot]
    with_losses: bool
    """Whether the retailers' shares in the losses are needed too."""
    _meters: _Meters = attrs.field(init=False)
    _losses: _Meters = attrs.field(init=False)
    """As if each retailer had a meter of its losses."""

    def __attrs_post_init__(self) -> None:
        self._meters = _Meters(self.slots, [slot.usage_points for slot in self.slots])
        self._losses = _Meters(self.slots, [tuple(slot.by_retailer) if self.with_losses else () for slot in self.slots])

    @property
    def complete(self) -> bool:
        """Whether reads cover every slot at every usage point, and every retailer's losses if they are needed."""
        return self._meters.complete and (not self.with_losses or self._losses.complete)

    def read(
        self,
        start: Instant,
        duration: Duration,
        usage_points: Sequence[str],
        energy_kwh: Sequence[float],
        estimated: Collection[str] = (),
    ) -> bool:
        """Enter the reads of an interval; returns whether they change anything of this instance.

        Raises:
            UsageError: an energy is no finite number, or the interval has no length.
        """
        return self._meters.read(start, duration, usage_points, energy_kwh, estimated)

    def lost(self, retailer: str, start: Instant, duration: Duration, energy_kwh: float) -> bool:
        """Enter a retailer's share in the losses of an interval; returns whether it changes anything."""
        return self.with_losses and self._losses.read(start, duration, (retailer,), (energy_kwh,))

    def estimated(self, number: int) -> BoolArray:
        """At which usage points of a slot a part of it is not read, or by an estimate only."""
        return self._meters.estimated(number)

    def metered(self, number: int) -> Metered:
        """The energy of a slot, missing parts estimated."""
        slot = self.slots[number]
        covered = self._meters.covered(number) / slot.length
        losses = zip(self._losses.names[number], self._losses.energy_kwh(number).tolist(), strict=True)
        return Metered(
            energy_kwh=self._meters.energy_kwh(number) + slot.expected_kw * slot.hours * (1.0 - covered),
            estimated=self._meters.estimated(number),
            losses_kwh=dict(losses),
        )
