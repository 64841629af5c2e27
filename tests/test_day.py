"""The built-in day as a whole: limits kept, energy and money balanced, the same bytes every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridbus.kernel import HOUR, Result, Scenario, run
from gridbus.kernel.plugins import scenario_text

LIMIT_KW = 460.0
GOLDEN = Path(__file__).parent / "golden" / "feeder-day.json"
"""Figures of the day, reviewed when they change; digests differ between processors in the last digit of a sine."""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run("feeder-day", out=tmp_path_factory.mktemp("runs") / "day")


def table(result: Result, name: str) -> pd.DataFrame:
    assert result.path is not None
    return pd.read_parquet(result.path / name)


def hours(frame: pd.DataFrame) -> pd.Series:
    return frame.duration / pd.Timedelta(hours=1)


def test_the_served_load_keeps_to_the_limit_that_binds(day: Result) -> None:
    feeder = table(day, "feeder_read")
    power_kw = feeder.substation_kwh / hours(feeder)
    assert power_kw.max() <= LIMIT_KW + 1e-6
    at_limit = feeder[power_kw > 0.95 * LIMIT_KW].start.dt.tz_convert("America/New_York").dt.hour
    assert len(at_limit) >= 6
    assert set(at_limit) <= {14, 15, 16, 19, 20}
    assert feeder.highest_loading.max() <= 1.0 + 1e-9


def test_the_market_prices_the_limit(day: Result) -> None:
    results = table(day, "clearing_result")
    bound = results[results.binding.map(len) > 0]
    assert len(bound) >= 6
    assert (bound.price_per_kwh >= bound.supply_price_per_kwh - 1e-12).all()
    assert (bound.price_per_kwh / bound.supply_price_per_kwh).max() > 1.1
    free = results[results.binding.map(len) == 0]
    np.testing.assert_allclose(free.price_per_kwh, free.supply_price_per_kwh, rtol=0, atol=1e-12)


def test_energy_balances_in_every_interval(day: Result) -> None:
    feeder = table(day, "feeder_read").set_index("start")
    np.testing.assert_allclose(feeder.substation_kwh, feeder.metered_kwh + feeder.losses_kwh, atol=1e-9)
    assert (feeder.losses_kwh > 0).all()
    meters = table(day, "meter_read").groupby("start").energy_kwh.sum()
    np.testing.assert_allclose(meters, feeder.metered_kwh.reindex(meters.index), atol=1e-9)
    entities = table(day, "entity_energy").groupby("start")[["metered_kwh", "losses_kwh"]].sum()
    np.testing.assert_allclose(entities, feeder[["metered_kwh", "losses_kwh"]].reindex(entities.index), atol=1e-9)


def test_meters_are_the_sum_of_what_devices_draw(day: Result) -> None:
    power = table(day, "device_power").sort_values(["device", "start", "revision"])
    last = power.drop_duplicates(["device", "start"], keep="last")
    drawn = (last.power_kw * hours(last)).groupby([last.usage_point, last.start]).sum()
    read = table(day, "meter_read").set_index(["usage_point", "start"]).energy_kwh
    np.testing.assert_allclose(drawn.sort_index(), read.sort_index(), atol=1e-9)


def test_money_balances_over_all_parties(day: Result) -> None:
    statements = table(day, "account_statement")
    assert statements.balance.sum() == Decimal(0)
    assert statements.received.sum() == statements.paid.sum()
    assert len(statements) == 200 + 5
    assert table(day, "payment").amount.map(lambda amount: amount == amount.quantize(Decimal("0.01"))).all()
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for payment in table(day, "payment").itertuples():
        expected[f"{payment.payee_role}.{payment.payee}"] += payment.amount
        expected[payment.sender] -= payment.amount
    stated = {row.sender: row.balance for row in statements.itertuples()}
    assert {name: balance for name, balance in stated.items() if balance} == {k: v for k, v in expected.items() if v}


def test_bills_follow_from_meters_positions_and_prices(day: Result) -> None:
    bills = table(day, "bill").set_index("usage_point").total.astype(float)
    reads = table(day, "meter_read")
    days = day.scenario.stop / (24 * HOUR)
    flat = reads[reads.lse == "simple"].groupby("usage_point").energy_kwh.sum() * 0.13 + days * 0.4
    np.testing.assert_allclose(bills[flat.index], flat, atol=0.011)
    green = transactive_bills(day) + days * 0.4
    np.testing.assert_allclose(bills[green.index], green, atol=0.016)


def transactive_bills(day: Result) -> pd.Series:
    """Two settlements from the recorded tables alone, with pandas."""
    reads = table(day, "meter_read").query("lse == 'green'").copy()
    columns = ["usage_points", "power_kw", "price_per_kwh"]
    positions = table(day, "positions").explode(columns).astype({"power_kw": float, "price_per_kwh": float})
    ahead = positions[positions["product"] == "day-ahead"].set_index(["usage_points", "slot_start"])
    bill = (ahead.power_kw * ahead.price_per_kwh).groupby("usage_points").sum()
    reads["hour"] = reads.start.dt.floor("h")
    held = ahead.power_kw.reindex(pd.MultiIndex.from_frame(reads[["usage_point", "hour"]])).fillna(0.0).to_numpy()
    results = table(day, "clearing_result").query("product == 'real-time'").set_index("slot_start").price_per_kwh
    price = results.reindex(reads.start).bfill().to_numpy()
    reads["amount"] = (reads.energy_kwh - held / 12.0) * price
    return bill.add(reads.groupby("usage_point").amount.sum(), fill_value=0.0)


def test_every_order_is_answered_and_gets_one_award(day: Result) -> None:
    keys = ["product", "resource", "clearing"]
    orders, awards, answers = table(day, "order"), table(day, "award"), table(day, "order_response")
    assert len(orders) == len(awards) == len(answers) > 40_000
    assert set(answers.status) == {"acknowledged"}
    assert set(orders[keys].itertuples(index=False)) == set(awards[keys].itertuples(index=False))
    slots = awards.explode(["quantity_kw", "reason"])
    assert (slots[slots.quantity_kw == 0.0].reason != "").all()


def test_every_market_instance_goes_through_its_states_and_is_settled(day: Result) -> None:
    changes = table(day, "market_state_change")
    assert day.scenario.stop == 26 * HOUR
    # Settled within an hour of its delivery: all but the last twelve slots of five minutes.
    expired = changes[(changes["product"] == "real-time") & (changes.state == "expired")]
    assert len(expired) == 311 - 12
    statements = table(day, "settlement_statement")
    by_type = statements.groupby(["clearing", "type"]).size().unstack()
    assert len(by_type) == 311
    assert (by_type[["initial", "final"]] == 1).all(axis=None)


def test_the_retailer_owes_the_market_what_its_customers_pay_beyond_the_supply(day: Result) -> None:
    # The bills of the customers, less the same energy at the supply's price, by the records of both.
    statements = table(day, "settlement_statement").query("type == 'initial'")
    lines = statements.explode(["lines.kind", "lines.quantity_kwh"])
    energy = lines[lines["lines.kind"].isin(["day-ahead energy", "real-time energy", "imbalance"])]
    reads = table(day, "meter_read").query("lse == 'green'")
    first = table(day, "clearing_result").query("product == 'real-time'").slot_start.min()
    settled = reads[reads.start >= first].energy_kwh.sum()
    np.testing.assert_allclose(energy["lines.quantity_kwh"].sum(), settled, atol=1e-6)


def test_nobody_hears_what_is_not_meant_for_him(day: Result) -> None:
    reads = table(day, "meter_read").drop_duplicates(["lse", "usage_point"])
    assigned = table(day, "assignment").set_index("usage_point").lse
    assert (assigned[reads.usage_point].to_numpy() == reads.lse.to_numpy()).all()


def test_cooling_follows_the_heat_of_the_day(day: Result) -> None:
    power = table(day, "device_power")
    cooling = power[power.device.str.endswith("-hvac")].groupby("start").power_kw.sum()
    local = cooling.index.tz_convert("America/New_York")
    assert (
        cooling[(local.hour >= 14) & (local.hour < 17)].mean()
        > 2 * cooling[(local.hour >= 4) & (local.hour < 7)].mean()
    )


def test_the_figures_of_the_day_are_the_reviewed_ones(day: Result) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    found = figures(day)
    assert found.keys() == golden.keys()
    for name, expected in golden.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-6, atol=0.02, err_msg=name)


def figures(day: Result) -> dict[str, list[float]]:
    """Hourly energy and prices, bills and balances; write them to the golden file to review a change."""
    feeder, results = table(day, "feeder_read"), table(day, "clearing_result")
    bills, statements = table(day, "bill"), table(day, "account_statement")
    by_product = {
        f"{product} price_per_kwh": rows.groupby(rows.slot_start.dt.floor("h")).price_per_kwh.mean()
        for product, rows in results.groupby("product")
    }
    entities = statements[~statements.sender.str.startswith("agent.")].sort_values("sender")
    series = {
        "substation_kwh": feeder.groupby(feeder.start.dt.floor("h")).substation_kwh.sum(),
        **by_product,
        "bills": bills.groupby("lse").total.sum().astype(float),
        "balances": entities.balance.astype(float),
    }
    return {name: [round(value, 9) for value in values] for name, values in series.items()}


# The same bytes


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hours in which the limit binds: the market clears again, and the DO curtails."""
    text = scenario_text("feeder-day")
    for before, after in (
        ("start = 2025-07-20T22:00:00-04:00", "start = 2025-07-21T17:00:00-04:00"),
        ("stop = 2025-07-22T00:00:00-04:00", "stop = 2025-07-21T19:30:00-04:00"),
    ):
        assert before in text
        text = text.replace(before, after)
    path = tmp_path_factory.mktemp("scenario") / "evening.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def recorded(evening: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the evening, recorded, in this process."""
    result = run(evening, out=tmp_path_factory.mktemp("runs") / "evening")
    assert "device_limit" in result.tables()
    assert result.table("clearing_result")["attempts"].to_numpy().max() > 1
    return result.digest


