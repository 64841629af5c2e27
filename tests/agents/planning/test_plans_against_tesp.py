"""Day-ahead quantities and bids of the four kinds of devices against tesp-support's own agents, its faults included."""

import json
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gridbus.agents.models.air_conditioning import AirConditioningParameters
from gridbus.agents.models.batteries import BatteryParameters
from gridbus.agents.models.electric_vehicles import ElectricVehicleParameters
from gridbus.agents.models.elementwise import FloatArray
from gridbus.agents.models.houses import HouseParameters
from gridbus.agents.models.water_heaters import WaterHeaterParameters
from gridbus.agents.planning import battery, electric_vehicle, hvac, water_heater
from gridbus.agents.planning.bids import four_point_bids
from gridbus.agents.planning.faults import Fault
from gridbus.agents.planning.problem import Outcome

CASES = Path(__file__).parents[1] / "cases"
KINDS = {
    "hvac": (hvac, [HouseParameters, AirConditioningParameters, hvac.HvacPreferences]),
    "water_heater": (water_heater, [WaterHeaterParameters, water_heater.WaterHeaterPreferences]),
    "battery": (battery, [BatteryParameters, battery.BatteryPreferences]),
    "electric_vehicle": (electric_vehicle, [ElectricVehicleParameters, electric_vehicle.VehiclePreferences]),
}
GROUPS = {
    "hvac": ["house", "equipment", "preferences"],
    "water_heater": ["tanks", "preferences"],
    "battery": ["batteries", "preferences"],
    "electric_vehicle": ["vehicles", "preferences"],
}
BY_DEVICE = ("start_c", "start_kwh", "is_cooling")
"""Inputs of shape (n_devices,); all others broadcast to (n_devices, n_hours)."""


class Case:
    """Devices of one kind, planned together, or one of them alone."""

    def __init__(self, kind: str, number: int | None = None) -> None:
        content = json.loads((CASES / f"day_ahead_{kind}.json").read_text(encoding="utf-8"))
        self.kind, self.content = kind, content
        self.devices = content["devices"] if number is None else [content["devices"][number]]
        self.module, classes = KINDS[kind]
        groups = zip(classes, GROUPS[kind], strict=True)
        self.parameters = [cls(**self._stacked(group)) for cls, group in groups]
        self.inputs = {
            name: values if values.ndim == 2 or name in BY_DEVICE else values[:, np.newaxis]
            for name, values in self._stacked("inputs").items()
        }
        self.faults = reduce(or_, (Fault[name] for name in content["faults"]), Fault.NONE)

    def _stacked(self, group: str) -> dict[str, FloatArray]:
        return {name: np.array([device[group][name] for device in self.devices]) for name in self.devices[0][group]}

    def plan(self) -> Any:
        """All devices' plans."""
        faults = {} if self.kind == "water_heater" else {"faults": self.faults}
        return self.module.plan(*self.parameters, **self.inputs, **faults)

    def response(self) -> Any:
        """All devices' responses."""
        parameters = self.parameters[1:2] if self.kind == "hvac" else self.parameters
        where = {name: self.inputs[name] for name in ("is_cooling", "is_home") if name in self.inputs}
        faults = self.faults | Fault.CLIFF_AT_FLAT_FORECAST
        return self.module.response(*parameters, self.inputs["price_per_kwh"], faults=faults, **where)


@pytest.mark.parametrize("kind", KINDS)
def test_day_ahead_quantities_are_those_of_the_study_s_agents(kind: str) -> None:
    case = Case(kind)
    expected_kw = np.array([device["quantity_kw"] for device in case.devices])

    plan = case.plan()

    assert (plan.outcome == Outcome.OPTIMAL).all()
    assert plan.quantity_kw == pytest.approx(expected_kw, abs=case.content["tolerance_kw"])
    assert abs(expected_kw).max() > 1.0
    if kind == "hvac":
        expected_c = np.array([device["temperature_c"] for device in case.devices])
        assert plan.state == pytest.approx(expected_c, abs=case.content["tolerance_c"])


@pytest.mark.parametrize("kind", KINDS)
def test_day_ahead_bids_are_those_of_the_study_s_agents(kind: str) -> None:
    case = Case(kind)
    plan = case.plan()
    # Heating and hot water bid no negative prices; storage bids any.
    floor, cap = (0.0, 1.0) if kind in ("hvac", "water_heater") else (-9.0, 9.0)

    bids = four_point_bids(
        plan.quantity_kw, case.inputs["price_per_kwh"], case.response(), floor_per_kwh=floor, cap_per_kwh=cap
    )

    for number, device in enumerate(case.devices):
        for bid in device["bids"]:
            quantity_kw, price = bids.quantity_kw[number, bid["hour"]], bids.price_per_kwh[number, bid["hour"]]
            assert quantity_kw == pytest.approx(bid["quantity_kw"], abs=case.content["tolerance_kw"])
            assert price == pytest.approx(bid["price_per_kwh"], abs=case.content["tolerance_per_kwh"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_bits_of_a_device_s_plan_are_its_own(kind: str) -> None:
    together = Case(kind)
    quantity_kw = together.plan().quantity_kw

    for number in range(len(together.devices)):
        assert Case(kind, number).plan().quantity_kw.tobytes() == quantity_kw[number].tobytes()


def test_hours_at_home_and_departures_are_those_of_the_study_s_vehicles() -> None:
    case = Case("electric_vehicle")
    times = (np.array([device[name] for device in case.devices]) for name in ("leaving_h", "arrival_h"))

    is_home, departs = electric_vehicle.commute(*times, first_hour=0, hours=48, faults=case.faults)

    assert (is_home == case.inputs["is_home"]).all()
    assert (departs == case.inputs["departs"]).all()


def test_the_energy_to_leave_with_is_that_of_the_study_s_vehicles() -> None:
    case = Case("electric_vehicle")
    rules = [electric_vehicle.Departure(device["rule"]) for device in case.devices]

    wanted = [
        electric_vehicle.wanted_kwh(*case.parameters, case.inputs["trip_kwh"], rule)[number, 0]
        for number, rule in enumerate(rules)
    ]

    assert len(set(rules)) == 3
    assert wanted == pytest.approx(case.inputs["departure_kwh"][:, 0])
