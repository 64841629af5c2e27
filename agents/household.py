"""The household: its load that responds to no price, and the customer who enrols, is billed and pays."""

from __future__ import annotations

from decimal import Decimal

import attrs

from ..kernel import Port, Subscription, UsageError
from ..roles.interfaces import (
    CLOSING,
    AccountStatement,
    Bill,
    Enrolment,
    OperatingEnvelope,
    Payment,
    RegistryAnswer,
    RegistryRequest,
    TransferKind,
)
from .connection import Connection
from .device import DeviceAgent


@attrs.frozen(eq=False)
class Household:
    """One customer, whose name is the usage point, with the load that responds to no price."""

    enrolment: Enrolment
    load: DeviceAgent

    async def run(self, port: Port) -> None:
        """Enrol, then live: draw the household's load, interval by interval, and pay bills."""
        port.publish(self.enrolment)
        customer = _Customer(port)
        port.start(_watch_refusals(port, self.enrolment))
        port.start(_keep_envelopes(port.subscribe(OperatingEnvelope), self.load.connection))
        port.start(customer.pay())
        port.start(customer.close())
        await self.load.run(port)


async def _keep_envelopes(envelopes: Subscription[OperatingEnvelope], connection: Connection) -> None:
    """Keep what the distribution operator lets the connection carry; all devices behind it ask there."""
    async for envelope in envelopes:
        connection.keep(envelope)


async def _watch_refusals(port: Port, enrolment: Enrolment) -> None:
    """Without its own enrolment a household cannot live; what others ask of the registry for it may be refused."""
    async for answer in port.subscribe(RegistryAnswer):
        is_own = answer.request is RegistryRequest.ENROLMENT and answer.usage_point == enrolment.usage_point
        if is_own and not answer.accepted:
            why = "; ".join(reason.text for reason in answer.reasons)
            raise UsageError(f"the registry refused the {answer.request.value} of {port.name} with {answer.lse}: {why}")


@attrs.define
class _Customer:
    port: Port
    paid: Decimal = Decimal(0)

    async def pay(self) -> None:
        """Pay every bill as it comes; of a revised one, what is due beyond the revision before, or take it back."""
        async for bill in self.port.subscribe(Bill):
            self.paid += bill.adjustment
            self.port.publish(
                Payment(
                    payee_role="lse",
                    payee=bill.lse,
                    kind=TransferKind.BILL,
                    amount=bill.adjustment,
                )
            )

    async def close(self) -> None:
        """State the account when all is paid."""
        port = self.port
        await port.sleep_until(port.stop, CLOSING)
        paid = self.paid
        port.publish(AccountStatement(party=port.name, received=Decimal(0), paid=paid, balance=-paid))
