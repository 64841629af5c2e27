"""The distribution operator as a component, beside devices that report by hand."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gridbus.kernel import HOUR, MINUTE, Calendar, ComponentError, Port, Setting
from gridbus.kernel.testing import CALENDAR, Log, run_components
from gridbus.roles.do import DistributionOperator
from gridbus.roles.do.operator import Transformer
from gridbus.roles.interfaces import (
    Assignment,
    DeviceLimit,
    DevicePower,
    EntityEnergy,
    FeederRead,
    Invoice,
    LoadEstimate,
    MeterRead,
    Quality,
    TransferKind,
    ValidationRequest,
    ValidationResult,
)
from gridbus.roles.settlement import NetworkCharges

STEP = 5 * MINUTE
Main = Callable[[Port], Any]


def operator(**changes: Any) -> dict[str, Main]:
    fields: dict[str, Any] = {
        "substation_limit_kw": 60.0,
        "transformers": (Transformer(name="t1", rating_kva=25.0), Transformer(name="t2", rating_kva=50.0)),
        "peak_kw": 60.0,
    }
    settings = DistributionOperator(**(fields | changes))
    return dict(settings.components("wires", Setting(CALENDAR, HOUR, 0)))


def assignment(usage_point: str, lse: str, transformer: str, start: int = 0, end: int | None = None) -> Assignment:
    return Assignment(
        usage_point=usage_point,
        lse=lse,
        tariff="flat",
        market="none",
        transformer=transformer,
        effective_from=start,
        effective_to=end,
    )


def registry(*assignments: Assignment) -> dict[str, Main]:
    async def main(port: Port) -> None:
        for each in assignments:
            port.publish(each)

    return {"registry.main": main}


def device(usage_point: str, *powers: float | None, controllable: bool = False, obeys: bool = True) -> Main:
    """Reports a power each interval, nothing where there is None, and a second time when it is limited."""

    async def main(port: Port) -> None:
        async def report(power_kw: float, start: int, revision: int = 1) -> None:
            power = DevicePower(
                device=port.name,
                usage_point=usage_point,
                start=start,
                duration=STEP,
                power_kw=power_kw,
                controllable=controllable,
            )
            port.publish(power, revision=revision)

        async def obey() -> None:
            async for limit in port.subscribe(DeviceLimit):
                if obeys:
                    await report(limit.import_limit_kw, limit.start, 2)

        port.start(obey())
        for number, power_kw in enumerate(powers):
            await port.sleep_until(number * STEP)
            if power_kw is not None:
                await report(power_kw, number * STEP)

    return main


def ran(mains: Mapping[str, Main], stop: int = STEP, **changes: Any) -> Log:
    return run_components({**operator(**changes), **mains}, stop=stop)


THREE = registry(assignment("h1", "green", "t1"), assignment("h2", "simple", "t1"), assignment("h3", "green", "t2"))


def test_every_meter_is_read_once_an_interval_for_its_own_retailer() -> None:
    heard: dict[str, list[MeterRead]] = {"green": [], "simple": []}

    async def retailer(port: Port) -> None:
        async for read in port.subscribe(MeterRead):
            heard[port.name].append(read)

    ran(
        {
            **THREE,
            "lse.green": retailer,
            "lse.simple": retailer,
            "agent.h1": device("h1", 2.0, 3.0),
            "agent.h2": device("h2", 1.0, 1.0),
            "agent.h3": device("h3", -4.0, -2.0),
        },
        stop=2 * STEP,
    )
    assert [(r.usage_point, r.start, r.energy_kwh) for r in heard["green"]] == [
        ("h1", 0, pytest.approx(2.0 / 12)),
        ("h3", 0, pytest.approx(-4.0 / 12)),
        ("h1", STEP, pytest.approx(3.0 / 12)),
        ("h3", STEP, pytest.approx(-2.0 / 12)),
    ]
    assert [(r.usage_point, r.start) for r in heard["simple"]] == [("h2", 0), ("h2", STEP)]


def test_the_substation_feeds_the_meters_and_the_losses_and_retailers_share_the_losses() -> None:
    log = ran(
        {
            **THREE,
            "agent.h1": device("h1", 6.0, 3.0),
            "agent.h2": device("h2", 3.0, 1.0),
            "agent.h3": device("h3", -3.0, 0.0),
        },
        stop=2 * STEP,
    )
    feeder = log.of(FeederRead)
    assert [read.start for read in feeder] == [0, STEP]
    for read in feeder:
        assert read.substation_kwh == pytest.approx(read.metered_kwh + read.losses_kwh)
        meters = [each.energy_kwh for each in log.of(MeterRead) if each.start == read.start]
        assert read.metered_kwh == pytest.approx(sum(meters))
        shares = {each.lse: each.losses_kwh for each in log.of(EntityEnergy) if each.start == read.start}
        assert sum(shares.values()) == pytest.approx(read.losses_kwh)
    # What customers exchange counts, either way: 6 and -3 kW are 9 of 12.
    assert [each.losses_kwh / feeder[0].losses_kwh for each in log.of(EntityEnergy)[:2]] == pytest.approx([0.75, 0.25])


def test_losses_of_an_idle_feeder_are_shared_alike() -> None:
    log = ran(THREE)
    losses = [each.losses_kwh for each in log.of(EntityEnergy)]
    assert losses == pytest.approx([log.of(FeederRead)[0].losses_kwh / 2] * 2)


def test_an_overload_is_cut_in_the_same_instant_and_the_read_keeps_the_limit() -> None:
    # 25 kVA at 0.97 carry 24.25 kW; 30 are wanted.
    log = ran(
        {
            **THREE,
            "agent.h1": device("h1", 12.0),
            "agent.h1-hvac": device("h1", 6.0, controllable=True),
            "agent.h2-hvac": device("h2", 12.0, controllable=True),
        }
    )
    limits = {limit.device: limit for limit in log.of(DeviceLimit)}
    assert set(limits) == {"h1-hvac", "h2-hvac"}
    assert limits["h1-hvac"].import_limit_kw == pytest.approx(6.0 * 12.25 / 18.0)
    assert limits["h1-hvac"].reason.startswith("t1 at its limit")
    assert {e.instant for e in log.envelopes if isinstance(e.message, DeviceLimit)} == {0}
    (read,) = log.of(FeederRead)
    assert read.metered_kwh == pytest.approx(24.25 / 12)
    assert read.curtailed_kwh == pytest.approx(5.75 / 12)
    assert read.highest_loading == pytest.approx(1.0)


def test_a_device_that_does_not_obey_is_told_three_times_and_stays_on_the_record() -> None:
    log = ran({**THREE, "agent.h1": device("h1", 30.0, obeys=False)})
    assert len(log.of(DeviceLimit)) == 3
    assert log.of(FeederRead)[0].highest_loading == pytest.approx(30.0 / 24.25)


def test_no_device_is_limited_while_every_element_is_within_its_limit() -> None:
    log = ran({**THREE, "agent.h1": device("h1", 24.2), "agent.h3": device("h3", 20.0)})
    assert log.of(DeviceLimit) == []


def test_a_silent_device_is_read_with_its_last_power_as_an_estimate() -> None:
    log = ran({**registry(assignment("h1", "green", "t1")), "agent.h1": device("h1", 3.0, None, 2.0)}, stop=3 * STEP)
    assert [(r.energy_kwh * 12, r.quality) for r in log.of(MeterRead)] == [
        (pytest.approx(3.0), Quality.VALID),
        (pytest.approx(3.0), Quality.ESTIMATED),
        (pytest.approx(2.0), Quality.VALID),
    ]


def test_a_run_that_ends_within_an_interval_reads_what_there_was_of_it() -> None:
    one = registry(assignment("h1", "green", "t1"))
    log = ran({**one, "agent.h1": device("h1", 3.0, 6.0)}, stop=STEP + MINUTE)
    assert [(r.start, r.duration, r.energy_kwh) for r in log.of(MeterRead)] == [
        (0, STEP, pytest.approx(3.0 / 12)),
        (STEP, MINUTE, pytest.approx(6.0 / 60)),
    ]


def test_a_switch_of_retailer_moves_the_reads_from_its_first_instant_on() -> None:
    switch = registry(assignment("h1", "green", "t1", end=2 * STEP), assignment("h1", "simple", "t1", start=2 * STEP))

    async def first(port: Port) -> None:
        port.publish(assignment("h1", "green", "t1"))
        await port.sleep_until(MINUTE)
        await switch["registry.main"](port)

    log = ran({"registry.main": first, "agent.h1": device("h1", 1.0, 1.0, 1.0)}, stop=3 * STEP)
    assert [(r.start, r.lse) for r in log.of(MeterRead)] == [(0, "green"), (STEP, "green"), (2 * STEP, "simple")]


def test_retailers_are_charged_for_the_energy_that_their_customers_used() -> None:
    log = ran(
        {**THREE, "agent.h1": device("h1", 12.0), "agent.h2": device("h2", 6.0), "agent.h3": device("h3", -3.0)},
        charges=NetworkCharges(per_kwh=0.5),
    )
    assert [(i.payer, i.kind, str(i.amount)) for i in log.of(Invoice)] == [
        ("green", TransferKind.USE_OF_SYSTEM, "0.38"),
        ("simple", TransferKind.USE_OF_SYSTEM, "0.25"),
    ]


def validated(
    power_kw: float, *, other_kw: float = 0.0, estimated: tuple[int, int] = (STEP, STEP), **changes: Any
) -> ValidationResult:
    answers: list[ValidationResult] = []

    async def retailer(port: Port) -> None:
        await port.sleep_until(1)
        port.publish(
            LoadEstimate(
                lse="simple",
                market="none",
                product="real-time",
                slot_start=estimated[0],
                slot_length=estimated[1],
                usage_points=("h2",),
                power_kw=(other_kw,),
            )
        )

    async def market(port: Port) -> None:
        await port.sleep_until(MINUTE)
        request = ValidationRequest(
            do="wires",
            market="retail",
            slot_start=STEP,
            slot_length=STEP,
            attempt=1,
            usage_points=("h1", "nowhere"),
            power_kw=(power_kw, 1e6),
        )
        answers.append(await port.request(request, ValidationResult))

    ran({**THREE, "lse.simple": retailer, "mo.retail": market}, stop=2 * MINUTE, **changes)
    (answer,) = answers
    return answer


def test_a_safe_result_is_found_feasible() -> None:
    answer = validated(20.0, other_kw=4.0)
    assert (answer.market, answer.slot_start, answer.feasible, answer.limits) == ("retail", STEP, True, ())


def test_an_unsafe_result_is_answered_with_what_the_estimates_of_others_leave() -> None:
    answer = validated(22.0, other_kw=4.0)
    assert not answer.feasible
    assert [(found.element, found.import_limit_kw) for found in answer.limits] == [("t1", pytest.approx(20.25))]
    assert answer.limits[0].loading == pytest.approx(26.0 / 24.25)


@pytest.mark.parametrize("estimated", [(0, 3 * STEP), (STEP, 3 * STEP), (STEP, STEP // 2)])
def test_estimates_for_slots_of_other_lengths_are_seen(estimated: tuple[int, int]) -> None:
    alike = validated(30.0, other_kw=40.0)
    assert not alike.feasible
    assert validated(30.0, other_kw=40.0, estimated=estimated) == alike


def test_the_forecast_margin_tightens_validation() -> None:
    assert validated(20.0, substation_limit_kw=24.0).feasible
    answer = validated(20.0, substation_limit_kw=24.0, forecast_margin_kw=6.0)
    assert [found.element for found in answer.limits] == ["substation"]
    assert 15.0 < answer.limits[0].import_limit_kw < 18.0


def test_the_calendar_of_the_run_does_not_matter_to_the_meters() -> None:
    late = Calendar(CALENDAR.start.replace(month=6))
    mains = {**operator(), **THREE, "agent.h1": device("h1", 2.0)}
    assert run_components(mains, stop=STEP, calendar=late).of(MeterRead) == run_components(mains, stop=STEP).of(
        MeterRead
    )


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), "lots"])
def test_a_device_that_talks_nonsense_is_read_with_its_last_power_and_the_others_as_ever(nonsense: Any) -> None:
    log = ran({**THREE, "agent.h1": device("h1", 2.0, nonsense), "agent.h2": device("h2", 1.0, 1.0)}, stop=2 * STEP)
    reads = {read.usage_point: read for read in log.of(MeterRead) if read.start == STEP}
    assert (reads["h1"].energy_kwh, reads["h1"].quality) == (pytest.approx(2.0 / 12), Quality.ESTIMATED)
    assert (reads["h2"].energy_kwh, reads["h2"].quality) == (pytest.approx(1.0 / 12), Quality.VALID)


def test_nobody_draws_through_the_meter_of_another() -> None:
    log = ran({**THREE, "agent.h1": device("h2", 50.0), "agent.h2": device("h2", 1.0), "agent.h2-a": device("h2", 0.5)})
    assert {r.usage_point: r.energy_kwh for r in log.of(MeterRead)} == {
        "h1": 0.0,
        "h2": pytest.approx(1.5 / 12),
        "h3": 0.0,
    }


def test_a_usage_point_below_an_unknown_transformer_ends_the_run_unless_another_operator_has_it() -> None:
    stray = registry(assignment("h9", "green", "t99"))
    with pytest.raises(ComponentError, match="h9 is below the transformer t99"):
        ran(stray)
    ran(stray, whole_network=False)


def test_devices_and_meters_have_the_same_interval() -> None:
    with pytest.raises(ComponentError, match="give both the same interval_min"):
        ran({**THREE, "agent.h1": device("h1", 1.0)}, interval_min=15.0)


def test_what_one_market_was_promised_is_not_there_for_the_other() -> None:
    found: dict[str, ValidationResult] = {}

    def market(name: str, at: int) -> Main:
        async def main(port: Port) -> None:
            await port.sleep_until(at)
            request = ValidationRequest(
                do="wires",
                market=name,
                slot_start=STEP,
                slot_length=STEP,
                attempt=1,
                usage_points=("h1" if name == "one" else "h3",),
                power_kw=(20.0,),
            )
            found[name] = await port.request(request, ValidationResult)

        return main

    limit = {"substation_limit_kw": 30.0}
    ran({**THREE, "mo.one": market("one", 1), "mo.two": market("two", 2)}, **limit)
    assert (found["one"].feasible, found["two"].feasible) == (True, False)
    (short,) = found["two"].limits
    assert short.element == "substation"
    assert 0.0 < short.import_limit_kw < 10.0
