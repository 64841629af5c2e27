"""What was expected of a slot when it was cleared."""

from __future__ import annotations

import attrs
import numpy as np

from ....kernel import DAY, Instant
from ...interfaces import Positions
from ...intervals import Intervals
from ..customers.points import FloatArray, Places, room_for, taken

_KEPT = 3 * DAY
"""How long what was expected of a slot is kept: as long as a statement may be contested."""


@attrs.frozen(eq=False)
class Expected:
    """What customers with awards were expected to use in a slot, when it was cleared."""

    places: Places
    """Of those with awards; of the others, whatever is metered is as expected."""
    power_kw: float
    """Awards, and the load beside them that was not bid."""


@attrs.define
class ExpectedLoads:
    """Estimates of load that is not bid, until the slot is cleared, and what is expected of it then."""

    _unbid_kw: dict[tuple[str, str, Instant], FloatArray] = attrs.field(factory=dict, init=False)
    """By market, series and slot; each by place."""
    _expected: dict[tuple[str, str], Intervals[Expected]] = attrs.field(factory=dict, init=False)

    def estimate(self, market: str, product: str, start: Instant, places: Places, power_kw: FloatArray) -> None:
        """Enter an estimate for a slot; a later one replaces it."""
        row = room_for(np.zeros(0), int(places.max(initial=-1)) + 1, 0.0)
        row[places] = power_kw
        self._unbid_kw[market, product, start] = row

    def clear(self, positions: Positions, places: Places) -> None:
        """Add the awards of a slot, which are none where they are no commitment."""
        key = positions.market, positions.product
        unbid_kw = self._unbid_kw.pop((*key, positions.slot_start), np.zeros(0))
        awarded = places if positions.commitment else places[:0]
        power_kw = np.array(positions.power_kw if positions.commitment else ()) + taken(unbid_kw, awarded, 0.0)
        expected = self._expected.setdefault(key, Intervals())
        expected.enter(positions.slot_start, positions.slot_length, Expected(awarded, float(power_kw.sum())))
        expected.forget(positions.slot_start - _KEPT)

    def of(self, market: str, product: str, start: Instant) -> Expected | None:
        """What was expected in a slot; None where that is not known, or forgotten."""
        held = self._expected.get((market, product), Intervals()).at(start)
        return None if held is None else held.value
