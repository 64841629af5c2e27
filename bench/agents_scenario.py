"""The scenario that agents are measured in: a summer day of any number of homes with one retailer and one market.

Devices bid day-ahead for 48 hours, anew each hour, and in real time every five minutes. Supply and network grow with
the homes, so that prices and loadings are alike at any size.
"""

from __future__ import annotations

from ..agents.customers import Customer, Shares, customers
from ..agents.equipment import equipment_of
from ..kernel import Scenario

INTERVAL_MIN = 5
DAY_H = 24
SEED = 1
SHARES = Shares(electric_water_heater=0.46, electric_vehicle=0.12, battery=0.09, photovoltaic=0.11, participation=1.0)
"""Of 1,500 homes, about 2,500 devices take part: five in three homes."""
_HOMES_PER_PAIR = 9
"""Homes of two transformers, as the population has them."""

_TEXT = """
name = "agents"
description = "{homes} homes of one retailer, a hot July day"
start = 2025-07-21T00:00:00-04:00
stop = 2025-07-24T00:00:00-04:00
zone = "America/New_York"
seed = {seed}

[registry.main]

[weather.greensboro]

[wholesale.iso]
intercept_per_kwh = [
  0.020, 0.018, 0.017, 0.017, 0.018, 0.021, 0.026, 0.030, 0.032, 0.034, 0.036, 0.039,
  0.043, 0.048, 0.054, 0.061, 0.070, 0.080, 0.085, 0.078, 0.062, 0.046, 0.033, 0.025,
]
slope_per_kwh_kw = {slope_per_kwh_kw}
expected_kw = {expected_kw}
real_time_deviation = 0.1

[[wholesale.iso.series]]
product = "day-ahead"
slot_min = 60.0
slots = 24
first_min = 120.0
call_min = 90.0
gate_min = 70.0

[[wholesale.iso.series]]
product = "real-time"
slot_min = 5.0
slots = 1
first_min = 5.0
call_min = 1.0
gate_min = 0.6

[do.wires]
substation_limit_kw = {substation_limit_kw}
peak_kw = {peak_kw}
peak_line_loss = 0.02
charges = {{ per_kwh = 0.02 }}
banks = [{{ prefix = "t", count = {transformers}, rating_kva = [37.5, 25.0] }}]

[lse.green]
wholesale = "iso"
tariffs = [{{ name = "transactive", tariff = "transactive", market = "retail" }}]
profile_kw = [
  0.5, 0.4, 0.4, 0.4, 0.5, 0.5, 0.6, 0.5, 0.3, -0.1, -0.4, -0.5,
  -0.5, -0.4, -0.4, -0.3, -0.1, 0.2, 0.8, 1.2, 1.2, 1.0, 0.7, 0.5,
]

[mo.retail]
lse = "green"
do = "wires"
settlement = {{ fee_per_kwh = 0.001 }}
acknowledge = false

[[mo.retail.series]]
product = "day-ahead"
slot_min = 60.0
slots = 48
every_min = 60.0
first_min = 60.0
market_lead_min = 10.0
gate_min = 5.0
delivery_lead_min = 15.0
price_smoothing = 0.2

[[mo.retail.series]]
product = "real-time"
refines = "day-ahead"
slot_min = 5.0
slots = 1
first_min = 5.0
negotiation_lead_min = 1.0
market_lead_min = 0.5
gate_min = 0.25
delivery_lead_min = 0.5

[agents.homes]
count = {homes}
site = "greensboro"
shares = {{ {shares} }}
contracts = [{{ lse = "green", tariff = "transactive", market = "retail", share = 1.0 }}]
"""


def scenario(homes: int) -> Scenario:
    """A day of so many homes, and the two after it, so that no horizon is cut short by the end of the run."""
    names = "electric_water_heater", "electric_vehicle", "battery", "photovoltaic", "participation"
    text = _TEXT.format(
        homes=homes,
        seed=SEED,
        slope_per_kwh_kw=0.004 / homes,
        expected_kw=1.75 * homes,
        substation_limit_kw=3.0 * homes,
        peak_kw=2.5 * homes,
        transformers=2 * -(-homes // _HOMES_PER_PAIR),
        shares=", ".join(f"{name} = {getattr(SHARES, name)}" for name in names),
    )
    return Scenario.parse(text, "agents")


def population(homes: int) -> tuple[Customer, ...]:
    """The customers of that scenario."""
    return customers(homes, SEED, shares=SHARES)


def count_devices(people: tuple[Customer, ...]) -> tuple[int, int]:
    """How many devices customers have, household loads included, and how many of them trade."""
    equipment = [(customer, each) for customer in people for each in equipment_of(customer)]
    return len(equipment), sum(each.trades and customer.participates for customer, each in equipment)
