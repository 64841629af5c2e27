"""Fleets: what is done for all devices at once, and that none of it shows in the numbers of one."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import pytest

from gridbus.agents.bidding import FourPoints
from gridbus.agents.connection import Connection
from gridbus.agents.customers import Customer, Shares, customers
from gridbus.agents.device import DeviceAgent, Supply
from gridbus.agents.equipment import EQUIPMENT
from gridbus.agents.fleet import Fleet
from gridbus.agents.kinds.batteries import BatteryKind
from gridbus.agents.kinds.kind import Interval
from gridbus.agents.planning.problem import Outcome
from gridbus.agents.power_curve import power_at
from gridbus.agents.surroundings import FloatArray, Surroundings
from gridbus.agents.test_bed.days import ClearDay
from gridbus.agents.test_bed.played import Station
from gridbus.kernel import DAY, HOUR, MINUTE, ComponentError, Port, Quarantined
from gridbus.kernel.testing import CALENDAR, Log, run_components
from gridbus.roles.interfaces import DAY_AHEAD, REAL_TIME, Award, AwardStatus, DevicePower, MarketCall, WeatherForecast

STEP = 5 * MINUTE
EVERYTHING = Shares(
    heat_pump=0.4,
    resistance=0.4,
    electric_water_heater=1.0,
    electric_vehicle=1.0,
    vehicle_to_grid=0.5,
    photovoltaic=1.0,
    battery=1.0,
)
HOMES = customers(20, 3, shares=EVERYTHING)
KINDS = {each.name: each for each in EQUIPMENT}
TRADING = [each.name for each in EQUIPMENT if each.trades]
DAYS = {"summer": ClearDay(26.0, 38.0), "winter": ClearDay(-8.0, 2.0)}


def call(product: str, start: int, slot_length: int, slots: int) -> MarketCall:
    return MarketCall(
        market="retail",
        product=product,
        clearing=start,
        first_slot=start,
        slot_length=slot_length,
        slots=slots,
        gate_closure=start,
        price_cap_per_kwh=1.0,
        price_floor_per_kwh=0.0,
    )


def award(place: int, start: int, quantity_kw: Sequence[float]) -> Award:
    return Award(
        market="retail",
        product=DAY_AHEAD,
        clearing=start,
        resource=f"d{place}",
        order_id="o1",
        first_slot=start,
        slot_length=HOUR,
        quantity_kw=tuple(quantity_kw),
        price_per_kwh=(0.2,) * len(quantity_kw),
        status=(AwardStatus.AWARDED,) * len(quantity_kw),
        reason=("",) * len(quantity_kw),
    )


def surroundings(day: ClearDay) -> Surroundings:
    around = Surroundings(CALENDAR, DAY)
    outdoor_c, ghi = tuple(map(day.outdoor_c, range(24))), tuple(map(day.ghi_w_per_m2, range(24)))
    around.hear(WeatherForecast(site="site", first_hour=0, outdoor_c=outdoor_c, ghi_w_per_m2=ghi))
    around.prices.expect(0, HOUR, [0.1, 0.3, 0.15, 0.05, 0.4, 0.2] * 8)
    return around


def lived(kind: str, day: ClearDay, homes: Sequence[Customer], hours: int = 2) -> dict[str, list[Any]]:
    """All that is told to each device in some hours, in which its market asks and awards."""
    fleet = Fleet(KINDS[kind].kind.build, surroundings(day), STEP, FourPoints() if kind in TRADING else None)
    places = {home.usage_point: fleet.join(home) for home in homes}
    told: dict[str, list[Any]] = {name: [] for name in places}
    for start in range(0, hours * HOUR, STEP):
        fleet.surroundings.hear(day.reading("site", CALENDAR.hour(start), start, STEP))
        fleet.begin(start)
        for name, place in places.items():
            # Some are left to themselves, the others get anything.
            number = (int(name[1:]) * 7 + start // STEP * 3) % 11
            told[name].append(fleet.choose_kw(place, None if number < 3 else number - 6.0))
        if kind not in TRADING:
            continue
        asked = [call(REAL_TIME, start + STEP, STEP, 1)]
        if start == HOUR - STEP:
            asked.append(call(DAY_AHEAD, HOUR, HOUR, 24))
        for each in asked:
            for name, place in places.items():
                rows = fleet.curves(place, each)
                told[name] += [rows, fleet.planned(place, each)]
                if each.product == DAY_AHEAD:
                    fleet.hold(place, award(place, HOUR, [power_at(*curve, 0.2) for curve in zip(*rows, strict=True)]))
    return told


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("day", DAYS)
def test_what_a_device_is_told_has_the_same_bits_alone_and_in_any_fleet_and_order(kind: str, day: str) -> None:
    together = lived(kind, DAYS[day], HOMES)
    assert lived(kind, DAYS[day], HOMES[::-1]) == together
    for home in HOMES[::9]:
        assert lived(kind, DAYS[day], [home])[home.usage_point] == together[home.usage_point]
    assert any(one != together[HOMES[0].usage_point] for one in together.values()) or kind == "pv"


# Once for all


@attrs.define(eq=False)
class Recorded(BatteryKind):
    """Batteries that write down what is done to them."""

    log: list[tuple[str, Any]] = attrs.field(factory=list)

    def step(self, interval: Interval, power_kw: FloatArray) -> None:
        self.log.append(("step", (interval.start, power_kw.tolist())))
        super().step(interval, power_kw)

    def plan(self, start: int, price_per_kwh: FloatArray, around: Surroundings) -> Any:
        self.log.append(("plan", start))
        return super().plan(start, price_per_kwh, around)

    def limits_kw(self, interval: Interval) -> tuple[FloatArray, FloatArray]:
        self.log.append(("limits", interval.start))
        return super().limits_kw(interval)

    def done(self, what: str) -> list[Any]:
        return [detail for each, detail in self.log if each == what]


def recorded(count: int = 3) -> tuple[Fleet, Recorded]:
    """A fleet in its first interval."""
    fleet = Fleet(Recorded.build, surroundings(DAYS["summer"]), STEP, FourPoints())
    for home in HOMES[:count]:
        fleet.join(home)
    fleet.begin(0)
    assert isinstance(fleet.kind, Recorded)
    return fleet, fleet.kind


def test_a_fleet_steps_once_an_interval_whoever_comes_first() -> None:
    fleet, kind = recorded()
    for start, order in ((0, (2, 0, 1)), (STEP, (0, 1, 2)), (2 * STEP, (1, 2, 0))):
        for place in order:
            fleet.begin(start)
            fleet.choose_kw(place, float(place))
    assert kind.done("step") == [(0, [0.0, 1.0, 2.0]), (STEP, [0.0, 1.0, 2.0])]
    assert kind.done("limits") == [0, STEP, 2 * STEP]


def test_a_device_without_an_award_is_left_to_itself_and_one_that_draws_something_else_is_stepped_with_that() -> None:
    fleet, kind = recorded()
    assert fleet.choose_kw(0, None) == 0.0
    assert fleet.choose_kw(1, 2.0) == 2.0
    fleet.draw(1, 0.5)
    fleet.begin(STEP)
    ((_, (first, second, third)),) = kind.done("step")
    assert second == 0.5
    assert np.isnan([first, third]).all()


def test_the_curves_of_a_call_are_made_once_for_all_and_calls_of_two_series_do_not_drive_each_other_out() -> None:
    fleet, kind = recorded()
    for place in range(3):
        fleet.choose_kw(place, 1.0)
    day_ahead, real_time = call(DAY_AHEAD, HOUR, HOUR, 24), call(REAL_TIME, STEP, STEP, 1)
    rows = [fleet.curves(place, each) for place in range(3) for each in (day_ahead, real_time)]
    assert [len(quantity_kw) for quantity_kw, _ in rows] == [24, 1] * 3
    assert kind.done("plan") == [HOUR]
    # One look at the limits to choose by, one ahead for the bids.
    assert kind.done("limits") == [0, STEP]
    fleet.curves(0, call(DAY_AHEAD, 2 * HOUR, HOUR, 24))
    assert kind.done("plan") == [HOUR, 2 * HOUR]


def test_looking_ahead_for_bids_moves_no_device() -> None:
    fleet, kind = recorded()
    for place in range(3):
        fleet.choose_kw(place, 1.0)
    before_kwh = kind.physics.energy_kwh.tolist()
    fleet.curves(0, call(REAL_TIME, STEP, STEP, 1))
    assert kind.physics.energy_kwh.tolist() == before_kwh
    fleet.begin(STEP)
    assert (kind.physics.energy_kwh > before_kwh).all()


def test_a_call_before_the_first_interval_gets_no_curves() -> None:
    fleet = Fleet(Recorded.build, surroundings(DAYS["summer"]), STEP, FourPoints())
    place = fleet.join(HOMES[0])
    assert fleet.curves(place, call(REAL_TIME, 0, STEP, 1)) == ((), ())
    assert fleet.planned(place, call(DAY_AHEAD, 0, HOUR, 24)) is Outcome.OPTIMAL


def test_a_position_is_of_its_hour_alone_and_a_later_award_replaces_it() -> None:
    fleet, _ = recorded()
    for place in range(3):
        fleet.choose_kw(place, 0.0)
    fleet.hold(1, award(1, 0, [1.0, -1.0]))
    fleet.hold(1, award(1, HOUR, [2.0]))
    held_kw = [
        fleet.curves(place, call(REAL_TIME, start, STEP, 1))[0][0][1]
        for start in (0, HOUR, 2 * HOUR, 72 * HOUR)
        for place in range(3)
    ]
    assert held_kw == [0.0, 1.0, 0.0, 0.0, 2.0, 0.0, *[0.0] * 6]


# Devices on a bus


def test_an_agent_that_fails_is_quarantined_and_its_device_goes_on_by_itself_beside_the_others() -> None:
    fine, hurt = (_run_two(nonsense, quarantine=("agent.*",)) for nonsense in (False, True))
    assert [each.name for each in hurt[0].of(Quarantined)] == ["a-hvac"]
    assert _powers(hurt[0], "a-hvac") == _powers(fine[0], "a-hvac")[:3]
    assert _powers(hurt[0], "b-hvac") == _powers(fine[0], "b-hvac")
    for logged, fleet in (fine, hurt):
        assert len(_powers(logged, "b-hvac")) == 24
        assert np.isnan(fleet.power_kw).tolist() == [True, True]
    air_c = [fleet.kind.physics.air_temperature_c.tolist() for _, fleet in (fine, hurt)]
    assert air_c[0] == air_c[1]
    with pytest.raises(ComponentError, match="a-hvac failed"):
        _run_two(True)


def _run_two(nonsense: bool, **options: Any) -> tuple[Log, Any]:
    """Two houses in one fleet; the first gets an award, and then one that makes no sense or none."""

    async def market(port: Port) -> None:
        await port.sleep_until(STEP)
        good = attrs.evolve(_AWARD, first_slot=2 * STEP)  # type: ignore[misc]
        port.publish(good)
        await port.sleep_until(2 * STEP + MINUTE)
        if nonsense:
            port.publish(attrs.evolve(good, quantity_kw=(1.0, 2.0)))  # type: ignore[misc]

    fleet = Fleet(KINDS["hvac"].kind.build, Surroundings(CALENDAR, DAY), STEP, FourPoints())
    mains: dict[str, Callable[[Port], Any]] = {
        "mo.retail": market,
        "weather.site": Station(ClearDay(36.0, 36.0)).run,
    }
    for name, home in zip("ab", HOMES, strict=False):
        agent = DeviceAgent(home, fleet, Connection(), Supply("lse", "retail"), (9.0, 0.0), "site", flexible=True)
        mains[f"agent.{name}-hvac"] = agent.run
    return run_components(mains, stop=2 * HOUR, **options), fleet


_AWARD = Award(
    market="retail",
    product=REAL_TIME,
    clearing=STEP,
    resource="a-hvac",
    order_id="o1",
    first_slot=0,
    slot_length=STEP,
    quantity_kw=(2.0,),
    price_per_kwh=(0.2,),
    status=(AwardStatus.AWARDED,),
    reason=("",),
)


def _powers(log: Log, device: str) -> list[float]:
    return [power.power_kw for power in log.of(DevicePower) if power.device == device]
