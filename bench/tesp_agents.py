"""TESP's own device agents, to be measured beside ours; they are imported when they are asked for.

They are no dependency: ``pip install tesp-support==1.3.7 pulp joblib tqdm seaborn pyglm pyomo highspy`` puts them
there, with what they import and do not declare. Source: tesp-support 1.3.7, tesp_support/dsot: hvac_agent.py,
water_heater_agent.py, battery_agent.py, ev_agent.py.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.random import Generator

from ..agents.models.elementwise import FloatArray
from .tesp_houses import hvac
from .tesp_stores import battery, vehicle, water_heater
from .tesp_twins import SEED, Twin, module

_PACKAGES = {"tesp_support": "tesp-support", "pyomo": "pyomo", "highspy": "highspy"}
_MODULES = ("hvac_agent", "water_heater_agent", "battery_agent", "ev_agent")
_MAKERS: dict[str, Callable[[Generator, int], Twin]] = {
    "hvac": hvac,
    "water_heater": water_heater,
    "battery": battery,
    "electric_vehicle": vehicle,
}


def missing() -> str:
    """What is missing to run them; empty if nothing is."""
    for name, package in _PACKAGES.items():
        if find_spec(name) is None:
            return f"{package} is not installed"
    try:
        for name in _MODULES:
            module(name)
    except ImportError as error:
        return f"tesp-support cannot be imported: {error}"
    return ""


def twins(kind: str, count: int) -> list[Twin]:
    """Devices of a kind, each drawn from its number."""
    make = _MAKERS[kind]
    return [make(np.random.default_rng([SEED, number]), number) for number in range(count)]


def plans(of: list[Twin]) -> list[tuple[float, FloatArray | None]]:
    """CPU time of each agent's plan [s], and the plan; nothing is logged of those that their solver cannot do."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        return [twin.plan() for twin in of]
    finally:
        logging.disable(before)
