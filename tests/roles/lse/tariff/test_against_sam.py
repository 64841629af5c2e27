"""Bills of a year against another program: the System Advisor Model's ``utilityrate5``, fed with the same URDB rate.

Its year begins on a Monday and has neither leap days nor daylight saving: 2018 in UTC.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import orjson
import pytest
from PySAM import Utilityrate5
from PySAM.UtilityRateTools import URDBv8_to_ElectricityRates

from gridbus.kernel import HOUR, Calendar
from gridbus.roles.interfaces import BillLine
from gridbus.roles.lse.tariff import Tariff, Usage, load_tariff, statement

HOURS = 8760
YEAR = HOURS * HOUR
CALENDAR = Calendar(datetime(2018, 1, 1, tzinfo=UTC))
FIRSTS = [(date(2018, month, 1) - date(2018, 1, 1)).days * 24 for month in range(1, 13)]

EVENINGS = [[1 if 16 <= hour < 22 else 0 for hour in range(24)]] * 12
SEASONS = [[(2 if month in range(4, 10) else 1) if 16 <= hour < 22 else 0 for hour in range(24)] for month in range(12)]
NIGHTS = [[0] * 24] * 12

FLAT = {
    "name": "Flat",
    "energyratestructure": [[{"rate": 0.1234, "adj": 0.0102}]],
    "energyweekdayschedule": NIGHTS,
    "energyweekendschedule": NIGHTS,
    "fixedchargefirstmeter": 9.75,
    "fixedchargeunits": "$/month",
}
TIME_OF_USE = {
    **FLAT,
    "name": "Seasonal time of use",
    "energyratestructure": [[{"rate": 0.0713}], [{"rate": 0.1931}], [{"rate": 0.2744}]],
    "energyweekdayschedule": SEASONS,
    "energyweekendschedule": NIGHTS,
}
TIERED = {
    **FLAT,
    "name": "Tiered",
    "energyratestructure": [[{"rate": 0.09, "max": 350}, {"rate": 0.135, "max": 700}, {"rate": 0.21}]],
    "mincharge": 60.0,
    "minchargeunits": "$/month",
}
DAILY = {
    **FLAT,
    "name": "Tiers of a day",
    "energyratestructure": [[{"rate": 0.09, "max": 11.3, "unit": "kWh daily"}, {"rate": 0.21, "unit": "kWh daily"}]],
}
TIERED_TIME_OF_USE = {
    **TIME_OF_USE,
    "name": "Tiered time of use",
    "energyratestructure": [
        [{"rate": 0.07, "max": 400}, {"rate": 0.11}],
        [{"rate": 0.19, "max": 400}, {"rate": 0.24}],
        [{"rate": 0.27, "max": 400}, {"rate": 0.35}],
    ],
}
DEMAND = {
    **TIME_OF_USE,
    "name": "Demand",
    "demandratestructure": [[{"rate": 1.5}], [{"rate": 6.25, "adj": 0.31}]],
    "demandweekdayschedule": EVENINGS,
    "demandweekendschedule": NIGHTS,
    "flatdemandstructure": [
        [{"rate": 3.0, "max": 1.5}, {"rate": 4.0}],
        [{"rate": 5.0, "max": 1.5}, {"rate": 7.0}],
    ],
    "flatdemandmonths": [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0],
    "demandwindow": 60,
}
# With periods that are the same all year: of one that a month has not, SAM moves the credit to another one.
NET_METERING = {
    **FLAT,
    "name": "Net metering by time of use",
    "energyratestructure": [[{"rate": 0.0713}], [{"rate": 0.1931}]],
    "energyweekdayschedule": EVENINGS,
    "dgrules": "Net Metering",
}
# With one period: with more, SAM bills what they use and takes it off what it pays for the others as well.
SETTLED_NET_METERING = {**FLAT, "name": "Net metering", "dgrules": "Net Metering"}
NET_BILLING = {
    **TIME_OF_USE,
    "name": "Net billing",
    "energyratestructure": [[{"rate": 0.0713, "sell": 0.03}], [{"rate": 0.1931, "sell": 0.05}], [{"rate": 0.27}]],
    "dgrules": "Net Billing Hourly",
}


def random_load() -> np.ndarray:
    """A load between 0 and 2 kW with a daily and a yearly swing, that exceeds neither meter nor tariff."""
    hour = np.arange(HOURS)
    shape = 1.0 + 0.4 * np.sin(2 * np.pi * (hour % 24 - 12) / 24) + 0.3 * np.cos(2 * np.pi * hour / HOURS)
    return np.round(shape * np.random.default_rng(5).uniform(0.3, 1.3, HOURS), 3)


def random_generation() -> np.ndarray:
    """Generation by day, more of it than is used in some months and less in others."""
    hour = np.arange(HOURS)
    sun = np.maximum(np.sin(2 * np.pi * (hour % 24 - 6) / 24), 0.0) * (2.6 - 2.2 * np.cos(2 * np.pi * hour / HOURS))
    return np.round(sun * np.random.default_rng(6).uniform(0.5, 1.0, HOURS), 3)


def by_sam(rate: dict[str, Any], load_kw: np.ndarray, generation_kw: np.ndarray, **more: float) -> np.ndarray:
    """The bill of each month as the System Advisor Model has it."""
    model = Utilityrate5.new()
    model.Lifetime.assign({"analysis_period": 1, "inflation_rate": 0, "system_use_lifetime_output": 0})
    model.SystemOutput.assign({"degradation": [0], "gen": generation_kw.tolist()})
    model.Load.assign({"load": load_kw.tolist(), "load_escalation": [0]})
    rates = URDBv8_to_ElectricityRates(orjson.loads(orjson.dumps(rate)))
    model.ElectricityRates.assign({**rates, "rate_escalation": [0], "en_electricity_rates": 1, **more})
    model.execute(0)
    # The outputs are read while the model is there: they are gone with it.
    return np.array(model.Outputs.year1_monthly_utility_bill_w_sys)


def months_of(lines: tuple[BillLine, ...]) -> list[list[BillLine]]:
    return [list(there) for _, there in groupby(lines, key=lambda line: line.month)]


def unrounded(line: BillLine) -> float:
    return float(line.amount) if line.price is None else line.quantity * line.price


def tariff_of(rate: dict[str, Any], folder: Path) -> Tariff:
    path = folder / "rate.json"
    path.write_bytes(orjson.dumps(rate))
    return load_tariff(path)


def assert_same(rate: dict[str, Any], tariff: Tariff, generation_kw: np.ndarray, **more: float) -> None:
    load_kw = random_load()
    expected = by_sam(rate, load_kw, generation_kw, **more)
    usage = Usage(start=np.arange(HOURS) * HOUR, duration=HOUR, energy_kwh=load_kw - generation_kw)
    bill = statement(tariff, usage, CALENDAR, 0, YEAR)
    months = months_of(bill.lines)
    assert len(months) == 12
    for month, sam in zip(months, expected, strict=True):
        # Before any rounding the two agree as far as floats go; each line is then half a cent off at most.
        assert sum(map(unrounded, month)) == pytest.approx(sam, abs=0.005 if month[-1].price is None else 1e-6)
        assert abs(float(sum(line.amount for line in month)) - sam) <= 0.005 * len(month)
    assert abs(bill.total - Decimal(repr(float(expected.sum())))) <= Decimal("0.005") * len(bill.lines)


@pytest.mark.parametrize(
    "rate",
    [FLAT, TIME_OF_USE, TIERED, DAILY, TIERED_TIME_OF_USE, DEMAND],
    ids=["flat", "time-of-use", "tiered", "tiered by the day", "tiered time-of-use", "demand"],
)
def test_a_year_of_bills_is_that_of_another_program_to_the_cent(rate: dict[str, Any], tmp_path: Path) -> None:
    assert_same(rate, tariff_of(rate, tmp_path), np.zeros(HOURS))


def test_a_minimum_was_reached_and_missed_in_the_year_of_tiers(tmp_path: Path) -> None:
    usage = Usage(start=np.arange(HOURS) * HOUR, duration=HOUR, energy_kwh=random_load())
    lines = statement(tariff_of(TIERED, tmp_path), usage, CALENDAR, 0, YEAR).lines
    assert 0 < sum(line.component.startswith("up to the minimum") for line in lines) < 12
    assert {line.component for line in lines} >= {"energy, tier 1", "energy, tier 2", "energy, tier 3"}


def test_net_metering_carries_credit_period_by_period_as_another_program_does(tmp_path: Path) -> None:
    assert_same(NET_METERING, tariff_of(NET_METERING, tmp_path), random_generation())


@pytest.mark.parametrize("month", [2, 7, 12])
def test_net_metering_settles_credit_as_another_program_does(month: int, tmp_path: Path) -> None:
    tariff = tariff_of(SETTLED_NET_METERING, tmp_path)
    export = attrs.evolve(tariff.export, settlement_month=month, settlement_per_kwh=0.021)
    more = {"ur_nm_credit_month": month - 1, "ur_nm_yearend_sell_rate": 0.021}
    assert_same(SETTLED_NET_METERING, attrs.evolve(tariff, export=export), random_generation(), **more)


def test_net_billing_pays_exports_as_another_program_does(tmp_path: Path) -> None:
    assert_same(NET_BILLING, tariff_of(NET_BILLING, tmp_path), random_generation(), ur_metering_option=2)
