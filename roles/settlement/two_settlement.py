"""Settling one delivery slot twice: awards of the day-ahead market at its price, deviations from them in real time.

With awards q_da and q_rt [kW] at prices p_da and p_rt, a slot of h hours and metered energy e, a usage point pays

    q_da h p_da  +  (q_rt - q_da) h p_rt  +  (e - q_rt h) p_im

where p_im is the price of imbalance. Load that does not bid has no award and settles at p_rt. Where p_im is p_rt, all
of it comes to the day-ahead position and the metered deviation from it: q_da h p_da + (e - q_da h) p_rt.

The same energy at the prices of the supply is the supply's; the rest is congestion rent and penalties.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import attrs
import numpy as np
from numpy.typing import NDArray

from ...kernel import HOUR, Duration, Instant, UsageError
from ..interfaces import LineKind
from .books import ClearingAccount, Holder, Party
from .flexibility import FlexibilityOrder, FloatArray, delivery
from .rules import ImbalancePrice, LossPayer, LossPrice, SettlementRules

BoolArray = NDArray[np.bool_]

_CHARGED_TO = (ClearingAccount.ENERGY, ClearingAccount.IMBALANCE)
"""Where the charges for energy go; at a price of zero they are still a quantity that can be disputed."""

_NEGLIGIBLE_KWH = 1e-12
"""Less is a rounding error of powers times hours."""

_BALANCED_KWH = 1e-9
"""A market whose deviations sum to less is in balance, and nothing aggravates an imbalance of it."""


@attrs.frozen(eq=False)
class DeliverySlot:
    """What a market has awarded for a slot; arrays of shape (n_usage_points,).

    A price is needed at every usage point, also where nothing was awarded: it is that of load that does not bid. When
    the market refines none, the day-ahead columns are left out.

    Raises:
        UsageError: a column has another length or something that is no finite number; names all such.
    """

    start: Instant
    length: Duration
    usage_points: tuple[str, ...]
    retailers: tuple[str, ...]
    """Retailer of each usage point in the slot."""
    real_time_kw: FloatArray
    real_time_price_per_kwh: FloatArray
    supply_price_per_kwh: float
    has_award: BoolArray
    """Whether the usage point has a device that bids; all that another one uses is load that does not bid."""
    unbid_kw: FloatArray = attrs.field(default=attrs.Factory(lambda self: np.zeros(len(self.usage_points)), True))
    """Expected load at each usage point that does not bid; no imbalance as far as it comes as expected. [kW]"""
    day_ahead_kw: FloatArray = attrs.field(default=attrs.Factory(lambda self: np.zeros(len(self.usage_points)), True))
    day_ahead_price_per_kwh: FloatArray = attrs.field(
        default=attrs.Factory(lambda self: np.zeros(len(self.usage_points)), True)
    )
    day_ahead_supply_price_per_kwh: float = 0.0
    flexibility: tuple[FlexibilityOrder, ...] = ()

    def __attrs_post_init__(self) -> None:
        faults = list(_faults(self))
        if faults:
            raise UsageError(f"slot at {self.start} ns: {'; '.join(faults)}")

    @property
    def hours(self) -> float:
        """Length of the slot. [h]"""
        return self.length / HOUR

    @property
    def end(self) -> Instant:
        """First instant after the slot. [ns]"""
        return self.start + self.length

    @cached_property
    def by_retailer(self) -> Mapping[str, BoolArray]:
        """The retailers, sorted, each with which usage points it supplies."""
        names = sorted(set(self.retailers))
        if len(names) == 1:
            return {names[0]: np.full(len(self.retailers), True)}
        return {name: np.array([each == name for each in self.retailers], dtype=bool) for name in names}

    @property
    def expected_kw(self) -> FloatArray:
        """What each usage point draws if it follows its award, and its other load the estimate. [kW]"""
        return self.real_time_kw + self.unbid_kw


@attrs.frozen(eq=False)
class Metered:
    """What was metered in a slot; arrays of shape (n_usage_points,)."""

    energy_kwh: FloatArray
    estimated: BoolArray
    losses_kwh: Mapping[str, float] = attrs.field(factory=dict)
    """Share of each retailer in the losses: substation less meters. [kWh]"""


@attrs.frozen(eq=False)
class Energies:
    """The energy of a slot in its three parts, which sum to what was metered; shape (n_usage_points,). [kWh]"""

    day_ahead: FloatArray
    real_time: FloatArray
    imbalance: FloatArray


@attrs.frozen
class Line:
    """An amount that one account owes another, not rounded yet. [$]"""

    kind: LineKind
    payer: Holder
    payee: Holder
    amount: float
    quantity_kwh: float = 0.0
    price_per_kwh: float = 0.0
    usage_point: str = ""


@attrs.frozen
class Entities:
    """The market operator, and the distribution operator of its network."""

    mo: Party
    do: Party


def energies(slot: DeliverySlot, metered_kwh: FloatArray) -> Energies:
    """Split metered energy, shape (n_usage_points,) [kWh], into what each price applies to."""
    day_ahead = slot.day_ahead_kw * slot.hours
    expected = np.where(slot.has_award, slot.expected_kw * slot.hours, metered_kwh)
    return Energies(day_ahead, expected - day_ahead, metered_kwh - expected)


def penalty_per_kwh(imbalance_kwh: FloatArray, price_per_kwh: FloatArray, rules: SettlementRules) -> FloatArray:
    """What each usage point pays on every kWh of its imbalance, either way, beyond the market price [$/kWh]."""
    of_market_kwh = imbalance_kwh.sum()
    if rules.imbalance_price is ImbalancePrice.SINGLE or abs(of_market_kwh) < _BALANCED_KWH:
        return np.zeros(len(imbalance_kwh))
    aggravates = np.sign(imbalance_kwh) == np.sign(of_market_kwh)
    penalty: FloatArray = np.where(aggravates, (rules.penalty_multiplier - 1.0) * np.abs(price_per_kwh), 0.0)
    return penalty


def settle(slot: DeliverySlot, metered: Metered, rules: SettlementRules, entities: Entities) -> tuple[Line, ...]:
    """All lines of a slot, before rounding."""
    parts = energies(slot, metered.energy_kwh)
    lines = [*_charges(slot, parts, rules)]
    for retailer, chosen in slot.by_retailer.items():
        lines += _supply(slot, parts, chosen, retailer)
        lines += _fee(slot, chosen, retailer, rules, entities.mo)
    if rules.losses_paid_by is LossPayer.DO:
        lines += _losses(slot, metered, rules, entities.do)
    lines += _flexibility(slot, metered, rules, entities.do)
    return tuple(line for line in lines if line.amount or line.payee in _CHARGED_TO)


def _faults(slot: DeliverySlot) -> Iterator[str]:
    count = len(slot.usage_points)
    if len(slot.retailers) != count:
        yield f"{len(slot.retailers)} retailers: give one for each of {count} usage points"
    if len(set(slot.usage_points)) != count:
        yield "a usage point is there twice: sum the awards of its devices"
    if slot.length <= 0:
        yield f"its length is {slot.length} ns: give a positive one"
    for name, column in attrs.asdict(slot, recurse=False).items():
        if isinstance(column, np.ndarray) and column.shape != (count,):
            yield f"{name} has shape {column.shape}: give one number for each of {count} usage points"
        elif isinstance(column, np.ndarray | float) and not np.isfinite(column).all():
            yield f"{name} holds what is no finite number"
    if len(slot.has_award) == len(slot.real_time_kw) and (~slot.has_award & (slot.real_time_kw != 0.0)).any():
        yield "real_time_kw has an award where has_award says that there is none"
    for order in slot.flexibility:
        if missing := sorted({order.retailer, *order.usage_points} - {*slot.retailers, *slot.usage_points}):
            yield f"flexibility of {', '.join(missing)}: not in this slot"


def _charges(slot: DeliverySlot, parts: Energies, rules: SettlementRules) -> Iterator[Line]:
    """What each retailer owes for its usage points, one by one if the rules say so, or together."""
    price = slot.real_time_price_per_kwh
    columns: tuple[tuple[LineKind, ClearingAccount, FloatArray, FloatArray], ...] = (
        (LineKind.DAY_AHEAD, ClearingAccount.ENERGY, parts.day_ahead, slot.day_ahead_price_per_kwh),
        (LineKind.REAL_TIME, ClearingAccount.ENERGY, parts.real_time, price),
        (LineKind.IMBALANCE, ClearingAccount.ENERGY, parts.imbalance, price),
        (
            LineKind.PENALTY,
            ClearingAccount.IMBALANCE,
            np.abs(parts.imbalance),
            penalty_per_kwh(parts.imbalance, price, rules),
        ),
    )
    lines = _each if rules.itemised else _together
    for kind, account, quantity_kwh, price_per_kwh in columns:
        is_due = (np.abs(quantity_kwh) > _NEGLIGIBLE_KWH) & ((kind is not LineKind.PENALTY) | (price_per_kwh != 0.0))
        yield from lines(slot, kind, account, np.where(is_due, quantity_kwh, 0.0), price_per_kwh)


def _each(
    slot: DeliverySlot, kind: LineKind, account: ClearingAccount, quantity_kwh: FloatArray, price_per_kwh: FloatArray
) -> Iterator[Line]:
    parties = {name: Party("lse", name) for name in slot.retailers}
    rows = zip(slot.usage_points, slot.retailers, quantity_kwh.tolist(), price_per_kwh.tolist(), strict=True)
    for usage_point, retailer, quantity, paid in rows:
        if quantity:
            yield _line(kind, parties[retailer], account, quantity, paid, usage_point)


def _together(
    slot: DeliverySlot, kind: LineKind, account: ClearingAccount, quantity_kwh: FloatArray, price_per_kwh: FloatArray
) -> Iterator[Line]:
    amount = quantity_kwh * price_per_kwh
    for retailer, chosen in slot.by_retailer.items():
        quantity, owed = float(quantity_kwh[chosen].sum()), float(amount[chosen].sum())
        mean = owed / quantity if quantity else 0.0
        if (quantity_kwh[chosen] != 0.0).any():
            yield Line(kind, Party("lse", retailer), account, owed, quantity, mean)


def _supply(slot: DeliverySlot, parts: Energies, chosen: BoolArray, retailer: str) -> Iterator[Line]:
    """What a retailer gets for the energy that it supplies, and the rent that its customers pay beyond that."""
    day_ahead, later = parts.day_ahead[chosen], (parts.real_time + parts.imbalance)[chosen]
    supplier = Party("lse", retailer)
    for kind, energy_kwh, price in (
        (LineKind.DAY_AHEAD_SUPPLY, day_ahead, slot.day_ahead_supply_price_per_kwh),
        (LineKind.REAL_TIME_SUPPLY, later, slot.supply_price_per_kwh),
    ):
        yield _line(kind, ClearingAccount.ENERGY, supplier, float(energy_kwh.sum()), price)
    rent = day_ahead @ (slot.day_ahead_price_per_kwh[chosen] - slot.day_ahead_supply_price_per_kwh)
    rent += later @ (slot.real_time_price_per_kwh[chosen] - slot.supply_price_per_kwh)
    yield Line(LineKind.CONGESTION_RENT, ClearingAccount.ENERGY, ClearingAccount.CONGESTION_RENT, float(rent))


def _fee(slot: DeliverySlot, chosen: BoolArray, retailer: str, rules: SettlementRules, mo: Party) -> Iterator[Line]:
    """The fee on awards; what the devices behind one meter trade among themselves has been summed out before."""
    awarded_kw = np.abs(slot.day_ahead_kw[chosen]).sum() + np.abs(slot.real_time_kw[chosen]).sum()
    quantity = float(awarded_kw) * slot.hours
    yield _line(LineKind.MARKET_FEE, Party("lse", retailer), mo, quantity, rules.fee_per_kwh)


def _losses(slot: DeliverySlot, metered: Metered, rules: SettlementRules, do: Party) -> Iterator[Line]:
    price = _loss_price(slot, metered, rules)
    for retailer, quantity in sorted(metered.losses_kwh.items()):
        for payer, payee in _through(do, ClearingAccount.LOSSES, Party("lse", retailer)):
            yield _line(LineKind.LOSSES, payer, payee, quantity, price)


def _loss_price(slot: DeliverySlot, metered: Metered, rules: SettlementRules) -> float:
    gross_kwh = np.abs(metered.energy_kwh)
    if rules.loss_price is LossPrice.FIXED:
        return rules.loss_price_per_kwh
    if rules.loss_price is LossPrice.SUPPLY or not gross_kwh.sum():
        return slot.supply_price_per_kwh
    return float(np.average(slot.real_time_price_per_kwh, weights=gross_kwh))


def _flexibility(slot: DeliverySlot, metered: Metered, rules: SettlementRules, do: Party) -> Iterator[Line]:
    places = {name: place for place, name in enumerate(slot.usage_points)}
    for order in slot.flexibility:
        actual_kwh = sum(float(metered.energy_kwh[places[name]]) for name in order.usage_points)
        power_kw = np.array([order.baseline_kw, order.ordered_kw])
        baseline, ordered = power_kw[:1] * slot.hours, power_kw[1:] * slot.hours
        found = delivery(baseline, ordered, np.array([actual_kwh]))
        paid = (
            (LineKind.FLEXIBILITY, float(found.delivered[0]), order.price_per_kwh),
            (LineKind.DEFICIENCY, -float(found.deficiency[0]), rules.flexibility_penalty_per_kwh),
        )
        usage_point = order.usage_points[0] if len(order.usage_points) == 1 else ""
        for payer, payee in _through(do, ClearingAccount.FLEXIBILITY, Party("lse", order.retailer)):
            for kind, quantity, price in paid:
                if quantity:
                    yield _line(kind, payer, payee, quantity, price, usage_point)


def _through(payer: Party, account: ClearingAccount, payee: Party) -> Iterable[tuple[Holder, Holder]]:
    return (payer, account), (account, payee)


def _line(
    kind: LineKind, payer: Holder, payee: Holder, quantity_kwh: float, price_per_kwh: float, usage_point: str = ""
) -> Line:
    return Line(kind, payer, payee, quantity_kwh * price_per_kwh, quantity_kwh, price_per_kwh, usage_point)
