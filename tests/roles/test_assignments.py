"""Which assignments are in force when."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gridbus.roles.assignments import Assignments
from gridbus.roles.interfaces import Assignment


def assignment(usage_point: str, start: int = 0, end: int | None = None, **changes: Any) -> Assignment:
    fields: dict[str, Any] = {"lse": "green", "tariff": "flat", "market": "none", "transformer": "t1"}
    return Assignment(usage_point=usage_point, effective_from=start, effective_to=end, **(fields | changes))


TAKEN = st.lists(
    st.tuples(st.sampled_from(["h2", "h1", "h3"]), st.integers(0, 9), st.none() | st.integers(0, 12)), max_size=8
)


@given(taken=TAKEN, instants=st.lists(st.integers(0, 15), max_size=12))
def test_all_that_are_in_force_are_those_that_cover_the_instant_by_name(
    taken: list[tuple[str, int, int | None]], instants: list[int]
) -> None:
    made = Assignments()
    # Asked before and between, so that what was found earlier has to be found anew.
    for usage_point, start, end in [*taken, ("h1", 20, None)]:
        for instant in instants:
            found = made.in_force(instant)
            names = [name for name in ("h1", "h2", "h3") if made.at(name, instant)]
            assert list(found.by_usage_point) == names
            assert all(found.by_usage_point[name] == made.at(name, instant) for name in names)
        made.take(assignment(usage_point, start, end))


def test_what_is_in_force_is_the_same_object_until_something_begins_or_ends() -> None:
    made = Assignments()
    made.take(assignment("h1", 2, 8))
    assert made.in_force(2) is made.in_force(7)
    assert made.in_force(7) is not made.in_force(8)
    assert made.in_force(3) is made.in_force(6)
    before = made.in_force(5)
    made.take(assignment("h2", 5))
    assert made.in_force(5) is not before


def test_an_assignment_is_replaced_by_the_next_from_the_same_instant_on() -> None:
    made = Assignments()
    for each in (
        assignment("h2"),
        assignment("h1", 0),
        assignment("h1", 0, 5),
        assignment("h1", 5),
        assignment("h0", 7, 7),
    ):
        made.take(each)
    assert [(each.usage_point, each.effective_from, each.effective_to) for each in made] == [
        ("h1", 0, 5),
        ("h1", 5, None),
        ("h2", 0, None),
    ]
    assert "h0" in made
    assert "h9" not in made


def test_the_latest_begins_last_whether_it_is_in_force_or_not() -> None:
    made = Assignments()
    for each in (assignment("h1", 9, transformer="t2"), assignment("h1", 0, 9)):
        made.take(each)
    latest = made.latest("h1")
    assert latest is not None
    assert latest.transformer == "t2"
    assert made.latest("h2") is None
