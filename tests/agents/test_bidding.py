"""What devices of every kind bid and do, whatever the prices: curves that fall, bounds, comfort, departures."""

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.bidding import Strategy, bidder
from gridbus.agents.connection import Connection
from gridbus.agents.customers import Customer, Shares, customers
from gridbus.agents.device import DeviceAgent, Supply
from gridbus.agents.equipment import EQUIPMENT
from gridbus.agents.fleet import Fleet
from gridbus.agents.models.trips import NEVER
from gridbus.agents.power_curve import Rows, power_at
from gridbus.agents.surroundings import Surroundings
from gridbus.agents.test_bed.days import ClearDay
from gridbus.kernel import DAY, HOUR, MINUTE, Port
from gridbus.kernel.testing import CALENDAR, run_components
from gridbus.roles.interfaces import DAY_AHEAD, REAL_TIME, DevicePower, MarketCall, OperatingEnvelope, Order

STEP = 15 * MINUTE
EVERYTHING = Shares(
    heat_pump=1.0,
    resistance=0.0,
    electric_water_heater=1.0,
    electric_vehicle=1.0,
    vehicle_to_grid=0.5,
    battery=1.0,
    participation=1.0,
)
KINDS = {each.name: each for each in EQUIPMENT if each.trades}
SUMMER, WINTER = ClearDay(27.0, 35.0), ClearDay(-5.0, 4.0)
FLOOR, CAP = -0.5, 2.0


def _steady(home: Customer) -> Customer:
    """A home whose set-points do not move, so that the comfort range does not jump away from the air in it."""
    return attrs.evolve(home, thermostat=attrs.evolve(home.thermostat, away_c=0.0, asleep_c=0.0))


HOMES = [_steady(home) for home in customers(8, 5, shares=EVERYTHING)]


@attrs.frozen
class Course:
    """What happens to devices: prices as they are expected and as they come, and when nothing comes."""

    kind: str
    seed: int
    strategy: Strategy = Strategy.OPTIMUM
    weather: ClearDay = SUMMER

    def fleet(self, homes: Sequence[Customer] = HOMES) -> Fleet:
        """A fleet in its first interval, with random prices ahead and random sliders."""
        rng = np.random.default_rng(self.seed)
        around = Surroundings(CALENDAR, 3 * DAY)
        around.prices.expect(0, HOUR, (rng.choice([0.02, 0.2, 1.5]) * rng.random(96)).tolist())
        fleet = Fleet(KINDS[self.kind].kind.build, around, STEP, bidder(self.strategy))
        for home in homes:
            fleet.join(attrs.evolve(home, slider=float(rng.random())))
        _begin(fleet, self.weather, 0)
        return fleet

    def live(self, hours: int, *, rests: bool = True) -> Iterator[tuple[int, Fleet, list[float]]]:
        """Hours in which every device gets anything: once an hour its bid at a random price, else a random power.

        Or, if it may rest, nothing at all. After each interval: its start, the fleet in the next one, and what each
        drew.
        """
        rng, fleet = np.random.default_rng([self.seed, 1]), self.fleet()
        awarded_kw: list[float | None] = [None] * len(fleet.customers)
        for start in range(0, hours * HOUR, STEP):
            drawn_kw = [fleet.choose_kw(place, kw) for place, kw in enumerate(awarded_kw)]
            for place in range(len(awarded_kw)):
                awarded_kw[place] = None if rests and rng.random() < 0.1 else rng.normal(0.0, 6.0)
            if (start + STEP) % HOUR == 0:
                asked, price = call(REAL_TIME, start + STEP, STEP, 1), rng.uniform(FLOOR, CAP)
                for place in range(len(awarded_kw)):
                    ((quantity_kw,), (price_per_kwh,)) = fleet.curves(place, asked)
                    awarded_kw[place] = power_at(quantity_kw, price_per_kwh, price)
            _begin(fleet, self.weather, start + STEP)
            yield start, fleet, drawn_kw


def _begin(fleet: Fleet, weather: ClearDay, start: int) -> None:
    fleet.surroundings.hear(weather.reading("site", CALENDAR.hour(start), start, STEP))
    fleet.begin(start)


def call(product: str, start: int, slot_length: int, slots: int) -> MarketCall:
    return MarketCall(
        market="retail",
        product=product,
        clearing=start,
        first_slot=start,
        slot_length=slot_length,
        slots=slots,
        gate_closure=start,
        price_cap_per_kwh=CAP,
        price_floor_per_kwh=FLOOR,
    )


def both_series(fleet: Fleet) -> Iterator[tuple[Customer, Rows]]:
    for place, home in enumerate(fleet.customers):
        for asked in (call(DAY_AHEAD, STEP, HOUR, 24), call(REAL_TIME, STEP, STEP, 1)):
            yield home, fleet.curves(place, asked)


every_kind = pytest.mark.parametrize("kind", KINDS)
seeds = st.integers(0, 2**32 - 1)
prices = st.floats(FLOOR - 1.0, CAP + 1.0)
few = settings(max_examples=8, deadline=None)
fewest = settings(max_examples=3, deadline=None)


