"""What the plans of the four kinds of devices do with price and comfort, and what each fault of the study changes."""

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.models.air_conditioning import AirConditioningParameters
from gridbus.agents.models.batteries import BatteryParameters
from gridbus.agents.models.electric_vehicles import ElectricVehicleParameters
from gridbus.agents.models.houses import HouseParameters
from gridbus.agents.models.water_heaters import WaterHeaterParameters
from gridbus.agents.planning import battery, electric_vehicle, hvac, water_heater
from gridbus.agents.planning.bids import Response, four_point_bids
from gridbus.agents.planning.electric_vehicle import Departure, VehiclePreferences, commute, wanted_kwh
from gridbus.agents.planning.faults import Fault
from gridbus.agents.planning.hvac import HvacPreferences
from gridbus.agents.planning.plans import Plan
from gridbus.agents.planning.problem import Outcome
from gridbus.agents.planning.water_heater import WaterHeaterPreferences

HOURS = np.arange(48)
PRICE = 0.10 + 0.04 * np.sin((HOURS - 11) * np.pi / 12) + 0.03 * (HOURS % 24 == 18)
HOUSE = HouseParameters(0.3, 0.6, 3.0, 5.0, 0.0, 0.0)
EQUIPMENT = AirConditioningParameters(
    cooling_rated_kw=4.0, cooling_cop=3.5, heat_pump_rated_kw=3.0, heating_cop=2.8, resistance_kw=9.0
)
COMFORT = HvacPreferences(slider=0.8)
TANK = WaterHeaterParameters(volume_l=190.0, setpoint_c=52.0, lowest_c=43.0, highest_c=62.0)
BATTERY = BatteryParameters(
    13.5, 5.0, charge_efficiency=0.95, discharge_efficiency=0.9, reserve_kwh=2.7, wear_per_kwh=0.01
)
TRADING = battery.BatteryPreferences(slider=0.5)
VEHICLE = ElectricVehicleParameters(60.0, 7.2, discharge_rated_kw=7.2, reserve_kwh=12.0)
IS_HOME, DEPARTS = commute(np.array([7.5]), np.array([17.25]), first_hour=0, hours=48)


def house(*, cools: bool = True, outdoor_c: float = 33.0, faults: Fault = Fault.NONE, **changes: Any) -> Plan:
    """A house that starts at its set-point."""
    setpoint_c = 23.0 if cools else 20.0
    inputs = {
        "is_cooling": np.array([cools]),
        "price_per_kwh": PRICE,
        "outdoor_c": outdoor_c + 5.0 * np.sin((HOURS - 9) * np.pi / 12),
        "humidity": 0.5,
        "gain_kw": 0.6,
        "setpoint_c": setpoint_c,
        "start_c": np.array([setpoint_c]),
        "preferences": COMFORT,
        "equipment": EQUIPMENT,
        **changes,
    }
    equipment, preferences = inputs.pop("equipment"), inputs.pop("preferences")
    return hvac.plan(HOUSE, equipment, preferences, faults=faults, **inputs)


def tank(slider: float = 0.8, draw_l_per_min: Any = 0.1, tanks: WaterHeaterParameters = TANK) -> Plan:
    """A tank that starts at its set-point."""
    return water_heater.plan(
        tanks,
        WaterHeaterPreferences(slider),
        price_per_kwh=PRICE,
        draw_l_per_min=draw_l_per_min,
        inlet_c=15.0,
        ambient_c=20.0,
        start_c=np.array([52.0]),
    )


def vehicle(rule: Departure = Departure.SLIDER_BASED, faults: Fault = Fault.NONE, **changes: Any) -> Plan:
    """A vehicle with a trip of 12 kWh a day."""
    preferences = VehiclePreferences(slider=0.6)
    inputs = {
        "price_per_kwh": PRICE,
        "is_home": IS_HOME,
        "departs": DEPARTS,
        "trip_kwh": 12.0,
        "departure_kwh": wanted_kwh(VEHICLE, preferences, 12.0, rule),
        "start_kwh": np.array([30.0]),
        **changes,
    }
    return electric_vehicle.plan(VEHICLE, preferences, faults=faults, **inputs)


