"""The public names of the kernel, frozen: a change of them is a change of this file."""

from gridbus import kernel

PUBLIC = [
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


def test_the_public_names_are_these():
    assert sorted(kernel.__all__) == sorted(PUBLIC)


def test_every_public_name_is_there_and_described():
    for name in PUBLIC:
        thing = getattr(kernel, name)
        if callable(thing) and hasattr(thing, "__module__") and thing.__module__.startswith("gridbus"):
            assert thing.__doc__, name
