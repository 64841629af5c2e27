"""What components have published in a round, as the timekeeper handles it: as plain data, made into messages late."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ..envelope import Envelope, WiredEnvelope
from ..journal import journal_line
from ..message import Declaration, declaration_of
from .lines import Lines, Raw

IN_ORDER = attrgetter("sender", "sequence")
"""The order of delivery."""


class Said:
    """A message on its way through the timekeeper: made only if a component of this process or the records want it."""

    __slots__ = ("body", "declaration", "line", "reply_to", "sender", "sequence", "source")

    def __init__(
        self,
        declaration: Declaration,
        sender: str,
        sequence: int,
        body: dict[str, Any],
        line: bytes,
        reply_to: str | None,
        source: tuple[Lines, Raw] | Envelope[Any],
    ) -> None:
        self.declaration = declaration
        self.sender = sender
        self.sequence = sequence
        self.body = body
        self.line = line
        self.reply_to = reply_to
        self.source = source

    @classmethod
    def here(cls, envelope: Envelope[Any]) -> Said:
        """What a component of this process has published."""
        body = envelope.body
        declaration = declaration_of(envelope.cls)
        line = journal_line(envelope, body)
        return cls(declaration, envelope.sender, envelope.sequence, body, line, envelope.reply_to, envelope)

    def envelope(self) -> Envelope[Any]:
        """The message with its envelope."""
        if isinstance(self.source, tuple):
            lines, raw = self.source
            self.source = WiredEnvelope(self.line, raw, self.declaration.cls, lines.made)
        return self.source
