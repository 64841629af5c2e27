"""Fixtures of the tests that run components."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from gridbus.kernel import kernel


@pytest.fixture(autouse=True, scope="session")
def _leave_the_garbage_collector_alone() -> Iterator[None]:
    """A pass of the collector in each run would take most of the time of the suite."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "quiet_collector", nullcontext)
        yield
