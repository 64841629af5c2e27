"""Households as customers, and the population of a scenario."""

from decimal import Decimal

import attrs
import numpy as np
import pytest

from gridbus.agents.homes import Contract, Population
from gridbus.agents.household import Household
from gridbus.agents.models.household_load import HouseholdLoad, HouseholdLoadParameters
from gridbus.kernel import HOUR, MINUTE, Port, Setting
from gridbus.kernel.testing import CALENDAR, Log, run_components
from gridbus.roles.interfaces import (
    BILLING,
    AccountStatement,
    Bill,
    DeviceLimit,
    DevicePower,
    Enrolment,
    Payment,
    TransferKind,
)

STEP = 5 * MINUTE
ENROLMENT = Enrolment(usage_point="h1", lse="green", tariff="flat", market="none", transformer="t1", effective_from=0)
LOAD = HouseholdLoadParameters(daily_kwh=18.0)


async def retailer(port: Port) -> None:
    await port.sleep_until(port.stop, BILLING)
    for total, adjustment in (("12.34", "12.34"), ("10.34", "-2.00")):
        bill = Bill(
            lse="green",
            usage_point="h1",
            start=0,
            end=port.stop,
            lines=(),
            total=Decimal(total),
            adjustment=Decimal(adjustment),
        )
        port.publish(bill)


async def wires(port: Port) -> None:
    await port.sleep_until(STEP)
    await port.sleep_until(STEP)
    port.publish(DeviceLimit(device="h1", start=STEP, duration=STEP, import_limit_kw=0.01, reason="test"))


def lived(stop: int = HOUR) -> Log:
    household = Household(ENROLMENT, LOAD, STEP)
    return run_components({"agent.h1": household.run, "lse.green": retailer, "do.wires": wires}, stop=stop, seed=4)


def test_a_household_enrols_once() -> None:
    assert lived().of(Enrolment) == [ENROLMENT]


def test_a_household_pays_every_bill_and_what_a_revised_one_changes_and_its_statement_balances() -> None:
    log = lived()
    assert [(p.payee_role, p.payee, p.kind, p.amount) for p in log.of(Payment)] == [
        ("lse", "green", TransferKind.BILL, Decimal("12.34")),
        ("lse", "green", TransferKind.BILL, Decimal("-2.00")),
    ]
    (statement,) = log.of(AccountStatement)
    assert (statement.party, statement.paid, statement.received) == ("h1", Decimal("10.34"), 0)
    assert statement.balance == -statement.paid


def test_a_household_draws_its_load_in_every_interval_but_for_a_limit() -> None:
    model = HouseholdLoad(LOAD, np.random.default_rng(LOAD.noise_seed))
    last = {power.start: power.power_kw for power in lived().of(DevicePower)}
    expected = {number * STEP: model.power_kw(number / 12, number) for number in range(12)}
    assert last == expected | {STEP: 0.01}
    assert not any(power.controllable for power in lived().of(DevicePower))


FLAT = Contract(lse="simple", tariff="flat", share=0.4)
GREEN = Contract(lse="green", tariff="transactive", share=0.6, market="retail")
POPULATION = Population(count=40, site="site", contracts=(FLAT, GREEN))
SETTING = Setting(CALENDAR, HOUR, 1)


def test_shares_that_sum_to_one_are_no_fault_and_others_are() -> None:
    assert list(POPULATION.check()) == []
    for contracts in ((FLAT,), (FLAT, GREEN, FLAT), ()):
        assert [key for key, _ in attrs.evolve(POPULATION, contracts=contracts).check()] == ["contracts"]


def test_the_members_that_a_population_needs_are_named() -> None:
    assert list(POPULATION.references()) == [
        ("site", "weather.site"),
        ("contracts[0].lse", "lse.simple"),
        ("contracts[1].lse", "lse.green"),
        ("contracts[1].market", "mo.retail"),
    ]


def test_every_home_is_a_household_with_an_air_conditioner_and_has_what_the_shares_say() -> None:
    names = [address for address, _ in POPULATION.components("homes", SETTING)]
    assert len(names) == len(set(names))
    assert sum(name.endswith("-hvac") for name in names) == 40
    everything = attrs.evolve(POPULATION, photovoltaic_share=1.0, battery_share=1.0)
    assert len(list(everything.components("homes", SETTING))) == 4 * 40
    nothing = attrs.evolve(POPULATION, photovoltaic_share=0.0, battery_share=0.0)
    assert len(list(nothing.components("homes", SETTING))) == 2 * 40


@pytest.mark.parametrize("count", [10, 40, 200])
def test_contracts_are_spread_by_their_shares(count: int) -> None:
    population = attrs.evolve(POPULATION, count=count, photovoltaic_share=0.0, battery_share=0.0)
    mains = {a: main for a, main in population.components("homes", SETTING) if not a.endswith("-hvac")}
    enrolments = run_components(mains, stop=1).of(Enrolment)
    assert len(enrolments) == count
    assert sum(e.lse == "simple" for e in enrolments) == pytest.approx(0.4 * count, abs=2)
    assert {(e.lse, e.tariff, e.market) for e in enrolments} == {
        ("simple", "flat", "none"),
        ("green", "transactive", "retail"),
    }
