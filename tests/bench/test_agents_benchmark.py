"""The agents' benchmark on a handful of homes: it names what it measures, and refuses to measure nothing."""

import pstats
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from math import isnan
from pathlib import Path
from typing import Any, cast

import attrs
import numpy as np
import orjson
import pytest

import gridbus.agents.trading
from gridbus.agents.messages import PlanFallback
from gridbus.bench import agents, agents_day, agents_phases, agents_planning, agents_tally, tesp_agents
from gridbus.bench.agents_phases import OTHER, PHASES, by_phase, phase_of
from gridbus.bench.agents_scenario import count_devices, population, scenario
from gridbus.bench.agents_tally import Tally
from gridbus.bench.tesp_twins import Twin
from gridbus.kernel import HOUR, MINUTE, Envelope, InternalError
from gridbus.roles.interfaces import (
    DAY_AHEAD,
    REAL_TIME,
    Award,
    AwardStatus,
    DevicePower,
    FeederRead,
    MarketCall,
    MeterRead,
    Order,
    Registration,
)

HOMES = 9
KINDS = ["hvac", "water_heater", "battery", "electric_vehicle"]
DAY = ["trading_devices", "cpu_s", "agent_steps_per_s", "messages", "peak_rss_mb", "optimal_share"]
Change = Callable[[Any], list[Any]]


