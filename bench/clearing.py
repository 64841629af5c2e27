"""What exact aggregation and clearing cost: a day ahead and a slot of real time, beside TESP's market if it is there.

CPU time, medians of several repetitions in one process; TESP, which takes long, has one for the day ahead. All
figures are of the same bids, of four points each, against the same supply. Each measurement makes sure that the work
was done: that the price is where a sum of `np.interp` over the bids meets the supply, and that the aggregate is that
sum.
"""

from __future__ import annotations

from collections.abc import Callable
from math import fsum, nan
from statistics import median
from time import process_time
from typing import Any, TypeVar

import attrs
import numpy as np

from ..kernel import InternalError
from ..roles.auction.allocation import allocate
from ..roles.auction.clearing import Clearing, SupplyCurve, clear
from ..roles.auction.curves import DemandCurve, aggregate
from ..roles.auction.grid_parity import SAMPLES, clear_on_grid, sample_bids
from . import tesp_peer

Measurement = dict[str, Any]
"""``name``, ``value`` and ``unit``."""
Hours = np.ndarray[tuple[int, int, int], np.dtype[np.float64]]
Cleared = list[tuple[float, float]]
"""Price [$/kWh] and quantity [kW] of each slot."""
T = TypeVar("T")

_BIDS = 10_000
_HOURS = 48
_REPEATS = 7
_REAL_TIME_REPEATS = 31
_TESP_REPEATS = 3
_SAMPLED_HOURS = 3
_SAMPLED_PRICES = 5

_PRICE_CAP = 1.0
_POINTS = 4
_DEAREST = 0.4
_CHEAPEST_SUPPLY, _DEAREST_SUPPLY = 0.02, 0.3
_LARGEST_KW = 8.0
_EXACT = 1e-12
"""Relative to the quantity: what sums in another order may differ by."""
_TESP_STEPS = 2
"""Steps of TESP's grid of prices by which its price may be off."""


def measure() -> list[Measurement]:
    """Measure everything; see the README for what the figures mean."""
    problem = Problem.make(_BIDS, _HOURS)
    day, curves, cleared = problem.day_ahead()
    error_kw = problem.check(curves, cleared)
    slot_s, award_s = problem.real_time()
    return [
        {"name": "day_ahead_s", "value": round(day, 4), "unit": "s"},
        {"name": "real_time_ms", "value": round(slot_s * 1e3, 3), "unit": "ms"},
        {"name": "real_time_awards_ms", "value": round(award_s * 1e3, 3), "unit": "ms"},
        {"name": "largest_error_kw", "value": error_kw, "unit": "kW"},
        *_peer(problem, cleared, day, slot_s),
    ]


def _peer(problem: Problem, ours: Cleared, day_s: float, slot_s: float) -> list[Measurement]:
    """TESP's own code on the same bids, and how many times as long it takes."""
    missing = tesp_peer.missing()
    tesp_day_s, tesp_slot_s = (nan, nan) if missing else problem.by_tesp(ours)
    reason = f" ({missing})" if missing else ""
    return [
        {"name": "tesp_day_ahead_s", "value": round(tesp_day_s, 3), "unit": f"s{reason}"},
        {"name": "tesp_real_time_ms", "value": round(tesp_slot_s * 1e3, 1), "unit": f"ms{reason}"},
        {"name": "day_ahead_ratio", "value": round(tesp_day_s / day_s, 1), "unit": f"1{reason}"},
        {"name": "real_time_ratio", "value": round(tesp_slot_s / slot_s, 1), "unit": f"1{reason}"},
    ]


