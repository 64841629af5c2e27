"""Messages as columns: the Arrow schema of a message class and the table of many messages.

A nested structure becomes columns with dotted names (``curve.price_per_kwh``), a list of structures one list column
per field, an instant a UTC timestamp.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
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
"""Name, how to get the value from the object, type, and unit."""

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

    def table(self, envelopes: list[Envelope[Any]]) -> pa.Table:
        """The messages as a table, one row each."""
        messages = [envelope.message for envelope in envelopes]
        arrays = [self._array(getter, kind, messages) for _, getter, kind, _ in self._body]
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
            return [(f"{name}.{n}", _chain(attrgetter(name), g), kind, u) for n, g, kind, u in inner]
        case Maybe(of=Structure(fields=fields)):
            inner = [column for f in fields for column in _columns(f.name, f.shape, f.unit)]
            return [(f"{name}.{n}", _optional(attrgetter(name), g), kind, u) for n, g, kind, u in inner]
        case Maybe(of=of):
            return _columns(name, of, unit)
        case Listing(of=Structure(fields=fields)):
            inner = [column for f in fields for column in _columns(f.name, f.shape, f.unit)]
            return [(f"{name}.{n}", _each(attrgetter(name), g), pa.list_(kind), u) for n, g, kind, u in inner]
        case Listing(of=of):
            ((_, getter, kind, _),) = _columns("it", of, unit)
            plain = isinstance(of, Scalar)
            return [(name, attrgetter(name) if plain else _each(attrgetter(name), _item(getter)), pa.list_(kind), unit)]
        case Choice():
            return [(name, _choice(attrgetter(name)), pa.string(), unit)]
        case Scalar(kind=scalar):
            return [(name, attrgetter(name), _TYPES[scalar], unit)]
    raise UsageError(f"{name} cannot be a column")


class _Holder:
    """Gives the element of a list the place of a field, so that one getter serves both."""

    __slots__ = ("it",)

    def __init__(self, it: object) -> None:
        self.it = it


def _item(getter: Getter) -> Getter:
    return lambda value: getter(_Holder(value))


def _chain(outer: Getter, inner: Getter) -> Getter:
    return lambda message: inner(outer(message))


def _optional(outer: Getter, inner: Getter) -> Getter:
    return lambda message: None if (part := outer(message)) is None else inner(part)


def _each(outer: Getter, inner: Getter) -> Getter:
    return lambda message: None if (parts := outer(message)) is None else [inner(part) for part in parts]


def _choice(getter: Getter) -> Getter:
    return lambda message: None if (member := getter(message)) is None else member.value
