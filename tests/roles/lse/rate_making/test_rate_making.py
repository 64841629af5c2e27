"""Rates recover the expenses they were made for, as the bills at these rates say; and those of a finished run."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, Calendar, Port, Result, UsageError
from gridbus.kernel.activity import Main
from gridbus.kernel.records import Recorder
from gridbus.kernel.testing import run_components
from gridbus.roles.interfaces import Bill, BillLine, ChargeKind, MeterRead, Payment, Quality, TransferKind
from gridbus.roles.lse.rate_making import (
    Balance,
    Customers,
    Season,
    flat_rate,
    rates_in,
    rates_of,
    subscription_rates,
    time_of_use_rates,
    time_of_use_then_flat,
    transactive_rate,
)
from gridbus.roles.lse.rate_making.__main__ import main
from gridbus.roles.lse.tariff import Tariff, Usage, bill_lines
from gridbus.roles.lse.tariff.schedule import Schedule
from gridbus.roles.lse.tariff.tariff import (
    DemandCharge,
    DemandPeriod,
    DemandTier,
    EnergyCharge,
    EnergyPeriod,
    EnergyTier,
    FixedCharge,
    MarketPrices,
    MarketRule,
    Per,
)

CALENDAR = Calendar(datetime(2025, 4, 1, tzinfo=UTC))
MONTHS = 2
HOURS = 61 * 24
END = HOURS * HOUR
PEAK = (np.arange(HOURS) % 24 >= 16) & (np.arange(HOURS) % 24 < 22)
BY_TIME = Schedule(((0,) * 16 + (1,) * 6 + (0,) * 2,))
RATIOS = (1.0, 3.0)

DEMAND = (DemandCharge((DemandPeriod("all", (DemandTier(5.0),)),)),)
FIXED = (FixedCharge(12.0, Per.MONTH),)
ADDERS = (EnergyTier(0.0, 300.0), EnergyTier(0.02, 700.0), EnergyTier(0.05))
"""Tiers as what they add to a price."""


def usages(seed: int, count: int, highest_kw: float) -> list[Usage]:
    """Random hourly usages of two months, with all that any tariff needs."""
    random = np.random.default_rng(seed)

    def some(low: float, high: float) -> np.ndarray:
        return random.uniform(low, high, HOURS)

    return [
        Usage(
            start=np.arange(HOURS) * HOUR,
            duration=HOUR,
            energy_kwh=some(0.0, highest_kw),
            baseline_kw=some(0.0, highest_kw),
            day_ahead_kw=some(0.0, highest_kw),
            day_ahead_per_kwh=some(-0.02, 0.2),
            real_time_per_kwh=some(-0.1, 0.5),
        )
        for _ in range(count)
    ]


# Two groups: homes of which each stands for 40, and two plants that stand for themselves.
HOMES, PLANTS = usages(1, 4, 2.0), usages(2, 2, 30.0)
GROUPS = ((HOMES, 40.0), (PLANTS, 1.0))


def billed(tariff: Tariff, customers: Sequence[Usage], *kinds: ChargeKind) -> float:
    """What customers pay in all, or for charges of some kinds."""
    lines = [line for usage in customers for line in bill_lines(tariff, usage, CALENDAR, 0, END)]
    return float(sum(line.amount for line in lines if not kinds or line.kind in kinds))


def assert_recovered(expenses: float, tariff: Tariff) -> None:
    """The bills of all groups, each by its scale, come to the expenses but for half a cent a line."""
    revenue = sum(scale * billed(tariff, customers) for customers, scale in GROUPS)
    lines = sum(
        scale * len(bill_lines(tariff, usage, CALENDAR, 0, END)) for customers, scale in GROUPS for usage in customers
    )
    assert revenue == pytest.approx(expenses, abs=0.005 * lines)


def by_period(customers: Sequence[Usage], array: str = "energy_kwh") -> tuple[float, float]:
    load = sum(getattr(usage, array) for usage in customers)
    return float(load[~PEAK].sum()), float(load[PEAK].sum())


def energy(*prices: float, tiers: tuple[EnergyTier, ...] = (EnergyTier(0.0),)) -> EnergyCharge:
    """Prices of periods, or one for all hours, with tiers on top of them."""
    periods = [
        EnergyPeriod(f"period {index}", tuple(EnergyTier(price + tier.price_per_kwh, tier.up_to_kwh) for tier in tiers))
        for index, price in enumerate(prices)
    ]
    return EnergyCharge(tuple(periods), BY_TIME if len(prices) > 1 else Schedule())


expenses_of_all = st.floats(10_000.0, 200_000.0)


@settings(max_examples=10)
@given(expenses_of_all)
def test_a_flat_rate_with_demand_fixed_and_tiers_recovers_the_expenses(expenses: float) -> None:
    rest = Tariff("rest", energy=energy(0.0, tiers=ADDERS), demand=DEMAND, fixed=FIXED)
    customers = [
        Customers(energy_kwh=(sum(by_period(group)),), other_revenue=billed(rest, group), scale=scale)
        for group, scale in GROUPS
    ]
    rate = flat_rate(expenses, customers)
    assert_recovered(expenses, Tariff("flat", energy=energy(rate, tiers=ADDERS), demand=DEMAND, fixed=FIXED))


@settings(max_examples=10)
@given(expenses_of_all, st.floats(1.0, 6.0))
def test_time_of_use_rates_recover_the_expenses_at_any_ratio(expenses: float, ratio: float) -> None:
    rest = Tariff("rest", demand=DEMAND, fixed=FIXED)
    customers = [
        Customers(energy_kwh=by_period(group), other_revenue=billed(rest, group), scale=scale)
        for group, scale in GROUPS
    ]
    prices = time_of_use_rates(expenses, customers, (1.0, ratio))
    assert prices[1] == pytest.approx(ratio * prices[0])
    assert_recovered(expenses, Tariff("by-time", energy=energy(*prices), demand=DEMAND, fixed=FIXED))


def test_time_of_use_at_a_ratio_of_one_is_the_flat_rate() -> None:
    customers = [Customers(energy_kwh=by_period(group), scale=scale) for group, scale in GROUPS]
    assert time_of_use_rates(5e4, customers, (1.0, 1.0)) == pytest.approx([flat_rate(5e4, customers)] * 2)


@settings(max_examples=10)
@given(expenses_of_all)
def test_subscription_rates_recover_the_expenses(expenses: float) -> None:
    market = MarketPrices(MarketRule.SUBSCRIPTION)
    deviations = Tariff("deviations", energy=energy(0.0, 0.0), market=market)
    fixed = Tariff("fixed", fixed=FIXED)
    customers = [
        Customers(
            energy_kwh=by_period(group, "baseline_kw"),
            other_revenue=billed(fixed, group),
            market_revenue=billed(deviations, group),
            scale=scale,
        )
        for group, scale in GROUPS
    ]
    prices = subscription_rates(expenses, customers, RATIOS)
    assert_recovered(expenses, Tariff("subscription", energy=energy(*prices), market=market, fixed=FIXED))


@settings(max_examples=10)
@given(expenses_of_all, st.sampled_from(Balance))
def test_transactive_rates_recover_the_expenses_in_either_way(expenses: float, balance: Balance) -> None:
    market = MarketPrices(MarketRule.TRANSACTIVE, multiplier=1.04)
    volumetric = balance is Balance.VOLUMETRIC
    fixed = FIXED if volumetric else ()
    customers = [
        Customers(
            energy_kwh=(sum(by_period(group)),),
            other_revenue=billed(Tariff("rest", demand=DEMAND, fixed=fixed), group),
            market_revenue=billed(Tariff("market", market=market), group),
            spans=float(MONTHS * len(group)),
            scale=scale,
        )
        for group, scale in GROUPS
    ]
    rate = transactive_rate(expenses, customers, balance)
    tariff = Tariff("transactive", market=market, demand=DEMAND, fixed=fixed)
    more = {"energy": energy(rate)} if volumetric else {"fixed": (FixedCharge(rate, Per.MONTH),)}
    assert_recovered(expenses, attrs.evolve(tariff, **more))


def test_seasons_first_and_then_the_flat_rate_of_the_others_recover_the_expenses() -> None:
    # April and May as seasons; three of the homes take part, one home and the plants do not.
    cut = 30 * 24
    expenses = (9_000.0, 14_000.0)

    def of(customers: Sequence[Usage], first: int, last: int, scale: float) -> Customers:
        parts = [usage.between(first * HOUR, last * HOUR) for usage in customers]
        load = sum(part.energy_kwh for part in parts)
        peak = PEAK[first:last]
        return Customers(
            energy_kwh=(float(load[~peak].sum()), float(load[peak].sum())),
            other_revenue=12.0 * len(parts),
            scale=scale,
        )

    bounds = list(pairwise((0, cut, HOURS)))
    seasons = [
        Season(
            expenses=there,
            ratios=RATIOS,
            everybody=tuple(of(group, *bound, scale) for group, scale in GROUPS),
            participants=(of(HOMES[:3], *bound, 40.0),),
        )
        for there, bound in zip(expenses, bounds, strict=True)
    ]
    others = [of(HOMES[3:], *bound, 40.0) for bound in bounds] + [of(PLANTS, *bound, 1.0) for bound in bounds]
    prices, flat = time_of_use_then_flat(seasons, others)

    # Each season recovers its own expenses if everybody takes part.
    for season, there in zip(seasons, prices, strict=True):
        assert there == pytest.approx(time_of_use_rates(season.expenses, season.everybody, RATIOS))
    by_time = [Tariff("by-time", energy=energy(*there), fixed=FIXED) for there in prices]
    revenue = 40.0 * sum(
        float(line.amount)
        for tariff, (first, last) in zip(by_time, bounds, strict=True)
        for usage in HOMES[:3]
        for line in bill_lines(tariff, usage, CALENDAR, first * HOUR, last * HOUR)
    )
    rest = Tariff("flat", energy=energy(flat), fixed=FIXED)
    revenue += 40.0 * billed(rest, HOMES[3:]) + billed(rest, PLANTS)
    assert revenue == pytest.approx(sum(expenses), abs=40.0 * 0.005 * 30)


def test_rates_without_anything_to_charge_are_refused() -> None:
    with pytest.raises(UsageError, match="no energy"):
        flat_rate(1.0, [Customers(energy_kwh=(0.0,))])
    with pytest.raises(UsageError, match="no span of time"):
        transactive_rate(1.0, [Customers(energy_kwh=(1.0,))], Balance.FIXED)
    with pytest.raises(UsageError, match="a ratio for each of the periods"):
        time_of_use_rates(1.0, [Customers(energy_kwh=(1.0,))], RATIOS)


# Of a finished run


def line(kind: ChargeKind, amount: str) -> BillLine:
    return BillLine(
        month="2025-01", kind=kind, component="any", quantity=1.0, unit="kWh", price=None, amount=Decimal(amount)
    )


def recorded(folder: Path) -> Path:
    """A run of Wednesday, 1 January 2025: two homes of green, one of simple; a read and a bill that were revised."""

    async def wires(port: Port) -> None:
        def read(lse: str, usage_point: str, hour: int, energy_kwh: float) -> None:
            port.publish(
                MeterRead(
                    lse=lse,
                    usage_point=usage_point,
                    start=hour * HOUR,
                    duration=HOUR,
                    energy_kwh=energy_kwh,
                    quality=Quality.VALID,
                )
            )

        for hour in range(24):
            read("green", "h1", hour, 1.0)
            read("green", "h2", hour, 2.0)
            read("simple", "h3", hour, 3.0)
        read("green", "h1", 7, 5.0)
        port.publish(Payment(payee_role="lse", payee="green", kind=TransferKind.LOSSES, amount=Decimal(3)))

    def retailer(kinds: dict[str, Decimal], bills: list[tuple[str, list[BillLine]]]) -> Main:
        async def run(port: Port) -> None:
            for usage_point, lines in bills:
                total = sum((each.amount for each in lines), Decimal(0))
                port.publish(
                    Bill(lse=port.name, usage_point=usage_point, start=0, end=DAY, lines=tuple(lines), total=total)
                )
            for kind, amount in kinds.items():
                port.publish(Payment(payee_role="wholesale", payee="iso", kind=TransferKind(kind), amount=amount))

        return run

    green = retailer(
        {"wholesale energy": Decimal(23), "use of system": Decimal("-2"), "retail bill": Decimal(99)},
        [
            ("h1", [line(ChargeKind.MARKET, "100"), line(ChargeKind.FIXED, "100")]),
            ("h1", [line(ChargeKind.MARKET, "3"), line(ChargeKind.FIXED, "0.4")]),
            ("h2", [line(ChargeKind.MARKET, "5"), line(ChargeKind.FIXED, "0.6"), line(ChargeKind.DEMAND, "1")]),
        ],
    )
    simple = retailer(
        {"wholesale energy": Decimal(9)}, [("h3", [line(ChargeKind.ENERGY, "7.2"), line(ChargeKind.FIXED, "0.4")])]
    )
    log = run_components({"do.wires": wires, "lse.green": green, "lse.simple": simple}, stop=DAY)
    head = {"scenario": {"start": "2025-01-01T00:00:00+00:00", "zone": "UTC"}}
    recorder = Recorder(folder, Calendar(datetime(2025, 1, 1, tzinfo=UTC)), head)
    recorder.observe(log.envelopes)
    recorder.close("done", {})
    return folder


def test_the_rates_of_a_run_are_those_of_its_records(tmp_path: Path) -> None:
    green, simple = rates_in(recorded(tmp_path / "run"))
    # 24 + 48 kWh and 4 more in the revised hour, at the price of a winter morning.
    assert (green.lse, green.energy_kwh, green.customer_days) == ("green", 76.0, 2.0)
    assert (green.expenses, green.revenue) == (18.0, 10.0)
    assert green.flat_per_kwh == pytest.approx((18 - 2) / 76)
    # Peak on a weekday: 6 to 9 and 17 to 20, 3 kWh an hour and the 4 kWh more.
    base = (18 - 2) / (54 + 3 * 22)
    assert green.time_of_use_per_kwh == (
        ("off-peak", pytest.approx(base)),
        ("winter peak", pytest.approx(3 * base)),
        ("summer peak", pytest.approx(3 * base)),
    )
    assert green.volumetric_per_kwh == pytest.approx((18 - 8 - 2) / 76)
    assert green.fixed_per_day == pytest.approx((18 - 8) / 2)
    assert green.energy_price_factor is None
    assert (simple.volumetric_per_kwh, simple.fixed_per_day) == (None, None)
    assert simple.flat_per_kwh == pytest.approx((9 - 0.4) / 72)
    assert simple.energy_price_factor == pytest.approx((9 - 0.4) / 7.2)


def test_a_result_and_its_folder_have_the_same_rates(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "run")
    calendar = Calendar(datetime(2025, 1, 1, tzinfo=UTC))
    result = cast(Result, SimpleNamespace(path=folder, scenario=SimpleNamespace(calendar=calendar)))
    assert rates_of(result) == rates_in(folder)
    with pytest.raises(UsageError, match="kept no records"):
        rates_of(cast(Result, SimpleNamespace(path=None)))


def test_the_command_prints_the_rates_of_a_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(recorded(tmp_path / "run"))]) == 0
    printed = capsys.readouterr().out
    assert "green: 76 kWh in 2.0 customer-days; expenses 18.00 $, revenue 10.00 $" in printed
    assert "0.2105 $/kWh" in printed
    assert main([str(tmp_path)]) == 2
    assert "no run folder" in capsys.readouterr().err
    assert main([str(tmp_path / "run"), "--time-of-use", "transactive"]) == 2
    assert "no energy prices" in capsys.readouterr().err
