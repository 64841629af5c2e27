"""Where messages go: to the processes with components that may hear them, as the declarations say."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import field, message
from gridbus.kernel.codec import encoder
from gridbus.kernel.message import declaration_of, heard_by
from gridbus.kernel.network.routing import Router


@message(topic="open.{one}", senders=["*.*"], receivers=["*.*"])
class Open:
    """For all."""

    one: str = field("a name")
    two: str = field("another", default="a")


@message(topic="role.{one}", senders=["*.*"], receivers=["x.*"])
class ForRole:
    """For a role."""

    one: str = field("a name")
    two: str = field("another", default="a")


@message(topic="own.{one}.{two}", senders=["*.*"], receivers=["x.{one}", "y.{two}", "z.*"])
class ForNames:
    """For one of a role, by either name, and all of a third."""

    one: str = field("a name")
    two: str = field("another", default="a")


@message(topic="any.{one}.{two}", senders=["*.*"], receivers=["*.{two}", "x.{one}"])
class ForAny:
    """For anybody of a name, except that a role has its own rule."""

    one: str = field("a name")
    two: str = field("another", default="a")


@message(topic="none.{one}", senders=["*.*"], receivers=[])
class ForNone:
    """For nobody."""

    one: str = field("a name")
    two: str = field("another", default="a")


CLASSES: list[Any] = [Open, ForRole, ForNames, ForAny, ForNone]
names = st.sampled_from("abcd")
addresses = st.builds("{}.{}".format, st.sampled_from("xyzw"), names)
places = st.dictionaries(st.integers(0, 5), st.lists(addresses, max_size=4), max_size=6)
messages = st.builds(lambda cls, one, two: cls(one, two), st.sampled_from(CLASSES), names, names)


@given(places=places, sent=st.lists(messages, min_size=1, max_size=8))
def test_the_places_of_a_message_are_those_with_a_component_that_may_hear_it(
    places: dict[int, list[str]], sent: list[Any]
):
    router = Router(places)
    for each in sent:
        found = list(router.routes(declaration_of(type(each))).places(encoder(type(each))(each)))
        assert len(found) == len(set(found))
        assert set(found) == {p for p, there in places.items() if any(heard_by(a, each) for a in there)}


def test_a_body_without_the_name_or_with_none_goes_to_those_who_may_hear_all():
    routes = Router({"named": ["x.a"], "all": ["z.a"]}).routes(declaration_of(ForNames))

    assert list(routes.places({"one": 3, "two": None})) == ["all"]
    assert list(routes.places({})) == ["all"]
    assert list(routes.places({"one": "a", "two": "q"})) == ["all", "named"]
    assert list(routes.places({"one": "q", "two": "q"})) == ["all"]
