"""JSON for message classes, and the check of anything that comes from outside.

For each class one encoder and one decoder are generated as Python source from its shape, as attrs generates
``__init__``. The decoder collects every fault with the path to it; scenario files go through the same one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from math import inf, isfinite
from typing import Any, TypeVar

import orjson

from .errors import DecodeError, Fault
from .message import snake_case
from .shape import Choice, Field, Kind, Listing, Maybe, Scalar, Shape, Structure, default_of, structure_of

T = TypeVar("T")

Path = tuple["Path", str | int] | None
"""Where a value stands, innermost last; turned into text only when there is a fault to report."""

Check = Callable[[object, Path, list[Fault]], Any]
"""Checks and converts one value; on a fault, adds it to the list and returns None."""

_ABSENT = object()
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_LARGEST = 2**63 - 1
"""The largest whole number that JSON writers and tables take."""


def encode(message: object) -> bytes:
    """A message as JSON."""
    cls: type = type(message)
    return orjson.dumps(encoder(cls)(message))


def decode(cls: type[T], payload: bytes) -> T:
    """A message from JSON.

    Raises:
        DecodeError: the payload is not JSON or does not fit the class; carries every fault with its path.
    """
    root = snake_case(cls.__name__)
    try:
        raw = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise DecodeError(root, [Fault(root, f"expected JSON, got {_shown(payload)} ({error})")]) from None
    made, faults = structured(cls, raw, root)
    if made is None:
        raise DecodeError(root, faults)
    return made


def structured(cls: type[T], raw: object, root: str = "") -> tuple[T | None, list[Fault]]:
    """An object from plain data, with every fault; the object is None when there is any."""
    faults: list[Fault] = []
    plain: type = cls
    made = checker(plain)(raw, (None, root) if root else None, faults)
    return (None if faults else made), faults


# Encoding


@cache
def encoder(cls: type) -> Callable[[object], dict[str, Any]]:
    """The function that turns an object of the class into plain data that orjson writes."""
    source = f"def encode(m): return {_encoding(structure_of(cls), 'm', 0)}"
    made: Callable[[object], dict[str, Any]] = _compiled(source, "encode", {}, f"<encoder of {cls.__name__}>")
    return made


def _encoding(shape: Shape, name: str, depth: int) -> str:
    match shape:
        case Structure(fields=fields):
            parts = (f"{f.name!r}: {_encoding(f.shape, f'{name}.{f.name}', depth)}" for f in fields)
            return "{" + ", ".join(parts) + "}"
        case Listing(of=of) if _encoding(of, "x", 0) != "x":
            item = f"x{depth}"
            return f"[{_encoding(of, item, depth + 1)} for {item} in {name}]"
        case Maybe(of=of) if _encoding(of, "x", 0) != "x":
            return f"(None if {name} is None else {_encoding(of, name, depth)})"
        case Choice():
            return f"{name}._value_"
        case Scalar(kind=Kind.DECIMAL):
            return f"format({name}, 'f')"
    return name


# Decoding


@cache
def checker(cls: type, *, exact: bool = False) -> Check:
    """The function that checks plain data and makes an object of the class.

    With ``exact`` a whole number stays one where a number is declared, as the one who wrote the data had it.
    """
    structure = structure_of(cls)
    names: dict[str, Any] = {
        "cls": cls,
        "absent": _ABSENT,
        "not_an_object": _not_an_object,
        "missing": _missing,
        "unknown": _unknown,
        "known": frozenset(f.name for f in structure.fields),
    }
    body = [
        *_quick_check(structure, names),
        "if type(raw) is not dict: return not_an_object(raw, path, faults)",
        "before = len(faults); found = 0",
    ]
    for index, entry in enumerate(structure.fields):
        names[f"check{index}"] = _field_check(entry, exact)
        if entry.required:
            otherwise = f"v{index} = missing(path, {entry.name!r}, faults)"
        else:
            names[f"default{index}"] = lambda n=entry.name: default_of(cls, n)
            otherwise = f"v{index} = default{index}()"
        body += [
            f"v{index} = raw.get({entry.name!r}, absent)",
            f"if v{index} is absent: {otherwise}",
            f"else: found += 1; v{index} = check{index}(v{index}, (path, {entry.name!r}), faults)",
        ]
    arguments = _arguments(structure)
    body.append("if found != len(raw): unknown(raw, known, path, faults)")
    if hasattr(cls, "check"):
        names["cross"], names["partly"] = _cross_check, _partial_check(structure)
        body.append("if len(faults) != before: return partly(raw, path, faults)")
        body += [f"made = cls({arguments})", "cross(made, path, faults)", "return made"]
    else:
        body += ["if len(faults) != before: return None", f"return cls({arguments})"]
    source = "def check(raw, path, faults):\n    " + "\n    ".join(body)
    made: Check = _compiled(source, "check", names, f"<decoder of {cls.__name__}>")
    return made


def _arguments(structure: Structure) -> str:
    return ", ".join(f"v{index}" for index in range(len(structure.fields)))


def _quick_check(structure: Structure, names: dict[str, Any]) -> list[str]:
    """Lines that make the object at once from data that are complete and right; all else is left to those after them.

    Messages between processes are right but for accidents, and this takes a third of the time.
    """
    tests = [_quick_test(entry, index, names) for index, entry in enumerate(structure.fields)]
    if not tests or None in tests:
        return []
    reads = "; ".join(f"v{index} = raw[{entry.name!r}]" for index, entry in enumerate(structure.fields))
    made = f"cls({_arguments(structure)})"
    done = [f"return {made}"]
    if hasattr(structure.cls, "check"):
        names["cross"] = _cross_check
        done = [f"made = {made}", "cross(made, path, faults)", "return made"]
    return [
        f"if type(raw) is dict and len(raw) == {len(tests)}:",
        f"    try: {reads}",
        "    except KeyError: pass",
        "    else:",
        f"        if {' and '.join(test for test in tests if test)}:",
        *(f"            {line}" for line in done),
    ]


def _quick_test(entry: Field, index: int, names: dict[str, Any]) -> str | None:
    """An expression that is true of a good value, and may put it into its final form; None where there is none."""
    v, shape = f"v{index}", entry.shape
    bounds = [("at_least", ">="), ("at_most", "<="), ("above", ">")]
    limits = [(sign, limit) for name, sign in bounds if (limit := getattr(entry, name)) is not None]
    match shape:
        case Scalar(kind=Kind.NUMBER):
            test = f"type({v}) is float and -inf < {v} < inf"
        case Scalar(kind=Kind.INTEGER | Kind.INSTANT | Kind.DURATION):
            test = f"type({v}) is int and {-_LARGEST} <= {v} <= {_LARGEST}"
        case Scalar(kind=Kind.TEXT):
            test = f"type({v}) is str"
        case Scalar(kind=Kind.FLAG):
            test = f"type({v}) is bool"
        case Scalar(kind=Kind.DECIMAL):
            test = f"type({v}) is str and fits_decimal({v}) and (({v} := Decimal({v})),)"
        case Choice(enum=enum):
            names[f"members{index}"] = {str(member.value): member for member in enum}
            test = f"type({v}) is str and ({v} := members{index}.get({v})) is not None"
        case Listing(of=Scalar(kind=Kind.NUMBER)) if not limits:
            test = f"type({v}) is list and all_finite({v}) and (({v} := tuple({v})),)"
        case _:
            return None
    names |= {"inf": inf, "fits_decimal": _DECIMAL.fullmatch, "Decimal": Decimal, "all_finite": _all_finite}
    return " and ".join([test, *(f"{v} {sign} {limit!r}" for sign, limit in limits)])


def _all_finite(numbers: list[Any]) -> bool:
    """Whether a list holds finite floats only."""
    return set(map(type, numbers)) <= {float} and isfinite(sum(numbers))


def _compiled(source: str, name: str, names: dict[str, Any], filename: str) -> Any:
    exec(compile(source, filename, "exec"), names)  # noqa: S102 - made from declarations, never from input
    return names[name]


def _field_check(entry: Field, exact: bool = False) -> Check:
    check = _check(entry.shape, exact)
    bounds = (entry.at_least, entry.at_most, entry.above)
    if bounds == (None, None, None):
        return check
    at_least, at_most, above = bounds

    def bounded(raw: object, path: Path, faults: list[Fault]) -> object:
        before = len(faults)
        value = check(raw, path, faults)
        if len(faults) != before or value is None:
            return value
        for number in value if isinstance(value, tuple) else (value,):
            if at_least is not None and not number >= at_least:
                _fault(path, f"a number of at least {at_least:g}", raw, faults)
            elif above is not None and not number > above:
                _fault(path, f"a number above {above:g}", raw, faults)
            elif at_most is not None and not number <= at_most:
                _fault(path, f"a number of at most {at_most:g}", raw, faults)
        return value

    return bounded


def _check(shape: Shape, exact: bool) -> Check:
    match shape:
        case Structure(cls=cls):
            return checker(cls, exact=exact)
        case Listing(of=of):
            return _listing_check(_check(of, exact))
        case Maybe(of=of):
            inner = _check(of, exact)
            return lambda raw, path, faults: None if raw is None else inner(raw, path, faults)
        case Choice(enum=enum, values=values):
            return _choice_check(enum, values)
        case Scalar(kind=Kind.NUMBER) if exact:
            return _exact_number
        case Scalar(kind=kind):
            return _SCALAR_CHECKS[kind]


def _listing_check(item: Check) -> Check:
    def check(raw: object, path: Path, faults: list[Fault]) -> object:
        if type(raw) is not list and type(raw) is not tuple:
            return _fault(path, "a list", raw, faults)
        return tuple([item(entry, (path, index), faults) for index, entry in enumerate(raw)])

    return check


def _choice_check(enum: type[Enum], values: tuple[str, ...]) -> Check:
    members = {str(member.value): member for member in enum}

    def check(raw: object, path: Path, faults: list[Fault]) -> object:
        member = members.get(raw) if isinstance(raw, str) else None
        return member if member is not None else _fault(path, f"one of {', '.join(values)}", raw, faults)

    return check


def _text(raw: object, path: Path, faults: list[Fault]) -> object:
    return raw if type(raw) is str else _fault(path, "text", raw, faults)


def _number(raw: object, path: Path, faults: list[Fault]) -> object:
    if type(raw) is float and isfinite(raw):
        return raw
    if type(raw) is int and abs(raw) <= _LARGEST:
        return float(raw)
    return _fault(path, "a number", raw, faults)


def _exact_number(raw: object, path: Path, faults: list[Fault]) -> object:
    number = _number(raw, path, faults)
    return raw if type(raw) is int and number is not None else number


def _integer(raw: object, path: Path, faults: list[Fault]) -> object:
    if type(raw) is int and abs(raw) <= _LARGEST:
        return raw
    return _fault(path, "a whole number of 64 bits" if type(raw) is int else "a whole number", raw, faults)


def _flag(raw: object, path: Path, faults: list[Fault]) -> object:
    return raw if type(raw) is bool else _fault(path, "true or false", raw, faults)


def _decimal(raw: object, path: Path, faults: list[Fault]) -> object:
    if type(raw) is str and _DECIMAL.fullmatch(raw):
        return Decimal(raw)
    return _fault(path, 'a decimal number as text, like "12.50"', raw, faults)


def _date(raw: object, path: Path, faults: list[Fault]) -> object:
    date = raw
    if type(raw) is str:
        try:
            date = datetime.fromisoformat(raw)
        except ValueError:
            date = None
    if isinstance(date, datetime) and date.tzinfo is not None:
        return date
    return _fault(path, "a date with zone, like 2025-07-16T22:00:00-04:00", raw, faults)


_SCALAR_CHECKS: dict[Kind, Check] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.INTEGER: _integer,
    Kind.FLAG: _flag,
    Kind.INSTANT: _integer,
    Kind.DURATION: _integer,
    Kind.DECIMAL: _decimal,
    Kind.DATE: _date,
}


# Faults


def path_text(path: Path) -> str:
    """A path as people write it, ``order.points[3].price_per_kwh``."""
    parts: list[str] = []
    while path is not None:
        path, step = path
        parts.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return "".join(reversed(parts)).removeprefix(".")


def _fault(path: Path, expected: str, raw: object, faults: list[Fault]) -> object:
    """Add a fault; returns None, the value of what is wrong."""
    faults.append(Fault(path_text(path), f"expected {expected}, got {_shown(raw)}"))
    return None


def _not_an_object(raw: object, path: Path, faults: list[Fault]) -> None:
    _fault(path, "an object", raw, faults)


def _missing(path: Path, name: str, faults: list[Fault]) -> None:
    faults.append(Fault(path_text((path, name)), "missing, and it has no default"))


def _unknown(raw: dict[str, object], known: frozenset[str], path: Path, faults: list[Fault]) -> None:
    complaint = f"unknown; known are {', '.join(sorted(known))}"
    faults += [Fault(path_text((path, name)), complaint) for name in raw if name not in known]


def _cross_check(made: Any, path: Path, faults: list[Fault]) -> None:
    for name, complaint in made.check():
        faults.append(Fault(path_text((path, name)), complaint))


def _partial_check(structure: Structure) -> Check:
    """What the class says of its good fields when others are faulty, as far as it gets without them."""

    def check(raw: Any, path: Path, faults: list[Fault]) -> None:
        with suppress(AttributeError):
            _cross_check(salvaged(structure.cls, raw), path, faults)

    return check


def salvaged(cls: type[T], raw: Mapping[str, object]) -> T:
    """An object with the good fields of faulty data alone; the others are missing and raise AttributeError."""
    plain: type = cls
    incomplete = object.__new__(cls)
    for entry in structure_of(plain).fields:
        found: list[Fault] = []
        if entry.name in raw:
            value = _field_check(entry)(raw[entry.name], None, found)
        elif not entry.required:
            value = default_of(cls, entry.name)
        else:
            continue
        if not found:
            object.__setattr__(incomplete, entry.name, value)
    return incomplete


def _shown(raw: object) -> str:
    try:
        text = orjson.dumps(raw).decode() if raw == raw and raw not in (inf, -inf) else repr(raw)
    except (TypeError, ValueError):
        text = repr(raw)
    return text if len(text) <= 60 else text[:57] + "..."