# Curves


@every_kind
@pytest.mark.parametrize("weather", [SUMMER, WINTER])
@few
@given(seed=seeds, one=prices, other=prices)
def test_a_higher_price_never_raises_what_is_bid(kind: str, weather: ClearDay, seed: int, one: float, other: float):
    low, high = sorted((one, other))
    for _, (quantities, curve_prices) in both_series(Course(kind, seed, weather=weather).fleet()):
        for curve in zip(quantities, curve_prices, strict=True):
            assert power_at(*curve, high) <= power_at(*curve, low)


@every_kind
@few
@given(seed=seeds)
def test_no_bid_leaves_the_ratings_or_the_price_band(kind: str, seed: int):
    for home, (quantities, curve_prices) in both_series(Course(kind, seed).fleet()):
        import_kw, export_kw = KINDS[kind].ratings_kw(home)
        assert -export_kw <= min(map(min, quantities)) <= max(map(max, quantities)) <= import_kw
        assert FLOOR <= min(map(min, curve_prices)) <= max(map(max, curve_prices)) <= CAP


@every_kind
@few
@given(seed=seeds)
def test_a_real_time_bid_stays_within_what_the_device_s_state_allows(kind: str, seed: int):
    for _, fleet, _ in Course(kind, seed).live(1):
        present: Any = fleet.present
        ahead = fleet.kind.copy()  # type: ignore[union-attr]
        ahead.step(present, fleet.power_kw)
        following = present.followed_by(present.start + STEP, STEP)
        least_kw, most_kw = ahead.limits_kw(following)
        for place in range(len(fleet.customers)):
            ((quantity_kw,), _) = fleet.curves(place, call(REAL_TIME, following.start, STEP, 1))
            reach_kw = max(KINDS[kind].ratings_kw(fleet.customers[place]))
            assert quantity_kw[0] >= min(least_kw[place], reach_kw) - 1e-9
            assert quantity_kw[-1] <= most_kw[place] + 1e-9


@every_kind
@few
@given(seed=seeds)
def test_a_price_taker_s_curves_have_one_quantity_each(kind: str, seed: int):
    for _, (quantities, _) in both_series(Course(kind, seed, Strategy.PRICE_TAKER).fleet()):
        assert all(len(set(quantity_kw)) == 1 for quantity_kw in quantities)


# Connection and envelope


@every_kind
@few
@given(seed=seeds, limits_kw=st.tuples(*[st.floats(0.0, 8.0)] * 4))
def test_orders_and_powers_keep_to_connection_and_envelope(kind: str, seed: int, limits_kw: tuple[float, ...]):
    own_in, own_out, most_in, most_out = limits_kw
    connection = Connection(own_in, own_out)
    connection.keep(
        OperatingEnvelope(
            usage_point="h1", start=HOUR, duration=HOUR, import_limit_kw=most_in, export_limit_kw=most_out
        )
    )
    home = attrs.evolve(HOMES[seed % len(HOMES)], slider=seed / 2**32)
    ratings_kw = KINDS[kind].ratings_kw(home)

    async def market(port: Port) -> None:
        await port.sleep_until(MINUTE)
        port.publish(call(DAY_AHEAD, HOUR, HOUR, 3))
        for start in range(STEP, port.stop, STEP):
            await port.sleep_until(start - MINUTE)
            port.publish(call(REAL_TIME, start, STEP, 1))

    fleet = Course(kind, seed).fleet(homes=())
    fresh = Fleet(fleet.build, Surroundings(CALENDAR, DAY), STEP, fleet.bidder)
    agent = DeviceAgent(home, fresh, connection, Supply("lse", "retail"), ratings_kw, "site", flexible=True)
    mains = {"agent.h1": agent.run, "mo.retail": market, "weather.site": _station}
    log = run_components(mains, stop=3 * HOUR)

    def bounds_kw(start: int) -> tuple[float, float]:
        is_narrow = HOUR <= start < 2 * HOUR
        return (min(own_out, most_out) if is_narrow else own_out), (min(own_in, most_in) if is_narrow else own_in)

    for order in log.of(Order):
        for place, quantity_kw in enumerate(order.quantity_kw):
            out_kw, in_kw = bounds_kw(order.first_slot + place * order.slot_length)
            assert -min(out_kw, ratings_kw[1]) <= quantity_kw[0] <= quantity_kw[-1] <= min(in_kw, ratings_kw[0])
    for power in log.of(DevicePower):
        out_kw, in_kw = bounds_kw(power.start)
        assert -out_kw <= power.power_kw <= in_kw
    assert len(log.of(Order)) == 12
    assert len(log.of(DevicePower)) == 12


async def _station(port: Port) -> None:
    for start in range(0, port.stop, STEP):
        await port.sleep_until(start, 0)
        port.publish(SUMMER.reading(port.name, CALENDAR.hour(start), start, STEP))


# Comfort, and energy to leave with, for a day of anything


