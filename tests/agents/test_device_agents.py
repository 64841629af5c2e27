"""Device agents as components, beside weather, market and wires that are played by hand."""

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest

from gridbus.agents.bidding import Strategy, bidder
from gridbus.agents.connection import Connection
from gridbus.agents.customers import Customer, Shares, customers_of
from gridbus.agents.device import DeviceAgent, Supply
from gridbus.agents.equipment import EQUIPMENT
from gridbus.agents.fleet import Fleet
from gridbus.agents.messages import PlanFallback
from gridbus.agents.models.batteries import Batteries, BatteryParameters
from gridbus.agents.models.photovoltaics import PhotovoltaicParameters, Photovoltaics
from gridbus.agents.power_curve import power_at
from gridbus.agents.surroundings import MILD_C, Surroundings
from gridbus.agents.test_bed.days import ClearDay
from gridbus.agents.test_bed.played import Station
from gridbus.kernel import DAY, FIRST, HOUR, LAST, MINUTE, Port
from gridbus.kernel.shape import evolved
from gridbus.kernel.testing import CALENDAR, Log, run_components
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
)

Main = Callable[[Port], Any]
STEP, STEP_S = 5 * MINUTE, 300.0
HOT = Station(ClearDay(36.0, 36.0)).run
EVERYTHING = Shares(electric_water_heater=1.0, electric_vehicle=1.0, vehicle_to_grid=1.0, photovoltaic=1.0, battery=1.0)
CUSTOMER = attrs.evolve(customers_of([0], 1, shares=EVERYTHING)[0], slider=1.0)
KINDS = {each.name: each for each in EQUIPMENT}
TRADING = [each.name for each in EQUIPMENT if each.trades]
RATED = {name: KINDS[name].ratings_kw(CUSTOMER) for name in TRADING}
BATTERY = BatteryParameters.from_each([CUSTOMER.battery])
PRICES = PriceForecast(lse="green", first_hour=0, price_per_kwh=(0.1, 0.4, 0.2, 0.3) * 12)


@attrs.define
class Played:
    """One device beside a weather station and a retailer's forecast, and whatever a test adds."""

    kind: str
    market: str = "retail"
    customer: Customer = CUSTOMER
    strategy: Strategy = Strategy.OPTIMUM
    connection: Connection = attrs.field(factory=Connection)
    ratings_kw: tuple[float, float] | None = None
    fleet: Fleet = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        by = None if self.market == NO_MARKET else bidder(self.strategy)
        self.fleet = Fleet(KINDS[self.kind].kind.build, Surroundings(CALENDAR, DAY), STEP, by)

    @property
    def agent(self) -> DeviceAgent:
        equipment = KINDS[self.kind]
        supply, ratings_kw = Supply("green", self.market), self.ratings_kw or equipment.ratings_kw(self.customer)
        return DeviceAgent(
            self.customer, self.fleet, self.connection, supply, ratings_kw, "site", flexible=equipment.trades
        )

    def run(self, stop: int, weather: Main | None = HOT, **beside: Main) -> Log:
        mains = {f"agent.h1-{self.kind}": self.agent.run}
        if weather is not None:
            mains["weather.site"] = weather
        mains["lse.green"] = says((0, PRICES))
        roles = {"market": "mo.retail", "wires": "do.wires"}
        mains |= {roles.get(name, f"mo.{name}"): main for name, main in beside.items()}
        return run_components(mains, stop=stop)


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


def award(kind: str, start: int, *kw: float, **changes: Any) -> Award:
    plain = Award(
        market="retail",
        product="real-time",
        resource=f"h1-{kind}",
        clearing=start - MINUTE // 2,
        order_id="o1",
        first_slot=start,
        slot_length=STEP,
        quantity_kw=kw,
        price_per_kwh=(0.2,) * len(kw),
        status=(AwardStatus.AWARDED,) * len(kw),
        reason=("",) * len(kw),
    )
    return evolved(plain, **changes)


def call(start: int, **changes: Any) -> MarketCall:
    plain = MarketCall(
        market="retail",
        product="real-time",
        clearing=start - MINUTE // 2,
        first_slot=start,
        slot_length=STEP,
        slots=1,
        gate_closure=start - MINUTE // 2,
        price_cap_per_kwh=1.0,
        price_floor_per_kwh=0.0,
    )
    return evolved(plain, **changes)


def powers(log: Log) -> list[float]:
    """What stands for each interval after all revisions."""
    last = {power.start: power.power_kw for power in log.of(DevicePower)}
    return [last[start] for start in sorted(last)]


