"""The DSO+T study's grid: the same numbers as tesp-support, case by case, and why they are not the exact ones."""

import json
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.bench.tesp_peer import supply_of
from gridbus.roles.auction.clearing import SupplyCurve, clear
from gridbus.roles.auction.curves import aggregate, stack_bids
from gridbus.roles.auction.grid_differences import DIFFERENCES, Grid, differences
from gridbus.roles.auction.grid_parity import GridClearing, GridClearingType, GridCurve, clear_on_grid, sample_bids

Bid = list[tuple[float, float]]
Case = dict[str, Any]

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


def read(name: str) -> Case:
    content: Case = json.loads((Path(__file__).parent / "cases" / f"{name}.json").read_text(encoding="utf-8"))
    return content


def sampled(case: Case) -> GridCurve:
    return sample_bids(
        case["bids"],
        highest_per_kwh=case["highest_per_kwh"],
        lowest_per_kwh=case["lowest_per_kwh"],
        samples=case["samples"],
    )


def on_grid(case: Case) -> GridClearing:
    supply = supply_of(case["supply"], case["samples"])
    return clear_on_grid(sampled(case), supply, price_cap=case["price_cap"], limit_kw=case["limit_kw"])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_demand_and_clearing_are_those_of_tesp_support(path: Path) -> None:
    case = read(path.stem)
    expected, tolerance = case["result"], case["tolerance"]
    curve = sampled(case)

    assert curve.quantity_kw.tolist() == pytest.approx(expected["quantity_kw"], rel=0, abs=tolerance)
    assert curve.is_elastic == expected["is_elastic"]
    if "supply" in case:
        result = on_grid(case)
        numbers = [
            inf if expected[name] is None else expected[name]
            for name in ("price_per_kwh", "cleared_kw", "surcharge_per_kwh")
        ]
        assert result.clearing_type.name == expected["clearing_type"]
        assert [result.price_per_kwh, result.quantity_kw, result.surcharge_per_kwh] == pytest.approx(
            numbers, rel=0, abs=tolerance
        )


def test_the_cases_show_every_clearing_type_and_every_difference() -> None:
    types = {read(path.stem)["result"].get("clearing_type") for path in CASES} - {None}

    assert types == {kind.name for kind in GridClearingType}
    assert [each.name for each in DIFFERENCES] == [f"C{number}" for number in range(1, 8)]
    for each in DIFFERENCES:
        cases = [read(path.stem) for path in CASES if path.stem.startswith(f"{each.name.lower()}_")]
        assert cases
        assert all(differences(case["bids"], grid_of(case))[each.name] for case in cases)


# Why the grid is not exact, each by the smallest example


def grid_of(case: Case) -> Grid:
    return Grid(case["highest_per_kwh"], case["lowest_per_kwh"], case["samples"])


def quantities(bids: list[Bid], grid: Grid) -> tuple[list[float], list[float]]:
    """What the bids ask for at the prices of a grid, on the grid and exactly."""
    curve = sample_bids(
        bids, highest_per_kwh=grid.highest_per_kwh, lowest_per_kwh=grid.lowest_per_kwh, samples=grid.samples
    )
    exact = aggregate(*stack_bids(bids))
    return curve.quantity_kw.tolist(), [exact.quantity_at(price) for price in curve.price_per_kwh]


def names(bids: list[Bid], grid: Grid) -> list[str]:
    return [name for name, affected in differences(bids, grid).items() if affected]


def test_c1_a_segment_is_not_where_its_prices_are() -> None:
    bids: list[Bid] = [[(0, 0.25), (4, 0.0)]]
    found, exact = quantities(bids, Grid(1.0, samples=11))

    # The prices are 1.0, 0.9, ... 0.0; by the grid, 0.25 is at 0.75 * 11 = 8.25, so the bid begins at 0.2.
    assert names(bids, Grid(1.0, samples=11)) == ["C1"]
    assert found == pytest.approx([0] * 8 + [0, 2, 4])
    assert exact == pytest.approx([0] * 8 + [0.8, 2.4, 4])


def test_c2_the_last_sample_is_lost_in_some_bands() -> None:
    bids: list[Bid] = [[(2, 0.2), (2, 0.1)]]

    assert names(bids, Grid(0.148, samples=10)) == ["C2"]
    assert quantities(bids, Grid(0.148, samples=10))[0] == [2] * 9 + [0]
    assert quantities(bids, Grid(0.148, samples=10))[1] == [2] * 10
    assert names(bids, Grid(0.15, samples=10)) == []


def test_c3_equal_prices_inside_a_bid_are_reversed_on_the_grid() -> None:
    bids: list[Bid] = [[(0, 2.0), (1, 1.5), (3, 1.5), (3, 0.1)]]
    found, exact = quantities(bids, Grid(1.0, samples=5))

    # On the grid the bid falls from 3 to 1 kW at 1.5 $/kWh, and rises again from there to 0.1.
    assert names(bids, Grid(1.0, samples=5)) == ["C3"]
    assert found[0] == pytest.approx(1 + 2 * 0.5 / 1.4)
    assert exact == [3] * 5


def test_c4_what_must_run_vanishes_when_its_price_is_above_the_grid() -> None:
    bids: list[Bid] = [[(0, 1.2), (2, 1.1)]]

    assert names(bids, Grid(1.0, samples=5)) == ["C4"]
    assert quantities(bids, Grid(1.0, samples=5)) == ([0] * 5, [2] * 5)


