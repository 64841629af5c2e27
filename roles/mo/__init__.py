"""The market operator: orders, clearing within network limits, awards."""

from .clearing import Clearing, Outcome, SupplyCurve, allocate, clear
from .curves import DemandCurve, aggregate, aggregate_hours
from .operator import MarketOperator

__all__ = [
    "Clearing",
    "DemandCurve",
    "MarketOperator",
    "Outcome",
    "SupplyCurve",
    "aggregate",
    "aggregate_hours",
    "allocate",
    "clear",
]
