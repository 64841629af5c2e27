"""Charges of a period, by hand and across months."""

from calendar import monthrange
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import DAY, HOUR, Calendar
from gridbus.roles.settlement import NetworkCharges, SettlementRules
from gridbus.roles.settlement.charges import Use, losses, market_share, membership, months_of, use_of_system

JANUARY = Calendar(datetime(2025, 1, 1, tzinfo=UTC))


def use(power_kw: list[float], customers: tuple[tuple[int, int], ...] = ()) -> Use:
    """Average powers of successive days."""
    return Use(tuple(k * DAY for k in range(len(power_kw))), DAY, np.array(power_kw) * 24.0, customers)


def test_the_default_charges_energy_that_is_drawn_and_nothing_else() -> None:
    (charge,) = use_of_system(NetworkCharges(), use([2.0, -5.0, 1.0]), 0, 3 * DAY, JANUARY)
    assert (charge.component, charge.quantity, charge.amount) == ("energy", 72.0, Decimal("1.44"))


def test_a_whole_month_is_charged_its_peak_and_a_part_of_one_its_part() -> None:
    charges = NetworkCharges(per_kwh=0.0, per_kw_month=10.0)
    january_and_two_weeks = use([1.0] * 30 + [4.0] + [2.0] * 14)
    (charge,) = use_of_system(charges, january_and_two_weeks, 0, 45 * DAY, JANUARY)
    assert charge.quantity == pytest.approx(4.0 + 2.0 * 14 / 28)
    assert charge.amount == Decimal("50.00")


def test_customers_are_charged_for_the_days_of_their_supply() -> None:
    charges = NetworkCharges(per_kwh=0.0, per_customer_day=0.5)
    (charge,) = use_of_system(charges, use([1.0], ((0, 31 * DAY), (30 * DAY, 99 * DAY))), 0, 31 * DAY, JANUARY)
    assert (charge.quantity, charge.amount) == (32.0, Decimal("16.00"))


def test_membership_is_by_the_month_of_the_calendar() -> None:
    rules = SettlementRules(fee_per_customer_month=3.0)
    (charge,) = membership(rules, [(0, 59 * DAY), (31 * DAY, 45 * DAY)], 0, 59 * DAY, JANUARY)
    assert charge.quantity == pytest.approx(2.5)
    assert charge.amount == Decimal("7.50")


def test_the_share_of_the_market_operator_is_on_energy_and_on_its_costs() -> None:
    rules = SettlementRules(market_share_per_kwh=0.002, costs_per_year=36525.0, do_share_of_costs=0.5)
    energy, costs = market_share(rules, 1000.0, 0, 10 * DAY)
    assert (energy.amount, costs.amount) == (Decimal("2.00"), Decimal("500.00"))


def test_by_default_nobody_but_the_retailers_pays() -> None:
    rules = SettlementRules()
    assert membership(rules, [(0, DAY)], 0, DAY, JANUARY) == []
    assert market_share(rules, 1000.0, 0, DAY) == []
    assert losses(NetworkCharges(), 10.0) == []
    assert losses(NetworkCharges(losses_per_kwh=0.05), 10.0)[0].amount == Decimal("0.50")


@given(st.integers(0, 800 * 24), st.integers(1, 800 * 24))
def test_months_tile_a_period_and_have_their_length_also_where_clocks_change(start: int, hours: int) -> None:
    calendar = Calendar(datetime(2024, 1, 15, 7, tzinfo=UTC), ZoneInfo("America/New_York"))
    begin, end = start * HOUR, (start + hours) * HOUR
    parts = list(months_of(begin, end, calendar))

    assert [part[0] for part in parts] == [begin, *(part[1] for part in parts[:-1])]
    assert parts[-1][1] == end
    for first, last, length in parts:
        assert 0 < last - first <= length
        local = calendar.local(first)
        # A month in which the clocks go forward has an hour less, one in which they go back an hour more.
        extra = {3: -1, 11: 1}.get(local.month, 0)
        days = monthrange(local.year, local.month)[1]
        assert length == days * DAY + extra * HOUR
    assert all(calendar.local(first).day == 1 and calendar.local(first).hour == 0 for first, *_ in parts[1:])
