"""JSON: round trips, and every fault of what comes from outside with its path."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from math import inf, nan
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import DecodeError, Duration, Instant, decode, encode, field, message, value
from gridbus.kernel.codec import structured


class Colour(Enum):
    RED = "red"
    BLUE = "blue-ish"


@value
class Point:
    """A point of a curve."""

    power_kw: float = field("power", unit="kW", at_least=-10.0, at_most=10.0)
    price_per_kwh: float = field("price", unit="$/kWh")


@value
class Curve:
    """A structure in a structure."""

    points: tuple[Point, ...] = field("points", default=())
    colour: Colour = field("colour", default=Colour.RED)


@message(topic="order.{market}", senders=["*.*"], receivers=["*.*"])
class Order:
    """A short message with a list."""

    market: str = field("market")
    points: tuple[Point, ...] = field("points")
    quantity: int = field("quantity", default=1, above=0)


@message(topic="everything.{text}", senders=["*.*"], receivers=["*.*"])
class Everything:
    """One field of every kind."""

    text: str = field("text")
    number: float = field("number")
    integer: int = field("integer")
    flag: bool = field("flag")
    instant: Instant = field("instant")
    duration: Duration = field("duration")
    decimal: Decimal = field("decimal")
    date: datetime = field("date")
    colour: Colour = field("choice")
    point: Point = field("structure")
    curve: Curve = field("structure of lists")
    numbers: tuple[float, ...] = field("list")
    decimals: tuple[Decimal, ...] = field("list of what is converted")
    curves: tuple[Curve, ...] = field("list of structures of lists")
    matrix: tuple[tuple[int, ...], ...] = field("list of lists")
    perhaps: int | None = field("optional", default=None)
    perhaps_curve: Curve | None = field("optional structure", default=None)
    perhaps_list: tuple[Colour, ...] | None = field("optional list", default=None)
    holes: tuple[float | None, ...] = field("list of optional", default=())
    defaulted: str = field("with default", default="as ever")


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
integers = st.integers(-(2**63) + 1, 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.decimals(allow_nan=False, allow_infinity=False).filter(lambda d: abs(d.adjusted()) < 50)
# Offsets, not zones: Python holds that an hour that a zone has twice equals no date of another zone.
zones = st.sampled_from([UTC, timezone(timedelta(hours=-4)), timezone(timedelta(hours=9, minutes=30))])
dates = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=zones, allow_imaginary=False)  # noqa: DTZ001
colours = st.sampled_from(Colour)
points = st.builds(Point, st.floats(-10, 10), floats)
curves = st.builds(Curve, st.lists(points, max_size=2).map(tuple), colours)


def tuples(of: Any) -> Any:
    return st.lists(of, max_size=3).map(tuple)


everything = st.builds(
    Everything,
    text=text,
    number=floats,
    integer=integers,
    flag=st.booleans(),
    instant=integers,
    duration=integers,
    decimal=decimals,
    date=dates,
    colour=colours,
    point=points,
    curve=curves,
    numbers=tuples(floats),
    decimals=tuples(decimals),
    curves=tuples(curves),
    matrix=tuples(tuples(integers)),
    perhaps=st.none() | integers,
    perhaps_curve=st.none() | curves,
    perhaps_list=st.none() | tuples(colours),
    holes=tuples(st.none() | floats),
    defaulted=text,
)
EXAMPLE = Everything(
    text="x",
    number=1.5,
    integer=2,
    flag=True,
    instant=3,
    duration=4,
    decimal=Decimal("12.50"),
    date=datetime(2025, 7, 16, tzinfo=UTC),
    colour=Colour.BLUE,
    point=Point(1.0, 2.0),
    curve=Curve((Point(1.0, 2.0),)),
    numbers=(1.0, 2.0),
    decimals=(Decimal("0.10"),),
    curves=(Curve(),),
    matrix=((1, 2), ()),
)


@given(everything)
@settings(max_examples=50, deadline=None)
def test_what_is_encoded_decodes_to_the_same(made: Everything):
    assert decode(Everything, encode(made)) == made


@given(everything)
@settings(max_examples=25, deadline=None)
def test_encoding_is_a_function_of_the_value(made: Everything):
    assert encode(decode(Everything, encode(made))) == encode(made)


def test_the_encoded_form_is_plain_json():
    """Against the form written out by hand."""
    assert orjson.loads(encode(EXAMPLE)) == {
        "text": "x",
        "number": 1.5,
        "integer": 2,
        "flag": True,
        "instant": 3,
        "duration": 4,
        "decimal": "12.50",
        "date": "2025-07-16T00:00:00+00:00",
        "colour": "blue-ish",
        "point": {"power_kw": 1.0, "price_per_kwh": 2.0},
        "curve": {"points": [{"power_kw": 1.0, "price_per_kwh": 2.0}], "colour": "red"},
        "numbers": [1.0, 2.0],
        "decimals": ["0.10"],
        "curves": [{"points": [], "colour": "red"}],
        "matrix": [[1, 2], []],
        "perhaps": None,
        "perhaps_curve": None,
        "perhaps_list": None,
        "holes": [],
        "defaulted": "as ever",
    }


# Hostile bytes

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def decoded_or_refused(payload: bytes) -> None:
    """Either a message, or a DecodeError with at least one fault; nothing else."""
    made, faults = None, ()
    try:
        made = decode(Everything, payload)
    except DecodeError as error:
        faults = error.faults
    assert (made is None) == bool(faults)
    assert all(fault.path.startswith("everything") for fault in faults)
    assert made is None or decode(Everything, encode(made)) == made


@given(st.binary(max_size=60))
def test_bytes_are_refused_with_a_decode_error(payload: bytes):
    decoded_or_refused(payload)


@given(st.integers(0, 600), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_a_message_with_one_byte_changed_is_refused_or_still_a_message(position: int, byte: int):
    payload = bytearray(encode(EXAMPLE))
    payload[position % len(payload)] = byte
    decoded_or_refused(bytes(payload))


@given(st.sampled_from(sorted(orjson.loads(encode(EXAMPLE)))), json_values)
@settings(max_examples=80, deadline=None)
def test_a_field_replaced_by_anything_is_refused_or_fits(name: str, anything: object):
    raw = orjson.loads(encode(EXAMPLE))
    raw[name] = anything
    made, faults = structured(Everything, raw, "everything")
    assert (made is None) == bool(faults)
    assert all(fault.path.startswith(f"everything.{name}") for fault in faults)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"[" * 100_000,
        b'{"text": "\\ud800"}',
        b"NaN",
        b'{"number": 1e999}',
    ],
)
def test_notorious_payloads_are_refused(payload: bytes):
    with pytest.raises(DecodeError) as caught:
        decode(Everything, payload)

    assert len(str(caught.value)) < 2000


# Faults


def faults_of(raw: Any) -> list[str]:
    made, faults = structured(Order, raw, "order")
    assert made is None
    return [str(fault) for fault in faults]


def point(power: Any = 1.0, price: Any = 2.0) -> dict[str, Any]:
    return {"power_kw": power, "price_per_kwh": price}


def test_every_fault_is_reported_at_once_with_its_path():
    raw = {
        "market": 3,
        "points": [point(), point(power=11), 7, point(price="x"), {"power_kw": None, "colour": "red"}],
        "quantity": 0,
        "qantity": 2,
    }

    assert faults_of(raw) == [
        "order.market: expected text, got 3",
        "order.points[1].power_kw: expected a number of at most 10, got 11",
        "order.points[2]: expected an object, got 7",
        'order.points[3].price_per_kwh: expected a number, got "x"',
        "order.points[4].power_kw: expected a number, got null",
        "order.points[4].price_per_kwh: missing, and it has no default",
        "order.points[4].colour: unknown; known are power_kw, price_per_kwh",
        "order.quantity: expected a number above 0, got 0",
        "order.qantity: unknown; known are market, points, quantity",
    ]


def test_a_decode_error_carries_the_faults():
    payload = b'{"market": "retail", "points": [{"power_kw": 1, "price_per_kwh": "x"}]}'

    with pytest.raises(DecodeError) as caught:
        decode(Order, payload)

    assert str(caught.value) == 'order.points[0].price_per_kwh: expected a number, got "x"'
    assert [fault.path for fault in caught.value.faults] == ["order.points[0].price_per_kwh"]


@pytest.mark.parametrize(
    ("power", "complaint"),
    [
        (-10, None),
        (10, None),
        (-10.5, "expected a number of at least -10, got -10.5"),
        (10.5, "expected a number of at most 10, got 10.5"),
        (nan, "expected a number, got nan"),
        (inf, "expected a number, got inf"),
        (10**400, f"expected a number, got 1{'0' * 56}..."),
        (True, "expected a number, got true"),
        ("1", 'expected a number, got "1"'),
    ],
)
def test_a_number_is_finite_and_within_its_bounds(power: object, complaint: str | None):
    raw = {"market": "m", "points": [point(power=power)]}
    made, faults = structured(Order, raw, "order")

    assert [fault.complaint for fault in faults] == ([] if complaint is None else [complaint])
    assert (made is None) == (complaint is not None)


@pytest.mark.parametrize(
    ("field_name", "raw", "expected"),
    [
        ("integer", 1.0, "a whole number"),
        ("integer", True, "a whole number"),
        ("integer", 2**63, "a whole number of 64 bits"),
        ("flag", 1, "true or false"),
        ("decimal", 1.5, "a decimal number as text"),
        ("decimal", "NaN", "a decimal number as text"),
        ("decimal", "1e3", "a decimal number as text"),
        ("decimal", "1_0", "a decimal number as text"),
        ("decimal", "\uff11", "a decimal number as text"),
        ("decimal", "1e999999999", "a decimal number as text"),
        ("date", "2025-07-16T00:00:00", "a date with zone"),
        ("date", "yesterday", "a date with zone"),
        ("date", 5, "a date with zone"),
        ("colour", "BLUE", "one of red, blue-ish"),
        ("colour", ["red"], "one of red, blue-ish"),
        ("numbers", {}, "a list"),
        ("perhaps_list", "red", "a list"),
    ],
)
def test_each_kind_says_what_it_expects(field_name: str, raw: object, expected: str):
    given_values = {**orjson.loads(encode(EXAMPLE)), field_name: raw}
    _, faults = structured(Everything, given_values, "everything")

    assert [fault.path for fault in faults] == [f"everything.{field_name}"]
    assert faults[0].complaint.startswith(f"expected {expected}")


def test_missing_keys_take_their_defaults():
    raw = orjson.loads(encode(EXAMPLE))
    for name in ("perhaps", "perhaps_curve", "perhaps_list", "holes", "defaulted"):
        del raw[name]

    assert decode(Everything, orjson.dumps(raw)) == EXAMPLE


@pytest.mark.parametrize("amount", ["1E+3", "0E-7", "-0", "1E-10", "123.4500"])
def test_decimals_are_written_out_without_exponent(amount: str):
    """As the printed contract says; readers in other languages need not know exponents."""

    @value
    class Bill:
        amount: Decimal = field("money")

    payload = orjson.loads(encode(Bill(Decimal(amount))))

    assert "e" not in payload["amount"].lower()
    assert Decimal(payload["amount"]) == Decimal(amount)
