import itertools

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridbus.agents.models.battery import Battery, BatteryParameters
from gridbus.agents.models.house import House, HouseParameters
from gridbus.agents.strategies import (
    Comfort,
    PriceOutlook,
    battery_bid,
    battery_day_bid,
    battery_day_plan,
    hvac_bid,
    hvac_day_bid,
)

HOUSE = HouseParameters(
    ua_kw_per_c=0.25,
    air_capacity_kwh_per_c=0.45,
    mass_coupling_kw_per_c=4.0,
    mass_capacity_kwh_per_c=3.0,
    solar_aperture_m2=3.5,
    rated_kw=2.8,
    cop=3.6,
    internal_gain_kw=0.8,
)
COMFORT = Comfort(setpoint_c=24.0, lowest_c=23.0, highest_c=26.0, slider=0.8)
BATTERY = BatteryParameters(13.5, 5.0, reserve_kwh=2.7, wear_per_kwh=0.01)
OUTLOOK = PriceOutlook(0.10, 0.10, 0.05, 0.25, 0.0, 1.0)
DAY = [0.05 + 0.1 * max(0.0, np.sin((hour - 10) / 12 * np.pi)) for hour in range(24)]

prices = st.floats(-0.5, 2.0)
outlooks = st.builds(
    lambda forecast: PriceOutlook.from_forecast(forecast, 0, floor_per_kwh=0.0, cap_per_kwh=1.0),
    st.lists(prices, min_size=1, max_size=24),
)
comforts = st.builds(
    lambda setpoint, down, up, slider: Comfort(setpoint, setpoint - down, setpoint + up, slider),
    st.floats(21.0, 26.0),
    st.floats(0.0, 3.0),
    st.floats(0.0, 3.0),
    st.floats(0.0, 1.0),
)
houses = st.builds(House, st.just(HOUSE), st.floats(18.0, 32.0), st.floats(18.0, 32.0))
batteries = st.builds(Battery, st.just(BATTERY), st.floats(0.0, 13.5))


def assert_well_formed(curve, lowest_kw: float, highest_kw: float) -> None:
    quantities_kw, offers = zip(*curve, strict=True)
    assert len(curve) == 4
    assert list(quantities_kw) == sorted(quantities_kw)
    assert list(offers) == sorted(offers, reverse=True)
    assert lowest_kw <= quantities_kw[0] <= quantities_kw[-1] <= highest_kw
    assert 0.0 <= offers[-1] <= offers[0] <= 1.0


def bought_kw(curve, price_per_kwh: float) -> float:
    """Quantity at a price, by interpolation and flat beyond the ends; a jump sells the lesser part."""
    if price_per_kwh >= curve[0][1]:
        return curve[0][0]
    for (left_kw, high), (right_kw, low) in itertools.pairwise(curve):
        if high > price_per_kwh >= low:
            return left_kw + (right_kw - left_kw) * (high - price_per_kwh) / (high - low)
    return curve[-1][0]


