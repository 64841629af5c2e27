"""Bills: closed forms by hand, and properties of any bill."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, MINUTE, Calendar, UsageError
from gridbus.roles.interfaces import BillLine, ChargeKind
from gridbus.roles.lse.tariff import Tariff, Usage, bill_lines, load_tariff, statement, tariff_names
from gridbus.roles.lse.tariff.schedule import Schedule
from gridbus.roles.lse.tariff.tariff import EnergyCharge, EnergyPeriod, EnergyTier, Export, ExportRule

JULY = Calendar(datetime(2025, 7, 1, 4, tzinfo=UTC), ZoneInfo("America/New_York"))
"""From the first hour of July 2025 in New York, a Tuesday."""

energies = st.floats(-3.0, 5.0, allow_nan=False).map(lambda kwh: round(kwh, 4))
few = settings(max_examples=20)
ARRAYS = ("price_per_kwh", "baseline_kw", "day_ahead_kw", "day_ahead_per_kwh", "real_time_per_kwh")


def usage_of(energy_kwh: list[float], minutes: int = 60, first: int = 0, **arrays: list[float]) -> Usage:
    start = first + np.arange(len(energy_kwh)) * minutes * MINUTE
    return Usage(start=start, duration=minutes * MINUTE, energy_kwh=energy_kwh, **arrays)


@st.composite
def complete_usages(draw: st.DrawFn, hours: int = 80 * 24) -> Usage:
    """A usage of some months, with all that any tariff needs: a few numbers that come again and again."""
    row = st.lists(energies, min_size=11, max_size=11)
    arrays = {name: np.resize(draw(row), hours) for name in ("energy_kwh", *ARRAYS)}
    return Usage(start=np.arange(hours) * HOUR, duration=HOUR, **arrays)


def shown(lines: tuple[BillLine, ...]) -> list[tuple[str, float, str, float | None, str]]:
    return [(line.component, line.quantity, line.unit, line.price, str(line.amount)) for line in lines]


def cents(amount: Fraction) -> Decimal:
    """To the cent, half to even, by way of whole numbers."""
    return Decimal(round(amount * 100)).scaleb(-2)


def exactly(number: float) -> Fraction:
    return Fraction(Decimal(repr(number)))


# By hand


def test_a_flat_bill_has_the_energy_and_the_days() -> None:
    lines = bill_lines(load_tariff("flat"), usage_of([15.5, 15.95]), JULY, 0, 30 * HOUR)
    assert shown(lines) == [
        ("energy", 31.45, "kWh", 0.13, "4.09"),
        ("connection", 1.25, "day", 0.4, "0.50"),
    ]
    assert {line.month for line in lines} == {"2025-07"}


def test_half_a_cent_goes_to_the_even_cent() -> None:
    tariff = Tariff("half", energy=EnergyCharge((EnergyPeriod("all", (EnergyTier(0.005),)),)))
    for energy, amount in ((1.0, "0.00"), (3.0, "0.02"), (5.0, "0.02"), (-1.0, "0.00"), (-3.0, "-0.02")):
        (line,) = bill_lines(tariff, usage_of([energy]), JULY, 0, HOUR)
        assert str(line.amount) == amount


def test_time_of_use_charges_each_hour_at_the_price_of_the_local_clock() -> None:
    # Friday and Saturday, 4 and 5 July: of the 48 hours six are peak.
    lines = bill_lines(load_tariff("time-of-use"), usage_of([1.0] * 5 * 24), JULY, 3 * DAY, 5 * DAY)
    assert shown(lines) == [
        ("energy, off-peak", 42.0, "kWh", 0.07, "2.94"),
        ("energy, summer peak", 6.0, "kWh", 0.21, "1.26"),
        ("connection", 2.0, "day", 0.4, "0.80"),
    ]


def test_tiers_begin_anew_with_each_month() -> None:
    # 700 kWh in July and 300 kWh in August.
    usage = usage_of([700.0 / 744] * 744 + [300.0 / 744] * 744)
    lines = bill_lines(load_tariff("tiered"), usage, JULY, 0, 62 * DAY)
    assert [(line.month, line.component, round(line.quantity, 9), str(line.amount)) for line in lines] == [
        ("2025-07", "energy, tier 1", 500.0, "55.00"),
        ("2025-07", "energy, tier 2", 200.0, "32.00"),
        ("2025-07", "connection", 31.0, "12.40"),
        ("2025-08", "energy, tier 1", 300.0, "33.00"),
        ("2025-08", "connection", 31.0, "12.40"),
    ]


def test_a_month_of_more_export_than_consumption_is_at_the_price_of_the_first_tier() -> None:
    lines = bill_lines(load_tariff("tiered"), usage_of([-700.0, 100.0]), JULY, 0, 31 * DAY)
    assert shown(lines)[:1] == [("energy, tier 1", -600.0, "kWh", 0.11, "-66.00")]
    assert [line.component for line in lines] == ["energy, tier 1", "connection"]


def test_a_part_of_a_month_has_that_part_of_each_tier() -> None:
    # 10 of 31 days: the first tier ends at 161.29 kWh, the second at 322.58 kWh.
    lines = bill_lines(load_tariff("tiered"), usage_of([350.0 / 240] * 240), JULY, 0, 10 * DAY)
    bounds = [500 * Fraction(10, 31), 1000 * Fraction(10, 31)]
    expected = [bounds[0], bounds[1] - bounds[0], 350 - bounds[1]]
    assert [line.quantity for line in lines[:3]] == pytest.approx([float(part) for part in expected], abs=1e-9)
    assert sum(line.quantity for line in lines[:3]) == pytest.approx(350.0)


def test_tiers_of_several_periods_count_the_energy_of_all_of_them() -> None:
    # 60 kWh by night and 40 kWh by day: of the 50 kWh of the first tier the night has 60 %.
    tiers = [(EnergyTier(low, 50.0), EnergyTier(high)) for low, high in ((0.1, 0.2), (0.3, 0.4))]
    charge = EnergyCharge(
        (EnergyPeriod("night", tiers[0]), EnergyPeriod("day", tiers[1])), Schedule(((0,) * 12 + (1,) * 12,))
    )
    usage = usage_of([5.0] * 12 + [40.0 / 12] * 12)
    lines = bill_lines(Tariff("both", energy=charge), usage_of([0.0] * 744), JULY, 0, 31 * DAY)
    assert [line.quantity for line in lines] == [0.0, 0.0]
    lines = bill_lines(Tariff("both", energy=charge), usage, JULY, 0, 31 * DAY)
    assert [(line.component, round(line.quantity, 9), str(line.amount)) for line in lines] == [
        ("energy, night, tier 1", 30.0, "3.00"),
        ("energy, night, tier 2", 30.0, "6.00"),
        ("energy, day, tier 1", 20.0, "6.00"),
        ("energy, day, tier 2", 20.0, "8.00"),
    ]


def test_demand_is_the_highest_quarter_of_an_hour_of_five_minute_reads() -> None:
    energy = np.zeros(31 * 288)
    # Wednesday 16:10 to 16:25: spread over two quarters of an hour, the higher of which has 0.5 + 0.4 kWh.
    energy[288 + 16 * 12 + 2 : 288 + 16 * 12 + 5] = [0.8, 0.5, 0.4]
    # Saturday noon: 0.2 + 0.3 + 0.6 kWh in one quarter, 4.4 kW.
    energy[4 * 288 + 144 : 4 * 288 + 147] = [0.2, 0.3, 0.6]
    usage = usage_of(energy.tolist(), minutes=5)
    lines = bill_lines(load_tariff("demand"), usage, JULY, 0, 31 * DAY)
    assert shown(lines)[1:] == [
        ("demand", 4.4, "kW month", 5.0, "22.00"),
        ("evening demand, other hours", 4.4, "kW month", 0.0, "0.00"),
        ("evening demand, evening", 3.6, "kW month", 9.0, "32.40"),
        ("connection", 31.0, "day", 0.4, "12.40"),
    ]


def test_demand_of_a_part_of_a_month_costs_that_part() -> None:
    usage = usage_of([2.0] * 24 * 31)
    whole = bill_lines(load_tariff("demand"), usage, JULY, 0, 31 * DAY)
    part = bill_lines(load_tariff("demand"), usage, JULY, 0, 7 * DAY)
    assert [line.quantity for line in whole if line.component == "demand"] == [2.0]
    assert [line.quantity for line in part if line.component == "demand"] == pytest.approx([2.0 * 7 / 31])


def test_a_meter_that_only_exports_has_no_demand() -> None:
    lines = bill_lines(load_tariff("demand"), usage_of([-1.0] * 48), JULY, 0, 2 * DAY)
    assert {line.amount for line in lines if line.kind is ChargeKind.DEMAND} == {Decimal("0.00")}


def test_a_subscription_is_the_tariff_on_the_baseline_and_the_day_ahead_price_on_the_rest() -> None:
    usage = usage_of([1.5, 0.5], baseline_kw=[1.0, 2.0], day_ahead_per_kwh=[0.1, 0.03])
    lines = bill_lines(load_tariff("subscription"), usage, JULY, 0, 2 * HOUR)
    assert shown(lines)[:3] == [
        ("subscribed energy, off-peak", 3.0, "kWh", 0.07, "0.21"),
        ("subscribed energy, summer peak", 0.0, "kWh", 0.21, "0.00"),
        # 0.5 kWh at 0.1 less 1.5 kWh at 0.03 $/kWh: half a cent, in decimals.
        ("deviation from the baseline", -1.0, "kWh", None, "0.00"),
    ]


def test_a_dynamic_bill_is_each_interval_at_its_price() -> None:
    usage = usage_of([2.0, -1.0, 4.0], price_per_kwh=[0.25, 0.5, -0.1])
    assert shown(bill_lines(load_tariff("dynamic"), usage, JULY, 0, DAY)) == [
        ("energy at the published price", 5.0, "kWh", None, "-0.40"),
        ("connection", 1.0, "day", 0.4, "0.40"),
    ]


def test_a_transactive_bill_is_two_settlements() -> None:
    tariff = load_tariff("transactive")
    tariff = attrs.evolve(
        tariff,
        market=attrs.evolve(tariff.market, multiplier=1.1),
        energy=EnergyCharge((EnergyPeriod("distribution", (EnergyTier(0.02),)),)),
    )
    usage = usage_of(
        [4.0, 1.0],
        minutes=30,
        day_ahead_kw=[6.0, 4.0],
        day_ahead_per_kwh=[0.1, 0.2],
        real_time_per_kwh=[0.3, 0.05],
    )
    # Positions of 3 and 2 kWh: 0.70 $; deviations of 1 and -1 kWh: 0.25 $; a tenth more on both.
    assert shown(bill_lines(tariff, usage, JULY, 0, DAY)) == [
        ("energy", 5.0, "kWh", 0.02, "0.10"),
        ("day-ahead energy", 5.0, "kWh", None, "0.77"),
        ("real-time deviation", 0.0, "kWh", None, "0.28"),
        ("connection", 1.0, "day", 0.4, "0.40"),
    ]


# Exports


def exporting(rule: ExportRule, **more: float) -> Tariff:
    period = EnergyPeriod("all", (EnergyTier(0.1),), export_per_kwh=0.04 if rule is ExportRule.NET_BILLING else 0.0)
    return Tariff("exporting", energy=EnergyCharge((period,)), export=Export(rule, **more))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ExportRule.NET, [("energy", -2.0, "-0.20")]),
        (ExportRule.NONE, [("energy", 5.0, "0.50")]),
        (ExportRule.NET_BILLING, [("energy", 5.0, "0.50"), ("export", -7.0, "-0.28")]),
        (ExportRule.NET_METERING, [("energy", 0.0, "0.00"), ("credit carried forward", 2.0, "0.00")]),
    ],
)
def test_exports_are_worth_what_the_rule_says(rule: ExportRule, expected: list[tuple[str, float, str]]) -> None:
    lines = bill_lines(exporting(rule), usage_of([3.0, -7.0, 2.0]), JULY, 0, DAY)
    assert [(line.component, line.quantity, str(line.amount)) for line in lines] == expected


def test_net_billing_over_an_hour_sets_off_what_is_used_and_exported_in_it() -> None:
    usage = usage_of([1.0, -3.0, 0.5, 0.5, 2.0, -1.0, 0.0, 1.0], minutes=15)
    lines = bill_lines(exporting(ExportRule.NET_BILLING, netting_min=60.0), usage, JULY, 0, DAY)
    assert [(line.component, line.quantity) for line in lines] == [("energy", 2.0), ("export", -1.0)]


def test_credit_is_carried_from_month_to_month_and_from_bill_to_bill() -> None:
    tariff = exporting(ExportRule.NET_METERING)
    usage = usage_of([-10.0] + [0.0] * 743 + [4.0] + [0.0] * 743 + [8.0])
    july, august, september = 31 * DAY, 62 * DAY, 92 * DAY
    together = statement(tariff, usage, JULY, 0, september)
    assert [(line.month[-2:], line.component, line.quantity) for line in together.lines] == [
        ("07", "energy", 0.0),
        ("07", "credit carried forward", 10.0),
        ("08", "energy", 0.0),
        ("08", "credit used", 4.0),
        ("08", "credit carried forward", 6.0),
        ("09", "energy", 2.0),
        ("09", "credit used", 6.0),
    ]
    apart: list[BillLine] = []
    credit: tuple[float, ...] = ()
    for start, end in ((0, july), (july, august), (august, september)):
        there = statement(tariff, usage, JULY, start, end, credit)
        apart += there.lines
        credit = there.credit_kwh
    assert tuple(apart) == together.lines
    assert credit == ()


def test_credit_is_paid_at_the_end_of_the_month_of_settlement_and_not_before() -> None:
    tariff = exporting(ExportRule.NET_METERING, settlement_month=7, settlement_per_kwh=0.03)
    usage = usage_of([-10.0])
    early, whole = (statement(tariff, usage, JULY, 0, days * DAY) for days in (30, 31))
    assert early.credit_kwh == (10.0,)
    assert whole.credit_kwh == ()
    assert whole.lines[-1].component == "settlement of credit"
    assert whole.total == Decimal("-0.30")


def test_a_minimum_fills_up_what_a_bill_falls_short() -> None:
    tariff = load_tariff("net-billing")
    short = bill_lines(tariff, usage_of([-40.0] + [0.0] * 743), JULY, 0, 31 * DAY)
    # 40 kWh at 0.05 $/kWh less than 31 days at 0.40 $: 10.40 $ is above the minimum of 5 $.
    assert sum(line.amount for line in short) == Decimal("10.40")
    short = bill_lines(tariff, usage_of([-200.0] + [0.0] * 743), JULY, 0, 31 * DAY)
    assert (short[-1].kind, short[-1].price, str(short[-1].amount)) == (ChargeKind.MINIMUM, None, "2.60")
    assert sum(line.amount for line in short) == Decimal("5.00")


# Revision


def test_a_revision_asks_for_what_it_is_more_than_the_bill_before() -> None:
    tariff, first = load_tariff("flat"), usage_of([10.0] * 24)
    bill = statement(tariff, first, JULY, 0, DAY).bill("green", "h1")
    assert (bill.tariff, bill.total, bill.adjustment) == ("flat", Decimal("31.60"), Decimal("31.60"))
    revised = attrs.evolve(first, energy_kwh=[10.0] * 23 + [12.5])
    second = statement(tariff, revised, JULY, 0, DAY).bill("green", "h1", bill)
    # 2.5 kWh more is 0.325 $ more, of which both bills are rounded by themselves: 31.525 is 31.52.
    assert (second.total, second.adjustment) == (Decimal("31.92"), Decimal("0.32"))
    third = statement(tariff, first, JULY, 0, DAY).bill("green", "h1", second)
    assert third.lines == bill.lines
    assert bill.adjustment + second.adjustment + third.adjustment == third.total
    with pytest.raises(UsageError, match="a revision of the bill of h1"):
        statement(tariff, first, JULY, 0, DAY).bill("green", "h2", bill)


# What a bill cannot be made of


def test_what_a_tariff_needs_is_said_all_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        bill_lines(load_tariff("transactive"), usage_of([1.0]), JULY, 0, DAY)
    for name in ("transactive", "day_ahead_kw", "day_ahead_per_kwh", "real_time_per_kwh"):
        assert name in str(caught.value)
    with pytest.raises(UsageError, match="demand over 15 min, which intervals of 10 min do not fill"):
        bill_lines(load_tariff("demand"), usage_of([1.0], minutes=10), JULY, 0, DAY)


def test_a_credit_of_another_tariff_is_refused() -> None:
    with pytest.raises(UsageError, match="3 periods"):
        statement(load_tariff("time-of-use"), usage_of([1.0]), JULY, 0, DAY, credit_kwh=(1.0,))


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(UsageError, match="ends before it begins"):
        bill_lines(load_tariff("flat"), usage_of([1.0]), JULY, DAY, 0)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"start": [0, 5], "energy_kwh": [1.0, 1.0]}, "ascend"),
        ({"start": [0, HOUR], "energy_kwh": [1.0]}, r"energy_kwh of shape \(2,\)"),
        ({"start": [0], "energy_kwh": [float("nan")]}, "numbers in energy_kwh, got nan in interval 0"),
        ({"start": [0], "energy_kwh": [1.0], "baseline_kw": [1.0, 2.0]}, "baseline_kw"),
        ({"start": [0], "energy_kwh": [1.0], "duration": 0}, "duration above 0"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: dict[str, list[float]], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Usage(**{"duration": HOUR, **arrays})


# Properties


@given(st.lists(energies, max_size=60))
def test_a_flat_bill_is_energy_times_price(energy: list[float]) -> None:
    tariff = attrs.evolve(load_tariff("flat"), fixed=())
    (line,) = bill_lines(tariff, usage_of(energy), JULY, 0, 3 * DAY)
    exact = sum(map(exactly, energy), Fraction(0))
    assert line.quantity == pytest.approx(float(exact), abs=1e-12)
    assert line.amount == cents(exactly(line.quantity) * Fraction(13, 100))


@few
@given(complete_usages(), st.sampled_from(tariff_names()))
def test_every_line_with_a_price_can_be_recomputed(usage: Usage, name: str) -> None:
    lines = bill_lines(load_tariff(name), usage, JULY, 5 * DAY, 70 * DAY)
    assert lines
    for line in lines:
        if line.price is not None:
            assert line.amount == cents(exactly(line.quantity) * exactly(line.price))
        assert line.amount == line.amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


@few
@given(complete_usages(), st.sampled_from(tariff_names()), st.integers(0, 30 * 24), st.integers(0, 18 * 24))
def test_two_bills_cut_at_a_month_are_the_bill_of_both(usage: Usage, name: str, after: int, until: int) -> None:
    tariff, august = load_tariff(name), 31 * DAY
    start, end = after * HOUR, 62 * DAY + until * HOUR
    together = statement(tariff, usage, JULY, start, end)
    first = statement(tariff, usage, JULY, start, august)
    second = statement(tariff, usage, JULY, august, end, first.credit_kwh)
    assert first.lines + second.lines == together.lines
    assert first.total + second.total == together.total


@few
@given(complete_usages(), st.floats(-0.2, 0.5).map(lambda price: round(price, 4)))
def test_time_of_use_at_one_price_is_flat(usage: Usage, price: float) -> None:
    flat = Tariff("flat", energy=EnergyCharge((EnergyPeriod("all", (EnergyTier(price),)),)))
    source = load_tariff("time-of-use").energy
    assert source is not None
    periods = tuple(attrs.evolve(period, tiers=(EnergyTier(price),)) for period in source.periods)
    by_time = Tariff("by-time", energy=attrs.evolve(source, periods=periods))
    one, other = (statement(tariff, usage, JULY, 0, 31 * DAY) for tariff in (flat, by_time))
    assert sum(line.quantity for line in other.lines) == pytest.approx(one.lines[0].quantity, abs=1e-9)
    assert abs(one.total - other.total) <= Decimal("0.005") * (1 + len(other.lines))


@few
@given(complete_usages())
def test_what_follows_a_period_is_not_in_its_bill(usage: Usage) -> None:
    cut = usage.between(2 * DAY, 40 * DAY)
    for name in tariff_names():
        tariff = load_tariff(name)
        of_all = bill_lines(tariff, usage, JULY, 2 * DAY, 40 * DAY)
        assert of_all == bill_lines(tariff, cut, JULY, 2 * DAY, 40 * DAY)


@few
@given(complete_usages())
def test_a_subscription_kept_to_is_billed_like_the_tariff_behind_it(usage: Usage) -> None:
    kept = attrs.evolve(usage, baseline_kw=usage.energy_kwh)
    lines = bill_lines(load_tariff("subscription"), kept, JULY, 0, 31 * DAY)
    behind = bill_lines(load_tariff("time-of-use"), kept, JULY, 0, 31 * DAY)
    assert [line.amount for line in lines if line.kind is not ChargeKind.MARKET] == [line.amount for line in behind]
    assert [(line.quantity, line.amount) for line in lines if line.kind is ChargeKind.MARKET] == [(0.0, Decimal(0))]
