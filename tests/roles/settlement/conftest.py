"""Random markets that were cleared day-ahead and in real time, and read: what settlement starts from."""

from __future__ import annotations

from math import inf

import attrs
import numpy as np

from gridbus.kernel import MINUTE
from gridbus.roles.mo import SupplyCurve, aggregate, allocate, clear
from gridbus.roles.settlement import (
    DeliverySlot,
    FlexibilityOrder,
    ImbalancePrice,
    LossPayer,
    LossPrice,
    Metered,
    Party,
    Receiver,
    SettlementRules,
)
from gridbus.roles.settlement.two_settlement import Entities, FloatArray

CAP, FLOOR = 0.5, 0.0
ENTITIES = Entities(mo=Party("mo", "retail"), do=Party("do", "wires"))
Generator = np.random.Generator


@attrs.frozen(eq=False)
class Stage:
    """One market as it was cleared."""

    power_kw: FloatArray
    price_per_kwh: FloatArray
    supply_price_per_kwh: float
    outcome: str


@attrs.frozen(eq=False)
class Case:
    """A slot with its meters and rules."""

    slot: DeliverySlot
    metered: Metered
    rules: SettlementRules
    outcomes: tuple[str, str]


def random_case(generator: Generator) -> Case:
    """A market of one to ten usage points, up to three devices behind each meter, some of which bid nothing."""
    count = int(generator.integers(1, 11))
    usage_points = tuple(f"h{k}" for k in range(count))
    device = np.repeat(np.arange(count), generator.integers(0, 4, count))
    unbid_kw = np.where(generator.random(count) < 0.6, generator.uniform(-3, 3, count), 0.0)
    stages = [_stage(generator, count, device, unbid_kw) for _ in range(2)]
    retailers = tuple(generator.choice(["blue", "green", "simple"], count).tolist())
    length = int(generator.choice([5, 15, 60])) * MINUTE
    slot = DeliverySlot(
        start=0,
        length=length,
        usage_points=usage_points,
        retailers=retailers,
        day_ahead_kw=stages[0].power_kw,
        day_ahead_price_per_kwh=stages[0].price_per_kwh,
        day_ahead_supply_price_per_kwh=stages[0].supply_price_per_kwh,
        real_time_kw=stages[1].power_kw,
        real_time_price_per_kwh=stages[1].price_per_kwh,
        supply_price_per_kwh=stages[1].supply_price_per_kwh,
        has_award=np.isin(np.arange(count), device),
        unbid_kw=unbid_kw,
        flexibility=_flexibility(generator, usage_points, retailers[0]),
    )
    return Case(slot, _meters(generator, slot), _rules(generator), (stages[0].outcome, stages[1].outcome))


def _stage(generator: Generator, count: int, device: np.ndarray, unbid_kw: FloatArray) -> Stage:
    shape = len(device), 3
    quantity = np.sort(generator.uniform(-5, 8, shape).round(1), axis=1) - generator.choice([0.0, 6.0, -6.0])
    price = -np.sort(-generator.choice([0.0, 0.05, 0.1, 0.2, 0.3, 0.5], shape), axis=1)
    supply = float(generator.choice([-0.02, 0.0, 0.05, 0.1, 0.25]))
    most_kw, export_kw = generator.choice([inf, inf, 10.0]), generator.choice([inf, 1.0])
    limit_kw = None if generator.random() < 0.3 else float(generator.uniform(0, 25))
    result = clear(
        aggregate(quantity, price, fixed_kw=float(unbid_kw.sum())),
        SupplyCurve.flat(supply, float(most_kw), export_kw=float(export_kw)),
        price_cap=CAP,
        price_floor=FLOOR,
        limit_kw=limit_kw,
    )
    power_kw = np.zeros(count)
    np.add.at(power_kw, device, allocate(quantity, price, result))
    # Some usage points are below a transformer whose own limit raises the price there.
    local = np.where(generator.random(count) < 0.2, generator.uniform(0, 0.2, count), 0.0)
    return Stage(power_kw, result.price_per_kwh + local, supply, str(result.outcome))


def _flexibility(generator: Generator, usage_points: tuple[str, ...], retailer: str) -> tuple[FlexibilityOrder, ...]:
    if generator.random() < 0.7:
        return ()
    chosen = tuple(sorted(generator.choice(usage_points, int(generator.integers(1, 3)), replace=True).tolist()))
    baseline, ordered = generator.uniform(-5, 5), generator.uniform(-3, 3)
    return (FlexibilityOrder(retailer, tuple(dict.fromkeys(chosen)), float(baseline), float(ordered), 0.4),)


def _meters(generator: Generator, slot: DeliverySlot) -> Metered:
    count = len(slot.usage_points)
    follows = generator.random(count) < 0.3
    power_kw = np.where(follows, slot.expected_kw, slot.expected_kw + generator.normal(0, 2, count))
    losses = {name: float(generator.uniform(0, 0.3)) for name in sorted(set(slot.retailers))}
    return Metered(power_kw * slot.hours, generator.random(count) < 0.1, losses)


def _rules(generator: Generator) -> SettlementRules:
    def one(of: type) -> object:
        return list(of)[int(generator.integers(len(list(of))))]

    return SettlementRules(
        imbalance_price=one(ImbalancePrice),
        penalty_multiplier=float(generator.choice([1.0, 1.25, 2.0])),
        penalties_to=one(Receiver),
        congestion_rent_to=one(Receiver),
        losses_paid_by=one(LossPayer),
        loss_price=one(LossPrice),
        loss_price_per_kwh=0.07,
        flexibility_penalty_per_kwh=0.6,
        decimals=int(generator.choice([2, 3, 6])),
        itemised=bool(generator.random() < 0.5),
    )
