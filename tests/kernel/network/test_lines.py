"""Messages between processes come out as they went in, and what is none is refused with every fault."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import Instant, field, message, value
from gridbus.kernel.envelope import Envelope, WiredEnvelope
from gridbus.kernel.errors import DecodeError, PeerError
from gridbus.kernel.journal import journal_line
from gridbus.kernel.message import declaration_of
from gridbus.kernel.network.lines import Batch, Lines


class Colour(Enum):
    """One of two."""

    RED = "red"
    GREEN = "light green"


@value
class Point:
    """A part of a message."""

    power_kw: float = field("power", unit="kW")
    label: str | None = field("label", default=None)


@message(topic="sample.{name}", senders=["*.*"], receivers=["*.*"])
class Sample:
    """Has a field of every shape."""

    name: str = field("name")
    text: str = field("text", default="")
    number: float = field("number", default=0.0)
    count: int = field("count", default=0, at_least=-5)
    flag: bool = field("flag", default=False)
    at: Instant = field("instant", default=0)
    amount: Decimal = field("amount", default=Decimal(0))
    colour: Colour = field("colour", default=Colour.RED)
    maybe: float | None = field("maybe", default=None)
    numbers: tuple[float, ...] = field("numbers", default=())
    points: tuple[Point, ...] = field("points", default=())
    nested: tuple[tuple[str, ...], ...] = field("nested", default=())


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["\n", "a\nb\r\n\u2028\x85", '"\\', "},{", "\x00", "ä€𝄞"]
)
finite = st.floats(allow_nan=False, allow_infinity=False)
wholes = st.integers(-(2**63) + 1, 2**63 - 1)
numbers = finite | wholes
samples = st.builds(
    Sample,
    name=st.from_regex(r"[a-z0-9_-]+", fullmatch=True),
    text=texts,
    number=numbers,
    count=st.integers(-5, 2**63 - 1),
    flag=st.booleans(),
    at=wholes,
    amount=st.decimals(allow_nan=False, allow_infinity=False, places=4),
    colour=st.sampled_from(Colour),
    maybe=st.none() | numbers,
    numbers=st.lists(numbers, max_size=4).map(tuple),
    points=st.lists(st.builds(Point, numbers, st.none() | texts), max_size=3).map(tuple),
    nested=st.lists(st.lists(texts, max_size=2).map(tuple), max_size=2).map(tuple),
)
small = st.integers(0, 2**40)


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope[Sample]:
    made = Envelope(draw(samples), "x.a", draw(small), draw(small), draw(small), draw(st.integers(1, 3)))
    made.valid_until = draw(st.none() | small)
    if draw(st.booleans()):
        made.reply_to = f"y.b#{draw(small)}"
        made.conversation = f"z.c#{draw(small)}"
    return made


LINES = Lines(declaration_of(Sample))


def parts(envelope: Envelope[Any]) -> list[object]:
    """All that is in an envelope, with the kind of each number of the message."""
    head = [envelope.sender, envelope.sequence, envelope.instant, envelope.round, envelope.revision]
    more = [envelope.valid_until, envelope.reply_to, envelope.conversation, envelope.id, envelope.topic]
    return [*head, *more, envelope.message, repr(envelope.message)]


@given(st.lists(envelopes(), max_size=5))
def test_messages_come_out_as_they_went_in(sent: list[Envelope[Sample]]):
    content = b"".join(map(journal_line, sent))

    assert content.count(b"\n") == len(sent)
    assert [parts(e) for e in LINES.envelopes(content)] == [parts(e) for e in sent]
    assert b"".join(map(journal_line, LINES.envelopes(content))) == content


@given(envelopes())
def test_a_message_that_is_passed_on_is_the_line_that_came(sent: Envelope[Sample]):
    line = journal_line(sent)
    (raw,) = LINES.raws(line)
    wired: WiredEnvelope[Sample] = WiredEnvelope(declaration_of(Sample), line, raw, LINES.made)

    assert journal_line(wired) == line
    assert parts(wired) == parts(sent)
    assert (orjson.dumps(wired.body), wired.declaration) == (orjson.dumps(sent.body), declaration_of(Sample))


def test_a_whole_number_stays_one_where_a_number_is_declared():
    """What is said in answer must not depend on which process the answer is made in."""
    line = journal_line(Envelope(Sample("a", number=3, maybe=2, numbers=(1, 2.0)), "x.a", 1, 0, 0))
    (envelope,) = LINES.envelopes(line)

    assert [type(n) for n in (envelope.message.number, envelope.message.maybe)] == [int, int]
    assert [type(n) for n in envelope.message.numbers] == [int, float]


# What is wrong


def line(**changes: object) -> dict[str, Any]:
    whole: dict[str, Any] = orjson.loads(journal_line(Envelope(Sample("a"), "x.a", 1, 0, 0)))
    return {**whole, **changes}


def content(*lines: object) -> bytes:
    return b"".join(orjson.dumps(each) + b"\n" for each in lines)


@pytest.mark.parametrize(
    ("bad", "faults"),
    [
        (b"nonsense\n", [r"lines: expected JSON \("]),
        (b"\xff\n", [r"lines: expected JSON \("]),
        (content(line()) + b'{"at":', [r"lines: expected JSON \("]),
        (content(line())[:-1], ["lines: expected a message on each line"]),
        (content(line()).replace(b"\n", b"," + content(line())), [r"lines: expected JSON \("]),
        (content(3), [r"lines\[0\]: expected an object"]),
        (content(line(), line(sequence="1")), [r"lines\[1\]\.sequence: expected int"]),
        (content(line(at=True)), [r"lines\[0\]\.at: expected int"]),
        (content(line(round=None)), [r"lines\[0\]\.round: expected int"]),
        (content(line(sender=3, body=[])), [r"lines\[0\]\.sender: expected str", r"lines\[0\]\.body: expected dict"]),
        (content(line(message="other")), [r"lines\[0\]\.message: expected sample"]),
        (content(line(reply_to=3)), [r"lines\[0\]\.reply_to: expected str"]),
        (content(line(valid_until="1")), [r"lines\[0\]\.valid_until: expected int"]),
        (content(line(more=1)), [r"lines\[0\]\.more: unknown"]),
        (content({k: v for k, v in line().items() if k != "at"}), [r"lines\[0\]\.at: expected int"]),
    ],
)
def test_a_line_that_is_wrong_is_refused_with_its_place(bad: bytes, faults: list[str]):
    for use in (LINES.raws, lambda text: list(LINES.envelopes(text))):
        with pytest.raises(DecodeError, match="; ".join(faults)) as caught:
            use(bad)
        assert len(caught.value.faults) == len(faults)


def test_a_body_that_is_wrong_is_refused_with_every_fault():
    body = {**line()["body"], "count": -6, "colour": "blue", "points": [{"power_kw": "1"}], "more": 1}
    with pytest.raises(PeerError, match=f"^{line()['sender']} published what is no sample: ") as caught:
        list(LINES.envelopes(content(line(body=body))))

    faults = str(caught.value).partition("no sample: ")[2].split("; ")
    paths = ["sample.count", "sample.colour", "sample.points[0].power_kw", "sample.more"]
    assert [fault.partition(": ")[0] for fault in faults if fault.startswith("sample.")] == paths
    LINES.raws(content(line(body=body)))


@given(st.binary(max_size=100))
def test_nothing_but_a_decode_error_comes_of_garbage(garbage: bytes):
    with suppress(DecodeError):
        assert list(LINES.envelopes(garbage)) == []


# Batches

lines_of_two = st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), st.binary(min_size=1, max_size=30)))


@given(added=lines_of_two, largest=st.integers(1, 60))
def test_a_batch_loses_nothing_keeps_the_order_and_cuts_where_it_must(added: list[tuple[str, bytes]], largest: int):
    batch = Batch(largest)
    for name, text in added:
        batch.add(name, text)
    assert bool(batch) == bool(added)
    taken = list(batch.take())

    names = list(dict.fromkeys(name for name, _ in added))
    assert list(dict.fromkeys(name for name, _ in taken)) == names
    for name in names:
        pieces = [text for taken_name, text in taken if taken_name == name]
        texts = [text for added_name, text in added if added_name == name]
        assert b"".join(pieces) == b"".join(texts)
        assert all(len(piece) <= largest or piece in texts for piece in pieces)
    assert not batch
    assert list(batch.take()) == []


def test_a_batch_fills_its_pieces():
    batch = Batch(10)
    for text in (b"aaaa", b"bbbb", b"cc", b"d" * 12, b"e", b"f" * 9, b"g" * 10, b"h"):
        batch.add("one", text)

    assert [text for _, text in batch.take()] == [b"aaaabbbbcc", b"d" * 12, b"e" + b"f" * 9, b"g" * 10, b"h"]
    batch.add("one", b"again")
    assert list(batch.take()) == [("one", b"again")]
