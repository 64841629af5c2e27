"""Messages of the kernel itself."""

from __future__ import annotations

from .message import message
from .shape import field


@message(topic="system.{role}.{name}.quarantined", senders=["kernel.*"], receivers=["*.*"])
class Quarantined:
    """A component raised and was taken out of the run, which goes on without it."""

    role: str = field("role of the component")
    name: str = field("name of the component")
    reason: str = field("what it raised, while handling which message, and when")
