"""Clearing one slot together with the distribution operator.

Clear, let the distribution operator validate, clear again within its limits; when that does not help, curtail.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs
import numpy as np
from numpy.typing import NDArray

from ...kernel import DeadlinePassed, Duration, Instant
from ..auction.clearing import Clearing, Outcome
from ..auction.curves import FloatArray, asked
from ..auction.safe_clearing import Slot, SlotResult, curtailed
from ..interfaces import (
    SUBSTATION,
    AwardStatus,
    ClearingResult,
    CurtailmentPlan,
    MarketOutcome,
    Positions,
    ValidationRequest,
    ValidationResult,
)
from .ledger import Holders
from .spec import Timeline
from .venue import Venue

_RULE = "consuming awards below the element, pro rata"
_NEGLIGIBLE_KW = 1e-9


@attrs.frozen(eq=False)
class SlotAwards:
    """What a slot gives each of its orders; one entry an order."""

    start: Instant
    power_kw: FloatArray
    price_per_kwh: FloatArray
    status: tuple[AwardStatus, ...]
    reason: tuple[str, ...]
    market_price_per_kwh: float
    supply_price_per_kwh: float


@attrs.define
class SlotClearing:
    """One slot of an instance, from its orders to its awards."""

    venue: Venue
    timeline: Timeline
    start: Instant
    slot: Slot
    holders: Holders
    places: dict[str, int]
    """Transformer to its place in the slot's array."""
    rules: tuple[str, ...]
    """What was replaced by rule in this slot."""
    agreed: object = None
    """What the mechanism has negotiated for it."""
    limits_kw: dict[str, float] = attrs.field(factory=dict, init=False)
    """Import limits that the distribution operator has set on the orders below an element."""

    async def run(self) -> SlotAwards:
        """Clear the slot, tell result and positions, and return the awards."""
        for attempt in range(1, self.timeline.spec.attempts + 1):
            result = self._clear()
            verdict = await self._validate(attempt, result.award_kw)
            if verdict is None or verdict.feasible:
                break
            self._tighten(verdict)
        cut: Collection[int] = ()
        is_safe = verdict is None or verdict.feasible
        if not is_safe:
            result, cut = self._curtail(result)
        outcome = MarketOutcome(result.clearing.outcome.value) if is_safe else MarketOutcome.FAILED_VALIDATION
        result = self._at_scarcity_price(result)
        self._publish_result(result, outcome, attempt, is_validated=verdict is not None)
        self._publish_positions(result)
        return self._awards(result, cut)

    @property
    def length(self) -> Duration:
        """Length of the slot. [ns]"""
        return self.timeline.spec.slot

    def _clear(self) -> SlotResult:
        below = {self.places.get(name, -1): limit for name, limit in self.limits_kw.items() if name != SUBSTATION}
        limit = self.limits_kw.get(SUBSTATION)
        mechanism = self.venue.mechanism(self.timeline)
        return mechanism.clear(self.slot, market_limit_kw=limit, transformer_limit_kw=below, agreed=self.agreed)

    def _at_scarcity_price(self, result: SlotResult) -> SlotResult:
        """Where demand is shed, the administrative price of the series for everybody, if it has one."""
        price = self.timeline.spec.scarcity_price_per_kwh
        if price is None or result.clearing.outcome is not Outcome.AT_CAP:
            return result
        clearing = attrs.evolve(result.clearing, price_per_kwh=price)
        return attrs.evolve(result, clearing=clearing, price_per_kwh=np.full(len(self.holders.resources), price))

    async def _validate(self, attempt: int, award_kw: FloatArray) -> ValidationResult | None:
        """Ask the distribution operator; None when it is silent, and the awards stand as they are."""
        power_kw, _ = self.holders.by_meter(award_kw, award_kw)
        request = ValidationRequest(
            do=self.venue.rules.do,
            market=self.venue.port.name,
            slot_start=self.start,
            slot_length=self.length,
            attempt=attempt,
            usage_points=self.holders.meters,
            power_kw=tuple(power_kw.tolist()),
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
            is_below = self.slot.transformer == self.places.get(element, -1)
            award_kw, factor = curtailed(award_kw, everywhere if element == SUBSTATION else is_below, limit_kw)
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

    def _awards(self, result: SlotResult, cut: Collection[int]) -> SlotAwards:
        asked_kw = asked(self.slot.quantity_kw, self.slot.price_per_kwh, result.price_per_kwh)
        verdict = _judged(result.award_kw, asked_kw)
        verdict[list(cut)] = _CURTAILED
        verdicts, reasons = verdict.tolist(), _reasons(result.clearing)
        return SlotAwards(
            start=self.start,
            power_kw=result.award_kw,
            price_per_kwh=result.price_per_kwh,
            status=tuple(map(_STATUS.__getitem__, verdicts)),
            reason=tuple(map(reasons.__getitem__, verdicts)),
            market_price_per_kwh=result.clearing.price_per_kwh,
            supply_price_per_kwh=self.slot.supply_price_per_kwh,
        )

    def _publish_result(self, result: SlotResult, outcome: MarketOutcome, attempts: int, *, is_validated: bool) -> None:
        clearing = result.clearing
        self.venue.port.publish(
            ClearingResult(
                market=self.venue.port.name,
                product=self.timeline.spec.product,
                clearing=self.timeline.clearing,
                slot_start=self.start,
                slot_length=self.length,
                outcome=outcome,
                price_per_kwh=clearing.price_per_kwh,
                supply_price_per_kwh=self.slot.supply_price_per_kwh,
                quantity_kw=clearing.quantity_kw,
                inelastic_kw=self.slot.inelastic_kw,
                shed_kw=clearing.shed_kw,
                orders=len(self.holders.resources),
                buyers=int((result.award_kw > _NEGLIGIBLE_KW).sum()),
                sellers=int((result.award_kw < -_NEGLIGIBLE_KW).sum()),
                marginal_fraction=clearing.marginal_fraction,
                attempts=attempts,
                validated=is_validated,
                binding=tuple(sorted(self.limits_kw)),
                rules=self.rules,
            )
        )

    def _publish_positions(self, result: SlotResult) -> None:
        power_kw, price = self.holders.by_meter(result.award_kw, result.price_per_kwh)
        self.venue.port.publish(
            Positions(
                market=self.venue.port.name,
                product=self.timeline.spec.product,
                lse=self.venue.rules.lse,
                clearing=self.timeline.clearing,
                slot_start=self.start,
                slot_length=self.length,
                usage_points=self.holders.meters,
                power_kw=tuple(power_kw.tolist()),
                price_per_kwh=tuple(price.tolist()),
                commitment=self.timeline.spec.commitment,
            )
        )


_STATUS = (
    AwardStatus.AWARDED,
    AwardStatus.NOT_AWARDED,
    AwardStatus.NOT_AWARDED,
    AwardStatus.PARTLY_AWARDED,
    AwardStatus.CURTAILED,
)
_AWARDED, _NOT_WANTED, _NONE, _PARTLY, _CURTAILED = range(len(_STATUS))
"""What can become of an order, by the place of its status."""


def _judged(award_kw: FloatArray, asked_kw: FloatArray) -> NDArray[np.intp]:
    """What became of each order, against what it asks for at its price."""
    is_all = np.abs(award_kw - asked_kw) <= _NEGLIGIBLE_KW * np.maximum(1.0, np.abs(asked_kw))
    is_nothing = np.abs(award_kw) <= _NEGLIGIBLE_KW
    of_all = np.where(np.abs(asked_kw) <= _NEGLIGIBLE_KW, _NOT_WANTED, _AWARDED)
    return np.where(is_all, of_all, np.where(is_nothing, _NONE, _PARTLY)).astype(np.intp)


def _reasons(clearing: Clearing) -> tuple[str, ...]:
    """Why an order did not get more, by what became of it."""
    short = _shortage(clearing)
    return "", "the order asks for nothing at this price", short, short, f"curtailed: {_RULE}"


def _shortage(clearing: Clearing) -> str:
    """Why an order may get less than it asks for."""
    if clearing.outcome is Outcome.AT_CAP:
        return "there is too little at the price cap"
    if clearing.outcome is Outcome.AT_FLOOR:
        return "there is too much at the price floor"
    return "orders at the margin share what there is"
