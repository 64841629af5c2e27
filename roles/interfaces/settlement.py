"""Money between entities: settlement statements and disputes, invoices, payments and statements of account.

Who asks and who pays is the sender of the message, which the kernel vouches for, and no field that could be forged.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

from ...kernel import LAST, Instant, field, message, value
from .response import Reason

BILLING = LAST
"""Priority within the last instant at which bills and invoices are made: after every meter has been read."""

CLOSING = LAST + 1
"""Priority at which accounts are closed: after every payment has arrived."""


class TransferKind(Enum):
    """What a transfer is for."""

    BILL = "retail bill"
    WHOLESALE_ENERGY = "wholesale energy"
    USE_OF_SYSTEM = "use of system"
    MARKET_FEE = "market fee"
    CONGESTION_RENT = "congestion rent"
    IMBALANCE = "imbalance"
    LOSSES = "losses"
    MARKET_SHARE = "market share"
    FLEXIBILITY = "flexibility"


class StatementType(Enum):
    """Which settlement of a market instance a statement is."""

    INITIAL = "initial"
    RECALCULATION = "recalculation"
    FINAL = "final"


class LineKind(Enum):
    """What a line of a statement is for."""

    DAY_AHEAD = "day-ahead energy"
    """What the market that is refined has awarded, at its price."""
    REAL_TIME = "real-time energy"
    """What the market itself awarded beyond that, and load that does not bid, at its price."""
    IMBALANCE = "imbalance"
    """What was metered beyond all awards, at the price of the market."""
    PENALTY = "imbalance penalty"
    """What the price of imbalance adds to the price of the market."""
    DAY_AHEAD_SUPPLY = "day-ahead supply"
    """Day-ahead energy at the price of its supply, to the retailer that supplies it."""
    REAL_TIME_SUPPLY = "real-time supply"
    """What was metered beyond day-ahead energy at the price of its supply, to the retailer that supplies it."""
    CONGESTION_RENT = "congestion rent"
    """What energy cost above the price of the supply, passed on."""
    LOSSES = "losses"
    MARKET_FEE = "market fee"
    FLEXIBILITY = "flexibility"
    """What was delivered of the flexibility that the distribution operator has ordered."""
    DEFICIENCY = "flexibility deficiency"
    """What was not delivered of it, at its penalty."""
    ROUNDING = "rounding"
    """What rounding leaves in the market operator's accounts; on no statement."""


class DisputeStatus(Enum):
    """What became of a dispute."""

    OPEN = "open"
    RESOLVED = "resolved"
    """The claim was right; a recalculation follows."""
    REJECTED = "rejected"


@value
class StatementLine:
    """One line of a statement."""

    slot: Instant = field("first instant of the slot", unit="ns")
    kind: LineKind = field("what it is for")
    quantity_kwh: float = field("energy that it is charged on, consumption positive", unit="kWh")
    price_per_kwh: float = field("price; the mean where it differs among usage points", unit="$/kWh")
    amount: Decimal = field("amount, positive when the party pays", unit="$")
    usage_point: str = field("usage point, where the line is about one", default="")


@message(
    topic="statement.{market}.{product}.{party}",
    senders=["mo.{market}"],
    receivers=["lse.{party}"],
    mirrors="ISO settlement statements: initial, recalculation, final; UFTP FlexSettlement",
)
class SettlementStatement:
    """What a retailer owes for the slots of one market instance; a later version replaces an earlier one."""

    market: str = field("market")
    product: str = field("series of the instance")
    party: str = field("retailer")
    clearing: Instant = field("instant of the clearing, which names the instance", unit="ns")
    statement: str = field("id of the statement")
    version: int = field("1, 2, 3, ... of the instance")
    type: StatementType = field("which settlement it is")
    start: Instant = field("first instant of the first slot", unit="ns")
    end: Instant = field("first instant after the last slot", unit="ns")
    lines: tuple[StatementLine, ...] = field("all lines; none when they are those of the version before")
    total: Decimal = field("sum of the lines, positive when the party pays", unit="$")
    estimated: bool = field("whether meter data were estimated")
    supersedes: str = field("id of the version before; empty for the first", default="")


@message(
    topic="dispute.{market}.{party}",
    senders=["lse.{party}"],
    receivers=["mo.{market}"],
    mirrors="UFTP FlexSettlementResponse with status Disputed",
)
class Dispute:
    """A retailer contests the quantity of a line of the latest statement of an instance."""

    market: str = field("market")
    party: str = field("retailer")
    product: str = field("series of the instance")
    clearing: Instant = field("instant of the clearing, which names the instance", unit="ns")
    dispute: str = field("id of the dispute")
    statement: str = field("id of the statement")
    line: int = field("place of the line in the statement, from 0", at_least=0)
    claimed_kwh: float = field("quantity that the retailer has", unit="kWh")
    evidence: str = field("what the claim rests on", default="")


@message(
    topic="dispute.{market}.{party}.answer",
    senders=["mo.{market}"],
    receivers=["lse.{party}"],
)
class DisputeAnswer:
    """What became of a dispute; an open one is answered again."""

    market: str = field("market")
    party: str = field("retailer")
    dispute: str = field("id of the dispute")
    statement: str = field("id of the statement")
    status: DisputeStatus = field("what became of it")
    reasons: tuple[Reason, ...] = field("why", default=())


@message(
    topic="invoice.{payer_role}.{payer}",
    senders=["do.*", "mo.*", "wholesale.*"],
    receivers=["lse.{payer}", "mo.{payer}", "do.{payer}"],
)
class Invoice:
    """The sender asks another entity to pay."""

    payer_role: str = field("role of who has to pay")
    payer: str = field("name of who has to pay")
    kind: TransferKind = field("what it is for")
    amount: Decimal = field("amount; negative when the sender owes the payer", unit="$")


@message(
    topic="payment.{payee_role}.{payee}",
    senders=["agent.*", "lse.*", "mo.*", "do.*"],
    receivers=["lse.{payee}", "mo.{payee}", "do.{payee}", "wholesale.{payee}"],
)
class Payment:
    """Money goes from the sender's account to another; each side books it by itself."""

    payee_role: str = field("role of who is paid")
    payee: str = field("name of who is paid")
    kind: TransferKind = field("what it is for")
    amount: Decimal = field("amount; negative when money flows back", unit="$")


@message(topic="account.{party}", senders=["*.{party}"], receivers=["registry.*"])
class AccountStatement:
    """The sender's account at the end of the run; over all parties the balances sum to zero."""

    party: str = field("name of the party; its address is that of the sender")
    received: Decimal = field("sum of what was received", unit="$")
    paid: Decimal = field("sum of what was paid", unit="$")
    balance: Decimal = field("received less paid", unit="$")
