"""Reconcile as the bus sees it: meter data and disputes in, statements, answers and dues out.

Who settles what: a slot is settled by the last market that clears it. A series that another one corrects hands its
positions over to that one; a series on its own settles its awards itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
import numpy as np

from ...kernel import Instant
from ..auction.curves import FloatArray
from ..interfaces import Assignment, Dispute, LoadEstimate, MarketEnergy
from ..settlement import DeliverySlot, Issue, MarketInstance, Reconciliation
from .ledger import Cleared
from .spec import Timeline
from .venue import Venue


@attrs.define
class Reconcile:
    """The settlement of one instance."""

    venue: Venue
    timeline: Timeline
    estimates: dict[Instant, LoadEstimate] = attrs.field(factory=dict, init=False)
    """Load that does not bid, as the retailer expected it, by slot."""
    _early: list[MarketEnergy] = attrs.field(factory=list, init=False)
    """Meter data of before the delivery was over."""
    _reconciliation: Reconciliation | None = attrs.field(default=None, init=False)

    @property
    def settles(self) -> bool:
        """Whether no other series corrects, and settles, the slots of this one."""
        product = self.timeline.spec.product
        return not any(other.refines == product for other in self.venue.rules.series)

    async def run(self) -> None:
        """Settle, from the end of the delivery to the final statement."""
        if not self.settles:
            return
        self._open()
        port = self.venue.port
        await port.sleep_until(self.timeline.meter_deadline)
        if self._reconciliation is not None:
            self._say(self._reconciliation.meter_deadline())
        await port.sleep_until(self.timeline.dispute_end)
        self.finish()

    def energy(self, energy: MarketEnergy) -> None:
        """Take the reads of an interval."""
        if not self.settles:
            return
        if self._reconciliation is None:
            self._early.append(energy)
        else:
            self._read(self._reconciliation, energy)

    def dispute(self, dispute: Dispute) -> None:
        """Take a dispute and answer it."""
        if self._reconciliation is not None:
            self._say(self._reconciliation.dispute(dispute))

    def finish(self) -> None:
        """Issue the final statement for what was delivered, if it is not out."""
        if self.settles and self._reconciliation is None:
            self._open()
        if self._reconciliation is not None:
            self._say(self._reconciliation.close())

    def _open(self) -> None:
        """Begin with what was cleared, if anything of it has been delivered."""
        if self._reconciliation is not None:
            return
        slots = tuple(self._slots())
        if slots:
            self._reconciliation = Reconciliation(
                MarketInstance(
                    market=self.venue.port.name,
                    do=self.venue.rules.do,
                    product=self.timeline.spec.product,
                    clearing=self.timeline.clearing,
                    slots=slots,
                ),
                self.venue.rules.settlement,
            )
            early, self._early = self._early, []
            for energy in early:
                self._read(self._reconciliation, energy)

    def _read(self, reconciliation: Reconciliation, energy: MarketEnergy) -> None:
        """One issue for all reads of an interval, so that a batch is one version."""
        issue = reconciliation.read(
            energy.start, energy.duration, energy.usage_points, energy.energy_kwh, energy.estimated
        )
        issue += reconciliation.lost(self.venue.rules.lse, energy.start, energy.duration, energy.losses_kwh)
        self._say(issue + reconciliation.recalculate())

    def _say(self, issue: Issue) -> None:
        for message in (*issue.answers, *issue.statements):
            self.venue.port.publish(message)
        self.venue.dues.add(issue.dues)

    # What was cleared

    def _slots(self) -> Iterator[DeliverySlot]:
        """The binding slots that have begun, cut off where the run ends."""
        now, spec = self.venue.port.now, self.timeline.spec
        for start in self.timeline.slot_starts(self.venue.port.stop)[: spec.binding_slots]:
            cleared = self.venue.ledger.at(spec.product, start)
            assigned = self.venue.participants.assignments(start)
            if cleared is not None and assigned and start < now:
                yield self._slot(start, cleared, assigned)

    def _slot(self, start: Instant, cleared: Cleared, assigned: Mapping[str, Assignment]) -> DeliverySlot:
        spec, names = self.timeline.spec, tuple(assigned)
        places = {name: place for place, name in enumerate(names)}
        price = np.full(len(names), cleared.price_per_kwh)
        real_time_kw, has_award = np.zeros(len(names)), np.zeros(len(names), dtype=bool)
        for holding in cleared.holdings.values() if spec.commitment else ():
            place = places.get(holding.usage_point)
            if place is not None:
                real_time_kw[place] += holding.power_kw
                price[place] = holding.price_per_kwh
                has_award[place] = True
        refined = self.venue.ledger.at(spec.refines, start) if spec.refines else None
        day_ahead_kw, day_ahead_price = _held(refined, places)
        return DeliverySlot(
            start=start,
            length=min(spec.slot, self.venue.port.stop - start),
            usage_points=names,
            retailers=tuple(each.lse for each in assigned.values()),
            real_time_kw=real_time_kw,
            real_time_price_per_kwh=price,
            supply_price_per_kwh=cleared.supply_price_per_kwh,
            has_award=has_award,
            unbid_kw=self._unbid_kw(start, places),
            day_ahead_kw=day_ahead_kw,
            day_ahead_price_per_kwh=day_ahead_price,
            day_ahead_supply_price_per_kwh=0.0 if refined is None else refined.supply_price_per_kwh,
        )

    def _unbid_kw(self, start: Instant, places: dict[str, int]) -> FloatArray:
        unbid_kw = np.zeros(len(places))
        estimate = self.estimates.get(start)
        if estimate is not None:
            for name, power_kw in zip(estimate.usage_points, estimate.power_kw, strict=True):
                if name in places:
                    unbid_kw[places[name]] = power_kw
        return unbid_kw


def _held(refined: Cleared | None, places: dict[str, int]) -> tuple[FloatArray, FloatArray]:
    """Positions in the refined market, and their prices, by usage point; none are held at no price."""
    power_kw, price = np.zeros(len(places)), np.zeros(len(places))
    if refined is not None and refined.commitment:
        for holding in refined.holdings.values():
            place = places.get(holding.usage_point)
            if place is not None:
                power_kw[place] += holding.power_kw
                price[place] = holding.price_per_kwh
    return power_kw, price
