"""The household: its load that responds to no price, and the customer who enrols, is billed and pays."""

from __future__ import annotations

from decimal import Decimal

import attrs
import numpy as np

from ..kernel import Duration, Port, UsageError
from ..roles.interfaces import (
    CLOSING,
    AccountStatement,
    Bill,
    Enrolment,
    Payment,
    RegistryAnswer,
    TransferKind,
)
from .feed import Feed
from .models.household_load import HouseholdLoad, HouseholdLoadParameters


@attrs.frozen
class Household:
    """One customer; the agent's name is the usage point."""

    enrolment: Enrolment
    load: HouseholdLoadParameters
    interval: Duration

    async def run(self, port: Port) -> None:
        """Enrol, then live: draw the household's load, interval by interval."""
        port.publish(self.enrolment)
        customer = _Customer(port)
        port.start(_watch_refusals(port))
        port.start(customer.pay())
        port.start(customer.close())
        feed = Feed(port, port.name, self.interval, controllable=False)
        port.start(feed.obey_limits())
        load = HouseholdLoad(self.load, np.random.default_rng(self.load.noise_seed))
        for step, start in enumerate(range(0, port.stop, self.interval)):
            await port.sleep_until(start)
            feed.draw(load.power_kw(port.calendar.hour(start), step), start)


async def _watch_refusals(port: Port) -> None:
    async for answer in port.subscribe(RegistryAnswer):
        if not answer.accepted:
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
            self.port.publish(Payment(payee_role="lse", payee=bill.lse, kind=TransferKind.BILL, amount=bill.adjustment))

    async def close(self) -> None:
        """State the account when all is paid."""
        port = self.port
        await port.sleep_until(port.stop, CLOSING)
        paid = self.paid
        port.publish(AccountStatement(party=port.name, received=Decimal(0), paid=paid, balance=-paid))
