"""Households as customers with one connection, and the population of a scenario."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import attrs
import pytest

from gridbus.agents.bidding import Strategy
from gridbus.agents.connection import Connection
from gridbus.agents.customers import Customer, Shares, customers
from gridbus.agents.device import DeviceAgent
from gridbus.agents.device import Supply as Supplier
from gridbus.agents.equipment import EQUIPMENT, equipment_of
from gridbus.agents.fleet import Fleet
from gridbus.agents.homes import Contract, Population
from gridbus.agents.household import Household
from gridbus.agents.models.household_loads import HouseholdLoadParameters, HouseholdLoads
from gridbus.agents.surroundings import Surroundings
from gridbus.agents.test_bed.days import ClearDay
from gridbus.agents.test_bed.played import Forecaster, Station, Supply
from gridbus.kernel import FIRST, HOUR, LAST, MINUTE, ComponentError, Port, Setting
from gridbus.kernel.testing import CALENDAR, Log, run_components
from gridbus.roles.interfaces import (
    BILLING,
    NO_MARKET,
    AccountStatement,
    Award,
    AwardStatus,
    Bill,
    DeviceLimit,
    DevicePower,
    Enrolment,
    MarketCall,
    OperatingEnvelope,
    Order,
    Payment,
    Reason,
    ReasonCode,
    Registration,
    RegistryAnswer,
    RegistryRequest,
    TransferKind,
    belongs,
)

Main = Callable[[Port], Any]
STEP = 5 * MINUTE
EVERYTHING = Shares(electric_water_heater=1.0, electric_vehicle=1.0, vehicle_to_grid=1.0, photovoltaic=1.0, battery=1.0)
CUSTOMER = customers(1, 1, shares=EVERYTHING)[0]
NAME = CUSTOMER.usage_point
ENROLMENT = Enrolment(usage_point=NAME, lse="green", tariff="flat", market="none", transformer="t1", effective_from=0)
KINDS = {each.name: each for each in EQUIPMENT}


# The household


def household() -> Household:
    fleet = Fleet(KINDS[""].kind.build, Surroundings(CALENDAR, HOUR), STEP)
    load = DeviceAgent(CUSTOMER, fleet, Connection(), Supplier("green"), (0.0, 0.0), "site", flexible=False)
    return Household(ENROLMENT, load)


async def retailer(port: Port) -> None:
    await port.sleep_until(port.stop, BILLING)
    for total, adjustment in (("12.34", "12.34"), ("10.34", "-2.00")):
        bill = Bill(
            lse="green",
            usage_point=NAME,
            start=0,
            end=port.stop,
            lines=(),
            total=Decimal(total),
            adjustment=Decimal(adjustment),
        )
        port.publish(bill)


async def wires(port: Port) -> None:
    await port.sleep_until(STEP, LAST)
    port.publish(DeviceLimit(device=NAME, start=STEP, duration=STEP, import_limit_kw=0.01, reason="test"))


def lived(**beside: Main) -> Log:
    mains = {f"agent.{NAME}": household().run, "lse.green": retailer, "do.wires": wires} | beside
    return run_components(mains, stop=HOUR, seed=4)


def test_a_household_enrols_once() -> None:
    assert lived().of(Enrolment) == [ENROLMENT]


def test_a_household_pays_every_bill_and_what_a_revised_one_changes_and_its_statement_balances() -> None:
    log = lived()
    assert [(p.payee_role, p.payee, p.kind, p.amount) for p in log.of(Payment)] == [
        ("lse", "green", TransferKind.BILL, Decimal("12.34")),
        ("lse", "green", TransferKind.BILL, Decimal("-2.00")),
    ]
    (statement,) = log.of(AccountStatement)
    assert (statement.party, statement.paid, statement.received) == (NAME, Decimal("10.34"), 0)
    assert statement.balance == -statement.paid


def test_a_household_draws_its_load_in_every_interval_but_for_a_limit() -> None:
    model = HouseholdLoads(HouseholdLoadParameters.from_each([CUSTOMER.household_load]))
    last = {power.start: power.power_kw for power in lived().of(DevicePower)}
    expected = {number * STEP: float(model.power_kw(number / 12, number)[0]) for number in range(12)}
    assert last == expected | {STEP: 0.01}
    assert not any(power.controllable for power in lived().of(DevicePower))


def test_a_household_that_the_registry_refuses_ends_the_run_with_the_reason() -> None:
    async def registry(port: Port) -> None:
        await port.sleep_until(MINUTE)
        reason = Reason(ReasonCode.UNKNOWN_REFERENCE, "no tariff is called flat")
        port.publish(
            RegistryAnswer(
                usage_point=NAME,
                lse="green",
                request=RegistryRequest.ENROLMENT,
                accepted=False,
                reasons=(reason,),
            )
        )

    with pytest.raises(ComponentError, match="refused the enrolment of h001 with green: no tariff is called flat"):
        lived(**{"registry.main": registry})


def test_a_household_lives_on_when_what_another_asks_for_it_is_refused() -> None:
    async def registry(port: Port) -> None:
        await port.sleep_until(MINUTE)
        refused = RegistryAnswer(usage_point=NAME, lse="simple", request=RegistryRequest.SWITCH, accepted=False)
        port.publish(refused)

    assert len(lived(**{"registry.main": registry}).of(AccountStatement)) == 1


# One connection, and what a distribution operator lets it carry


async def station(port: Port) -> None:
    """A noon that does not end."""
    for start in range(0, port.stop, STEP):
        await port.sleep_until(start, FIRST)
        port.publish(ClearDay(36.0, 36.0).reading(port.name, 12.0, start, STEP))


def at_home(*envelopes: tuple[int, OperatingEnvelope], kw: float = 99.0, stop: int = HOUR) -> Log:
    """A home with everything whose devices are awarded all that they can, in or out."""

    async def operator(port: Port) -> None:
        for instant, envelope in envelopes:
            await port.sleep_until(instant, FIRST)
            port.publish(envelope)

    async def market(port: Port) -> None:
        for start in range(0, port.stop, STEP):
            await port.sleep_until(start, FIRST)
            for equipment in equipment_of(CUSTOMER):
                if equipment.trades:
                    port.publish(awarded(f"{NAME}-{equipment.name}", start, kw))

    contract = Contract(lse="green", tariff="transactive", share=1.0, market="retail")
    shares = attrs.evolve(EVERYTHING, participation=1.0)
    homes = Population(count=1, site="site", contracts=(contract,), shares=shares)
    mains = dict(homes.components("homes", Setting(CALENDAR, stop, 1)))
    mains |= {"weather.site": station, "mo.retail": market, "do.wires": operator}
    return run_components(mains, stop=stop, seed=1)


def awarded(resource: str, start: int, kw: float) -> Award:
    return Award(
        market="retail",
        product="real-time",
        resource=resource,
        clearing=start,
        order_id="o1",
        first_slot=start,
        slot_length=STEP,
        quantity_kw=(kw,),
        price_per_kwh=(0.2,),
        status=(AwardStatus.AWARDED,),
        reason=("",),
    )


def envelope(start: int, duration: int, import_kw: float, export_kw: float) -> OperatingEnvelope:
    return OperatingEnvelope(
        usage_point=NAME, start=start, duration=duration, import_limit_kw=import_kw, export_limit_kw=export_kw
    )


def together_kw(log: Log) -> list[float]:
    """What stands for the whole home in each interval."""
    powers = {(power.start, power.device): power.power_kw for power in log.of(DevicePower)}
    starts = sorted({start for start, _ in powers})
    return [sum(kw for (at, _), kw in powers.items() if at == start) for start in starts]


def test_all_devices_behind_a_connection_keep_an_envelope_together_and_only_while_it_lasts() -> None:
    free_kw, kept_kw = together_kw(at_home()), together_kw(at_home((0, envelope(4 * STEP, 4 * STEP, 5.0, 3.0))))
    assert all(kw > 5.5 for kw in free_kw[:8])
    assert kept_kw[:4] == free_kw[:4]
    assert kept_kw[4:8] == pytest.approx([5.0] * 4)
    assert all(kw > 5.5 for kw in kept_kw[8:])


def test_what_is_injected_keeps_the_envelope_photovoltaics_included() -> None:
    free_kw = together_kw(at_home(kw=-99.0))
    kept_kw = together_kw(at_home((0, envelope(4 * STEP, 4 * STEP, 5.0, 3.0)), kw=-99.0))
    assert all(kw < -10.0 for kw in free_kw[:8])
    assert kept_kw[4:8] == pytest.approx([-3.0] * 4)
    assert all(kw < -4.0 for kw in kept_kw[8:])
    none_kw = together_kw(at_home((0, envelope(0, HOUR, 5.0, 0.0)), kw=-99.0))
    assert none_kw == pytest.approx([0.0] * 12, abs=1e-9)


def test_the_household_s_own_load_is_drawn_whatever_the_envelope() -> None:
    log = at_home((0, envelope(0, HOUR, 0.0, 0.0)), kw=99.0)
    drawn = {power.device for power in log.of(DevicePower) if power.power_kw > 0.0}
    # Photovoltaics come late in the order of names, and may cover what the load draws; the vehicle comes after them.
    assert drawn <= {NAME, f"{NAME}-vehicle"}
    assert NAME in drawn
    assert [p.power_kw for p in log.of(DevicePower) if p.device == NAME] == [
        p.power_kw for p in at_home().of(DevicePower) if p.device == NAME
    ]


def test_an_envelope_that_comes_when_its_interval_has_begun_holds_from_the_next_one_on() -> None:
    kept_kw = together_kw(at_home((4 * STEP + MINUTE, envelope(4 * STEP, 3 * STEP, 5.0, 3.0))))
    free_kw = together_kw(at_home())
    assert kept_kw[:5] == free_kw[:5]
    assert kept_kw[5:7] == pytest.approx([5.0] * 2)
    assert kept_kw[7] > 5.5


def test_a_later_envelope_replaces_an_earlier_one_and_one_for_another_home_is_not_heard() -> None:
    wide, narrow = envelope(0, HOUR, 6.0, 3.0), envelope(2 * STEP, STEP, 5.0, 3.0)
    other = attrs.evolve(envelope(0, HOUR, 1.0, 1.0), usage_point="h002")  # type: ignore[misc]
    kept_kw = together_kw(at_home((0, wide), (STEP, narrow), (STEP, other), stop=4 * STEP))
    assert kept_kw == pytest.approx([6.0, 6.0, 5.0, 6.0])


def test_bids_for_slots_within_an_envelope_keep_to_it() -> None:
    def asked(first_slot: int, slots: int, length: int, product: str) -> MarketCall:
        return MarketCall(
            market="retail",
            product=product,
            clearing=2 * MINUTE,
            first_slot=first_slot,
            slot_length=length,
            slots=slots,
            gate_closure=2 * MINUTE,
            price_cap_per_kwh=1.0,
            price_floor_per_kwh=0.0,
        )

    async def market(port: Port) -> None:
        await port.sleep_until(MINUTE)
        port.publish(asked(STEP, 1, STEP, "real-time"))
        port.publish(asked(HOUR, 3, HOUR, "day-ahead"))

    async def operator(port: Port) -> None:
        port.publish(envelope(2 * HOUR, MINUTE, 1.5, 0.5))

    contract = Contract(lse="green", tariff="transactive", share=1.0, market="retail")
    homes = Population(count=1, site="site", contracts=(contract,), shares=attrs.evolve(EVERYTHING, participation=1.0))
    mains = dict(homes.components("homes", Setting(CALENDAR, HOUR, 1)))
    mains |= {"lse.green": Forecaster(Supply()).run, "weather.site": station}
    log = run_components(mains | {"mo.retail": market, "do.wires": operator}, stop=STEP)
    orders = {order.resource: order for order in log.of(Order) if order.product == "day-ahead"}
    assert len(orders) == 4
    for order in orders.values():
        assert all(-0.5 <= kw <= 1.5 for kw in order.quantity_kw[1])
    battery_kw = orders[f"{NAME}-battery"].quantity_kw
    assert battery_kw[0][0] == battery_kw[2][0] < -0.5
    assert battery_kw[0][3] == battery_kw[2][3] > 1.5


# The population of a scenario


FLAT = Contract(lse="simple", tariff="flat", share=0.4)
GREEN = Contract(lse="green", tariff="transactive", share=0.6, market="retail")
POPULATION = Population(count=40, site="site", contracts=(FLAT, GREEN))
SETTING = Setting(CALENDAR, HOUR, 1)


def made(population: Population) -> dict[str, Main]:
    pairs = list(population.components("homes", SETTING))
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_shares_that_sum_to_one_are_no_fault_and_others_are() -> None:
    assert list(POPULATION.check()) == []
    for contracts in ((FLAT,), (FLAT, GREEN, FLAT), ()):
        assert [key for key, _ in attrs.evolve(POPULATION, contracts=contracts).check()] == ["contracts"]


@pytest.mark.parametrize("text", ["", "a-b", "a b", "a.b"])
def test_names_that_cannot_begin_an_address_are_faults(text: str) -> None:
    faults = attrs.evolve(POPULATION, prefix=text, feeder=text).check()
    assert [key for key, _ in faults] == ["prefix", "feeder"]


def test_the_members_that_a_population_needs_are_named() -> None:
    assert list(POPULATION.references()) == [
        ("site", "weather.site"),
        ("contracts[0].lse", "lse.simple"),
        ("contracts[1].lse", "lse.green"),
        ("contracts[1].market", "mo.retail"),
    ]


def test_every_home_is_a_household_with_an_air_conditioner_and_has_what_the_shares_say() -> None:
    everything = made(attrs.evolve(POPULATION, shares=EVERYTHING))
    assert len(everything) == len(KINDS) * 40
    nothing = attrs.evolve(EVERYTHING, electric_water_heater=0.0, electric_vehicle=0.0, photovoltaic=0.0, battery=0.0)
    assert len(made(attrs.evolve(POPULATION, shares=nothing))) == 2 * 40
    assert all(belongs(name.partition(".")[2], name.partition(".")[2].partition("-")[0]) for name in everything)
    assert {name.partition("-")[2] for name in everything} == set(KINDS)


def test_the_names_of_homes_and_transformers_begin_as_told() -> None:
    homes = attrs.evolve(POPULATION, prefix="house", feeder="pole")
    enrolments = run_components(made(homes), stop=1).of(Enrolment)
    assert [each.usage_point for each in enrolments] == [f"house{number:03d}" for number in range(1, 41)]
    assert all(each.transformer.startswith("pole") for each in enrolments)


@pytest.mark.parametrize("count", [10, 40, 200])
def test_contracts_are_spread_by_their_shares(count: int) -> None:
    mains = {name: main for name, main in made(attrs.evolve(POPULATION, count=count)).items() if "-" not in name}
    enrolments = run_components(mains, stop=1).of(Enrolment)
    assert len(enrolments) == count
    assert sum(e.lse == "simple" for e in enrolments) == pytest.approx(0.4 * count, abs=2)
    assert {(e.lse, e.tariff, e.market) for e in enrolments} == {
        ("simple", "flat", "none"),
        ("green", "transactive", "retail"),
    }


def _trading(contract: Contract, participation: float) -> list[str]:
    shares = attrs.evolve(EVERYTHING, participation=participation)
    homes = attrs.evolve(POPULATION, count=20, contracts=(contract,), shares=shares)
    return [each.resource for each in run_components(made(homes), stop=1).of(Registration)]


def test_each_contract_has_its_own_market_strategy_and_class() -> None:
    small = attrs.evolve(GREEN, customer_class="small")
    homes = attrs.evolve(POPULATION, contracts=(FLAT, small), shares=attrs.evolve(EVERYTHING, participation=1.0))
    log = run_components(made(homes), stop=1)
    green = {each.usage_point: each for each in log.of(Enrolment) if each.lse == "green"}
    assert {each.usage_point for each in log.of(Registration)} == set(green)
    home = customers(40, 1)[int(min(green)[1:]) - 1]
    assert green[min(green)] == Enrolment(
        usage_point=home.usage_point,
        lse="green",
        tariff="transactive",
        market="retail",
        transformer=home.transformer,
        effective_from=0,
        customer_class="small",
    )


def test_all_devices_of_a_home_share_its_connection_and_are_rated_for_no_more() -> None:
    mains: dict[str, Any] = made(attrs.evolve(POPULATION, shares=EVERYTHING))
    for home in customers(40, 1, shares=EVERYTHING):
        agents = [mains[f"agent.{home.usage_point}-{each.name}"].__self__ for each in equipment_of(home) if each.name]
        agents.append(mains[f"agent.{home.usage_point}"].__self__.load)
        assert len({id(agent.connection) for agent in agents}) == 1
        assert agents[0].connection.limits_kw(0, HOUR) == (home.connection_kw, home.connection_kw)
        assert max(max(agent.ratings_kw) for agent in agents) <= home.connection_kw


def test_devices_draw_in_the_intervals_that_the_scenario_says() -> None:
    log = run_components(made(attrs.evolve(POPULATION, count=2, interval_min=15.0)), stop=HOUR)
    assert {(power.start, power.duration) for power in log.of(DevicePower)} == {
        (number * 15 * MINUTE, 15 * MINUTE) for number in range(4)
    }


def test_those_take_part_who_want_to_on_a_contract_with_a_market_and_a_strategy() -> None:
    whole = attrs.evolve(GREEN, share=1.0)
    assert len(_trading(whole, 1.0)) == 4 * 20
    assert {name.partition("-")[2] for name in _trading(whole, 1.0)} == {"hvac", "heater", "battery", "vehicle"}
    assert 0 < len(_trading(whole, 0.5)) < 4 * 20
    assert _trading(whole, 0.0) == []
    assert _trading(attrs.evolve(whole, market=NO_MARKET), 1.0) == []
    assert _trading(attrs.evolve(whole, strategy=Strategy.NONE), 1.0) == []
    assert len(_trading(attrs.evolve(whole, strategy=Strategy.PRICE_TAKER), 1.0)) == 4 * 20


def test_who_does_not_take_part_lives_as_if_there_were_no_market() -> None:
    def drawn(contract: Contract) -> list[DevicePower]:
        mains = made(attrs.evolve(POPULATION, count=5, contracts=(contract,), shares=EVERYTHING))
        return run_components(mains | {"weather.site": Station(ClearDay()).run}, stop=HOUR).of(DevicePower)

    assert drawn(attrs.evolve(GREEN, share=1.0, strategy=Strategy.NONE)) == drawn(attrs.evolve(FLAT, share=1.0))


def test_a_part_of_a_population_draws_what_it_draws_in_the_whole() -> None:
    """As when a run is split over processes: each makes all components, and runs its own."""

    def drawn(keep: Callable[[str], bool]) -> dict[str, list[float]]:
        mains = {name: main for name, main in made(attrs.evolve(POPULATION, count=12)).items() if keep(name)}
        log = run_components(mains | {"weather.site": Station(ClearDay(30.0, 38.0)).run}, stop=HOUR)
        powers: dict[str, list[float]] = {}
        for power in log.of(DevicePower):
            powers.setdefault(power.device, []).append(power.power_kw)
        return powers

    whole = drawn(lambda _: True)
    parts = [drawn(lambda name, rest=rest: int(name[7:10]) % 3 == rest) for rest in range(3)]  # type: ignore[misc]
    assert whole == {name: powers for part in parts for name, powers in part.items()}


# Ratings


def _ratings(home: Customer) -> Sequence[tuple[str, tuple[float, float]]]:
    return [(each.name, each.ratings_kw(home)) for each in equipment_of(home)]


def test_ratings_are_those_of_the_equipment() -> None:
    for home in customers(30, 7, shares=attrs.evolve(EVERYTHING, vehicle_to_grid=0.5, heat_pump=0.5)):
        ratings, air, car = dict(_ratings(home)), home.air_conditioning, home.electric_vehicle
        assert ratings["hvac"] == (max(air.cooling_rated_kw, air.heat_pump_rated_kw + air.resistance_kw), 0.0)
        assert home.battery is not None
        assert home.water_heater is not None
        assert car is not None
        assert ratings["battery"] == (home.battery.rated_kw, home.battery.rated_kw)
        assert ratings["heater"] == (home.water_heater.rated_kw, 0.0)
        assert ratings["vehicle"] == (car.charge_rated_kw, car.discharge_rated_kw)
    assert [name for name, _ in _ratings(customers(1, 7, shares=attrs.evolve(EVERYTHING, battery=0.0))[0])] == [
        "",
        "hvac",
        "heater",
        "vehicle",
        "pv",
    ]
