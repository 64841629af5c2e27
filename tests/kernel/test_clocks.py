"""Clocks: the same messages with each, and what each adds."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import (
    DAY,
    HOUR,
    SECOND,
    Calendar,
    Clock,
    ComponentError,
    Duration,
    Instant,
    InternalError,
    Kernel,
    Port,
    UsageError,
    VirtualClock,
    WallClock,
    field,
    message,
    seconds,
)
from gridbus.kernel.errors import TooSlow
from gridbus.kernel.records import DigestObserver
from gridbus.kernel.testing import CALENDAR, Log, TestClock


@message(topic="tick.{name}", senders=["*.{name}"], receivers=["*.*"])
class Tick:
    """A tick."""

    name: str = field("whose")
    at: Instant = field("when")


async def ticking(port: Port) -> None:
    for hour in range(1, 25):
        await port.sleep_until(hour * HOUR)
        port.publish(Tick(port.name, port.now))


async def answering(port: Port) -> None:
    async for tick in port.subscribe(Tick, name="a"):
        port.publish(Tick("b", tick.at))


def ticking_kernel(clock: Clock, stop: Duration = DAY) -> tuple[Kernel, Log, DigestObserver]:
    log, digester = Log(), DigestObserver()
    kernel = Kernel(CALENDAR, stop=stop, clock=clock, observers=[log, digester])
    kernel.add("x.a", ticking)
    kernel.add("x.b", answering)
    return kernel, log, digester


def digest_with(clock: Clock) -> str:
    kernel, log, digester = ticking_kernel(clock)
    anyio.run(kernel.run)
    assert len(log.of(Tick)) == 48
    return digester.digest()


def test_the_wall_clock_gives_the_same_messages_as_the_virtual_one():
    assert digest_with(WallClock(1e8)) == digest_with(VirtualClock())


def test_the_wall_clock_keeps_pace():
    """A day at this speed is 5 ms; it cannot be over before that."""
    clock = WallClock(DAY / SECOND / 0.005)
    kernel, _, _ = ticking_kernel(clock)
    spans: list[float] = []

    async def timed() -> None:
        begun = anyio.current_time()
        await kernel.run()
        spans.append(anyio.current_time() - begun)

    anyio.run(timed)

    assert spans[0] >= 0.004


def test_the_wall_clock_tells_its_largest_lag():
    clock = WallClock(1e15)
    digest_with(clock)

    assert clock.largest_lag_s > 0


def test_a_run_behind_the_wall_clock_by_more_than_the_tolerance_ends():
    with pytest.raises(TooSlow, match="s behind the wall clock; lower the speed"):
        digest_with(WallClock(1e15, tolerance=0))


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_wall_clock_needs_a_speed(speed: float):
    with pytest.raises(UsageError, match="needs a speed above 0"):
        WallClock(speed)


class Hasty(Clock):
    """Grants instants that it should not."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    async def advance(self, target: Instant) -> Instant:
        return target + self.offset


@pytest.mark.parametrize("offset", [1, -HOUR])
def test_a_clock_cannot_jump_over_an_instant_or_stand_still(offset: int):
    with pytest.raises(InternalError, match="the clock granted"):
        digest_with(Hasty(offset))


class Halting(Clock):
    """Grants half of what is asked, as a federate does when a value comes in."""

    def __init__(self) -> None:
        self.over = 0

    async def advance(self, target: Instant) -> Instant:
        half = target - 7
        self.last = half if half > getattr(self, "last", 0) else target
        return self.last

    def ended(self) -> None:
        self.over += 1


def test_instants_granted_in_between_change_no_message():
    clock = Halting()

    assert digest_with(clock) == digest_with(VirtualClock())
    assert clock.over == 1


# The clock of tests


async def test_the_test_clock_moves_time_by_hand():
    clock = TestClock()
    kernel, log, _ = ticking_kernel(clock)
    async with anyio.create_task_group() as group:
        group.start_soon(kernel.run)
        for hour in (0, 1, 1, 2.5, 7):
            await clock.move_to(round(hour * HOUR))
            assert len(log.of(Tick)) == 2 * int(hour)
        with pytest.raises(UsageError, match="cannot go back"):
            await clock.move_to(HOUR)
        group.cancel_scope.cancel()


async def test_the_test_clock_lets_go_at_the_end_of_the_run():
    clock = TestClock()
    kernel, log, _ = ticking_kernel(clock)
    async with anyio.create_task_group() as group:
        group.start_soon(kernel.run)
        await clock.move_to(DAY)
        assert len(log.of(Tick)) == 48
        await clock.move_to(2 * DAY)


async def test_the_test_clock_lets_go_when_the_run_fails():
    async def broken(port: Port) -> None:
        await port.sleep_until(5)
        raise ValueError("broken")

    clock = TestClock()
    kernel = Kernel(CALENDAR, stop=10, clock=clock)
    kernel.add("a.x", broken)
    failures: list[Exception] = []

    async def run() -> None:
        try:
            await kernel.run()
        except ComponentError as error:
            failures.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await clock.move_to(4)
        assert failures == []
        await clock.move_to(10)

    assert len(failures) == 1


# Dates


@given(
    st.integers(0, 400 * DAY).map(lambda ns: ns - ns % 1000),
    st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo"]),
)
def test_instants_and_dates_are_the_same_thing(instant: Instant, zone: str):
    calendar = Calendar(datetime(2025, 1, 1, tzinfo=ZoneInfo("America/New_York")), ZoneInfo(zone))

    assert calendar.instant(calendar.utc(instant)) == instant
    assert calendar.instant(calendar.local(instant)) == instant
    assert calendar.utc(instant) - calendar.start.astimezone(UTC) == timedelta(microseconds=instant // 1000)


def test_the_local_clock_has_days_of_23_and_25_hours():
    """In 2025, New York changed its clocks on 9 March and 2 November."""
    calendar = Calendar(datetime(2025, 3, 9, tzinfo=ZoneInfo("America/New_York")), ZoneInfo("America/New_York"))

    assert calendar.text(0) == "2025-03-09T00:00:00-05:00"
    assert calendar.text(23 * HOUR) == "2025-03-10T00:00:00-04:00"
    autumn = calendar.instant(datetime(2025, 11, 2, tzinfo=ZoneInfo("America/New_York")))
    assert calendar.text(autumn + 25 * HOUR) == "2025-11-03T00:00:00-05:00"
    assert calendar.text(1000) == "2025-03-09T00:00:00.000001-05:00"


def test_the_epoch_of_a_calendar_is_unix_time():
    start = datetime(2025, 7, 16, 22, tzinfo=ZoneInfo("America/New_York"))

    assert Calendar(start).epoch_ns == int(start.timestamp()) * SECOND


@pytest.mark.parametrize(("count", "expected"), [(1, SECOND), (0.1, 100_000_000), (1e-9, 1), (3600, HOUR)])
def test_seconds_become_nanoseconds(count: float, expected: Duration):
    assert seconds(count) == expected
