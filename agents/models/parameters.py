"""Parameters of many devices: an array for each, of one length, checked together and never changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, cast

import attrs
import numpy as np

from .elementwise import BoolArray, FloatArray, IntArray, Values


def each(values: Values) -> FloatArray:
    """Converter of a field: one value for all devices, or one for each."""
    return np.array(values, dtype=np.float64, ndmin=1)


def each_whole(values: int | IntArray) -> IntArray:
    """Converter of a field of whole numbers: one for all devices, or one for each."""
    return np.array(values, dtype=np.int64, ndmin=1)


def bounds(
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> Mapping[str, float | None]:
    """Metadata of a field: what its values keep to."""
    return {"above": above, "at least": at_least, "at most": at_most, "below": below}


_KEEPS = {"above": np.greater, "at least": np.greater_equal, "at most": np.less_equal, "below": np.less}


@attrs.frozen(eq=False)
class Parameters:
    """What the devices of one kind are: arrays of shape (n,); a single value stands for all n devices.

    Raises: ValueError with every fault: arrays of different lengths, values that are not finite or out of bounds.
    """

    def __attrs_post_init__(self) -> None:
        arrays = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        lengths = {name: len(array) for name, array in arrays.items() if len(array) != 1}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"expected one length for all arrays, got {lengths}")
        count = next(iter(lengths.values()), 1)
        for name, array in arrays.items():
            # A view of one value where all have the same, and not to be written to in any case.
            object.__setattr__(self, name, np.broadcast_to(array, count))
        raise_faults(self._faults())

    @property
    def count(self) -> int:
        """The number of devices."""
        return len(getattr(self, attrs.fields(type(self))[0].name))

    def take(self, devices: IntArray) -> Self:
        """The parameters of some of the devices, by number and in that order."""
        return type(self)(**{field.name: getattr(self, field.name)[devices] for field in attrs.fields(type(self))})

    @classmethod
    def from_each(cls, devices: Iterable[object]) -> Self:
        """The parameters of devices that are objects with attributes of the same names; defaults for those missing."""
        rows = list(devices)
        names = [field.name for field in attrs.fields(cls) if not rows or hasattr(rows[0], field.name)]
        columns: dict[str, Any] = {name: np.array([getattr(row, name) for row in rows]) for name in names}
        return cls(**columns)

    def across(self) -> Iterator[str]:
        """Faults between one field and another, for a kind that has such."""
        yield from ()

    def _faults(self) -> Iterator[str]:
        for field in attrs.fields(type(self)):
            array = getattr(self, field.name)
            yield from faults_of(field.name, array, np.isfinite(array), "a finite number")
            for bound, limit in field.metadata.items():
                if limit is not None:
                    yield from faults_of(field.name, array, _KEEPS[bound](array, limit), f"{bound} {limit:g}")
        yield from self.across()


def faults_of(name: str, values: FloatArray | IntArray, good: BoolArray, expected: str) -> Iterator[str]:
    """One line on the values that are not good, with the first of their devices."""
    bad = np.flatnonzero(~good)
    if len(bad):
        others = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        yield f"{name}: expected {expected}, device {bad[0]}{others} has {values[bad[0]]:g}"


def raise_faults(faults: Iterable[str]) -> None:
    """Raise all faults at once, if there are any.

    Raises: ValueError with one line a fault.
    """
    found = list(faults)
    if found:
        raise ValueError("\n".join(found))


def state(parameters: Parameters, name: str, values: Values, lowest: Values, highest: Values, unit: str) -> FloatArray:
    """The first state of all devices, of shape (n,), within bounds.

    Raises: ValueError for values out of bounds or of another number than the devices.
    """
    array = np.broadcast_to(each(values), parameters.count).copy()
    good = (array >= lowest) & (array <= highest)
    low, high = (np.broadcast_to(bound, parameters.count) for bound in (lowest, highest))
    bad = cast("int", np.argmin(good)) if parameters.count else 0
    raise_faults(faults_of(name, array, good, f"{low[bad]:g}..{high[bad]:g} {unit}") if not good.all() else ())
    return array