def store(price: Any = PRICE, faults: Fault = Fault.NONE, **changes: Any) -> Plan:
    """A battery at half its charge."""
    return battery.plan(
        attrs.evolve(BATTERY, **changes),
        TRADING,
        price_per_kwh=price,
        start_kwh=np.array([6.75]),
        faults=faults,
    )


@pytest.mark.parametrize("cools", [True, False])
def test_a_slider_at_zero_holds_the_set_point_at_any_price(cools: bool) -> None:
    plan = house(cools=cools, outdoor_c=33.0 if cools else 3.0, preferences=HvacPreferences(slider=0.0))

    assert plan.outcome.tolist() == [Outcome.OPTIMAL]
    assert plan.state[0] == pytest.approx(np.full(48, 23.0 if cools else 20.0), abs=1e-6)
    assert (plan.quantity_kw > 0.1).all()


def test_a_flat_forecast_plans_for_comfort_alone() -> None:
    for plan in (house(price_per_kwh=np.full(48, 0.1)), house(price_per_kwh=np.zeros(48))):
        assert plan.state[0] == pytest.approx(np.full(48, 23.0), abs=0.2)


@pytest.mark.parametrize("cools", [True, False])
def test_houses_run_more_when_energy_is_cheap_and_keep_their_comfort_range(cools: bool) -> None:
    plan = house(cools=cools, outdoor_c=33.0 if cools else 3.0)
    comfort = house(cools=cools, outdoor_c=33.0 if cools else 3.0, price_per_kwh=np.full(48, 0.1))
    middle = 23.0 if cools else 20.0

    assert (plan.state >= middle - 0.8 * 3.0 / 1.8 - 1e-6).all()
    assert (plan.state <= middle + 0.8 * 5.0 / 1.8 + 1e-6).all()
    assert plan.quantity_kw[0] @ PRICE < 0.97 * (comfort.quantity_kw[0] @ PRICE)


def test_resistance_helps_only_a_heat_pump_at_its_limit() -> None:
    cold = house(cools=False, outdoor_c=-14.0)
    pump_kw, resistance_kw = cold.solution.control[:, 0]
    alone = house(cools=False, outdoor_c=0.0, equipment=attrs.evolve(EQUIPMENT, heat_pump_rated_kw=0.0))
    most_kw = hvac.running_at(EQUIPMENT, np.array([False]), -14.0 + 5.0 * np.sin((HOURS - 9) * np.pi / 12), 0.5).most_kw

    assert cold.outcome.tolist() == [Outcome.OPTIMAL]
    assert resistance_kw.max() > 0.1
    assert (np.minimum(most_kw[0, 0] - pump_kw, resistance_kw) < 1e-3).mean() > 0.9
    assert (alone.solution.control[0] == 0.0).all()
    assert alone.solution.control[1].max() > 1.0


def test_a_house_far_too_warm_is_cooled_at_full_power_until_it_is_not() -> None:
    plan = house(start_c=np.array([31.0]), outdoor_c=25.0, faults=Fault.RATING_IN_ANY_WEATHER)
    outside = plan.state[0] > 23.0 + 0.8 * 5.0 / 1.8 + 1e-6

    assert plan.outcome.tolist() == [Outcome.SOFTENED]
    assert outside[0]
    assert plan.quantity_kw[0, : np.argmin(outside)] == pytest.approx(4.0, abs=1e-6)


def test_a_house_without_equipment_plans_and_bids_nothing() -> None:
    bare = AirConditioningParameters()

    plan = house(equipment=bare)
    response = hvac.response(bare, PRICE, is_cooling=np.array([True]))
    bids = four_point_bids(plan.quantity_kw, PRICE, response, floor_per_kwh=0.0, cap_per_kwh=1.0)

    assert plan.outcome.tolist() == [Outcome.SOFTENED]
    assert (bids.quantity_kw == 0.0).all()


