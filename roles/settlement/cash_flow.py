"""Cash-flow sheets of the DO, the LSEs and the MOs, from the payments that a run has recorded.

``python -m gridbus.roles.settlement.cash_flow RUN_FOLDER`` prints them. The line groups are those of the DSO+T study's
cash-flow sheet (PNNL-32170-4), given to the entity that they belong to. Money received is positive, money paid
negative; a transfer between two entities is in the sheet of each.
"""

from __future__ import annotations

import sys
import tomllib
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

import attrs

from ...kernel import DAY, Fault, InputError, Result, UsageError, field, value
from ...kernel.codec import structured
from ...kernel.records import read_manifest, read_table, table_names
from ..accounts import dollars

ROLES = ("do", "lse", "mo")
"""The entities that have a sheet."""

_YEAR_DAYS = 365.25


class Group(Enum):
    """A group of lines."""

    REVENUE = "revenue"
    WHOLESALE = "operating: wholesale"
    WIRES = "operating: wires"
    MARKET = "operating: market"
    RETAIL = "operating: retail"
    PLANT = "capital: plant"
    IT = "capital: IT"
    OVERHEADS = "overheads"
    RECEIVED = "transfers received"
    PAID = "transfers paid"
    OUTSTANDING = "invoiced, not paid yet"
    """For information: no money has moved, and the net does not contain it."""


_OPERATING = {"do": Group.WIRES, "lse": Group.RETAIL, "mo": Group.MARKET}


@value
class AnnualCost:
    """A cost that no message moves: annualised capital, labour, overheads."""

    entity: str = field("whose cost it is, such as do.wires")
    group: Group = field("group of lines")
    item: str = field("what it is for")
    amount_per_year: float = field("annual amount", unit="$/a", at_least=0)

    def check(self) -> Iterable[tuple[str, str]]:
        """The entity has a sheet, and the group is one of costs."""
        if _role(self.entity) not in ROLES:
            yield "entity", f"expected an address such as do.wires, of {', '.join(ROLES)}; got {self.entity!r}"
        if self.group in (Group.REVENUE, Group.RECEIVED, Group.PAID, Group.OUTSTANDING):
            yield "group", f"expected a group of costs, got {self.group.value!r}"


@attrs.frozen
class Flow:
    """Money from one address to another, or asked for."""

    payer: str
    payee: str
    kind: str
    amount: Decimal


@attrs.frozen
class SheetLine:
    """An item, with an amount for each entity of the sheet. [$]"""

    group: Group
    item: str
    amounts: tuple[Decimal, ...]


@attrs.frozen
class Sheet:
    """The cash flow of all entities of a role."""

    role: str
    entities: tuple[str, ...]
    lines: tuple[SheetLine, ...]

    def sums(self, group: Group | None = None) -> tuple[Decimal, ...]:
        """What a group comes to for each entity; without one, the net cash flow [$]."""
        chosen = [
            line
            for line in self.lines
            if (line.group is not Group.OUTSTANDING if group is None else line.group is group)
        ]
        return tuple(sum((line.amounts[k] for line in chosen), Decimal(0)) for k in range(len(self.entities)))


def sheets(
    payments: Iterable[Flow],
    invoices: Iterable[Flow] = (),
    *,
    entities: Iterable[str] = (),
    costs: Iterable[AnnualCost] = (),
    years: float = 0.0,
) -> tuple[Sheet, ...]:
    """The three sheets, from what was paid and asked for; ``entities`` have a column whether they paid or not."""
    payments = list(payments)
    entries = [*_entries(payments), *_outstanding(payments, invoices)]
    entries += [(each.entity, each.group, each.item, -dollars(each.amount_per_year * years)) for each in costs]
    named = set(entities) | {entity for entity, *_ in entries}
    return tuple(_sheet(role, sorted(name for name in named if _role(name) == role), entries) for role in ROLES)


def cash_flow(folder: Path, costs: Sequence[AnnualCost] = ()) -> tuple[Sheet, ...]:
    """The three sheets of a run folder; annual costs count for the length of the run.

    Raises:
        UsageError: it is no run folder.
    """
    scenario = read_manifest(folder)["scenario"]
    start, stop = (datetime.fromisoformat(scenario[key]) for key in ("start", "stop"))
    there = table_names(folder)
    return sheets(
        _payments(folder) if "payment" in there else (),
        _invoices(folder) if "invoice" in there else (),
        entities=[f"{role}.{name}" for role in ROLES for name in scenario.get(role, {})],
        costs=costs,
        years=(stop - start).total_seconds() * 1e9 / DAY / _YEAR_DAYS,
    )


def text(made: Iterable[Sheet]) -> str:
    """The sheets as people read them."""
    return "\n\n".join("\n".join(_text_lines(sheet)) for sheet in made) + "\n"


def csv(made: Iterable[Sheet]) -> str:
    """The sheets as one table: role, entity, group, item, amount."""
    rows = ["role,entity,group,item,amount"]
    for sheet in made:
        for line in sheet.lines:
            pairs = zip(sheet.entities, line.amounts, strict=True)
            rows += [f'{sheet.role},{name},"{line.group.value}","{line.item}",{amount:f}' for name, amount in pairs]
    return "\n".join(rows) + "\n"


