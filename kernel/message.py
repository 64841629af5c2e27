"""Declaring messages: who may say what to whom, on which topic.

A message is a frozen attrs class. Its declaration carries the topic pattern (``market.{market}.order.{resource}``,
filled from the message's own fields) and the address patterns of senders and receivers (``agent.{resource}``:
an agent, and only in its own name; ``do.*``: any distribution operator). The bus enforces them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, dataclass_transform

import attrs

from .errors import UsageError
from .shape import Kind, Scalar, Structure, field, frozen, structure_of

C = TypeVar("C", bound=type)

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_PATTERN_TOKEN = re.compile(r"\{([a-z_][a-z0-9_]*)\}|[A-Za-z0-9_-]+")
_NOBODY = ""
"""In place of a field's name: no field, so that no name fits."""
_ADDRESS_PATTERN = re.compile(r"([A-Za-z0-9_-]+|\*)\.(?:\*|\{([a-z_][a-z0-9_]*)\})")


@attrs.frozen
class Declaration:
    """What is declared of a message class."""

    cls: type
    name: str
    pattern: tuple[str, ...]
    topic_fields: tuple[str, ...]
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    retain: bool
    mirrors: str
    topic_of: Callable[[object], str] = attrs.field(repr=False)
    lookup: Callable[[object, Any], Any] = attrs.field(repr=False)
    sender_rules: dict[str, str | None] = attrs.field(repr=False)
    receiver_rules: dict[str, str | None] = attrs.field(repr=False)

    @property
    def topic(self) -> str:
        """The topic pattern as written."""
        return ".".join(self.pattern)

    @property
    def structure(self) -> Structure:
        """The shape of the message's fields."""
        return structure_of(self.cls)

    @property
    def description(self) -> str:
        """The first sentence of the class's docstring."""
        return (self.cls.__doc__ or "").strip().split("\n", 1)[0]

    def subject(self, **bound: str) -> str:
        """The topic pattern with some fields filled in and ``*`` for the others.

        Raises:
            UsageError: a name is not a field of the topic.
        """
        if unknown := sorted(set(bound) - set(self.topic_fields)):
            raise UsageError(
                f"{self.cls.__name__} cannot be chosen by {', '.join(unknown)}; "
                f"its topic {self.topic} has {', '.join(self.topic_fields) or 'no fields'}"
            )
        return ".".join(bound.get(t[1:-1], "*") if t[0] == "{" else t for t in self.pattern)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def message(
    *,
    topic: str,
    senders: Sequence[str],
    receivers: Sequence[str],
    retain: bool = False,
    mirrors: str = "",
) -> Callable[[C], C]:
    """Class decorator that declares a message.

    ``topic`` has tokens separated by dots, each a word or a ``{field}`` of type str; ``senders`` and ``receivers``
    are address patterns ``role.*`` or ``role.{field}`` (``*.*`` for anybody); ``retain`` keeps the last value of
    each topic for late subscribers; ``mirrors`` names the standard that the message follows.

    Raises:
        UsageError: the declaration contradicts itself; says where.
    """

    def declare(cls: C) -> C:
        made = frozen(cls)
        pattern = tuple(topic.split("."))
        _check_topic(made, topic, pattern)
        made.__declaration__ = Declaration(  # type: ignore[attr-defined]
            cls=made,
            name=snake_case(made.__name__),
            pattern=pattern,
            topic_fields=tuple(t[1:-1] for t in pattern if t[0] == "{"),
            senders=tuple(senders),
            receivers=tuple(receivers),
            retain=retain,
            mirrors=mirrors,
            topic_of=_topic_function(made, pattern),
            lookup=_lookup_function(made, pattern),
            sender_rules=_rules(made, senders, pattern),
            receiver_rules=_rules(made, receivers, pattern),
        )
        return made

    return declare


def declaration_of(cls: type) -> Declaration:
    """The declaration of a message class.

    Raises:
        UsageError: the class is not declared as a message.
    """
    declaration = getattr(cls, "__declaration__", None)
    if not isinstance(declaration, Declaration):
        raise UsageError(f"{cls.__qualname__} is not a message; declare it with @message(topic=..., ...)")
    return declaration


