"""Conversion of units: inside gridbus every field has one, and this is the only place where it changes."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

import attrs

from ..errors import UsageError

Conversion = Callable[[float], float]


@attrs.frozen
class Unit:
    """A unit, related to the others of its quantity.

    ``(value - zero) * numerator / denominator`` is the value in the first of them. Two whole numbers instead
    of one factor, so that 1 kW is exactly 1000 W both ways.
    """

    quantity: str
    numerator: float
    denominator: float = 1.0
    zero: float = 0.0
    outside: str = ""
    """The name that HELICS knows it by, where it is another."""


def _scale(quantity: str, **factors: float) -> dict[str, Unit]:
    return {name: Unit(quantity, factor) for name, factor in factors.items()}


UNITS: dict[str, Unit] = {
    **_scale("power", W=1.0, kW=1e3, MW=1e6, GW=1e9),
    **_scale("reactive power", var=1.0, kvar=1e3, Mvar=1e6),
    **_scale("apparent power", VA=1.0, kVA=1e3, MVA=1e6),
    **_scale("energy", Wh=1.0, kWh=1e3, MWh=1e6, GWh=1e9),
    **_scale("voltage", V=1.0, kV=1e3),
    **_scale("current", A=1.0, kA=1e3),
    **_scale("time", s=1.0, min=60.0, h=3600.0, d=86400.0),
    "$/MWh": Unit("price of energy", 1.0),
    "$/kWh": Unit("price of energy", 1e3),
    "degC": Unit("temperature", 1.0),
    "°C": Unit("temperature", 1.0, outside="degC"),
    "degF": Unit("temperature", 5.0, 9.0, 32.0),
    "°F": Unit("temperature", 5.0, 9.0, 32.0, "degF"),
    "K": Unit("temperature", 1.0, 1.0, 273.15),
    "W/m2": Unit("irradiance", 1.0, outside="W/m^2"),
    "W/m^2": Unit("irradiance", 1.0),
    "W/m²": Unit("irradiance", 1.0, outside="W/m^2"),
    "kW/m2": Unit("irradiance", 1e3, outside="kW/m^2"),
    "kW/m^2": Unit("irradiance", 1e3),
    "m/s": Unit("speed", 1.0),
    "km/h": Unit("speed", 5.0, 18.0),
    "mph": Unit("speed", 0.44704),
    "p.u.": Unit("per unit", 1.0, outside="pu"),
    "pu": Unit("per unit", 1.0),
    "%": Unit("per unit", 1.0, 100.0),
    "Hz": Unit("frequency", 1.0),
}


def conversion(source: str, target: str) -> Conversion | None:
    """The function that takes a value from one unit to another; None where they are the same.

    Raises:
        UsageError: a unit is not known, or they measure different things; names both.
    """
    if source == target:
        return None
    one, other = _unit(source, target), _unit(target, source)
    if one.quantity != other.quantity:
        raise UsageError(f"{source!r} ({one.quantity}) cannot be converted to {target!r} ({other.quantity})")
    if attrs.evolve(one, outside="") == attrs.evolve(other, outside=""):
        return None
    up, down = one.numerator * other.denominator, one.denominator * other.numerator
    if one.zero == other.zero == 0.0:
        return lambda value: value * up / down
    return lambda value: (value - one.zero) * up / down + other.zero


def outside_name(unit: str) -> str:
    """The unit as HELICS writes it; empty where HELICS might misread it."""
    known = UNITS.get(unit)
    return "" if known is None else known.outside or unit


def _unit(name: str, other: str) -> Unit:
    known = UNITS.get(name)
    if known is None:
        close = get_close_matches(name, UNITS, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(UNITS)}"
        raise UsageError(f"{name!r} and {other!r} cannot be converted: {name!r} is not known{meant}")
    return known
