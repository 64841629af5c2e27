"""The shape of a class: what its fields are, in one tree that every other part reads.

The codec, the tables of the records, the printed contract and the check of scenario files are all derived
from it, so that a field is described once, where it is declared.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

import attrs

from .errors import UsageError

C = TypeVar("C", bound=type)
T = TypeVar("T")


class Kind(Enum):
    """What a single value is."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "true or false"
    INSTANT = "instant"
    DURATION = "duration"
    DECIMAL = "decimal"
    DATE = "date with zone"


_KINDS = {
    str: Kind.TEXT,
    float: Kind.NUMBER,
    int: Kind.INTEGER,
    bool: Kind.FLAG,
    Decimal: Kind.DECIMAL,
    datetime: Kind.DATE,
}


@attrs.frozen
class Scalar:
    """A single value."""

    kind: Kind


@attrs.frozen
class Choice:
    """One value of an enumeration."""

    enum: type[Enum]

    @property
    def values(self) -> tuple[str, ...]:
        """The values as they are written."""
        return tuple(str(member.value) for member in self.enum)


@attrs.frozen
class Listing:
    """Any number of values of one shape."""

    of: Shape


@attrs.frozen
class Maybe:
    """A value that may be absent."""

    of: Shape


@attrs.frozen
class Field:
    """A field of a structure with all that is known of it."""

    name: str
    shape: Shape
    description: str
    unit: str
    required: bool
    at_least: float | None
    at_most: float | None
    above: float | None


@attrs.frozen
class Structure:
    """A class with described fields."""

    cls: type
    fields: tuple[Field, ...]


Shape = Scalar | Choice | Listing | Maybe | Structure


def field(
    description: str,
    *,
    unit: str = "",
    default: Any = attrs.NOTHING,
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
) -> Any:
    """Declare a field of a ``value`` or ``message`` class: what it is, its unit, default and bounds."""
    bounds = {"at_least": at_least, "at_most": at_most, "above": above}
    return attrs.field(default=default, metadata={"description": description, "unit": unit, **bounds})


def frozen(cls: C) -> C:
    """Make a slotted class that cannot be changed once made.

    ``attrs.frozen`` sets every attribute through ``object.__setattr__``; guarding only later assignments
    says the same and constructs in a third of the time.
    """
    made: C = attrs.define(slots=True, on_setattr=attrs.setters.frozen, unsafe_hash=True)(cls)
    return made


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: C) -> C:
    """Class decorator for a frozen structure with described fields: a part of messages, or settings."""
    return frozen(cls)


def evolved(made: T, **changes: object) -> T:
    """A copy of a ``value`` or ``message`` with some fields changed."""
    copy: T = attrs.evolve(made, **changes)  # type: ignore[misc]
    return copy


@cache
def structure_of(cls: type) -> Structure:
    """The shape of an attrs class.

    Raises:
        UsageError: a field has a type that has no place in a message; says which.
    """
    hints = get_type_hints(cls, include_extras=True)
    fields = []
    for attribute in attrs.fields(cls):
        if not attribute.init:
            continue
        note = attribute.metadata
        fields.append(
            Field(
                name=attribute.name,
                shape=_shape(hints[attribute.name], f"{cls.__name__}.{attribute.name}"),
                description=note.get("description", ""),
                unit=note.get("unit", ""),
                required=attribute.default is attrs.NOTHING,
                at_least=note.get("at_least"),
                at_most=note.get("at_most"),
                above=note.get("above"),
            )
        )
    return Structure(cls, tuple(fields))


def _shape(hint: object, where: str) -> Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return Scalar(Kind(arguments[1])) if arguments[1] in ("instant", "duration") else _shape(arguments[0], where)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return Listing(_shape(arguments[0], where))
    if origin in (Union, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
        return Maybe(_shape(next(a for a in arguments if a is not type(None)), where))
    if isinstance(hint, type):
        if hint in _KINDS:
            return Scalar(_KINDS[hint])
        if issubclass(hint, Enum) and all(isinstance(member.value, str) for member in hint):
            return Choice(hint)
        if attrs.has(hint):
            return structure_of(hint)
    raise UsageError(
        f"{where} has type {hint!r}; a message holds str, float, int, bool, Decimal, datetime, Instant, Duration, "
        "an Enum of texts, another value class, tuple[T, ...] of these, or one of these with | None"
    )


def default_of(cls: type, name: str) -> object:
    """The default of a field, made anew where it is a factory."""
    default = getattr(attrs.fields(cls), name).default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        factory: Callable[[], object] = default.factory
        return factory()
    return default
