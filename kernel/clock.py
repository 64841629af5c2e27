"""Clocks: how simulated time gets from one instant to the next."""

from __future__ import annotations

from abc import ABC, abstractmethod

import anyio
import anyio.lowlevel

from .errors import TooSlow, UsageError
from .instant import SECOND, Duration, Instant


class Clock(ABC):
    """Decides when the next instant of the agenda may begin."""

    @abstractmethod
    async def advance(self, target: Instant) -> Instant:
        """Wait until simulated time may be ``target``; returns it, or an earlier instant at which something came in."""

    def ended(self) -> None:  # noqa: B027 - most clocks need not know
        """Be told that the run is over: nothing more will be asked."""


class VirtualClock(Clock):
    """Goes on at once: as fast as possible."""

    async def advance(self, target: Instant) -> Instant:
        """Give other tasks and signals their turn, and go."""
        await anyio.lowlevel.checkpoint()
        return target


class WallClock(Clock):
    """Keeps simulated time in step with the clock on the wall, ``speed`` times as fast.

    With ``tolerance`` a run that falls behind by more than that ends with an error; without, it catches up when it can.
    """

    def __init__(self, speed: float = 1.0, *, tolerance: Duration | None = None) -> None:
        if not speed > 0:
            raise UsageError(f"a wall clock needs a speed above 0, got {speed:g}")
        self._speed = speed
        self._tolerance = tolerance
        self._begun: float | None = None
        self.largest_lag_s = 0.0

    async def advance(self, target: Instant) -> Instant:
        """Sleep until the wall clock has come to the target.

        Raises:
            TooSlow: the run is later than the tolerance; says by how much.
        """
        if self._begun is None:
            self._begun = anyio.current_time()
        lag_s = anyio.current_time() - (self._begun + target / SECOND / self._speed)
        if lag_s > 0:
            self.largest_lag_s = max(self.largest_lag_s, lag_s)
            if self._tolerance is not None and lag_s > self._tolerance / SECOND:
                raise TooSlow(f"the run is {lag_s:.3f} s behind the wall clock; lower the speed {self._speed:g}")
            await anyio.lowlevel.checkpoint()
        else:
            await anyio.sleep(-lag_s)
        return target
