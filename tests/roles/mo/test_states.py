"""The table of states, and the boundaries of an instance in time."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE
from gridbus.roles.interfaces import MarketState
from gridbus.roles.mo.spec import MarketSpec, Timeline
from gridbus.roles.mo.states import TRANSITIONS, Boundary, diagram, following

README = Path(__file__).parents[3] / "README.md"


def spec(**changes) -> MarketSpec:
    fields = {
        "product": "day-ahead",
        "slot_min": 60.0,
        "slots": 4,
        "first_min": 120.0,
        "delivery_lead_min": 60.0,
        "market_lead_min": 15.0,
        "gate_min": 5.0,
        "negotiation_lead_min": 15.0,
        "activation_lead_min": 10.0,
    }
    return MarketSpec(**(fields | changes))


def test_the_states_are_those_of_tent_in_their_order_and_each_is_left_once() -> None:
    path = [TRANSITIONS[0].source]
    while (change := following(path[-1])) is not None:
        path.append(change.target)
    assert path == list(MarketState)
    assert [change.boundary for change in TRANSITIONS] == list(Boundary)


def test_the_boundaries_are_offsets_from_the_clearing() -> None:
    # Day-ahead with T at 1:00, a quarter of an hour of negotiation and of market lead, an hour of delivery lead.
    timeline = Timeline(spec(), 2 * HOUR)
    assert {which: timeline.boundary(which) / MINUTE for which in Boundary} == {
        Boundary.ACTIVATION: 20,
        Boundary.NEGOTIATION: 30,
        Boundary.MARKET_LEAD: 45,
        Boundary.CLEARING: 60,
        Boundary.DELIVERY: 120,
        Boundary.DELIVERY_END: 360,
        Boundary.SETTLED: 420,
    }
    assert timeline.gate == 55 * MINUTE


@given(st.integers(-HOUR, 12 * HOUR))
def test_the_state_of_an_instant_is_the_last_one_whose_boundary_has_come(instant: int) -> None:
    timeline = Timeline(spec(), 2 * HOUR)
    reached = sum(instant >= timeline.boundary(which) for which in Boundary)
    assert timeline.state_at(instant) is list(MarketState)[reached]


@given(st.lists(st.integers(0, 10), min_size=6, max_size=6))
def test_states_without_length_are_passed_through_in_one_instant(leads: list[int]) -> None:
    activation, negotiation, market_lead, delivery, wait, dispute = map(float, leads)
    made = spec(
        activation_lead_min=activation,
        negotiation_lead_min=negotiation,
        market_lead_min=market_lead + 5.0,
        delivery_lead_min=delivery,
        meter_wait_min=wait,
        dispute_min=dispute,
    )
    timeline = Timeline(made, 2 * HOUR)
    instants = [timeline.boundary(which) for which in Boundary]
    assert instants == sorted(instants)
    assert timeline.boundary(Boundary.MARKET_LEAD) <= timeline.gate <= timeline.clearing


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"gate_min": 16.0}, "gate_min"),
        ({"first_min": 99.0}, "first_min"),
        ({"every_min": 90.0}, "every_min"),
        ({"every_min": 300.0}, "every_min"),
        ({"price_cap_per_kwh": 0.1, "price_floor_per_kwh": 0.1}, "price_cap_per_kwh"),
        ({"refines": "day-ahead"}, "refines"),
        ({"mechanism": "lottery"}, "mechanism"),
    ],
)
def test_a_specification_that_contradicts_itself_says_where(changes: dict[str, object], key: str) -> None:
    assert [name for name, _ in spec(**changes).check()] == [key]


def test_a_specification_is_sound_without_them() -> None:
    assert list(spec().check()) == []


def test_of_a_rolling_series_the_slots_up_to_the_next_clearing_are_binding() -> None:
    rolling = spec(slots=48, every_min=60.0)
    assert rolling.binding_slots == 1
    first, second, *_ = rolling.instances(12 * HOUR)
    assert (first.first_slot, second.first_slot) == (2 * HOUR, 3 * HOUR)
    assert first.delivery_end == second.first_slot
    assert len(first.slot_starts(12 * HOUR)) == 10


def test_the_diagram_of_the_readme_is_that_of_the_table() -> None:
    (shown,) = re.findall(r"```mermaid\n(stateDiagram.*?)\n```", README.read_text(encoding="utf-8"), re.S)
    assert shown == diagram()
