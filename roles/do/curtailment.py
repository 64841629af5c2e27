"""The rule by which load is curtailed when an element would be overloaded in an interval.

First the consumption of controllable devices below the element is cut, all by the same factor. Only when that is not
enough, all other consumption below it is cut too, again all by the same factor. Injection is never cut: it relieves.
Transformers come before the substation.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from ..interfaces import SUBSTATION
from .network import TOLERANCE_KW, FloatArray, Network, by_transformer


@attrs.frozen
class Cut:
    """A device that has to draw less."""

    device: int
    power_kw: float
    element: str


def curtail(
    network: Network, places: NDArray[np.intp], power_kw: FloatArray, controllable: NDArray[np.bool_]
) -> list[Cut]:
    """The cuts that bring every element within its limit.

    Arrays of shape (n_devices,): the transformer of each device, its power [kW] and whether it is controllable.
    """
    count = len(network.transformers)
    left, element = power_kw.copy(), np.full(len(power_kw), -1)
    limit = network.transformer_limit_kw
    for place in np.flatnonzero(by_transformer(places, left, count) > limit).tolist():
        below = places == place
        for part in (below & controllable, below & ~controllable):
            excess = float(left[below].sum()) - limit[place]
            element[_cut(left, part & (left > 0.0), excess)] = place
    for part in (controllable, ~controllable):
        if SUBSTATION not in network.overloaded(network.flow(by_transformer(places, left, count))):
            break
        consuming = part & (left > 0.0)
        fixed = by_transformer(places, np.where(consuming, 0.0, left), count)
        share = network.largest_share(fixed, by_transformer(places, np.where(consuming, left, 0.0), count))
        if share < 1.0:
            left[consuming] *= share
            element[consuming] = count
    names = (*network.transformers, SUBSTATION)
    return [Cut(i, float(left[i]), names[element[i]]) for i in np.flatnonzero(left < power_kw).tolist()]


def _cut(left: FloatArray, part: NDArray[np.bool_], excess: float) -> NDArray[np.bool_]:
    """Scale the consumption of a part down by an excess, in place; returns what was touched."""
    total = float(left[part].sum())
    if excess <= TOLERANCE_KW or total <= 0.0:
        return np.zeros_like(part)
    left[part] *= 1.0 - excess / total if excess < total else 0.0
    return part
