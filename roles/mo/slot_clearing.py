"""Clearing one slot together with the distribution operator, and telling everybody.

Clear, let the distribution operator validate, clear again within its limits; when that does not help, curtail.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs
import numpy as np

from ...kernel import HOUR, DeadlinePassed, Duration, Instant
from ..interfaces import (
    SUBSTATION,
    AwardStatus,
    ClearingResult,
    CurtailmentPlan,
    Order,
    Positions,
    ValidationRequest,
    ValidationResult,
)
from .clearing import Clearing, Outcome
from .curves import FloatArray, asked
from .order_book import OrderBook
from .safe_clearing import Slot, SlotResult, clear_slot, curtailed
from .venue import Venue

_RULE = "consuming awards below the element, pro rata"
_NEGLIGIBLE_KW = 1e-9


@attrs.define
class SlotClearing:
    """One slot of a series, from its orders to its awards."""

    venue: Venue
    product: str
    start: Instant
    length: Duration
    slot: Slot
    orders: list[Order]
    book: OrderBook
    limits_kw: dict[str, float] = attrs.field(factory=dict, init=False)
    """Import limits that the distribution operator has set on the orders below an element."""

    async def run(self) -> None:
        """Clear the slot and publish awards, result and positions."""
        for attempt in range(1, self.venue.rules.attempts + 1):
            result = self._clear()
            verdict = await self._validate(attempt, result.award_kw)
            if verdict is None or verdict.feasible:
                break
            self._tighten(verdict)
        cut: Collection[int] = ()
        if verdict is not None and not verdict.feasible:
            result, cut = self._curtail(result)
        self._publish_awards(result, cut)
        self._publish_result(result, attempt, is_validated=verdict is not None)
        self._publish_positions(result)
        self.venue.awarded_kwh += float(np.abs(result.award_kw).sum()) * self.length / HOUR

    def _clear(self) -> SlotResult:
        below = {self.book.place(name): limit for name, limit in self.limits_kw.items() if name != SUBSTATION}
        return clear_slot(self.slot, market_limit_kw=self.limits_kw.get(SUBSTATION), transformer_limit_kw=below)

    async def _validate(self, attempt: int, award_kw: FloatArray) -> ValidationResult | None:
        """Ask the distribution operator; None when it is silent, and the awards stand as they are."""
        usage_points, power_kw, _ = _by_usage_point(self.orders, award_kw, award_kw)
        request = ValidationRequest(
            do=self.venue.rules.do,
            market=self.venue.port.name,
            slot_start=self.start,
            slot_length=self.length,
            attempt=attempt,
            usage_points=usage_points,
            power_kw=power_kw,
        )
        try:
            return await self.venue.port.request(request, ValidationResult)
        except DeadlinePassed:
            return None

    def _tighten(self, verdict: ValidationResult) -> None:
        for found in verdict.limits:
            before = self.limits_kw.get(found.element, float("inf"))
            self.limits_kw[found.element] = min(found.import_limit_kw, before)

    def _curtail(self, result: SlotResult) -> tuple[SlotResult, Collection[int]]:
        """Cut awards to the limits; returns also the places of the orders that were cut."""
        award_kw = result.award_kw
        for element, limit_kw in sorted(self.limits_kw.items()):
            everywhere = np.full(len(award_kw), True)
            below = everywhere if element == SUBSTATION else self.slot.transformer == self.book.place(element)
            award_kw, factor = curtailed(award_kw, below, limit_kw)
            if factor < 1.0:
                self._announce(element, factor)
        cut = np.flatnonzero(award_kw < result.award_kw - _NEGLIGIBLE_KW)
        return attrs.evolve(result, award_kw=award_kw), frozenset(cut.tolist())

    def _announce(self, element: str, factor: float) -> None:
        self.venue.port.publish(
            CurtailmentPlan(
                do=self.venue.rules.do,
                market=self.venue.port.name,
                slot_start=self.start,
                element=element,
                factor=factor,
                rule=_RULE,
            )
        )

    def _publish_awards(self, result: SlotResult, cut: Collection[int]) -> None:
        asked_kw = asked(self.slot.quantity_kw, self.slot.price_per_kwh, result.price_per_kwh)
        rows = zip(self.orders, result.award_kw.tolist(), result.price_per_kwh.tolist(), asked_kw.tolist(), strict=True)
        short = _shortage(result.clearing)
        for place, (order, award_kw, price, wanted_kw) in enumerate(rows):
            status, reason = _judged(award_kw, wanted_kw, short)
            if place in cut:
                status, reason = AwardStatus.CURTAILED, f"curtailed: {_RULE}"
            self.venue.award(order, award_kw, price, status, reason)

    def _publish_result(self, result: SlotResult, attempts: int, *, is_validated: bool) -> None:
        clearing = result.clearing
        self.venue.port.publish(
            ClearingResult(
                market=self.venue.port.name,
                product=self.product,
                slot_start=self.start,
                slot_length=self.length,
                outcome=clearing.outcome.value,
                price_per_kwh=clearing.price_per_kwh,
                supply_price_per_kwh=self.slot.supply_price_per_kwh,
                quantity_kw=clearing.quantity_kw,
                inelastic_kw=self.slot.inelastic_kw,
                shed_kw=clearing.shed_kw,
                orders=len(self.orders),
                attempts=attempts,
                validated=is_validated,
                binding=tuple(sorted(self.limits_kw)),
            )
        )

    def _publish_positions(self, result: SlotResult) -> None:
        usage_points, power_kw, prices = _by_usage_point(self.orders, result.award_kw, result.price_per_kwh)
        self.venue.port.publish(
            Positions(
                market=self.venue.port.name,
                product=self.product,
                lse=self.venue.rules.lse,
                slot_start=self.start,
                slot_length=self.length,
                usage_points=usage_points,
                power_kw=power_kw,
                price_per_kwh=prices,
            )
        )


def _judged(award_kw: float, asked_kw: float, short: str) -> tuple[AwardStatus, str]:
    """An award's status against what the order asks at its price, and the reason where it is less."""
    if abs(award_kw - asked_kw) <= _NEGLIGIBLE_KW * max(1.0, abs(asked_kw)):
        if abs(asked_kw) <= _NEGLIGIBLE_KW:
            return AwardStatus.NOT_AWARDED, "the order asks for nothing at this price"
        return AwardStatus.AWARDED, ""
    if abs(award_kw) <= _NEGLIGIBLE_KW:
        return AwardStatus.NOT_AWARDED, short
    return AwardStatus.PARTLY_AWARDED, short


def _shortage(clearing: Clearing) -> str:
    """Why an order may get less than it asks for."""
    if clearing.outcome is Outcome.AT_CAP:
        return "there is too little at the price cap"
    if clearing.outcome is Outcome.AT_FLOOR:
        return "there is too much at the price floor"
    return "orders at the margin share what there is"


def _by_usage_point(
    orders: list[Order], award_kw: FloatArray, price_per_kwh: FloatArray
) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    """Awards summed over the resources of each usage point, and the price there."""
    power: dict[str, float] = {}
    price: dict[str, float] = {}
    for order, award, paid in zip(orders, award_kw.tolist(), price_per_kwh.tolist(), strict=True):
        power[order.usage_point] = power.get(order.usage_point, 0.0) + award
        price[order.usage_point] = paid
    names = tuple(sorted(power))
    return names, tuple(power[name] for name in names), tuple(price[name] for name in names)
