"""Series of slots, as retail and wholesale markets have them: sessions that come round, each with deadlines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..kernel import MINUTE, Duration, Instant, field, value
from .interfaces import DAY_AHEAD, REAL_TIME


@value
class SlotSeries:
    """A series of slots that are cleared in the same way; times count back from the first slot of a session."""

    product: str = field("name of the series, day-ahead or real-time")
    slot_min: float = field("length of a slot", unit="min", above=0)
    slots: int = field("slots of a session", at_least=1)
    first_min: float = field(
        "start of the first slot of the first session, after the start of the run", unit="min", at_least=0
    )
    call_min: float = field("call for orders, before the first slot", unit="min", above=0)
    gate_min: float = field("gate closure, before the first slot", unit="min", above=0)

    def check(self) -> Iterable[tuple[str, str]]:
        """The product is known; the call comes after the session before, in the run, and before the gate closure."""
        if self.product not in (DAY_AHEAD, REAL_TIME):
            yield "product", f"expected {DAY_AHEAD} or {REAL_TIME}, by which retailers know what to bid for"
        if self.slot <= 0:
            yield "slot_min", "expected at least a nanosecond"
        if self.call_min <= self.gate_min:
            yield "call_min", "expected the call before the gate closure"
        if self.call_min > self.first_min:
            yield "first_min", f"expected at least call_min = {self.call_min:g}, so that the call is in the run"
        if self.call_min - self.last_min > self.slot_min * self.slots:
            yield "call_min", "expected the call after the last deadline of the session before"

    @property
    def last_min(self) -> float:
        """The last deadline of a session, before its first slot. [min]"""
        return self.gate_min

    @property
    def slot(self) -> Duration:
        """Length of a slot. [ns]"""
        return round(self.slot_min * MINUTE)

    def sessions(self, stop: Instant) -> Iterator[tuple[Instant, int]]:
        """First slot and number of slots of every session; a slot that would begin at the stop or later is left out."""
        for start in range(round(self.first_min * MINUTE), stop, self.slot * self.slots):
            yield start, min(self.slots, -(-(stop - start) // self.slot))

    def before(self, start: Instant, minutes: float) -> Instant:
        """An instant some minutes before a session's first slot."""
        return start - round(minutes * MINUTE)
