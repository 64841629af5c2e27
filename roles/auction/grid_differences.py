"""Where the DSO+T study's grid of prices and the exact sum of bids differ, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import attrs

from .bid_forms import Points
from .grid_parity import SAMPLES, as_sorted


@attrs.frozen
class Grid:
    """Prices at which bids are sampled."""

    highest_per_kwh: float
    lowest_per_kwh: float = 0.0
    samples: int = SAMPLES

    def loses_the_last(self) -> bool:
        """Whether rounding ends every bid one sample too early."""
        width = self.highest_per_kwh - self.lowest_per_kwh
        return width > 0 and int(width * (self.samples / width)) < self.samples


@attrs.frozen
class Difference:
    """A way in which the grid departs from the bids."""

    name: str
    on_grid: str
    exact: str
    affects: Callable[[Points, Grid], bool]
    """Whether it may change what a bid asks for at a price of the grid."""


def differences(bids: Sequence[Points], grid: Grid) -> dict[str, tuple[int, ...]]:
    """The bids that each difference may affect, by its name; a bid that is in none is the same on the grid."""
    return {
        each.name: tuple(number for number, bid in enumerate(bids) if each.affects(bid, grid)) for each in DIFFERENCES
    }


def _slopes(bid: Points, grid: Grid) -> bool:
    return any(
        p > next_p and q != next_q and p > grid.lowest_per_kwh and next_p < grid.highest_per_kwh
        for (q, p), (next_q, next_p) in pairwise(bid)
    )


def _ends_early(bid: Points, grid: Grid) -> bool:
    return grid.loses_the_last() and any(q != 0 for q, _ in bid)


def _is_reordered(bid: Points, _: Grid) -> bool:
    return as_sorted(bid) != [tuple(point) for point in bid]


def _lies_above(bid: Points, grid: Grid) -> bool:
    return bid[-1][1] > grid.highest_per_kwh and bid[-1][0] != 0


def _lies_below(bid: Points, grid: Grid) -> bool:
    """Wholly below the grid or zero, or in part below a zero that lies on the grid."""
    if bid[0][1] < max(grid.lowest_per_kwh, 0.0):
        return bid[0][0] != 0 or bid[-1][0] != 0
    return grid.lowest_per_kwh < 0 and bid[-1][1] < 0


def _has_no_grid(bid: Points, grid: Grid) -> bool:
    return grid.highest_per_kwh == grid.lowest_per_kwh and any(q != 0 for q, _ in bid)


def _jumps(bid: Points, grid: Grid) -> bool:
    return any(
        p == next_p and q != next_q and grid.lowest_per_kwh <= p <= grid.highest_per_kwh
        for (q, p), (next_q, next_p) in pairwise(bid)
    )


DIFFERENCES = (
    Difference(
        "C1",
        "A segment is placed as if there were as many steps of price as samples; there is one less.",
        "A quantity belongs to its price: on the grid a bid is served up to one step of price too late or too early.",
        _slopes,
    ),
    Difference(
        "C2",
        "Of some bands of price, rounding puts the end one sample early: at the lowest price all quantities are zero.",
        "Below its last price a bid keeps its last quantity.",
        _ends_early,
    ),
    Difference(
        "C3",
        "Points of one price inside a bid are taken in reverse, because prices are compared with a quantity.",
        "Quantities rise along the points of one price.",
        _is_reordered,
    ),
    Difference(
        "C4",
        "A bid that lies above the highest price counts as nothing.",
        "What is wanted at any price stays in the demand.",
        _lies_above,
    ),
    Difference(
        "C5",
        "A bid that lies below the lowest price counts as nothing, and one below zero is cut off there.",
        "Above its first price a bid keeps its first quantity: what must run, or is injected at any price.",
        _lies_below,
    ),
    Difference(
        "C6",
        "Where the highest price is the lowest, all bids count as nothing.",
        "The sum of bids does not depend on any band of prices.",
        _has_no_grid,
    ),
    Difference(
        "C7",
        "A jump is left out and shows at the next sample.",
        "A jump stays where it is: just above its price the lower quantity holds, just below the higher.",
        _jumps,
    ),
)
"""All of them; C1 to C7."""
