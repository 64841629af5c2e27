"""What the ``[helics]`` table means: the rules that it stands for, and all that is wrong with it, at once.

Nothing here needs HELICS, so that a scenario is checked before any federate is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from ..codec import structured
from ..errors import Fault, UsageError
from ..message import Declaration, declaration_of, is_token
from ..plugins import message_class, unknown
from ..shape import Field, Kind, Maybe, Scalar
from .rules import InputRule, Publication, PublicationRule, Slot, from_text, helics_type
from .settings import FieldValue, HelicsSettings, InputMapping, InputValue, PublicationMapping
from .units import conversion

Complaint = tuple[str, str]
"""A key of the table and what is wrong with it."""

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_NO_STRUCTURES = "{} holds a structure; HELICS carries numbers, texts and lists of numbers"


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
        slots = _present(self._slot(f"{at}.values[{i}]", v, declaration) for i, v in enumerate(mapping.values))
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
        if helics_type(field.shape) is None:
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
            _, faults = structured(declaration.cls, {field.name: from_text(field.shape, text, 0)})
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
        carried = helics_type(field.shape)
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
                    self._complain(f"{rule.path.removeprefix('helics.')}.key", f"{key} goes out as {first} already")


def _present(found: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(each for each in found if each is not None)
