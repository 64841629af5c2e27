"""Who is a customer, from when to when."""

from typing import Any

from gridbus.roles.interfaces import Assignment
from gridbus.roles.lse.customers import Customers


def assignment(start: int = 0, end: int | None = None, **changes: Any) -> Assignment:
    fields: dict[str, Any] = {"usage_point": "h1", "tariff": "flat", "market": "none", "customer": "ann"}
    return Assignment(lse="green", transformer="t1", effective_from=start, effective_to=end, **(fields | changes))


def test_a_customer_is_one_from_the_first_instant_of_a_contract_to_the_last() -> None:
    customers = Customers()
    for each in (
        assignment(),
        assignment(0, 5),
        assignment(5, tariff="gold", market="retail"),
        assignment(7, 7, usage_point="h0"),
        assignment(usage_point="h0"),
    ):
        customers.take(each)
    assert [customers.at(instant, "none").usage_points for instant in (4, 5)] == [("h0", "h1"), ("h0",)]
    assert [customers.at(instant, "retail").usage_points for instant in (4, 5)] == [(), ("h1",)]
    assert [(c.usage_point, c.effective_from) for c in customers] == [("h0", 0), ("h1", 0), ("h1", 5)]
    held = customers.contract("h1", 5)
    assert held is not None
    assert held.tariff == "gold"
    assert customers.contract("h2", 0) is None


def test_usage_points_have_places_in_the_order_in_which_they_came_and_groups_that_of_names() -> None:
    customers = Customers()
    for name in ("h2", "h1", "h3"):
        customers.take(assignment(usage_point=name, tariff="gold" if name == "h3" else "flat"))
    assert customers.at(0, "none").usage_points == ("h1", "h2", "h3")
    assert customers.at(0, "none").places.tolist() == [1, 0, 2]
    supplied = customers.supplied(0)
    assert (supplied.tariffs, supplied.tariff.tolist()) == (("flat", "gold"), [0, 0, 1])
    customers.take(assignment(0, 0, usage_point="h1"))
    assert customers.at(0, "none").places.tolist() == [0, 2]
    assert customers.supplied(0).tariff.tolist() == [0, -1, 1]
