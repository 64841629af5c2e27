"""Records: what is in the tables is what was published; parts are whole or absent; digests."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from math import inf, nextafter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import Calendar, Duration, Envelope, Instant, UsageError, field, message, records, value
from gridbus.kernel.columns import Columns
from gridbus.kernel.records import (
    DigestObserver,
    Recorder,
    next_folder,
    read_manifest,
    read_table,
    table_names,
    versions,
)


class Quality(Enum):
    GOOD = "good"
    POOR = "poor"


@value
class Point:
    """A point."""

    power_kw: float = field("power", unit="kW")
    at: Instant = field("when", default=0)


@value
class Curve:
    """A curve."""

    points: tuple[Point, ...] = field("points")
    offset_kw: float = field("offset", unit="kW", default=0.0)


@message(topic="measured.{meter}", senders=["*.*"], receivers=["*.*"])
class Measured:
    """One field of every kind of column."""

    meter: str = field("meter")
    power_kw: float = field("power", unit="kW")
    count: int = field("count")
    valid: bool = field("flag")
    begin: Instant = field("instant")
    span: Duration = field("duration")
    amount: Decimal = field("money", unit="$")
    date: datetime = field("date")
    quality: Quality = field("choice")
    curve: Curve = field("structure with a list of structures")
    points: tuple[Point, ...] = field("list of structures")
    instants: tuple[Instant, ...] = field("list of instants")
    qualities: tuple[Quality, ...] = field("list of choices")
    table: tuple[tuple[Instant, ...], ...] = field("list of lists of instants")
    limit_kw: float | None = field("optional", unit="kW", default=None)
    spare: Curve | None = field("optional structure", default=None)


@message(topic="plain.{name}", senders=["*.*"], receivers=["*.*"])
class Plain:
    """A short message."""

    name: str = field("name")
    number: float = field("number")


CALENDAR = Calendar(datetime(2025, 7, 16, 22, tzinfo=timezone(timedelta(hours=-4))))
EPOCH = pd.Timestamp("2025-07-17T02:00:00Z")

floats = st.floats(allow_nan=False, allow_infinity=False)
instants = st.integers(0, 10**15)
names = st.sampled_from(["m1", "m2"])


def tuples(of: Any) -> Any:
    return st.lists(of, max_size=3).map(tuple)


curves = st.builds(Curve, tuples(st.builds(Point, floats, instants)), floats)
measured = st.builds(
    Measured,
    meter=names,
    power_kw=floats,
    count=st.integers(-(2**63) + 1, 2**63 - 1),
    valid=st.booleans(),
    begin=instants,
    span=instants,
    amount=st.decimals(-1_000_000, 1_000_000, places=6),
    date=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    quality=st.sampled_from(Quality),
    curve=curves,
    points=tuples(st.builds(Point, floats, instants)),
    instants=tuples(instants),
    qualities=tuples(st.sampled_from(Quality)),
    table=tuples(tuples(instants)),
    limit_kw=st.none() | floats,
    spare=st.none() | curves,
)


def enveloped(messages: list[Any], sender: str = "a.x") -> list[Envelope[Any]]:
    return [Envelope(each, sender, n, n * 1000, n % 3) for n, each in enumerate(messages, start=1)]


def recorded(folder: Path, envelopes: list[Envelope[Any]], rounds: int = 1) -> str:
    """Record envelopes in a number of rounds; returns the digest."""
    recorder = Recorder(folder, CALENDAR, {"seed": 1})
    size = max(1, -(-len(envelopes) // rounds))
    for start in range(0, len(envelopes), size):
        recorder.observe(envelopes[start : start + size])
    return recorder.close("done", {})


def date(instant: int) -> pd.Timestamp:
    return EPOCH + pd.Timedelta(instant, unit="ns")


def dated(value: Any) -> Any:
    """A list of instants as pandas shows it, at any depth."""
    if isinstance(value, tuple):
        return [dated(each) for each in value]
    return date(value)


def listed(value: Any) -> Any:
    """What pandas shows in a list column, as lists of timestamps in UTC or plain values."""
    if hasattr(value, "tolist") and getattr(value, "ndim", 0):
        return [listed(each) for each in value]
    stamp = isinstance(value, pd.Timestamp) or type(value).__name__ == "datetime64"
    return pd.Timestamp(value).tz_localize("UTC") if stamp and pd.Timestamp(value).tzinfo is None else value


# Tables


@given(st.lists(measured, min_size=1, max_size=4))
@settings(max_examples=12, deadline=None)
def test_a_table_read_by_pandas_holds_what_was_published(tmp_path_factory: Any, messages: list[Measured]):
    folder = tmp_path_factory.mktemp("run")
    recorded(folder, enveloped(messages))
    frame = pd.read_parquet(folder / "measured")

    def column(name: str) -> list[Any]:
        return [listed(each) for each in frame[name].astype(object).where(frame[name].notna(), None)]

    assert column("meter") == [m.meter for m in messages]
    assert column("power_kw") == [m.power_kw for m in messages]
    assert column("count") == [m.count for m in messages]
    assert column("valid") == [m.valid for m in messages]
    assert column("begin") == [date(m.begin) for m in messages]
    assert column("span") == [pd.Timedelta(m.span, unit="ns") for m in messages]
    assert column("amount") == [m.amount for m in messages]
    assert column("date") == [pd.Timestamp(m.date) for m in messages]
    assert column("quality") == [m.quality.value for m in messages]
    assert column("curve.offset_kw") == [m.curve.offset_kw for m in messages]
    assert column("curve.points.power_kw") == [[p.power_kw for p in m.curve.points] for m in messages]
    assert column("curve.points.at") == [[date(p.at) for p in m.curve.points] for m in messages]
    assert column("points.power_kw") == [[p.power_kw for p in m.points] for m in messages]
    assert column("points.at") == [[date(p.at) for p in m.points] for m in messages]
    assert column("instants") == [dated(m.instants) for m in messages]
    assert column("qualities") == [[q.value for q in m.qualities] for m in messages]
    assert column("table") == [dated(m.table) for m in messages]
    assert column("limit_kw") == [m.limit_kw for m in messages]
    assert column("spare.offset_kw") == [m.spare and m.spare.offset_kw for m in messages]
    spare = [None if m.spare is None else [p.power_kw for p in m.spare.points] for m in messages]
    assert column("spare.points.power_kw") == spare
    assert frame["begin"].dtype == "datetime64[ns, UTC]"
    assert frame["span"].dtype == "timedelta64[ns]"


def test_a_table_tells_the_envelope_of_each_message(tmp_path: Path):
    first, second = enveloped([Plain("x", 1.0), Plain("x", 2.0)])
    second.reply_to, second.conversation = first.id, first.conversation
    second.valid_until, second.revision = 5_000, 3
    recorded(tmp_path / "run", [first, second])
    rows = pd.read_parquet(tmp_path / "run" / "plain").to_dict("records")

    assert rows[1] == {
        "name": "x",
        "number": 2.0,
        "published": date(2000),
        "round": 2,
        "sender": "a.x",
        "sequence": 2,
        "revision": 3,
        "valid_until": date(5000),
        "conversation": "a.x#1",
        "reply_to": "a.x#1",
    }
    assert pd.isna(rows[0]["reply_to"])
    assert pd.isna(rows[0]["valid_until"])


def test_columns_carry_their_units():
    schema = Columns(Measured, CALENDAR).schema

    units = {f.name: f.metadata[b"unit"].decode() for f in schema if f.metadata}
    assert units["power_kw"] == units["curve.points.power_kw"] == units["points.power_kw"] == "kW"
    assert units["amount"] == "$"
    assert "count" not in units


def test_a_field_cannot_have_the_name_of_an_envelope_column():
    @message(topic="clash.{name}", senders=["*.*"], receivers=["*.*"])
    class Clash:
        name: str = field("name")
        sender: str = field("taken by the envelope")

    with pytest.raises(UsageError, match="Clash: sender belong to the envelope"):
        Columns(Clash, CALENDAR)


@pytest.mark.parametrize(("rows", "parts"), [(1, 1), (3, 1), (4, 2), (10, 4)])
def test_a_table_is_split_into_parts_and_keeps_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, parts: int
):
    monkeypatch.setattr(records, "PART_ROWS", 3)
    monkeypatch.setattr(records, "_FLUSH_AFTER", 2)
    recorded(tmp_path / "run", enveloped([Plain("x", n) for n in range(rows)]), rounds=rows)

    table = read_table(tmp_path / "run", "plain")
    assert table["number"].to_pylist() == list(range(rows))
    assert len(list((tmp_path / "run" / "plain").iterdir())) == parts
    summary = read_manifest(tmp_path / "run")["tables"]["plain"]
    assert (summary["rows"], summary["parts"]) == (rows, parts)
    assert table_names(tmp_path / "run") == ["plain"]


def test_a_write_that_fails_half_way_leaves_no_visible_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As a kill or a full disk: the parts before it are whole, the manifest says that the run failed."""
    monkeypatch.setattr(records, "PART_ROWS", 2)
    monkeypatch.setattr(records, "_FLUSH_AFTER", 1)
    written: list[Path] = []

    def write_table(table: pa.Table, where: Path, **options: Any) -> None:
        pq.write_table(table, where, **options)
        written.append(where)
        if len(written) > 1:
            where.write_bytes(where.read_bytes()[:100])
            raise OSError("no space left on device")

    monkeypatch.setattr(records, "pq", SimpleNamespace(write_table=write_table, read_table=pq.read_table))
    recorder = Recorder(tmp_path / "run", CALENDAR, {})
    recorder.observe(enveloped([Plain("x", n) for n in range(2)]))
    # The writing goes on beside the run: the run hears of the failure with the next part, or when it ends.
    recorder.observe(enveloped([Plain("x", n) for n in range(2)]))
    with pytest.raises(OSError, match="no space left"):
        recorder.close("done", {})

    visible = [path.name for path in (tmp_path / "run" / "plain").glob("[!.]*")]
    assert visible == ["part-00000.parquet"]
    assert pd.read_parquet(tmp_path / "run" / "plain")["number"].tolist() == [0.0, 1.0]
    manifest = read_manifest(tmp_path / "run")
    assert manifest["state"] == "failed"
    assert "no space left on device" in manifest["error"]