def test_an_undisturbed_tank_loses_what_it_is_given() -> None:
    loss_kw = 0.0016 * (52.0 - 20.0)

    assert tank(slider=0.0, draw_l_per_min=0.0).quantity_kw[0, :30] == pytest.approx(np.full(30, loss_kw), abs=2e-3)


def test_water_is_heated_ahead_of_dear_hours() -> None:
    careless, careful = tank(slider=0.0), tank(slider=1.0)

    assert careful.quantity_kw[0] @ PRICE < careless.quantity_kw[0] @ PRICE
    assert (careful.state >= 43.0 - 1e-6).all()
    assert (careful.state <= 62.0 + 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-2.0, 0.5), min_size=24, max_size=24))
def test_a_battery_never_charges_and_discharges_in_one_hour(prices: list[float]) -> None:
    plan = store(prices)

    assert np.minimum(*plan.solution.control).max() < 1e-5
    assert plan.outcome.tolist() == [Outcome.OPTIMAL]


def test_a_battery_buys_low_and_sells_high_only_if_that_pays_for_losses_and_wear() -> None:
    flat, steep = np.full(24, 0.1), np.repeat([0.05, 0.25], 12)

    assert store(steep).quantity_kw[0, :12].min() >= -1e-6
    assert store(steep).quantity_kw[0, :12].sum() > 5.0
    # At one price it sells what it has, once.
    assert store(flat).quantity_kw.max() < 1e-6
    assert store(np.repeat([0.10, 0.12], 12)).quantity_kw.max() < 1e-6


def test_the_band_without_response_is_the_wear_with_its_margin() -> None:
    vehicles = electric_vehicle.response(VEHICLE, VehiclePreferences(margin_percent=25.0), PRICE, is_home=IS_HOME)

    assert battery.response(BATTERY, TRADING, PRICE).band_per_kwh == pytest.approx(0.01 * 1.1)
    assert vehicles.band_per_kwh == pytest.approx(0.008 * 1.25)


@pytest.mark.parametrize("rule", Departure)
def test_a_vehicle_leaves_with_what_it_wants_and_does_nothing_while_away(rule: Departure) -> None:
    plan = vehicle(rule)
    wanted = wanted_kwh(VEHICLE, VehiclePreferences(slider=0.6), 12.0, rule)[0, 0]

    assert plan.outcome.tolist() == [Outcome.OPTIMAL]
    assert DEPARTS[0].nonzero()[0].tolist() == [7, 31]
    assert (plan.state[0, [6, 30]] >= wanted - 1e-6).all()
    assert (plan.quantity_kw[~IS_HOME] == 0.0).all()
    assert plan.state[0, 7] == pytest.approx(plan.state[0, 6] - 12.0)
    assert wanted == pytest.approx({"full": 59.4, "just enough": 14.4, "slider-based": 32.4}[rule.value])


def test_a_vehicle_that_cannot_be_full_in_time_charges_all_the_time_it_has() -> None:
    plan = vehicle(Departure.FULL, start_kwh=np.array([13.0]))

    assert plan.outcome.tolist() == [Outcome.SOFTENED]
    assert plan.quantity_kw[0, :7] == pytest.approx([7.2] * 7, abs=1e-6)


def test_commuting_hours_follow_the_clock_past_midnight() -> None:
    is_home, departs = commute(np.array([22.0, 9.0]), np.array([6.5, 9.0]), first_hour=20, hours=24)

    assert is_home[0].nonzero()[0].tolist() == [0, 1, *range(11, 24)]
    assert departs[0].nonzero()[0].tolist() == [2]
    assert is_home[1].all()


