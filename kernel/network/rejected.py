"""What came in on a run's subjects and is not of the run."""

from __future__ import annotations

import logging

import attrs

from ..instant import Instant

_log = logging.getLogger(__name__)
_SHOWN = 100
_EXCERPT = 80


@attrs.define
class Rejected:
    """Counts what was rejected, and keeps the first of it."""

    count: int = 0
    first: list[dict[str, object]] = attrs.field(factory=list)

    def add(self, now: Instant, subject: str, payload: bytes, reason: str) -> None:
        """Take note of a payload that is not taken in."""
        self.count += 1
        if len(self.first) < _SHOWN:
            excerpt = payload[:_EXCERPT].decode("utf-8", "backslashreplace")
            entry = {"at": now, "subject": subject, "bytes": len(payload), "reason": reason, "excerpt": excerpt}
            self.first.append(entry)
        if self.count == 1:
            _log.warning("rejected %d bytes on %s: %s; the manifest counts any further", len(payload), subject, reason)

    def facts(self) -> dict[str, object]:
        """For the manifest; nothing when nothing was rejected."""
        return {"rejected": {"count": self.count, "first": self.first}} if self.count else {}
