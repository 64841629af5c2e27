"""The meters: reads from what devices report, and what stands in for a device that is silent."""

from typing import NamedTuple

import pytest

from gridbus.kernel import HOUR, MINUTE
from gridbus.kernel.shape import evolved
from gridbus.roles.do.metering import Meters
from gridbus.roles.interfaces import Assignment, DevicePower

STEP = 5 * MINUTE


def assignment(
    usage_point: str, lse: str = "green", transformer: str = "t1", since: int = 0, to: int | None = None
) -> Assignment:
    return Assignment(
        usage_point=usage_point,
        lse=lse,
        tariff="flat",
        market="none",
        transformer=transformer,
        effective_from=since,
        effective_to=to,
    )


def power(device: str, kw: float, start: int = 0, usage_point: str = "h1") -> DevicePower:
    return DevicePower(
        device=f"{usage_point}-{device}",
        usage_point=usage_point,
        start=start,
        duration=STEP,
        power_kw=kw,
        controllable=device == "hvac",
    )


@pytest.fixture
def meters() -> Meters:
    made = Meters({"t1": 0, "t2": 1})
    made.assign(assignment("h1"))
    return made


class Read(NamedTuple):
    """The read of one meter."""

    usage_point: str
    lse: str | None
    energy_kwh: float
    estimated: bool


def read(meters: Meters, start: int = 0, duration: int = STEP) -> list[Read]:
    reads = meters.read(start, duration)
    contracts = [reads.in_force.by_usage_point.get(name) for name in reads.usage_points]
    lses = [None if contract is None else contract.lse for contract in contracts]
    return list(map(Read, reads.usage_points, lses, reads.energy_kwh.tolist(), reads.estimated.tolist()))


def test_a_meter_reads_the_energy_of_all_devices_behind_it(meters: Meters) -> None:
    meters.report(power("load", 1.5))
    meters.report(power("hvac", 3.0))
    meters.report(power("pv", -0.9))
    (only,) = read(meters)
    assert only.energy_kwh == pytest.approx(3.6 * 5 / 60)
    assert not only.estimated


def test_a_later_report_for_an_interval_replaces_the_first_and_the_difference_counts_as_refused(meters: Meters) -> None:
    meters.report(power("hvac", 3.0))
    meters.report(power("hvac", 1.0))
    assert read(meters, duration=HOUR)[0].energy_kwh == pytest.approx(1.0)
    assert meters.refused_kwh(0, HOUR) == pytest.approx(2.0)


def test_what_was_refused_is_forgotten_with_the_next_report(meters: Meters) -> None:
    meters.report(power("hvac", 3.0))
    meters.report(power("hvac", 1.0))
    meters.report(power("hvac", 1.0, start=STEP))
    assert meters.refused_kwh(0, HOUR) == 0.0


def test_a_silent_device_is_read_with_its_last_power_and_its_meter_is_estimated(meters: Meters) -> None:
    meters.assign(assignment("h2"))
    meters.report(power("hvac", 3.0))
    meters.report(power("load", 2.0, usage_point="h2"))
    meters.report(power("load", 2.5, start=STEP, usage_point="h2"))
    first, second = read(meters, start=STEP, duration=HOUR)
    assert (first.energy_kwh, first.estimated) == (3.0, True)
    assert (second.energy_kwh, second.estimated) == (2.5, False)


def test_a_meter_is_valid_again_once_its_device_speaks(meters: Meters) -> None:
    meters.report(power("hvac", 3.0))
    assert read(meters, start=STEP)[0].estimated
    meters.report(power("hvac", 2.0, start=2 * STEP))
    assert not read(meters, start=2 * STEP)[0].estimated


def test_a_meter_without_devices_reads_zero(meters: Meters) -> None:
    assert read(meters) == [("h1", "green", 0.0, False)]


@pytest.mark.parametrize("is_old_first", [True, False])
def test_a_meter_is_read_for_whoever_supplies_in_the_interval(meters: Meters, is_old_first: bool) -> None:
    meters.report(power("load", 2.0))
    changes = [assignment("h1", to=STEP), assignment("h1", lse="simple", transformer="t2", since=STEP)]
    for change in changes if is_old_first else reversed(changes):
        meters.assign(change)
    assert [each.lse for start in (0, STEP) for each in read(meters, start)] == ["green", "simple"]
    assert meters.powers().places.tolist() == [1]


def test_where_nobody_is_supplied_any_more_the_meter_counts_for_nobody(meters: Meters) -> None:
    meters.report(power("load", 2.0))
    meters.assign(assignment("h1", to=STEP))
    (only,) = read(meters, STEP)
    assert (only.lse, only.energy_kwh) == (None, pytest.approx(2.0 / 12))


def test_devices_below_no_known_transformer_are_on_no_feeder(meters: Meters) -> None:
    meters.report(power("load", 2.0, usage_point="elsewhere"))
    assert meters.powers().devices == ()
    assert meters.by_transformer(("elsewhere",), (2.0,)).tolist() == [0.0, 0.0]
    meters.assign(assignment("elsewhere", transformer="t2"))
    assert meters.powers().devices == ("elsewhere-load",)
    assert meters.powers().power_kw.tolist() == [2.0]


def test_reads_come_in_the_order_of_usage_points(meters: Meters) -> None:
    for name in ("h9", "h3", "h2"):
        meters.assign(assignment(name))
    assert [each.usage_point for each in read(meters)] == ["h1", "h2", "h3", "h9"]


def test_powers_carry_what_is_controllable_in_the_order_of_devices(meters: Meters) -> None:
    meters.report(power("load", 2.0))
    meters.report(power("hvac", 1.0))
    powers = meters.powers()
    assert powers.devices == ("h1-hvac", "h1-load")
    assert powers.controllable.tolist() == [True, False]


def test_devices_and_meters_that_come_later_are_read_too(meters: Meters) -> None:
    meters.report(power("load", 2.0))
    assert read(meters, duration=HOUR) == [("h1", "green", 2.0, False)]
    meters.report(power("pv", -3.0))
    meters.assign(assignment("h0"))
    assert read(meters, duration=HOUR) == [("h0", "green", 0.0, False), ("h1", "green", -1.0, False)]
    assert meters.powers().power_kw.tolist() == [2.0, -3.0]
    meters.report(power("hvac", 4.0))
    assert read(meters, duration=HOUR)[1].energy_kwh == 3.0
    assert meters.powers().devices == ("h1-hvac", "h1-load", "h1-pv")


def test_what_cannot_be_believed_is_as_if_it_was_not_said(meters: Meters) -> None:
    meters.report(power("load", 2.0))
    for nonsense in (float("nan"), float("inf"), "much"):
        meters.report(evolved(power("load", 2.0), power_kw=nonsense, start=STEP))
    meters.report(evolved(power("pv", -9.0), device="h2-pv"))
    meters.report(evolved(power("load", 9.0, start=STEP), usage_point="h2"))
    assert meters.powers().devices == ("h1-load",)
    assert read(meters, start=STEP, duration=HOUR) == [("h1", "green", 2.0, True)]


def test_powers_at_usage_points_are_summed_at_their_transformers(meters: Meters) -> None:
    meters.assign(assignment("h2", transformer="t2"))
    meters.assign(assignment("h3", transformer="t2", since=STEP))
    summed = meters.by_transformer(("h1", "h3", "elsewhere", "h2"), (1.0, 2.0, 9.0, 4.0))
    assert summed.tolist() == [1.0, 6.0]