@fewest
@given(seed=seeds)
def test_houses_stay_comfortable_in_summer_at_any_price(seed: int):
    for _, fleet, _ in Course("hvac", seed).live(24):
        physics: Any = fleet.kind.physics  # type: ignore[union-attr]
        thermostats, half_c = physics.thermostats, 0.5 * physics.thermostats.deadband_c
        # A thermostat that is left to itself may use its deadband, and a little more until it decides again.
        warmest_c = thermostats.cooling_setpoint_c + np.maximum(thermostats.setback_c, half_c + 0.5)
        coldest_c = thermostats.cooling_setpoint_c - np.maximum(thermostats.preconditioning_c, half_c + 0.5)
        assert (physics.air_temperature_c <= warmest_c + 1e-6).all()
        assert (physics.air_temperature_c >= coldest_c - 1e-6).all()


@fewest
@given(seed=seeds)
def test_houses_stay_comfortable_in_winter_at_any_price(seed: int):
    was_heating = was_warm = before_c = None
    for _, fleet, _ in Course("hvac", seed, weather=WINTER).live(24, rests=False):
        physics: Any = fleet.kind.physics  # type: ignore[union-attr]
        air_c, coldest_c = (
            physics.air_temperature_c,
            physics.thermostats.heating_setpoint_c - physics.thermostats.setback_c,
        )
        is_warm = air_c >= coldest_c - 1e-6
        if before_c is not None:
            # A house may cool down too far before it turns from cooling to heating, but then comes back.
            assert (is_warm | ~was_heating | (~was_warm & (air_c > before_c))).all()
        was_heating, was_warm, before_c = physics.is_heating, is_warm, air_c
    assert was_heating is not None
    assert was_heating.all()


@fewest
@given(seed=seeds)
def test_water_is_never_too_hot_and_too_cold_only_where_all_power_is_not_enough(seed: int):
    for _, fleet, drawn_kw in Course("heater", seed).live(24, rests=False):
        physics: Any = fleet.kind.physics  # type: ignore[union-attr]
        parameters, full_kw = physics.parameters, physics.parameters.rated_kw - 1e-9
        assert (physics.upper_temperature_c <= parameters.highest_c + 1e-6).all()
        assert (physics.lower_temperature_c <= parameters.highest_c + 1e-6).all()
        is_warm = physics.upper_temperature_c >= parameters.lowest_c - 1e-6
        assert (is_warm | (np.array(drawn_kw) >= full_kw)).all()


@fewest
@given(seed=seeds)
def test_batteries_keep_their_reserve_and_balance_their_energy(seed: int):
    before_kwh = None
    for _, fleet, drawn_kw in Course("battery", seed).live(24):
        physics: Any = fleet.kind.physics  # type: ignore[union-attr]
        parameters, kwh, kw = physics.parameters, physics.energy_kwh, np.array(drawn_kw)
        assert (kwh >= parameters.reserve_kwh - 1e-9).all()
        assert (kwh <= parameters.capacity_kwh + 1e-9).all()
        if before_kwh is not None:
            factor = np.where(kw > 0.0, parameters.charge_efficiency, 1.0 / parameters.discharge_efficiency)
            assert kwh == pytest.approx(before_kwh + 0.25 * kw * factor, abs=1e-9)
        before_kwh = kwh


@fewest
@given(seed=seeds)
def test_vehicles_leave_with_the_energy_that_they_want_wherever_there_is_time_to_charge_it(seed: int):
    departures = 0
    for start, fleet, _ in Course("vehicle", seed).live(48):
        physics: Any = fleet.kind.physics  # type: ignore[union-attr]
        trips, parameters = physics.trips, physics.parameters
        for vehicle in range(len(fleet.customers)):
            for trip in _trips_that_begin(trips, vehicle, start, start + STEP):
                if trips.arrival[trip] < start + STEP or not _can_be_ready(physics, vehicle, trip):
                    continue
                departures += 1
                left_with_kwh = physics.energy_kwh[vehicle] + trips.energy_kwh[trip]
                wanted_kwh = min(trips.required_kwh[trip], parameters.capacity_kwh[vehicle])
                assert left_with_kwh >= wanted_kwh - 1e-6
        assert (physics.energy_kwh >= 0.0).all()
    assert departures > len(fleet.customers)


def _trips_that_begin(trips: Any, vehicle: int, start: int, stop: int) -> Iterator[int]:
    trip = int(trips.first[vehicle])
    while trips.departure[trip] < NEVER:
        if start <= trips.departure[trip] < stop:
            yield trip
        trip += 1


def _can_be_ready(physics: Any, vehicle: int, trip: int) -> bool:
    """Whether the hours at home before a trip are enough for what it wants, if the one before had what it wanted."""
    trips, parameters = physics.trips, physics.parameters
    if trip == trips.first[vehicle]:
        return True
    hours = (trips.departure[trip] - trips.arrival[trip - 1]) / HOUR
    charged_kwh = hours * parameters.charge_rated_kw[vehicle] * parameters.charge_efficiency[vehicle]
    left_kwh = min(trips.required_kwh[trip - 1], parameters.capacity_kwh[vehicle]) - trips.energy_kwh[trip - 1]
    return bool(left_kwh + charged_kwh >= trips.required_kwh[trip] and charged_kwh >= 0.0)
