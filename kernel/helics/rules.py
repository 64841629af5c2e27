"""Values to messages and messages to values, without HELICS itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import attrs

from ..codec import structured
from ..errors import PeerError, UsageError
from ..instant import Instant
from ..message import declaration_of, is_token
from ..shape import Choice, Field, Kind, Listing, Maybe, Scalar, Shape
from .units import Conversion, conversion

Value = float | int | bool | str | complex | list[float]
"""What HELICS can carry, in Python's types."""

_NUMBERS = (Kind.NUMBER, Kind.DECIMAL)
_WHOLE = (Kind.INTEGER, Kind.INSTANT, Kind.DURATION)


# Values that come in


@attrs.frozen
class Slot:
    """A field that one HELICS publication fills."""

    key: str
    field: Field
    unit: str

    def plain(self, raw: Value, declared_unit: str) -> object:
        """A value as the codec takes it, in the field's unit, from the unit that its federate declares.

        Raises:
            PeerError: the value or its unit does not fit the field; names the publication.
        """
        try:
            unit = self.field.unit
            return _plain(self.field.shape, raw, conversion(declared_unit or self.unit or unit, unit) if unit else None)
        except (UsageError, ValueError, OverflowError) as error:
            where = f"{self.field.name} [{self.field.unit}]" if self.field.unit else self.field.name
            raise PeerError(f"the HELICS publication {self.key} sent {raw!r} for {where}: {error}") from None


def _plain(shape: Shape, raw: Value, convert: Conversion | None) -> object:
    match shape:
        case Maybe(of=of):
            return _plain(of, raw, convert)
        case Listing(of=of) if isinstance(raw, list):
            return [_plain(of, entry, convert) for entry in raw]
        case Scalar(kind=kind) if kind in _NUMBERS:
            number = _number(raw) if convert is None else convert(_number(raw))
            return number if kind is Kind.NUMBER else repr(number)
        case Scalar(kind=kind) if kind in _WHOLE:
            number = _number(raw)
            if convert is None and isinstance(raw, int):
                return int(raw)
            return _whole(number if convert is None else convert(number))
        case Scalar(kind=Kind.FLAG):
            return _flag(raw)
        case Scalar(kind=Kind.DATE) if isinstance(raw, str):
            return datetime.fromisoformat(raw)
        case Scalar(kind=Kind.TEXT) | Choice() if isinstance(raw, str):
            return raw
    raise ValueError(f"a value of type {type(raw).__name__} does not fit")


def _number(raw: Value) -> float:
    if isinstance(raw, list):
        raise ValueError("a list is no number")
    return raw.real if isinstance(raw, complex) else float(raw)


def _whole(number: float) -> int:
    if number != round(number):
        raise ValueError("expected a whole number")
    return round(number)


def _flag(raw: Value) -> bool:
    known: dict[object, bool] = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}
    found = known.get(raw.lower() if isinstance(raw, str) else raw) if not isinstance(raw, list) else None
    if found is None:
        raise ValueError("expected true or false")
    return found


@attrs.frozen
class InputRule:
    """How one message is made of HELICS values."""

    cls: type
    sender: str
    slots: tuple[Slot, ...]
    fixed: tuple[tuple[Field, str], ...]

    @property
    def wildcard(self) -> bool:
        """Whether there is a message for each text that the ``*`` of its keys matches."""
        return any("*" in slot.key for slot in self.slots)

    def assembly(self, matched: str, keys: Sequence[str]) -> Assembly:
        """The message for one text that was matched; the keys are those of the slots with it filled in."""
        fixed = {field.name: (field, text.replace("{wildcard}", matched)) for field, text in self.fixed}
        slots = {key: attrs.evolve(slot, key=key) for key, slot in zip(keys, self.slots, strict=True)}
        sender = self.sender.replace("{wildcard}", matched)
        if not all(is_token(part) for part in sender.split(".")):
            raise PeerError(f"the HELICS publication {keys[0]} makes the sender {sender!r}, no address")
        return Assembly(self.cls, sender, slots, fixed)


