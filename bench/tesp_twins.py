"""Twins: an agent of TESP's with a device drawn at random, and the same device in our terms; what they are made of."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from time import process_time
from typing import Any

import attrs
import numpy as np
from numpy.random import Generator

from ..agents.models.elementwise import FloatArray

HOURS = 48
SOLVER = "highs"
OPTIONS = {"qp_regularization_value": 1e-12, "qp_iteration_limit": 5_000}
"""The solver's own regularisation of 1e-7 moves quantities by up to 0.03 kW; with many vehicles it does not end."""
BTU_PER_KWH = 3412.1416331279
C_PER_F = 1.0 / 1.8
SINCE = datetime(2016, 8, 10, 23, 59)  # noqa: DTZ001 - TESP's dates have no zone
SEED = 11

Device = dict[str, dict[str, Any]]
"""Parameters by group, as our planning takes them, and the ``inputs`` of a plan."""


@attrs.frozen(eq=False)
class Twin:
    """An agent of TESP and the same device for us."""

    agent: Any
    device: Device

    def plan(self) -> tuple[float, FloatArray | None]:
        """CPU time of its plan [s], and the power of each hour [kW]; None where its solver has not ended."""
        begun = process_time()
        quantities, *_, facts = self.agent.DA_optimal_quantities()
        seconds = process_time() - begun
        return seconds, np.array(quantities, np.float64) if facts["success"] else None


def module(name: str) -> Any:
    """A module of TESP's agents, which solves with our options and says where it has not solved."""
    found: Any = import_module(f"tesp_support.dsot.{name}")
    found.get_run_solver = _solve
    return found


def _solve(_: str, pyo: Any, model: Any, solver: str, facts: dict[str, Any]) -> None:
    solved = pyo.SolverFactory(solver).solve(model, options=OPTIONS, raise_exception_on_nonoptimal_result=False)
    if str(solved.solver.termination_condition) != "optimal":
        facts["success"] = False


def prices(random: Generator) -> list[float]:
    """Two days, each with an evening peak, with noise. [$/kWh]"""
    hour = np.arange(HOURS)
    peak = np.exp(-(((hour % 24 - 18) / 2.5) ** 2)) * random.uniform(0.0, 2.0)
    price = 0.07 + 0.03 * np.sin((hour - 9) / 24 * 2 * np.pi) + 0.05 * peak + random.normal(0.0, 0.004, HOURS)
    found: list[float] = np.maximum(price, 0.01).tolist()
    return found


def celsius(fahrenheit: Any) -> Any:
    """A temperature or a list of them. [degC]"""
    return ((np.asarray(fahrenheit) - 32.0) * C_PER_F).tolist()
