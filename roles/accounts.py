"""An entity's money: what it paid and received, booked by itself."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import attrs

from ..kernel import Port
from .interfaces import CLOSING, AccountStatement, Invoice, Payment, TransferKind

CENT = Decimal("0.01")


def dollars(amount: float, quantum: Decimal = CENT) -> Decimal:
    """An amount rounded once, to the cent unless said otherwise, half to even."""
    return Decimal(repr(amount)).quantize(quantum, ROUND_HALF_EVEN)


@attrs.define
class Account:
    """Books the payments of one entity and states the balance when the run ends."""

    port: Port
    received: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)

    def pay(self, payee_role: str, payee: str, kind: TransferKind, amount: Decimal) -> None:
        """Pay another entity; a negative amount takes money back."""
        self.paid += amount
        self.port.publish(Payment(payee_role=payee_role, payee=payee, kind=kind, amount=amount))

    def book(self, payment: Payment) -> None:
        """Enter a payment that has come in."""
        self.received += payment.amount

    def invoice(self, payer_role: str, payer: str, kind: TransferKind, amount: Decimal) -> None:
        """Ask another entity to pay."""
        self.port.publish(Invoice(payer_role=payer_role, payer=payer, kind=kind, amount=amount))

    def settle(self, role: str, name: str, kind: TransferKind, amount: Decimal) -> None:
        """Invoice what another entity owes; what it is owed, a negative amount, is paid."""
        if amount > 0:
            self.invoice(role, name, kind, amount)
        elif amount < 0:
            self.pay(role, name, kind, -amount)

    async def receive(self) -> None:
        """Book what comes in, to the end of the run."""
        role = self.port.role
        async for payment in self.port.subscribe(Payment, payee_role=role):
            self.book(payment)

    async def settle_invoices(self) -> None:
        """Pay every invoice as it comes."""
        invoices = self.port.subscribe(Invoice, payer_role=self.port.role)
        async for envelope in invoices.envelopes():
            payee_role, _, payee = envelope.sender.partition(".")
            self.pay(payee_role, payee, envelope.message.kind, envelope.message.amount)

    async def close(self) -> None:
        """State the balance after all payments of the last instant."""
        await self.port.sleep_until(self.port.stop, CLOSING)
        self.port.publish(
            AccountStatement(
                party=self.port.name,
                received=self.received,
                paid=self.paid,
                balance=self.received - self.paid,
            )
        )