def air_c(played: Played) -> float:
    """Air temperature at the start of the last interval."""
    kind: Any = played.fleet.kind
    return float(kind.physics.air_temperature_c[0])


def comfort_c(played: Played) -> tuple[float, float]:
    """Within what a market may move the air, while it is cooled."""
    kind: Any = played.fleet.kind
    settings = kind.physics.thermostats
    setpoint_c = settings.cooling_setpoint_c[0]
    return setpoint_c - settings.preconditioning_c[0], setpoint_c + settings.setback_c[0]


# Own control


def test_without_a_market_the_thermostat_keeps_the_air_in_its_deadband() -> None:
    thermostat = CUSTOMER.thermostat
    drawn = []
    for steps in range(1, 25):
        alone = Played("hvac", NO_MARKET)
        drawn = powers(alone.run(steps * STEP))
        assert abs(air_c(alone) - thermostat.cooling_setpoint_c) <= 0.5 * thermostat.deadband_c + 0.2
    assert len(drawn) == 24
    assert 0.0 < sum(drawn) < 24 * max(drawn)


@pytest.mark.parametrize("kind", TRADING)
@pytest.mark.parametrize("strategy", [Strategy.OPTIMUM, Strategy.PRICE_TAKER])
def test_a_market_that_never_answers_leaves_a_device_to_its_own_control(kind: str, strategy: Strategy) -> None:
    market = says((MINUTE, call(STEP)), (STEP + MINUTE, call(2 * STEP)))
    log = Played(kind, strategy=strategy).run(4 * STEP, market=market)
    assert len(log.of(Order)) == 2
    assert powers(log) == powers(Played(kind, NO_MARKET).run(4 * STEP))


def test_without_a_weather_station_a_mild_day_is_taken_for_granted() -> None:
    log = Played("hvac").run(3 * STEP, weather=None, market=says((MINUTE, call(STEP))))
    mild_day = Station(ClearDay(MILD_C, MILD_C, 0.0)).run
    mild = Played("hvac").run(3 * STEP, weather=mild_day, market=says((MINUTE, call(STEP))))
    assert powers(log) == powers(mild)
    assert log.of(Order) == mild.of(Order) != []


# Awards


def test_with_an_award_a_device_runs_at_it_and_after_it_by_its_own_control() -> None:
    played, alone = Played("hvac"), Played("hvac", NO_MARKET)
    drawn = powers(played.run(12 * STEP, market=says((MINUTE, award("hvac", STEP, 2.25)))))
    thermostat = powers(alone.run(12 * STEP))
    assert drawn[0] == thermostat[0]
    assert drawn[1] == 2.25
    # It has been cooled ahead, so the thermostat waits longer.
    assert sum(drawn[2:]) < sum(thermostat[2:])
    assert abs(air_c(played) - CUSTOMER.thermostat.cooling_setpoint_c) <= 0.5 * CUSTOMER.thermostat.deadband_c + 0.2


@pytest.mark.parametrize(("kw", "bound"), [(0.0, 1), (-3.0, 1), (99.0, 0)])
def test_an_award_is_obeyed_as_far_as_people_are_comfortable_and_equipment_can(kw: float, bound: int) -> None:
    awards = [(number * STEP - MINUTE, award("hvac", number * STEP, kw)) for number in range(1, 36)]
    played = Played("hvac")
    drawn = powers(played.run(3 * HOUR, market=says(*awards)))
    # At first it is off, or runs at all that the machine can; then it keeps the air at the edge of comfort.
    assert drawn[1] == (0.0 if kw <= 0.0 else max(drawn))
    assert air_c(played) == pytest.approx(comfort_c(played)[bound], abs=1e-6)
    assert 0.0 < drawn[-1] < max(RATED["hvac"][0], max(drawn))


@pytest.mark.parametrize(
    ("status", "kw"),
    [(AwardStatus.NOT_AWARDED, 0.0), (AwardStatus.PARTLY_AWARDED, 1.5), (AwardStatus.CURTAILED, 0.5)],
)
def test_awards_of_any_status_but_suspended_are_obeyed_also_those_of_nothing(status: AwardStatus, kw: float) -> None:
    market = says((MINUTE, award("vehicle", STEP, kw, status=(status,))))
    drawn = powers(Played("vehicle").run(3 * STEP, market=market))
    assert drawn[1] == kw
    assert drawn[0] == drawn[2] > 2.0


