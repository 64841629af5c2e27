"""The journal: lines in, lines out; cut off; compared."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import Envelope, encode, field, message
from gridbus.kernel.journal import Comparison, DifferenceFound, JournalWriter, journal_line, read_journal


@message(topic="paid.{name}", senders=["*.*"], receivers=["*.*"])
class Paid:
    """A payment."""

    name: str = field("who")
    amount: Decimal = field("how much")
    parts: tuple[int, ...] = field("parts", default=())


def envelope(number: int = 1, **changes: Any) -> Envelope[Paid]:
    made = Paid("x", changes.get("amount", Decimal("1.50")), changes.get("parts", (1, 2)))
    return Envelope(made, "a.x", number, changes.get("instant", 10**9), 2)


def written(path: Path, frames: list[list[bytes]]) -> None:
    writer = JournalWriter(path)
    for frame in frames:
        writer.write(frame)
    writer.close()


def test_a_line_is_the_message_and_its_envelope():
    made = envelope()
    line = {"at": 10**9, "round": 2, "sender": "a.x", "sequence": 1, "message": "paid"}

    assert orjson.loads(journal_line(made)) == {**line, "body": orjson.loads(encode(made.message))}
    made.reply_to, made.conversation, made.revision, made.valid_until = "b.y#4", "b.y#1", 2, 99
    more = {"reply_to": "b.y#4", "conversation": "b.y#1", "revision": 2, "valid_until": 99}
    assert orjson.loads(journal_line(made)) == {**line, "body": orjson.loads(encode(made.message)), **more}


lines = st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"") + b"\n")


@given(st.lists(st.lists(lines, min_size=1, max_size=4), max_size=6))
@settings(max_examples=50, deadline=None)
def test_a_journal_of_several_frames_reads_whole(tmp_path_factory: Any, frames: list[list[bytes]]):
    path = tmp_path_factory.mktemp("journal") / "journal.zst"
    written(path, frames)

    assert list(read_journal(path)) == [line for frame in frames for line in frame]


def test_a_journal_larger_than_a_block_reads_whole(tmp_path: Path):
    frames = [[f"{frame}/{line}/{'x' * 80}\n".encode() for line in range(5000)] for frame in range(6)]
    written(tmp_path / "journal", frames)

    assert list(read_journal(tmp_path / "journal")) == [line for frame in frames for line in frame]


@pytest.mark.parametrize("size", [10, 5000])
@pytest.mark.parametrize("lost", [1, 20])
def test_of_a_journal_that_was_cut_off_only_the_last_frame_is_lost(tmp_path: Path, size: int, lost: int):
    frames = [[f"{frame}/{line}/{'x' * 80}\n".encode() for line in range(size)] for frame in range(4)]
    written(tmp_path / "journal", frames)
    whole = (tmp_path / "journal").read_bytes()
    (tmp_path / "journal").write_bytes(whole[:-lost])

    read = list(read_journal(tmp_path / "journal"))
    everything = [line for frame in frames for line in frame]
    assert read == everything[: len(read)]
    assert len(read) >= 3 * size


@given(st.lists(st.lists(lines, min_size=1, max_size=4), min_size=1, max_size=4), st.integers(1, 200))
@settings(max_examples=50, deadline=None)
def test_what_is_read_of_a_cut_journal_is_its_beginning(tmp_path_factory: Any, frames: list[list[bytes]], lost: int):
    path = tmp_path_factory.mktemp("journal") / "journal.zst"
    written(path, frames[:-1])
    before = path.stat().st_size
    written(path, frames)
    path.write_bytes(path.read_bytes()[: -min(lost, path.stat().st_size)])

    read = list(read_journal(path))
    everything = [line for frame in frames for line in frame]
    assert read == everything[: len(read)]
    if path.stat().st_size >= before:
        assert len(read) >= sum(map(len, frames[:-1]))


# Comparison


def difference(recorded: list[Envelope[Any]], replayed: list[Envelope[Any]]) -> list[str]:
    comparison = Comparison(iter([journal_line(each) for each in recorded]))
    lines: list[str] = []
    try:
        comparison.observe(replayed)
        comparison.finish()
    except DifferenceFound as found:
        lines = str(found).splitlines()
    assert bool(lines) or comparison.compared == len(recorded) == len(replayed)
    return lines


def test_equal_runs_have_no_difference():
    assert difference([envelope(1), envelope(2)], [envelope(1), envelope(2)]) == []


def test_the_first_difference_is_shown_with_its_fields():
    lines = difference(
        [envelope(1), envelope(2), envelope(3)],
        [envelope(1), envelope(2, amount=Decimal("1.49"), parts=(1, 3, 4)), envelope(3, amount=Decimal(0))],
    )

    assert lines == [
        "message 2: recorded paid a.x#2 at 1.000 s",
        "  body.amount: recorded '1.50', replayed '1.49'",
        "  body.parts[1]: recorded 2, replayed 3",
        "  body.parts[2]: recorded None, replayed 4",
    ]


def test_another_message_in_the_same_place_is_named():
    lines = difference([envelope(1)], [envelope(2, instant=2 * 10**9)])

    assert lines[:2] == [
        "message 1: recorded paid a.x#1 at 1.000 s",
        "message 1: replayed paid a.x#2 at 2.000 s",
    ]
    assert "  at: recorded 1000000000, replayed 2000000000" in lines


def test_a_message_too_many_is_a_difference():
    assert difference([envelope(1)], []) == ["message 1: only in the record: paid a.x#1 at 1.000 s"]
    assert difference([], [envelope(1)]) == ["message 1: only in the replay: paid a.x#1 at 1.000 s"]