def heard_by(address: str, message: object) -> bool:
    """Whether the declaration of a message lets a component hear it."""
    role, _, name = address.partition(".")
    rules = declaration_of(type(message)).receiver_rules
    bound = rules[role] if role in rules else rules.get("*", _NOBODY)
    return bound is None or getattr(message, bound, None) == name


def snake_case(name: str) -> str:
    """``MeterRead`` as ``meter_read``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def is_token(text: str) -> bool:
    """Whether a text can be one token of a topic or address."""
    return _TOKEN.fullmatch(text) is not None


_known_token = lru_cache(maxsize=1 << 16)(is_token)


def has_topic(declaration: Declaration, body: Mapping[str, object]) -> bool:
    """Whether the fields of a message, given in its encoded form, make a topic."""
    for name in declaration.topic_fields:
        value = body.get(name)
        if not (isinstance(value, str) and _known_token(value)):
            return False
    return True


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic fits a pattern in which ``*`` is any one token and a last ``>`` any number, at least one."""
    wanted, given = pattern.split("."), topic.split(".")
    if wanted[-1] == ">":
        wanted = wanted[:-1]
        if len(given) <= len(wanted):
            return False
        given = given[: len(wanted)]
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))


def overlap(one: Declaration, other: Declaration) -> bool:
    """Whether some topic could belong to both messages."""
    return len(one.pattern) == len(other.pattern) and all(
        a == b or a[0] == "{" or b[0] == "{" for a, b in zip(one.pattern, other.pattern, strict=True)
    )


def _check_topic(cls: type, topic: str, pattern: tuple[str, ...]) -> None:
    shapes = {f.name: f.shape for f in structure_of(cls).fields}
    for token in pattern:
        fits = _PATTERN_TOKEN.fullmatch(token)
        if fits is None:
            raise UsageError(f"{cls.__name__}: topic {topic!r} has the token {token!r}; use words and {{fields}}")
        if (name := fits.group(1)) and shapes.get(name) != Scalar(Kind.TEXT):
            raise UsageError(f"{cls.__name__}: topic {topic!r} needs a field {name}: str")


def _topic_function(cls: type, pattern: tuple[str, ...]) -> Callable[[object], str]:
    text = ".".join(f"{{m.{t[1:-1]}}}" if t[0] == "{" else t for t in pattern)
    topic_of: Callable[[object], str] = _generated(f"def topic_of(m): return f{text!r}", "topic_of", cls)
    return topic_of


def _lookup_function(cls: type, pattern: tuple[str, ...]) -> Callable[[object, Any], Any]:
    """Finds the route of a message in a tree of dicts by its topic fields, without making the topic's text."""
    steps = "".join(f"[m.{t[1:-1]}]" for t in pattern if t[0] == "{")
    lookup: Callable[[object, Any], Any] = _generated(
        f"def lookup(m, tree): return tree{steps or '[None]'}", "lookup", cls
    )
    return lookup


def _generated(source: str, name: str, cls: type) -> Any:
    names: dict[str, Any] = {}
    exec(compile(source, f"<{name} of {cls.__name__}>", "exec"), names)  # noqa: S102 - made from declarations
    return names[name]


def _rules(cls: type, addresses: Sequence[str], pattern: tuple[str, ...]) -> dict[str, str | None]:
    """Role to the field that must carry the component's own name; None where any name will do."""
    rules: dict[str, str | None] = {}
    for address in addresses:
        fits = _ADDRESS_PATTERN.fullmatch(address)
        if fits is None:
            raise UsageError(f"{cls.__name__}: {address!r} is no address pattern; write role.* or role.{{field}}")
        role, name = fits.groups()
        if name and f"{{{name}}}" not in pattern:
            raise UsageError(f"{cls.__name__}: {address!r} needs {{{name}}} in the topic, so that a bus can enforce it")
        if role in rules:
            raise UsageError(f"{cls.__name__}: role {role} is named twice")
        rules[role] = name
    return rules
