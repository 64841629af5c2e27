"""The bits of a device's numbers depend on the device alone: not on others beside it, their order or the processor."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.models.air_conditioning import AirConditioningParameters
from gridbus.agents.models.batteries import Batteries, BatteryParameters
from gridbus.agents.models.electric_vehicles import ElectricVehicleParameters, ElectricVehicles
from gridbus.agents.models.elementwise import FloatArray, IntArray
from gridbus.agents.models.household_loads import HouseholdLoadParameters, HouseholdLoads
from gridbus.agents.models.houses import HouseParameters, Houses, ThermostatParameters
from gridbus.agents.models.photovoltaics import PhotovoltaicParameters, Photovoltaics
from gridbus.agents.models.trips import TripParameters, Trips
from gridbus.agents.models.water_heaters import WaterHeaterParameters, WaterHeaters
from gridbus.kernel import HOUR

MOST_DEVICES, STEPS = 40, 6
DURATIONS_S = [300.0, 300.0, 3600.0, 300.0, 900.0, 300.0]

Trace = Callable[[int, IntArray], list[FloatArray]]
"""All numbers that some of the devices drawn from a seed give, each of shape (n,)."""


def uniform(seed: int) -> Callable[[float, float], FloatArray]:
    """Draws for all devices that there could be, so that a device's do not depend on which are taken."""
    rng = np.random.default_rng(seed)
    return lambda low, high: rng.uniform(low, high, MOST_DEVICES)


def awards(seed: int, low_kw: float, high_kw: float) -> list[FloatArray]:
    """Powers of each step; some devices have none."""
    rng = np.random.default_rng([seed, 1])
    powers = rng.uniform(low_kw, high_kw, (STEPS, MOST_DEVICES))
    return list(np.where(rng.random(powers.shape) < 0.4, np.nan, powers))


def of_houses(seed: int, devices: IntArray) -> list[FloatArray]:
    draw = uniform(seed)
    envelopes = HouseParameters(
        *(draw(low, high) for low, high in [(0.1, 0.8), (0.2, 1), (0.5, 8), (1, 8), (0, 4), (0, 1)])
    )
    ratings = [np.maximum(draw(-1, high), 0.0) for high in (5, 4, 9, 12)]
    equipment = AirConditioningParameters(ratings[0], draw(2, 4), draw(0, 0.4), ratings[1], draw(2, 4), *ratings[2:])
    thermostats = ThermostatParameters(draw(22, 26), draw(17, 20), draw(0.5, 1.5))
    houses = Houses(envelopes.take(devices), equipment.take(devices), thermostats.take(devices), draw(16, 28)[devices])
    found = []
    for duration_s, power_kw in zip(DURATIONS_S, awards(seed, -1, 9), strict=True):
        weather = draw(-15, 42)[devices], draw(0, 1)[devices]
        found += [*houses.limits(duration_s, *weather), houses.default_kw(duration_s, *weather)]
        found.append(houses.step(duration_s, *weather, power_kw[devices]))
        found += [houses.air_temperature_c, houses.mass_temperature_c, houses.is_heating + 0.0, houses.is_on + 0.0]
    return found


def of_water_heaters(seed: int, devices: IntArray) -> list[FloatArray]:
    draw = uniform(seed)
    ranges = [(100, 300), (1, 6), (1e-4, 0.01), (1e-5, 0.1), (0.1, 0.9), (48, 60)]
    parameters = WaterHeaterParameters(*(draw(low, high) for low, high in ranges))
    tanks = WaterHeaters(parameters.take(devices), draw(40, 60)[devices], draw(10, 60)[devices])
    found = []
    for duration_s, power_kw in zip(DURATIONS_S, awards(seed, -1, 7), strict=True):
        environment = np.maximum(draw(-5, 10), 0.0)[devices], draw(5, 20)[devices], 18.0
        found += [*tanks.limits(duration_s, *environment), tanks.default_kw(duration_s, *environment)]
        found.append(tanks.step(duration_s, *environment, power_kw[devices]))
        found += [
            tanks.upper_temperature_c,
            tanks.lower_temperature_c,
            tanks.is_upper_on + 0.0,
            tanks.is_lower_on + 0.0,
        ]
    return found