def test_an_award_holds_for_all_intervals_of_its_slot() -> None:
    drawn = powers(Played("hvac").run(5 * STEP, market=says((MINUTE, award("hvac", STEP, 1.25, slot_length=3 * STEP)))))
    assert [power_kw == 1.25 for power_kw in drawn] == [False, True, True, True, False]


def test_of_two_awards_the_one_whose_slot_began_last_is_obeyed() -> None:
    long, short = award("hvac", STEP, 1.25, slot_length=3 * STEP), award("hvac", 2 * STEP, 0.75)
    drawn = powers(Played("hvac").run(4 * STEP, market=says((MINUTE, long), (2 * MINUTE, short))))
    assert drawn[1:] == [1.25, 0.75, 1.25]


@pytest.mark.parametrize("kind", TRADING)
def test_a_day_ahead_award_does_not_run_the_device(kind: str) -> None:
    market = says((MINUTE, award(kind, STEP, 1.25, product="day-ahead", slot_length=HOUR)))
    assert powers(Played(kind).run(3 * STEP, market=market)) == powers(Played(kind, NO_MARKET).run(3 * STEP))


def test_a_day_ahead_award_is_what_real_time_bids_are_drawn_around() -> None:
    orders = {}
    for kw in (-3.0, 2.0):
        held = award("battery", 0, kw, 0.0, product="day-ahead", slot_length=HOUR)
        log = Played("battery").run(STEP, market=says((MINUTE, held), (2 * MINUTE, call(STEP))))
        (orders[kw],) = log.of(Order)
    for kw, order in orders.items():
        assert order.quantity_kw[0][1:3] == (kw, kw)


def test_a_suspended_award_leaves_the_device_to_its_own_control() -> None:
    nothing = award("vehicle", STEP, 0.0, status=(AwardStatus.SUSPENDED,), reason=("halted",))
    drawn = powers(Played("vehicle").run(3 * STEP, market=says((MINUTE, nothing))))
    assert drawn == powers(Played("vehicle", NO_MARKET).run(3 * STEP)) != [0.0] * 3


@pytest.mark.parametrize("kw", [-99.0, 0.0, 99.0])
def test_a_position_that_is_out_of_reach_is_bid_as_far_as_it_can_be_held_at_the_price_of_the_hour(kw: float) -> None:
    held = award("battery", 0, kw, product="day-ahead", slot_length=HOUR)
    market = says((MINUTE, held), (2 * MINUTE, call(STEP)))
    (order,) = Played("battery").run(STEP, market=market).of(Order)
    (quantity_kw,), (price_per_kwh,) = order.quantity_kw, order.price_per_kwh
    reach_kw = BATTERY.rated_kw[0]
    assert quantity_kw[1] == quantity_kw[2] == min(max(kw, -reach_kw), reach_kw)
    assert 0.5 * (price_per_kwh[1] + price_per_kwh[2]) == pytest.approx(PRICES.price_per_kwh[0])


def test_a_suspended_day_ahead_award_is_no_position() -> None:
    nothing = award("battery", 0, -3.0, product="day-ahead", slot_length=HOUR, status=(AwardStatus.SUSPENDED,))
    market = says((MINUTE, nothing), (2 * MINUTE, call(STEP)))
    (order,) = Played("battery").run(STEP, market=market).of(Order)
    assert order.quantity_kw[0][1:3] == (0.0, 0.0)


# Orders


@pytest.mark.parametrize("kind", TRADING)
def test_a_device_registers_with_its_ratings_before_it_bids(kind: str) -> None:
    (registration,) = Played(kind).run(STEP).of(Registration)
    assert (registration.market, registration.resource, registration.usage_point) == (
        "retail",
        f"h1-{kind}",
        CUSTOMER.usage_point,
    )
    assert (registration.import_rating_kw, registration.export_rating_kw) == RATED[kind]
    assert Played(kind, NO_MARKET).run(STEP).of(Registration) == []


@pytest.mark.parametrize("kind", TRADING)
@pytest.mark.parametrize("slots", [1, 24])
def test_an_order_is_for_all_slots_called_and_within_the_band_and_the_ratings(kind: str, slots: int) -> None:
    series = {"product": "day-ahead", "slot_length": HOUR} if slots > 1 else {}
    asked = call(STEP, slots=slots, **series)
    (order,) = Played(kind).run(STEP, market=says((MINUTE, asked))).of(Order)
    assert (order.resource, order.product, order.clearing) == (f"h1-{kind}", asked.product, asked.clearing)
    assert (order.first_slot, order.slot_length) == (STEP, asked.slot_length)
    assert len(order.quantity_kw) == len(order.price_per_kwh) == slots
    import_kw, export_kw = RATED[kind]
    for quantity_kw, price_per_kwh in zip(order.quantity_kw, order.price_per_kwh, strict=True):
        assert list(quantity_kw) == sorted(quantity_kw)
        assert list(price_per_kwh) == sorted(price_per_kwh, reverse=True)
        assert -export_kw <= quantity_kw[0] <= quantity_kw[-1] <= import_kw
        assert 0.0 <= price_per_kwh[-1] <= price_per_kwh[0] <= 1.0


