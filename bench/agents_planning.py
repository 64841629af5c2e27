"""What planning 48 hours costs for a device of each kind, beside TESP's own agents where they are installed.

Ours are the devices of a population, planned together as in a run, with their forecasts of weather, draws and trips;
and the same devices as TESP's, with all of its faults, so that quantities can be compared. CPU time, medians of
several repetitions in one process.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import fmean, median
from time import process_time
from typing import Any

import attrs
import numpy as np

from ..agents.customers import Shares, customers
from ..agents.equipment import EQUIPMENT
from ..agents.kinds.kind import PlanningKind
from ..agents.models.air_conditioning import AirConditioningParameters
from ..agents.models.batteries import BatteryParameters
from ..agents.models.electric_vehicles import ElectricVehicleParameters
from ..agents.models.elementwise import FloatArray
from ..agents.models.houses import HouseParameters
from ..agents.models.parameters import Parameters
from ..agents.models.water_heaters import WaterHeaterParameters
from ..agents.planning import battery, electric_vehicle, hvac, water_heater
from ..agents.planning.faults import Fault
from ..agents.planning.plans import Plan
from ..agents.planning.problem import Outcome
from ..agents.surroundings import Surroundings
from ..kernel import DAY, Calendar, InternalError
from ..roles.interfaces import WeatherForecast
from . import tesp_agents
from .tesp_twins import HOURS, Device, Twin

COUNTS = (100, 1000)
_REPEATS = 7
_TESP_DEVICES = 200
_SAME_KW = 1e-3
_LEAST_OPTIMAL = 0.8
"""Share of the plans of a population; set-points that change faster than a house can follow are softened."""
_SEED = 1
_ALL = Shares(heat_pump=0.5, electric_water_heater=1.0, electric_vehicle=1.0, vehicle_to_grid=0.5, battery=1.0)
_CALENDAR = Calendar(datetime(2025, 7, 21, 4, tzinfo=UTC))


@attrs.frozen
class PlannedKind:
    """A kind of device: what it is called among equipment, and how it is planned with TESP's faults."""

    equipment: str
    plan: Callable[..., Plan]
    groups: dict[str, type[Parameters]]
    faults: dict[str, Fault]


KINDS = {
    "hvac": PlannedKind(
        "hvac",
        hvac.plan,
        {"house": HouseParameters, "equipment": AirConditioningParameters, "preferences": hvac.HvacPreferences},
        {"faults": Fault.HEATING_COP_OF_WARM_WEATHER | Fault.LATENT_HEAT_IN_HEATING | Fault.RATING_IN_ANY_WEATHER},
    ),
    "water_heater": PlannedKind(
        "heater",
        water_heater.plan,
        {"tanks": WaterHeaterParameters, "preferences": water_heater.WaterHeaterPreferences},
        {},
    ),
    "battery": PlannedKind(
        "battery",
        battery.plan,
        {"batteries": BatteryParameters, "preferences": battery.BatteryPreferences},
        {
            "faults": Fault.EFFICIENCY_AS_PERCENTAGE
            | Fault.DEGRADATION_TIMES_THOUSANDTH
            | Fault.MARGIN_AS_FACTOR
            | Fault.RATING_AT_THE_STORE
        },
    ),
    "electric_vehicle": PlannedKind(
        "vehicle",
        electric_vehicle.plan,
        {"vehicles": ElectricVehicleParameters, "preferences": electric_vehicle.VehiclePreferences},
        {"faults": Fault.EFFICIENCY_AS_PERCENTAGE | Fault.RATING_AT_THE_STORE},
    ),
}


# Devices of a population


def plan_ms(kind: str, count: int) -> float:
    """CPU time of a device's plan among so many. [ms]"""
    devices = _population(kind, count)
    surroundings, price = _surroundings(), _prices()
    seconds, plan = _timed(lambda: devices.plan(0, price, surroundings))
    _require(plan.quantity_kw.shape == (count, HOURS) and bool(np.isfinite(plan.quantity_kw).all()))
    _require(float((plan.outcome == Outcome.OPTIMAL).mean()) >= _LEAST_OPTIMAL)
    _require(not (plan.outcome == Outcome.NOT_CONVERGED).any())
    _require(bool((plan.quantity_kw != 0.0).any(axis=1).all()))
    return seconds * 1e3 / count


