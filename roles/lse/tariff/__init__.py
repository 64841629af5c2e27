"""Tariffs as data, and bills made from them line by line."""

from .bill import Statement, bill_lines, statement
from .components import components
from .files import load_tariff, tariff_names
from .tariff import Tariff
from .usage import Usage

__all__ = ["Statement", "Tariff", "Usage", "bill_lines", "components", "load_tariff", "statement", "tariff_names"]
