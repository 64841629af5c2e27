"""Usage points as places in arrays: each has one, for good, in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import attrs
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Instants = NDArray[np.int64]
Places = NDArray[np.intp]

S = TypeVar("S", bound=np.generic)


@attrs.define
class UsagePoints:
    """The usage points that a retailer has heard of."""

    _places: dict[str, int] = attrs.field(factory=dict, init=False)
    _names: list[str] = attrs.field(factory=list, init=False)
    _by_name: Places = attrs.field(factory=lambda: np.zeros(0, dtype=np.intp), init=False)

    def __len__(self) -> int:
        return len(self._names)

    def place(self, name: str) -> int:
        """The place of a usage point; a new one gets the next."""
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = len(self._names)
            self._names.append(name)
        return place

    def places(self, names: Iterable[str]) -> Places:
        """The place of each usage point; new ones get the next."""
        names = tuple(names)
        try:
            return np.fromiter(map(self._places.__getitem__, names), np.intp, len(names))
        except KeyError:
            return np.array([self.place(name) for name in names], dtype=np.intp)

    def names(self, places: Places) -> tuple[str, ...]:
        """The usage point at each place."""
        return tuple(map(self._names.__getitem__, places.tolist()))

    def by_name(self) -> Places:
        """All places, in the order of the names of their usage points."""
        if len(self._by_name) != len(self._names):
            self._by_name = np.array(sorted(range(len(self._names)), key=self._names.__getitem__), dtype=np.intp)
        return self._by_name


def room_for(array: NDArray[S], count: int, empty: float) -> NDArray[S]:
    """An array with at least so many rows: itself, or a copy with empty ones behind, to spare."""
    if len(array) >= count:
        return array
    made = np.full((max(count, 2 * len(array)), *array.shape[1:]), empty, dtype=array.dtype)
    made[: len(array)] = array
    return made


def taken(row: NDArray[S], places: Places, empty: float = np.nan) -> NDArray[S]:
    """The values at some places; empty at those of usage points that came after the row."""
    if places.size and int(places.max()) >= len(row):
        row = room_for(row, int(places.max()) + 1, empty)
    return row[places]