def digest_of(evening: Path, *options: str, hash_seed: str = "0", python: tuple[str, ...] = ()) -> str:
    command = [sys.executable, *python, "-m", "gridbus.kernel.cli", "run", str(evening), "--json", "--no-records"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=True)
    digest: str = json.loads(done.stdout)["digest"]
    return digest


@pytest.mark.parametrize(
    ("options", "hash_seed", "python"),
    [
        ((), "1", ()),
        ((), "2", ("-O",)),
        (("--speed", "1000000"), "0", ()),
        (("--helics",), "0", ()),
    ],
    ids=["another hash seed", "python -O", "wall time", "behind HELICS"],
)
def test_the_digest_is_the_same(
    evening: Path, recorded: str, options: tuple[str, ...], hash_seed: str, python: tuple[str, ...]
) -> None:
    assert digest_of(evening, *options, hash_seed=hash_seed, python=python) == recorded


def test_another_seed_gives_another_digest() -> None:
    short = Scenario.load("feeder-day").evolve(until=HOUR)
    digests = {run(short, records=False, seed=seed).digest for seed in (1, 1, 2)}
    assert len(digests) == 2


def test_energy_and_money_agree_when_a_run_ends_within_a_slot(tmp_path: Path) -> None:
    short = run("feeder-day", out=tmp_path / "short", until=int(2.5 * HOUR))
    bills, reads = table(short, "bill"), table(short, "meter_read")
    billed = [line for row in bills[bills.lse == "green"]["lines.quantity"] for line in row[:2]]
    np.testing.assert_allclose(sum(billed), reads[reads.lse == "green"].energy_kwh.sum(), atol=1e-6)
