"""Who is a customer, from when to when."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from gridbus.kernel import MINUTE, Calendar
from gridbus.roles.interfaces import (
    Assignment,
)
from gridbus.roles.lse.customers import Customers

STEP = 5 * MINUTE
CALENDAR = Calendar(datetime(2025, 7, 1, tzinfo=UTC), ZoneInfo("UTC"))


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
    assert [customers.at(instant, "none") for instant in (4, 5)] == [("h0", "h1"), ("h0",)]
    assert [customers.at(instant, "retail") for instant in (4, 5)] == [(), ("h1",)]
    assert [(c.usage_point, c.effective_from) for c in customers] == [("h0", 0), ("h1", 0), ("h1", 5)]
    held = customers.contract("h1", 5)
    assert held is not None
    assert held.tariff == "gold"
    assert customers.contract("h2", 0) is None
