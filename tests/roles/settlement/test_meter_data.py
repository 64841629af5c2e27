"""Reads of many usage points at once against a plain list of reads for each of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE
from gridbus.roles.settlement import DeliverySlot
from gridbus.roles.settlement.meter_data import MeterData

SLOT = 30 * MINUTE
NAMES = (("h0", "h1", "h2"), ("h1", "h3"))
"""The usage points of two slots, of which one has come and two have gone in between."""


def slot(number: int) -> DeliverySlot:
    count = len(NAMES[number])
    return DeliverySlot(
        start=number * SLOT,
        length=SLOT,
        usage_points=NAMES[number],
        retailers=("green", "blue", "green")[:count],
        real_time_kw=np.full(count, 4.0),
        real_time_price_per_kwh=np.full(count, 0.1),
        supply_price_per_kwh=0.1,
        has_award=np.full(count, True),
    )


SLOTS = (slot(0), slot(1))
Read = tuple[int, int, float, bool]
"""Start and length [min], energy [kWh], whether it is estimated."""
READS = st.lists(
    st.tuples(
        st.integers(-2, 13).map(lambda n: 5 * n),
        st.integers(1, 14).map(lambda n: 5 * n),
        st.dictionaries(st.sampled_from(["h0", "h1", "h2", "h3", "h9"]), st.sampled_from([0.0, -1.0, 0.5, 7.0])),
        st.sets(st.sampled_from(["h0", "h1", "h3"])),
    ),
    max_size=12,
)


def minutes(start: int, length: int, number: int) -> int:
    """What a read shares with a slot."""
    return max(min(start + length, 30 * (number + 1)) - max(start, 30 * number), 0)


@given(reads=READS, whole=st.booleans())
def test_every_usage_point_has_its_last_reads_and_what_they_leave_is_expected(
    reads: list[tuple[int, int, dict[str, float], set[str]]], whole: bool
) -> None:
    data, plain = MeterData(SLOTS, with_losses=False), {name: list[Read]() for names in NAMES for name in names}
    if whole:
        reads = [*reads, (0, 60, dict.fromkeys(("h0", "h1", "h2", "h3"), 1.0), set())]
    for start, length, energy, estimated in reads:
        is_change = False
        for name, kwh in energy.items():
            new = start, length, kwh, name in estimated
            is_ours = any(name in NAMES[number] and minutes(start, length, number) for number in (0, 1))
            if is_ours and new not in plain[name]:
                kept = [each for each in plain[name] if each[0] + each[1] <= start or each[0] >= start + length]
                plain[name], is_change = [*kept, new], True
        found = data.read(start * MINUTE, length * MINUTE, tuple(energy), tuple(energy.values()), tuple(estimated))
        assert found == is_change
    complete = True
    for number, names in enumerate(NAMES):
        metered = data.metered(number)
        for place, name in enumerate(names):
            inside = [(minutes(at, length, number), *rest) for at, length, *rest in plain[name]]
            lengths = [length for _, length, *_ in plain[name]]
            covered = sum(each[0] for each in inside)
            kwh = sum(each[1] * each[0] / length for each, length in zip(inside, lengths, strict=True))
            assert metered.energy_kwh[place] == pytest.approx(kwh + 4.0 * (30 - covered) / 60, abs=1e-9)
            assert metered.estimated[place] == (covered < 30 or any(each[0] and each[2] for each in inside))
            complete &= covered == 30
        assert (data.estimated(number) == metered.estimated).all()
    assert data.complete == complete


def test_losses_are_read_like_meters_of_the_retailers_where_they_are_needed() -> None:
    data = MeterData(SLOTS, with_losses=True)
    data.read(0, HOUR, ("h0", "h1", "h2", "h3"), (1.0,) * 4)
    assert not data.complete
    assert data.lost("green", 0, HOUR, 0.5)
    assert not data.lost("green", 0, HOUR, 0.5)
    assert not data.lost("red", 0, HOUR, 0.5)
    assert data.lost("blue", 0, SLOT, 0.1)
    assert not data.complete
    assert data.lost("blue", SLOT, SLOT, 0.3)
    assert data.complete
    assert [data.metered(number).losses_kwh for number in (0, 1)] == [
        {"blue": 0.1, "green": 0.25},
        {"blue": 0.3, "green": 0.25},
    ]
    assert not MeterData(SLOTS, with_losses=False).lost("green", 0, HOUR, 0.5)
