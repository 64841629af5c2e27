"""The kernel's benchmark on a handful of agents: it names what it measures, and refuses to measure nothing."""

import pytest

from gridbus.bench import kernel
from gridbus.kernel import InternalError


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_AGENTS", "_MARKET_AGENTS", "_ROUND_TRIPS"):
        monkeypatch.setattr(kernel, name, 20)
    monkeypatch.setattr(kernel, "_REPEATS", 2)


def test_every_measurement_has_a_name_a_positive_value_and_a_unit() -> None:
    measured = kernel.measure()
    assert [entry["name"] for entry in measured] == [
        "bytes_per_agent",
        "rtt_us",
        "fanout_per_s",
        "fanin_per_s",
        "market_round_50k_ms",
        "asyncio_rtt_us",
        "asyncio_market_round_50k_ms",
    ]
    assert all(entry["value"] > 0 and entry["unit"] for entry in measured)


def test_a_benchmark_whose_agents_hear_nothing_gives_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel.Port, "publish", lambda *_, **__: None)
    with pytest.raises(InternalError, match="did not do its work"):
        kernel.fan_out_s()
