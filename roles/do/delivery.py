"""Delivery of meter data: to each retailer the reads of its customers, to each market those of its usage points."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from ...kernel import Duration, Instant, Port
from ..interfaces import NO_MARKET, EntityEnergy, MarketEnergy, MeterRead, Quality
from .metering import Read


@attrs.define
class Group:
    """The reads of one retailer, or of one market, in an interval."""

    usage_points: list[str] = attrs.field(factory=list)
    energy_kwh: list[float] = attrs.field(factory=list)
    estimated: list[str] = attrs.field(factory=list)

    def add(self, read: Read) -> None:
        """Take a read in."""
        self.usage_points.append(read.usage_point)
        self.energy_kwh.append(read.energy_kwh)
        if read.quality is Quality.ESTIMATED:
            self.estimated.append(read.usage_point)

    @property
    def metered_kwh(self) -> float:
        """Net energy, consumption positive."""
        return sum(self.energy_kwh)

    @property
    def gross_kwh(self) -> float:
        """Energy exchanged, either way."""
        return sum(map(abs, self.energy_kwh))


@attrs.define
class Interval:
    """All reads of an interval, by retailer and by market."""

    start: Instant
    duration: Duration
    losses_kwh: float
    by_lse: dict[str, Group] = attrs.field(factory=dict, init=False)
    by_market: dict[str, Group] = attrs.field(factory=dict, init=False)
    nobodys: Group = attrs.field(factory=Group, init=False)
    """What was drawn where nobody is supplied."""

    def take(self, port: Port, reads: Iterable[Read]) -> None:
        """Sort the reads, and publish each for its own retailer."""
        for read in reads:
            assignment = read.assignment
            if assignment is None:
                self.nobodys.add(read)
                continue
            self.by_lse.setdefault(assignment.lse, Group()).add(read)
            if assignment.market != NO_MARKET:
                self.by_market.setdefault(assignment.market, Group()).add(read)
            port.publish(
                MeterRead(
                    lse=assignment.lse,
                    usage_point=assignment.usage_point,
                    start=self.start,
                    duration=self.duration,
                    energy_kwh=read.energy_kwh,
                    quality=read.quality,
                )
            )

    @property
    def metered_kwh(self) -> float:
        """Net energy of all meters."""
        return sum(group.metered_kwh for group in self.by_lse.values()) + self.nobodys.metered_kwh

    def losses_of(self, group: Group) -> float:
        """A group's share of the losses, by the energy that its customers exchanged, either way [kWh]."""
        total = sum(each.gross_kwh for each in self.by_lse.values())
        if total > 0.0:
            return self.losses_kwh * (group.gross_kwh / total)
        return self.losses_kwh / max(len(self.by_lse), 1)

    def publish_totals(self, port: Port) -> None:
        """What each retailer's customers used, and to each market the reads that it settles."""
        for lse, group in sorted(self.by_lse.items()):
            port.publish(
                EntityEnergy(
                    lse=lse,
                    start=self.start,
                    duration=self.duration,
                    metered_kwh=group.metered_kwh,
                    losses_kwh=self.losses_of(group),
                )
            )
        for market, group in sorted(self.by_market.items()):
            port.publish(
                MarketEnergy(
                    market=market,
                    start=self.start,
                    duration=self.duration,
                    usage_points=tuple(group.usage_points),
                    energy_kwh=tuple(group.energy_kwh),
                    estimated=tuple(group.estimated),
                    losses_kwh=self.losses_of(group),
                )
            )
