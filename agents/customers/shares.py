"""How common each kind of equipment is among customers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import attrs

from ...kernel import field, value


@value
class Shares:
    """Shares of customers who have something; a customer's other draws do not depend on them.

    Heat pumps: 14 % of US homes in 2020 as main heating; resistance (electric furnaces and built-in units): about 20 %,
    what is left of the third that heats with electricity. Electric water heaters: 46 %. Source: EIA, Residential Energy
    Consumption Survey (RECS) 2020; the third from RECS 2015, table HC6. All who do neither count as gas, though some
    burn propane, oil or wood, and 5 % do not heat.

    Photovoltaics 11 %, batteries 3 %, electric vehicles 8 %, participation 80 %: the configuration of the DSO+T study's
    analysis of rates. Source: H. M. Reeve et al., PNNL-32170, 2022. Vehicle to grid: only plausible.
    """

    heat_pump: float = field("heat with a heat pump", unit="1", default=0.14, at_least=0, at_most=1)
    resistance: float = field("heat with resistance; the rest burn gas", unit="1", default=0.20, at_least=0, at_most=1)
    electric_water_heater: float = field(
        "heat their water with electricity", unit="1", default=0.46, at_least=0, at_most=1
    )
    electric_vehicle: float = field("charge a vehicle at home", unit="1", default=0.08, at_least=0, at_most=1)
    vehicle_to_grid: float = field(
        "have a charger that also discharges, of those with a vehicle", unit="1", default=0.1, at_least=0, at_most=1
    )
    photovoltaic: float = field("have photovoltaics", unit="1", default=0.11, at_least=0, at_most=1)
    battery: float = field("have a battery", unit="1", default=0.03, at_least=0, at_most=1)
    participation: float = field("take part in a market if there is one", unit="1", default=0.8, at_least=0, at_most=1)

    @property
    def gas(self) -> float:
        """Share that heats with a gas furnace. [-]"""
        return 1.0 - self.heat_pump - self.resistance

    def check(self) -> Iterable[tuple[str, str]]:
        """A home has one kind of heating."""
        # A sum of decimals such as 0.9 and 0.1 may be rounded to a little more than 1.
        if self.gas < -1e-9:
            yield "heat_pump", f"expected at most 1 with resistance, got {self.heat_pump + self.resistance:g}"


DEFAULT_SHARES = Shares()


def faults_of(shares: Shares) -> Iterator[str]:
    """What is wrong with shares that no scenario's check has seen."""
    for item in attrs.fields(cast("type[attrs.AttrsInstance]", Shares)):
        share = getattr(shares, item.name)
        if not 0.0 <= share <= 1.0:
            yield f"{item.name}: expected a share within 0..1, got {share:g}"
    yield from (f"{name}: {complaint}" for name, complaint in shares.check())
