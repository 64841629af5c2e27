"""The meters: reads from what devices report, and what stands in for a device that is silent."""

import pytest

from gridbus.kernel import HOUR, MINUTE
from gridbus.roles.do.metering import Meters, Read
from gridbus.roles.interfaces import Assignment, DevicePower, Quality

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
        device=device, usage_point=usage_point, start=start, duration=STEP, power_kw=kw, controllable=device == "hvac"
    )


@pytest.fixture
def meters() -> Meters:
    made = Meters({"t1": 0, "t2": 1})
    made.assign(assignment("h1"))
    return made


def read(meters: Meters, start: int = 0, duration: int = STEP) -> list[Read]:
    return list(meters.read(start, duration))


def test_a_meter_reads_the_energy_of_all_devices_behind_it(meters: Meters) -> None:
    meters.report(power("load", 1.5))
    meters.report(power("hvac", 3.0))
    meters.report(power("pv", -0.9))
    (only,) = read(meters)
    assert only.energy_kwh == pytest.approx(3.6 * 5 / 60)
    assert only.quality is Quality.VALID


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
    assert (first.energy_kwh, first.quality) == (3.0, Quality.ESTIMATED)
    assert (second.energy_kwh, second.quality) == (2.5, Quality.VALID)


def test_a_meter_is_valid_again_once_its_device_speaks(meters: Meters) -> None:
    meters.report(power("hvac", 3.0))
    assert read(meters, start=STEP)[0].quality is Quality.ESTIMATED
    meters.report(power("hvac", 2.0, start=2 * STEP))
    assert read(meters, start=2 * STEP)[0].quality is Quality.VALID


def test_a_meter_without_devices_reads_zero(meters: Meters) -> None:
    assert [(r.energy_kwh, r.quality) for r in read(meters)] == [(0.0, Quality.VALID)]


@pytest.mark.parametrize("is_old_first", [True, False])
def test_a_meter_is_read_for_whoever_supplies_in_the_interval(meters: Meters, is_old_first: bool) -> None:
    meters.report(power("load", 2.0))
    changes = [assignment("h1", to=STEP), assignment("h1", lse="simple", transformer="t2", since=STEP)]
    for change in changes if is_old_first else reversed(changes):
        meters.assign(change)
    readers = [each.assignment for start in (0, STEP) for each in read(meters, start)]
    assert [each and each.lse for each in readers] == ["green", "simple"]
    assert meters.powers().places.tolist() == [1]


def test_where_nobody_is_supplied_any_more_the_meter_counts_for_nobody(meters: Meters) -> None:
    meters.report(power("load", 2.0))
    meters.assign(assignment("h1", to=STEP))
    (only,) = read(meters, STEP)
    assert (only.assignment, only.energy_kwh) == (None, pytest.approx(2.0 / 12))


def test_devices_below_no_known_transformer_are_on_no_feeder(meters: Meters) -> None:
    meters.report(power("load", 2.0, usage_point="elsewhere"))
    assert meters.powers().devices == ()
    assert meters.transformer_of("elsewhere") is None
    meters.assign(assignment("elsewhere", transformer="t2"))
    assert meters.powers().devices == ("load",)
    assert meters.powers().power_kw.tolist() == [2.0]


def test_reads_come_in_the_order_of_usage_points(meters: Meters) -> None:
    for name in ("h9", "h3", "h2"):
        meters.assign(assignment(name))
    assert [r.assignment.usage_point for r in read(meters)] == ["h1", "h2", "h3", "h9"]


def test_powers_carry_what_is_controllable_in_the_order_of_devices(meters: Meters) -> None:
    meters.report(power("load", 2.0))
    meters.report(power("hvac", 1.0))
    powers = meters.powers()
    assert powers.devices == ("hvac", "load")
    assert powers.controllable.tolist() == [True, False]
