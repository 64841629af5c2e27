"""Where the energy of a retailer's customers comes from, and what it costs: slot by slot, source by source."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from ....kernel import HOUR, Duration, Instant
from ...interfaces import DAY_AHEAD, REAL_TIME, Procurement, ProcurementLine, SupplySource
from ...intervals import Intervals
from ..customers.points import FloatArray, Places, UsagePoints, room_for, taken

SLOT = HOUR
"""Length of the slots that procurement is recorded for; their edges are whole hours after the start of the run."""


@attrs.frozen
class Lot:
    """What was bought in a slot of a wholesale market."""

    power_kw: float
    price_per_kwh: float
    bid_kw: float
    """The most that was bid for."""


@attrs.frozen(eq=False)
class CustomerEnergy:
    """A metering interval of some customers; arrays with an entry for each."""

    places: Places
    start: Instant
    energy_kwh: FloatArray
    """Consumption positive."""
    awarded_kwh: FloatArray
    """What markets had awarded."""
    paid: FloatArray
    """What exports are paid with. [$]"""


@attrs.define
class _Customers:
    consumed_kwh: FloatArray = attrs.field(factory=lambda: np.zeros(0))
    """By place."""
    exported_kwh: float = 0.0
    awarded_kwh: float = 0.0
    paid: float = 0.0

    def add(self, energy: CustomerEnergy, sign: float) -> None:
        self.consumed_kwh = room_for(self.consumed_kwh, int(energy.places.max(initial=-1)) + 1, 0.0)
        self.consumed_kwh[energy.places] += sign * np.maximum(energy.energy_kwh, 0.0)
        exports = energy.energy_kwh <= 0.0
        self.exported_kwh -= sign * float(energy.energy_kwh[exports].sum())
        self.awarded_kwh += sign * float(np.maximum(-energy.awarded_kwh[exports], 0.0).sum())
        self.paid += sign * float(energy.paid[exports].sum())


@attrs.define
class SupplyBook:
    """What a retailer has bought, and what its customers and the losses have taken."""

    points: UsagePoints = attrs.field(factory=UsagePoints)
    """Those of the customers."""
    bilateral: Intervals[tuple[float, float]] = attrs.field(factory=Intervals)
    """Scheduled power [kW] and its mean price [$/kWh]."""
    expected_per_kwh: Intervals[float] = attrs.field(factory=Intervals, init=False)
    """Wholesale price forecast: of what deviates where there is no real-time slot."""
    _lots: Mapping[str, Intervals[Lot]] = attrs.field(
        factory=lambda: {DAY_AHEAD: Intervals(), REAL_TIME: Intervals()}, init=False
    )
    _used: Intervals[dict[str, float]] = attrs.field(factory=Intervals, init=False)
    """Net metered energy and losses [kWh], by distribution operator; all of them read in the same intervals."""
    _customers: dict[int, _Customers] = attrs.field(factory=dict, init=False)

    def award(self, product: str, start: Instant, length: Duration, lot: Lot) -> None:
        """Enter what was bought day-ahead or in real time."""
        self.lots(product).enter(start, length, lot)

    def lots(self, product: str) -> Intervals[Lot]:
        """What was bought in each slot of a series."""
        return self._lots[DAY_AHEAD if product == DAY_AHEAD else REAL_TIME]

    def use(self, operator: str, start: Instant, duration: Duration, energy_kwh: float) -> None:
        """Enter what a distribution operator has metered, with losses; a later entry replaces an earlier one."""
        held = self._used.at(start)
        by_operator = {} if held is None else held.value
        self._used.enter(start, duration, {**by_operator, operator: energy_kwh})

    def read(self, energy: CustomerEnergy, replaced: CustomerEnergy | None = None) -> None:
        """Enter what customers used in an interval, and take back what revised reads had said."""
        slot = self._customers.setdefault(energy.start // SLOT, _Customers())
        if replaced is not None:
            slot.add(replaced, -1.0)
        slot.add(energy, 1.0)

    def held_kwh(self, start: Instant, end: Instant) -> float:
        """What was bought ahead of real time for a span [kWh]."""
        contracted = sum(shared * held.value[0] for shared, held in self.bilateral.over(start, end))
        bought = sum(shared * held.value.power_kw for shared, held in self._lots[DAY_AHEAD].over(start, end))
        return (contracted + bought) / HOUR

    def real_time_price(self, start: Instant) -> float:
        """Real-time price of an interval; outside of all slots what was expected for it, or else nothing [$/kWh]."""
        if (lot := self._lots[REAL_TIME].at(start)) is not None:
            return lot.value.price_per_kwh
        expected = self.expected_per_kwh.at(start)
        return 0.0 if expected is None else expected.value

    def procurement(self, lse: str, start: Instant, end: Instant) -> Procurement:
        """The record of a slot, or of the part of it up to the end of the run."""
        customers = self._customers.get(start // SLOT, _Customers())
        used = (shared / held.length * sum(held.value.values()) for shared, held in self._used.over(start, end))
        required = sum(used) + customers.exported_kwh
        lines = (
            self._bilateral_line(start, end),
            self._day_ahead_line(start, end),
            self._real_time_line(start, end),
            ProcurementLine(
                source=SupplySource.CUSTOMERS,
                bid_kwh=customers.awarded_kwh,
                cleared_kwh=customers.awarded_kwh,
                settled_kwh=customers.exported_kwh,
                paid=customers.paid,
            ),
        )
        usage_points, energy_kwh, cost = self._shares(customers.consumed_kwh, sum(line.paid for line in lines))
        return Procurement(
            lse=lse,
            slot_start=start,
            slot_length=end - start,
            required_kwh=required,
            lines=lines,
            usage_points=usage_points,
            energy_kwh=energy_kwh,
            cost=cost,
        )

    def _bilateral_line(self, start: Instant, end: Instant) -> ProcurementLine:
        parts = [(shared / HOUR * held.value[0], held.value[1]) for shared, held in self.bilateral.over(start, end)]
        energy = sum(kwh for kwh, _ in parts)
        return ProcurementLine(
            source=SupplySource.BILATERAL,
            bid_kwh=energy,
            cleared_kwh=energy,
            settled_kwh=energy,
            paid=sum(kwh * price for kwh, price in parts),
        )

    def _day_ahead_line(self, start: Instant, end: Instant) -> ProcurementLine:
        lots = [(shared / HOUR, held.value) for shared, held in self._lots[DAY_AHEAD].over(start, end)]
        energy = sum(hours * lot.power_kw for hours, lot in lots)
        return ProcurementLine(
            source=SupplySource.DAY_AHEAD,
            bid_kwh=sum(hours * lot.bid_kw for hours, lot in lots),
            cleared_kwh=energy,
            settled_kwh=energy,
            paid=sum(hours * lot.power_kw * lot.price_per_kwh for hours, lot in lots),
        )

    def _real_time_line(self, start: Instant, end: Instant) -> ProcurementLine:
        """Awards in real time are of all power, and what is settled is what was used beyond what was bought ahead."""
        lots = [(shared / HOUR, held.value) for shared, held in self._lots[REAL_TIME].over(start, end)]
        settled = paid = 0.0
        for shared, held in self._used.over(start, end):
            deviation = sum(held.value.values()) - self.held_kwh(held.start, held.end)
            deviation *= shared / held.length
            settled += deviation
            paid += deviation * self.real_time_price(held.start)
        return ProcurementLine(
            source=SupplySource.REAL_TIME,
            bid_kwh=sum(hours * lot.bid_kw for hours, lot in lots),
            cleared_kwh=sum(hours * lot.power_kw for hours, lot in lots),
            settled_kwh=settled,
            paid=paid,
        )

    def _shares(
        self, consumed_kwh: FloatArray, cost: float
    ) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
        """Each customer's consumption, and its share of a cost."""
        places = self.points.by_name()
        places = places[taken(consumed_kwh, places, 0.0) > 0.0]
        energy_kwh = consumed_kwh[places]
        shares = cost * energy_kwh / energy_kwh.sum()
        return self.points.names(places), tuple(energy_kwh.tolist()), tuple(shares.tolist())
