"""The register: at most one retailer at any instant, from when on, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import MINUTE, Port
from gridbus.kernel.testing import run_components
from gridbus.roles.interfaces import Assignment, Enrolment, EnrolmentRefused
from gridbus.roles.registry import Conflict, Register, Registry


def enrolment(usage_point: str = "h1", lse: str = "green", start: int = 0) -> Enrolment:
    return Enrolment(
        usage_point=usage_point, lse=lse, tariff="flat", market="none", transformer="t1", effective_from=start
    )


ENROLMENTS = st.lists(
    st.builds(enrolment, st.sampled_from(["h1", "h2"]), st.sampled_from(["green", "simple"]), st.integers(0, 20)),
    max_size=12,
)


def entered(enrolments: list[Enrolment]) -> tuple[Register, list[Enrolment]]:
    register, accepted = Register(), []
    for each in enrolments:
        try:
            register.enrol(each)
        except Conflict:
            continue
        accepted.append(each)
    return register, accepted


@settings(deadline=None, max_examples=25)
@given(enrolments=ENROLMENTS)
def test_at_any_instant_a_usage_point_has_the_retailer_of_the_last_enrolment_that_has_begun(
    enrolments: list[Enrolment],
) -> None:
    register, accepted = entered(enrolments)
    for usage_point in ("h1", "h2"):
        for instant in range(22):
            begun = [e for e in accepted if e.usage_point == usage_point and e.effective_from <= instant]
            in_force = [a for a in register if a.usage_point == usage_point and a.covers(instant)]
            assert [a.lse for a in in_force] == ([max(begun, key=lambda e: e.effective_from).lse] if begun else [])
            assert register.at(usage_point, instant) == (in_force[0] if in_force else None)


@settings(deadline=None, max_examples=25)
@given(enrolments=ENROLMENTS)
def test_a_refused_enrolment_changes_nothing(enrolments: list[Enrolment]) -> None:
    register, accepted = entered(enrolments)
    again, _ = entered(accepted)
    assert list(register) == list(again)


def test_a_switch_ends_the_old_assignment_where_the_new_one_begins() -> None:
    register = Register()
    register.enrol(enrolment())
    old, new = register.enrol(enrolment(lse="simple", start=7))
    assert (old.lse, old.effective_from, old.effective_to) == ("green", 0, 7)
    assert (new.lse, new.effective_from, new.effective_to) == ("simple", 7, None)


@pytest.mark.parametrize("start", [3, 5])
def test_an_enrolment_that_does_not_begin_after_the_last_is_refused_by_name_and_instant(start: int) -> None:
    register = Register()
    register.enrol(enrolment(start=5))
    with pytest.raises(Conflict, match="h1 belongs to green from 5 ns on"):
        register.enrol(enrolment(lse="simple", start=start))


def test_the_registry_announces_who_is_in_force_and_refuses_the_rest() -> None:
    async def customer(port: Port) -> None:
        port.publish(enrolment())
        await port.sleep_until(MINUTE)
        port.publish(enrolment(lse="simple", start=0))
        port.publish(enrolment(lse="simple", start=2 * MINUTE))

    ((address, main),) = Registry().components("main", None)
    log = run_components({address: main, "agent.h1": customer}, stop=3 * MINUTE)
    assert [(a.lse, a.effective_from, a.effective_to) for a in log.of(Assignment)] == [
        ("green", 0, None),
        ("green", 0, 2 * MINUTE),
        ("simple", 2 * MINUTE, None),
    ]
    assert [(r.usage_point, r.lse) for r in log.of(EnrolmentRefused)] == [("h1", "simple")]
