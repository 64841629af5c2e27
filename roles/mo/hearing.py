"""What a market operator can work with: messages whose fields are what they are declared to be, and fit each other.

Between processes the codec sees to the types; within one, nothing does. Nonsense is answered or set aside where it is
heard, so that it ends no run and nobody behind has to look again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain
from math import isfinite
from operator import attrgetter, call
from typing import Any

from ...kernel import Envelope
from ...kernel.shape import Choice, Kind, Listing, Maybe, Scalar, Shape, structure_of
from ..interfaces import LoadEstimate, MarketEnergy, Reason, ReasonCode, SupplyOffer

_LARGEST = 2**63 - 1
"""The largest whole number that has a place in records, and as a float."""

Test = Callable[[object], bool]


def misfits(message: object) -> tuple[Reason, ...]:
    """All that keeps a message from being worked with; none for a good one."""
    cls: type = type(message)
    found = () if _first_look(cls)(message) else tuple(_found(message, cls))
    beyond = _BEYOND.get(cls)
    return found if found or beyond is None else tuple(beyond(message))


def _found(message: object, cls: type) -> Iterator[Reason]:
    for name, test, expected in _tests(cls):
        given = getattr(message, name)
        if not test(given):
            yield _bad(name, f"give {expected}; what is here is of type {type(given).__name__}")


def misdated(envelope: Envelope[Any]) -> tuple[Reason, ...]:
    """What keeps revision and last valid instant of an envelope from being compared with others."""
    found = []
    if not _is_whole(envelope.revision):
        found.append(_bad("revision", "give the revision as a whole number"))
    if envelope.valid_until is not None and not _is_whole(envelope.valid_until):
        found.append(_bad("valid_until", "give the last valid instant as a whole number, or none"))
    return tuple(found)


def as_text(given: object) -> str:
    """An id as it came, or nothing for one that is no text: an answer has to make sense itself."""
    return given if isinstance(given, str) else ""


@cache
def _first_look(cls: type) -> Test:
    """Whether the fields of a message have the very types that they mostly have: most messages are good."""
    fields = structure_of(cls).fields
    types = {each.name: _usual(each.shape) for each in fields}
    plain = [name for name, usual in types.items() if usual is not None]
    expected, values = tuple(types[name] for name in plain), _values(plain)
    whole = [place for place, usual in enumerate(expected) if usual is int]
    tested = [each for each in fields if types[each.name] is None]
    tests, others = [_test(each.shape) for each in tested], _values([each.name for each in tested])

    def look(message: object) -> bool:
        given = values(message)
        if tuple(map(type, given)) != expected:
            return False
        for place in whole:
            if not -_LARGEST <= given[place] <= _LARGEST:
                return False
        return all(map(call, tests, others(message)))

    return look


def _usual(shape: Shape) -> type | None:
    """The type of nearly all good values, and of good ones alone but for whole numbers that are too large."""
    match shape:
        case Scalar(kind=kind):
            return _PLAIN.get(kind, int if kind in _SCALARS else None)
        case Choice(enum=enum):
            return enum
    return None


def _values(names: list[str]) -> Callable[[object], tuple[Any, ...]]:
    """Takes some fields of a message."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda message: tuple(getattr(message, name) for name in names)


@cache
def _tests(cls: type) -> tuple[tuple[str, Test, str], ...]:
    """Name, test and what is expected, of each field of a message."""
    return tuple((each.name, _test(each.shape), _expected(each.shape)) for each in structure_of(cls).fields)


def _test(shape: Shape) -> Test:
    match shape:
        case Scalar(kind=kind):
            return _SCALARS.get(kind, _anything)
        case Choice(enum=enum):
            return lambda given: isinstance(given, enum)
        case Maybe(of=of):
            inner = _test(of)
            return lambda given: given is None or inner(given)
        case Listing(of=of):
            return _listing(of)
    return _anything