def test_a_device_that_is_registered_for_less_than_it_can_bids_no_more_than_that() -> None:
    day = call(STEP, slots=24, product="day-ahead", slot_length=HOUR)
    market = says((MINUTE, call(STEP)), (2 * MINUTE, day))
    orders = Played("battery", ratings_kw=(1.0, 0.5)).run(STEP, market=market).of(Order)
    assert [len(order.quantity_kw) for order in orders] == [1, 24]
    assert {kw for order in orders for quantity_kw in order.quantity_kw for kw in quantity_kw} >= {-0.5, 1.0}
    assert all(-0.5 <= kw <= 1.0 for order in orders for quantity_kw in order.quantity_kw for kw in quantity_kw)


@pytest.mark.parametrize("kind", TRADING)
def test_a_device_misses_no_slot_and_no_interval(kind: str) -> None:
    calls = [(number * STEP - MINUTE, call(number * STEP)) for number in range(1, 24)]
    log = Played(kind).run(2 * HOUR, market=says(*calls))
    assert [order.first_slot for order in log.of(Order)] == [number * STEP for number in range(1, 24)]
    assert [power.start for power in log.of(DevicePower)] == [number * STEP for number in range(24)]
    assert {(power.usage_point, power.duration) for power in log.of(DevicePower)} == {(CUSTOMER.usage_point, STEP)}


def test_a_call_before_the_first_interval_gets_no_order() -> None:
    async def market(port: Port) -> None:
        await port.sleep_until(0, FIRST)
        port.publish(call(0))

    log = Played("battery").run(STEP, market=market)
    assert log.of(MarketCall) == [call(0)]
    assert log.of(Order) == []


def test_a_customer_without_a_market_has_devices_that_say_nothing_to_any() -> None:
    alone = Played("battery", NO_MARKET)
    alone.fleet.bidder = bidder(Strategy.OPTIMUM)
    log = alone.run(STEP, none=says((MINUTE, call(STEP, market="none"))))
    assert log.of(Registration) == log.of(Order) == []


def test_a_device_ignores_the_calls_of_another_market() -> None:
    other = says((MINUTE, call(STEP, market="other")))
    assert Played("hvac").run(2 * STEP, other=other).of(Order) == []


def told(start: int, price_per_kwh: float, **changes: Any) -> MarketPrice:
    plain = MarketPrice(
        market="retail",
        product="real-time",
        first_slot=start,
        slot_length=STEP,
        price_per_kwh=(price_per_kwh,),
        forecast=False,
    )
    return evolved(plain, **changes)


@pytest.mark.parametrize("kind", TRADING)
@pytest.mark.parametrize("price", [0.01, 0.25, 0.9])
def test_where_no_orders_are_taken_a_device_does_at_the_price_what_it_would_have_bid(kind: str, price: float) -> None:
    (order,) = Played(kind).run(STEP, market=says((MINUTE, call(STEP)))).of(Order)
    wanted_kw = power_at(order.quantity_kw[0], order.price_per_kwh[0], price)
    market = says((MINUTE, call(STEP, orders=False)), (2 * MINUTE, told(STEP, price)))
    log = Played(kind).run(2 * STEP, market=market)
    assert log.of(Order) == []
    assert powers(log)[1] == wanted_kw


def test_an_expected_price_moves_nothing_but_later_bids() -> None:
    silent = says((MINUTE, call(STEP, orders=False)), (2 * MINUTE, told(STEP, 0.9, forecast=True)))
    assert powers(Played("battery").run(2 * STEP, market=silent)) == [0.0, 0.0]
    dear = told(0, 0.9, forecast=True, product="day-ahead", slot_length=HOUR)
    orders = [
        Played("battery").run(STEP, market=says(*first, (2 * MINUTE, call(STEP)))).of(Order)[0]
        for first in ([], [(MINUTE, dear)])
    ]
    assert orders[0].price_per_kwh != orders[1].price_per_kwh


