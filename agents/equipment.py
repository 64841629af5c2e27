"""The equipment that a customer may have: which kind it is, what it is called, and what it can draw and inject."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from .customers import Customer
from .kinds.batteries import BatteryKind
from .kinds.electric_vehicles import VehicleKind
from .kinds.household_loads import HouseholdLoadKind
from .kinds.houses import HouseKind
from .kinds.kind import Kind
from .kinds.photovoltaics import PhotovoltaicKind
from .kinds.water_heaters import WaterHeaterKind

Ratings = tuple[float, float]
"""Most that is drawn and injected. [kW]"""


@attrs.frozen
class Equipment:
    """One kind of equipment."""

    name: str
    """What is added to the name of the usage point; nothing for the household itself."""
    kind: type[Kind]
    is_there: Callable[[Customer], bool]
    ratings_kw: Callable[[Customer], Ratings]
    trades: bool
    """Whether it can take part in a market; it then also gives way before others have to."""


def _hvac_kw(customer: Customer) -> Ratings:
    equipment = customer.air_conditioning
    return max(equipment.cooling_rated_kw, equipment.heat_pump_rated_kw + equipment.resistance_kw), 0.0


def _battery_kw(customer: Customer) -> Ratings:
    rated_kw = 0.0 if customer.battery is None else customer.battery.rated_kw
    return rated_kw, rated_kw


def _vehicle_kw(customer: Customer) -> Ratings:
    vehicle = customer.electric_vehicle
    return (0.0, 0.0) if vehicle is None else (vehicle.charge_rated_kw, vehicle.discharge_rated_kw)


def _water_heater_kw(customer: Customer) -> Ratings:
    return 0.0 if customer.water_heater is None else customer.water_heater.rated_kw, 0.0


EQUIPMENT = (
    Equipment("", HouseholdLoadKind, lambda _: True, lambda _: (0.0, 0.0), trades=False),
    Equipment("hvac", HouseKind, lambda _: True, _hvac_kw, trades=True),
    Equipment("heater", WaterHeaterKind, lambda each: each.water_heater is not None, _water_heater_kw, trades=True),
    Equipment("battery", BatteryKind, lambda each: each.battery is not None, _battery_kw, trades=True),
    Equipment("vehicle", VehicleKind, lambda each: each.electric_vehicle is not None, _vehicle_kw, trades=True),
    Equipment("pv", PhotovoltaicKind, lambda each: each.photovoltaic is not None, lambda _: (0.0, 0.0), trades=False),
)
"""All that there is, the household first."""


def equipment_of(customer: Customer) -> Iterator[Equipment]:
    """What a customer has."""
    return (each for each in EQUIPMENT if each.is_there(customer))
