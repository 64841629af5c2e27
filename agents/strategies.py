"""Bidding strategies: from a device's state and a price forecast to demand curves, without bus or clock.

A curve's points run from the highest price to the lowest; beyond its ends it goes on flat, so that a price
above the first point still buys the first quantity.
Source of the four-point form: H. M. Reeve et al., Distribution System Operator with Transactive (DSO+T)
Study, PNNL-32170, 2022.
"""

from collections.abc import Sequence
from typing import Self

import attrs
from attrs.validators import and_, ge, le

from .models.battery import Battery, BatteryParameters
from .models.house import House, HouseParameters

SECONDS_PER_HOUR = 3600.0

# Half-width of the band without response around the expected price, as a share of the forecast's spread.
DEAD_BAND_FRACTION = 0.1
# A flat forecast has no spread to scale the response with: a tenth of the price stands in.
LEAST_REACH_FRACTION = 0.1

Curve = tuple[tuple[float, float], ...]
"""Demand curve: (quantity [kW], price [$/kWh]), quantities not falling, prices not rising."""


def power_at(curve: Curve, price_per_kwh: float) -> float:
    """The power that a curve asks for at a price [kW]; where it jumps there, the greater."""
    above = curve[0]
    for below in curve:
        quantity_kw, price = below
        if price < price_per_kwh:
            width = above[1] - price
            share = (above[1] - price_per_kwh) / width if above[1] > price_per_kwh else 0.0
            return above[0] + (quantity_kw - above[0]) * share
        above = below
    return above[0]


@attrs.frozen
class PriceOutlook:
    """What a bidder expects of one slot's price, and the horizon that it compares it with. [$/kWh]"""

    expected_per_kwh: float
    """Expected price of the slot."""
    average_per_kwh: float
    """Mean over the horizon."""
    lowest_per_kwh: float
    """Lowest of the horizon."""
    highest_per_kwh: float
    """Highest of the horizon."""
    floor_per_kwh: float
    """Lowest price that the market takes."""
    cap_per_kwh: float = attrs.field()
    """Highest price that the market takes."""

    @cap_per_kwh.validator
    def _cap_above_floor(self, _attribute: object, value: float) -> None:
        if not value >= self.floor_per_kwh:
            raise ValueError(f"price cap {value} $/kWh is below the floor {self.floor_per_kwh} $/kWh")

    @classmethod
    def from_forecast(
        cls, forecast_per_kwh: Sequence[float], slot: int, *, floor_per_kwh: float, cap_per_kwh: float
    ) -> Self:
        """Outlook on one slot of a forecast.

        Raises: IndexError for a slot outside the forecast.
        """
        return cls(
            expected_per_kwh=forecast_per_kwh[slot],
            average_per_kwh=sum(forecast_per_kwh) / len(forecast_per_kwh),
            lowest_per_kwh=min(forecast_per_kwh),
            highest_per_kwh=max(forecast_per_kwh),
            floor_per_kwh=floor_per_kwh,
            cap_per_kwh=cap_per_kwh,
        )

    @property
    def spread_per_kwh(self) -> float:
        """Highest less lowest price of the horizon. [$/kWh]"""
        return self.highest_per_kwh - self.lowest_per_kwh

    def clipped_per_kwh(self, price_per_kwh: float) -> float:
        """The price, within floor and cap. [$/kWh]"""
        return min(max(price_per_kwh, self.floor_per_kwh), self.cap_per_kwh)


@attrs.frozen
class Comfort:
    """What a household wants of its indoor temperature, and how much of it it trades for money."""

    setpoint_c: float = attrs.field()
    """Desired temperature at the average price. [degC]"""
    lowest_c: float
    """Lower comfort limit. [degC]"""
    highest_c: float
    """Upper comfort limit. [degC]"""
    slider: float = attrs.field(default=1.0, validator=and_(ge(0), le(1)))
    """0 holds the set-point at any price, 1 uses the whole comfort range. [-]"""

    @setpoint_c.validator
    def _setpoint_within_limits(self, _attribute: object, value: float) -> None:
        if not self.lowest_c <= value <= self.highest_c:
            raise ValueError(f"set-point {value} degC is outside {self.lowest_c}..{self.highest_c} degC")

    def limits_c(self) -> tuple[float, float]:
        """Lowest and highest temperature that the slider lets a price cause. [degC]"""
        return (
            self.setpoint_c - self.slider * (self.setpoint_c - self.lowest_c),
            self.setpoint_c + self.slider * (self.highest_c - self.setpoint_c),
        )

    def target_c(self, outlook: PriceOutlook) -> float:
        """Desired temperature at the slot's expected price, cooler when that is low. [degC]

        With the average for an expected price it is the set-point itself.
        """
        if outlook.spread_per_kwh <= 0:
            return self.setpoint_c
        dearness = (outlook.expected_per_kwh - outlook.average_per_kwh) / outlook.spread_per_kwh
        lowest_c, highest_c = self.limits_c()
        reach_c = highest_c - self.setpoint_c if dearness > 0 else self.setpoint_c - lowest_c
        return self.setpoint_c + min(max(dearness, -1.0), 1.0) * reach_c


