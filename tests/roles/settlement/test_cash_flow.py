"""Cash-flow sheets: both sides of each transfer, and a recorded run to its last cent."""

from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, Head, InputError, Kernel, Port, Result, Scenario
from gridbus.kernel.records import Recorder, read_table
from gridbus.kernel.testing import CALENDAR
from gridbus.roles.accounts import Account
from gridbus.roles.interfaces import BILLING, TransferKind
from gridbus.roles.settlement.cash_flow import (
    ROLES,
    AnnualCost,
    Flow,
    Group,
    Sheet,
    cash_flow,
    csv,
    main,
    read_costs,
    sheets,
    summary,
    text,
)

ENTITIES = ["do.wires", "lse.green", "lse.simple", "mo.retail"]
ADDRESSES = [*ENTITIES, "agent.h1", "wholesale.iso"]
FLOWS = st.lists(
    st.builds(
        Flow,
        payer=st.sampled_from(ADDRESSES),
        payee=st.sampled_from(ADDRESSES),
        kind=st.sampled_from([kind.value for kind in TransferKind]),
        amount=st.integers(-(10**6), 10**6).map(lambda cents: Decimal(cents) / 100),
    ),
    max_size=20,
)


def net(made: tuple[Sheet, ...]) -> dict[str, Decimal]:
    return {name: amount for sheet in made for name, amount in zip(sheet.entities, sheet.sums(), strict=True)}


@given(FLOWS)
def test_the_net_of_every_entity_is_what_it_received_less_what_it_paid(flows: list[Flow]) -> None:
    found = net(sheets(flows, entities=ENTITIES))
    for name in ENTITIES:
        received = sum(flow.amount for flow in flows if flow.payee == name)
        paid = sum(flow.amount for flow in flows if flow.payer == name)
        assert found[name] == received - paid


@given(FLOWS)
def test_transfers_between_entities_are_there_once_as_paid_and_once_as_received(flows: list[Flow]) -> None:
    made = sheets(flows, entities=ENTITIES)
    paid = sum((sum(sheet.sums(Group.PAID)) for sheet in made), Decimal(0))
    received = sum((sum(sheet.sums(Group.RECEIVED)) for sheet in made), Decimal(0))
    assert paid + received == 0
    assert received == sum(f.amount for f in flows if f.payer in ENTITIES and f.payee in ENTITIES)


def test_lines_are_in_the_groups_of_the_study() -> None:
    rent, cents = TransferKind.CONGESTION_RENT.value, Decimal("0.01")
    flows = [
        Flow("agent.h1", "lse.green", "retail bill", 500 * cents),
        Flow("lse.green", "wholesale.iso", "wholesale energy", 200 * cents),
        Flow("lse.green", "mo.retail", rent, 30 * cents),
        Flow("mo.retail", "do.wires", rent, 30 * cents),
    ]
    asked = [
        Flow("lse.green", "do.wires", "use of system", 40 * cents),
        Flow("lse.green", "mo.retail", rent, 30 * cents),
    ]
    costs = [AnnualCost("do.wires", Group.PLANT, "feeders", 730.5)]
    do, lse, mo = sheets(flows, asked, costs=costs, years=1 / 365.25)

    assert [(line.group, line.item, line.amounts[0]) for line in do.lines] == [
        (Group.PLANT, "feeders", Decimal(-2)),
        (Group.RECEIVED, "from MO: congestion rent", Decimal("0.3")),
        (Group.OUTSTANDING, "lse.green: use of system", Decimal("0.4")),
    ]
    assert [(line.group, line.item, line.amounts[0]) for line in lse.lines] == [
        (Group.REVENUE, "retail bill", Decimal(5)),
        (Group.WHOLESALE, "wholesale energy", Decimal(-2)),
        (Group.PAID, "to MO: congestion rent", Decimal("-0.3")),
        (Group.OUTSTANDING, "do.wires: use of system", Decimal("-0.4")),
    ]
    assert (lse.sums(), mo.sums(), do.sums()) == ((Decimal("2.7"),), (Decimal(0),), (Decimal("-1.7"),))
    shown = text([lse])
    assert shown.index("net cash flow") < shown.index("invoiced, not paid yet")
    assert shown.count("2.70") == 1


# A recorded run


STOP = 3 * HOUR
HEAD = {"start": "2025-01-01T00:00:00+00:00", "stop": "2025-01-01T03:00:00+00:00"}


async def wires(port: Port) -> None:
    account = Account(port)
    for activity in (account.receive, account.settle_invoices, account.close):
        port.start(activity())
    await port.sleep_until(STOP, BILLING)
    account.invoice("lse", "green", TransferKind.USE_OF_SYSTEM, Decimal("7.10"))
    account.invoice("lse", "simple", TransferKind.USE_OF_SYSTEM, Decimal("3.30"))


