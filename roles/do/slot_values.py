"""Values that parties state for slots, found by those whose slots have other lengths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import attrs

from ...kernel import Duration, Instant

Key = TypeVar("Key", tuple[str, str], str)
Value = TypeVar("Value")


@attrs.define
class SlotValues(Generic[Key, Value]):
    """What each party has stated for slots, which may overlap when series have slots of several lengths."""

    _slots: dict[tuple[Instant, Duration], dict[Key, Value]] = attrs.field(factory=dict, init=False)

    def enter(self, start: Instant, length: Duration, key: Key, value: Value) -> None:
        """Enter what a party states for a slot; a later statement replaces it."""
        self._slots.setdefault((start, length), {})[key] = value

    def over(self, start: Instant, length: Duration) -> Iterator[tuple[Key, float, Value]]:
        """What holds in a slot: party, share of the slot's stated time [-] and value, in the order of parties.

        Of a party that has stated values for slots of several lengths, those of the slot's own length count, else those
        of the shortest slots.
        """
        found: dict[Key, dict[Duration, list[tuple[Duration, Value]]]] = {}
        for (other, other_length), values in sorted(self._slots.items(), key=lambda entry: entry[0]):
            shared = min(other + other_length, start + length) - max(other, start)
            if shared > 0:
                for key, value in values.items():
                    found.setdefault(key, {}).setdefault(other_length, []).append((shared, value))
        for key in sorted(found):
            lengths = found[key]
            parts = lengths[length if length in lengths else min(lengths)]
            stated = sum(shared for shared, _ in parts)
            yield from ((key, shared / stated, value) for shared, value in parts)

    def forget(self, now: Instant) -> None:
        """Drop slots that have ended."""
        for passed in [slot for slot in self._slots if sum(slot) <= now]:
            del self._slots[passed]
