"""Water heaters, batteries and vehicles as agents of TESP's and as devices of ours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from ..agents.models.water_heaters import KWH_PER_L_C, MINUTES_PER_HOUR
from .tesp_twins import C_PER_F, HOURS, SEED, SINCE, SOLVER, Device, Twin, celsius, module, prices


def water_heater(random: Generator, _: int) -> Twin:
    """A tank of 30 to 80 gallons."""
    settings = {
        "Tcold": random.uniform(55.0, 70.0),
        "Tambient": random.uniform(50.0, 75.0),
        "Tdesired": random.uniform(118.0, 135.0),
        "Tmax": 150.0,
        "Tmin": 90.0,
        "windowLength": HOURS,
        "weight_SOHC": 0.66,
        "weight_comfort": 1,
        "ProfitMargin_intercept": 10,
        "ProfitMargin_slope": 0,
        "participating": True,
        "PriceCap": 1.0,
        "slider_setting": random.uniform(0.05, 1.0),
    }
    tank = {"wh_gallons": random.uniform(30.0, 80.0)}
    agent = module("water_heater_agent").WaterHeaterDSOT(settings, tank, "w", SEED, SINCE, SOLVER)
    agent.Phw, agent.SOHC = random.uniform(3.0, 5.0), random.uniform(80.0, 105.0)
    agent.set_price_forecast(prices(random))
    hour = np.arange(HOURS) % 24
    habits = np.exp(-(((hour - 7) / 1.5) ** 2)) + 0.8 * np.exp(-(((hour - 19) / 2.0) ** 2))
    agent.set_forecasted_schedule((habits * random.uniform(0.05, 0.2) + 0.03 * random.random(HOURS)).tolist())
    return Twin(agent, _water_heater_device(agent))


def _water_heater_device(agent: Any) -> Device:
    btu_per_gallon_f = agent.Rho * agent.Cp / agent.GALperFt3
    capacity_kwh_per_c = btu_per_gallon_f * agent.volume / agent.BTUperkWh / C_PER_F
    rise_f = agent.Tdesired - agent.Tcold
    drawn_kw = np.array(agent.f_DA_schedule) * btu_per_gallon_f * 60.0 * rise_f / agent.BTUperkWh
    return {
        "tanks": {
            # The volume that has the same heat capacity.
            "volume_l": capacity_kwh_per_c / KWH_PER_L_C,
            "loss_kw_per_c": agent.UA / agent.BTUperkWh / C_PER_F,
            "rated_kw": agent.Phw,
            "setpoint_c": celsius(agent.Tdesired),
            "lowest_c": celsius(agent.Tmin),
            "highest_c": celsius(agent.Tmax),
            "deadband_c": 2.0,
        },
        "preferences": {"slider": agent.slider},
        "inputs": {
            "price_per_kwh": agent.f_DA_price,
            "draw_l_per_min": (drawn_kw / (KWH_PER_L_C * MINUTES_PER_HOUR * rise_f * C_PER_F)).tolist(),
            "inlet_c": celsius(agent.Tcold),
            "ambient_c": celsius(agent.Tambient),
            "start_c": celsius(agent.Tcold + agent.SOHC / 100.0 * rise_f),
        },
    }


def battery(random: Generator, _: int) -> Twin:
    """A battery of 10 to 17 kWh."""
    capacity_wh = random.uniform(10_000.0, 17_000.0)
    settings = {
        "batteryName": "b",
        "meterName": "m",
        "capacity": capacity_wh,
        "rating": random.uniform(4000.0, 7000.0),
        "charge": capacity_wh * random.uniform(0.2, 1.0),
        "efficiency": random.uniform(0.92, 0.98),
        "slider_setting": random.uniform(0.05, 1.0),
        "reserved_soc": 0.2,
        "participating": True,
        "profit_margin": random.uniform(5.0, 20.0),
        "degrad_factor": 0.0227,
    }
    agent = module("battery_agent").BatteryDSOT(settings, {}, "b", SEED, SINCE, SOLVER)
    agent.set_price_forecast(prices(random))
    device = {
        "batteries": {
            "capacity_kwh": agent.capacity,
            "rated_kw": agent.Rc,
            "charge_efficiency": agent.Lin,
            "discharge_efficiency": agent.Lout,
            "reserve_kwh": agent.Cmin,
            "wear_per_kwh": settings["degrad_factor"],
        },
        "preferences": {"slider": agent.slider, "margin_percent": settings["profit_margin"]},
        "inputs": {"price_per_kwh": agent.f_DA, "start_kwh": agent.Cinit},
    }
    return Twin(agent, device)


def vehicle(random: Generator, number: int) -> Twin:
    """A vehicle that commutes; its number says whether it also gives back, and how full it wants to leave."""
    settings = {
        "evName": "e",
        "houseName": "h",
        "meterName": "m",
        "work_charging": "FALSE",
        "ev_mode": ("V1G", "V2G")[number % 2],
        "boundary_cond": ("full", "just_enough", "slider_based")[number % 3],
        "initial_soc": random.uniform(45.0, 95.0),
        "max_charge": float(random.choice([3300, 7200, 11_500])),
        "daily_miles": random.uniform(10.0, 60.0),
        "arrival_work": 800.0,
        "work_duration": 15_000.0,
        "arrival_home": float(100 * random.integers(15, 20) + random.choice([0, 30, 40])),
        "home_duration": float(3600 * random.integers(12, 15) + random.choice([0, 600, 1800])),
        "miles_per_kWh": random.uniform(2.8, 3.6),
        "range_miles": random.uniform(120.0, 300.0),
        "efficiency": random.uniform(0.88, 0.95),
        "slider_setting": random.uniform(0.05, 1.0),
        "profit_margin": random.uniform(5.0, 20.0),
        "participating": True,
    }
    agent = module("ev_agent").EVDSOT(settings, {}, "e", SEED, SINCE, SOLVER)
    agent.set_price_forecast(prices(random))
    agent.DA_model_parameters(SINCE)
    device = {
        "vehicles": {
            "capacity_kwh": agent.capacity,
            "charge_rated_kw": agent.Rc,
            "discharge_rated_kw": float(agent.Rd),
            "charge_efficiency": agent.Lin,
            "discharge_efficiency": agent.Lout,
            "reserve_kwh": agent.Cmin,
        },
        "preferences": {
            "slider": agent.slider,
            "full_share": agent.soc_upper_res,
            "wear_per_kwh": agent.batteryLifeDegFactor,
            "margin_percent": settings["profit_margin"],
        },
        "inputs": {
            "price_per_kwh": agent.f_DA,
            "is_home": [hour in agent.trans_hours for hour in range(HOURS)],
            "departs": [hour in agent.home_depart_hours for hour in range(HOURS)],
            "trip_kwh": agent.travel_miles / agent.mileage,
            "departure_kwh": agent.home_depart_soc,
            "start_kwh": agent.Cinit,
        },
    }
    return Twin(agent, device)