class Assembly:
    """Values of a message as far as they have come."""

    def __init__(self, cls: type, sender: str, slots: dict[str, Slot], fixed: dict[str, tuple[Field, str]]) -> None:
        self.cls, self.sender, self.slots = cls, sender, slots
        self._fixed = fixed
        self._values: dict[str, object] = {}
        self._required = {slot.field.name for slot in slots.values() if slot.field.required}

    def put(self, key: str, raw: Value, declared_unit: str) -> None:
        """Take a value that has changed.

        Raises:
            PeerError: it does not fit its field.
        """
        slot = self.slots[key]
        self._values[slot.field.name] = slot.plain(raw, declared_unit)

    def message(self, now: Instant) -> object | None:
        """The message; None as long as a field that it needs has had no value.

        Raises:
            PeerError: the values do not make a good message; says which.
        """
        if not self._required <= self._values.keys():
            return None
        raw = dict(self._values)
        for name, (field, text) in self._fixed.items():
            raw[name] = from_text(field.shape, text, now)
        made, faults = structured(self.cls, raw, declaration_of(self.cls).name)
        if made is None:
            keys = ", ".join(self.slots)
            raise PeerError(f"the HELICS publications {keys} make no message: {'; '.join(map(str, faults))}")
        return made


def from_text(shape: Shape, text: str, now: Instant) -> object:
    """A text of the table as the codec takes it for a shape.

    Raises:
        ValueError: it does not fit.
    """
    if text == "{now}":
        return now
    return text if isinstance(shape, Choice) or shape == Scalar(Kind.DECIMAL) else _plain(shape, text, None)


# Values that go out


@attrs.frozen
class Publication:
    """A HELICS publication that is to be made."""

    key: str
    type: str
    unit: str


@attrs.frozen
class PublicationRule:
    """How a field of a message becomes HELICS publications."""

    path: str
    cls: type
    field: Field
    key: str
    unit: str
    where: tuple[tuple[str, str], ...]
    placeholders: tuple[str, ...]
    publications: dict[str, Publication]

    def match(self, message: object) -> tuple[str, Any] | None:
        """The key and the value that a message publishes; None when it is not among those that are published.

        Raises:
            UsageError: the key is none of those foreseen; says what to list.
        """
        if any(_text(getattr(message, name)) != wanted for name, wanted in self.where):
            return None
        value = getattr(message, self.field.name)
        if value is None:
            return None
        names = {name: getattr(message, name) for name in self.placeholders}
        key = self.key.format_map(names)
        if key not in self.publications:
            missing = " and ".join(f"{value!r} of {name}" for name, value in names.items())
            raise UsageError(
                f"{self.path}.for_each does not list {missing}: add it, "
                f"since HELICS wants every publication, here {key}, before time begins"
            )
        return key, value


def outside(value: Any, convert: Conversion | None) -> Value:
    """The value of a field as HELICS carries it."""
    if isinstance(value, tuple):
        return [float(entry) if convert is None else convert(float(entry)) for entry in value]
    if isinstance(value, str | Enum | datetime):
        return _text(value)
    if isinstance(value, int) and convert is None:
        return value
    return float(value) if convert is None else convert(float(value))


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(getattr(value, "value", value))


def helics_type(shape: Shape) -> str | None:
    """The HELICS type that carries a shape; None where none does."""
    match shape:
        case Maybe(of=of):
            return helics_type(of)
        case Listing(of=Scalar(kind=Kind.NUMBER | Kind.INTEGER)):
            return "vector"
        case Choice() | Scalar(kind=Kind.TEXT | Kind.DATE):
            return "string"
        case Scalar(kind=Kind.FLAG):
            return "bool"
        case Scalar(kind=kind):
            return "int" if kind in _WHOLE else "double"
    return None