def of_batteries(seed: int, devices: IntArray) -> list[FloatArray]:
    draw = uniform(seed)
    parameters = BatteryParameters(draw(8, 14), draw(2, 6), draw(0.8, 1), draw(0.8, 1), draw(0, 3))
    batteries = Batteries(parameters.take(devices), draw(0, 8)[devices])
    found = []
    for duration_s, power_kw in zip(DURATIONS_S, awards(seed, -8, 8), strict=True):
        found += [*batteries.limits(duration_s), batteries.step(duration_s, power_kw[devices]), batteries.energy_kwh]
    return found


def of_electric_vehicles(seed: int, devices: IntArray) -> list[FloatArray]:
    draw = uniform(seed)
    sizes = draw(20, 80), draw(2, 11), np.maximum(draw(-5, 8), 0.0), draw(0.8, 1), draw(0.8, 1), draw(0, 10)
    parameters = ElectricVehicleParameters(*sizes, draw(0, 24), draw(0, 24))
    energy_kwh, leaves = draw(0, 20), (draw(0, 4) * HOUR).astype(np.int64)
    away = (draw(0.01, 2) * HOUR).astype(np.int64), draw(0, 25), draw(0, 20)
    trips = TripParameters(
        np.arange(len(devices)), leaves[devices], (leaves + away[0])[devices], *(a[devices] for a in away[1:])
    )
    vehicles = ElectricVehicles(parameters.take(devices), Trips.of(len(devices), trips), energy_kwh[devices])
    found = []
    for duration_s, power_kw in zip(DURATIONS_S, awards(seed, -9, 12), strict=True):
        found += [*vehicles.limits(duration_s), vehicles.default_kw(duration_s, 22.0)]
        found += [vehicles.step(duration_s, 22.0, power_kw[devices]), vehicles.energy_kwh, vehicles.missing_kwh]
    return found


def of_photovoltaics(seed: int, devices: IntArray) -> list[FloatArray]:
    draw = uniform(seed)
    parameters = PhotovoltaicParameters(draw(0, 90), draw(0, 360), draw(2, 9), draw(2, 9), draw(0, 1), draw(0, 0.5))
    systems = Photovoltaics(parameters.take(devices))
    sites = systems.power_kw(
        *(draw(*r)[devices] for r in [(0, 120), (0, 360), (0, 900), (0, 900), (0, 400), (-9, 40), (0, 9)])
    )
    return [sites, systems.power_kw(30.0, 200.0, 800.0, 800.0, 100.0, 30.0, 2.0)]


def of_household_loads(seed: int, devices: IntArray) -> list[FloatArray]:
    draw = uniform(seed)
    seeds = np.random.default_rng(seed).integers(2**63, size=MOST_DEVICES)
    parameters = HouseholdLoadParameters(draw(9, 20), draw(-2, 2), draw(0, 0.5), draw(0, 0.95), seeds)
    loads = HouseholdLoads(parameters.take(devices))
    return [loads.power_kw(hour, step) for hour, step in [(0.0, 0), (7.3, 88), (19.75, 500)]]


def bits(found: list[FloatArray]) -> list[bytes]:
    """One for each device."""
    return [column.tobytes() for column in np.ascontiguousarray(np.stack(found).T)]


TRACES = [of_houses, of_water_heaters, of_batteries, of_electric_vehicles, of_photovoltaics, of_household_loads]


def digest() -> str:
    """Of the bits of all devices of every kind."""
    return hashlib.sha256(b"".join(b"".join(bits(trace(5, np.arange(MOST_DEVICES)))) for trace in TRACES)).hexdigest()


@pytest.mark.parametrize("trace", TRACES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), order=st.permutations(range(MOST_DEVICES)), count=st.integers(1, MOST_DEVICES))
def test_a_device_alone_or_among_others_in_any_order_has_the_same_bits(
    trace: Trace, seed: int, order: list[int], count: int
):
    together = bits(trace(seed, np.arange(MOST_DEVICES)))

    chosen = np.array(order[:count])
    assert bits(trace(seed, chosen)) == [together[device] for device in chosen]
    for device in order[:3]:
        assert bits(trace(seed, np.array([device]))) == [together[device]]
    assert len(set(together)) > 1


def test_a_processor_with_fewer_instructions_gives_the_same_bits():
    used = np.show_config(mode="dicts")["SIMD Extensions"]["found"]

    simple = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(used)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert simple.stdout == digest()


if __name__ == "__main__":
    sys.stdout.write(digest())
