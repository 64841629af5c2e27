"""Device agents as components, beside weather, market and wires that are played by hand."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from gridbus.agents.battery import BatteryAgent
from gridbus.agents.hvac import HvacAgent
from gridbus.agents.models.battery import Battery, BatteryParameters
from gridbus.agents.models.house import House, HouseParameters
from gridbus.agents.models.photovoltaic import Photovoltaic, PhotovoltaicParameters
from gridbus.agents.photovoltaic import PhotovoltaicAgent
from gridbus.agents.strategies import Comfort, power_at
from gridbus.kernel import FIRST, HOUR, LAST, MINUTE, Port
from gridbus.kernel.testing import Log, run_components
from gridbus.roles.interfaces import (
    NO_MARKET,
    Award,
    AwardStatus,
    DeviceLimit,
    DevicePower,
    MarketCall,
    MarketPrice,
    Order,
    PriceForecast,
    Registration,
    WeatherForecast,
    WeatherReading,
)

Main = Callable[[Port], Any]
STEP = 5 * MINUTE
STEP_S = 300.0
OUTDOOR_C, GHI = 36.0, 700.0
COMFORT = Comfort(setpoint_c=23.0, lowest_c=21.0, highest_c=26.0, slider=1.0)
HOUSE = HouseParameters(
    ua_kw_per_c=0.26,
    air_capacity_kwh_per_c=0.4,
    mass_coupling_kw_per_c=4.0,
    mass_capacity_kwh_per_c=3.0,
    solar_aperture_m2=3.0,
    rated_kw=5.0,
    cop=3.8,
    internal_gain_kw=0.8,
)
BATTERY = BatteryParameters(capacity_kwh=10.0, rated_kw=5.0, reserve_kwh=2.0)


def weather(interval: int = STEP) -> Main:
    async def main(port: Port) -> None:
        hours = -(-port.stop // HOUR)
        forecast = WeatherForecast(
            site=port.name, first_hour=0, outdoor_c=(OUTDOOR_C,) * hours, ghi_w_per_m2=(GHI,) * hours
        )
        port.publish(forecast)
        for start in range(0, port.stop, interval):
            await port.sleep_until(start, FIRST)
            port.publish(
                WeatherReading(
                    site=port.name,
                    start=start,
                    duration=interval,
                    outdoor_c=OUTDOOR_C,
                    wind_m_per_s=2.0,
                    ghi_w_per_m2=GHI,
                    dni_w_per_m2=600.0,
                    dhi_w_per_m2=150.0,
                    solar_zenith_deg=30.0,
                    solar_azimuth_deg=200.0,
                )
            )

    return main


def award(resource: str, start: int, kw: float, **changes: Any) -> Award:
    fields: dict[str, Any] = {
        "market": "retail",
        "product": "real-time",
        "resource": resource,
        "clearing": start - MINUTE // 2,
        "order_id": "o1",
        "first_slot": start,
        "slot_length": STEP,
        "quantity_kw": (kw,),
        "price_per_kwh": (0.2,),
        "status": (AwardStatus.AWARDED,),
        "reason": ("",),
    }
    return Award(**(fields | changes))


def call(start: int, **changes: Any) -> MarketCall:
    fields: dict[str, Any] = {
        "market": "retail",
        "product": "real-time",
        "clearing": start - MINUTE // 2,
        "first_slot": start,
        "slot_length": STEP,
        "slots": 1,
        "gate_closure": start - MINUTE // 2,
        "price_cap_per_kwh": 1.0,
        "price_floor_per_kwh": 0.0,
    }
    return MarketCall(**(fields | changes))


def says(*messages: tuple[int, object]) -> Main:
    async def main(port: Port) -> None:
        for instant, message in messages:
            await port.sleep_until(instant)
            port.publish(message)

    return main


def limits(device: str, start: int, *import_limits_kw: float) -> Main:
    """Limits a device in the instant in which it has said what it draws."""

    async def main(port: Port) -> None:
        for limit_kw in import_limits_kw:
            await port.sleep_until(start, LAST)
            port.publish(
                DeviceLimit(device=device, start=start, duration=STEP, import_limit_kw=limit_kw, reason="test")
            )

    return main


def hvac(market: str = "retail") -> dict[str, Main]:
    return {"agent.hvac": HvacAgent("h1", HOUSE, COMFORT, "site", "green", market, STEP).run, "weather.site": weather()}


def battery(market: str = "retail") -> dict[str, Main]:
    return {"agent.battery": BatteryAgent("h1", BATTERY, "green", market, STEP).run}


def powers(log: Log) -> list[float]:
    """What stands for each interval after all revisions."""
    last = {power.start: power.power_kw for power in log.of(DevicePower)}
    return [last[start] for start in sorted(last)]


def temperatures(powers_kw: list[float]) -> list[float]:
    house, found = House(HOUSE, COMFORT.setpoint_c), []
    for power_kw in powers_kw:
        house.step(STEP_S, OUTDOOR_C, GHI / 1000, power_kw)
        found.append(house.air_temperature_c)
    return found


# Air conditioner


def test_without_a_market_the_air_conditioner_holds_its_set_point() -> None:
    drawn = powers(run_components(hvac(NO_MARKET), stop=2 * HOUR))
    assert len(drawn) == 24
    assert temperatures(drawn) == pytest.approx([COMFORT.setpoint_c] * 24, abs=1e-9)
    assert all(0.0 < power_kw < HOUSE.rated_kw for power_kw in drawn)


def test_with_an_award_the_air_conditioner_runs_at_the_award_and_after_it_by_the_thermostat() -> None:
    market = says((MINUTE, award("hvac", STEP, 4.25)))
    drawn = powers(run_components(hvac() | {"mo.retail": market}, stop=4 * STEP))
    assert drawn[1] == 4.25
    found = temperatures(drawn)
    assert found[1] < COMFORT.setpoint_c
    assert found[3] == pytest.approx(COMFORT.setpoint_c)


@pytest.mark.parametrize(("kw", "runs_at"), [(0.0, 0.0), (99.0, HOUSE.rated_kw), (-3.0, 0.0)])
def test_an_award_of_nothing_switches_off_and_the_device_stays_within_its_rating(kw: float, runs_at: float) -> None:
    status = AwardStatus.NOT_AWARDED if kw == 0.0 else AwardStatus.AWARDED
    market = says((MINUTE, award("hvac", STEP, kw, status=(status,))))
    assert powers(run_components(hvac() | {"mo.retail": market}, stop=2 * STEP))[1] == runs_at


def test_a_market_that_never_answers_leaves_the_thermostat_in_control() -> None:
    market = says((MINUTE, call(STEP)), (STEP + MINUTE, call(2 * STEP)))
    log = run_components(hvac() | {"mo.retail": market}, stop=4 * STEP)
    assert len(log.of(Order)) == 2
    assert powers(log) == powers(run_components(hvac(NO_MARKET), stop=4 * STEP))


def test_an_award_holds_for_all_intervals_of_its_slot() -> None:
    market = says((MINUTE, award("hvac", STEP, 4.25, slot_length=3 * STEP)))
    drawn = powers(run_components(hvac() | {"mo.retail": market}, stop=5 * STEP))
    assert [power_kw == 4.25 for power_kw in drawn] == [False, True, True, True, False]


def test_a_day_ahead_award_does_not_run_the_device() -> None:
    market = says((MINUTE, award("hvac", STEP, 4.25, product="day-ahead", slot_length=HOUR)))
    drawn = powers(run_components(hvac() | {"mo.retail": market}, stop=3 * STEP))
    assert drawn == powers(run_components(hvac(NO_MARKET), stop=3 * STEP))


def test_an_order_is_for_the_slot_called_and_within_the_band_and_the_rating() -> None:
    prices = PriceForecast(lse="green", first_hour=0, price_per_kwh=(0.1, 0.4))
    mains = hvac() | {"mo.retail": says((MINUTE, call(STEP))), "lse.green": says((0, prices))}
    (order,) = run_components(mains, stop=STEP).of(Order)
    assert (order.resource, order.usage_point, order.first_slot, order.slot_length) == ("hvac", "h1", STEP, STEP)
    (quantity_kw,), (price_per_kwh,) = order.quantity_kw, order.price_per_kwh
    assert list(quantity_kw) == sorted(quantity_kw)
    assert list(price_per_kwh) == sorted(price_per_kwh, reverse=True)
    assert quantity_kw[0] >= 0.0
    assert quantity_kw[-1] <= HOUSE.rated_kw
    assert 0.0 <= price_per_kwh[-1] < price_per_kwh[0] <= 1.0


def test_a_day_ahead_call_gets_one_order_with_a_curve_for_every_hour_with_a_price() -> None:
    prices = PriceForecast(lse="green", first_hour=0, price_per_kwh=(0.1, 0.4, 0.2, 0.3))
    day = call(HOUR, product="day-ahead", slot_length=HOUR, slots=3)
    mains = hvac() | {"mo.retail": says((MINUTE, day)), "lse.green": says((0, prices))}
    (order,) = run_components(mains, stop=4 * HOUR).of(Order)
    assert (order.first_slot, order.clearing) == (HOUR, day.clearing)
    assert len(order.quantity_kw) == len(order.price_per_kwh) == 3


def test_without_weather_the_air_conditioner_stays_off_and_does_not_bid() -> None:
    mains = {"agent.hvac": hvac()["agent.hvac"], "mo.retail": says((MINUTE, call(STEP)))}
    log = run_components(mains, stop=3 * STEP)
    assert powers(log) == [0.0, 0.0, 0.0]
    assert log.of(Order) == []


# Limits


def test_a_limit_is_obeyed_with_a_second_revision_in_the_same_instant() -> None:
    log = run_components(hvac(NO_MARKET) | {"do.wires": limits("hvac", STEP, 0.5)}, stop=3 * STEP)
    told = [e for e in log.envelopes if isinstance(e.message, DevicePower) and e.message.start == STEP]
    assert [(e.instant, e.revision) for e in told] == [(STEP, 1), (STEP, 2)]
    assert told[1].message.power_kw == 0.5
    # The house warms up by it, and the thermostat makes up for that in the next interval.
    found = temperatures(powers(log))
    assert found[1] > COMFORT.setpoint_c + 0.05
    assert found[2] < found[1]


def test_each_limit_is_a_revision_of_its_own_and_the_next_interval_begins_anew() -> None:
    log = run_components(hvac(NO_MARKET) | {"do.wires": limits("hvac", STEP, 0.5, 0.25)}, stop=3 * STEP)
    told = [(e.message.start, e.revision) for e in log.envelopes if isinstance(e.message, DevicePower)]
    assert told == [(0, 1), (STEP, 1), (STEP, 2), (STEP, 3), (2 * STEP, 1)]


def test_a_limit_above_what_is_drawn_or_for_another_interval_changes_nothing() -> None:
    stale = DeviceLimit(device="hvac", start=0, duration=STEP, import_limit_kw=0.0, reason="test")
    log = run_components(hvac(NO_MARKET) | {"do.wires": says((STEP + MINUTE, stale))}, stop=3 * STEP)
    assert len(log.of(DevicePower)) == 3
    log = run_components(hvac(NO_MARKET) | {"do.wires": limits("hvac", STEP, 99.0)}, stop=3 * STEP)
    assert len(log.of(DevicePower)) == 3


# Battery


def stored(powers_kw: list[float]) -> list[float]:
    """Energy after each interval by the balance alone, without any limits."""
    energy_kwh, found = 5.0, []
    for power_kw in powers_kw:
        efficiency = BATTERY.charge_efficiency if power_kw > 0 else 1 / BATTERY.discharge_efficiency
        energy_kwh += power_kw / 12 * efficiency
        found.append(energy_kwh)
    return found


def test_without_a_market_the_battery_rests() -> None:
    assert powers(run_components(battery(NO_MARKET), stop=HOUR)) == [0.0] * 12


@pytest.mark.parametrize("kw", [9.0, -9.0, 4.0, -4.0])
def test_whatever_is_awarded_the_battery_stays_between_its_reserve_and_its_capacity(kw: float) -> None:
    awards = [(number * STEP - MINUTE, award("battery", number * STEP, kw)) for number in range(1, 36)]
    drawn = powers(run_components(battery() | {"mo.retail": says(*awards)}, stop=3 * HOUR))
    assert drawn[1] == max(min(kw, BATTERY.rated_kw), -BATTERY.rated_kw)
    found = stored(drawn)
    assert min(found) >= BATTERY.reserve_kwh - 1e-9
    assert max(found) <= BATTERY.capacity_kwh + 1e-9
    assert found[-1] == pytest.approx(BATTERY.capacity_kwh if kw > 0 else BATTERY.reserve_kwh)
    assert drawn[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_limited_battery_stores_what_it_was_allowed() -> None:
    awards = [(number * STEP - MINUTE, award("battery", number * STEP, 5.0)) for number in range(1, 16)]
    mains = battery() | {"mo.retail": says(*awards), "do.wires": limits("battery", STEP, 1.0)}
    drawn = powers(run_components(mains, stop=2 * HOUR))
    assert drawn[1:3] == [1.0, 5.0]
    assert max(stored(drawn)) == pytest.approx(BATTERY.capacity_kwh)


def test_the_battery_offers_only_what_it_can_hold() -> None:
    (order,) = run_components(battery() | {"mo.retail": says((MINUTE, call(STEP)))}, stop=STEP).of(Order)
    lowest, highest = Battery(BATTERY, 5.0).feasible_kw(STEP_S)
    ((first_kw, *_, last_kw),) = order.quantity_kw
    assert (first_kw, last_kw) == (pytest.approx(lowest), pytest.approx(highest))


# Photovoltaics


def test_photovoltaics_inject_what_the_model_says_with_every_reading() -> None:
    parameters = PhotovoltaicParameters(tilt_deg=25.0, azimuth_deg=180.0, dc_rated_kw=6.0, ac_rated_kw=5.0)
    agent = PhotovoltaicAgent("h1", parameters, "site", STEP)
    mains = {"agent.pv": agent.run, "weather.site": weather(), "do.wires": limits("pv", STEP, 0.0)}
    log = run_components(mains, stop=3 * STEP)
    expected = Photovoltaic(parameters).power_kw(30.0, 200.0, 600.0, GHI, 150.0, OUTDOOR_C, 2.0)
    assert expected < -2.0
    assert [(p.start, p.power_kw, p.controllable) for p in log.of(DevicePower)] == [
        (number * STEP, expected, False) for number in range(3)
    ]


# All


@pytest.mark.parametrize("made", [hvac, battery])
def test_a_device_misses_no_slot_and_no_interval(made: Callable[[str], dict[str, Main]]) -> None:
    calls = [(number * STEP - MINUTE, call(number * STEP)) for number in range(1, 24)]
    log = run_components(made("retail") | {"mo.retail": says(*calls)}, stop=2 * HOUR)
    assert [order.first_slot for order in log.of(Order)] == [number * STEP for number in range(1, 24)]
    assert [power.start for power in log.of(DevicePower)] == [number * STEP for number in range(24)]
    assert {(power.usage_point, power.duration) for power in log.of(DevicePower)} == {("h1", STEP)}


@pytest.mark.parametrize(("made", "ratings"), [(hvac, (HOUSE.rated_kw, 0.0)), (battery, (BATTERY.rated_kw,) * 2)])
def test_a_device_registers_with_its_ratings_before_it_bids(made: Callable[..., dict[str, Main]], ratings) -> None:
    (registration,) = run_components(made("retail"), stop=STEP).of(Registration)
    assert (registration.market, registration.usage_point) == ("retail", "h1")
    assert (registration.import_rating_kw, registration.export_rating_kw) == ratings
    assert run_components(made(NO_MARKET), stop=STEP).of(Registration) == []


def told(start: int, price_per_kwh: float, **changes: Any) -> MarketPrice:
    fields: dict[str, Any] = {
        "market": "retail",
        "product": "real-time",
        "first_slot": start,
        "slot_length": STEP,
        "price_per_kwh": (price_per_kwh,),
        "forecast": False,
    }
    return MarketPrice(**(fields | changes))


@pytest.mark.parametrize("price", [0.01, 0.25, 0.9])
def test_where_no_orders_are_taken_a_device_does_at_the_price_what_it_would_have_bid(price: float) -> None:
    prices = says((0, PriceForecast(lse="green", first_hour=0, price_per_kwh=(0.1, 0.4))))
    asked, silent = call(STEP), call(STEP, orders=False)
    (order,) = run_components(hvac() | {"mo.retail": says((MINUTE, asked)), "lse.green": prices}, stop=STEP).of(Order)
    wanted = power_at(tuple(zip(order.quantity_kw[0], order.price_per_kwh[0], strict=True)), price)
    market = says((MINUTE, silent), (2 * MINUTE, told(STEP, price)))
    log = run_components(hvac() | {"mo.retail": market, "lse.green": prices}, stop=2 * STEP)
    assert log.of(Order) == []
    assert powers(log)[1] == pytest.approx(min(wanted, HOUSE.rated_kw))


def test_a_suspended_award_leaves_the_device_to_its_thermostat() -> None:
    nothing = award("hvac", STEP, 0.0, status=(AwardStatus.SUSPENDED,), reason=("halted",))
    drawn = powers(run_components(hvac() | {"mo.retail": says((MINUTE, nothing))}, stop=3 * STEP))
    assert drawn == powers(run_components(hvac(NO_MARKET), stop=3 * STEP))


def test_a_device_ignores_the_calls_of_another_market() -> None:
    other = attrs.evolve(call(STEP), market="other")
    assert run_components(hvac() | {"mo.other": says((MINUTE, other))}, stop=2 * STEP).of(Order) == []
