"""Daily volumes, times and repeatability of hot-water draws."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridbus.agents.customers import Shares, customers, draws_l_per_min, expected_l_per_min
from gridbus.agents.customers.habits import Routine
from gridbus.agents.customers.hot_water import daily_l
from gridbus.kernel import DAY, HOUR, MINUTE, Calendar

ZONE = ZoneInfo("America/New_York")
MONDAY = Calendar(datetime(2025, 7, 21, tzinfo=ZONE), ZONE)
HOMES = customers(300, 4, shares=Shares(electric_water_heater=1.0))


def litres(flows_l_per_min: np.ndarray, step: int) -> np.ndarray:
    return flows_l_per_min.sum(axis=1) * (step / MINUTE)


def documented_l(home) -> float:
    return home.water_heater.use * (20.0 + 53.0 * home.occupancy.occupants)


def test_a_day_has_its_documented_volume_by_persons():
    days = 20
    drawn_l = litres(draws_l_per_min(HOMES, 0, HOUR, 24 * days, MONDAY), HOUR) / days
    persons = np.array([home.occupancy.occupants for home in HOMES])
    wanted_l = np.array([documented_l(home) for home in HOMES])

    assert drawn_l.mean() == pytest.approx(wanted_l.mean(), rel=0.015)
    for count in (1, 2, 3, 4):
        assert drawn_l[persons == count].mean() == pytest.approx(wanted_l[persons == count].mean(), rel=0.05)


def test_households_use_as_much_as_is_measured():
    """REU 2016: 45.5 gal a day and household of 2.7 persons. A factor between households of mean one."""
    use = np.array([home.water_heater.use for home in customers(4000, 4, shares=Shares(electric_water_heater=1.0))])

    assert use.mean() == pytest.approx(1.0, abs=4 * 0.36 / np.sqrt(4000))
    assert 0.4 <= use.min() < use.max() <= 2.5
    assert daily_l(attrs.evolve(HOMES[0].water_heater, use=1.0), 3) == pytest.approx(45.5 * 3.785 + 0.3 * 53, rel=0.1)


@given(st.integers(-48 * 60, 400 * 24 * 60), st.sampled_from([1, 5, 15, 60]), st.integers(1, 100), st.integers(0, 30))
@example(first_min=23 * 60, step_min=5, steps=18, before=0)
@settings(max_examples=40)
def test_a_part_of_the_year_is_the_same_whichever_part_is_asked_for(first_min, step_min, steps, before):
    homes, step, start = HOMES[:40], step_min * MINUTE, first_min * MINUTE
    whole = draws_l_per_min(homes, start - before * step, step, before + steps + 30, MONDAY)

    part = draws_l_per_min(homes, start, step, steps, MONDAY)
    assert part == pytest.approx(whole[:, before : before + steps], abs=1e-12)


@given(st.integers(0, 400 * 24 * 12), st.sampled_from([2, 3, 12]))
@settings(max_examples=30)
def test_longer_steps_draw_the_mean_of_shorter_ones(first, times):
    start = first * 5 * MINUTE
    short = draws_l_per_min(HOMES[:4], start, 5 * MINUTE, 288, MONDAY)
    long = draws_l_per_min(HOMES[:4], start, 5 * times * MINUTE, 288 // times, MONDAY)

    assert long == pytest.approx(short.reshape(4, -1, times).mean(axis=2), abs=1e-9)


def test_showers_before_midnight_end_before_it_and_lose_no_water():
    day = Routine(wake_h=22.5, leave_h=24.0, return_h=24.0, sleep_h=24.0)
    owls = [
        attrs.evolve(
            home,
            occupancy=attrs.evolve(home.occupancy, weekday=day, weekend=day),
            water_heater=attrs.evolve(home.water_heater, use=2.5),
        )
        for home in HOMES
    ]
    drawn_l = litres(draws_l_per_min(owls, 0, HOUR, 24 * 40, MONDAY), HOUR) / 40

    assert drawn_l.mean() == pytest.approx(np.mean([documented_l(owl) for owl in owls]), rel=0.012)


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 9), 23), (date(2025, 11, 2), 25), (date(2025, 7, 22), 24)])
def test_days_on_which_clocks_change_lose_no_water(day, hours):
    calendar = Calendar(datetime(day.year, day.month, day.day, tzinfo=ZONE), ZONE)
    in_utc = Calendar(datetime(day.year, day.month, day.day, tzinfo=UTC))
    local_l = litres(draws_l_per_min(HOMES, 0, 5 * MINUTE, 12 * hours, calendar), 5 * MINUTE)

    assert local_l == pytest.approx(litres(draws_l_per_min(HOMES, 0, HOUR, 24, in_utc), HOUR))
    # Afternoon and evening are when the clock says.
    afternoon = draws_l_per_min(HOMES, (hours - 12) * HOUR, HOUR, 12, calendar)
    assert afternoon == pytest.approx(draws_l_per_min(HOMES, 12 * HOUR, HOUR, 12, in_utc), abs=1e-9)
    expected_l = litres(expected_l_per_min(HOMES, 0, HOUR, hours, calendar), HOUR)
    assert expected_l == pytest.approx([documented_l(home) for home in HOMES])


def test_draws_do_not_depend_on_the_company():
    together = draws_l_per_min(HOMES, 0, HOUR, 48, MONDAY)

    assert (draws_l_per_min(HOMES[17:19], 0, HOUR, 48, MONDAY) == together[17:19]).all()
    assert (draws_l_per_min(HOMES[17:19], 0, HOUR, 48, MONDAY) != together[18:20]).any()


def test_days_differ():
    flows = draws_l_per_min(HOMES, 0, DAY, 14, MONDAY)

    assert len(np.unique(flows)) == flows.size


def test_what_is_expected_is_the_mean_of_what_is_drawn():
    weeks = 13
    drawn = sum(draws_l_per_min(HOMES[:150], week * 7 * DAY, HOUR, 7 * 24, MONDAY) for week in range(weeks)) / weeks
    expected = expected_l_per_min(HOMES[:150], 0, HOUR, 7 * 24, MONDAY)

    for days in (slice(0, 5), slice(5, 7)):
        by_hour, wanted = (flows.reshape(150, 7, 24)[:, days].mean(axis=(0, 1)) for flows in (drawn, expected))
        # As near as this many days get, at night above all.
        assert by_hour == pytest.approx(wanted, rel=0.1, abs=0.007)


def test_nobody_draws_in_an_empty_home():
    for home, flows in zip(HOMES, expected_l_per_min(HOMES, 0, 5 * MINUTE, 288, MONDAY), strict=True):
        day = home.occupancy.weekday
        hours = np.arange(288) / 12.0
        is_empty = (day.leave_h <= hours) & (hours + 1 / 12 <= day.return_h)
        assert (flows[is_empty] < 1e-12).all()
        assert is_empty.any() == home.occupancy.is_empty_on_weekdays


def test_mornings_and_evenings_draw_most():
    flows = expected_l_per_min(HOMES, 0, HOUR, 24, MONDAY).mean(axis=0)

    assert 6 <= flows[:12].argmax() <= 7
    assert 17 <= flows[12:].argmax() + 12 <= 21
    assert flows[:4].max() < 0.2 * flows.max()


def test_without_a_tank_there_are_no_draws():
    homes = [HOMES[0], attrs.evolve(HOMES[1], water_heater=None)]

    for flows in (draws_l_per_min(homes, 0, HOUR, 48, MONDAY), expected_l_per_min(homes, 0, HOUR, 48, MONDAY)):
        assert flows[0].sum() > 0.0
        assert flows[1].sum() == 0.0
    assert draws_l_per_min([], 0, HOUR, 48, MONDAY).shape == (0, 48)