@pytest.fixture(scope="module", autouse=True)
def few() -> Iterator[None]:
    """Of a few homes, many may want what cannot be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents_tally, "_LEAST_OPTIMAL", 0.0)
        yield


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"_HOMES": HOMES, "_MANY_HOMES": 2 * HOMES, "_LEAD_H": 0.5, "_SPAN_H": 0.5, "_MANY_SPAN_H": 0.5}
    for name, number in {**sizes, "_PHASES_H": 0.5, "_REPEATS": 1}.items():
        monkeypatch.setattr(agents, name, number)
    monkeypatch.setattr(agents_planning, "COUNTS", (5, 10))
    monkeypatch.setattr(agents_planning, "_REPEATS", 1)
    monkeypatch.setattr(agents, "simulate_apart", agents_day.simulate)
    monkeypatch.setattr(agents, "shares_apart", agents_phases.shares)


@pytest.fixture(scope="module")
def outbox() -> list[Envelope[Any]]:
    """All messages of an hour of a few homes."""
    seen: list[Envelope[Any]] = []

    class Recorder(Tally):
        def observe(self, outbox: list[Envelope[Any]]) -> None:
            seen.extend(outbox)
            super().observe(outbox)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents_day, "Tally", Recorder)
        agents_day.simulate(HOMES, 0.5, 0.5)
    return seen


# The day


@pytest.mark.usefixtures("small")
def test_every_measurement_has_a_name_a_positive_value_and_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesp_agents, "find_spec", lambda name: None)
    measured = agents.measure(repeats=2)

    assert [entry["name"] for entry in measured] == [
        *(f"day_{homes}_{name}" for homes in (HOMES, 2 * HOMES) for name in DAY),
        "bytes_per_agent",
        *(f"share_{phase.replace(' ', '_')}" for phase in (*PHASES, OTHER)),
        *(f"plan_{kind}_{count}_ms" for kind in KINDS for count in (5, 10)),
        *(name for kind in KINDS for name in theirs(kind)),
    ]
    ours = [entry for entry in measured if "not installed" not in entry["unit"]]
    assert len(measured) - len(ours) == 4 * len(KINDS)
    # In one process the greatest resident set does not grow with each run, and a short profile may miss a part.
    assert all(entry["value"] > 0 for entry in ours if not entry["name"].startswith(("bytes", "share")))
    assert sum(entry["value"] for entry in ours if entry["name"].startswith("share")) == pytest.approx(1.0, abs=1e-3)
    assert all(isnan(entry["value"]) for entry in measured if entry not in ours)
    assert "scaled from 1 h" in next(entry["unit"] for entry in measured if entry["name"] == f"day_{HOMES}_cpu_s")


def theirs(kind: str) -> list[str]:
    return [f"tesp_{kind}_ms", f"{kind}_same_devices_ms", f"{kind}_ratio", f"{kind}_difference_kw"]


def test_a_whole_day_is_measured_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def simulate(homes: int, lead_h: float, span_h: float) -> agents_day.Day:
        asked.append((homes, lead_h + span_h))
        return agents_day.Day(homes, 3 * homes, 2 * homes, 7.0, 1.0, 1.0, 1e6 * homes, 1.0)

    monkeypatch.setattr(agents, "simulate_apart", simulate)
    monkeypatch.setattr(agents, "shares_apart", lambda *_: {})
    monkeypatch.setattr(agents, "_plans", list)
    measured = {entry["name"]: entry for entry in agents.measure(full=True, repeats=2)}

    assert asked == [(1_500, 24.0), (1_500, 24.0), (10_000, 24.0)]
    assert measured["day_1500_cpu_s"]["unit"] == "s"
    assert measured["bytes_per_agent"]["value"] == round(1e6 / 3)


def test_about_five_devices_in_three_homes_take_part() -> None:
    devices, trading = count_devices(population(1_500))

    assert 2_400 <= trading <= 2_600
    assert devices > trading + 1_500


def test_what_is_left_of_the_day_costs_what_the_span_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 14.0])
    monkeypatch.setattr(agents_day, "process_time", lambda: next(clock))
    day = agents_day.simulate(2, 0.5, 0.5)

    assert day.cpu_s == pytest.approx(14.0 + (24 - 1.0) / 0.5 * 4.0)
    assert day.steps_per_s == pytest.approx(day.agents * 6 / 4.0)


def test_no_horizon_is_cut_short_by_the_end_of_the_run(outbox: list[Envelope[Any]]) -> None:
    calls = [each.message for each in outbox if isinstance(each.message, MarketCall)]
    orders = [each.message for each in outbox if isinstance(each.message, Order)]

    slots = {(call.product, call.clearing): call.slots for call in calls}
    assert {(product, count) for (product, _), count in slots.items()} == {(DAY_AHEAD, 48), (REAL_TIME, 1)}
    assert all(len(order.quantity_kw) == slots[order.product, order.clearing] for order in orders)
    assert scenario(HOMES).stop == 72 * HOUR


def test_a_process_of_its_own_gives_the_same_day() -> None:
    here, apart = agents_day.simulate(40, 0.5, 0.5), agents_day.simulate_apart(40, 0.5, 0.5)

    same = ("homes", "agents", "trading", "messages", "optimal_share")
    assert [getattr(apart, name) for name in same] == [getattr(here, name) for name in same]
    assert apart.cpu_s > 0
    assert apart.peak_bytes > 1e7


def test_a_process_that_fails_gives_no_figure() -> None:
    with pytest.raises(InternalError, match=r"agents_day failed in a process of its own: .*Error"):
        agents_day.simulate_apart(0, 0.25, 0.25)


# Whether the work was done


def replay(outbox: list[Envelope[Any]], change: Change, of: type) -> None:
    """Check a run in which the fifth message of a class was another, or several, or none."""
    tally, seen = Tally(), 0
    for envelope in outbox:
        seen += isinstance(envelope.message, of)
        is_it = isinstance(envelope.message, of) and seen == 5
        messages = change(envelope.message) if is_it else [envelope.message]
        tally.observe([Envelope(message, envelope.sender, 0, envelope.instant, 0) for message in messages])
    devices, trading = count_devices(population(HOMES))
    tally.check(devices=devices, trading=trading, stop=HOUR)


def altered(**changes: Any) -> Change:
    return lambda message: [attrs.evolve(message, **changes)]


def test_a_run_in_which_all_was_done_gives_figures(outbox: list[Envelope[Any]]) -> None:
    replay(outbox, lambda message: [message], Order)


@pytest.mark.parametrize(
    ("of", "change", "complaint"),
    [
        (Order, lambda order: [], "have bid"),
        (Order, lambda order: [order, order], "bid twice"),
        (Award, lambda award: [], "1 have no award"),
        (Award, lambda award: [award, award], "an award of nothing"),
        (Award, altered(status=(AwardStatus.SUSPENDED,)), "an award of nothing"),
        (Registration, lambda registration: [], "registered"),
        (DevicePower, lambda power: [], "intervals of devices"),
        (DevicePower, altered(power_kw=9.0), "does not balance"),
        (MeterRead, lambda read: [], "does not balance"),
        (FeederRead, lambda read: [], "reads of the feeder"),
        (FeederRead, lambda read: [attrs.evolve(read, substation_kwh=read.substation_kwh + 1e-6)], "does not balance"),
        (
            FeederRead,
            lambda read: [attrs.evolve(read, losses_kwh=0.0, substation_kwh=read.metered_kwh)],
            "does not balance",
        ),
        (
            Order,
            lambda order: [order, *[PlanFallback("h1", DAY_AHEAD, 0, "softened")] * 20],
            "of the plans are optimal",
        ),
        (Order, lambda order: [order, PlanFallback("h1", DAY_AHEAD, 0, "not converged")], "have not converged"),
    ],
)
def test_a_run_in_which_something_is_missing_gives_no_figure(
    outbox: list[Envelope[Any]], of: type, change: Change, complaint: str
) -> None:
    with pytest.raises(InternalError, match=f"did not do its work.*{complaint}"):
        replay(outbox, change, of)


def test_a_run_that_ends_too_early_gives_no_figure(outbox: list[Envelope[Any]]) -> None:
    with pytest.raises(InternalError, match=r"intervals of devices.*reads of the feeder.*clearings of real-time"):
        replay([each for each in outbox if each.instant < 30 * MINUTE], lambda message: [message], Order)


def test_devices_that_do_not_bid_give_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gridbus.agents.trading.Trader, "_answer", lambda *_: None)

    with pytest.raises(InternalError, match="have bid"):
        agents_day.simulate(2, 0.5, 0.5)


# Phases


def function(path: str, name: str = "f") -> agents_phases.Function:
    return path, 1, name


PHYSICS = function("/x/gridbus/agents/models/houses.py")
MARKET = function("/x/gridbus/roles/mo/operator.py")
BENCH = function("/x/gridbus/bench/agents_tally.py")
LIBRARY, BUILTIN, LOST = function("/x/numpy/core.py"), function("~", "sum"), function("/x/asyncio/base.py")


def profile(**calls: Any) -> pstats.Stats:
    stats = pstats.Stats()
    cast("Any", stats).stats = calls["calls"]
    return stats


def test_what_libraries_do_counts_for_who_has_called_them() -> None:
    calls = {
        PHYSICS: (1, 1, 1.0, 9.0, {}),
        MARKET: (1, 1, 2.0, 5.0, {PHYSICS: (1, 1, 2.0, 5.0)}),
        BENCH: (1, 1, 50.0, 50.0, {}),
        # Called from both, three times as long from the market; it calls a built-in function, and itself.
        LIBRARY: (4, 2, 4.0, 8.0, {PHYSICS: (1, 1, 1.0, 2.0), MARKET: (1, 1, 3.0, 6.0), LIBRARY: (2, 2, 0.0, 0.0)}),
        BUILTIN: (6, 6, 5.0, 5.0, {LIBRARY: (4, 4, 4.0, 4.0), BENCH: (2, 2, 1.0, 1.0)}),
        LOST: (1, 1, 2.0, 2.0, {}),
    }
    shares = by_phase(profile(calls=calls))

    # 1 + 1 + a quarter of 4; 2 + 3 + three quarters of 4; the benchmark's own is left out.
    total = 3.0 + 8.0 + 2.0
    assert {phase: share for phase, share in shares.items() if share} == {
        "physics": pytest.approx(3.0 / total),
        "market operator": pytest.approx(8.0 / total),
        OTHER: pytest.approx(2.0 / total),
    }
    assert sum(shares.values()) == pytest.approx(1.0)


def test_functions_of_libraries_that_call_each_other_come_to_an_end() -> None:
    one, two = function("/x/json/a.py"), function("/x/json/b.py")
    calls = {
        PHYSICS: (1, 1, 1.0, 3.0, {}),
        one: (2, 2, 1.0, 2.0, {two: (1, 1, 0.5, 1.0), PHYSICS: (1, 1, 0.5, 2.0)}),
        two: (1, 1, 1.0, 1.0, {one: (1, 1, 1.0, 1.0)}),
    }
    assert by_phase(profile(calls=calls))["physics"] > 0.5


@pytest.mark.parametrize(
    ("path", "phase"),
    [
        ("/x/gridbus/agents/models/houses.py", "physics"),
        ("C:\\x\\gridbus\\agents\\planning\\solver.py", "planning"),
        ("/x/gridbus/agents/fleet.py", "agents"),
        ("/gridbus/y/gridbus/kernel/bus.py", "bus and kernel"),
        ("<attrs generated methods gridbus.roles.interfaces.participation.Order>", "messages"),
        ("/x/gridbus/agents/models/elementwise.py", None),
        ("/x/numpy/kernel/bus.py", None),
        ("~", None),
    ],
)
def test_a_function_belongs_to_the_phase_of_its_file(path: str, phase: str | None) -> None:
    assert phase_of(function(path)) == phase


def modules() -> Iterator[Path]:
    root = Path(agents.__file__).parent.parent
    for folder in ("agents", "roles", "kernel"):
        yield from (path.relative_to(root) for path in (root / folder).rglob("*.py"))


def test_every_module_belongs_to_a_phase() -> None:
    shared = set(agents_phases.LIBRARY)
    without = {path.as_posix() for path in modules() if phase_of(function(f"/x/gridbus/{path.as_posix()}")) is None}

    assert without == shared


def test_a_profile_finds_the_phases_of_a_run() -> None:
    shares = agents_phases.shares(3, 0.5, 0.5)

    assert all(shares[phase] > 0.0 for phase in ("physics", "planning", "agents", "market operator", "bus and kernel"))
    assert shares[OTHER] < 0.2


# Plans


def test_plans_that_are_not_optima_give_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents_planning, "_REPEATS", 1)
    monkeypatch.setattr(agents_planning, "_LEAST_OPTIMAL", 1.01)

    with pytest.raises(InternalError):
        agents_planning.plan_ms("battery", 3)


class StandIn:
    """In place of TESP's agent: our plan with an error, or none."""

    def __init__(self, quantity_kw: Any, error_kw: float | None) -> None:
        self.quantity_kw, self.error_kw = quantity_kw, error_kw

    def DA_optimal_quantities(self) -> tuple[list[float], dict[str, bool]]:  # noqa: N802 - TESP's name
        quantity_kw = self.quantity_kw + (self.error_kw or 0.0)
        return quantity_kw.tolist(), {"success": self.error_kw is not None}


