"""Customers: what each home is made of, and the populations that they are drawn for."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from .air_conditioning import AirConditioning, HeatingKind, random_air_conditioning
from .chance import Purpose, source
from .devices import (
    Battery,
    HouseholdLoad,
    Photovoltaic,
    random_battery,
    random_load,
    random_photovoltaic,
)
from .dwelling import Dwelling, random_dwelling
from .habits import Occupancy, Thermostat, random_occupancy, random_thermostat
from .shares import DEFAULT_SHARES, Shares, faults_of
from .vehicle import ElectricVehicle, random_vehicle
from .water_heater import WaterHeater, random_water_heater

# Nine homes on two transformers, five and four, whatever the count of homes.
HOMES_PER_PAIR, HOMES_ON_FIRST = 9, 5
FIRST_RATING_KVA, SECOND_RATING_KVA = 37.5, 25.0

LEAST_HVAC_SLIDER, LEAST_DEVICE_SLIDER = 0.4, 0.001
"""Least slider of heating and cooling, and of other devices, in the DSO+T study."""


@attrs.frozen
class Customer:
    """One customer: place in the network, people, dwelling and devices; what is not there is None."""

    usage_point: str
    """Meter, "h001" and on, with another letter or word before the number if it is chosen."""
    transformer: str
    """Service transformer, "t01" and on, likewise; four or five homes share one."""
    transformer_rating_kva: float
    """Rating of that transformer. [kVA]"""
    participates: bool
    """Whether the customer takes part in a market if there is one."""
    slider: float
    """How far the customer trades comfort for money: 0 least, 1 most; uniform. [-]"""
    occupancy: Occupancy
    dwelling: Dwelling
    thermostat: Thermostat
    air_conditioning: AirConditioning
    household_load: HouseholdLoad
    water_heater: WaterHeater | None
    battery: Battery | None
    electric_vehicle: ElectricVehicle | None
    photovoltaic: Photovoltaic | None

    @property
    def connection_kw(self) -> float:
        """Most that the connection carries. [kW]"""
        return self.dwelling.connection_kw

    @property
    def hvac_slider(self) -> float:
        """The slider of heating and cooling, in 0.4..1 as in the DSO+T study. [-]"""
        return LEAST_HVAC_SLIDER + (1.0 - LEAST_HVAC_SLIDER) * self.slider

    @property
    def device_slider(self) -> float:
        """The slider of water heater, battery and vehicle, in 0.001..1 as in the DSO+T study. [-]"""
        return LEAST_DEVICE_SLIDER + (1.0 - LEAST_DEVICE_SLIDER) * self.slider


@attrs.frozen
class _Positions:
    """Where a customer stands among all, from 0 to 1, for each kind of equipment: below a share is to have it."""

    heating: float
    water_heater: float
    vehicle: float
    two_way: float
    photovoltaic: float
    battery: float
    participation: float


def customers(
    count: int, seed: int, *, shares: Shares = DEFAULT_SHARES, prefix: str = "h", feeder: str = "t"
) -> tuple[Customer, ...]:
    """Customers of a suburb in the US South; customer i depends on the seed and i alone.

    Neither on the count nor on its name; a share changes nothing but who has something. Names are the prefix and a
    number from 1 on, those of transformers the feeder's prefix and one.

    Raises: ValueError for a negative count or seed and for shares that are none, all at once.
    """
    faults = [] if count >= 0 else [f"count: expected 0 customers or more, got {count}"]
    return _made(range(max(count, 0)), seed, shares, prefix, feeder, faults)


def customers_of(
    numbers: Iterable[int], seed: int, *, shares: Shares = DEFAULT_SHARES, prefix: str = "h", feeder: str = "t"
) -> tuple[Customer, ...]:
    """Some of the `customers`, by number from 0 on and in that order: those of one process, say.

    Raises: ValueError for a negative number or seed and for shares that are none, all at once.
    """
    wanted = list(numbers)
    faults = [f"numbers: expected 0 or more, got {number}" for number in wanted if number < 0]
    return _made(wanted, seed, shares, prefix, feeder, faults)


def _made(
    numbers: Iterable[int], seed: int, shares: Shares, prefix: str, feeder: str, faults: list[str]
) -> tuple[Customer, ...]:
    if seed < 0:
        faults.append(f"seed: expected 0 or more, got {seed}")
    faults += faults_of(shares)
    if faults:
        raise ValueError("\n".join(faults))
    return tuple(_customer(number, seed, shares, prefix, feeder) for number in numbers)


def _customer(number: int, seed: int, shares: Shares, prefix: str, feeder: str) -> Customer:
    pair, place = divmod(number, HOMES_PER_PAIR)
    is_first = place < HOMES_ON_FIRST
    at = _Positions(*source(seed, number, Purpose.EQUIPMENT).random(7).tolist())
    load = random_load(source(seed, number, Purpose.LOAD))
    occupancy = random_occupancy(source(seed, number, Purpose.OCCUPANCY), load.delay_h)
    dwelling = random_dwelling(source(seed, number, Purpose.DWELLING), load.daily_kwh, occupancy.occupants)
    thermostat = random_thermostat(source(seed, number, Purpose.THERMOSTAT))
    return Customer(
        usage_point=f"{prefix}{number + 1:03d}",
        transformer=f"{feeder}{2 * pair + (1 if is_first else 2):02d}",
        transformer_rating_kva=FIRST_RATING_KVA if is_first else SECOND_RATING_KVA,
        participates=at.participation < shares.participation,
        slider=source(seed, number, Purpose.COMFORT).random(),
        occupancy=occupancy,
        dwelling=dwelling,
        thermostat=thermostat,
        air_conditioning=random_air_conditioning(
            source(seed, number, Purpose.AIR_CONDITIONING), _heating(at.heating, shares), dwelling, thermostat
        ),
        household_load=load,
        water_heater=_water_heater(number, seed, occupancy) if at.water_heater < shares.electric_water_heater else None,
        battery=random_battery(source(seed, number, Purpose.BATTERY)) if at.battery < shares.battery else None,
        electric_vehicle=_vehicle(number, seed, shares, at, occupancy, dwelling),
        photovoltaic=_photovoltaic(number, seed, dwelling) if at.photovoltaic < shares.photovoltaic else None,
    )


def _heating(position: float, shares: Shares) -> HeatingKind:
    if position < shares.heat_pump:
        return HeatingKind.HEAT_PUMP
    return HeatingKind.RESISTANCE if position < shares.heat_pump + shares.resistance else HeatingKind.GAS


def _water_heater(number: int, seed: int, occupancy: Occupancy) -> WaterHeater:
    return random_water_heater(source(seed, number, Purpose.WATER_HEATER), occupancy.occupants)


def _vehicle(
    number: int, seed: int, shares: Shares, at: _Positions, occupancy: Occupancy, dwelling: Dwelling
) -> ElectricVehicle | None:
    if at.vehicle >= shares.electric_vehicle:
        return None
    is_two_way = at.two_way < shares.vehicle_to_grid
    rng = source(seed, number, Purpose.VEHICLE)
    return random_vehicle(rng, occupancy, dwelling.connection_kw, is_two_way=is_two_way)


def _photovoltaic(number: int, seed: int, dwelling: Dwelling) -> Photovoltaic:
    return random_photovoltaic(source(seed, number, Purpose.PHOTOVOLTAIC), dwelling.floor_m2)
