"""The book of a session: every reason for which an order is refused, and the arrays of those that are taken."""

from math import inf, nan
from typing import Any

import pytest

from gridbus.kernel import MINUTE
from gridbus.roles.interfaces import Order
from gridbus.roles.mo.order_book import OrderBook

SLOT = 5 * MINUTE
START = 60 * MINUTE


def book(slots: int = 2) -> OrderBook:
    return OrderBook(START, SLOT, slots, 1.0, 0.0, 1000.0, {"h1": "t1", "h2": "t2"})


def order(**changes: Any) -> Order:
    fields: dict[str, Any] = {
        "market": "retail",
        "product": "real-time",
        "resource": "h1-hvac",
        "usage_point": "h1",
        "slot_start": START,
        "slot_length": SLOT,
        "quantity_kw": (0.0, 2.0),
        "price_per_kwh": (0.3, 0.1),
    }
    return Order(**(fields | changes))


def test_a_sound_order_is_taken() -> None:
    made = book()
    assert made.enter(order()) is None
    assert made.orders(0) == [order()]
    assert made.orders(1) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity_kw": (0.0, nan)}, "quantity_kw[1] is nan"),
        ({"price_per_kwh": (inf, 0.1)}, "price_per_kwh[0] is inf"),
        ({"quantity_kw": (2.0, 0.0)}, "quantity_kw[1] falls"),
        ({"price_per_kwh": (0.1, 0.3)}, "price_per_kwh[1] rises"),
        ({"quantity_kw": (1.0,)}, "give one price per quantity"),
        ({"quantity_kw": (), "price_per_kwh": ()}, "empty"),
        ({"slot_start": START - SLOT}, "its slot is not in this session"),
        ({"slot_start": START + 2 * SLOT}, "its slot is not in this session"),
        ({"slot_start": START + 1}, "its slot is not in this session"),
        ({"slot_length": 2 * SLOT}, "its slot is not in this session"),
        ({"usage_point": "h7"}, "its usage point h7 does not belong to this market"),
        ({"price_per_kwh": (1.5, 0.1)}, "its prices leave the band [0, 1] $/kWh"),
        ({"price_per_kwh": (0.3, -0.1)}, "its prices leave the band [0, 1] $/kWh"),
    ],
)
def test_a_faulty_order_is_refused_with_the_reason_and_leaves_no_trace(changes: dict[str, Any], reason: str) -> None:
    made = book()
    refused = made.enter(order(**changes))
    assert refused is not None
    assert reason in refused
    assert made.orders(0) == made.orders(1) == []


def test_prices_at_the_edges_of_the_band_are_taken() -> None:
    assert book().enter(order(price_per_kwh=(1.0, 0.0))) is None


def test_a_second_order_of_a_resource_for_a_slot_is_refused_and_the_first_stays() -> None:
    made = book()
    made.enter(order())
    refused = made.enter(order(quantity_kw=(0.0, 9.0)))
    assert refused == "the resource has an order for this slot already"
    assert made.orders(0) == [order()]
    assert made.enter(order(slot_start=START + SLOT)) is None


def test_a_refused_order_does_not_use_up_the_resources_place() -> None:
    made = book()
    made.enter(order(quantity_kw=(2.0, 0.0)))
    assert made.enter(order()) is None


def test_all_reasons_are_given_at_once() -> None:
    made = book()
    refused = made.enter(order(quantity_kw=(nan, 2.0), slot_start=0, usage_point="h7"))
    assert refused is not None
    assert [part in refused for part in ("nan", "slot is not", "h7 does not belong")] == [True] * 3
    refused = made.enter(order(price_per_kwh=(3.0, 0.1), slot_start=0, usage_point="h7"))
    assert refused is not None
    assert [part in refused for part in ("leave the band", "slot is not", "h7 does not belong")] == [True] * 3


def test_arrays_hold_the_orders_by_resource_and_repeat_the_last_point_of_short_ones() -> None:
    made = book()
    made.enter(order(resource="h2", usage_point="h2", quantity_kw=(1.0,), price_per_kwh=(0.2,)))
    made.enter(order(resource="h1"))
    quantity_kw, price_per_kwh, transformer = made.arrays(0)
    assert quantity_kw.tolist() == [[0.0, 2.0], [1.0, 1.0]]
    assert price_per_kwh.tolist() == [[0.3, 0.1], [0.2, 0.2]]
    assert transformer.tolist() == [made.place("t1"), made.place("t2")]


def test_an_empty_slot_has_empty_arrays() -> None:
    quantity_kw, price_per_kwh, transformer = book().arrays(1)
    assert (quantity_kw.shape, price_per_kwh.shape, transformer.shape) == ((0, 1), (0, 1), (0,))


def test_a_transformer_without_usage_points_of_the_market_has_no_place() -> None:
    assert book().place("t9") == -1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity_kw": ("a", 1.0)}, "not numbers"),
        ({"slot_start": "soon"}, "not numbers"),
        ({"quantity_kw": (0.0, 1e9)}, "more than 1000 kW"),
        ({"resource": "h2-hvac"}, "no device of usage point h1"),
    ],
)
def test_nonsense_and_other_peoples_usage_points_are_refused(changes: dict[str, Any], reason: str) -> None:
    assert reason in (book().enter(order(**changes)) or "")
