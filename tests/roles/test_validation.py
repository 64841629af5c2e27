"""Validation of market results: the limits that are found are safe, and those who keep to them are left alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.roles.do.network import Network, TransformerModel, network
from gridbus.roles.do.validation import Finding, validate
from gridbus.roles.interfaces import SUBSTATION

OTHER = st.lists(st.floats(-10.0, 20.0), min_size=3, max_size=3).map(np.array)
MARKET = st.lists(st.floats(-10.0, 40.0), min_size=3, max_size=3).map(np.array)


def feeder(limit_kw: float = 60.0, model: TransformerModel | None = None) -> Network:
    ratings = {"t1": 25.0, "t2": 37.5, "t3": 15.0}
    return network(ratings, substation_limit_kw=limit_kw, peak_kw=100.0, peak_line_loss=0.02, model=model)


def kept(market: np.ndarray, findings: list[Finding]) -> np.ndarray:
    """What the market draws when its consumption is scaled to the limits, transformers first."""
    market = market.copy()
    for found in findings:
        if found.element == SUBSTATION:
            consuming, injecting = np.maximum(market, 0.0), np.minimum(market, 0.0)
            share = max(found.import_limit_kw - injecting.sum(), 0.0) / consuming.sum()
            market = share * consuming + injecting
        else:
            place = int(found.element[1]) - 1
            market[place] = max(found.import_limit_kw, 0.0)
    return market


@settings(deadline=None, max_examples=25)
@given(other=OTHER, market=MARKET, limit_kw=st.floats(60.0, 120.0), margin_kw=st.sampled_from([0.0, 5.0]))
def test_a_market_that_keeps_to_the_limits_found_is_feasible(
    other: np.ndarray, market: np.ndarray, limit_kw: float, margin_kw: float
) -> None:
    made = feeder(limit_kw)
    tight = kept(market, validate(made, other, market, margin_kw=margin_kw))
    alone = made.flow(other + np.minimum(tight, 0.0)).substation_kw
    findings = validate(made, other, tight, margin_kw=margin_kw)
    assert [found for found in findings if found.element != SUBSTATION or alone <= limit_kw - margin_kw] == []


@settings(deadline=None, max_examples=25)
@given(other=OTHER, market=MARKET)
def test_a_result_gives_no_finding_exactly_when_the_power_flow_shows_no_overload_by_the_market(
    other: np.ndarray, market: np.ndarray
) -> None:
    made = feeder()
    overloaded = set(made.overloaded(made.flow(other + market)))
    found = {finding.element for finding in validate(made, other, market)}
    if not overloaded:
        assert found == set()
    places = {f"t{place + 1}" for place in np.flatnonzero(market > 1e-3).tolist()}
    assert found - {SUBSTATION} == overloaded & places or np.any(np.abs(market) < 1e-3)


def test_a_transformer_leaves_the_market_what_the_other_load_does_not_take() -> None:
    findings = validate(feeder(), np.array([0.0, 0.0, 9.55]), np.array([0.0, 0.0, 8.0]))
    assert [(found.element, found.import_limit_kw) for found in findings] == [("t3", pytest.approx(5.0))]
    assert findings[0].loading == pytest.approx(17.55 / 14.55)


def test_the_substation_limit_is_what_an_ideal_feeder_leaves_less_a_hair() -> None:
    ideal = TransformerModel(no_load_fraction=0.0, load_loss_fraction=0.0)
    made = network({"t1": 90.0, "t2": 90.0}, substation_limit_kw=60.0, peak_kw=1.0, peak_line_loss=0.0, model=ideal)
    findings = validate(made, np.array([20.0, 0.0]), np.array([30.0, 30.0]))
    assert [found.element for found in findings] == [SUBSTATION]
    assert findings[0].import_limit_kw == pytest.approx(40.0, abs=0.02)
    assert findings[0].import_limit_kw <= 40.0


def test_a_margin_is_kept_free_at_the_substation() -> None:
    ideal = TransformerModel(no_load_fraction=0.0, load_loss_fraction=0.0)
    made = network({"t1": 90.0}, substation_limit_kw=60.0, peak_kw=1.0, peak_line_loss=0.0, model=ideal)
    assert validate(made, np.zeros(1), np.array([51.0]), margin_kw=8.0) == []
    found = validate(made, np.zeros(1), np.array([53.0]), margin_kw=8.0)
    assert found[0].import_limit_kw == pytest.approx(52.0, abs=0.02)


def test_a_market_that_only_injects_is_never_to_blame() -> None:
    findings = validate(feeder(20.0), np.full(3, 30.0), np.full(3, -1.0))
    assert [found.element for found in findings if found.element != SUBSTATION] == []


def test_a_market_that_clears_at_its_limit_elsewhere_on_the_feeder_needs_no_third_clearing() -> None:
    # The same sum at places with a higher loading has higher losses: the limit leaves room for that.
    made = feeder(60.0)
    (found,) = validate(made, np.zeros(3), np.array([22.0, 33.0, 10.0]))
    share = found.import_limit_kw / 65.0
    moved = np.array([22.0, 33.0, 10.0]) * share + np.array([0.6, 0.0, -0.6])
    assert moved.sum() == pytest.approx(found.import_limit_kw)
    assert validate(made, np.zeros(3), moved) == []
