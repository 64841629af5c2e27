"""Test beds: the bids of one device as pure functions, and homes beside a market, wires and weather played by hand."""

from .command import COMMAND
from .curves import BidCurves, bid_curves
from .market import MarketBed, market_of

__all__ = ["COMMAND", "BidCurves", "MarketBed", "bid_curves", "market_of"]