# Strategies


@pytest.mark.parametrize("kind", TRADING)
def test_a_price_taker_bids_the_best_plan_at_any_price(kind: str) -> None:
    asked = call(HOUR, product="day-ahead", slot_length=HOUR, slots=24)
    taker, optimum = (
        Played(kind, strategy=strategy).run(STEP, market=says((MINUTE, asked))).of(Order)[0]
        for strategy in (Strategy.PRICE_TAKER, Strategy.OPTIMUM)
    )
    for quantity_kw, around_kw in zip(taker.quantity_kw, optimum.quantity_kw, strict=True):
        assert len(set(quantity_kw)) == 1
        assert quantity_kw[0] == around_kw[1]
    assert any(len(set(quantity_kw)) > 1 for quantity_kw in optimum.quantity_kw)


# Limits


def test_a_limit_is_obeyed_with_a_second_revision_in_the_same_instant() -> None:
    market = says((MINUTE, award("hvac", STEP, 2.0)))
    played, unlimited = Played("hvac"), Played("hvac")
    log = played.run(3 * STEP, market=market, wires=limits("h1-hvac", STEP, 0.5))
    told_kw = [e for e in log.envelopes if isinstance(e.message, DevicePower) and e.message.start == STEP]
    assert [(e.instant, e.revision, e.message.power_kw) for e in told_kw] == [(STEP, 1, 2.0), (STEP, 2, 0.5)]
    # The house is warmer by it.
    unlimited.run(3 * STEP, market=market)
    assert air_c(played) > air_c(unlimited) + 0.05


def test_each_limit_is_a_revision_of_its_own_and_the_next_interval_begins_anew() -> None:
    log = Played("vehicle", NO_MARKET).run(3 * STEP, wires=limits("h1-vehicle", STEP, 0.5, 0.25))
    told_kw = [(e.message.start, e.revision) for e in log.envelopes if isinstance(e.message, DevicePower)]
    assert told_kw == [(0, 1), (STEP, 1), (STEP, 2), (STEP, 3), (2 * STEP, 1)]


def test_a_limit_above_what_is_drawn_or_for_another_interval_changes_nothing() -> None:
    stale = DeviceLimit(device="h1-vehicle", start=0, duration=STEP, import_limit_kw=0.0, reason="test")
    for wires in (says((STEP + MINUTE, stale)), limits("h1-vehicle", STEP, 99.0)):
        log = Played("vehicle", NO_MARKET).run(3 * STEP, wires=wires)
        assert [power.power_kw for power in log.of(DevicePower)] == [RATED["vehicle"][0]] * 3


# Battery


def stored(powers_kw: list[float]) -> list[float]:
    """Energy after each interval by the balance alone, without any limits."""
    energy_kwh, found = 0.5 * BATTERY.capacity_kwh[0], []
    for power_kw in powers_kw:
        efficiency = BATTERY.charge_efficiency[0] if power_kw > 0 else 1 / BATTERY.discharge_efficiency[0]
        energy_kwh += power_kw / 12 * efficiency
        found.append(float(energy_kwh))
    return found


def test_without_a_market_the_battery_rests() -> None:
    assert powers(Played("battery", NO_MARKET).run(HOUR)) == [0.0] * 12