def _population(kind: str, count: int) -> PlanningKind:
    build: Any = next(each.kind for each in EQUIPMENT if each.name == KINDS[kind].equipment)
    devices: PlanningKind = build.build(customers(count, _SEED, shares=_ALL), _surroundings())
    return devices


def _surroundings() -> Surroundings:
    """Hot summer days."""
    around = Surroundings(_CALENDAR, 2 * DAY)
    hour = np.arange(HOURS) % 24
    outdoor_c = 27.0 + 5.0 * np.sin((hour - 9) / 24 * 2 * np.pi)
    ghi = np.maximum(0.0, 900.0 * np.sin((hour - 6) / 12 * np.pi))
    around.hear(
        WeatherForecast(
            site="here", first_hour=0, outdoor_c=tuple(outdoor_c.tolist()), ghi_w_per_m2=tuple(ghi.tolist())
        )
    )
    return around


def _prices() -> FloatArray:
    hour = np.arange(HOURS) % 24
    price: FloatArray = 0.07 + 0.03 * np.sin((hour - 9) / 24 * 2 * np.pi) + 0.05 * np.exp(-(((hour - 18) / 2.5) ** 2))
    return price


# Beside TESP


@attrs.frozen
class Comparison:
    """A kind of devices as TESP plans it and as we do."""

    ours_ms: float
    """CPU time of a device's plan. [ms]"""
    tesp_ms: float
    """CPU time of a device's plan, of those that its solver has done. [ms]"""
    devices: int
    solved: int
    difference_kw: float
    """Largest difference of an hour's power."""


def compare(kind: str) -> Comparison:
    """Plan the same devices both ways.

    Raises:
        InternalError: quantities differ where TESP's solver has ended.
    """
    pairs = tesp_agents.twins(kind, _TESP_DEVICES)
    theirs = tesp_agents.plans(pairs)
    seconds, plan = _planned_here(kind, pairs)
    done = [(number, spent, kw) for number, (spent, kw) in enumerate(theirs) if kw is not None]
    differences = [float(abs(plan.quantity_kw[number] - kw).max()) for number, _, kw in done]
    _require(bool(done) and max(differences) <= _SAME_KW)
    _require(all(plan.outcome[number] == Outcome.OPTIMAL for number, _, _ in done))
    return Comparison(
        ours_ms=seconds * 1e3 / len(pairs),
        tesp_ms=fmean(spent for _, spent, _ in done) * 1e3,
        devices=len(pairs),
        solved=len(done),
        difference_kw=max(differences),
    )


def _planned_here(kind: str, pairs: list[Twin]) -> tuple[float, Plan]:
    how, devices = KINDS[kind], [pair.device for pair in pairs]
    parameters = [cls(**_stacked(devices, group)) for group, cls in how.groups.items()]
    inputs = {name: _by_hour(name, values) for name, values in _stacked(devices, "inputs").items()}
    return _timed(lambda: how.plan(*parameters, **inputs, **how.faults))


def _stacked(devices: list[Device], group: str) -> dict[str, Any]:
    return {name: np.array([device[group][name] for device in devices]) for name in devices[0][group]}


def _by_hour(name: str, values: FloatArray) -> FloatArray:
    """What holds for all hours, as a column."""
    by_device = name.startswith("start") or name == "is_cooling"
    return values if by_device or values.ndim == 2 else values[:, np.newaxis]


def _timed(work: Callable[[], Plan]) -> tuple[float, Plan]:
    """Median CPU time [s], and the last result."""
    times = []
    for _ in range(_REPEATS):
        begun = process_time()
        plan = work()
        times.append(process_time() - begun)
    return median(times), plan


def _require(is_done: bool) -> None:
    """Show that a benchmark did its work, also where Python leaves assertions out."""
    if not is_done:
        raise InternalError("a benchmark did not do its work; its figure means nothing")