@attrs.frozen(eq=False)
class Problem:
    """Bids of shape (n_hours, n_bids, 4), and a supply that rises in a straight line."""

    quantity_kw: Hours
    price_per_kwh: Hours
    supply_kw: float
    """Most that is offered. [kW]"""

    @classmethod
    def make(cls, bids: int, hours: int) -> Problem:
        """Random bids, of which some inject at high prices; no two points have the same price."""
        random = np.random.default_rng(20160805)
        shape = hours, bids, _POINTS
        quantity_kw = np.sort(random.uniform(-1.0, _LARGEST_KW, shape), axis=-1)
        price = -np.sort(-random.uniform(0.0, _DEAREST, shape), axis=-1)
        return cls(quantity_kw, price, bids * _LARGEST_KW)

    def day_ahead(self) -> tuple[float, tuple[DemandCurve, ...], Cleared]:
        """CPU time of aggregating and clearing all hours [s], and the results."""
        supply = self._supply()

        def work() -> tuple[tuple[DemandCurve, ...], list[Clearing]]:
            curves = aggregate(self.quantity_kw, self.price_per_kwh)
            return curves, [clear(curve, supply, price_cap=_PRICE_CAP) for curve in curves]

        seconds, (curves, cleared) = timed(work, _REPEATS)
        return seconds, curves, [(each.price_per_kwh, each.quantity_kw) for each in cleared]

    def real_time(self) -> tuple[float, float]:
        """CPU time of aggregating and clearing one slot, and of awarding its bids [s]."""
        bids, supply = (self.quantity_kw[0], self.price_per_kwh[0]), self._supply()
        seconds, cleared = timed(lambda: clear(aggregate(*bids), supply, price_cap=_PRICE_CAP), _REAL_TIME_REPEATS)
        award_s, awards = timed(lambda: allocate(*bids, cleared), _REAL_TIME_REPEATS)
        _require(abs(float(awards.sum()) - cleared.quantity_kw) <= self._tolerance_kw())
        return seconds, award_s

    def check(self, curves: tuple[DemandCurve, ...], cleared: Cleared) -> float:
        """Make sure that curves and prices are right; returns the largest error of a curve [kW]."""
        _require(len(curves) == len(cleared) == len(self.quantity_kw))
        errors = [0.0]
        for hour in np.linspace(0, len(curves) - 1, min(_SAMPLED_HOURS, len(curves))).astype(int).tolist():
            price, quantity_kw = cleared[hour]
            sampled = [price, *np.linspace(0.0, _DEAREST, _SAMPLED_PRICES).tolist()]
            errors += [abs(curves[hour].quantity_at(each) - self._interpolated(hour, each)) for each in sampled]
            _require(abs(self._interpolated(hour, price) - quantity_kw) <= self._tolerance_kw())
            _require(abs(self._offered(price) - quantity_kw) <= self._tolerance_kw())
        _require(max(errors) <= self._tolerance_kw())
        return max(errors)

    def by_tesp(self, ours: Cleared) -> tuple[float, float]:
        """CPU time of TESP for the day ahead and for a slot of real time [s]."""
        market = tesp_peer.TespMarket(price_cap=_PRICE_CAP, limit_kw=self.supply_kw, hours=len(self.quantity_kw))
        supply = tesp_peer.supply_of([(0.0, _CHEAPEST_SUPPLY), (self.supply_kw, _DEAREST_SUPPLY)], SAMPLES)
        points = np.stack((self.quantity_kw, self.price_per_kwh), axis=-1)
        slot, day = points[0].tolist(), points.transpose(1, 0, 2, 3).tolist()
        slot_s, cleared = timed(lambda: market.clear_real_time(slot, supply), _TESP_REPEATS)
        day_s, theirs = timed(lambda: market.clear_day_ahead(day, supply), 1)
        parity = clear_on_grid(sample_bids(slot, highest_per_kwh=_PRICE_CAP), supply, price_cap=_PRICE_CAP)
        _require(cleared == theirs[0] and len(theirs) == len(ours))
        _require(np.allclose(cleared, (parity.price_per_kwh, parity.quantity_kw), rtol=_EXACT, atol=0.0))
        step = _PRICE_CAP / (SAMPLES - 1)
        _require(
            all(abs(found - exact) <= _TESP_STEPS * step for (found, _), (exact, _) in zip(theirs, ours, strict=True))
        )
        return day_s, slot_s

    def _supply(self) -> SupplyCurve:
        return SupplyCurve.from_points((0.0, self.supply_kw), (_CHEAPEST_SUPPLY, _DEAREST_SUPPLY))

    def _offered(self, price: float) -> float:
        return self.supply_kw * (price - _CHEAPEST_SUPPLY) / (_DEAREST_SUPPLY - _CHEAPEST_SUPPLY)

    def _interpolated(self, hour: int, price: float) -> float:
        rows = zip(self.price_per_kwh[hour, :, ::-1], self.quantity_kw[hour, :, ::-1], strict=True)
        return fsum(float(np.interp(price, prices, quantities)) for prices, quantities in rows)

    def _tolerance_kw(self) -> float:
        return _EXACT * self.supply_kw


def timed(work: Callable[[], T], repeats: int) -> tuple[float, T]:
    """Median CPU time [s], and the last result."""
    times = []
    for _ in range(repeats):
        begun = process_time()
        result = work()
        times.append(process_time() - begun)
    return median(times), result


def _require(is_done: bool) -> None:
    """Show that a benchmark did its work, also where Python leaves assertions out."""
    if not is_done:
        raise InternalError("a benchmark did not do its work; its figure means nothing")
