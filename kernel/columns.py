"""Messages as columns: the Arrow schema of a message class and the table of many messages.

A nested structure becomes columns with dotted names (``curve.price_per_kwh``), a list of structures one list column
per field, an instant a UTC timestamp.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .envelope import Envelope
from .errors import UsageError
from .instant import Calendar
from .shape import Choice, Kind, Listing, Maybe, Scalar, Shape, Structure, structure_of

_TIMESTAMP = pa.timestamp("ns", tz="UTC")
_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.NUMBER: pa.float64(),
    Kind.INTEGER: pa.int64(),
    Kind.FLAG: pa.bool_(),
    Kind.INSTANT: _TIMESTAMP,
    Kind.DURATION: pa.duration("ns"),
    Kind.DECIMAL: pa.decimal128(24, 6),
    Kind.DATE: pa.timestamp("us", tz="UTC"),
}

Getter = Callable[[Any], Any]
Column = tuple[str, Getter, pa.DataType, str]
"""Name, how to get the value from the encoded message or the envelope, type, and unit."""

_ENVELOPE: tuple[Column, ...] = (
    ("published", attrgetter("instant"), _TIMESTAMP, ""),
    ("round", attrgetter("round"), pa.int32(), ""),
    ("sender", attrgetter("sender"), pa.string(), ""),
    ("sequence", attrgetter("sequence"), pa.int64(), ""),
    ("revision", attrgetter("revision"), pa.int32(), ""),
    ("valid_until", attrgetter("valid_until"), _TIMESTAMP, ""),
    ("conversation", attrgetter("began"), pa.string(), ""),
    ("reply_to", attrgetter("reply_to"), pa.string(), ""),
)


class Columns:
    """The columns of a message class: those of its fields, then those of its envelope."""

    def __init__(self, cls: type, calendar: Calendar) -> None:
        self._epoch_ns = calendar.epoch_ns
        self._body = [column for f in structure_of(cls).fields for column in _columns(f.name, f.shape, f.unit)]
        if clash := {name for name, *_ in self._body} & {name for name, *_ in _ENVELOPE}:
            raise UsageError(f"{cls.__name__}: {', '.join(sorted(clash))} belong to the envelope; rename the field")

    @property
    def schema(self) -> pa.Schema:
        """The schema; the unit of a column is in its metadata."""
        return pa.schema(
            pa.field(name, kind, metadata={"unit": unit} if unit else None)
            for name, _, kind, unit in (*self._body, *_ENVELOPE)
        )

    def table(self, envelopes: list[Envelope[Any]], bodies: list[dict[str, Any]]) -> pa.Table:
        """The messages as a table, one row each, from their encoded form."""
        arrays = [self._array(getter, kind, bodies) for _, getter, kind, _ in self._body]
        arrays += [self._array(getter, kind, envelopes) for _, getter, kind, _ in _ENVELOPE]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _array(self, getter: Getter, kind: pa.DataType, objects: list[Any]) -> pa.Array:
        values = list(map(getter, objects))
        if kind == _TIMESTAMP:
            instants = pa.array(values, pa.int64())
            return pc.add(instants, pa.scalar(self._epoch_ns, pa.int64())).cast(kind)
        inner = kind
        while pa.types.is_list(inner):
            inner = inner.value_type
        if inner == _TIMESTAMP:
            values = [self._timestamp(value) for value in values]
        return pa.array(values, kind)

    def _timestamp(self, value: Any) -> Any:
        """An instant, or a list of them, from the Unix epoch; what is absent as it is."""
        if isinstance(value, list | tuple):
            return [self._timestamp(each) for each in value]
        return None if value is None else value + self._epoch_ns


def _columns(name: str, shape: Shape, unit: str) -> list[Column]:
    match shape:
        case Structure(fields=fields):
            inner = [column for f in fields for column in _columns(f.name, f.shape, f.unit)]
            return [(f"{name}.{n}", _chain(itemgetter(name), g), kind, u) for n, g, kind, u in inner]
        case Maybe(of=Structure(fields=fields)):
            inner = [column for f in fields for column in _columns(f.name, f.shape, f.unit)]
            return [(f"{name}.{n}", _optional(itemgetter(name), g), kind, u) for n, g, kind, u in inner]
        case Maybe(of=of):
            return _columns(name, of, unit)
        case Listing(of=Structure(fields=fields)):
            inner = [column for f in fields for column in _columns(f.name, f.shape, f.unit)]
            return [(f"{name}.{n}", _each(itemgetter(name), g), pa.list_(kind), u) for n, g, kind, u in inner]
        case Listing(of=of):
            ((_, getter, kind, _),) = _columns("it", of, unit)
            plain = isinstance(of, Choice) or (isinstance(of, Scalar) and of.kind not in _CONVERTED)
            return [(name, itemgetter(name) if plain else _each(itemgetter(name), _item(getter)), pa.list_(kind), unit)]
        case Choice():
            return [(name, itemgetter(name), pa.string(), unit)]
        case Scalar(kind=scalar):
            getter = itemgetter(name)
            converted = _converted(getter, _CONVERTED[scalar]) if scalar in _CONVERTED else getter
            return [(name, converted, _TYPES[scalar], unit)]
    raise UsageError(f"{name} cannot be a column")


def _date(text: datetime | str) -> datetime:
    return text if isinstance(text, datetime) else datetime.fromisoformat(text)


_CONVERTED: dict[Kind, Callable[[Any], Any]] = {Kind.DECIMAL: Decimal, Kind.DATE: _date}
"""What is text in the encoded form of a message and something else in its column."""


def _item(getter: Getter) -> Getter:
    """Gives the element of a list the place of a field, so that one getter serves both."""
    return lambda value: getter({"it": value})


def _converted(getter: Getter, convert: Callable[[Any], Any]) -> Getter:
    return lambda body: None if (value := getter(body)) is None else convert(value)


def _chain(outer: Getter, inner: Getter) -> Getter:
    return lambda body: inner(outer(body))


def _optional(outer: Getter, inner: Getter) -> Getter:
    return lambda body: None if (part := outer(body)) is None else inner(part)


def _each(outer: Getter, inner: Getter) -> Getter:
    return lambda body: None if (parts := outer(body)) is None else [inner(part) for part in parts]