def _listing(of: Shape) -> Test:
    """Rows, and rows of rows, are long and nearly always of one type."""
    item, plain = _test(of), _plain_type(of)
    inner = _plain_type(of.of) if isinstance(of, Listing) else frozenset[type]()

    def test(given: object) -> bool:
        if not isinstance(given, _SEQUENCES):
            return False
        if plain:
            return plain.issuperset(map(type, given)) or all(map(item, given))
        if inner and _ROWS.issuperset(map(type, given)) and inner.issuperset(map(type, chain.from_iterable(given))):
            return True
        return all(map(item, given))

    return test


def _plain_type(shape: Shape) -> frozenset[type]:
    return frozenset({_PLAIN[shape.kind]} if isinstance(shape, Scalar) and shape.kind in _PLAIN else ())


def _anything(_: object) -> bool:
    return True


def _is_text(given: object) -> bool:
    return isinstance(given, str)


def _is_flag(given: object) -> bool:
    return isinstance(given, bool)


def _is_whole(given: object) -> bool:
    return type(given) is int and abs(given) <= _LARGEST


def _is_number(given: object) -> bool:
    return isinstance(given, float) or _is_whole(given)


_PLAIN = {Kind.TEXT: str, Kind.NUMBER: float, Kind.FLAG: bool}
"""Types of which every value is good."""
_ROWS = frozenset({tuple})
_SEQUENCES = tuple, list
_SCALARS: Mapping[Kind, Test] = {
    Kind.TEXT: _is_text,
    Kind.FLAG: _is_flag,
    Kind.NUMBER: _is_number,
    Kind.INTEGER: _is_whole,
    Kind.INSTANT: _is_whole,
    Kind.DURATION: _is_whole,
}

_NAMES: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.FLAG: "true or false",
    Kind.NUMBER: "a number",
    Kind.INTEGER: "a whole number of 64 bits",
    Kind.INSTANT: "an instant, a whole number of 64 bits",
    Kind.DURATION: "a duration, a whole number of 64 bits",
}


def _expected(shape: Shape) -> str:
    match shape:
        case Scalar(kind=kind):
            return _NAMES.get(kind, f"a {kind.value}")
        case Choice(values=values):
            return f"one of the choices {', '.join(values)}"
        case Maybe(of=of):
            return f"{_expected(of)}, or nothing"
        case Listing(of=of):
            return f"a row, and each entry {_expected(of)}"
    return f"a {shape.cls.__name__}"


# What declarations of fields do not say


def _estimate(estimate: LoadEstimate) -> Iterator[Reason]:
    yield from _rows("power_kw", estimate.usage_points, estimate.power_kw)


def _energy(energy: MarketEnergy) -> Iterator[Reason]:
    yield from _rows("energy_kwh", energy.usage_points, energy.energy_kwh)
    if not isfinite(energy.losses_kwh):
        yield _bad("losses_kwh", f"they are {energy.losses_kwh}; give a finite number")
    if energy.duration <= 0:
        yield _bad("duration", f"it is {energy.duration} ns; an interval has a length above 0")


def _offer(offer: SupplyOffer) -> Iterator[Reason]:
    if not isfinite(offer.price_per_kwh):
        yield _bad("price_per_kwh", f"it is {offer.price_per_kwh}; give a finite number")
    if not offer.quantity_kw >= 0.0:
        yield _bad("quantity_kw", f"it is {offer.quantity_kw}; give a number of at least 0")


def _rows(name: str, usage_points: tuple[str, ...], values: tuple[float, ...]) -> Iterator[Reason]:
    if len(usage_points) != len(values):
        yield _bad(name, f"{len(values)} values for {len(usage_points)} usage points; give one each")
    if not isfinite(sum(values)):
        yield _bad(name, "give finite numbers")


def _bad(name: str, text: str) -> Reason:
    return Reason(ReasonCode.OUT_OF_BOUNDS, text, name)


_BEYOND: Mapping[type, Callable[[Any], Iterator[Reason]]] = {
    LoadEstimate: _estimate,
    MarketEnergy: _energy,
    SupplyOffer: _offer,
}