def hvac_bid(
    house: House,
    comfort: Comfort,
    outlook: PriceOutlook,
    *,
    duration_s: float,
    outdoor_c: float,
    solar_kw_per_m2: float,
) -> Curve:
    """Four points for one slot; the awarded quantity is the average power to run at.

    From the power that lets the air rise to the upper limit, through the one that reaches the desired
    temperature at the expected price, to the one that cools it to the lower limit. [kW, $/kWh]
    """
    lowest_c, highest_c = comfort.limits_c()
    targets_c = highest_c, comfort.target_c(outlook), lowest_c
    least_kw, wanted_kw, most_kw = house.cooling_for_each(targets_c, duration_s, outdoor_c, solar_kw_per_m2)
    reach = max(outlook.spread_per_kwh, LEAST_REACH_FRACTION * abs(outlook.expected_per_kwh))
    band = DEAD_BAND_FRACTION * reach
    expected = outlook.expected_per_kwh
    return _curve(outlook, (least_kw, wanted_kw, most_kw), band, (expected - reach, expected + reach))


def hvac_day_bid(
    parameters: HouseParameters,
    comfort: Comfort,
    forecast_per_kwh: Sequence[float],
    outdoor_c: Sequence[float],
    solar_kw_per_m2: Sequence[float],
    *,
    floor_per_kwh: float,
    cap_per_kwh: float,
) -> tuple[Curve, ...]:
    """One curve for each hour ahead, from hourly forecasts of price, outdoor temperature and irradiance.

    The house starts at its set-point and then follows the desired temperature of each hour, which is what
    its own bids buy at the forecast price.

    Raises: ValueError for forecasts of different lengths.
    """
    house = House(parameters, comfort.setpoint_c)
    curves = []
    for slot, (_, air_c, sun) in enumerate(zip(forecast_per_kwh, outdoor_c, solar_kw_per_m2, strict=True)):
        outlook = PriceOutlook.from_forecast(
            forecast_per_kwh, slot, floor_per_kwh=floor_per_kwh, cap_per_kwh=cap_per_kwh
        )
        curve = hvac_bid(house, comfort, outlook, duration_s=SECONDS_PER_HOUR, outdoor_c=air_c, solar_kw_per_m2=sun)
        house.step(SECONDS_PER_HOUR, air_c, sun, curve[1][0])
        curves.append(curve)
    return tuple(curves)


def battery_bid(battery: Battery, planned_kw: float, outlook: PriceOutlook, *, duration_s: float) -> Curve:
    """Four points for one slot, from the strongest discharge to the strongest charge that it can hold.

    The plan holds at the expected price, within a band of half the round trip's loss plus the wear; the
    strongest discharge at the horizon's highest price, the strongest charge at its lowest. [kW, $/kWh]
    """
    parameters = battery.parameters
    lowest_kw, highest_kw = battery.feasible_kw(duration_s)
    wanted_kw = min(max(planned_kw, lowest_kw), highest_kw)
    loss_fraction = 1.0 - parameters.charge_efficiency * parameters.discharge_efficiency
    band = 0.5 * loss_fraction * abs(outlook.expected_per_kwh) + parameters.wear_per_kwh
    horizon = (outlook.lowest_per_kwh, outlook.highest_per_kwh)
    return _curve(outlook, (lowest_kw, wanted_kw, highest_kw), band, horizon)


def battery_day_bid(
    battery: Battery, forecast_per_kwh: Sequence[float], *, floor_per_kwh: float, cap_per_kwh: float
) -> tuple[Curve, ...]:
    """One curve for each hour ahead around battery_day_plan, as if each hour before went to plan."""
    battery = attrs.evolve(battery)
    curves = []
    for slot, planned_kw in enumerate(battery_day_plan(battery.parameters, battery.energy_kwh, forecast_per_kwh)):
        outlook = PriceOutlook.from_forecast(
            forecast_per_kwh, slot, floor_per_kwh=floor_per_kwh, cap_per_kwh=cap_per_kwh
        )
        curves.append(battery_bid(battery, planned_kw, outlook, duration_s=SECONDS_PER_HOUR))
        battery.step(planned_kw, SECONDS_PER_HOUR)
    return tuple(curves)


