"""Who the customers are does not depend on who else is made, nor on what they are called."""

from collections import Counter

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.customers import Shares, customers, customers_of

EVERYTHING = Shares(electric_water_heater=1.0, electric_vehicle=1.0, vehicle_to_grid=0.5, photovoltaic=1.0, battery=1.0)
POPULATION = customers(400, 11)
EQUIPPED = customers(400, 11, shares=EVERYTHING)
A_SHARE = st.floats(0.0, 1.0)
SHARES = st.tuples(A_SHARE, *[A_SHARE] * 7).map(
    lambda each: Shares(each[0], (1.0 - each[0]) * each[1], each[2], each[3], each[4], each[5], each[6], each[7])
)
OPTIONAL = ("water_heater", "battery", "electric_vehicle", "photovoltaic")


@given(st.integers(0, 60), st.integers(0, 2**70), SHARES)
@settings(max_examples=25)
def test_a_customer_does_not_depend_on_the_count(count, seed, shares):
    assert customers(count, seed, shares=shares) == customers(60, seed, shares=shares)[:count]


@given(st.lists(st.integers(0, 399), max_size=10))
@settings(max_examples=25)
def test_a_process_that_makes_some_of_them_makes_the_same(numbers):
    assert customers_of(numbers, 11) == tuple(POPULATION[number] for number in numbers)
    assert customers_of(numbers, 11, shares=EVERYTHING) == tuple(EQUIPPED[number] for number in numbers)


@given(SHARES)
@settings(max_examples=50)
def test_shares_decide_who_has_something_and_nothing_else(shares):
    for customer, equipped in zip(customers(30, 5, shares=shares), customers(30, 5, shares=EVERYTHING), strict=True):
        for name in ("slider", "occupancy", "dwelling", "thermostat", "household_load"):
            assert getattr(customer, name) == getattr(equipped, name)
        for name in ("water_heater", "battery", "photovoltaic"):
            assert getattr(customer, name) in (None, getattr(equipped, name))


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@settings(max_examples=25)
def test_a_higher_share_adds_devices_to_the_same_homes(one, other):
    few, many = (
        customers(40, 5, shares=Shares(electric_water_heater=share, electric_vehicle=share, battery=share))
        for share in sorted((one, other))
    )

    for poor, rich in zip(few, many, strict=True):
        for name in OPTIONAL:
            assert getattr(poor, name) in (None, getattr(rich, name))
        assert poor.air_conditioning == rich.air_conditioning


def test_v2g_is_another_charger_on_the_same_vehicle():
    one_way, two_way = (
        customers(60, 5, shares=Shares(electric_vehicle=1.0, vehicle_to_grid=share)) for share in (0.0, 1.0)
    )

    for first, second in zip(one_way, two_way, strict=True):
        charger = ("charge_rated_kw", "discharge_rated_kw")
        changed = {name: getattr(second.electric_vehicle, name) for name in charger}
        assert first.electric_vehicle.discharge_rated_kw == 0.0
        assert changed["discharge_rated_kw"] == changed["charge_rated_kw"] >= 7.2
        assert attrs.evolve(first.electric_vehicle, **changed) == second.electric_vehicle


def test_twins_differ_in_nothing_but_their_names():
    for customer, twin in zip(customers(20, 1), customers(20, 1, prefix="a", feeder="u"), strict=True):
        assert (twin.usage_point, twin.transformer) == (f"a{customer.usage_point[1:]}", f"u{customer.transformer[1:]}")
        assert attrs.evolve(twin, usage_point=customer.usage_point, transformer=customer.transformer) == customer


def test_seeds_give_other_people():
    for ours, theirs in zip(customers(25, 11, shares=EVERYTHING), customers(25, 12, shares=EVERYTHING), strict=True):
        assert ours.slider != theirs.slider
        for name in ("dwelling", "thermostat", "household_load", "occupancy", *OPTIONAL):
            assert getattr(ours, name) != getattr(theirs, name)


def test_every_customer_has_noise_draws_and_trips_of_their_own():
    seeds = [customer.household_load.noise_seed for customer in EQUIPPED]
    seeds += [customer.water_heater.draw_seed for customer in EQUIPPED]
    seeds += [customer.electric_vehicle.trip_seed for customer in EQUIPPED]

    assert len(set(seeds)) == 1200


def test_names_are_numbered_from_one_and_unique():
    assert [customer.usage_point for customer in POPULATION[:2]] == ["h001", "h002"]
    assert [customer.usage_point for customer in customers_of([999, 12344], 11)] == ["h1000", "h12345"]
    assert len({customer.usage_point for customer in POPULATION}) == 400


def test_nine_homes_share_two_transformers():
    whole = POPULATION[: 9 * 44]

    assert Counter(customer.transformer for customer in whole[:18]) == {"t01": 5, "t02": 4, "t03": 5, "t04": 4}
    assert {(int(customer.transformer[1:]) % 2, customer.transformer_rating_kva) for customer in whole} == {
        (1, 37.5),
        (0, 25.0),
    }


def test_nobody_lives_in_an_empty_population():
    assert customers(0, 1) == customers_of([], 1) == ()


@pytest.mark.parametrize(
    ("count", "seed", "shares", "said"),
    [
        (-1, 0, {}, "count"),
        (1, -1, {}, "seed"),
        (1, 0, {"battery": 1.1}, "battery"),
        (1, 0, {"battery": float("nan")}, "battery"),
        (1, 0, {"heat_pump": 0.6, "resistance": 0.5}, "heat_pump: expected at most 1 with resistance, got 1.1"),
    ],
)
def test_what_has_no_meaning_is_refused(count, seed, shares, said):
    with pytest.raises(ValueError, match=said):
        customers(count, seed, shares=Shares(**shares))


def test_all_faults_are_told_at_once():
    with pytest.raises(ValueError, match=r"numbers.*-3\nseed.*-1\nphotovoltaic.*2\nparticipation.*-1"):
        customers_of([1, -3], -1, shares=Shares(photovoltaic=2.0, participation=-1.0))


def test_heating_shares_that_sum_to_one_leave_no_gas():
    assert list(Shares(heat_pump=0.9, resistance=0.1).check()) == []
    assert Shares().gas == pytest.approx(0.66)
