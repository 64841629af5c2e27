"""Rates that recover a retailer's expenses: closed forms, and those of a finished run."""

from .closed_forms import (
    Balance,
    Customers,
    Season,
    flat_rate,
    revenue,
    subscription_rates,
    time_of_use_rates,
    time_of_use_then_flat,
    transactive_rate,
)
from .recorded import RetailerRates, rates_in, rates_of

__all__ = [
    "Balance",
    "Customers",
    "RetailerRates",
    "Season",
    "flat_rate",
    "rates_in",
    "rates_of",
    "revenue",
    "subscription_rates",
    "time_of_use_rates",
    "time_of_use_then_flat",
    "transactive_rate",
]
