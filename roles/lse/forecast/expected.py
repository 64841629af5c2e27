"""What was expected of a slot when it was cleared."""

from __future__ import annotations

import attrs


@attrs.frozen
class Expected:
    """What customers with awards were expected to use in a slot, when it was cleared."""

    usage_points: tuple[str, ...]
    """Those with awards; of the others, whatever is metered is as expected."""
    power_kw: float
    """Awards, and the load beside them that was not bid."""
