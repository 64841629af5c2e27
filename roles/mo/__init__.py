"""The market operator: orders, clearing within network limits, awards."""

from ..auction.allocation import allocate
from ..auction.clearing import Clearing, Outcome, SupplyCurve, TieRule, clear
from ..auction.curves import DemandCurve, aggregate
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
