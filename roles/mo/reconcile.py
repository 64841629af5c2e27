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
from ..settlement import DeliverySlot, Issue, Reconciliation, SettledInstance
from ..settlement.two_settlement import BoolArray
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

    def dispute(self, dispute: Dispute) -> bool:
        """Take a dispute and answer it; returns whether there is anything here that could be disputed."""
        if self._reconciliation is None:
            return False
        self._say(self._reconciliation.dispute(dispute))
        return True

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
                SettledInstance(
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
        real_time_kw, price, has_award = _held(cleared, places, cleared.price_per_kwh)
        refined = self.venue.ledger.at(spec.refines, start) if spec.refines else None
        day_ahead_kw, day_ahead_price, _ = _held(refined, places, 0.0)
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
        estimate = self.estimates.get(start)
        if estimate is None:
            return np.zeros(len(places))
        if estimate.usage_points == tuple(places):
            return np.array(estimate.power_kw, dtype=np.float64)
        unbid_kw = dict(zip(estimate.usage_points, estimate.power_kw, strict=True))
        return np.array([unbid_kw.get(name, 0.0) for name in places])


def _held(
    cleared: Cleared | None, places: dict[str, int], unheld_per_kwh: float
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Positions and their prices by usage point, and where there are any; a price also where nothing is held."""
    power_kw, price = np.zeros(len(places)), np.full(len(places), unheld_per_kwh)
    is_held = np.zeros(len(places), dtype=bool)
    if cleared is not None and cleared.commitment:
        meter = np.array([places.get(name, -1) for name in cleared.holders.meters], dtype=np.intp)
        held_kw, held_per_kwh = cleared.holders.by_meter(cleared.power_kw, cleared.held_per_kwh)
        there = meter >= 0
        power_kw[meter[there]], price[meter[there]] = held_kw[there], held_per_kwh[there]
        is_held[meter[there]] = True
    return power_kw, price, is_held
