"""For tests of roles and agents: run components in virtual time, and a clock that the test moves by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import anyio

from .activity import Main
from .clock import Clock
from .envelope import Envelope
from .errors import UsageError
from .instant import HOUR, Calendar, Duration, Instant
from .kernel import Kernel
from .run import unwrapped

CALENDAR = Calendar(datetime(2025, 1, 1, tzinfo=UTC))
"""Instant 0 of runs made here, unless the test says otherwise: midnight of 2025-01-01, UTC."""


class TestClock(Clock):
    """A clock that stands still until the test moves it."""

    __test__ = False

    def __init__(self) -> None:
        self._limit: Instant = 0
        self._moved = anyio.Event()
        self._quiet = anyio.Event()
        self._over = False

    def ended(self) -> None:
        """Let go of the test that waits for the run to come to rest."""
        self._over = True
        self._quiet.set()

    async def advance(self, target: Instant) -> Instant:
        """Wait until the test has moved the clock to the target."""
        while target > self._limit:
            self._quiet.set()
            await self._moved.wait()
        return target

    async def move_to(self, instant: Instant) -> None:
        """Let time come to an instant; returns when everything up to it has come to rest.

        Raises:
            UsageError: the instant lies in the past.
        """
        if instant < self._limit:
            raise UsageError(f"the clock is at {self._limit} ns already and cannot go back to {instant} ns")
        self._limit = instant
        self._quiet = anyio.Event()
        moved, self._moved = self._moved, anyio.Event()
        moved.set()
        if not self._over:
            await self._quiet.wait()


class Log:
    """Every envelope of a run, in order; an observer of the kernel."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope[Any]] = []

    def observe(self, outbox: list[Envelope[Any]]) -> None:
        """Take the messages of a round."""
        self.envelopes += outbox

    def of(self, cls: type) -> list[Any]:
        """The messages of one class."""
        return [envelope.message for envelope in self.envelopes if isinstance(envelope.message, cls)]


def run_components(
    mains: Mapping[str, Main], *, stop: Duration = HOUR, seed: int = 0, calendar: Calendar = CALENDAR, **options: Any
) -> Log:
    """Run components, given by address, in virtual time and return all that they published.

    Raises:
        ComponentError: a component raised.
    """
    log = Log()
    kernel = Kernel(calendar, stop=stop, seed=seed, observers=(log,), **options)
    for address, main in mains.items():
        kernel.add(address, main)
    try:
        anyio.run(kernel.run)
    except BaseExceptionGroup as group:
        error = unwrapped(group)
        raise error from error.__cause__
    return log
