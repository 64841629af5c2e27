"""Whom a retailer supplies, and what they hold, use and pay: contracts, meter reads, positions, prices."""

from .book import CustomerBook
from .contracts import Customers, Group
from .points import UsagePoints

__all__ = ["CustomerBook", "Customers", "Group", "UsagePoints"]