class TestHvac:
    @settings(deadline=None)
    @given(houses, comforts, outlooks, st.floats(10.0, 45.0), st.floats(0.0, 1.0), prices, prices)
    def test_a_bid_is_well_formed_and_falls_with_price(self, house, comfort, outlook, outdoor_c, sun, one, other):
        curve = hvac_bid(house, comfort, outlook, duration_s=300, outdoor_c=outdoor_c, solar_kw_per_m2=sun)

        assert_well_formed(curve, 0.0, HOUSE.rated_kw)
        assert bought_kw(curve, min(one, other)) >= bought_kw(curve, max(one, other)) - 1e-12

    @pytest.mark.parametrize(("point", "reached_c"), [(0, 25.6), (1, 24.0), (2, 24.0), (3, 23.2)])
    def test_each_quantity_reaches_its_temperature(self, point, reached_c):
        house = House(attrs.evolve(HOUSE, rated_kw=40.0), 25.8)
        weather = {"duration_s": 300.0, "outdoor_c": 35.0, "solar_kw_per_m2": 0.5}

        curve = hvac_bid(house, COMFORT, OUTLOOK, **weather)
        house.step(300.0, 35.0, 0.5, curve[point][0])

        assert house.air_temperature_c == pytest.approx(reached_c)

    def test_the_wanted_quantity_holds_in_a_band_around_the_expected_price(self):
        curve = hvac_bid(House(HOUSE, 24.0), COMFORT, OUTLOOK, duration_s=300, outdoor_c=35.0, solar_kw_per_m2=0.5)

        assert [price for _, price in curve] == pytest.approx([0.30, 0.12, 0.08, 0.0])
        assert curve[0][0] < curve[1][0] == curve[2][0] < curve[3][0]
        assert bought_kw(curve, 0.119) == bought_kw(curve, 0.081) == curve[1][0]

    def test_slider_zero_pays_any_price_for_the_set_point(self):
        comfort = attrs.evolve(COMFORT, slider=0.0)
        dear = attrs.evolve(OUTLOOK, expected_per_kwh=0.25)

        curve = hvac_bid(House(HOUSE, 24.0), comfort, dear, duration_s=300, outdoor_c=35.0, solar_kw_per_m2=0.5)

        assert len({quantity for quantity, _ in curve}) == 1

    def test_more_slider_means_more_response(self):
        def width_kw(slider: float) -> float:
            house, comfort = House(HOUSE, 24.0), attrs.evolve(COMFORT, slider=slider)
            curve = hvac_bid(house, comfort, OUTLOOK, duration_s=3600, outdoor_c=35.0, solar_kw_per_m2=0.5)
            return curve[-1][0] - curve[0][0]

        widths = [width_kw(slider) for slider in (0.0, 0.2, 0.4, 0.6)]
        assert widths == sorted(widths)
        assert widths[0] < widths[-1]

    def test_the_target_is_cooler_when_power_is_cheap(self):
        targets_c = [
            COMFORT.target_c(attrs.evolve(OUTLOOK, expected_per_kwh=price)) for price in (0.0, 0.05, 0.1, 0.2, 9.0)
        ]

        assert targets_c == pytest.approx([23.6, 23.8, 24.0, 24.8, 25.6])

    def test_day_bids_are_well_formed_and_cool_more_when_it_is_hot(self):
        outdoor_c = [30.0 - 6.0 * np.cos((hour - 4) / 12 * np.pi) for hour in range(24)]
        sun = [max(0.0, 0.9 * np.sin((hour - 6) / 14 * np.pi)) for hour in range(24)]
        curves = hvac_day_bid(HOUSE, COMFORT, DAY, outdoor_c, sun, floor_per_kwh=0.0, cap_per_kwh=1.0)

        assert len(curves) == 24
        for curve in curves:
            assert_well_formed(curve, 0.0, HOUSE.rated_kw)
        assert curves[15][1][0] > 2 * curves[4][1][0] > 0.0

    def test_day_bids_hold_the_set_point_at_steady_state_under_a_flat_price(self):
        curves = hvac_day_bid(HOUSE, COMFORT, [0.1] * 48, [34.0] * 48, [0.3] * 48, floor_per_kwh=0.0, cap_per_kwh=1.0)

        heat_kw = 0.25 * 10.0 + 0.8 + 3.5 * 0.3
        assert curves[-1][1][0] == pytest.approx(heat_kw / HOUSE.sensible_cop(34.0), rel=1e-6)

    def test_day_bids_refuse_forecasts_of_different_lengths(self):
        with pytest.raises(ValueError, match="shorter"):
            hvac_day_bid(HOUSE, COMFORT, [0.1] * 3, [30.0] * 3, [0.1] * 2, floor_per_kwh=0.0, cap_per_kwh=1.0)


def earned(plan, energy_kwh: float, forecast, parameters: BatteryParameters, end_value: float) -> float:
    """Money of a plan, carried out by the battery itself, which must be able to."""
    battery, money = Battery(parameters, energy_kwh), 0.0
    for power_kw, price in zip(plan, forecast, strict=True):
        assert battery.step(power_kw, 3600.0) == pytest.approx(power_kw, abs=1e-9)
        money -= price * power_kw + parameters.wear_per_kwh * abs(power_kw)
    return money + end_value * (battery.energy_kwh - parameters.reserve_kwh)


def best_by_linear_program(energy_kwh: float, forecast, parameters: BatteryParameters, end_value: float) -> float:
    count = len(forecast)
    gain_in, gain_out = parameters.charge_efficiency, -1 / parameters.discharge_efficiency
    lower = np.tril(np.ones((count, count)))
    stored = np.hstack([gain_in * lower, gain_out * lower])
    forecast = np.array(forecast)
    cost = np.concatenate([forecast + parameters.wear_per_kwh, -forecast + parameters.wear_per_kwh])
    cost -= end_value * stored[-1]
    room, spare = parameters.capacity_kwh - energy_kwh, energy_kwh - parameters.reserve_kwh
    bounds = np.concatenate([np.full(count, room), np.full(count, spare)])
    solution = linprog(
        cost, A_ub=np.vstack([stored, -stored]), b_ub=bounds, bounds=(0, parameters.rated_kw), method="highs"
    )
    return end_value * spare - solution.fun


