"""Money between entities: invoices, payments and statements of account.

Who asks and who pays is the sender of the message, which the kernel vouches for, and no field that could be forged.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

from ...kernel import LAST, field, message

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


@message(
    topic="invoice.{payer_role}.{payer}",
    senders=["do.*", "mo.*", "wholesale.*"],
    receivers=["lse.{payer}", "mo.{payer}"],
)
class Invoice:
    """The sender asks another entity to pay."""

    payer_role: str = field("role of who has to pay")
    payer: str = field("name of who has to pay")
    kind: TransferKind = field("what it is for")
    amount: Decimal = field("amount; negative when the sender owes the payer", unit="$")


@message(
    topic="payment.{payee_role}.{payee}",
    senders=["agent.*", "lse.*", "mo.*"],
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
