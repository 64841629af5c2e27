"""Grid-safe markets: within which limits would a market's result be safe?"""

from __future__ import annotations

import attrs
import numpy as np

from ..interfaces import SUBSTATION
from .network import FloatArray, Network

_TOLERANCE_KW = 1e-6
"""Awards that add up to a limit miss it by their rounding."""
_SLACK_KW = 0.01
"""Taken off the substation's limit: losses differ with the places where a market makes up the same sum."""


@attrs.frozen
class Finding:
    """A network element that a market's result would overload."""

    element: str
    import_limit_kw: float
    """Most that the market's resources below the element may draw together. [kW]"""
    loading: float
    """Loading with the result as it stands, 1 at the limit."""


def validate(network: Network, other_kw: FloatArray, market_kw: FloatArray, *, margin_kw: float = 0.0) -> list[Finding]:
    """The elements that a market's result would overload, with the limits that would keep them safe.

    ``other_kw`` is the expected load that the market does not move, ``market_kw`` the market's net power, both of shape
    (n_transformers,) [kW]. ``margin_kw`` is kept free at the substation for what the forecast misses. A transformer's
    limit is what its rating leaves beside the other load. The substation's scales all consumption of the market alike,
    losses included, after the transformers' limits are applied.
    """
    flow = network.flow(other_kw + market_kw)
    loading = network.loading(flow)
    room = network.transformer_limit_kw - other_kw
    findings = [
        Finding(name, float(room[place]), loading[name])
        for place, name in enumerate(network.transformers)
        if market_kw[place] > room[place] + _TOLERANCE_KW and market_kw[place] > 0.0
    ]
    capped = np.minimum(market_kw, np.where(market_kw > 0.0, np.maximum(room, 0.0), market_kw))
    tight = attrs.evolve(network, substation_limit_kw=network.substation_limit_kw - margin_kw)
    consuming, injecting = np.maximum(capped, 0.0), np.minimum(capped, 0.0)
    share = tight.largest_share(other_kw + injecting, consuming)
    if share < 1.0:
        limit = float(share * consuming.sum() + injecting.sum()) - _SLACK_KW
        findings.append(Finding(SUBSTATION, limit, loading[SUBSTATION]))
    return findings
