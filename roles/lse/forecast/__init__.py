"""What a retailer expects its customers to draw, and how far it was off."""

from .errors import ErrorReport, ErrorStatistics, ForecastErrors
from .expected import Expected, ExpectedLoads
from .load import LoadForecast
from .profile import HourlyProfile

__all__ = [
    "ErrorReport",
    "ErrorStatistics",
    "Expected",
    "ExpectedLoads",
    "ForecastErrors",
    "HourlyProfile",
    "LoadForecast",
]
