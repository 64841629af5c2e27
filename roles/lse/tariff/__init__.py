"""Tariffs as data, and bills made from them line by line.

``load_tariff`` reads a ``Tariff`` from a file or from the built-in ones; ``statement`` makes of it and a ``Usage``
what a customer owes for a period, and ``Statement.bill`` the message of it, first or revised; ``components`` is what
a retailer publishes of a tariff.
"""

from .bill import Statement, bill_lines, statement
from .components import components
from .files import load_tariff, tariff_names
from .tariff import Tariff
from .usage import Usage

__all__ = ["Statement", "Tariff", "Usage", "bill_lines", "components", "load_tariff", "statement", "tariff_names"]
