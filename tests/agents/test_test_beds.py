"""The test beds: bids of one device as text and picture, and homes in a market without network or HELICS."""

import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from gridbus.agents.bidding import Strategy
from gridbus.agents.test_bed import BidCurves, bid_curves, market_of
from gridbus.agents.test_bed.curves import KINDS, default_customer
from gridbus.agents.test_bed.days import ClearDay
from gridbus.agents.test_bed.played import Supply
from gridbus.kernel import HOUR, MINUTE, Port
from gridbus.kernel.cli import BAD_INPUT, DONE, main
from gridbus.kernel.testing import Log
from gridbus.roles.interfaces import (
    DAY_AHEAD,
    REAL_TIME,
    Award,
    ClearingResult,
    DeviceLimit,
    DevicePower,
    FeederRead,
    Order,
    WeatherReading,
)

STEP = 5 * MINUTE
PNG = b"\x89PNG\r\n\x1a\n"


def curves(kind: str, **changes: Any) -> BidCurves:
    plain = {"sliders": [0.2, 1.0], "outdoor_c": 35.0, "low_per_kwh": 0.05, "high_per_kwh": 0.30}
    return bid_curves(kind, **plain | changes)


# One device


@pytest.mark.parametrize("kind", KINDS)
def test_bids_fall_within_the_ratings_and_a_band_about_the_prices(kind: str) -> None:
    made, (import_kw, export_kw) = curves(kind), KINDS[kind].ratings_kw(default_customer())
    assert made.real_time.quantity_kw.shape == (2, 1, 4)
    assert made.day_ahead.quantity_kw.shape == (2, 48, 4)
    for bids in (made.real_time, made.day_ahead):
        assert (np.diff(bids.quantity_kw) >= 0.0).all()
        assert (np.diff(bids.price_per_kwh) <= 0.0).all()
        assert -export_kw <= bids.quantity_kw.min() <= bids.quantity_kw.max() <= import_kw
        assert bids.price_per_kwh.min() >= 0.05 - 0.25 - 1e-12
        assert bids.price_per_kwh.max() <= 0.30 + 0.25 + 1e-12
    assert made.expected_per_kwh.min() == pytest.approx(0.05)
    assert made.expected_per_kwh.max() == pytest.approx(0.30)


def test_a_house_runs_more_in_hot_weather_and_others_do_not_care() -> None:
    for kind in KINDS:
        mild, hot = (curves(kind, outdoor_c=each).day_ahead.quantity_kw[..., 1].sum() for each in (27.0, 35.0))
        assert hot > mild + 5.0 if kind == "hvac" else hot == mild