def stand_ins(monkeypatch: pytest.MonkeyPatch, errors_kw: list[float | None]) -> None:
    monkeypatch.setattr(agents_planning, "_REPEATS", 1)
    battery = {"capacity_kwh": 13.5, "rated_kw": 5.0, "charge_efficiency": 0.95, "discharge_efficiency": 0.95}
    device = {
        "batteries": {**battery, "reserve_kwh": 2.7, "wear_per_kwh": 0.02},
        "preferences": {"slider": 0.5, "margin_percent": 10.0},
        "inputs": {"price_per_kwh": agents_planning._prices().tolist(), "start_kwh": 6.0},
    }
    _, plan = agents_planning._planned_here("battery", [Twin(None, device)])
    made = [Twin(StandIn(plan.quantity_kw[0], error), device) for error in errors_kw]
    monkeypatch.setattr(tesp_agents, "missing", lambda: "")
    monkeypatch.setattr(tesp_agents, "twins", lambda kind, count: made)


def test_with_tesp_the_ratio_is_its_time_to_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_ins(monkeypatch, [0.0, None, 5e-4])
    measured = {entry["name"]: entry for entry in agents._beside_tesp("battery")}

    assert [*measured] == theirs("battery")
    ratio = measured["tesp_battery_ms"]["value"] / measured["battery_same_devices_ms"]["value"]
    assert measured["battery_ratio"]["value"] == pytest.approx(ratio, rel=1e-2)
    assert measured["battery_difference_kw"]["value"] == pytest.approx(5e-4)
    assert "2 of 3" in measured["tesp_battery_ms"]["unit"]