def summary(result: Result) -> Iterator[tuple[str, str]]:
    """A row for each role with what its groups of lines come to."""
    if result.path is None or "payment" not in result.tables():
        return
    for sheet in cash_flow(result.path):
        groups = dict.fromkeys(line.group for line in sheet.lines)
        parts = [f"{group.value} {sum(sheet.sums(group)):,.2f}" for group in groups]
        if parts:
            yield f"cash flow, {sheet.role.upper()}", f"{', '.join(parts)}: {sum(sheet.sums()):,.2f} $"


def _role(address: str) -> str:
    return address.partition(".")[0]


_Entry = tuple[str, Group, str, Decimal]
"""Entity, group, item, amount."""


def _entries(payments: Iterable[Flow]) -> Iterator[_Entry]:
    for flow in payments:
        payer, payee = _role(flow.payer), _role(flow.payee)
        if payer in ROLES:
            yield flow.payer, *_paid(payer, payee, flow.kind), -flow.amount
        if payee in ROLES:
            inside = Group.RECEIVED, f"from {payer.upper()}: {flow.kind}"
            yield flow.payee, *(inside if payer in ROLES else (Group.REVENUE, flow.kind)), flow.amount


def _paid(payer: str, payee: str, kind: str) -> tuple[Group, str]:
    if payee in ROLES:
        return Group.PAID, f"to {payee.upper()}: {kind}"
    return (Group.WHOLESALE if payee == "wholesale" else _OPERATING[payer]), kind


def _outstanding(payments: Iterable[Flow], invoices: Iterable[Flow]) -> Iterator[_Entry]:
    asked: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for flow in invoices:
        asked[flow.payer, flow.payee, flow.kind] += flow.amount
    for flow in payments:
        if (key := (flow.payer, flow.payee, flow.kind)) in asked:
            asked[key] -= flow.amount
    for (payer, payee, kind), amount in asked.items():
        for entity, other, signed in ((payer, payee, -amount), (payee, payer, amount)):
            if amount and _role(entity) in ROLES:
                yield entity, Group.OUTSTANDING, f"{other}: {kind}", signed


def _sheet(role: str, entities: Sequence[str], entries: Iterable[_Entry]) -> Sheet:
    places = {name: place for place, name in enumerate(entities)}
    sums: dict[tuple[Group, str], list[Decimal]] = {}
    for entity, group, item, amount in entries:
        if entity in places:
            sums.setdefault((group, item), [Decimal(0)] * len(places))[places[entity]] += amount
    order = list(Group)
    keys = sorted(sums, key=lambda key: (order.index(key[0]), key[1]))
    return Sheet(role, tuple(entities), tuple(SheetLine(*key, tuple(sums[key])) for key in keys))


def _text_lines(sheet: Sheet) -> Iterator[str]:
    columns = [name.partition(".")[2] for name in sheet.entities]
    is_several = len(columns) > 1
    width = max(14, *(len(name) + 2 for name in columns))

    def row(item: str, amounts: Sequence[Decimal]) -> str:
        shown = [*amounts, sum(amounts, Decimal(0))] if is_several else amounts
        return f"{item:<40}" + "".join(f"{amount:>{width},.2f}" for amount in shown)

    yield f"{sheet.role.upper() + ' [$]':<40}" + "".join(
        f"{name:>{width}}" for name in [*columns, *["all"] * is_several]
    )
    for group in Group:
        lines = [line for line in sheet.lines if line.group is group]
        if group is Group.OUTSTANDING:
            yield row("net cash flow", sheet.sums())
        if lines:
            yield group.value
            yield from (row(f"  {line.item}", line.amounts) for line in lines)


def _payments(folder: Path) -> Iterator[Flow]:
    for row in read_table(folder, "payment").to_pylist():
        yield Flow(row["sender"], f"{row['payee_role']}.{row['payee']}", row["kind"], row["amount"])


def _invoices(folder: Path) -> Iterator[Flow]:
    for row in read_table(folder, "invoice").to_pylist():
        yield Flow(f"{row['payer_role']}.{row['payer']}", row["sender"], row["kind"], row["amount"])


def read_costs(path: Path) -> list[AnnualCost]:
    """Annual costs from a TOML file with tables ``[[cost]]``.

    Raises:
        InputError: the file cannot be read or is wrong; carries every fault.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("cost", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(str(path), [Fault("", f"cannot be read as TOML: {error}")]) from None
    costs, faults = [], []
    for place, table in enumerate(tables):
        cost, found = structured(AnnualCost, table, f"cost[{place}]")
        faults += found
        if cost is not None:
            costs.append(cost)
    if faults:
        raise InputError(str(path), faults)
    return costs


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the sheets of a run folder; returns the exit code."""
    parser = ArgumentParser(prog="python -m gridbus.roles.settlement.cash_flow", description=__doc__)
    parser.add_argument("run_folder", type=Path)
    parser.add_argument("--csv", action="store_true", help="one table instead of the sheets")
    parser.add_argument("--costs", type=Path, help="TOML file with tables [[cost]]: annual costs")
    chosen = parser.parse_args(arguments)
    try:
        made = cash_flow(chosen.run_folder, read_costs(chosen.costs) if chosen.costs else ())
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(csv(made) if chosen.csv else text(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
