"""The market operator: orders, clearing within network limits, awards."""

from .allocation import allocate
from .clearing import Clearing, Outcome, SupplyCurve, TieRule, clear
from .curves import DemandCurve, aggregate
from .operator import MarketOperator

__all__ = [
    "Clearing",
    "DemandCurve",
    "MarketOperator",
    "Outcome",
    "SupplyCurve",
    "TieRule",
    "aggregate",
    "allocate",
    "clear",
]
