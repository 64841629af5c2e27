"""The desk of a market operator, where all messages arrive: one coroutine, in the order of delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from ...kernel import Envelope
from ..interfaces import (
    Assignment,
    CancelOrder,
    Dispute,
    DisputeAnswer,
    DisputeStatus,
    LoadEstimate,
    MarketEnergy,
    Order,
    OrderStatus,
    Position,
    PositionQuery,
    Reason,
    ReasonCode,
    Registration,
    RegistrationAnswer,
    RegistrationStatus,
    Reservation,
    SupplyOffer,
)
from .hearing import as_text, misdated, misfits
from .instance import MarketInstance
from .order_book import Answer
from .series import SeriesRun
from .venue import Venue


@attrs.define
class Desk:
    """Gives every message to the instance that it is for, and answers those that are for none."""

    venue: Venue
    series: Mapping[str, SeriesRun]

    def hear(self, envelope: Envelope[Any]) -> None:
        """Deal with a message; with one that makes no sense, by saying so."""
        cls = type(envelope.message)
        # The registry is the one that all rests on, and speaks most.
        reasons = () if cls is Assignment else misfits(envelope.message) or misdated(envelope)
        if not reasons:
            _HANDLERS[cls](self, envelope)
        elif cls in _REFUSALS:
            _REFUSALS[cls](self, envelope, reasons)

    def finish(self) -> None:
        """Settle what is not settled when the run ends."""
        for _, series in sorted(self.series.items()):
            for instance in series.alive.values():
                instance.reconcile.finish()

    # Participants

    def _assignment(self, envelope: Envelope[Assignment]) -> None:
        for waiting in self.venue.participants.assign(envelope.message):
            self._answer_registration(waiting.resource, RegistrationStatus.ACTIVE, ())

    def _registration(self, envelope: Envelope[Registration]) -> None:
        status, reasons = self.venue.participants.register(envelope.message)
        self._answer_registration(envelope.message.resource, status, reasons)

    def _answer_registration(self, resource: str, status: RegistrationStatus, reasons: tuple[Reason, ...]) -> None:
        port = self.venue.port
        port.publish(RegistrationAnswer(market=port.name, resource=resource, status=status, reasons=reasons))

    def _reservation(self, envelope: Envelope[Reservation]) -> None:
        self.venue.participants.reserve(envelope.message)

    # Orders

    def _order(self, envelope: Envelope[Order]) -> None:
        order = envelope.message
        instance, why = self._instance(order.product, order.clearing)
        answer = why if instance is None else instance.order(order, envelope.revision, envelope.valid_until)
        self.venue.answer(order, envelope.revision, answer)

    def _cancel(self, envelope: Envelope[CancelOrder]) -> None:
        cancel = envelope.message
        answer: Answer = OrderStatus.REJECTED, (_unknown_series(cancel.product),)
        if cancel.product in self.series:
            answer = self.series[cancel.product].cancel(cancel)
        self.venue.answer(cancel, envelope.revision, answer)

    def _instance(self, product: str, clearing: object) -> tuple[MarketInstance | None, Answer]:
        """The instance that an order names, or why there is none that could take it."""
        if product not in self.series:
            return None, (OrderStatus.REJECTED, (_unknown_series(product),))
        return self.series[product].find(clearing)

    def _query(self, envelope: Envelope[PositionQuery]) -> None:
        query = envelope.message
        held = list(self.venue.ledger.of(query.resource, query.start, query.end))
        answer = Position(
            market=self.venue.port.name,
            resource=query.resource,
            products=tuple(product for product, _, _ in held),
            slot_start=tuple(cleared.start for _, cleared, _ in held),
            slot_length=tuple(cleared.length for _, cleared, _ in held),
            power_kw=tuple(holding.power_kw for _, _, holding in held),
            price_per_kwh=tuple(holding.price_per_kwh for _, _, holding in held),
        )
        self.venue.port.publish(answer, reply_to=envelope)

    # The retailer and the distribution operator

    def _estimate(self, envelope: Envelope[LoadEstimate]) -> None:
        estimate = envelope.message
        for instance in self._estimated(estimate):
            instance.estimates_kw[estimate.slot_start] = sum(estimate.power_kw)
            instance.reconcile.estimates[estimate.slot_start] = estimate

    def _estimated(self, estimate: LoadEstimate) -> Iterable[MarketInstance]:
        """The instances that an estimate is for."""
        series = self.series.get(estimate.product)
        return () if series is None else series.instances_of(estimate.slot_start, estimate.slot_length)

    def _offer(self, envelope: Envelope[SupplyOffer]) -> None:
        offer = envelope.message
        instance = self._offered(envelope)
        if instance is not None:
            instance.offers[offer.slot_start] = offer

    def _offered(self, envelope: Envelope[SupplyOffer]) -> MarketInstance | None:
        """The instance that an offer is for; none for that of another retailer."""
        series = self.series.get(envelope.message.product)
        if series is None or envelope.sender != f"lse.{self.venue.rules.lse}":
            return None
        return series.find(envelope.message.clearing)[0]

    def _energy(self, envelope: Envelope[MarketEnergy]) -> None:
        energy = envelope.message
        if envelope.sender != f"do.{self.venue.rules.do}":
            return
        if envelope.revision == 1:
            self.venue.metered_kwh += sum(max(kwh, 0.0) for kwh in energy.energy_kwh)
        for series in self.series.values():
            for instance in series.instances_of(energy.start, energy.duration):
                instance.reconcile.energy(energy)

    def _dispute(self, envelope: Envelope[Dispute]) -> None:
        dispute = envelope.message
        if dispute.product not in self.series:
            self._refuse_dispute(envelope, (_unknown_series(dispute.product),))
            return
        instance, (_, why) = self.series[dispute.product].find(dispute.clearing)
        if instance is None or not instance.reconcile.dispute(dispute):
            self._refuse_dispute(envelope, self._undisputed(dispute, why))

    def _undisputed(self, dispute: Dispute, why_unknown: tuple[Reason, ...]) -> tuple[Reason, ...]:
        """Why a clearing has nothing that could be disputed, if there is such a clearing."""
        if any(reason.code is ReasonCode.UNKNOWN_REFERENCE for reason in why_unknown):
            return why_unknown
        if why_unknown and dispute.clearing <= self.venue.port.now:
            return (Reason(ReasonCode.GATE_CLOSED, "the settlement of this clearing is final", "clearing"),)
        return (Reason(ReasonCode.UNKNOWN_REFERENCE, "nothing is stated of this clearing", "statement"),)

    # What makes no sense

    def _refuse_order(self, envelope: Envelope[Order | CancelOrder], reasons: tuple[Reason, ...]) -> None:
        self.venue.answer(envelope.message, envelope.revision, (OrderStatus.REJECTED, reasons))

    def _refuse_registration(self, envelope: Envelope[Registration], reasons: tuple[Reason, ...]) -> None:
        self._answer_registration(envelope.message.resource, RegistrationStatus.REJECTED, reasons)

    def _refuse_dispute(self, envelope: Envelope[Dispute], reasons: tuple[Reason, ...]) -> None:
        dispute = envelope.message
        self.venue.port.publish(
            DisputeAnswer(
                market=dispute.market,
                party=dispute.party,
                dispute=as_text(dispute.dispute),
                statement=as_text(dispute.statement),
                status=DisputeStatus.REJECTED,
                reasons=reasons,
            )
        )

    def _refuse_estimate(self, envelope: Envelope[LoadEstimate], reasons: tuple[Reason, ...]) -> None:
        if not any(reason.path in ("product", "slot_start") for reason in reasons):
            for instance in self._estimated(envelope.message):
                instance.ignore(envelope.message.slot_start, "load estimate", reasons)

    def _refuse_offer(self, envelope: Envelope[SupplyOffer], reasons: tuple[Reason, ...]) -> None:
        if not any(reason.path in ("product", "clearing", "slot_start") for reason in reasons):
            instance = self._offered(envelope)
            if instance is not None:
                instance.ignore(envelope.message.slot_start, "supply offer", reasons)


def _unknown_series(product: str) -> Reason:
    return Reason(ReasonCode.UNKNOWN_REFERENCE, f"this market has no series {product}", "product")


_HANDLERS: Mapping[type, Callable[[Desk, Any], None]] = {
    Assignment: Desk._assignment,
    CancelOrder: Desk._cancel,
    Dispute: Desk._dispute,
    LoadEstimate: Desk._estimate,
    MarketEnergy: Desk._energy,
    Order: Desk._order,
    PositionQuery: Desk._query,
    Registration: Desk._registration,
    Reservation: Desk._reservation,
    SupplyOffer: Desk._offer,
}

_REFUSALS: Mapping[type, Callable[[Desk, Any, tuple[Reason, ...]], None]] = {
    CancelOrder: Desk._refuse_order,
    Dispute: Desk._refuse_dispute,
    LoadEstimate: Desk._refuse_estimate,
    Order: Desk._refuse_order,
    Registration: Desk._refuse_registration,
    SupplyOffer: Desk._refuse_offer,
}
"""How nonsense is answered. What is not here has no answer, and is as if it had not come: reads that are missing are
estimated, and the statement says so."""

HEARD = tuple(_HANDLERS)
"""The messages that are dealt with here."""
