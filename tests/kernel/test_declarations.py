"""Declaring messages: what contradicts itself is refused where it is written."""

from collections.abc import Callable
from enum import Enum

import pytest

from gridbus.kernel import UsageError, field, message
from gridbus.kernel.message import declaration_of, overlap, snake_case
from gridbus.kernel.shape import structure_of, value


def declared(topic: str = "x.{name}", senders: object = ("a.*",), receivers: object = ("*.*",)) -> type:
    @message(topic=topic, senders=senders, receivers=receivers)  # type: ignore[arg-type]
    class Example:
        """An example. And more."""

        name: str = field("a name")
        number: int = field("a number", default=0)

    return Example


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: declared(topic="x.{missing}"), r"needs a field missing: str"),
        (lambda: declared(topic="x.{number}"), r"needs a field number: str"),
        (lambda: declared(topic="x..y"), r"has the token ''"),
        (lambda: declared(topic=""), r"has the token ''"),
        (lambda: declared(topic="x.*"), r"has the token '\*'"),
        (lambda: declared(topic="x.>"), r"has the token '>'"),
        (lambda: declared(topic="x.a{name}"), r"has the token 'a\{name\}'"),
        (lambda: declared(topic="x.{Name}"), r"has the token '\{Name\}'"),
        (lambda: declared(senders=["a"]), r"'a' is no address pattern"),
        (lambda: declared(senders=["a.b"]), r"'a.b' is no address pattern"),
        (lambda: declared(senders=["a.b.*"]), r"'a.b.\*' is no address pattern"),
        (lambda: declared(receivers=[""]), r"'' is no address pattern"),
        (lambda: declared(receivers=["a.{number}"]), r"needs \{number\} in the topic"),
        (lambda: declared(receivers=["a.*", "a.{name}"]), r"role a is named twice"),
    ],
)
def test_a_contradictory_declaration_is_refused(make: Callable[[], type], text: str):
    with pytest.raises(UsageError, match=text):
        make()


def test_a_declaration_knows_its_topics():
    declaration = declaration_of(declared(topic="x.{name}.y"))

    assert declaration.name == "example"
    assert declaration.topic == "x.{name}.y"
    assert declaration.topic_fields == ("name",)
    assert declaration.subject() == "x.*.y"
    assert declaration.subject(name="n") == "x.n.y"
    assert declaration.description == "An example. And more."
    with pytest.raises(UsageError, match="cannot be chosen by other"):
        declaration.subject(other="n")


def test_a_message_cannot_be_changed_and_is_equal_by_value():
    cls = declared()
    made = cls("x")

    with pytest.raises(AttributeError):
        made.name = "y"
    assert made == cls("x")
    assert hash(made) == hash(cls("x"))
    assert made != cls("y")


@pytest.mark.parametrize("cls", [int, structure_of, type("Plain", (), {})])
def test_what_is_not_declared_is_no_message(cls: type):
    with pytest.raises(UsageError, match="is not a message; declare it"):
        declaration_of(cls)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a.{name}", "a.{name}", True),
        ("a.{name}", "a.b", True),
        ("{name}.b", "a.{name}", True),
        ("a.{name}", "b.{name}", False),
        ("a.{name}", "a.{name}.c", False),
        ("a.{name}.c", "a.{name}.d", False),
        ("a.b", "a.b", True),
    ],
)
def test_two_messages_overlap_when_one_topic_could_be_of_both(one: str, other: str, expected: bool):
    first, second = (declaration_of(declared(topic=topic)) for topic in (one, other))

    assert overlap(first, second) is overlap(second, first) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("MeterRead", "meter_read"), ("Order", "order"), ("Read2Go", "read2_go"), ("A", "a")],
)
def test_names_of_messages_are_in_snake_case(name: str, expected: str):
    assert snake_case(name) == expected


class Level(Enum):
    HIGH = 1


@value
class Numbered:
    level: Level = field("an enumeration of numbers, which would not survive JSON")


@value
class Mapped:
    table: dict[str, int] = field("a mapping")


@value
class Listed:
    table: list[int] = field("a list, which could be changed")


@value
class Either:
    table: int | str = field("one of two")


@value
class Pair:
    table: tuple[int, int] = field("a tuple of fixed length")


@pytest.mark.parametrize("cls", [Numbered, Mapped, Listed, Either, Pair])
def test_a_field_that_has_no_place_in_a_message_is_refused(cls: type):
    with pytest.raises(UsageError, match=rf"{cls.__name__}\.(level|table) has type .*; a message holds"):
        structure_of(cls)
