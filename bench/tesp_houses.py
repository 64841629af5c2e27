"""Heating and cooling as an agent of TESP's and as a device of ours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from ..agents.models.elementwise import FloatArray
from .tesp_twins import BTU_PER_KWH, C_PER_F, HOURS, SEED, SINCE, SOLVER, Twin, celsius, module, prices

_PERIODS = {"wakeup": 0, "daylight": 2, "evening": 0, "night": -1, "weekend_day": 0, "weekend_night": -1}


def hvac(random: Generator, number: int) -> Twin:
    """A house, cooled if its number is even, else heated by a heat pump."""
    cools = number % 2 == 0
    agent = _hvac_agent(random, "Cooling" if cools else "Heating")
    wanted = agent.temp_desired_48hour_cool if cools else agent.temp_desired_48hour_heat
    agent.temp_room_init = wanted[0] + random.uniform(-1.0, 1.0) * agent.slider * 2.0
    solar = np.array(agent.solargain_forecast) * agent.solar_heatgain_factor
    per_c = 1.0 / C_PER_F / BTU_PER_KWH
    device = {
        "house": {
            "ua_kw_per_c": agent.UA * per_c,
            "air_capacity_kwh_per_c": agent.CA * per_c,
            "mass_capacity_kwh_per_c": agent.CM * per_c,
            "mass_coupling_kw_per_c": agent.HM * per_c,
            "solar_aperture_m2": 0.0,
            "internal_gain_kw": 0.0,
        },
        "equipment": {
            "cooling_rated_kw": agent.hvac_kw,
            "cooling_cop": agent.cooling_COP,
            "latent_fraction": agent.latent_load_fraction,
            "heat_pump_rated_kw": agent.hvac_kw,
            "heating_cop": agent.heating_COP,
        },
        "preferences": {"slider": agent.slider},
        "inputs": {
            "is_cooling": cools,
            "price_per_kwh": agent.price_forecast,
            "outdoor_c": celsius(agent.temperature_forecast),
            "humidity": agent.humidity_forecast,
            "gain_kw": ((np.array(agent.internalgain_forecast) + solar) / BTU_PER_KWH).tolist(),
            "setpoint_c": celsius(wanted),
            "start_c": celsius(agent.temp_room_init),
        },
    }
    return Twin(agent, device)


def _hvac_agent(random: Generator, mode: str) -> Any:
    house = _house(random)
    agent = module("hvac_agent").HVACDSOT(_thermostat(random), house, "h", SEED, SINCE, SOLVER)
    agent.thermostat_mode = mode
    hour = np.arange(HOURS)
    mean = (86.0 if mode == "Cooling" else 38.0) + random.uniform(-6.0, 6.0)
    outdoor = mean + 9.0 * np.sin((hour - 9) / 24 * 2 * np.pi) + random.normal(0.0, 0.8, HOURS)
    humidity = np.clip(random.uniform(0.3, 0.8) + 0.2 * np.cos(hour / 24 * 2 * np.pi), 0.0, 1.0)
    sun = np.maximum(0.0, np.sin((hour - 6) / 24 * 2 * np.pi)) * random.uniform(20.0, 60.0)
    agent.set_temperature_forecast(_as_text(outdoor))
    agent.set_humidity_forecast(_as_text(humidity))
    agent.set_solargain_forecast(sun.tolist())
    agent.set_internalgain_forecast((1500.0 + 1000.0 * random.random(HOURS)).tolist())
    agent.set_price_forecast(prices(random))
    agent.hvac_kw = float(agent.design_cooling_capacity / BTU_PER_KWH / house["cooling_COP"])
    agent.DA_model_parameters(59, 23, 2)
    return agent


def _as_text(values: FloatArray) -> str:
    return str({str(hour): str(value) for hour, value in enumerate(values.tolist())})


def _house(random: Generator) -> dict[str, Any]:
    drawn = {
        "sqft": (900.0, 3000.0),
        "Rroof": (15.0, 35.0),
        "Rwall": (8.0, 20.0),
        "Rfloor": (8.0, 25.0),
        "Rdoors": (2.0, 6.0),
        "airchange_per_hour": (0.2, 1.0),
        "thermal_mass_per_floor_area": (2.5, 4.5),
        "aspect_ratio": (1.0, 2.0),
        "cooling_COP": (3.0, 4.2),
        "over_sizing_factor": (0.0, 0.4),
    }
    whole = dict.fromkeys(("exterior_wall_fraction", "exterior_floor_fraction", "exterior_ceiling_fraction"), 1.0)
    glass = dict.fromkeys(("glass_type", "window_frame", "glazing_treatment"), 1)
    return {
        **{name: random.uniform(*ends) for name, ends in drawn.items()},
        "stories": int(random.integers(1, 3)),
        "doors": int(random.integers(1, 5)),
        "ceiling_height": 8,
        "window_exterior_transmission_coefficient": 0.57,
        "glazing_layers": 2,
        "heating": "HEAT_PUMP",
        "cooling": "ELECTRIC",
        **whole,
        **glass,
    }


def _thermostat(random: Generator) -> dict[str, Any]:
    cool, heat = random.uniform(73.0, 78.0), random.uniform(64.0, 70.0)
    starts = {"wakeup": 6.0, "daylight": 8.5, "evening": 17.0, "night": 22.0, "weekend_day": 9.0, "weekend_night": 22.0}
    limits = {"ramp_high_limit": 5.0, "ramp_low_limit": 5.0, "range_high_limit": 5.0, "range_low_limit": 3.0}
    takes_part = dict.fromkeys(("house_participating", "cooling_participating", "heating_participating"), True)
    return {
        **{f"{period}_start": start for period, start in starts.items()},
        **{f"{period}_set_cool": cool + away for period, away in _PERIODS.items()},
        **{f"{period}_set_heat": heat - abs(away) for period, away in _PERIODS.items()},
        "houseName": "h",
        "meterName": "m",
        "period": 300,
        "deadband": 2.0,
        "price_cap": 1.0,
        "bid_delay": 45,
        "slider_setting": random.uniform(0.4, 1.0),
        **limits,
        **takes_part,
    }
