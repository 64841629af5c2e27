"""Python's garbage collector during runs: what was set up out of its sight, and looking less often."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_COLLECT_AFTER = 500_000
"""Allocations between two passes while a run goes on; Python's own 700 double the time of a market round."""

_thresholds: list[tuple[int, int, int]] = []
"""The thresholds before the first of the runs that go on in this process, once for each of them."""


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Keep the collector quiet while a run goes on; the last of several runs restores it."""
    thresholds = _thresholds[0] if _thresholds else gc.get_threshold()
    _thresholds.append(thresholds)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *thresholds[1:])
    try:
        yield
    finally:
        _thresholds.pop()
        if not _thresholds:
            gc.set_threshold(*thresholds)
            gc.unfreeze()
