"""The feeder's power flow: balance, losses in closed form, the largest share that fits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.roles.do.network import Network, TransformerModel, by_transformer, network
from gridbus.roles.interfaces import SUBSTATION

LOADS = st.lists(st.floats(-40.0, 60.0), min_size=3, max_size=3).map(np.array)
CONSUMPTION = st.lists(st.floats(0.0, 60.0), min_size=3, max_size=3).map(np.array)


def feeder(limit_kw: float = 80.0) -> Network:
    return network(
        {"t2": 25.0, "t1": 37.5, "t3": 50.0}, substation_limit_kw=limit_kw, peak_kw=100.0, peak_line_loss=0.02
    )


def test_transformers_are_ordered_by_name_and_keep_their_ratings() -> None:
    made = feeder()
    assert made.transformers == ("t1", "t2", "t3")
    assert made.rating_kva.tolist() == [37.5, 25.0, 50.0]
    assert made.index() == {"t1": 0, "t2": 1, "t3": 2}


@settings(deadline=None, max_examples=25)
@given(load=LOADS)
def test_the_substation_feeds_the_load_and_the_losses(load: np.ndarray) -> None:
    flow = feeder().flow(load)
    assert flow.substation_kw == pytest.approx(load.sum() + flow.losses_kw, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(load=LOADS)
def test_losses_are_never_less_than_what_idle_transformers_lose(load: np.ndarray) -> None:
    assert feeder().flow(load).losses_kw >= 0.0025 * 112.5 - 1e-12


def test_losses_of_one_loaded_transformer_follow_from_its_data_sheet() -> None:
    one = network(
        {"t": 50.0},
        substation_limit_kw=100.0,
        peak_kw=100.0,
        peak_line_loss=0.02,
        model=TransformerModel(no_load_fraction=0.002, load_loss_fraction=0.01, power_factor=0.8),
    )
    # At 40 kW and a power factor of 0.8 the transformer is at its rating: 0.1 kW of iron and 0.5 kW of copper.
    # The line then carries 40.6 kW; it loses 2 kW at 100 kW, hence 2 * 0.406**2 kW.
    flow = one.flow(np.array([40.0]))
    assert flow.losses_kw == pytest.approx(0.6 + 2.0 * 0.406**2, rel=1e-12)


def test_the_line_loses_the_stated_share_at_peak() -> None:
    ideal = TransformerModel(no_load_fraction=0.0, load_loss_fraction=0.0)
    one = network({"t": 500.0}, substation_limit_kw=900.0, peak_kw=200.0, peak_line_loss=0.03, model=ideal)
    assert one.flow(np.array([200.0])).losses_kw == pytest.approx(6.0)


def test_loading_is_one_at_the_limit_and_zero_for_injection() -> None:
    made = feeder()
    flow = made.flow(np.array([37.5 * 0.97, -10.0, 0.0]))
    loading = made.loading(flow)
    assert loading["t1"] == pytest.approx(1.0)
    assert loading["t2"] == 0.0
    assert loading[SUBSTATION] == pytest.approx(flow.substation_kw / 80.0)


def test_overloaded_elements_are_named_and_a_limit_itself_is_no_overload() -> None:
    made = feeder(limit_kw=30.0)
    at_limit = made.transformer_limit_kw * np.array([1.0, 0.0, 0.0])
    assert made.overloaded(made.flow(at_limit)) == (SUBSTATION,)
    assert made.overloaded(made.flow(at_limit + np.array([0.001, 0.0, 0.0]))) == ("t1", SUBSTATION)
    assert feeder(limit_kw=90.0).overloaded(made.flow(at_limit)) == ()


def test_the_overload_setting_raises_the_limits_of_transformers() -> None:
    made = network(
        {"t": 10.0},
        substation_limit_kw=90.0,
        peak_kw=10.0,
        peak_line_loss=0.0,
        model=TransformerModel(power_factor=0.9, overload=1.5),
    )
    assert made.transformer_limit_kw.tolist() == pytest.approx([13.5])


@settings(deadline=None, max_examples=25)
@given(fixed=LOADS, flexible=CONSUMPTION, limit_kw=st.floats(1.0, 150.0))
def test_the_largest_share_fits_and_a_larger_one_does_not(
    fixed: np.ndarray, flexible: np.ndarray, limit_kw: float
) -> None:
    made = feeder(limit_kw)
    share = made.largest_share(fixed, flexible)
    assert 0.0 <= share <= 1.0
    if share > 0.0:
        assert made.flow(fixed + share * flexible).substation_kw <= limit_kw
    if share < 1.0:
        assert made.flow(fixed + (share + 1e-9) * flexible).substation_kw > limit_kw - 1e-9


@settings(deadline=None, max_examples=25)
@given(fixed=LOADS, flexible=CONSUMPTION, limits=st.tuples(st.floats(1.0, 150.0), st.floats(1.0, 150.0)))
def test_the_largest_share_grows_with_the_limit(
    fixed: np.ndarray, flexible: np.ndarray, limits: tuple[float, float]
) -> None:
    tight, wide = sorted(limits)
    assert feeder(tight).largest_share(fixed, flexible) <= feeder(wide).largest_share(fixed, flexible)


@settings(deadline=None, max_examples=25)
@given(load=CONSUMPTION)
def test_a_load_that_is_exactly_at_the_limit_is_left_whole(load: np.ndarray) -> None:
    exactly = feeder().flow(load).substation_kw
    assert feeder(exactly).largest_share(np.zeros(3), load) == 1.0


def test_no_share_is_left_when_the_fixed_load_alone_is_too_much() -> None:
    assert feeder(10.0).largest_share(np.full(3, 20.0), np.full(3, 1.0)) == 0.0


@settings(deadline=None, max_examples=25)
@given(rows=st.lists(st.tuples(st.integers(0, 3), st.floats(-9.0, 9.0)), max_size=20))
def test_powers_are_summed_by_transformer(rows: list[tuple[int, float]]) -> None:
    places = np.array([place for place, _ in rows], dtype=np.intp)
    total = by_transformer(places, np.array([power for _, power in rows], dtype=float), 4)
    assert total.tolist() == pytest.approx([sum(power for at, power in rows if at == place) for place in range(4)])
