"""The crossing of the wholesale stand-in against a search over all prices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.roles.wholesale_curve import Bid, QuadraticSupply, clear_wholesale

SUPPLY = st.builds(QuadraticSupply, st.floats(0.01, 0.2), st.floats(0.0, 1e-3), st.floats(0.0, 1e-6))


@st.composite
def bids(draw: st.DrawFn) -> Bid:
    count = draw(st.integers(1, 4))
    quantity = sorted(draw(st.lists(st.floats(0.0, 300.0), min_size=count, max_size=count)))
    price = sorted(draw(st.lists(st.floats(0.0, 0.6), min_size=count, max_size=count)), reverse=True)
    return Bid(tuple(quantity), tuple(price))


@settings(deadline=None, max_examples=25)
@given(supply=SUPPLY, made=st.lists(bids(), max_size=4))
def test_the_price_is_the_lowest_at_which_supply_asks_no_more(supply: QuadraticSupply, made: list[Bid]) -> None:
    price, quantities = clear_wholesale(supply, made)
    assert quantities == [bid.quantity_at(price) for bid in made]
    for candidate in np.linspace(0.0, 1.0, 1001).tolist():
        asked = supply.price_at(sum(bid.quantity_at(candidate) for bid in made))
        if candidate < price - 1e-9 and candidate >= supply.intercept_per_kwh:
            assert asked > candidate - 1e-9
        if candidate > price + 1e-9:
            assert asked <= candidate + 1e-9


def test_a_fixed_bid_pays_the_price_of_its_quantity() -> None:
    price, quantities = clear_wholesale(
        QuadraticSupply(0.02, 1e-4, 1e-6), [Bid((100.0,), (0.0,)), Bid((50.0,), (0.0,))]
    )
    assert quantities == [100.0, 50.0]
    assert price == pytest.approx(0.02 + 0.015 + 0.0225)


def test_an_elastic_bid_meets_a_straight_supply_where_algebra_says() -> None:
    # Supply 0.05 + q / 1000, demand 200 kW less 1000 kW per $/kWh: q = 100, at 0.1 + 0.05.
    price, (quantity,) = clear_wholesale(QuadraticSupply(0.05, 1e-3, 0.0), [Bid((0.0, 200.0), (0.25, 0.05))])
    assert price == pytest.approx(0.15)
    assert quantity == pytest.approx(100.0)


def test_a_bid_below_all_supply_buys_nothing() -> None:
    price, (quantity,) = clear_wholesale(QuadraticSupply(0.3, 1e-3, 0.0), [Bid((0.0, 200.0), (0.2, 0.1))])
    assert quantity == 0.0
    assert price == pytest.approx(0.3)


def test_without_bids_the_price_is_that_of_no_power() -> None:
    assert clear_wholesale(QuadraticSupply(0.04, 1e-3, 0.0), []) == (0.04, [])


def test_net_injection_is_priced_like_no_power() -> None:
    price, quantities = clear_wholesale(QuadraticSupply(0.04, 1e-3, 1e-6), [Bid((-50.0,), (0.0,))])
    assert (price, quantities) == (pytest.approx(0.04), [-50.0])


def test_the_supply_price_rises_with_power_and_is_flat_below_zero() -> None:
    supply = QuadraticSupply(0.02, 1e-4, 1e-6)
    assert [supply.price_at(q) for q in (-5.0, 0.0, 100.0)] == pytest.approx([0.02, 0.02, 0.04])
