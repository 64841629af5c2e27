"""What the ``[helics]`` table means: values to messages and messages to values, without HELICS itself.

Everything that can be wrong with the table is found here at once, before any federate is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import Enum
from itertools import product
from typing import Any

import attrs

from .codec import structured
from .errors import Fault, PeerError, UsageError
from .helics_settings import FieldValue, HelicsSettings, InputMapping, InputValue, PublicationMapping
from .instant import Instant
from .message import Declaration, declaration_of, is_token
from .plugins import message_class, unknown
from .shape import Choice, Field, Kind, Listing, Maybe, Scalar, Shape
from .units import Conversion, conversion

Value = float | int | bool | str | complex | list[float]
"""What HELICS can carry, in Python's types."""

Complaint = tuple[str, str]
"""A key of the table and what is wrong with it."""

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_NUMBERS = (Kind.NUMBER, Kind.DECIMAL)
_WHOLE = (Kind.INTEGER, Kind.INSTANT, Kind.DURATION)


_NO_STRUCTURES = "{} holds a structure; HELICS carries numbers, texts and lists of numbers"


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
            return _plain(
                self.field.shape, raw, conversion(declared_unit or self.unit or unit, unit) if unit else None
            )
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

    def __init__(
        self, cls: type, sender: str, slots: dict[str, Slot], fixed: dict[str, tuple[Field, str]]
    ) -> None:
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
            raw[name] = _from_text(field.shape, text, now)
        made, faults = structured(self.cls, raw, declaration_of(self.cls).name)
        if made is None:
            keys = ", ".join(self.slots)
            raise PeerError(f"the HELICS publications {keys} make no message: {'; '.join(map(str, faults))}")
        return made


def _from_text(shape: Shape, text: str, now: Instant) -> object:
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


def _helics_type(shape: Shape) -> str | None:
    """The HELICS type that carries a shape; None where none does."""
    match shape:
        case Maybe(of=of):
            return _helics_type(of)
        case Listing(of=Scalar(kind=Kind.NUMBER | Kind.INTEGER)):
            return "vector"
        case Choice() | Scalar(kind=Kind.TEXT | Kind.DATE):
            return "string"
        case Scalar(kind=Kind.FLAG):
            return "bool"
        case Scalar(kind=kind):
            return "int" if kind in _WHOLE else "double"
    return None


# The table