@pytest.mark.parametrize("kw", [9.0, -9.0, 4.0, -4.0])
def test_whatever_is_awarded_the_battery_stays_between_its_reserve_and_its_capacity(kw: float) -> None:
    awards = [(number * STEP - MINUTE, award("battery", number * STEP, kw)) for number in range(1, 36)]
    drawn = powers(Played("battery").run(3 * HOUR, market=says(*awards)))
    assert drawn[1] == max(min(kw, BATTERY.rated_kw[0]), -BATTERY.rated_kw[0])
    found, reserve_kwh, capacity_kwh = stored(drawn), BATTERY.reserve_kwh[0], BATTERY.capacity_kwh[0]
    assert min(found) >= reserve_kwh - 1e-9
    assert max(found) <= capacity_kwh + 1e-9
    assert found[-1] == pytest.approx(capacity_kwh if kw > 0 else reserve_kwh)
    assert drawn[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_limited_battery_stores_what_it_was_allowed() -> None:
    awards = [(number * STEP - MINUTE, award("battery", number * STEP, 5.0)) for number in range(1, 30)]
    log = Played("battery").run(30 * STEP, market=says(*awards), wires=limits("h1-battery", STEP, 1.0))
    drawn = powers(log)
    assert drawn[1:3] == [1.0, 5.0]
    assert max(stored(drawn)) == pytest.approx(BATTERY.capacity_kwh[0])


def test_a_battery_behind_a_narrow_connection_stores_what_it_was_allotted() -> None:
    awards = [(number * STEP - MINUTE, award("battery", number * STEP, 5.0)) for number in range(1, 12)]
    narrow = Played("battery", connection=Connection(2.0))
    drawn = powers(narrow.run(HOUR, market=says(*awards)))
    assert drawn == [0.0] + [2.0] * 11
    kind: Any = narrow.fleet.kind
    assert kind.physics.energy_kwh[0] == pytest.approx(stored(drawn)[-2])


def test_the_battery_offers_only_what_it_can_hold() -> None:
    awards = [(number * STEP - MINUTE, award("battery", number * STEP, -5.0)) for number in range(1, 9)]
    market = says(*awards, (9 * STEP - MINUTE, call(9 * STEP)))
    log = Played("battery").run(9 * STEP, market=market)
    (order,) = log.of(Order)
    (least_kw,), (most_kw,) = Batteries(BATTERY, np.array(stored(powers(log))[8:9])).limits(STEP_S)
    ((first_kw, *_, last_kw),) = order.quantity_kw
    assert (first_kw, last_kw) == (pytest.approx(least_kw), pytest.approx(most_kw))
    assert -BATTERY.rated_kw[0] < least_kw < 0.0


# Photovoltaics


def test_photovoltaics_inject_what_the_model_says_with_every_reading() -> None:
    weather = ClearDay().reading("site", 12.0, 0, STEP)

    async def station(port: Port) -> None:
        for start in range(0, port.stop, STEP):
            await port.sleep_until(start, FIRST)
            port.publish(evolved(weather, start=start))

    log = Played("pv", NO_MARKET).run(HOUR, weather=station, wires=limits("h1-pv", STEP, 0.0))
    model = Photovoltaics(PhotovoltaicParameters.from_each([CUSTOMER.photovoltaic]))
    (expected_kw,) = model.power_kw(
        weather.solar_zenith_deg,
        weather.solar_azimuth_deg,
        weather.dni_w_per_m2,
        weather.ghi_w_per_m2,
        weather.dhi_w_per_m2,
        weather.outdoor_c,
        weather.wind_m_per_s,
    )
    assert expected_kw < -2.0
    assert [(p.start, p.power_kw, p.controllable) for p in log.of(DevicePower)] == [
        (number * STEP, expected_kw, False) for number in range(12)
    ]


# When something is wrong


def test_a_vehicle_that_cannot_be_ready_in_time_says_so_and_charges_with_all_it_has() -> None:
    car = attrs.evolve(CUSTOMER.electric_vehicle, charge_rated_kw=0.5, discharge_rated_kw=0.0, timer_start_h=23.0)
    slow = attrs.evolve(CUSTOMER, slider=0.0, electric_vehicle=car)
    asked = call(HOUR, product="day-ahead", slot_length=HOUR, slots=24)
    calls = [(number * STEP - MINUTE, call(number * STEP)) for number in range(1, 12)]
    awards = [(number * STEP - MINUTE // 2, award("vehicle", number * STEP, 0.0)) for number in range(1, 12)]
    drained = Played("vehicle", customer=slow)
    build = drained.fleet.build

    def nearly_empty(*given: Any) -> Any:
        kind: Any = build(*given)
        kind.physics.energy_kwh = 0.1 * kind.physics.parameters.capacity_kwh
        return kind

    drained.fleet.build = nearly_empty
    messages = sorted([(MINUTE, asked), *calls, *awards], key=lambda pair: pair[0])
    log = drained.run(HOUR, market=says(*messages))
    assert log.of(PlanFallback) == [
        PlanFallback(device="h1-vehicle", product="day-ahead", clearing=asked.clearing, reason="softened")
    ]
    assert [order.product for order in log.of(Order)].count("day-ahead") == 1
    assert powers(log)[1:] == [0.5] * 11


@pytest.mark.parametrize("kind", ["heater", "battery", "vehicle"])
def test_a_plan_within_all_bounds_is_not_worth_a_word(kind: str) -> None:
    asked = call(HOUR, product="day-ahead", slot_length=HOUR, slots=24)
    log = Played(kind).run(2 * STEP, market=says((MINUTE, asked), (2 * MINUTE, call(STEP))))
    assert len(log.of(Order)) == 2
    assert log.of(PlanFallback) == []