@pytest.mark.parametrize("errors_kw", [[0.0, 2e-3], [None, None]])
def test_other_plans_than_tesp_s_or_none_give_no_figure(
    monkeypatch: pytest.MonkeyPatch, errors_kw: list[float | None]
) -> None:
    stand_ins(monkeypatch, errors_kw)

    with pytest.raises(InternalError):
        agents_planning.compare("battery")


def test_what_tesp_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(name: str) -> None:
        raise ModuleNotFoundError("No module named 'pulp'")

    monkeypatch.setattr(tesp_agents, "find_spec", lambda name: None if name == "highspy" else name)
    assert tesp_agents.missing() == "highspy is not installed"
    monkeypatch.setattr(tesp_agents, "find_spec", lambda name: name)
    monkeypatch.setattr(tesp_agents, "module", lacks)
    assert tesp_agents.missing() == "tesp-support cannot be imported: No module named 'pulp'"
    monkeypatch.setattr(tesp_agents, "module", lambda name: name)
    assert tesp_agents.missing() == ""


@pytest.mark.skipif(find_spec("tesp_support") is None, reason="tesp-support is not installed")
@pytest.mark.parametrize("kind", KINDS)
def test_tesp_s_own_agents_plan_as_ours_do(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(agents_planning, "_TESP_DEVICES", 6)
    monkeypatch.setattr(agents_planning, "_REPEATS", 1)

    assert agents_planning.compare(kind).solved > 0


# The command line


def test_the_command_line_prints_an_object_a_line(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "argv", ["agents", "--full", "--repeats", "5"])
    monkeypatch.setattr(agents, "measure", lambda **options: [options, {"name": "x", "value": np.nan, "unit": "1"}])
    agents.main()

    lines = [orjson.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert lines == [{"full": True, "repeats": 5}, {"name": "x", "value": None, "unit": "1"}]
