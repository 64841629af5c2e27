"""The typed messages between the entities, one file per real interface; the contract that the bus enforces."""

from .customer import Bill, BillLine, TariffPublished
from .market import (
    DAY_AHEAD,
    REAL_TIME,
    Award,
    AwardStatus,
    ClearingResult,
    MarketCall,
    Order,
)
from .metering import DeviceLimit, DevicePower, EntityEnergy, FeederRead, MeterRead, Quality, belongs
from .network import SUBSTATION, CurtailmentPlan, ElementLimit, ValidationRequest, ValidationResult
from .registry import NO_MARKET, Assignment, Enrolment, EnrolmentRefused
from .retail_supply import AggregateDemand, LoadEstimate, Positions, PriceForecast, SupplyOffer
from .settlement import BILLING, CLOSING, AccountStatement, Invoice, Payment, TransferKind
from .weather import WeatherForecast, WeatherReading
from .wholesale import FORECAST, WholesaleAward, WholesaleBid, WholesaleCall, WholesalePrice

__all__ = [
    "BILLING",
    "CLOSING",
    "DAY_AHEAD",
    "FORECAST",
    "NO_MARKET",
    "REAL_TIME",
    "SUBSTATION",
    "AccountStatement",
    "AggregateDemand",
    "Assignment",
    "Award",
    "AwardStatus",
    "Bill",
    "BillLine",
    "ClearingResult",
    "CurtailmentPlan",
    "DeviceLimit",
    "DevicePower",
    "ElementLimit",
    "Enrolment",
    "EnrolmentRefused",
    "EntityEnergy",
    "FeederRead",
    "Invoice",
    "LoadEstimate",
    "MarketCall",
    "MeterRead",
    "Order",
    "Payment",
    "Positions",
    "PriceForecast",
    "Quality",
    "SupplyOffer",
    "TariffPublished",
    "TransferKind",
    "ValidationRequest",
    "ValidationResult",
    "WeatherForecast",
    "WeatherReading",
    "WholesaleAward",
    "WholesaleBid",
    "WholesaleCall",
    "WholesalePrice",
    "belongs",
]
