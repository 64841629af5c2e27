"""The registry: which usage point belongs to which retailer, tariff, market and transformer, from when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import attrs

from ..kernel import Envelope, Placement, Port, Setting, field, value
from ..kernel.activity import Main
from .interfaces import (
    NO_CHOICE,
    NO_MARKET,
    AccountStatement,
    ConsentChange,
    Enrolment,
    MoveIn,
    MoveOut,
    Reason,
    RegistryAnswer,
    RegistryRequest,
    SwitchRequest,
    TariffPublished,
)
from .register import Refused, Register, Request, Supply

_REQUESTS = {
    Enrolment: RegistryRequest.ENROLMENT,
    SwitchRequest: RegistryRequest.SWITCH,
    MoveIn: RegistryRequest.MOVE_IN,
    MoveOut: RegistryRequest.MOVE_OUT,
    ConsentChange: RegistryRequest.CONSENT,
}


@value
class Registry:
    """Plug-in ``[registry.NAME]``: neutral master data of usage points."""

    placement: ClassVar[Placement] = Placement.KEPT

    last_resort: str = field("retailer that supplies where nobody is chosen; empty for none", default="")
    last_resort_tariff: str = field("its tariff there", default="")
    last_resort_market: str = field("market operator of that tariff, or none", default=NO_MARKET)

    def check(self) -> Iterable[tuple[str, str]]:
        """The provider of last resort has a tariff."""
        if bool(self.last_resort) != bool(self.last_resort_tariff):
            yield "last_resort_tariff", "expected a tariff with a provider of last resort, and none without"

    def references(self) -> Iterable[tuple[str, str]]:
        """The provider of last resort and its market."""
        if self.last_resort:
            yield "last_resort", f"lse.{self.last_resort}"
        if self.last_resort_market != NO_MARKET:
            yield "last_resort_market", f"mo.{self.last_resort_market}"

    def components(self, name: str, _: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"registry.{name}", lambda port: _Registry(self, port).run()

    def supply(self) -> Supply | None:
        """What the provider of last resort supplies on."""
        if not self.last_resort:
            return None
        return Supply(self.last_resort, self.last_resort_tariff, self.last_resort_market)


@attrs.define
class _Registry:
    settings: Registry
    port: Port
    register: Register = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.register = Register(self.settings.supply())

    async def run(self) -> None:
        offers = self.port.subscribe(TariffPublished)
        async for envelope in self.port.subscribe(*_REQUESTS, AccountStatement).envelopes():
            # Those of the same round too, though retailers come after customers in the order of delivery.
            for offer in offers.take_waiting():
                self.register.offer(offer.lse, offer.tariff, offer.market)
            if type(envelope.message) in _REQUESTS:
                self._enter(envelope)

    def _enter(self, envelope: Envelope[Request]) -> None:
        """Enter a request, tell all whom it concerns, and answer."""
        port, by_customer = self.port, envelope.sender.startswith("agent.")
        try:
            changed = self.register.enter(envelope.message, port.now, by_customer=by_customer)
        except Refused as refused:
            self._answer(envelope, refused.reasons)
            return
        for each in changed:
            port.publish(each)
        self._answer(envelope)

    def _answer(self, envelope: Envelope[Request], reasons: tuple[Reason, ...] = ()) -> None:
        request = envelope.message
        self.port.publish(
            RegistryAnswer(
                usage_point=request.usage_point,
                lse=request.lse if isinstance(request, Enrolment | SwitchRequest | MoveIn) else NO_CHOICE,
                request=_REQUESTS[type(request)],
                accepted=not reasons,
                reasons=reasons,
            ),
            reply_to=envelope,
        )
