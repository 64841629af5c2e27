"""Bids of one device of a kind, without a bus: against price, slider and weather."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import attrs

from ...kernel import DAY, HOUR, MINUTE, Calendar
from ...kernel.shape import evolved
from ...roles.interfaces import DAY_AHEAD, REAL_TIME, MarketCall, WeatherForecast
from ..bidding import FourPoints
from ..customers import Customer, Shares, customers_of
from ..equipment import EQUIPMENT, Equipment
from ..kinds.kind import Interval, PlanningKind
from ..planning.bids import Bids
from ..planning.plans import Plan
from ..surroundings import FloatArray, Surroundings
from .days import ClearDay, price_at

KINDS = {each.name: each for each in EQUIPMENT if each.trades}
"""Kinds of devices that bid, by name."""
EVENING = Calendar(datetime(2025, 7, 16, 21, tzinfo=UTC))
"""Instant 0: nine o'clock on a Wednesday evening, when people and their vehicles are at home and prices fall."""
SLOT = 5 * MINUTE
PLANNED_HOURS = 48
SITE = "site"
_EQUIPPED = Shares(electric_water_heater=1.0, electric_vehicle=1.0, vehicle_to_grid=1.0, battery=1.0)


@attrs.frozen(eq=False)
class BidCurves:
    """Bids of one device for some sliders, in one weather."""

    outdoor_c: float
    expected_per_kwh: FloatArray
    """Price that is expected in each hour from the present one on, shape (n_hours,). [$/kWh]"""
    real_time: Bids
    """Shape (n_sliders, 1, 4)."""
    day_ahead: Bids
    """Of the hours from the present one on, shape (n_sliders, n_hours, 4)."""


def default_customer(seed: int = 1) -> Customer:
    """A customer who has one device of every kind."""
    return customers_of([0], seed, shares=_EQUIPPED)[0]


def bid_curves(
    kind: str,
    *,
    sliders: Sequence[float],
    outdoor_c: float,
    low_per_kwh: float,
    high_per_kwh: float,
    customer: Customer | None = None,
) -> BidCurves:
    """What a device bids at nine in the evening, when prices swing between two and the weather stays as it is.

    Kinds are those of KINDS; sliders are those of customers, 0..1. The device is as it is when a run begins. The
    market's floor and cap are as far below and above the two prices as those are apart.
    """
    owner = default_customer() if customer is None else customer
    around = _surroundings(outdoor_c, low_per_kwh, high_per_kwh)
    owners = [attrs.evolve(owner, slider=slider) for slider in sliders]
    device = _device(KINDS[kind], owners, around)
    spread = high_per_kwh - low_per_kwh
    day = _call(DAY_AHEAD, HOUR, PLANNED_HOURS, low_per_kwh - spread, high_per_kwh + spread)
    now = evolved(day, product=REAL_TIME, slot_length=SLOT, slots=1)
    bidder = FourPoints()
    day_ahead, plan = bidder.day_ahead(device, day, around)
    slot = Interval(0, SLOT, around.weather, EVENING)
    real_time = bidder.real_time(device, now, slot, _position_kw(plan), around)
    return BidCurves(outdoor_c, around.prices_ahead(0, PLANNED_HOURS), real_time, day_ahead)


def _position_kw(plan: Plan) -> FloatArray:
    """What the devices hold if the day ahead clears as expected."""
    return plan.quantity_kw[:, 0]


def _device(equipment: Equipment, owners: Sequence[Customer], around: Surroundings) -> PlanningKind:
    device: PlanningKind = equipment.kind.build(owners, around)  # type: ignore[assignment]
    return device


def _surroundings(outdoor_c: float, low_per_kwh: float, high_per_kwh: float) -> Surroundings:
    around, weather = Surroundings(EVENING, DAY), ClearDay(outdoor_c, outdoor_c, sunshine=0.0)
    hours = range(PLANNED_HOURS)
    around.hear(weather.reading(SITE, EVENING.hour(0), 0, SLOT))
    around.hear(
        WeatherForecast(site=SITE, first_hour=0, outdoor_c=(outdoor_c,) * len(hours), ghi_w_per_m2=(0.0,) * len(hours))
    )
    prices = [price_at(EVENING.hour(hour * HOUR), low_per_kwh, high_per_kwh) for hour in hours]
    around.prices.expect(0, HOUR, prices)
    return around


def _call(product: str, slot_length: int, slots: int, floor_per_kwh: float, cap_per_kwh: float) -> MarketCall:
    return MarketCall(
        market="market",
        product=product,
        clearing=0,
        first_slot=0,
        slot_length=slot_length,
        slots=slots,
        gate_closure=0,
        price_cap_per_kwh=cap_per_kwh,
        price_floor_per_kwh=floor_per_kwh,
    )
