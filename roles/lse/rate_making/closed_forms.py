"""Rates that recover a retailer's expenses exactly, each the solution of one linear equation.

What customers pay is the price sought times what it multiplies, plus what they pay whatever that price is. Over all
customers, each standing for ``scale`` real ones, this is to be the expenses ``E``:
``sum(scale * (price * multiplied + other)) = E``.

Source: rate setting of the DSO+T study (PNNL-32170), with closed forms for the four rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import attrs

from ....kernel import UsageError


class Balance(Enum):
    """Which part of a transactive rate brings in what market prices do not."""

    VOLUMETRIC = "volumetric"
    """A distribution charge per kWh."""
    FIXED = "fixed"
    """A charge for the time alone."""


@attrs.frozen(kw_only=True)
class Customers:
    """What customers of one rate used together, and what they pay beside the price that is sought. All of one scale."""

    energy_kwh: tuple[float, ...]
    """Energy in each period of the rate: metered, or of the baseline of a subscription. [kWh]"""
    other_revenue: float = 0.0
    """Demand and fixed charges, minimums, and what tiers add to or take off the price. [$]"""
    market_revenue: float = 0.0
    """Energy at market prices: positions and deviations. [$]"""
    spans: float = 0.0
    """Customers times the span of time that a fixed charge is for. [1]"""
    scale: float = 1.0
    """Real customers for each of these; 1 for those that are not a sample. [1]"""

    def weighted_kwh(self, ratios: Sequence[float]) -> float:
        """Energy, each period's times the ratio of its price [kWh]."""
        if len(ratios) != len(self.energy_kwh):
            raise UsageError(f"expected a ratio for each of the periods, got {len(ratios)} for {len(self.energy_kwh)}")
        return sum(ratio * energy for ratio, energy in zip(ratios, self.energy_kwh, strict=True))


@attrs.frozen(kw_only=True)
class Season:
    """A season of a time-of-use rate."""

    expenses: float
    """Expenses of the season. [$]"""
    ratios: tuple[float, ...]
    """Price of each period by that of the base period. [1]"""
    everybody: tuple[Customers, ...]
    """All customers, as if all of them were on the rate."""
    participants: tuple[Customers, ...]
    """Those of them that are."""


def flat_rate(expenses: float, customers: Sequence[Customers]) -> float:
    """One price for all energy [$/kWh].

    ``(E - sum(scale * other)) / sum(scale * kWh)``

    Raises:
        UsageError: there is no energy to recover the expenses from.
    """
    return _price(expenses, customers, [sum(each.energy_kwh) for each in customers])


def time_of_use_rates(expenses: float, customers: Sequence[Customers], ratios: Sequence[float]) -> tuple[float, ...]:
    """The price of each period, in given ratios to a base price [$/kWh].

    The base price is ``(E - sum(scale * other)) / sum(scale * sum(ratio_k * kWh_k))``.

    Raises:
        UsageError: there is no energy to recover the expenses from, or no ratio for each period.
    """
    base = _price(expenses, customers, [each.weighted_kwh(ratios) for each in customers])
    return tuple(base * ratio for ratio in ratios)


def subscription_rates(expenses: float, customers: Sequence[Customers], ratios: Sequence[float]) -> tuple[float, ...]:
    """The price of each period on the baseline, in given ratios to a base price [$/kWh].

    As for time of use with the energy of the baseline; what deviations cost at day-ahead prices is paid anyway:
    ``(E - sum(scale * (deviations + other))) / sum(scale * sum(ratio_k * baseline_k))``.

    Raises:
        UsageError: there is no energy to recover the expenses from, or no ratio for each period.
    """
    return time_of_use_rates(expenses, customers, ratios)


def transactive_rate(expenses: float, customers: Sequence[Customers], balance: Balance) -> float:
    """What a transactive rate charges beside the market's prices [$/kWh], or [$] for a span of time.

    ``(E - sum(scale * (market + other)))`` over ``sum(scale * kWh)``, or over ``sum(scale * spans)``

    Raises:
        UsageError: there is no energy, or no span of time, to recover the expenses from.
    """
    if balance is Balance.VOLUMETRIC:
        return flat_rate(expenses, customers)
    return _price(expenses, customers, [each.spans for each in customers])


def time_of_use_then_flat(
    seasons: Sequence[Season], others: Sequence[Customers]
) -> tuple[tuple[tuple[float, ...], ...], float]:
    """The prices of each season, found as if everybody were on the rate, and the flat rate of the others [$/kWh].

    The flat rate is ``(E - revenue of the participants - sum(scale * other)) / sum(scale * kWh)``, over all seasons.

    Raises:
        UsageError: there is no energy to recover the expenses from.
    """
    prices = tuple(time_of_use_rates(season.expenses, season.everybody, season.ratios) for season in seasons)
    recovered = sum(revenue(season.participants, there) for season, there in zip(seasons, prices, strict=True))
    return prices, flat_rate(sum(season.expenses for season in seasons) - recovered, others)


def revenue(customers: Sequence[Customers], prices: Sequence[float]) -> float:
    """What customers pay in all at prices for the periods of their rate [$]."""
    return sum(
        each.scale * (each.weighted_kwh(prices) + each.other_revenue + each.market_revenue) for each in customers
    )


def _price(expenses: float, customers: Sequence[Customers], multiplied: Sequence[float]) -> float:
    anyway = sum(each.scale * (each.other_revenue + each.market_revenue) for each in customers)
    base = sum(each.scale * quantity for each, quantity in zip(customers, multiplied, strict=True))
    if not base:
        raise UsageError("nothing that the price sought could multiply: no energy, or no span of time")
    return (expenses - anyway) / base
