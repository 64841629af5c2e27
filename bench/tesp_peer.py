"""TESP's retail market of the DSO+T study, as `tesp-support` has it, beside ours; it is imported when it is asked for.

It is no dependency: ``pip install tesp-support==1.3.7 pulp joblib tqdm seaborn pyglm pyomo highspy`` puts it there,
with what it imports and does not declare. ``python -m gridbus.bench.tesp_peer CASE...`` writes into test cases what
it makes of them.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from ..roles.auction.grid_parity import GridClearing, GridClearingType, GridCurve

Points = Sequence[tuple[float, float]]


class _Settings(dict[str, Any]):
    """Settings of a market; those that are not given are of a transformer's ageing, which is off."""

    def __missing__(self, name: str) -> float:
        return 1.0


class _NoSchedules:
    """In place of the client of TESP's schedule server, which every market opens."""

    def __init__(self, port: int) -> None:
        self.proxy = self


def missing() -> str:
    """What is missing to run it; empty if nothing is."""
    if find_spec("tesp_support") is None:
        return "tesp-support is not installed"
    try:
        import_module("tesp_support.dsot.retail_market")
    except ImportError as error:
        return f"tesp-support cannot be imported: {error}"
    return ""


class TespMarket:
    """A retail market for slots of the day ahead and of real time."""

    def __init__(self, *, price_cap: float, limit_kw: float, samples: int = 100, hours: int = 48) -> None:
        module: Any = import_module("tesp_support.dsot.retail_market")
        module.DataClient = _NoSchedules
        self._curve: Any = import_module("tesp_support.dsot.helpers_dsot").Curve
        self._limit_kw, self._price_cap, self._samples = limit_kw, price_cap, samples
        settings = _Settings(
            pricecap=price_cap,
            num_samples=samples,
            Q_max=limit_kw,
            windowLength=hours,
            basecase=False,
            load_flexibility=True,
        )
        with redirect_stdout(io.StringIO()):
            self._market: Any = module.RetailMarket(settings, "Retail_1")

    def sample(self, bids: Sequence[Points], highest_per_kwh: float, lowest_per_kwh: float) -> GridCurve:
        """The sum of bids at the prices of a grid."""
        curve = self._curve([highest_per_kwh, lowest_per_kwh], self._samples)
        for bid in bids:
            curve.curve_aggregator("Buyer", np.array(bid, np.float64))
        return GridCurve(curve.prices, curve.quantities, not curve.uncontrollable_only)

    def clear(self, demand: GridCurve, supply: GridCurve) -> GridClearing:
        """The clearing of a sampled demand against a sampled supply."""
        buyer = self._curve(self._price_cap, self._samples)
        buyer.prices, buyer.quantities = demand.price_per_kwh.copy(), demand.quantity_kw.copy()
        buyer.uncontrollable_only = not demand.is_elastic
        with redirect_stdout(io.StringIO()):
            kind, price, quantity_kw, surcharge = self._market.clear_market(
                buyer, self._seller(supply), False, self._limit_kw
            )
        return GridClearing(float(price), float(quantity_kw), GridClearingType(int(kind)), float(surcharge))

    def clear_real_time(self, bids: Sequence[Points], supply: GridCurve) -> tuple[float, float]:
        """Price [$/kWh] and quantity [kW] of a slot of real time, by way of the market's own book."""
        market = self._market
        market.clean_bids_RT()
        for bid in bids:
            market.curve_aggregator_RT("Buyer", bid, "bidder")
        market.curve_seller_RT = self._seller(supply)
        with redirect_stdout(io.StringIO()):
            market.clear_market_RT(False, self._limit_kw)
        return float(market.cleared_price_RT), float(market.cleared_quantity_RT)

    def clear_day_ahead(self, bids: Sequence[Sequence[Points]], supply: GridCurve) -> list[tuple[float, float]]:
        """Price [$/kWh] and quantity [kW] of each hour of the day ahead; every bid has a curve for each."""
        market = self._market
        market.clean_bids_DA()
        for bid in bids:
            market.curve_aggregator_DA("Buyer", bid, "bidder")
        market.curve_seller_DA = {hour: self._seller(supply) for hour in range(market.windowLength)}
        with redirect_stdout(io.StringIO()):
            market.clear_market_DA(False, self._limit_kw)
        cleared = zip(market.cleared_price_DA, market.cleared_quantity_DA, strict=True)
        return [(float(price), float(quantity_kw)) for price, quantity_kw in cleared]

    def _seller(self, supply: GridCurve) -> Any:
        curve = self._curve(self._price_cap, self._samples)
        curve.prices, curve.quantities = supply.price_per_kwh.copy(), supply.quantity_kw.copy()
        return curve


def supply_of(points: Points, samples: int) -> GridCurve:
    """A supply through (quantity [kW], price [$/kWh]) points, ascending, at evenly spaced quantities."""
    quantity_kw, price_per_kwh = np.array(points, np.float64).T
    spaced = np.linspace(quantity_kw[0], quantity_kw[-1], samples)
    return GridCurve(np.interp(spaced, quantity_kw, price_per_kwh), spaced)


def result_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """What TESP makes of a case: bids, grid, and a supply if it is to be cleared; None for infinite."""
    samples, supply = case["samples"], case.get("supply")
    market = TespMarket(price_cap=case.get("price_cap", 1.0), limit_kw=case.get("limit_kw", 1e9), samples=samples)
    demand = market.sample(case["bids"], case["highest_per_kwh"], case["lowest_per_kwh"])
    result: dict[str, Any] = {"quantity_kw": demand.quantity_kw.tolist(), "is_elastic": demand.is_elastic}
    if supply is not None:
        cleared = market.clear(demand, supply_of(supply, samples))
        result |= {
            "clearing_type": cleared.clearing_type.name,
            "price_per_kwh": _finite(cleared.price_per_kwh),
            "cleared_kw": _finite(cleared.quantity_kw),
            "surcharge_per_kwh": _finite(cleared.surcharge_per_kwh),
        }
    return result


def _finite(number: float) -> float | None:
    return number if isfinite(number) else None


def _write_results(paths: Sequence[str]) -> None:
    for path in map(Path, paths):
        case = json.loads(path.read_text(encoding="utf-8"))
        case["source"] = f"tesp-support {version('tesp-support')}"
        case["result"] = result_of(case)
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(content)}" for name, content in case.items())
        path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    _write_results(sys.argv[1:])
