"""The rule of curtailment, on random feeders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.roles.do.curtailment import Cut, curtail
from gridbus.roles.do.network import Network, by_transformer, network
from gridbus.roles.interfaces import SUBSTATION

COUNT = 3
WATTS = st.integers(-15_000, 25_000)
DEVICES = st.lists(
    st.tuples(st.integers(0, COUNT - 1), WATTS.map(lambda watts: watts / 1000), st.booleans()), min_size=1, max_size=12
)
Rows = list[tuple[int, float, bool]]


def feeder(limit_kw: float) -> Network:
    ratings = {"t1": 25.0, "t2": 37.5, "t3": 15.0}
    return network(ratings, substation_limit_kw=limit_kw, peak_kw=100.0, peak_line_loss=0.02)


def columns(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    places, power, controllable = zip(*rows, strict=True)
    return np.array(places, dtype=np.intp), np.array(power, dtype=float), np.array(controllable, dtype=bool)


def cuts_of(rows: Rows, limit_kw: float = 60.0) -> list[Cut]:
    return curtail(feeder(limit_kw), *columns(rows))


def after(rows: Rows, cuts: list[Cut]) -> np.ndarray:
    left = columns(rows)[1].copy()
    for cut in cuts:
        left[cut.device] = cut.power_kw
    return left


@settings(deadline=None, max_examples=25)
@given(rows=DEVICES, limit_kw=st.floats(5.0, 120.0))
def test_every_element_is_within_its_limit_afterwards(rows: Rows, limit_kw: float) -> None:
    made, places = feeder(limit_kw), columns(rows)[0]
    left = after(rows, cuts_of(rows, limit_kw))
    # Consumption can always be cut to nothing, and what the idle feeder loses fits in any of these limits.
    assert made.overloaded(made.flow(by_transformer(places, left, COUNT))) == ()


@settings(deadline=None, max_examples=25)
@given(rows=DEVICES, limit_kw=st.floats(5.0, 120.0))
def test_injection_is_never_cut_and_no_cut_turns_consumption_into_injection(rows: Rows, limit_kw: float) -> None:
    for cut in cuts_of(rows, limit_kw):
        wanted = rows[cut.device][1]
        assert 0.0 <= cut.power_kw < wanted


@settings(deadline=None, max_examples=25)
@given(rows=DEVICES)
def test_nothing_is_cut_when_nothing_is_overloaded(rows: Rows) -> None:
    made = feeder(120.0)
    places, power, _ = columns(rows)
    if not made.overloaded(made.flow(by_transformer(places, power, COUNT))):
        assert cuts_of(rows, 120.0) == []


@settings(deadline=None, max_examples=25)
@given(rows=DEVICES, limit_kw=st.floats(5.0, 120.0))
def test_nobody_is_cut_by_a_rounding_error(rows: Rows, limit_kw: float) -> None:
    for cut in cuts_of(rows, limit_kw):
        assert rows[cut.device][1] - cut.power_kw > 1e-12


@settings(deadline=None, max_examples=25)
@given(rows=DEVICES, limit_kw=st.floats(5.0, 120.0))
def test_what_is_left_needs_no_second_cut(rows: Rows, limit_kw: float) -> None:
    left = after(rows, cuts_of(rows, limit_kw)).tolist()
    again = [(place, power, controllable) for (place, _, controllable), power in zip(rows, left, strict=True)]
    assert cuts_of(again, limit_kw) == []


@settings(deadline=None, max_examples=25)
@given(rows=DEVICES)
def test_below_a_transformer_controllable_devices_are_cut_by_one_factor_before_all_others(rows: Rows) -> None:
    left = after(rows, cuts_of(rows, 1e6))
    for place in range(COUNT):
        factors = {True: [], False: []}
        for (at, power, controllable), rest in zip(rows, left.tolist(), strict=True):
            if at == place and power > 1e-6:
                factors[controllable].append(rest / power)
        for part in factors.values():
            assert part == pytest.approx([part[0]] * len(part), abs=1e-6) if part else True
        if any(factor < 1.0 - 1e-6 for factor in factors[False]):
            assert factors[True] == pytest.approx([0.0] * len(factors[True]), abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(rows=DEVICES, limit_kw=st.floats(5.0, 60.0))
def test_for_the_substation_others_are_cut_only_when_nothing_controllable_is_left(rows: Rows, limit_kw: float) -> None:
    cuts = cuts_of(rows, limit_kw)
    left = after(rows, cuts)
    if any(cut.element == SUBSTATION and not rows[cut.device][2] for cut in cuts):
        assert [
            kw for (_, _, controllable), kw in zip(rows, left.tolist(), strict=True) if controllable and kw > 0
        ] == []


def test_a_part_far_smaller_than_the_excess_is_cut_to_nothing() -> None:
    assert [cut.power_kw for cut in cuts_of([(0, 25.0, False), (0, 5e-324, True)], 100.0)] == [24.25, 0.0]


def test_an_overloaded_transformer_takes_just_its_excess_from_its_controllable_devices() -> None:
    # 15 kVA at 0.97: 14.55 kW. 20 kW are wanted, 12 of them by controllable devices.
    rows = [(2, 8.0, True), (2, 4.0, True), (2, 8.0, False), (0, 9.0, True)]
    factor = (14.55 - 8.0) / 12.0
    assert [(cut.device, cut.element) for cut in cuts_of(rows)] == [(0, "t3"), (1, "t3")]
    assert [cut.power_kw for cut in cuts_of(rows)] == pytest.approx([8.0 * factor, 4.0 * factor])


def test_injection_below_a_transformer_makes_room_for_consumption_there() -> None:
    assert cuts_of([(2, 20.0, True), (2, -6.0, False)]) == []


def test_the_substation_cuts_all_controllable_consumption_of_the_feeder_alike() -> None:
    rows = [(0, 10.0, True), (1, 20.0, True), (1, 10.0, False)]
    cuts = cuts_of(rows, 30.0)
    assert [(cut.device, cut.element) for cut in cuts] == [(0, SUBSTATION), (1, SUBSTATION)]
    assert cuts[1].power_kw == pytest.approx(2.0 * cuts[0].power_kw)
    left = after(rows, cuts)
    flow = feeder(30.0).flow(by_transformer(columns(rows)[0], left, COUNT))
    assert flow.substation_kw == pytest.approx(30.0, abs=1e-6)
