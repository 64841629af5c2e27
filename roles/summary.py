"""What a run comes down to: prices, energy, peak against limit, bills, books."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from ..kernel import Result

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[str, str]


def summary(result: Result) -> Iterator[Row]:
    """Rows for the summary of a run, from whatever it has recorded."""
    parts = {
        "feeder_read": _feeders,
        "clearing_result": _prices,
        "order_response": _responses,
        "award": _awards,
        "bill": _bills,
        "account_statement": _books,
    }
    there = set(result.tables())
    for name, part in parts.items():
        if name in there:
            yield from part(result.table(name))


def _feeders(reads: pa.Table) -> Iterator[Row]:
    feeders = _groups(reads, "feeder")
    for (feeder,) in feeders:
        of = f" of {feeder}" if len(feeders) > 1 else ""
        yield from _feeder(_where(reads, feeder=feeder), of)


def _feeder(reads: pa.Table, of: str) -> Iterator[Row]:
    hours = pc.divide(pc.cast(reads["duration"], "int64"), 3.6e12)
    power = pc.divide(reads["substation_kwh"], hours)
    peak = pc.max(power).as_py()
    at = pc.index(power, pc.max(power)).as_py()
    limit = reads["import_limit_kw"][at].as_py()
    metered, losses = _sum(reads, "metered_kwh"), _sum(reads, "losses_kwh")
    bound = pc.sum(pc.greater(power, 0.97 * limit)).as_py() or 0
    yield (
        f"substation{of}",
        f"{_sum(reads, 'substation_kwh'):,.0f} kWh = {metered:,.0f} metered + {losses:,.0f} losses",
    )
    yield (
        f"peak against limit{of}",
        f"{peak:,.1f} of {limit:,.1f} kW; within 3 % of it in {bound} of {len(reads)} intervals",
    )
    yield f"curtailed by the DO{of}", f"{_sum(reads, 'curtailed_kwh'):,.2f} kWh"


def _prices(results: pa.Table) -> Iterator[Row]:
    for market, product in _groups(results, "market", "product"):
        rows = _where(results, market=market, product=product)
        price = pc.min_max(rows["price_per_kwh"]).as_py()
        congested = pc.sum(pc.greater(pc.list_value_length(rows["binding"]), 0)).as_py() or 0
        yield (
            f"{market}, {product}",
            f"{price['min']:.4f} to {price['max']:.4f} $/kWh, mean {pc.mean(rows['price_per_kwh']).as_py():.4f}; "
            f"limited by the network in {congested} of {len(rows)} slots",
        )


def _responses(responses: pa.Table) -> Iterator[Row]:
    """Orders that were not taken, by the code of the reason."""
    codes = pc.list_flatten(_where(responses, status="rejected")["reasons.code"])
    counts = sorted((c["values"], c["counts"]) for c in pc.value_counts(codes).to_pylist())
    if counts:
        yield "orders rejected", ", ".join(f"{count:,} {code}" for code, count in counts)


def _awards(awards: pa.Table) -> Iterator[Row]:
    statuses = pc.list_flatten(awards["status"])
    counts = sorted((c["values"], c["counts"]) for c in pc.value_counts(statuses).to_pylist())
    yield "awards of slots", f"{len(statuses):,}: " + ", ".join(f"{count:,} {status}" for status, count in counts)


def _bills(bills: pa.Table) -> Iterator[Row]:
    for (lse,) in _groups(bills, "lse"):
        due = totals_of_bills(bills, lse)
        yield (
            f"bills of {lse}",
            f"{sum(due):,.2f} $ from {len(due)} customers, {min(due):,.2f} to {max(due):,.2f} $",
        )


def totals_of_bills(bills: pa.Table, lse: str) -> list[float]:
    """What each customer of a retailer owes after all periods and revisions, in the order of usage points [$]."""
    rows = _where(bills, lse=lse)
    total: dict[str, float] = {}
    for usage_point, due in zip(rows["usage_point"].to_pylist(), rows["adjustment"].to_pylist(), strict=True):
        total[usage_point] = total.get(usage_point, 0.0) + float(due)
    return [amount for _, amount in sorted(total.items())]


def _books(statements: pa.Table) -> Iterator[Row]:
    for row in statements.to_pylist():
        if not row["sender"].startswith("agent."):
            yield f"balance of {row['sender']}", f"{row['balance']:,.2f} $"
    yield "sum over all parties", f"{pc.sum(statements['balance']).as_py():,.2f} $"


def _groups(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return sorted(set(zip(*(table[name].to_pylist() for name in names), strict=True)))


def _where(table: pa.Table, **values: str) -> pa.Table:
    for name, value in values.items():
        table = table.filter(pc.equal(table[name], value))
    return table


def _sum(table: pa.Table, name: str) -> float:
    total: float = pc.sum(table[name]).as_py() or 0.0
    return total
