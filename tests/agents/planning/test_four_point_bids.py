"""Four-point bids around plans: shape, monotony, reading them at a price, and what a device's state allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.models.batteries import Batteries, BatteryParameters
from gridbus.agents.models.elementwise import FloatArray
from gridbus.agents.models.water_heaters import WaterHeaterParameters
from gridbus.agents.planning import battery, water_heater
from gridbus.agents.planning.bids import Bids, Response, between_hours_kw, four_point_bids, spread_per_kwh
from gridbus.agents.planning.faults import Fault

FLOOR, CAP = -0.05, 0.5
seeds = st.integers(0, 2**32 - 1)
prices = st.floats(-0.2, 0.8)


def drawn(seed: int) -> tuple[FloatArray, FloatArray, Response, Bids]:
    """Plans, expected prices, responses and the bids that follow, some without room, slope or band."""
    rng = np.random.default_rng(seed)
    shape = 5, 3
    least, room = rng.uniform(-5, 2, shape), rng.choice([0.0, 1.0], shape) * rng.uniform(0, 8, shape)
    plan = least + rng.uniform(-0.1, 1.1, shape) * room
    expected = rng.uniform(-0.1, 0.6, shape)
    slope = -rng.choice([0.0, 0.001, 0.1], shape) * rng.uniform(0.5, 2, shape)
    response = Response(least, least + room, slope, rng.choice([0.0, 0.02], shape) * np.ones(shape))
    return plan, expected, response, four_point_bids(plan, expected, response, floor_per_kwh=FLOOR, cap_per_kwh=CAP)


@settings(deadline=None)
@given(seeds)
def test_quantities_rise_and_prices_fall_within_rating_and_price_band(seed: int) -> None:
    _, _, response, bids = drawn(seed)

    assert (np.diff(bids.quantity_kw) >= 0.0).all()
    assert (np.diff(bids.price_per_kwh) <= 0.0).all()
    assert (bids.quantity_kw >= response.least_kw[..., np.newaxis]).all()
    assert (bids.quantity_kw <= response.most_kw[..., np.newaxis]).all()
    assert FLOOR <= bids.price_per_kwh.min() <= bids.price_per_kwh.max() <= CAP


@settings(deadline=None)
@given(seeds, prices, prices)
def test_a_higher_price_never_raises_what_is_asked_for(seed: int, one: float, other: float) -> None:
    bids = drawn(seed)[-1]

    assert (bids.quantity_at(max(one, other)) <= bids.quantity_at(min(one, other))).all()


@settings(deadline=None)
@given(seeds)
def test_the_expected_price_buys_the_plan_where_the_line_is_not_cut(seed: int) -> None:
    plan, expected, response, bids = drawn(seed)
    free = (
        (expected > FLOOR)
        & (expected < CAP)
        & (response.slope_per_kwh_kw < 0.0)
        & (response.most_kw > response.least_kw)
    )

    bought = bids.quantity_at(expected)

    inside = np.clip(plan, response.least_kw, response.most_kw)
    assert bought[free] == pytest.approx(inside[free], abs=1e-9)


@settings(deadline=None)
@given(seeds, prices)
def test_reading_a_bid_follows_its_points(seed: int, price: float) -> None:
    bids = drawn(seed)[-1]
    found = bids.quantity_at(price)

    for device in range(5):
        for hour in range(3):
            at, quantity = bids.price_per_kwh[device, hour][::-1], bids.quantity_kw[device, hour][::-1]
            # np.interp wants rising prices; at a jump the greater quantity is the one of the lower side.
            expected = np.interp(price, at, quantity)
            if price in at:
                expected = quantity[at == price].max()
            assert found[device, hour] == pytest.approx(expected, abs=1e-6)


def test_at_a_jump_the_greater_quantity_is_asked_for() -> None:
    bids = Bids(np.array([[[0.0, 1.0, 3.0, 4.0]]]), np.array([[[0.3, 0.2, 0.2, 0.1]]]))

    assert [bids.quantity_at(price)[0, 0] for price in (0.31, 0.3, 0.2, 0.1)] == [0.0, 0.0, 3.0, 4.0]


def test_in_real_time_the_middle_moves_along_the_line_of_the_hour_s_plan() -> None:
    response = Response.of([[0.0]], 4.0, -0.02, 0.01)

    bids = four_point_bids([[2.0]], 0.1, response, wanted_kw=[[3.0]], floor_per_kwh=0.0, cap_per_kwh=1.0)

    assert bids.quantity_kw[0, 0].tolist() == [0.0, 3.0, 3.0, 4.0]
    assert bids.price_per_kwh[0, 0] == pytest.approx([0.15, 0.09, 0.07, 0.05])


def test_who_does_not_respond_bids_the_plan_at_any_price() -> None:
    response = Response.of(np.zeros((1, 2)), 4.0, 0.0, 0.01)

    bids = four_point_bids([[1.0, 9.0]], 0.1, response, floor_per_kwh=0.0, cap_per_kwh=1.0)

    assert bids.quantity_kw.tolist() == [[[1.0] * 4, [4.0] * 4]]
    assert bids.quantity_at(0.9).tolist() == bids.quantity_at(0.01).tolist() == [[1.0, 4.0]]


def test_a_price_cap_below_the_floor_is_refused() -> None:
    with pytest.raises(ValueError, match="below the floor"):
        four_point_bids([[1.0]], 0.1, Response.of([[0.0]], 4.0, 0.0, 0.0), floor_per_kwh=0.2, cap_per_kwh=0.1)


def test_a_flat_forecast_has_a_tenth_of_its_price_for_a_spread() -> None:
    forecasts = np.array([[0.2, 0.2, 0.2], [0.2, 0.205, 0.2], [0.2, 0.3, 0.1], [0.0, 0.0, 0.0]])

    assert spread_per_kwh(forecasts)[:, 0] == pytest.approx([0.02, 0.0205, 0.2, 0.0])
    assert spread_per_kwh(forecasts, Fault.CLIFF_AT_FLAT_FORECAST)[:, 0] == pytest.approx([0.0, 0.005, 0.2, 0.0])


@given(st.lists(st.floats(-5, 5), min_size=4, max_size=4))
def test_the_plan_between_hours_is_the_study_s_recursion(plan: list[float]) -> None:
    previous = found = 0.0
    for hour in range(3):
        start = found
        for step in range(12):
            # tesp-support, formulate_bid_rt: the difference to go is taken anew at minutes 0 and 30.
            if step == 0:
                difference = plan[hour] - previous
            if step == 6:
                difference = (plan[hour + 1] - previous) * 0.5
            previous += difference * 5.0 / 30.0

            found = float(between_hours_kw(start, plan[hour], plan[hour + 1], 5.0 * (step + 1)))

            assert found == pytest.approx(previous, abs=1e-9)


@settings(deadline=None)
@given(st.floats(2.7, 13.5), st.floats(-4.0, 4.0), st.sampled_from([1 / 12, 1.0]))
def test_a_battery_bids_in_real_time_what_it_can_hold(energy_kwh: float, plan_kw: float, hours: float) -> None:
    parameters = BatteryParameters(13.5, 5.0, discharge_efficiency=0.9, reserve_kwh=2.7)
    preferences = battery.BatteryPreferences()
    store = Batteries(parameters, np.array([energy_kwh]))

    least, most = battery.range_kw(parameters, energy_kwh=np.array([energy_kwh]), plan_kw=[[plan_kw]], hours=hours)
    response = battery.response(parameters, preferences, [0.1, 0.2]).within(least, most)
    bids = four_point_bids([[plan_kw]], 0.15, response, floor_per_kwh=-9.0, cap_per_kwh=9.0)

    for quantity_kw in bids.quantity_kw[0, 0]:
        ahead = store.copy()
        assert ahead.step(3600.0 * hours, quantity_kw)[0] == pytest.approx(quantity_kw, abs=1e-9)
        assert abs(quantity_kw - plan_kw) <= 5.0 + 1e-9
    assert bids.quantity_kw[0, 0, 3] == pytest.approx(
        max(bids.quantity_kw[0, 0, 0], min(5.0, plan_kw + 5.0, most[0, 0]))
    )


def test_a_water_heater_s_range_leads_to_its_limits() -> None:
    tanks = WaterHeaterParameters(volume_l=190.0, setpoint_c=52.0, lowest_c=43.0, highest_c=62.0)

    for number, start_c, limit_c in ((0, 43.5, 43.0), (1, 61.5, 62.0)):
        power_kw = water_heater.range_kw(
            tanks, temperature_c=np.array([start_c]), draw_l_per_min=1.0, inlet_c=15.0, ambient_c=20.0, hours=1 / 12
        )[number][0, 0]
        drawn_kw = 4.186 / 60.0 * (52.0 - 15.0)
        lost_kw = 0.0016 * (0.5 * (start_c + limit_c) - 20.0)

        assert 0.0 < power_kw < 4.5
        assert (power_kw - drawn_kw - lost_kw) / 12.0 == pytest.approx(190.0 * 4.186 / 3600.0 * (limit_c - start_c))
