"""Delivery of meter data: to each retailer the reads of its customers, to each market those of its usage points."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from ...kernel import Duration, Instant, Port
from ..assignments import InForce
from ..interfaces import NO_MARKET, EntityEnergy, MarketEnergy, MeterRead, Quality
from .metering import Places, Reads


@attrs.frozen(eq=False)
class _Route:
    """Whose meters go to one receiver."""

    places: Places
    usage_points: tuple[str, ...]


@attrs.frozen(eq=False)
class _Routes:
    """To whom the reads of a span of time go."""

    in_force: InForce
    lses: tuple[str | None, ...]
    """Retailer of each meter."""
    by_lse: Mapping[str, _Route]
    by_market: Mapping[str, _Route]
    nobodys: _Route


@attrs.frozen(eq=False)
class Group:
    """The reads of one retailer, or of one market, in an interval."""

    usage_points: tuple[str, ...]
    energy_kwh: tuple[float, ...]
    estimated: tuple[str, ...]
    metered_kwh: float
    """Net energy, consumption positive."""
    gross_kwh: float
    """Energy exchanged, either way."""

    @classmethod
    def of(cls, reads: Reads, route: _Route) -> Group:
        """The reads that go a way."""
        energy_kwh = tuple(reads.energy_kwh[route.places].tolist())
        estimated = np.flatnonzero(reads.estimated[route.places]).tolist()
        names = tuple(route.usage_points[place] for place in estimated)
        return cls(route.usage_points, energy_kwh, names, sum(energy_kwh), sum(map(abs, energy_kwh)))


@attrs.define
class Delivery:
    """Knows to whom reads go, and finds it out anew when that has changed."""

    _routes: _Routes | None = attrs.field(default=None, init=False)

    def sorted(self, reads: Reads, start: Instant, duration: Duration, losses_kwh: float) -> Interval:
        """Sort the reads of an interval by whom they belong to."""
        routes = self._routes
        if routes is None or routes.in_force is not reads.in_force:
            routes = self._routes = _found(reads)
        return Interval(
            start,
            duration,
            losses_kwh,
            reads,
            routes.lses,
            {name: Group.of(reads, route) for name, route in routes.by_lse.items()},
            {name: Group.of(reads, route) for name, route in routes.by_market.items()},
            Group.of(reads, routes.nobodys),
        )


@attrs.frozen(eq=False)
class Interval:
    """All reads of an interval, by retailer and by market."""

    start: Instant
    duration: Duration
    losses_kwh: float
    reads: Reads
    lses: tuple[str | None, ...]
    """The retailer of each meter."""
    by_lse: Mapping[str, Group]
    by_market: Mapping[str, Group]
    nobodys: Group
    """What was drawn where nobody is supplied."""

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

    def publish(self, port: Port) -> None:
        """Each read for its own retailer, then what is for retailers and markets as a whole."""
        reads = self.reads
        rows = zip(reads.usage_points, self.lses, reads.energy_kwh.tolist(), reads.estimated.tolist(), strict=True)
        for usage_point, lse, energy_kwh, is_estimated in rows:
            if lse is not None:
                port.publish(
                    MeterRead(
                        lse=lse,
                        usage_point=usage_point,
                        start=self.start,
                        duration=self.duration,
                        energy_kwh=energy_kwh,
                        quality=Quality.ESTIMATED if is_estimated else Quality.VALID,
                    )
                )
        self._publish_totals(port)

    def _publish_totals(self, port: Port) -> None:
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
                    usage_points=group.usage_points,
                    energy_kwh=group.energy_kwh,
                    estimated=group.estimated,
                    losses_kwh=self.losses_of(group),
                )
            )


def _found(reads: Reads) -> _Routes:
    by_lse: dict[str, list[int]] = {}
    by_market: dict[str, list[int]] = {}
    nobodys: list[int] = []
    contracts = [reads.in_force.by_usage_point.get(name) for name in reads.usage_points]
    for place, contract in enumerate(contracts):
        if contract is None:
            nobodys.append(place)
            continue
        by_lse.setdefault(contract.lse, []).append(place)
        if contract.market != NO_MARKET:
            by_market.setdefault(contract.market, []).append(place)

    def route(places: list[int]) -> _Route:
        return _Route(np.array(places, dtype=np.intp), tuple(reads.usage_points[place] for place in places))

    return _Routes(
        reads.in_force,
        tuple(None if contract is None else contract.lse for contract in contracts),
        {name: route(places) for name, places in by_lse.items()},
        {name: route(places) for name, places in by_market.items()},
        route(nobodys),
    )
