"""The clearing's benchmark on a handful of bids: it names what it measures, and refuses to measure nothing."""

from math import isnan
from statistics import median
from typing import Any

import attrs
import pytest

from gridbus.bench import clearing, tesp_peer
from gridbus.bench.clearing import Problem
from gridbus.kernel import InternalError
from gridbus.roles.auction.grid_parity import GridCurve, Points, clear_on_grid, sample_bids

OURS = ["day_ahead_s", "real_time_ms", "real_time_awards_ms", "largest_error_kw"]
THEIRS = ["tesp_day_ahead_s", "tesp_real_time_ms", "day_ahead_ratio", "real_time_ratio"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"_BIDS": 300, "_HOURS": 4, "_REPEATS": 2, "_REAL_TIME_REPEATS": 2, "_TESP_REPEATS": 1}
    for name, number in sizes.items():
        monkeypatch.setattr(clearing, name, number)


class Stand:
    """In place of TESP: its arithmetic as we have it, with an error in the price."""

    def __init__(self, error: float, **settings: Any) -> None:
        self.error, self.price_cap = error, settings["price_cap"]

    def clear_real_time(self, bids: list[Points], supply: GridCurve) -> tuple[float, float]:
        demand = sample_bids(bids, highest_per_kwh=self.price_cap)
        result = clear_on_grid(demand, supply, price_cap=self.price_cap)
        return result.price_per_kwh + self.error, result.quantity_kw

    def clear_day_ahead(self, bids: list[list[Points]], supply: GridCurve) -> list[tuple[float, float]]:
        return [self.clear_real_time(list(hour), supply) for hour in zip(*bids, strict=True)]


def test_without_tesp_its_rows_say_that_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesp_peer, "find_spec", lambda name: None)
    measured = clearing.measure()

    assert [entry["name"] for entry in measured] == [*OURS, *THEIRS]
    assert all(entry["value"] > 0 for entry in measured[:3])
    assert all(isnan(entry["value"]) and "not installed" in entry["unit"] for entry in measured[4:])


def test_what_tesp_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(name: str) -> None:
        raise ModuleNotFoundError("No module named 'pulp'")

    monkeypatch.setattr(tesp_peer, "find_spec", lambda name: name)
    monkeypatch.setattr(tesp_peer, "import_module", lacks)

    assert tesp_peer.missing() == "tesp-support cannot be imported: No module named 'pulp'"
    monkeypatch.setattr(tesp_peer, "import_module", lambda name: name)
    assert tesp_peer.missing() == ""


def test_with_tesp_the_ratios_are_theirs_to_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesp_peer, "missing", lambda: "")
    monkeypatch.setattr(tesp_peer, "TespMarket", lambda **settings: Stand(0.0, **settings))
    measured = {entry["name"]: entry for entry in clearing.measure()}

    assert [*measured] == [*OURS, *THEIRS]
    assert all(entry["value"] > 0 for name, entry in measured.items() if name != "largest_error_kw")
    assert [measured[name]["unit"] for name in THEIRS] == ["s", "ms", "1", "1"]
    assert measured["day_ahead_ratio"]["value"] > 1


@pytest.mark.parametrize("error", [1e-9, -0.1])
def test_a_peer_with_another_price_gives_no_figure(monkeypatch: pytest.MonkeyPatch, error: float) -> None:
    monkeypatch.setattr(tesp_peer, "missing", lambda: "")
    monkeypatch.setattr(tesp_peer, "TespMarket", lambda **settings: Stand(error, **settings))

    with pytest.raises(InternalError, match="did not do its work"):
        clearing.measure()


def test_a_price_or_a_curve_that_is_wrong_gives_no_figure() -> None:
    problem = Problem.make(50, 2)
    _, curves, cleared = problem.day_ahead()
    problem.check(curves, cleared)

    for wrong in (1e-6, -1e-6):
        with pytest.raises(InternalError):
            problem.check(curves, [(price + wrong, quantity_kw) for price, quantity_kw in cleared])
        with pytest.raises(InternalError):
            problem.check(tuple(curve.shifted(wrong) for curve in curves), cleared)
    with pytest.raises(InternalError):
        problem.check(curves[:1], cleared)


def test_a_clearing_that_awards_something_else_gives_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.make(50, 1)
    monkeypatch.setattr(clearing, "clear", lambda *a, **k: attrs.evolve(clear_exactly(*a, **k), quantity_kw=1.0))

    with pytest.raises(InternalError):
        problem.real_time()


clear_exactly = clearing.clear


def test_the_figure_is_the_median_of_cpu_times(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0, 10.0, 11.0, 20.0, 22.0])
    monkeypatch.setattr(clearing, "process_time", lambda: next(clock))

    assert clearing.timed(lambda: "done", 3) == (median([5.0, 1.0, 2.0]), "done")
