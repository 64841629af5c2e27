"""The network's benchmark with a handful of frames: it does its work, or else gives no figure."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest

from gridbus.bench import network
from gridbus.bench.network_ends import FRAME_BYTES, BareEnd, Check, End, OurEnd, all_good, frame
from gridbus.kernel import HOUR, InternalError, UsageError

pytest.importorskip("nats")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"_ROUNDS": 2, "_FRAMES": 20, "_TRIPS": 5, "_WARM_UP": 1, "_COMPONENT_TRIPS": 5, "_DAYS": 1}
    for name, number in sizes.items():
        monkeypatch.setattr(network, name, number)
    monkeypatch.setattr(network, "_DAY", HOUR // 10)


def test_every_measurement_has_a_name_a_positive_value_and_a_unit() -> None:
    measured = network.measure()
    assert [entry["name"] for entry in measured] == [
        "frames_per_s",
        "bare_frames_per_s",
        "frame_throughput_ratio",
        "frame_round_trip_us",
        "bare_round_trip_us",
        "round_trip_ratio",
        "component_round_trip_us",
        "split_day_s",
        "memory_day_s",
        "split_day_ratio",
        "split_day_with_start_s",
        "memory_day_with_start_s",
        "split_day_with_start_ratio",
    ]
    assert all(entry["value"] > 0 and entry["unit"] for entry in measured)


Send = Callable[[End, str, bytes], Awaitable[None]]


def lose(sent: Send, end: End, subject: str, content: bytes) -> list[Awaitable[None]]:
    if isinstance(end, OurEnd):
        end.link.send(subject, content)
    return []


def repeat(sent: Send, end: End, subject: str, content: bytes) -> list[Awaitable[None]]:
    return [sent(end, subject, content), sent(end, subject, content)]


def damage(sent: Send, end: End, subject: str, content: bytes) -> list[Awaitable[None]]:
    return [sent(end, subject, content[:-1] + b"\0")]


@pytest.mark.parametrize("kind", [OurEnd, BareEnd])
@pytest.mark.parametrize("trouble", [lose, repeat, damage])
def test_a_burst_that_does_not_arrive_as_it_was_sent_gives_no_figure(
    kind: type[End], trouble: Callable[..., list[Awaitable[None]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = kind.send

    async def send(self: End, subject: str, content: bytes) -> None:
        for each in trouble(sent, self, subject, content) if content == frame(7) else [sent(self, subject, content)]:
            await each

    monkeypatch.setattr(kind, "send", send)
    monkeypatch.setattr(network, "_LIMIT_S", 1.0)
    with pytest.raises(InternalError, match=r"nothing$"):
        network._in_loop(network._frames_and_trips)


def test_an_echo_of_something_else_gives_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    received = BareEnd.next

    async def receive(self: BareEnd) -> tuple[str, bytes]:
        subject, content = await received(self)
        return subject, content if len(content) < 100 else b"something else"

    monkeypatch.setattr(BareEnd, "next", receive)
    with pytest.raises(InternalError, match="did not do its work"):
        network._in_loop(network._frames_and_trips)


def test_frames_are_checked_one_by_one() -> None:
    check = Check()
    for number in range(1, 4):
        check.take(frame(number))
    assert len(frame(1)) == FRAME_BYTES
    assert check.summary() == all_good(3)

    for content in (frame(1), frame(3), frame(2), frame(3)[:-1], b"", frame(3)):
        check.take(content)
    assert check.summary() == b"3 3"


def test_days_with_different_digests_give_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        network, "run", lambda *_, bus=None, **__: SimpleNamespace(digest="a" if bus else "b", wall_s=1.0)
    )
    with pytest.raises(InternalError, match="did not do its work"):
        network.split_day()


def test_without_nats_the_benchmark_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'gridbus\[nats\]'"):
        network.measure()
