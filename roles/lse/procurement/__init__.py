"""What a retailer buys for its customers, from whom and at which prices, and what it asks of them for it."""

from .bidding import portfolio_demand, wholesale_bid
from .bilateral import BilateralBlock, schedule
from .demand_book import DemandBook
from .pricing import NodePrices, PriceConversion, RetailPrice, RetailRate, node_curve
from .retail_prices import RetailPrices
from .supply_book import SLOT, CustomerEnergy, Lot, SupplyBook

__all__ = [
    "SLOT",
    "BilateralBlock",
    "CustomerEnergy",
    "DemandBook",
    "Lot",
    "NodePrices",
    "PriceConversion",
    "RetailPrice",
    "RetailPrices",
    "RetailRate",
    "SupplyBook",
    "node_curve",
    "portfolio_demand",
    "schedule",
    "wholesale_bid",
]
