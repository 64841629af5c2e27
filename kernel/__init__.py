"""The kernel of gridbus: messages, bus, virtual time, supervision, scenarios and records. Knows nothing of energy."""

from .agenda import FIRST, LAST, NORMAL
from .bus import Bus, BusStatistics
from .clock import Clock, VirtualClock, WallClock
from .codec import decode, encode
from .envelope import Envelope
from .errors import (
    ComponentError,
    DeadlinePassed,
    DecodeError,
    EndlessExchange,
    Fault,
    GridbusError,
    InputError,
    InternalError,
    MailboxOverflow,
    PeerError,
    PermissionDenied,
    TooSlow,
    UsageError,
)
from .instant import DAY, HOUR, MINUTE, SECOND, Calendar, Duration, Instant, seconds
from .kernel import Kernel, KernelStatistics
from .message import message
from .nats.bus import NatsBus
from .plugins import Placement, Plugin, Setting
from .port import Port
from .run import Interrupted, Result, compose, replay, run, run_async
from .scenario import Head, Member, Scenario
from .shape import field, value
from .subscription import Subscription
from .system import Quarantined

__all__ = [
    "DAY",
    "FIRST",
    "HOUR",
    "LAST",
    "MINUTE",
    "NORMAL",
    "SECOND",
    "Bus",
    "BusStatistics",
    "Calendar",
    "Clock",
    "ComponentError",
    "DeadlinePassed",
    "DecodeError",
    "Duration",
    "EndlessExchange",
    "Envelope",
    "Fault",
    "GridbusError",
    "Head",
    "InputError",
    "Instant",
    "InternalError",
    "Interrupted",
    "Kernel",
    "KernelStatistics",
    "MailboxOverflow",
    "Member",
    "NatsBus",
    "PeerError",
    "PermissionDenied",
    "Placement",
    "Plugin",
    "Port",
    "Quarantined",
    "Result",
    "Scenario",
    "Setting",
    "Subscription",
    "TooSlow",
    "UsageError",
    "VirtualClock",
    "WallClock",
    "compose",
    "decode",
    "encode",
    "field",
    "message",
    "replay",
    "run",
    "run_async",
    "seconds",
    "value",
]
