"""Every frame arrives once and in order, whatever the network does; what is no frame is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel.errors import DecodeError
from gridbus.kernel.network.link import HEAD, Everything, Frame, Kept, Link, Unconfirmed, framed
from gridbus.kernel.network.notes import Report, Status, read, written

contents = st.lists(st.tuples(st.sampled_from(["lead", "hear.a", "hear.b"]), st.binary(max_size=20)), max_size=30)
fates = st.lists(st.sampled_from(["pass", "lose", "twice", "late"]), max_size=60)


@pytest.fixture(params=[Unconfirmed, Everything])
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    """What a sender keeps its frames in."""
    made = request.param()
    yield made
    made.close()


def received(link: Link, payloads: list[tuple[str, bytes]], ways: Iterator[str]) -> list[tuple[str, bytes]]:
    """What a link hands on of payloads that a network treats in some ways, the late ones last."""
    late, handed = [], []
    for subject, payload in payloads:
        way = next(ways, "pass")
        times = {"pass": 1, "twice": 2}.get(way, 0)
        for _ in range(times):
            handed += link.take(subject, Frame.parse(payload))
        late += [(subject, payload)] if way == "late" else []
    for subject, payload in late:
        handed += link.take(subject, Frame.parse(payload))
    return handed


@pytest.mark.parametrize("kind", [Unconfirmed, Everything])
@given(sent=contents, fates=fates)
def test_what_is_sent_until_it_is_there_arrives_once_and_in_order(
    kind: type[Any], sent: list[tuple[str, bytes]], fates: list[str]
):
    kept, ways = kind(), iter(fates)
    sender, receiver = Link("t", kept), Link("t", Unconfirmed())
    try:
        handed = received(receiver, [(s, sender.send(s, content)) for s, content in sent], ways)
        for _ in range(len(fates) + 1):
            sender.confirm(Frame.parse(receiver.aside(b"")))
            handed += received(receiver, list(sender.again(receiver.received)), ways)
    finally:
        kept.close()

    assert handed == sent
    assert (sender.sent, receiver.received) == (len(sent), len(sent))
    assert not receiver.gap


@given(order=st.permutations(range(8)))
def test_frames_in_any_order_are_handed_on_in_theirs(order: list[int]):
    sender, receiver = Link("t", Unconfirmed()), Link("t", Unconfirmed())
    payloads = [sender.send("s", b"%d" % number) for number in range(8)]
    handed: list[tuple[str, bytes]] = []
    for place, number in enumerate(order, start=1):
        handed += receiver.take("s", Frame.parse(payloads[number]))
        assert receiver.received == len(handed)
        assert receiver.gap == (len(handed) < place)

    assert handed == [("s", b"%d" % number) for number in range(8)]
    assert receiver.repeated == 0


def test_a_frame_that_comes_again_is_counted_and_handed_on_no_more():
    sender, receiver = Link("t", Unconfirmed()), Link("t", Unconfirmed())
    first, second = (Frame.parse(sender.send("s", text)) for text in (b"a", b"b"))

    assert receiver.take("s", second) == []
    assert receiver.take("s", second) == []
    assert receiver.take("s", first) == [("s", b"a"), ("s", b"b")]
    assert receiver.take("s", first) == []
    assert receiver.repeated == 2


def test_what_is_confirmed_is_forgotten_and_the_rest_is_sent_again_with_its_numbers():
    link = Link("t", Unconfirmed())
    for text in (b"a", b"b", b"c"):
        link.send("s", text)
    assert [Frame.parse(payload).number for _, payload in link.again(1)] == [2, 3]
    link.confirm(Frame("t", 0, 2, b""))

    assert len(link.kept) == 1  # type: ignore[arg-type]
    assert list(link.again(0)) == list(link.again(2)) == [("s", framed("t", 3, 0, b"c"))]
    link.confirm(Frame("t", 0, 3, b""))
    assert not link.kept
    assert Frame.parse(link.send("s", b"d")).number == 4
    assert list(link.again(0)) == [("s", framed("t", 4, 0, b"d"))]


def test_everything_is_kept_for_a_process_that_is_started_again():
    everything = Everything()
    link = Link("old", everything)
    for text in (b"a", b"", b"c\n\x00"):
        link.send(f"s{text!r}", text)
    link.confirm(Frame("old", 0, 3, b""))
    again = link.again(0)
    first = next(again)
    link.send("s", b"while it is sent again")
    link.renew("new")
    rest = [Frame.parse(payload) for _, payload in again]

    assert first == ("sb'a'", framed("old", 1, 0, b"a"))
    assert [(f.token, f.number, f.content) for f in rest] == [("new", 2, b""), ("new", 3, b"c\n\x00")] + [
        ("new", 4, b"while it is sent again")
    ] * (len(rest) == 3)
    assert [payload for _, payload in link.again(3)] == [framed("new", 4, 0, b"while it is sent again")]
    everything.close()


def test_a_link_goes_on_after_frames_that_the_other_end_has(kept: Kept):
    link = Link("t", kept)
    link.send("s", b"a")
    link.skip(5)
    link.skip(3)

    assert link.sent == 5
    assert Frame.parse(link.send("s", b"f")).number == 6
    assert list(link.again(5)) == [("s", framed("t", 6, 0, b"f"))]


def test_a_renewed_link_waits_for_no_frame_of_the_former_process():
    sender, receiver = Link("t", Unconfirmed()), Link("t", Unconfirmed())
    first, second = (Frame.parse(sender.send("s", text)) for text in (b"a", b"b"))
    receiver.take("s", second)
    receiver.renew("u")

    assert not receiver.gap
    assert receiver.take("s", first) == [("s", b"a")]


# What is no frame


@given(st.binary(max_size=80), st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_frame_is_read_as_it_was_written(content: bytes, number: int, got: int):
    assert Frame.parse(framed("token", number, got, content)) == Frame("token", number, got, content)
    assert len(framed("0" * 32, 10**18, 10**18, b"")) <= HEAD


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"\n", b"a 1 2", b"a 1\n", b"a 1 2 3\n", b"a -1 2\n", b"a 1 x\n", b"a 1.0 2\n", b"a  1 2\n"),
        *(b"\xff 1 2\n", b"a" * 100 + b" 1 2\n", b"a 1 " + b"9" * 5000 + b"\n", "a \u00b2 2\n".encode()),
    ],
)
def test_what_is_no_frame_is_refused(payload: bytes):
    with pytest.raises(DecodeError, match=r"^(frame|token): expected"):
        Frame.parse(payload)


@given(st.binary(max_size=120) | st.from_regex(rb"[a-z0-9]{0,3} [0-9]{1,3} [0-9]{1,3}\n.*", fullmatch=True))
def test_nothing_but_a_decode_error_comes_of_garbage(payload: bytes):
    with suppress(DecodeError):
        frame = Frame.parse(payload)
        Link(frame.token, Unconfirmed()).take("s", frame)
        read(frame.content)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xff", "note: expected JSON"),
        (b"[]", "expected one of hello, welcome"),
        (b'{"hello": {}, "status": {}}', "expected one of"),
        (b'{"status": null}', "expected an object"),
        (b'{"status": {"sent": -1, "received": 0}}', "at least 0"),
        (b'{"status": {"sent": 1, "received": "0", "more": 1}}', "status.received: .*; status.more: unknown"),
        (b'{"status": {}}', "status.sent: missing"),
    ],
)
def test_what_is_no_note_is_refused_with_every_fault(content: bytes, text: str):
    with pytest.raises(DecodeError, match=text):
        read(content)


def test_a_note_is_read_as_it_was_written():
    for note in (Status(1, 2), Report(True, False, 5, -1, ("a", "b")), Report(False, False)):
        assert read(written(note)) == note
