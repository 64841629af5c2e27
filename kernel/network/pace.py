"""How long processes of a run wait for each other."""

from __future__ import annotations

import attrs

from ..errors import UsageError


@attrs.frozen
class Pace:
    """Seconds between two looks at the others, and how long one may be silent."""

    look_s: float = 1.0
    patience_s: float = 60.0

    def __attrs_post_init__(self) -> None:
        if not (self.look_s > 0 and self.patience_s > 0):
            raise UsageError(f"patience is a number of seconds above 0, got {self.patience_s:g}")

    @property
    def patience(self) -> int:
        """Looks after which one that is silent is lost; looks, since this process may itself have been frozen."""
        return max(round(self.patience_s / self.look_s), 2)
