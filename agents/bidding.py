"""Bidding strategies: from plans and prices to the curves of all devices of a fleet at once."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

import attrs
import numpy as np

from ..kernel import HOUR
from ..roles.interfaces import MarketCall
from .kinds.kind import Interval, PlanningKind
from .planning.bids import Bids, Response, four_point_bids
from .planning.plans import Plan
from .surroundings import FloatArray, Surroundings

OUTLOOK_HOURS = 24
"""Hours whose prices say how dear the present one is."""


class Strategy(Enum):
    """How a device takes part in its market."""

    OPTIMUM = "optimum"
    """Four points around the best plan of the day, as in the DSO+T study (PNNL-32170)."""
    PRICE_TAKER = "price-taker"
    """The best plan of the day at expected prices, bought at any price."""
    NONE = "none"
    """No part at all: the device's own control."""


class Bidder(Protocol):
    """Makes the curves of a fleet's devices."""

    def day_ahead(self, kind: PlanningKind, call: MarketCall, around: Surroundings) -> tuple[Bids, Plan]:
        """Curves for every hour of a call, and the plan that they are drawn around."""

    def real_time(
        self,
        kind: PlanningKind,
        call: MarketCall,
        slot: Interval,
        position_kw: FloatArray,
        around: Surroundings,
    ) -> Bids:
        """Curves for one slot, by the state in which the devices begin it.

        ``position_kw`` is what each holds for the hour from the day ahead, NaN for nothing; shape (n_devices,).
        """


@attrs.frozen
class FourPoints:
    """Curves of four points around the plan: DSO+T's; or, without slope, the plan at any price."""

    is_elastic: bool = True

    def day_ahead(self, kind: PlanningKind, call: MarketCall, around: Surroundings) -> tuple[Bids, Plan]:
        """Curves around the best plan of the horizon."""
        prices = around.prices_ahead(call.first_slot, call.slots)
        plan = kind.plan(call.first_slot, prices, around)
        response = self._response(kind.response(call.first_slot, prices, real_time=False))
        return _bids(plan.quantity_kw, prices, response, call), plan

    def real_time(
        self,
        kind: PlanningKind,
        call: MarketCall,
        slot: Interval,
        position_kw: FloatArray,
        around: Surroundings,
    ) -> Bids:
        """Curves around the position, as far as the device can hold it."""
        prices = around.prices_ahead(call.first_slot // HOUR * HOUR, OUTLOOK_HOURS)
        least_kw, most_kw = (limit[:, np.newaxis] for limit in kind.limits_kw(slot))
        wanted_kw = np.where(np.isnan(position_kw), kind.default_kw(slot), position_kw)[:, np.newaxis]
        whole = self._response(_first(kind.response(call.first_slot, prices, real_time=True)))
        wanted_kw = np.clip(wanted_kw, least_kw, most_kw)
        return _bids(wanted_kw, prices[:1], whole.within(least_kw, most_kw), call)

    def _response(self, response: Response) -> Response:
        if self.is_elastic:
            return response
        return attrs.evolve(response, slope_per_kwh_kw=np.zeros_like(response.slope_per_kwh_kw))


def bidder(strategy: Strategy) -> Bidder:
    """The bidder of a strategy that takes part."""
    return FourPoints(is_elastic=strategy is Strategy.OPTIMUM)


def _first(response: Response) -> Response:
    """The response of the first hour."""
    return Response(*(column[:, :1] for column in attrs.astuple(response, recurse=False)))


def _bids(plan_kw: FloatArray, prices: FloatArray, response: Response, call: MarketCall) -> Bids:
    return four_point_bids(
        plan_kw,
        prices,
        response,
        floor_per_kwh=call.price_floor_per_kwh,
        cap_per_kwh=call.price_cap_per_kwh,
    )
