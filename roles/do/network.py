"""A radial feeder: substation, line, service transformers; flows, losses and limits."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np
from numpy.typing import NDArray

from ..interfaces import SUBSTATION

FloatArray = NDArray[np.float64]

_PRECISION = 1e-12
TOLERANCE_KW = 1e-9
"""An element is overloaded beyond its limit by more than this, which is but rounding."""


@attrs.frozen
class TransformerModel:
    """Losses and limit of every service transformer, as multiples of its rating.

    Defaults: no-load 0.25 %, load losses 1.1 % at rating, after IEEE C57.12.38 class single-phase units.
    """

    no_load_fraction: float = 0.0025
    load_loss_fraction: float = 0.011
    power_factor: float = 0.97
    overload: float = 1.0


@attrs.frozen(eq=False)
class Flow:
    """Power flow of a feeder; arrays of shape (n_transformers,), in the order of the network's transformers."""

    transformer_kw: FloatArray
    """Load of each transformer at its customers' side. [kW]"""
    substation_kw: float
    """Power into the feeder. [kW]"""
    losses_kw: float
    """Losses of transformers and line. [kW]"""


@attrs.frozen(eq=False)
class Network:
    """A feeder with its transformers; limits are on import only."""

    transformers: tuple[str, ...]
    rating_kva: FloatArray
    substation_limit_kw: float
    line_loss_per_kw: float
    """Line losses are this times the square of the power. [1/kW]"""
    model: TransformerModel = TransformerModel()

    @property
    def transformer_limit_kw(self) -> FloatArray:
        """Import limit of each transformer. [kW]"""
        return self.rating_kva * (self.model.power_factor * self.model.overload)

    def index(self) -> dict[str, int]:
        """Transformer to its place in the arrays."""
        return {name: place for place, name in enumerate(self.transformers)}

    def flow(self, transformer_kw: FloatArray) -> Flow:
        """Flows and losses for the load of each transformer [kW]."""
        rating, model = self.rating_kva, self.model
        loading = transformer_kw / (rating * model.power_factor)
        lost = rating * (model.no_load_fraction + model.load_loss_fraction * loading * loading)
        fed = float(transformer_kw.sum() + lost.sum())
        line = self.line_loss_per_kw * fed * fed
        losses = float(lost.sum()) + line
        return Flow(transformer_kw, float(transformer_kw.sum()) + losses, losses)

    def loading(self, flow: Flow) -> dict[str, float]:
        """Loading of every element, 1 at its import limit; injection loads nothing."""
        share = np.maximum(flow.transformer_kw, 0.0) / self.transformer_limit_kw
        loadings = dict(zip(self.transformers, share.tolist(), strict=True))
        loadings[SUBSTATION] = max(flow.substation_kw, 0.0) / self.substation_limit_kw
        return loadings

    def overloaded(self, flow: Flow) -> tuple[str, ...]:
        """The elements above their limit, transformers first."""
        beyond = flow.transformer_kw > self.transformer_limit_kw + TOLERANCE_KW
        names = [name for name, over in zip(self.transformers, beyond.tolist(), strict=True) if over]
        if flow.substation_kw > self.substation_limit_kw + TOLERANCE_KW:
            names.append(SUBSTATION)
        return tuple(names)

    def largest_share(self, fixed_kw: FloatArray, flexible_kw: FloatArray) -> float:
        """The largest share of a flexible load, 0 to 1, that keeps the substation within its limit.

        Both loads have shape (n_transformers,) [kW]; the flexible one is consumption. 0 when even that is too much.
        """
        if self._within(fixed_kw + flexible_kw):
            return 1.0
        low, high = 0.0, 1.0
        while high - low > _PRECISION:
            middle = 0.5 * (low + high)
            if self._within(fixed_kw + middle * flexible_kw):
                low = middle
            else:
                high = middle
        return low

    def _within(self, transformer_kw: FloatArray) -> bool:
        return self.flow(transformer_kw).substation_kw <= self.substation_limit_kw


def network(
    ratings_kva: Mapping[str, float],
    *,
    substation_limit_kw: float,
    peak_kw: float,
    peak_line_loss: float,
    model: TransformerModel | None = None,
) -> Network:
    """A feeder from its transformers' ratings and the share of power that the line loses at peak."""
    names = tuple(sorted(ratings_kva))
    ratings = np.array([ratings_kva[name] for name in names], dtype=float)
    per_kw = peak_line_loss / peak_kw
    return Network(names, ratings, substation_limit_kw, per_kw, model or TransformerModel())


def by_transformer(places: NDArray[np.intp], power_kw: FloatArray, count: int) -> FloatArray:
    """Sum powers by transformer: ``places[i]`` is the transformer of ``power_kw[i]``; shape (count,) [kW]."""
    total: FloatArray = np.bincount(places, weights=power_kw, minlength=count).astype(float)
    return total
