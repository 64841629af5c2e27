"""Bills by contract and month; revisions; what exports cost the retailer."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, Calendar
from gridbus.kernel.shape import evolved
from gridbus.roles.interfaces import Assignment, ChargeKind
from gridbus.roles.lse.billing import Billing, ExportRates, Issued
from gridbus.roles.lse.tariff import Tariff, Usage, load_tariff
from gridbus.roles.lse.tariff.tariff import EnergyCharge, EnergyPeriod, EnergyTier, MarketPrices, MarketRule

CALENDAR = Calendar(datetime(2025, 1, 20, 5, tzinfo=UTC), ZoneInfo("America/New_York"))
"""Instant 0 is midnight of the 20th of January."""
FEBRUARY, MARCH = 12 * DAY, 40 * DAY
HOURS = 48 * 24
TARIFFS = {name: load_tariff(name) for name in ("flat", "tiered", "net-metering", "time-of-use")}


def contract(tariff: str, start: int = 0, end: int | None = None) -> Assignment:
    return Assignment(
        usage_point="h1",
        lse="green",
        tariff=tariff,
        market="none",
        transformer="t1",
        effective_from=start,
        effective_to=end,
    )


class Meter:
    """Hourly energy that the test may revise."""

    def __init__(self, energy_kwh: list[float]) -> None:
        self.energy_kwh = np.array(energy_kwh)

    def __call__(self, _: Assignment, start: int, end: int) -> Usage:
        first, last = -(-start // HOUR), min(-(-end // HOUR), len(self.energy_kwh))
        starts = np.arange(first, last, dtype=np.int64) * HOUR
        return Usage(start=starts, duration=HOUR, energy_kwh=self.energy_kwh[first:last])


def billing(meter: Meter) -> Billing:
    return Billing("green", TARIFFS, CALENDAR, meter)


def spans(issued: list[Issued]) -> list[tuple[int, int]]:
    return [(each.bill.start, each.bill.end) for each in issued]


def total(issued: list[Issued], component: str) -> Decimal:
    return sum((line.amount for i in issued for line in i.bill.lines if line.component == component), Decimal(0))


def test_a_bill_is_for_a_local_month_and_the_last_for_the_rest() -> None:
    made = billing(Meter([1.0] * HOURS))
    first = list(made.bill([contract("flat")], FEBRUARY))
    second = list(made.bill([contract("flat")], MARCH))
    last = list(made.bill([contract("flat")], MARCH + 6 * HOUR))
    assert spans([*first, *second, *last]) == [(0, FEBRUARY), (FEBRUARY, MARCH), (MARCH, MARCH + 6 * HOUR)]
    assert list(made.bill([contract("flat")], MARCH + 6 * HOUR)) == []
    assert [i.bill.total for i in (*first, *second, *last)] == [
        Decimal("42.24"),  # 12 days of 24 kWh at 0.13 $ and 0.40 $ a day
        Decimal("98.56"),
        Decimal("0.88"),
    ]
    assert all((i.revision, i.bill.adjustment) == (1, i.bill.total) for i in (*first, *second, *last))


def test_months_that_nobody_has_billed_get_a_bill_each_and_a_contract_is_billed_to_its_end() -> None:
    made = billing(Meter([1.0] * HOURS))
    issued = list(made.bill([contract("flat", 5 * DAY, MARCH + DAY), contract("tiered", MARCH + DAY)], MARCH + 3 * DAY))
    assert spans(issued) == [
        (5 * DAY, FEBRUARY),
        (FEBRUARY, MARCH),
        (MARCH, MARCH + DAY),
        (MARCH + DAY, MARCH + 3 * DAY),
    ]
    assert [i.bill.tariff for i in issued] == ["flat"] * 3 + ["tiered"]


ENERGY = st.lists(st.floats(-3.0, 3.0), min_size=48, max_size=48)
CHANGES = st.lists(st.tuples(st.integers(0, 47), st.floats(-3.0, 3.0)), min_size=1, max_size=6)


@settings(max_examples=25)
@given(daily=ENERGY, changes=CHANGES, tariff=st.sampled_from(sorted(TARIFFS)))
def test_revised_bills_are_those_of_somebody_who_knew_all_along_and_the_adjustments_come_to_their_totals(
    daily: list[float], changes: list[tuple[int, float]], tariff: str
) -> None:
    meter = Meter([kwh for kwh in daily for _ in range(24)])
    made, there = billing(meter), contract(tariff)
    issued = list(made.bill([there], HOURS * HOUR))
    for day, kwh in changes:
        meter.energy_kwh[24 * day] = kwh
        issued += made.revise(there, [24 * day * HOUR])
    latest = {i.bill.start: i for i in issued}
    known = list(billing(meter).bill([there], HOURS * HOUR))
    assert [latest[i.bill.start].bill.lines for i in known] == [i.bill.lines for i in known]
    for start, last in latest.items():
        revisions = [i for i in issued if i.bill.start == start]
        assert [i.revision for i in revisions] == list(range(1, len(revisions) + 1))
        assert sum(i.bill.adjustment for i in revisions) == last.bill.total


def test_a_revision_that_changes_no_line_makes_no_bill() -> None:
    meter = Meter([1.0] * HOURS)
    made = billing(meter)
    list(made.bill([contract("flat")], MARCH))
    assert list(made.revise(contract("flat"), [HOUR])) == []
    assert list(made.revise(contract("flat"), [MARCH + HOUR])) == []
    meter.energy_kwh[[3, 13 * 24]] = 9.0
    issued = list(made.revise(contract("flat"), [3 * HOUR, FEBRUARY + DAY]))
    assert spans(issued) == [(0, FEBRUARY), (FEBRUARY, MARCH)]
    assert [i.bill.adjustment for i in issued] == [Decimal("1.04")] * 2


def test_the_credit_of_a_month_is_carried_to_the_next_and_a_revision_carries_on() -> None:
    meter = Meter([-1.0] * (12 * 24) + [0.5] * (36 * 24))
    made, there = billing(meter), contract("net-metering")
    first = list(made.bill([there], FEBRUARY))
    second = list(made.bill([there], MARCH))
    assert total(first, "energy") == 0
    assert total(second, "energy") == Decimal("6.24")  # 336 kWh less a credit of 288 at 0.13 $
    meter.energy_kwh[:24] = 0.0
    revised = list(made.revise(there, [0]))
    assert spans(revised) == [(0, FEBRUARY), (FEBRUARY, MARCH)]
    assert [i.bill.adjustment for i in revised] == [Decimal(0), Decimal("3.12")]


# Exports


def rates(tariff: str | Tariff) -> ExportRates:
    return ExportRates(load_tariff(tariff) if isinstance(tariff, str) else tariff, CALENDAR)


def paid(tariff: str | Tariff, kwh: float, *, position: float = 0.0, at: int = 0) -> float:
    """What one export is paid with, between others that are none."""
    ones = np.ones(3)
    found = rates(tariff).paid(
        at,
        np.array([1.0, kwh, 0.0]),
        position_kwh=ones * position,
        day_ahead_per_kwh=ones * 0.3,
        real_time_per_kwh=ones * 0.2,
    )
    assert found[[0, 2]].tolist() == [0.0, 0.0]
    return float(found[1])


@pytest.mark.parametrize("tariff", ["flat", "net-metering", "tiered", "time-of-use"])
def test_where_exports_are_taken_off_consumption_the_retailer_buys_none(tariff: str) -> None:
    assert paid(tariff, -2.0) == 0.0


@pytest.mark.parametrize("tariff", ["net-billing", "transactive", "dynamic", "subscription"])
def test_consumption_costs_the_retailer_nothing_here(tariff: str) -> None:
    assert paid(tariff, 2.0, position=-1.0) == 0.0


def test_exports_cost_what_the_tariff_pays_for_them() -> None:
    assert paid("net-billing", -2.0) == pytest.approx(0.1)
    assert paid("dynamic", -2.0) == pytest.approx(0.4)
    assert paid("subscription", -2.0) == pytest.approx(0.6)
    doubled = evolved(load_tariff("dynamic"), market=MarketPrices(rule=MarketRule.DYNAMIC, multiplier=2.0))
    assert paid(doubled, -2.0) == pytest.approx(0.8)


@given(kwh=st.floats(-5.0, -0.01), position=st.floats(-5.0, 5.0))
def test_what_was_sold_day_ahead_has_that_price_and_what_deviates_that_of_real_time(
    kwh: float, position: float
) -> None:
    sold = max(-position, 0.0)
    assert paid("transactive", kwh, position=position) == pytest.approx(sold * 0.3 + (-kwh - sold) * 0.2)


def test_an_export_has_the_price_of_its_period() -> None:
    tiers = (EnergyTier(price_per_kwh=0.13),)
    periods = tuple(EnergyPeriod(name=name, tiers=tiers, export_per_kwh=p) for name, p in (("a", 0.05), ("b", 0.08)))
    base = load_tariff("net-billing")
    assert base.energy is not None
    schedule = evolved(base.energy.schedule, weekday=((0,) * 16 + (1,) * 8,), weekend=((0,),))
    tariff = evolved(base, energy=EnergyCharge(periods=periods, schedule=schedule))
    monday, saturday = 16 * HOUR, 5 * DAY + 16 * HOUR
    assert CALENDAR.local(0) + timedelta(hours=16) == CALENDAR.local(monday)
    assert [paid(tariff, -1.0, at=at) for at in (monday - HOUR, monday, saturday)] == [0.05, 0.08, 0.05]


def test_bills_say_what_kind_a_line_is() -> None:
    (issued,) = billing(Meter([1.0] * HOURS)).bill([contract("flat")], FEBRUARY)
    assert [line.kind for line in issued.bill.lines] == [ChargeKind.ENERGY, ChargeKind.FIXED]