def test_a_greater_slider_makes_bids_of_stores_flatter_and_dearer_energy_raises_all_prices() -> None:
    patient, eager = curves("battery").day_ahead.price_per_kwh[:, 0]
    assert np.ptp(patient) > np.ptp(eager)
    dear = curves("battery", low_per_kwh=0.15, high_per_kwh=0.40)
    assert dear.day_ahead.price_per_kwh == pytest.approx(curves("battery").day_ahead.price_per_kwh + 0.1, abs=1e-4)


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["agent", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_prints_a_row_for_every_slot_weather_and_slider(
    capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    code, out, err = called(capsys, kind, "--slider", "0.3,0.9", "--outdoor", "25,35", "--price", "0.1:0.2")
    assert (code, err) == (DONE, "")
    head, columns, *rows = out.splitlines()
    assert head.startswith(f"{kind} of ")
    assert columns.startswith("weather")
    assert len(rows) == (2 if kind == "hvac" else 1) * 4 * 2
    assert [row.count(" at ") for row in rows] == [4] * len(rows)
    made = curves(kind, sliders=[0.3, 0.9], outdoor_c=25.0, low_per_kwh=0.1, high_per_kwh=0.2)
    for row, bids, hour in ((1, made.real_time, 0), (3, made.day_ahead, 0), (7, made.day_ahead, 2)):
        points = zip(bids.quantity_kw[1, hour], bids.price_per_kwh[1, hour], strict=True)
        expected = [part for kw, p in points for part in (f"{round(kw, 2) + 0.0:.2f}", "at", f"{p:.3f}")]
        assert rows[row].split("  0.90  ", 1)[1].split() == expected


@pytest.mark.parametrize(("kind", "sliders"), [("hvac", "0,0.5,1"), ("battery", "0.5")])
def test_the_command_draws_a_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, sliders: str
) -> None:
    path = tmp_path / "bid.png"
    code, out, _ = called(capsys, kind, "--slider", sliders, "--outdoor", "30,35", "--plot", str(path))
    assert code == DONE
    assert out.splitlines()[-1] == f"{path} drawn"
    content = path.read_bytes()
    assert content.startswith(PNG)
    # A row of panels a weather that matters.
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert width == 1500
    assert (height > 700) == (kind == "hvac")


def test_without_matplotlib_the_command_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = called(capsys, "hvac", "--plot", str(tmp_path / "bid.png"))
    assert (code, out) == (BAD_INPUT, "")
    assert "pip install 'gridbus[plot]'" in err
    assert called(capsys, "hvac")[0] == DONE


@pytest.mark.parametrize("name", ["nowhere/bid.png", "bid.nonsense"])
def test_a_picture_that_cannot_be_written_is_bad_input(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    code, out, err = called(capsys, "battery", "--plot", str(tmp_path / name))
    assert (code, out) == (BAD_INPUT, "")
    assert f"{tmp_path / name} cannot be drawn" in err


def test_all_faults_of_the_options_are_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "hvac", "--price", "3:2", "--slider", "0.5,2", "--outdoor", "warm")
    assert (code, out) == (BAD_INPUT, "")
    assert [line.split(": ")[2] for line in err.splitlines()] == ["--price", "--slider", "--outdoor"]


@pytest.mark.parametrize("text", ["1", "1:2:3", "a:b", "nan:1", "0:inf", "2:2"])
def test_prices_are_two_numbers_of_which_the_last_is_higher(capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert called(capsys, "battery", f"--price={text}")[0] == BAD_INPUT


# Many devices


@pytest.fixture(scope="module")
def hundred() -> Log:
    return market_of(100, hours=2.0).run()


def test_a_hundred_homes_trade_in_every_slot_at_the_price_of_what_they_buy(hundred: Log) -> None:
    results = hundred.of(ClearingResult)
    assert [r.slot_start for r in results if r.product == REAL_TIME] == [number * STEP for number in range(1, 24)]
    assert [r.slot_start for r in results if r.product == DAY_AHEAD] == [number * HOUR for number in range(1, 25)]
    assert {r.orders for r in results} == {len({order.resource for order in hundred.of(Order)})}
    assert results[0].orders > 150
    supply = Supply()
    for each in results:
        if 0.0 < each.price_per_kwh < 1.0:
            costs = supply.price_at((each.slot_start / HOUR) % 24.0, each.quantity_kw)
            assert each.price_per_kwh == pytest.approx(costs, abs=1e-6)


def test_what_is_awarded_is_drawn_but_for_what_comfort_and_connections_forbid(hundred: Log) -> None:
    awarded = {(a.resource, a.first_slot): a.quantity_kw[0] for a in hundred.of(Award) if a.product == REAL_TIME}
    drawn = {(p.device, p.start): p.power_kw for p in hundred.of(DevicePower)}
    differences = [abs(drawn[key] - kw) for key, kw in awarded.items() if key in drawn]
    assert len(differences) > 4000
    assert sum(difference < 1e-6 for difference in differences) > 0.95 * len(differences)


def test_the_feeder_carries_the_sum_of_all_devices(hundred: Log) -> None:
    reads = hundred.of(FeederRead)
    assert [read.start for read in reads] == [number * STEP for number in range(24)]
    for read in reads:
        total_kw = sum(power.power_kw for power in hundred.of(DevicePower) if power.start == read.start)
        assert read.substation_kwh == pytest.approx(total_kw / 12.0)


def bought_kwh(log: Log) -> float:
    return sum(max(r.quantity_kw, 0.0) for r in log.of(ClearingResult) if r.product == REAL_TIME) / 12.0


def test_a_steeper_supply_sells_less() -> None:
    gentle, steep = (market_of(10, hours=1.5, supply=Supply(slope_per_kwh_kw=slope)).run() for slope in (0.0002, 0.01))
    assert bought_kwh(steep) < 0.9 * bought_kwh(gentle)


def test_wires_at_their_limit_cut_who_gives_way() -> None:
    plenty = market_of(15, hours=0.5).run()
    assert plenty.of(DeviceLimit) == []
    free = plenty.of(FeederRead)
    highest_kw = max(read.substation_kwh for read in free) * 12.0
    tight = market_of(15, hours=0.5, import_limit_kw=0.5 * highest_kw).run().of(FeederRead)
    assert max(read.highest_loading for read in tight) == pytest.approx(1.0)
    assert sum(read.curtailed_kwh for read in tight) > 0.0
    assert sum(read.curtailed_kwh for read in free) == 0.0


def test_the_weather_can_be_any() -> None:
    log = market_of(1, hours=0.25, weather=ClearDay(12.0, 12.0, 0.0)).run()
    assert {(reading.outdoor_c, reading.ghi_w_per_m2) for reading in log.of(WeatherReading)} == {(12.0, 0.0)}


def test_who_takes_no_part_gives_no_orders() -> None:
    log = market_of(5, hours=0.5, strategy=Strategy.NONE).run()
    assert log.of(Order) == log.of(ClearingResult) == []
    assert len(log.of(DevicePower)) >= 2 * 5 * 6


def test_a_run_is_the_same_again_and_another_with_another_seed() -> None:
    first, again, other = (market_of(5, hours=0.5, seed=seed).run() for seed in (1, 1, 2))
    assert [each.message for each in first.envelopes] == [each.message for each in again.envelopes]
    assert [each.message for each in first.envelopes] != [each.message for each in other.envelopes]


def test_any_component_can_be_replaced() -> None:
    bed = market_of(5, hours=0.5)
    heard: dict[tuple[str, int], float] = {}

    async def operator(port: Port) -> None:
        async for power in port.subscribe(DevicePower):
            heard[power.device, power.start] = power.power_kw

    log = attrs.evolve(bed, components={**bed.components, "do.wires": operator}).run()
    assert log.of(FeederRead) == []
    assert heard == {(power.device, power.start): power.power_kw for power in log.of(DevicePower)}


# Days


def test_a_clear_day_is_warmest_and_sunniest_when_it_says() -> None:
    day = ClearDay(20.0, 34.0)
    assert (day.outdoor_c(16.0), day.outdoor_c(4.0)) == (pytest.approx(34.0), pytest.approx(20.0))
    noon, night = day.reading("s", 12.0, 0, STEP), day.reading("s", 0.0, 0, STEP)
    assert noon.ghi_w_per_m2 == max(day.ghi_w_per_m2(hour / 4) for hour in range(96)) > 800.0
    assert (night.ghi_w_per_m2, night.dni_w_per_m2, night.dhi_w_per_m2) == (0.0, 0.0, 0.0)
    beam = noon.dni_w_per_m2 * np.cos(np.radians(noon.solar_zenith_deg))
    assert beam + noon.dhi_w_per_m2 == pytest.approx(noon.ghi_w_per_m2)
    assert noon.solar_azimuth_deg == 180.0
