"""The connection of a customer: one meter and one limit for all devices behind it."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Self

import attrs

from ..kernel import Duration, Instant
from ..roles.interfaces import OperatingEnvelope


@attrs.frozen
class _Bound:
    start: Instant
    stop: Instant
    import_kw: float
    export_kw: float

    def outside(self, other: Self) -> Iterator[Self]:
        """What is left of it before and after another one."""
        for start, stop in ((self.start, min(self.stop, other.start)), (max(self.start, other.stop), self.stop)):
            if start < stop:
                yield attrs.evolve(self, start=start, stop=stop)


@attrs.define
class Connection:
    """Allots what the connection can carry to whoever asks first; devices ask in the order of their names.

    The household's own load, whose name is the shortest, comes first and is never cut; what is injected makes room,
    and is cut whoever injects it.
    """

    import_kw: float = inf
    """Most that all devices together may draw."""
    export_kw: float = inf
    """Most that they may inject."""
    _bounds: list[_Bound] = attrs.field(factory=list, init=False)
    """Operating envelopes; no two at one instant."""
    _start: Instant = attrs.field(default=-1, init=False)
    _limits_kw: tuple[float, float] = attrs.field(default=(inf, inf), init=False)
    _drawn_kw: float = attrs.field(default=0.0, init=False)

    def keep(self, envelope: OperatingEnvelope) -> None:
        """Keep an operating envelope while it lasts, in place of what was said of the same time before."""
        stop = envelope.start + envelope.duration
        bound = _Bound(envelope.start, stop, envelope.import_limit_kw, envelope.export_limit_kw)
        self._bounds = [part for each in self._bounds for part in each.outside(bound)] + [bound]

    def limits_kw(self, start: Instant, duration: Duration) -> tuple[float, float]:
        """Most that may be drawn and injected through an interval: by the connection and all envelopes in it."""
        import_kw, export_kw = self.import_kw, self.export_kw
        for each in self._bounds:
            if each.start < start + duration and start < each.stop:
                import_kw, export_kw = min(import_kw, each.import_kw), min(export_kw, each.export_kw)
        return import_kw, export_kw

    def allot_kw(self, start: Instant, duration: Duration, wanted_kw: float, *, flexible: bool) -> float:
        """What a device may draw or inject in an interval of what it wants; who is not flexible draws all."""
        if start != self._start:
            self._begin(start, duration)
        import_kw, export_kw = self._limits_kw
        allotted_kw = wanted_kw
        if wanted_kw < 0.0:
            allotted_kw = max(wanted_kw, min(-export_kw - self._drawn_kw, 0.0))
        elif flexible:
            allotted_kw = min(wanted_kw, max(import_kw - self._drawn_kw, 0.0))
        self._drawn_kw += allotted_kw
        return allotted_kw

    def _begin(self, start: Instant, duration: Duration) -> None:
        self._bounds = [each for each in self._bounds if start < each.stop]
        self._start, self._drawn_kw = start, 0.0
        self._limits_kw = self.limits_kw(start, duration)