def test_c5_what_is_injected_at_any_price_vanishes_below_the_grid() -> None:
    bids: list[Bid] = [[(-2, 0.2), (1, 0.1)]]

    assert names(bids, Grid(1.0, 0.3, samples=5)) == ["C5"]
    assert quantities(bids, Grid(1.0, 0.3, samples=5)) == ([0] * 5, [-2] * 5)


def test_c5_prices_below_zero_are_cut_off_on_a_grid_that_goes_below_zero_too() -> None:
    bids: list[Bid] = [[(0, 0.3), (4, -0.1)]]
    found, exact = quantities(bids, Grid(0.5, -0.5, samples=6))

    assert "C5" in names(bids, Grid(0.5, -0.5, samples=6))
    assert (found[-1], exact[-1]) == (pytest.approx(3), pytest.approx(4))


def test_c6_a_band_of_no_width_loses_all_demand() -> None:
    bids: list[Bid] = [[(2, 0.5), (2, 0.1)]]

    assert names(bids, Grid(0.3, 0.3, samples=5)) == ["C6"]
    assert quantities(bids, Grid(0.3, 0.3, samples=5)) == ([0] * 5, [2] * 5)


def test_c7_a_jump_shows_at_the_next_sample() -> None:
    bids: list[Bid] = [[(1, 0.55), (3, 0.55)]]
    found, exact = quantities(bids, Grid(1.0, samples=11))
    curve = aggregate(*stack_bids(bids))

    assert names(bids, Grid(1.0, samples=11)) == ["C7"]
    # The jump lies between the prices 0.6 and 0.5; by the grid, 0.55 is at 0.45 * 11 = 4.95, that is at 0.6.
    assert found == [1] * 4 + [3] * 7
    assert exact == [1] * 5 + [3] * 6
    assert curve.quantity_range_at(0.55) == (1, 3)
    assert curve.quantity_at(0.55 + 1e-9) == 1
    assert curve.quantity_at(0.55 - 1e-9) == 3


prices = st.sampled_from([-0.1, 0.0, 0.1, 0.3, 0.4, 0.5, 1.0, 1.2]) | st.floats(-0.1, 1.2).map(lambda p: round(p, 3))
kilowatts = st.integers(-3, 3).map(float) | st.floats(-3, 3).map(lambda kw: round(kw, 3))
bands = st.sampled_from([(1.0, 0.0), (0.5, 0.1), (0.148, 0.0), (0.7, -0.2), (0.3, 0.3), (0.9, 0.31)])


@st.composite
def bids(draw: st.DrawFn) -> Bid:
    size = draw(st.integers(2, 4))
    price = sorted(draw(st.lists(prices, min_size=size, max_size=size)), reverse=True)
    fixed = st.lists(kilowatts, min_size=1, max_size=1).map(lambda row: row * size)
    quantity = sorted(draw(st.lists(kilowatts, min_size=size, max_size=size) | fixed))
    return list(zip(quantity, price, strict=True))


@given(st.lists(bids(), max_size=5), bands)
def test_a_bid_that_no_difference_affects_is_the_same_on_the_grid(market: list[Bid], band: tuple[float, float]) -> None:
    grid = Grid(*band, samples=10)
    affected = {number for numbers in differences(market, grid).values() for number in numbers}
    found, exact = quantities([bid for number, bid in enumerate(market) if number not in affected], grid)

    assert found == pytest.approx(exact, abs=1e-9)


@given(st.lists(bids(), min_size=1, max_size=5))
def test_bids_are_summed_in_any_order_but_for_rounding(market: list[Bid]) -> None:
    grid = Grid(1.0, 0.0, 20)

    assert quantities(market[::-1], grid)[0] == pytest.approx(quantities(market, grid)[0], abs=1e-12)


@given(st.lists(bids(), min_size=1, max_size=5), st.integers(0, 5).map(float))
def test_a_demand_that_crosses_is_cleared_within_two_steps_of_price(market: list[Bid], fixed_kw: float) -> None:
    grid, upright = Grid(1.0, samples=100), [(fixed_kw, 1.0), (fixed_kw, 0.0)]
    affected = differences(market, grid)
    inside = [
        bid
        for number, bid in enumerate(market)
        if not any(number in affected[name] for name in ("C2", "C3", "C4", "C5", "C6"))
    ]
    found = clear_on_grid(
        sample_bids([*inside, upright], highest_per_kwh=1.0),
        supply_of([(-20, 0.0), (20, 1.0)], 100),
        price_cap=1.0,
    )
    exact = clear(
        aggregate(*stack_bids([*inside, upright])),
        SupplyCurve.from_points((-20, 20), (0.0, 1.0)),
        price_cap=1.0,
    )

    if found.price_per_kwh:
        assert found.clearing_type is GridClearingType.UNCONGESTED
        assert found.price_per_kwh == pytest.approx(exact.price_per_kwh, abs=2 / 99)


def test_the_limit_holds_nothing_back_on_the_grid() -> None:
    case = read("congested")
    exact = clear(
        aggregate(*stack_bids(case["bids"])),
        SupplyCurve.from_points(*np.array(case["supply"]).T),
        price_cap=case["price_cap"],
        limit_kw=case["limit_kw"],
    )

    assert on_grid(case).quantity_kw > 4 * case["limit_kw"]
    assert exact.quantity_kw == case["limit_kw"]
    assert exact.price_per_kwh > on_grid(case).price_per_kwh


def test_a_bid_of_one_point_is_refused() -> None:
    with pytest.raises(ValueError, match="bid 1 has one point"):
        sample_bids([[(1, 0.2), (1, 0.1)], [(1, 0.2)]], highest_per_kwh=1.0)