class Mapping:
    """The rules that a ``[helics]`` table stands for, with all that is wrong with it in ``faults``."""

    def __init__(self, settings: HelicsSettings, messages: Callable[[str], type] = message_class) -> None:
        self.faults: list[Complaint] = []
        self._messages = messages
        self.inputs = _present(self._input(f"inputs[{i}]", m) for i, m in enumerate(settings.inputs))
        self.publications = _present(
            self._publication(f"publications[{i}]", m) for i, m in enumerate(settings.publications)
        )
        self._complain_of_twins()

    def scenario_faults(self) -> list[Fault]:
        """The faults with their paths in a scenario."""
        return [Fault(f"helics.{path}", complaint) for path, complaint in self.faults]

    def _complain(self, path: str, complaint: str) -> None:
        self.faults.append((path, complaint))

    def _declaration(self, path: str, name: str) -> Declaration | None:
        try:
            return declaration_of(self._messages(name))
        except UsageError as error:
            self._complain(f"{path}.message", str(error))
            return None

    def _field(self, path: str, declaration: Declaration, name: str) -> Field | None:
        fields = {field.name: field for field in declaration.structure.fields}
        if name not in fields:
            self._complain(path, unknown(f"field of {declaration.name}", name, fields))
        return fields.get(name)

    def _check_unit(self, path: str, unit: str, field: Field) -> None:
        if unit and not field.unit:
            self._complain(path, f"expected no unit, since {field.name} has none, got {unit!r}")
        elif unit:
            try:
                conversion(unit, field.unit)
            except UsageError as error:
                self._complain(path, str(error))

    # Inputs

    def _input(self, path: str, mapping: InputMapping) -> InputRule | None:
        declaration = self._declaration(path, mapping.message)
        if declaration is None:
            return None
        before = len(self.faults)
        self._check_sender(path, mapping.sender, declaration)
        at = path
        slots = _present(
            self._slot(f"{at}.values[{i}]", v, declaration) for i, v in enumerate(mapping.values)
        )
        fixed = _present(self._fixed(f"{at}.fixed[{i}]", f, declaration) for i, f in enumerate(mapping.fixed))
        self._check_wildcards(path, mapping)
        if len(self.faults) == before:
            filled = [slot.field.name for slot in slots] + [field.name for field, _ in fixed]
            self._check_complete(path, declaration, filled)
        return InputRule(declaration.cls, mapping.sender, slots, fixed)

    def _slot(self, path: str, value: InputValue, declaration: Declaration) -> Slot | None:
        field = self._field(f"{path}.into", declaration, value.into)
        if not value.key:
            self._complain(f"{path}.key", "expected the name of a publication, got nothing")
        if value.key.count("*") > 1:
            self._complain(f"{path}.key", f"expected at most one *, got {value.key!r}")
        if field is None:
            return None
        if _helics_type(field.shape) is None:
            self._complain(f"{path}.into", _NO_STRUCTURES.format(field.name))
        self._check_unit(f"{path}.unit", value.unit, field)
        return Slot(value.key, field, value.unit)

    def _fixed(self, path: str, fixed: FieldValue, declaration: Declaration) -> tuple[Field, str] | None:
        field = self._field(f"{path}.name", declaration, fixed.name)
        if field is None:
            return None
        if fixed.value == "{now}":
            if field.shape not in (Scalar(Kind.INSTANT), Maybe(Scalar(Kind.INSTANT))):
                self._complain(f"{path}.value", f"{{now}} is an instant, and {field.name} is none")
        elif "{wildcard}" not in fixed.value:
            self._check_text(f"{path}.value", field, fixed.value, declaration)
        return field, fixed.value

    def _check_text(self, path: str, field: Field, text: str, declaration: Declaration) -> None:
        try:
            _, faults = structured(declaration.cls, {field.name: _from_text(field.shape, text, 0)})
        except ValueError as error:
            self._complain(path, f"{text!r} does not fit {field.name}: {error}")
            return
        for fault in faults:
            if fault.path.startswith(field.name):
                self._complain(path, fault.complaint)

    def _check_sender(self, path: str, sender: str, declaration: Declaration) -> None:
        role, _, name = sender.partition(".")
        if not (is_token(role) and is_token(name.replace("{wildcard}", "x"))):
            self._complain(f"{path}.sender", f"expected an address such as weather.site, got {sender!r}")
        elif not {role, "*"} & declaration.sender_rules.keys():
            allowed = ", ".join(declaration.senders)
            self._complain(f"{path}.sender", f"{role} may not send {declaration.name}; allowed are {allowed}")

    def _check_wildcards(self, path: str, mapping: InputMapping) -> None:
        stars = ["*" in value.key for value in mapping.values]
        if not stars:
            self._complain(f"{path}.values", "expected at least one publication")
        elif any(stars) and not all(stars):
            self._complain(f"{path}.values", "expected a * in all keys or in none; use two tables")
        texts = (mapping.sender, *(each.value for each in mapping.fixed))
        if stars and not any(stars) and any("{wildcard}" in text for text in texts):
            self._complain(f"{path}.values", "{wildcard} is used, but no key has a *")

    def _check_complete(self, path: str, declaration: Declaration, filled: list[str]) -> None:
        for field in declaration.structure.fields:
            if field.required and field.name not in filled:
                self._complain(f"{path}.values", f"{field.name} is missing; fill it in values or in fixed")
        for name in sorted({name for name in filled if filled.count(name) > 1}):
            self._complain(f"{path}.values", f"{name} is filled twice")

    # Publications

    def _publication(self, path: str, mapping: PublicationMapping) -> PublicationRule | None:
        declaration = self._declaration(path, mapping.message)
        if declaration is None:
            return None
        field = self._field(f"{path}.source", declaration, mapping.source)
        where = tuple((each.name, each.value) for each in mapping.where)
        for index, (name, _) in enumerate(where):
            self._field(f"{path}.where[{index}].name", declaration, name)
        keys = self._keys(path, mapping, declaration)
        if field is None:
            return None
        self._check_unit(f"{path}.unit", mapping.unit, field)
        carried = _helics_type(field.shape)
        if carried is None:
            self._complain(f"{path}.source", _NO_STRUCTURES.format(field.name))
        unit = mapping.unit or field.unit
        carried = "double" if carried == "int" and unit != field.unit else carried or ""
        return PublicationRule(
            path=f"helics.{path}",
            cls=declaration.cls,
            field=field,
            key=mapping.key,
            unit=mapping.unit,
            where=where,
            placeholders=tuple(_PLACEHOLDER.findall(mapping.key)),
            publications={key: Publication(key, carried, unit) for key in keys},
        )

    def _keys(self, path: str, mapping: PublicationMapping, declaration: Declaration) -> list[str]:
        """Every key that the mapping can make."""
        listed = {each.name: each.values for each in mapping.for_each}
        names = list(dict.fromkeys(_PLACEHOLDER.findall(mapping.key)))
        for name in names:
            field = self._field(f"{path}.key", declaration, name)
            if field is not None and field.shape != Scalar(Kind.TEXT):
                self._complain(f"{path}.key", f"{{{name}}} is not a field of type text")
            elif not listed.get(name):
                complaint = f"list the values of {{{name}}}: HELICS wants them before time begins"
                self._complain(f"{path}.for_each", complaint)
        for name in listed.keys() - set(names):
            self._complain(f"{path}.for_each", f"{name} is not in the key {mapping.key!r}")
        if not mapping.key or set("{}") & set(_PLACEHOLDER.sub("", mapping.key)):
            self._complain(f"{path}.key", f"expected a name such as award/{{resource}}, got {mapping.key!r}")
            return []
        chosen = product(*(listed.get(name, ()) for name in names))
        return [mapping.key.format_map(dict(zip(names, values, strict=True))) for values in chosen]

    def _complain_of_twins(self) -> None:
        seen: dict[str, str] = {}
        for rule in self.publications:
            for key, made in rule.publications.items():
                kind = f"{made.type} in {made.unit or 'no unit'}"
                if (first := seen.setdefault(key, kind)) != kind:
                    self._complain(
                        f"{rule.path.removeprefix('helics.')}.key", f"{key} goes out as {first} already"
                    )


def _present(found: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(each for each in found if each is not None)
