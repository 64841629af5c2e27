"""Parameters of many devices as columns, checked all at once."""

from collections.abc import Iterator, Mapping
from math import inf

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import FloatArray, as_array

FINITE: Mapping[str, float] = {"above": -inf, "at_most": inf}
"""Ranges of parameters, as metadata of their fields."""
POSITIVE: Mapping[str, float] = {"above": 0.0, "at_most": inf}
NOT_NEGATIVE: Mapping[str, float] = {"at_least": 0.0, "at_most": inf}
SHARE: Mapping[str, float] = {"at_least": 0.0, "at_most": 1.0}
EFFICIENCY: Mapping[str, float] = {"above": 0.0, "at_most": 1.0}


def column(values: ArrayLike) -> FloatArray:
    """One number for each device, or one for all, as a column."""
    return as_array(values).reshape(-1, 1)


def flags(values: ArrayLike) -> NDArray[np.bool_]:
    """One truth value for each device, or one for all, as a column."""
    return np.asarray(values, dtype=np.bool_).reshape(-1, 1)


@attrs.frozen(eq=False)
class Devices:
    """Base of the devices' parameters: columns of shape (n_devices, 1), or (1, 1) where all have the same.

    Raises:
        ValueError: parameters are outside their ranges; all of them are named.
    """

    def __attrs_post_init__(self) -> None:
        faults = list(self.faults())
        if faults:
            raise ValueError("; ".join(faults))

    def faults(self) -> Iterator[str]:
        """What is wrong with the parameters."""
        for attribute in attrs.fields(type(self)):
            if attribute.metadata:
                places = np.flatnonzero(~_inside(getattr(self, attribute.name), attribute.metadata))
                if len(places):
                    limits = " and ".join(
                        f"{word.replace('_', ' ')} {limit}" for word, limit in attribute.metadata.items()
                    )
                    yield f"{attribute.name} must be {limits}: change it for devices {places[:10].tolist()}"


def _inside(values: FloatArray, limits: Mapping[str, float]) -> NDArray[np.bool_]:
    inside = np.isfinite(values) & (values <= limits["at_most"])
    return inside & (values > limits["above"] if "above" in limits else values >= limits["at_least"])