@pytest.mark.parametrize(
    ("fault", "planned"),
    [
        (Fault.EFFICIENCY_AS_PERCENTAGE, store),
        (Fault.DEGRADATION_TIMES_THOUSANDTH, store),
        (Fault.MARGIN_AS_FACTOR, store),
        (Fault.RATING_AT_THE_STORE, store),
        (Fault.EFFICIENCY_AS_PERCENTAGE, vehicle),
        (Fault.RATING_AT_THE_STORE, vehicle),
        (Fault.RATING_IN_ANY_WEATHER, lambda faults=Fault.NONE: house(faults=faults, outdoor_c=42.0)),
        (Fault.HEATING_COP_OF_WARM_WEATHER, lambda faults=Fault.NONE: house(cools=False, outdoor_c=0.0, faults=faults)),
        (Fault.LATENT_HEAT_IN_HEATING, lambda faults=Fault.NONE: house(cools=False, outdoor_c=0.0, faults=faults)),
    ],
)
def test_a_fault_of_the_study_changes_plans_only_when_asked_for(fault: Fault, planned: Callable[..., Plan]) -> None:
    mended, faulty = planned(), planned(faults=fault)

    assert abs(mended.quantity_kw - faulty.quantity_kw).max() > 0.05


def responses(fault: Fault) -> list[Response]:
    """Mended and faulty responses of what the fault is about."""
    unidirectional = attrs.evolve(VEHICLE, discharge_rated_kw=0.0)
    furnace = attrs.evolve(EQUIPMENT, heat_pump_rated_kw=0.0)
    heats = np.array([False])
    calls = {
        Fault.NINE_TENTHS_OF_RATING: lambda f: hvac.response(
            EQUIPMENT, PRICE, is_cooling=~heats, real_time=True, faults=f
        ),
        Fault.RESISTANCE_HEATING_UNSEEN: lambda f: hvac.response(furnace, PRICE, is_cooling=heats, faults=f),
        Fault.SLIDER_MISSING_IN_REAL_TIME: lambda f: water_heater.response(
            TANK, WaterHeaterPreferences(), PRICE, real_time=True, faults=f
        ),
        Fault.INELASTIC_IF_UNIDIRECTIONAL: lambda f: electric_vehicle.response(
            unidirectional, VehiclePreferences(), PRICE, is_home=IS_HOME, real_time=True, faults=f
        ),
        Fault.CLIFF_AT_FLAT_FORECAST: lambda f: battery.response(BATTERY, TRADING, PRICE * 0.01 + 0.1, faults=f),
    }
    return [calls[fault](faults) for faults in (Fault.NONE, fault)]


def test_faults_of_the_study_change_responses_only_when_asked_for() -> None:
    mended, faulty = responses(Fault.NINE_TENTHS_OF_RATING)
    assert faulty.most_kw == pytest.approx(0.9 * mended.most_kw)
    mended, faulty = responses(Fault.RESISTANCE_HEATING_UNSEEN)
    assert (mended.most_kw.max(), faulty.most_kw.max()) == (9.0, 0.0)
    mended, faulty = responses(Fault.SLIDER_MISSING_IN_REAL_TIME)
    assert mended.slope_per_kwh_kw == pytest.approx(2.0 * faulty.slope_per_kwh_kw)
    mended, faulty = responses(Fault.INELASTIC_IF_UNIDIRECTIONAL)
    assert (mended.slope_per_kwh_kw[IS_HOME] < 0.0).all()
    assert (faulty.slope_per_kwh_kw == 0.0).all()
    mended, faulty = responses(Fault.CLIFF_AT_FLAT_FORECAST)
    assert (mended.slope_per_kwh_kw < 5.0 * faulty.slope_per_kwh_kw).all()


def test_a_tank_s_height_is_its_volume_over_its_floor() -> None:
    # 50 gallons, 1.5 ft: 3.78 ft high, and in the study 11.81 ft; walls and two lids through 14 h ft2 degF/Btu.
    per_ft2 = 1.8 / 14.0 / 3412.14
    areas_ft2 = [np.pi * 1.5 * height + 2.0 * np.pi * 0.75**2 for height in (3.7822, 11.8109)]

    volume_l = np.array([50.0 * 3.785411784])
    losses = [
        water_heater.tank_loss_kw_per_c(volume_l, faults=f)[0] for f in (Fault.NONE, Fault.TANK_HEIGHT_MULTIPLIED)
    ]

    assert losses == pytest.approx([per_ft2 * area for area in areas_ft2], rel=1e-4)
