"""What stands in for what is missing at a deadline: orders at gate closure, supply offers at the clearing."""

from __future__ import annotations

from collections.abc import Container, Mapping

import attrs

from ...kernel import Instant
from ..auction.safe_clearing import Slot
from ..interfaces import Order, Registration, SupplyOffer
from .ledger import Cleared
from .order_book import Entered, OrderBook
from .order_faults import Curve
from .spec import MissingOfferRule, MissingOrderRule, Timeline
from .venue import Venue

_STAND_IN = ""
"""The id of an order that a rule made."""


def missing_orders(
    venue: Venue,
    timeline: Timeline,
    book: OrderBook,
    slot_starts: tuple[Instant, ...],
    refined: tuple[Cleared | None, ...],
    absent: Container[str],
) -> tuple[list[Entered], tuple[str, ...]]:
    """Stand-ins for the orders of those who are expected and silent, and a line on what was done."""
    spec = timeline.spec
    if not venue.mechanism(timeline).takes_orders:
        return [], ()
    expected = venue.participants.expected(timeline.first_slot, absent=absent, but=book)
    silent = [each for each in expected if not book.has_withdrawn(each.resource)]
    if not silent:
        return [], ()
    made = []
    if spec.missing_order is not MissingOrderRule.EXCLUDE:
        last = venue.memory(spec).orders
        curves = {
            each.resource: _last_curves(last.get(each.resource), len(slot_starts))
            if spec.missing_order is MissingOrderRule.LAST_KNOWN
            else _held_curves(each.resource, refined)
            for each in silent
        }
        made = [_stand_in(timeline, each, curves[each.resource]) for each in silent if curves[each.resource]]
    return made, (f"missing orders: {len(silent)}, of which {len(made)} by rule {spec.missing_order.value}",)


def _last_curves(last: Entered | None, slots: int) -> Mapping[int, Curve]:
    return {} if last is None else {number: curve for number, curve in last.curves.items() if number < slots}


def _held_curves(resource: str, refined: tuple[Cleared | None, ...]) -> Mapping[int, Curve]:
    """What is held in the refined market, wanted at any price."""
    held = ((number, each.holding(resource)) for number, each in enumerate(refined) if each is not None)
    return {number: ((each.power_kw,), (each.price_per_kwh,)) for number, each in held if each is not None}


def _stand_in(timeline: Timeline, registration: Registration, curves: Mapping[int, Curve]) -> Entered:
    order = Order(
        market=registration.market,
        product=timeline.spec.product,
        clearing=timeline.clearing,
        resource=registration.resource,
        usage_point=registration.usage_point,
        order_id=_STAND_IN,
        first_slot=timeline.first_slot,
        slot_length=timeline.spec.slot,
        quantity_kw=(),
        price_per_kwh=(),
    )
    return Entered(order, 0, None, curves, arrival=0)


def with_supply(
    venue: Venue, timeline: Timeline, slot: Slot, offer: SupplyOffer | None, refined: Cleared | None
) -> Slot:
    """A slot with its supply: as offered, or by the rule for an offer that is missing."""
    memory = venue.memory(timeline.spec)
    if offer is not None:
        memory.supply = offer.price_per_kwh, offer.quantity_kw
    price, quantity_kw = memory.supply or (timeline.spec.fallback_price_per_kwh, float("inf"))
    if offer is None and timeline.spec.missing_offer is MissingOfferRule.EXPECTED_PRICE and refined is not None:
        price, quantity_kw = refined.supply_price_per_kwh, float("inf")
    return attrs.evolve(slot, supply_price_per_kwh=price, supply_kw=quantity_kw)
