"""Fixtures of the kernel's tests: plug-ins without an installed package."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from gridbus.kernel import kernel, plugins


class Entry:
    """Stands for an entry point of an installed package."""

    def __init__(self, name: str, thing: Any) -> None:
        self.name, self._thing = name, thing

    def load(self) -> Any:
        return self._thing


class Entries:
    """The entry points of a package that exists only in a test; called as ``entry_points``."""

    def __init__(self) -> None:
        self._groups: dict[str, list[Entry]] = {}

    def add(self, group: str, **things: Any) -> None:
        """Enter things under their names in a group such as ``components``."""
        entries = self._groups.setdefault(f"gridbus.{group}", [])
        entries += [Entry(name, thing) for name, thing in things.items()]

    def __call__(self, *, group: str) -> list[Entry]:
        return self._groups.get(group, [])


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Entries]:
    """Entry points that the test fills; nothing else is installed."""
    entries = Entries()
    monkeypatch.setattr(plugins, "entry_points", entries)
    plugins.contract.cache_clear()
    yield entries
    plugins.contract.cache_clear()


@pytest.fixture(autouse=True, scope="session")
def _leave_the_garbage_collector_alone() -> Iterator[None]:
    """A pass of the collector in each of some thousand runs would take most of the time of the suite."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "quiet_collector", nullcontext)
        yield