class TestBatteryPlan:
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.floats(0.0, 0.6), min_size=1, max_size=24),
        st.floats(2.7, 13.5),
        st.floats(0.5, 1.0),
        st.floats(1.0, 9.0),
        st.floats(0.0, 0.4),
    )
    def test_earns_what_a_linear_program_earns(self, forecast, energy_kwh, efficiency, rated_kw, end_value):
        parameters = attrs.evolve(BATTERY, charge_efficiency=efficiency, discharge_efficiency=0.93, rated_kw=rated_kw)

        plan = battery_day_plan(parameters, energy_kwh, forecast, energy_value_per_kwh=end_value)

        best = best_by_linear_program(energy_kwh, forecast, parameters, end_value)
        assert earned(plan, energy_kwh, forecast, parameters, end_value) == pytest.approx(best, abs=1e-6)

    @pytest.mark.parametrize("forecast", [[-0.2, 0.3, -0.1, 0.2], [0.1, -0.3, -0.3, 0.0], [-0.1, -0.2, -0.3, 0.5]])
    def test_negative_prices_earn_the_most_of_all_plans_that_sell_at_none(self, forecast):
        parameters = BatteryParameters(4.0, 2.0, charge_efficiency=0.5, discharge_efficiency=0.5, wear_per_kwh=0.01)
        steps = [(-1.0, -0.5, 0.0, 1.0, 2.0) if price >= 0 else (0.0, 1.0, 2.0) for price in forecast]

        def money(plan) -> float:
            battery = Battery(parameters, 2.0)
            held = [battery.step(power_kw, 3600.0) for power_kw in plan]
            return earned(held, 2.0, forecast, parameters, 0.1)

        plan = battery_day_plan(parameters, 2.0, forecast, energy_value_per_kwh=0.1)

        assert all(power_kw >= 0 for power_kw, price in zip(plan, forecast, strict=True) if price < 0)
        assert money(plan) >= max(map(money, itertools.product(*steps))) - 1e-9

    def test_charges_when_cheap_and_discharges_when_dear(self):
        plan = battery_day_plan(BATTERY, 2.7, [0.02] * 6 + [0.3] * 6)

        assert sum(plan[:6]) == pytest.approx(10.8 / 0.95)
        assert sum(plan[6:]) == pytest.approx(-10.8 * 0.95)

    def test_rests_at_a_flat_price_and_plans_nothing_for_no_hours(self):
        assert battery_day_plan(BATTERY, 8.0, [0.1] * 24) == (0.0,) * 24
        assert battery_day_plan(BATTERY, 8.0, []) == ()

    def test_restores_its_reserve_first(self):
        plan = battery_day_plan(BATTERY, 0.0, [0.1, 0.1], energy_value_per_kwh=0.0)

        assert plan == pytest.approx((2.7 / 0.95, 0.0))


class TestBatteryBid:
    @settings(deadline=None)
    @given(batteries, st.floats(-9.0, 9.0), outlooks, prices, prices)
    def test_is_well_formed_and_falls_with_price(self, battery, planned_kw, outlook, one, other):
        curve = battery_bid(battery, planned_kw, outlook, duration_s=300.0)

        assert_well_formed(curve, -5.0, 5.0)
        assert (curve[0][0], curve[-1][0]) == battery.feasible_kw(300.0)
        assert bought_kw(curve, min(one, other)) >= bought_kw(curve, max(one, other)) - 1e-12

    def test_holds_the_plan_at_the_expected_price_and_gives_all_at_extremes(self):
        curve = battery_bid(Battery(BATTERY, 8.0), 1.5, OUTLOOK, duration_s=300.0)

        band = 0.5 * (1 - 0.95**2) * 0.10 + 0.01
        assert [price for _, price in curve] == pytest.approx([0.25, 0.10 + band, 0.10 - band, 0.05])
        assert bought_kw(curve, 0.10) == 1.5
        assert bought_kw(curve, 0.9) == -5.0
        assert bought_kw(curve, 0.01) == 5.0

    def test_day_bids_follow_the_plan_and_leave_the_battery_alone(self):
        battery = Battery(BATTERY, 8.0)

        curves = battery_day_bid(battery, DAY, floor_per_kwh=0.0, cap_per_kwh=1.0)

        assert [curve[1][0] for curve in curves] == pytest.approx(battery_day_plan(BATTERY, 8.0, DAY))
        assert min(curve[1][0] for curve in curves) == -5.0
        assert battery.energy_kwh == 8.0
        for curve in curves:
            assert_well_formed(curve, -5.0, 5.0)


def test_outlook_reads_the_forecast():
    outlook = PriceOutlook.from_forecast([0.1, 0.3, 0.2], 1, floor_per_kwh=-0.5, cap_per_kwh=2.0)

    assert outlook == PriceOutlook(0.3, pytest.approx(0.2), 0.1, 0.3, -0.5, 2.0)
    assert outlook.spread_per_kwh == pytest.approx(0.2)


def test_refuses_what_has_no_meaning():
    with pytest.raises(ValueError, match="below the floor"):
        attrs.evolve(OUTLOOK, cap_per_kwh=-1.0)
    with pytest.raises(ValueError, match="outside"):
        attrs.evolve(COMFORT, setpoint_c=30.0)
    with pytest.raises(ValueError, match="slider"):
        attrs.evolve(COMFORT, slider=1.5)
