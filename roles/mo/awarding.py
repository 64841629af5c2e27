"""The clearing of an instance: every slot, then what it means for every order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...kernel import Instant
from ..interfaces import Award, AwardStatus, ClearingResult, MarketOutcome, MarketPrice, Positions
from .ledger import Cleared, Holders
from .missing import with_supply
from .slot_clearing import SlotAwards, SlotClearing

if TYPE_CHECKING:
    from .instance import MarketInstance


_NOBODY = Holders((), ())


async def clear_instance(instance: MarketInstance) -> None:
    """Clear slot after slot, enter the positions, and tell participants and public."""
    cleared = []
    for number, start in enumerate(instance.slot_starts):
        offer, refined = instance.offers.get(start), instance.refined[number]
        slot = with_supply(instance.venue, instance.timeline, instance.slots[number], offer, refined)
        rules = _replaced(instance, start)
        clearing = SlotClearing(
            venue=instance.venue,
            timeline=instance.timeline,
            start=start,
            slot=slot,
            holders=instance.holders,
            places=instance.places,
            rules=rules,
            agreed=instance.agreed.get(start),
        )
        cleared.append(await clearing.run())
    _conclude(instance, cleared, instance.holders)


def _replaced(instance: MarketInstance, start: Instant) -> tuple[str, ...]:
    """What was ignored for a slot, and what was replaced by rule."""
    rules = (*instance.rules, *instance.remarks.get(start, ()))
    if start in instance.offers:
        return rules
    return (*rules, f"missing offer: {instance.timeline.spec.missing_offer.value}")


def suspend(instance: MarketInstance) -> None:
    """End the clearing of a halted market: no order is awarded, and the supply price holds for what is metered."""
    reason = f"the market is halted: {instance.venue.halted}"
    nothing = np.zeros(len(instance.entered))
    cleared = []
    for number, start in enumerate(instance.slot_starts):
        slot = with_supply(
            instance.venue,
            instance.timeline,
            instance.slots[number],
            instance.offers.get(start),
            instance.refined[number],
        )
        price = slot.supply_price_per_kwh
        status = (AwardStatus.SUSPENDED,) * len(nothing)
        cleared.append(SlotAwards(start, nothing, nothing + price, status, (reason,) * len(nothing), price, price))
        _publish_suspension(instance, cleared[-1], slot.inelastic_kw)
        _publish_no_positions(instance, start)
    _conclude(instance, cleared, _NOBODY)


def _publish_suspension(instance: MarketInstance, awards: SlotAwards, inelastic_kw: float) -> None:
    instance.venue.port.publish(
        ClearingResult(
            market=instance.venue.port.name,
            product=instance.timeline.spec.product,
            clearing=instance.timeline.clearing,
            slot_start=awards.start,
            slot_length=instance.timeline.spec.slot,
            outcome=MarketOutcome.SUSPENDED,
            price_per_kwh=awards.market_price_per_kwh,
            supply_price_per_kwh=awards.supply_price_per_kwh,
            quantity_kw=0.0,
            inelastic_kw=inelastic_kw,
            shed_kw=0.0,
            orders=len(instance.entered),
            attempts=0,
            validated=False,
            rules=(*_replaced(instance, awards.start), f"halted: {instance.venue.halted}"),
        )
    )


def _publish_no_positions(instance: MarketInstance, start: Instant) -> None:
    """Nobody holds anything, which the retailer has to know like any other position."""
    spec = instance.timeline.spec
    instance.venue.port.publish(
        Positions(
            market=instance.venue.port.name,
            product=spec.product,
            lse=instance.venue.rules.lse,
            clearing=instance.timeline.clearing,
            slot_start=start,
            slot_length=spec.slot,
            usage_points=(),
            power_kw=(),
            price_per_kwh=(),
            commitment=spec.commitment,
        )
    )


def _conclude(instance: MarketInstance, cleared: Sequence[SlotAwards], holders: Holders) -> None:
    """Positions of the holders into the ledger, an award for every order, prices for those who wait for them."""
    for awards in cleared:
        _enter_positions(instance, awards, holders)
    if cleared:
        _award(instance, cleared)
    _publish_prices(instance, tuple(awards.market_price_per_kwh for awards in cleared))


def _enter_positions(instance: MarketInstance, awards: SlotAwards, holders: Holders) -> None:
    spec, held = instance.timeline.spec, len(holders.resources)
    instance.venue.ledger.enter(
        spec.product,
        Cleared(
            start=awards.start,
            length=spec.slot,
            price_per_kwh=awards.market_price_per_kwh,
            supply_price_per_kwh=awards.supply_price_per_kwh,
            holders=holders,
            power_kw=awards.power_kw[:held],
            held_per_kwh=awards.price_per_kwh[:held],
            commitment=spec.commitment,
        ),
    )


def _award(instance: MarketInstance, cleared: Sequence[SlotAwards]) -> None:
    """One award an order, for all slots that it is for."""
    port, timeline, slot_length = instance.venue.port, instance.timeline, instance.timeline.spec.slot
    rows = zip(
        instance.entered,
        zip(*(awards.power_kw.tolist() for awards in cleared), strict=True),
        zip(*(awards.price_per_kwh.tolist() for awards in cleared), strict=True),
        zip(*(awards.status for awards in cleared), strict=True),
        zip(*(awards.reason for awards in cleared), strict=True),
        strict=True,
    )
    for entered, *columns in rows:
        order, first = entered.order, min(entered.curves)
        if len(entered.curves) < len(cleared):
            span = slice(first, max(entered.curves) + 1)
            columns = [column[span] for column in columns]
        power_kw, price_per_kwh, status, reason = columns
        port.publish(
            Award(
                market=port.name,
                product=order.product,
                clearing=timeline.clearing,
                resource=order.resource,
                order_id=order.order_id,
                first_slot=instance.slot_starts[first],
                slot_length=slot_length,
                quantity_kw=power_kw,
                price_per_kwh=price_per_kwh,
                status=status,
                reason=reason,
            )
        )


def _publish_prices(instance: MarketInstance, price_per_kwh: tuple[float, ...]) -> None:
    """A binding price where nobody bids; of a horizon, a forecast for those who plan."""
    venue, timeline = instance.venue, instance.timeline
    spec = timeline.spec
    forecast = venue.memory(spec).prices.cleared(timeline.first_slot, spec.slot, price_per_kwh)
    is_binding = not venue.mechanism(timeline).takes_orders
    if is_binding or spec.slots > 1:
        venue.port.publish(
            MarketPrice(
                market=venue.port.name,
                product=spec.product,
                first_slot=timeline.first_slot,
                slot_length=spec.slot,
                price_per_kwh=price_per_kwh if is_binding else forecast,
                forecast=not is_binding,
            )
        )