async def market(port: Port) -> None:
    account = Account(port)
    for activity in (account.receive, account.close):
        port.start(activity())
    await port.sleep_until(STOP, BILLING)
    account.settle("lse", "green", TransferKind.CONGESTION_RENT, Decimal("2.50"))
    account.settle("do", "wires", TransferKind.CONGESTION_RENT, Decimal("-2.50"))
    account.settle("do", "wires", TransferKind.MARKET_SHARE, Decimal("0.40"))


async def retailer(port: Port) -> None:
    account = Account(port)
    for activity in (account.receive, account.settle_invoices, account.close):
        port.start(activity())
    await port.sleep_until(STOP, BILLING)
    account.pay("wholesale", "iso", TransferKind.WHOLESALE_ENERGY, Decimal("5.00"))


async def customer(port: Port) -> None:
    account = Account(port)
    port.start(account.close())
    await port.sleep_until(STOP, BILLING)
    account.pay("lse", "green", TransferKind.BILL, Decimal("19.99"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of a run in which every entity pays and is paid."""
    members = {"do": {"wires": {}}, "lse": {"green": {}, "simple": {}}, "mo": {"retail": {}}}
    path = tmp_path_factory.mktemp("runs") / "run"
    recorder = Recorder(path, CALENDAR, {"scenario": {**HEAD, **members}})
    kernel = Kernel(CALENDAR, stop=STOP, seed=0, observers=(recorder,))
    for address, main_of in (
        ("do.wires", wires),
        ("lse.green", retailer),
        ("lse.simple", retailer),
        ("mo.retail", market),
        ("agent.h1", customer),
    ):
        kernel.add(address, main_of)
    anyio.run(kernel.run)
    recorder.close("done", {})
    return path


def test_the_sheets_of_a_run_agree_with_its_accounts(folder: Path) -> None:
    made = cash_flow(folder)
    assert tuple(sheet.role for sheet in made) == ROLES
    balances = {row["sender"]: row["balance"] for row in read_table(folder, "account_statement").to_pylist()}
    assert net(made) == {name: balances[name] for name in net(made)}
    assert set(net(made)) == set(ENTITIES)
    assert sum(sum(sheet.sums(Group.RECEIVED)) for sheet in made) == Decimal("15.80")
    assert net(made)["do.wires"] == Decimal("12.50")


def test_the_command_prints_sheets_or_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == 0
    assert "from LSE: use of system" in capsys.readouterr().out
    assert main([str(folder), "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "role,entity,group,item,amount"
    assert len(lines) == 1 + sum(len(sheet.lines) * len(sheet.entities) for sheet in cash_flow(folder))
    assert csv(cash_flow(folder)).splitlines() == lines


def test_the_summary_has_one_row_for_each_role(folder: Path) -> None:
    scenario = Scenario(Head(name="x", start=CALENDAR.start, stop=CALENDAR.utc(STOP)), ())
    statistics = Kernel(CALENDAR, stop=STOP, seed=0).statistics()
    rows = dict(summary(Result(scenario, folder, "", 0.0, statistics)))
    assert list(rows) == ["cash flow, DO", "cash flow, LSE", "cash flow, MO"]
    for sheet in cash_flow(folder):
        assert rows[f"cash flow, {sheet.role.upper()}"].endswith(f"{sum(sheet.sums()):,.2f} $")


def test_annual_costs_come_from_a_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "costs.toml"
    path.write_text(
        '[[cost]]\nentity = "mo.retail"\ngroup = "operating: market"\nitem = "labour"\namount_per_year = 8766'
    )
    assert main([str(folder), "--costs", str(path)]) == 0
    # 8,766 hours of a year, three of which were run.
    assert "labour" in (shown := capsys.readouterr().out)
    assert "-3.00" in shown


def test_all_faults_of_a_file_of_costs_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "costs.toml"
    path.write_text(
        '[[cost]]\nentity = "agent.h1"\ngroup = "revenue"\nitem = "x"\namount_per_year = 1\n'
        '[[cost]]\nentity = "do.wires"\ngroup = "capital: plant"\nitem = "x"\namount_per_year = -1\n'
    )
    with pytest.raises(InputError) as caught:
        read_costs(path)
    assert len(caught.value.faults) == 3
    assert main([str(tmp_path), "--costs", str(path)]) == 2
    assert main([str(tmp_path)]) == 2
    assert "no run folder" in capsys.readouterr().err
