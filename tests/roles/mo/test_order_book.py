"""The book of an instance as a pure object: curves as arrays, and what a book forgets and keeps."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gridbus.kernel import MINUTE
from gridbus.kernel.shape import evolved
from gridbus.roles.interfaces import CurveForm, Order, OrderStatus, Registration
from gridbus.roles.mo.order_book import OrderBook, stacked
from gridbus.roles.mo.order_faults import Limits, OrderRules

SLOTS = tuple(10 * MINUTE + number * 5 * MINUTE for number in range(3))


@pytest.fixture
def book(play) -> OrderBook:
    return OrderBook(OrderRules(play.spec(slots=3), SLOTS, Limits(held_kw=lambda *_: 0.0, cost=None)))


def entered(play, book: OrderBook, resource: str, rows, *, first: int = 0, **envelope) -> OrderStatus:
    order: Order = play.order(
        resource,
        first_slot=SLOTS[first],
        quantity_kw=tuple(tuple(q for q, _ in row) for row in rows),
        price_per_kwh=tuple(tuple(p for _, p in row) for row in rows),
    )
    registration: Registration = play.registration(resource)
    return book.enter(order, registration, **envelope)[0]


def test_curves_become_arrays_of_slots_orders_and_points(play, book: OrderBook) -> None:
    # The first order has another curve in each slot, of two and of one point; the second is for the last slot alone.
    two, one = ((0.0, 0.5), (4.0, 0.1)), ((1.0, 0.3),)
    entered(play, book, "h1-a", (two, one, two))
    entered(play, book, "h2-a", (one,), first=2)
    quantity_kw, price_per_kwh = stacked(list(book), 3)
    assert quantity_kw.shape == price_per_kwh.shape == (3, 2, 2)
    np.testing.assert_array_equal(quantity_kw[:, 0], [[0.0, 4.0], [1.0, 1.0], [0.0, 4.0]])
    np.testing.assert_array_equal(quantity_kw[:, 1], [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    np.testing.assert_array_equal(price_per_kwh[:, 0], [[0.5, 0.1], [0.3, 0.3], [0.5, 0.1]])


def test_arrays_without_orders_are_empty_for_every_slot(book: OrderBook) -> None:
    quantity_kw, price_per_kwh = stacked(list(book), 3)
    assert quantity_kw.shape == price_per_kwh.shape == (3, 0, 1)


def test_orders_come_by_resource_and_arrive_in_the_order_of_entry(play, book: OrderBook) -> None:
    for resource in ("h2-a", "h1-b", "h1-a"):
        entered(play, book, resource, (((1.0, 0.3),),))
    assert [(each.order.resource, each.arrival) for each in book] == [("h1-a", 3), ("h1-b", 2), ("h2-a", 1)]


def test_an_order_that_is_replaced_arrives_anew(play, book: OrderBook) -> None:
    for resource, revision in (("h1-a", 1), ("h2-a", 1), ("h1-a", 2)):
        entered(play, book, resource, (((1.0, 0.3),),), revision=revision)
    assert [(each.order.resource, each.arrival) for each in book] == [("h1-a", 3), ("h2-a", 2)]


def test_only_what_has_run_out_expires(play, book: OrderBook) -> None:
    for resource, until in (("h1-a", 5), ("h1-b", 6), ("h2-a", None)):
        entered(play, book, resource, (((1.0, 0.3),),), valid_until=until)
    assert [each.order.resource for each in book.expire(5)] == ["h1-a"]
    assert [each.order.resource for each in book] == ["h1-b", "h2-a"]


@pytest.mark.parametrize(("first", "rows", "status"), [(0, 3, OrderStatus.ACKNOWLEDGED), (1, 3, OrderStatus.REJECTED)])
def test_an_order_reaches_no_farther_than_the_horizon(play, book: OrderBook, first: int, rows: int, status) -> None:
    assert entered(play, book, "h1-a", (((1.0, 0.3),),) * rows, first=first) is status
    assert ("h1-a" in book) is (status is OrderStatus.ACKNOWLEDGED)


NUMBER = st.sampled_from([-12.0, -1.0, 0.0, 2.0, 9.0, 11.0, float("nan")])
PRICE = st.sampled_from([-0.1, 0.0, 0.3, 0.9, 1.1, float("inf")])
ROW = st.lists(NUMBER, max_size=3).map(lambda row: tuple(sorted(row)))
PRICES = st.lists(PRICE, max_size=3).map(lambda row: tuple(sorted(row, reverse=True)))
ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "usage_point": st.sampled_from(["h1", "h2"]),
        "first_slot": st.sampled_from([*SLOTS, 7]),
        "slot_length": st.sampled_from([5 * MINUTE, 7]),
        "quantity_kw": st.lists(ROW, max_size=4).map(tuple) | st.sampled_from([(("a",),), (1.0,)]),
        "price_per_kwh": st.lists(PRICES, max_size=4).map(tuple),
        "form": st.sampled_from(CurveForm),
    },
)


@example(changes={"usage_point": "h2"}, ratings=("h2", 10.0), held_kw=0.0, cost=None)
@given(
    changes=ORDERS,
    ratings=st.none() | st.tuples(st.sampled_from(["h1", "h2"]), st.sampled_from([0.0, 10.0])),
    held_kw=st.sampled_from([-3.0, 0.0, 1.0]),
    cost=st.none() | st.just(0.5),
)
def test_what_passes_at_first_sight_is_what_a_closer_look_finds_nothing_wrong_with(
    play, changes: dict[str, Any], ratings: tuple[str, float] | None, held_kw: float, cost: float | None
) -> None:
    rules = OrderRules(play.spec(slots=3), SLOTS, Limits(held_kw=lambda *_: held_kw, cost=cost))
    order = play.order("h1-a", (0.0, 0.9), (2.0, 0.1), **changes)
    registration = None
    if ratings is not None:
        registration = evolved(play.registration("h1-a", *ratings[1:] * 2), usage_point=ratings[0])
    plain, (reasons, curves) = rules.plain_curves(order, registration), rules.judged(order, registration, ())
    if plain is not None:
        assert (reasons, curves) == ((), plain)
    elif order.form is CurveForm.PIECEWISE_LINEAR and cost is None:
        assert reasons


def test_after_the_clearing_an_order_is_known_by_its_id_and_revision(play, book: OrderBook) -> None:
    entered(play, book, "h1-a", (((1.0, 0.3),),), revision=2)
    (order,) = (each.order for each in book)
    book.close()
    assert list(book) == []
    assert book.knows("h1-a", order.order_id)
    assert not book.knows("h1-a", "another")
    again, other = book.repeated(order, 2), book.repeated(order, 3)
    assert again is not None
    assert (again[0], other) == (OrderStatus.ACKNOWLEDGED, None)
