"""The connection of a customer: one meter and one limit for all devices behind it."""

from __future__ import annotations

from math import inf

import attrs

from ..kernel import Instant


@attrs.define
class Connection:
    """Allots what the connection can carry to whoever asks first; devices ask in the order of their names.

    The household's own load, whose name is the shortest, comes first and is never cut; what is injected makes room.
    """

    import_kw: float = inf
    """Most that all devices together may draw."""
    export_kw: float = inf
    """Most that they may inject."""
    _start: Instant = attrs.field(default=-1, init=False)
    _drawn_kw: float = attrs.field(default=0.0, init=False)

    def allot_kw(self, start: Instant, wanted_kw: float, *, flexible: bool) -> float:
        """What a device may draw in an interval of what it wants."""
        if start != self._start:
            self._start, self._drawn_kw = start, 0.0
        allotted_kw = wanted_kw
        if flexible and wanted_kw > 0.0:
            allotted_kw = min(wanted_kw, max(self.import_kw - self._drawn_kw, 0.0))
        elif flexible:
            allotted_kw = max(wanted_kw, min(-self.export_kw - self._drawn_kw, 0.0))
        self._drawn_kw += allotted_kw
        return allotted_kw