def test_a_folder_in_use_says_that_the_run_goes_on(tmp_path: Path):
    recorder = Recorder(tmp_path, CALENDAR, {"seed": 7})

    manifest = read_manifest(tmp_path)
    assert (manifest["state"], manifest["seed"]) == ("running", 7)
    assert manifest["versions"]["pyarrow"] == pa.__version__
    recorder.close("done", {"more": 1})
    assert (read_manifest(tmp_path)["state"], read_manifest(tmp_path)["more"]) == ("done", 1)


# Folders


def test_a_folder_that_holds_something_is_refused(tmp_path: Path):
    (tmp_path / "precious").touch()
    with pytest.raises(UsageError, match="is not empty; name another folder"):
        Recorder(tmp_path, CALENDAR, {})
    with pytest.raises(UsageError, match="cannot be used for the records"):
        Recorder(tmp_path / "precious", CALENDAR, {})

    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_the_next_folder_is_the_first_free_number(tmp_path: Path):
    assert next_folder(tmp_path / "runs", "day").name == "day-001"
    for taken in ("day-001", "day-002", "day-004", "night-003"):
        (tmp_path / taken).mkdir()

    assert next_folder(tmp_path, "day").name == "day-003"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "is no run folder: it has no manifest.json"),
        (b"{", "cannot be read"),
        (b"[]", "is not a manifest"),
    ],
)
def test_a_folder_without_a_manifest_is_no_run_folder(tmp_path: Path, content: bytes | None, text: str):
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(UsageError, match=text):
        read_manifest(tmp_path)


