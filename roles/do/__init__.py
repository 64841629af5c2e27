"""The distribution operator: wires, meters, limits."""

from .operator import DistributionOperator

__all__ = ["DistributionOperator"]
