"""Energy balance of a battery behind its inverter."""

import attrs
from attrs.validators import and_, ge, gt, le

SECONDS_PER_HOUR = 3600.0


@attrs.frozen
class BatteryParameters:
    """Size and losses of one battery, power counted at its grid side."""

    capacity_kwh: float = attrs.field(validator=gt(0))
    """Energy stored when full. [kWh]"""
    rated_kw: float = attrs.field(validator=gt(0))
    """Highest power of charge and of discharge. [kW]"""
    charge_efficiency: float = attrs.field(default=0.95, validator=and_(gt(0), le(1)))
    """Energy stored per energy taken from the grid. [-]"""
    discharge_efficiency: float = attrs.field(default=0.95, validator=and_(gt(0), le(1)))
    """Energy given to the grid per energy taken from the store. [-]"""
    reserve_kwh: float = attrs.field(default=0.0, validator=ge(0))
    """Stored energy below which the battery does not discharge. [kWh]"""
    wear_per_kwh: float = attrs.field(default=0.0114, validator=ge(0))
    """Cost of ageing per energy exchanged: 83 $/kWh of capacity (DSO+T) over 3650 cycles. [$/kWh]"""

    @reserve_kwh.validator
    def _reserve_within_capacity(self, _attribute: object, value: float) -> None:
        if value > self.capacity_kwh:
            raise ValueError(f"reserve of {value} kWh is above the capacity of {self.capacity_kwh} kWh")


@attrs.define
class Battery:
    """A battery and the energy that it holds."""

    parameters: BatteryParameters
    energy_kwh: float = attrs.field()
    """Energy in the store. [kWh]"""

    @energy_kwh.validator
    def _energy_within_capacity(self, _attribute: object, value: float) -> None:
        if not 0.0 <= value <= self.parameters.capacity_kwh:
            raise ValueError(f"{value} kWh do not fit in 0..{self.parameters.capacity_kwh} kWh")

    def feasible_kw(self, duration_s: float) -> tuple[float, float]:
        """Lowest (discharge, at most 0) and highest (charge) average power that the step can hold. [kW]

        Raises: ValueError for a duration that is not positive.
        """
        if not duration_s > 0:
            raise ValueError(f"a step lasts longer than 0 s, not {duration_s}")
        parameters, hours = self.parameters, duration_s / SECONDS_PER_HOUR
        spare_kwh = parameters.reserve_kwh - self.energy_kwh
        room_kwh = parameters.capacity_kwh - self.energy_kwh
        lowest_kw = max(-parameters.rated_kw, spare_kwh * parameters.discharge_efficiency / hours)
        highest_kw = min(parameters.rated_kw, room_kwh / (parameters.charge_efficiency * hours))
        return min(0.0, lowest_kw), max(0.0, highest_kw)

    def step(self, power_kw: float, duration_s: float) -> float:
        """Charge (positive) or discharge (negative) and return the power held, within feasible_kw. [kW]

        Raises: ValueError for a duration that is not positive.
        """
        parameters = self.parameters
        lowest_kw, highest_kw = self.feasible_kw(duration_s)
        actual_kw = min(max(power_kw, lowest_kw), highest_kw)
        exchanged_kwh = actual_kw * duration_s / SECONDS_PER_HOUR
        if exchanged_kwh > 0:
            stored_kwh = exchanged_kwh * parameters.charge_efficiency
        else:
            stored_kwh = exchanged_kwh / parameters.discharge_efficiency
        # Rounding may leave a full or empty store some 1e-16 outside, where the next validation would fail.
        self.energy_kwh = min(max(self.energy_kwh + stored_kwh, 0.0), parameters.capacity_kwh)
        return actual_kw
