"""What customers owe and are paid, bill by bill, and which statements of a market are contested."""

from .bills import Billing, Issued
from .exports import ExportRates
from .statement_check import OwnBooks, contradictions

__all__ = ["Billing", "ExportRates", "Issued", "OwnBooks", "contradictions"]