def test_a_table_that_is_not_there_is_named_with_those_that_are(tmp_path: Path):
    recorded(tmp_path / "run", enveloped([Plain("x", 1)]))
    with pytest.raises(UsageError, match="has no table 'order'; it has plain"):
        read_table(tmp_path / "run", "order")


def test_versions_tell_what_is_not_installed():
    assert versions(["pyarrow", "no-such-package-at-all"]) == {
        "pyarrow": pa.__version__,
        "no-such-package-at-all": "not installed",
    }


# Digests

finite = st.floats(-1e300, 1e300)
plains = st.lists(st.builds(Plain, names, finite), min_size=1, max_size=6)


@given(plains, st.integers(1, 4), st.integers(1, 4), st.integers(1, 6))
@settings(max_examples=12, deadline=None)
def test_the_digest_does_not_depend_on_parts_or_rounds(
    tmp_path_factory: Any, messages: list[Plain], part_rows: int, flush_after: int, rounds: int
):
    observer = DigestObserver()
    observer.observe(enveloped(messages))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "PART_ROWS", part_rows)
        patch.setattr(records, "_FLUSH_AFTER", flush_after)
        digest = recorded(tmp_path_factory.mktemp("run"), enveloped(messages), rounds)

    assert digest == observer.digest()


@given(plains, st.data())
@settings(max_examples=30, deadline=None)
def test_the_digest_changes_with_one_bit(messages: list[Plain], data: Any):
    def digest(envelopes: list[Envelope[Any]]) -> str:
        observer = DigestObserver()
        observer.observe(envelopes)
        return observer.digest()

    position = data.draw(st.integers(0, len(messages) - 1))
    changed = list(messages)
    changed[position] = Plain(changed[position].name, nextafter(changed[position].number, inf))

    assert digest(enveloped(messages)) == digest(enveloped(messages))
    assert digest(enveloped(changed)) != digest(enveloped(messages))
    assert digest(enveloped(messages, "a.y")) != digest(enveloped(messages))
    assert digest(enveloped(messages)[1:]) != digest(enveloped(messages))
