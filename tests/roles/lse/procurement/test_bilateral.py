"""Bilateral contracts: blocks of power in hours of the week."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, MINUTE, Calendar
from gridbus.roles.lse.procurement import BilateralBlock, schedule
from gridbus.roles.lse.procurement.bilateral import blocks_of_history
from gridbus.roles.lse.week import Days, WeekHours

MONDAY = Calendar(datetime(2025, 1, 6, 5, tzinfo=UTC), ZoneInfo("America/New_York"))
"""Instant 0 is midnight of a Monday."""
STEP = 5 * MINUTE
WEEK_HOURS = 7 * 24


def test_a_block_delivers_in_its_hours_of_the_week_and_between_its_dates() -> None:
    block = BilateralBlock(
        quantity_kw=100.0,
        price_per_kwh=0.05,
        hours=(
            WeekHours(days=Days.WEEKDAYS, from_hour=7, to_hour=22),
            WeekHours(days=Days.WEEKENDS, from_hour=22, to_hour=2),
        ),
        effective_from=datetime(2025, 1, 7, 9, 30, tzinfo=MONDAY.zone),
        effective_to=datetime(2025, 1, 12, 23, tzinfo=MONDAY.zone),
    )
    power = [block.average_kw(MONDAY, hour * HOUR, HOUR) for hour in range(WEEK_HOURS)]
    first = datetime(2025, 1, 7, 10, tzinfo=MONDAY.zone)
    for hour, kw in enumerate(power):
        local = MONDAY.local(hour * HOUR)
        weekday = 7 <= local.hour < 22 and local.weekday() < 5
        weekend = (local.hour >= 22 or local.hour < 2) and local.weekday() >= 5
        inside = first <= local < datetime(2025, 1, 12, 23, tzinfo=MONDAY.zone)
        assert kw == (100.0 if inside and (weekday or weekend) else 50.0 if hour == 24 + 9 else 0.0)
    assert block.average_kw(MONDAY, 24 * HOUR, DAY) == pytest.approx((12 * 100.0 + 50.0) / 24)


def test_the_schedule_of_several_contracts_has_their_sum_and_mean_price() -> None:
    blocks = (
        BilateralBlock(quantity_kw=100.0, price_per_kwh=0.05),
        BilateralBlock(quantity_kw=300.0, price_per_kwh=0.09, hours=(WeekHours(from_hour=1, to_hour=2),)),
    )
    power, price = schedule(blocks, MONDAY, 3)
    assert power == (100.0, 400.0, 100.0)
    assert price == (0.05, pytest.approx(0.08), 0.05)
    assert schedule((), MONDAY, 2) == ((0.0, 0.0), (0.0, 0.0))


def _period(calendar: Calendar, hour: int) -> str:
    """The periods of the rule in other words: night is night on all days, weekdays have a day and an evening."""
    local = calendar.local(hour * HOUR)
    if local.hour >= 20 or local.hour < 5:
        return "night"
    return "day" if local.weekday() < 5 and local.hour < 16 else "evening"


@given(seed=st.integers(0, 2**32 - 1), hours=st.integers(1, 2 * WEEK_HOURS))
def test_blocks_of_a_history_are_the_least_load_at_the_mean_price_of_each_period(seed: int, hours: int) -> None:
    random = np.random.default_rng(seed)
    load, price = random.uniform(10.0, 500.0, hours), random.uniform(-0.02, 0.3, hours)
    power, prices = schedule(blocks_of_history(load, price, MONDAY, 0), MONDAY, hours)
    periods = [_period(MONDAY, hour) for hour in range(hours)]
    for name in set(periods):
        inside = np.array([each == name for each in periods])
        assert np.array(power)[inside] == pytest.approx(load[inside].min())
        assert np.array(prices)[inside] == pytest.approx(price[inside].mean())
    assert (np.array(power) <= load + 1e-9).all()


def test_where_customers_inject_on_balance_no_block_is_bought() -> None:
    load = np.where(np.arange(WEEK_HOURS) == 12, -5.0, 50.0)
    blocks = blocks_of_history(load, np.full(WEEK_HOURS, 0.1), MONDAY, 0)
    assert [block.quantity_kw for block in blocks] == [50.0, 50.0]