def battery_day_plan(
    parameters: BatteryParameters,
    energy_kwh: float,
    forecast_per_kwh: Sequence[float],
    *,
    energy_value_per_kwh: float | None = None,
) -> tuple[float, ...]:
    """Power in each hour that earns most at the forecast prices, wear deducted. [kW]

    What is left in the store at the end counts energy_value_per_kwh, by default what it would sell for at
    the average price. The battery never discharges in an hour with a negative price, and charges
    first of all what it lacks of its reserve.

    Exact by dynamic programming: the value of stored energy is concave and piecewise linear, hence a list
    of segments sorted by slope, and one hour's trade merges two more segments into it.
    Source: the basestock policy of N. Secomandi, Optimal commodity trading with a capacitated storage asset,
    Management Science 56(3), 2010, doi:10.1287/mnsc.1090.1049, for a known price.
    """
    hours = [_Hour.at(price, parameters) for price in forecast_per_kwh]
    if energy_value_per_kwh is None:
        average = sum(forecast_per_kwh) / max(len(forecast_per_kwh), 1)
        energy_value_per_kwh = parameters.discharge_efficiency * average
    capacity_kwh = parameters.capacity_kwh - parameters.reserve_kwh
    segments = [(energy_value_per_kwh, capacity_kwh)]
    levels = []
    for hour in reversed(hours):
        levels.append(hour.levels_kwh(segments))
        segments = hour.value_before(segments, capacity_kwh)
    stored_kwh = energy_kwh - parameters.reserve_kwh
    plan = []
    for hour, (fill_to_kwh, empty_to_kwh) in zip(hours, reversed(levels), strict=True):
        wanted_kwh = min(max(stored_kwh, fill_to_kwh), max(empty_to_kwh, fill_to_kwh))
        change_kwh = min(max(wanted_kwh - stored_kwh, -hour.most_out_kwh), hour.most_in_kwh)
        stored_kwh += change_kwh
        efficiency = parameters.charge_efficiency if change_kwh > 0 else 1 / parameters.discharge_efficiency
        plan.append(change_kwh / efficiency)
    return tuple(plan)


@attrs.frozen
class _Hour:
    """One hour's trade, counted in the store: what a kWh costs to fill and earns when taken out."""

    cost_per_kwh: float
    revenue_per_kwh: float
    most_in_kwh: float
    most_out_kwh: float

    @classmethod
    def at(cls, price_per_kwh: float, parameters: BatteryParameters) -> Self:
        efficiency_in, efficiency_out = parameters.charge_efficiency, parameters.discharge_efficiency
        # Below zero, filling may cost less than taking out earns, and the value would not be concave.
        sells = price_per_kwh >= 0
        return cls(
            cost_per_kwh=(price_per_kwh + parameters.wear_per_kwh) / efficiency_in,
            revenue_per_kwh=(price_per_kwh - parameters.wear_per_kwh) * efficiency_out,
            most_in_kwh=parameters.rated_kw * efficiency_in,
            most_out_kwh=parameters.rated_kw / efficiency_out if sells else 0.0,
        )

    def levels_kwh(self, segments: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Stored energy below which filling pays, and above which taking out does."""
        fill_to_kwh = sum(length for slope, length in segments if slope > self.cost_per_kwh)
        empty_to_kwh = sum(length for slope, length in segments if slope >= self.revenue_per_kwh)
        return fill_to_kwh, empty_to_kwh

    def value_before(self, segments: Sequence[tuple[float, float]], capacity_kwh: float) -> list[tuple[float, float]]:
        """Segments of the value of stored energy at the hour's start, given those at its end."""
        trades = [(self.cost_per_kwh, self.most_in_kwh), (self.revenue_per_kwh, self.most_out_kwh)]
        position_kwh, before = -self.most_in_kwh, []
        for slope, length in sorted([*segments, *trades], reverse=True):
            begin_kwh, position_kwh = max(position_kwh, 0.0), position_kwh + length
            inside_kwh = min(position_kwh, capacity_kwh) - begin_kwh
            if inside_kwh > 0:
                before.append((slope, inside_kwh))
        return before


def _curve(
    outlook: PriceOutlook,
    quantities_kw: tuple[float, float, float],
    band_per_kwh: float,
    ends_per_kwh: tuple[float, float],
) -> Curve:
    """Least, wanted and most power against the ends' and the dead band's prices, within floor and cap."""
    least_kw, wanted_kw, most_kw = quantities_kw
    above, below = outlook.expected_per_kwh + band_per_kwh, outlook.expected_per_kwh - band_per_kwh
    return (
        (least_kw, outlook.clipped_per_kwh(max(ends_per_kwh[1], above))),
        (wanted_kw, outlook.clipped_per_kwh(above)),
        (wanted_kw, outlook.clipped_per_kwh(below)),
        (most_kw, outlook.clipped_per_kwh(min(ends_per_kwh[0], below))),
    )
