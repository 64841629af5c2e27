"""Bid curves and their exact sum, clearing and allocation: a double auction without a market around it."""
