"""The retailer (load-serving entity): forecast, procurement, tariffs, bills."""

from .retailer import Retailer

__all__ = ["Retailer"]
