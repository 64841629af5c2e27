"""Two ways of supplying the same customers, side by side: what changes in peak, energy and bills."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from ..kernel import HOUR, Placement, Result, Setting, field, value
from ..kernel.activity import Main
from .lse.rate_making.recorded import expenses_of
from .summary import totals_of_bills

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[str, str]


@value
class Comparison:
    """Plug-in ``[comparison.NAME]``: a base and a variant, each a feeder with a retailer of its own.

    It has no component: it says what the summary of the run compares. Customers are paired in the order of their names.
    """

    placement = Placement.KEPT

    base_do: str = field("distribution operator of the base")
    base_lse: str = field("retailer of the base")
    variant_do: str = field("distribution operator of the variant")
    variant_lse: str = field("retailer of the variant")

    def references(self) -> Iterable[tuple[str, str]]:
        """Both feeders and both retailers."""
        yield "base_do", f"do.{self.base_do}"
        yield "base_lse", f"lse.{self.base_lse}"
        yield "variant_do", f"do.{self.variant_do}"
        yield "variant_lse", f"lse.{self.variant_lse}"

    def components(self, _: str, __: Setting) -> Iterable[tuple[str, Main]]:
        """None."""
        return ()


def comparisons(result: Result) -> Iterator[Row]:
    """Rows for the summary of a run: what each of its comparisons comes to."""
    there = set(result.tables())
    for member in result.scenario.members:
        comparison = member.settings
        if isinstance(comparison, Comparison) and {"feeder_read", "bill"} <= there:
            yield from _feeders(comparison, result.table("feeder_read"))
            yield from _bills(comparison, result.table("bill"))
        if isinstance(comparison, Comparison) and "payment" in there:
            yield from _expenses(comparison, result.table("payment"))


def _feeders(comparison: Comparison, reads: pa.Table) -> Iterator[Row]:
    base, variant = (
        reads.filter(pc.equal(reads["feeder"], name)) for name in (comparison.base_do, comparison.variant_do)
    )
    names = f"{comparison.variant_lse} against {comparison.base_lse}"
    yield f"peak, {names}", _change(_peak_kw(base), _peak_kw(variant), "kW")
    before_kwh, after_kwh = (pc.sum(each["substation_kwh"]).as_py() for each in (base, variant))
    yield f"energy, {names}", _change(before_kwh, after_kwh, "kWh")


def _peak_kw(reads: pa.Table) -> float:
    hours = pc.divide(pc.cast(reads["duration"], "int64"), float(HOUR))
    peak: float = pc.max(pc.divide(reads["substation_kwh"], hours)).as_py()
    return peak


def _bills(comparison: Comparison, bills: pa.Table) -> Iterator[Row]:
    base, variant = (totals_of_bills(bills, name) for name in (comparison.base_lse, comparison.variant_lse))
    names = f"{comparison.variant_lse} against {comparison.base_lse}"
    yield f"bills, {names}", _change(sum(base), sum(variant), "$")
    if len(base) == len(variant):
        lower = sum(after < before for before, after in zip(base, variant, strict=True))
        yield f"pay less, {names}", f"{lower} of {len(base)} customers"


def _expenses(comparison: Comparison, payments: pa.Table) -> Iterator[Row]:
    before, after = (expenses_of(payments, name) for name in (comparison.base_lse, comparison.variant_lse))
    yield f"retailer's expenses, {comparison.variant_lse} against {comparison.base_lse}", _change(before, after, "$")


def _change(before: float, after: float, unit: str) -> str:
    share = 100.0 * (after / before - 1.0) if before else 0.0
    return f"{before:,.1f} to {after:,.1f} {unit}, {share:+.1f} %"
