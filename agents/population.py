"""Synthetic customers: what each home is made of, drawn from documented distributions."""

import math

import attrs
import numpy as np

from .models.battery import BatteryParameters
from .models.house import HouseParameters
from .models.household_load import HouseholdLoadParameters
from .models.photovoltaic import PhotovoltaicParameters
from .strategies import Comfort

# Nine homes on two transformers, five and four, whatever the count of homes.
HOMES_PER_PAIR, HOMES_ON_FIRST = 9, 5
FIRST_RATING_KVA, SECOND_RATING_KVA = 37.5, 25.0

CEILING_M = 2.44
AIR_KWH_PER_M3_C = 1.2 * 1.006 / 3600.0
# GridLAB-D counts three times the air's own capacity for what follows it at once.
AIR_MULTIPLE = 3.0
KWH_PER_M2_C_PER_BTU_PER_FT2_F = 5.678e-3
SURFACE_KW_PER_M2_C = 8.29e-3
SURFACE_PER_FLOOR = 2.7

# Sizing of the air conditioner, after GridLAB-D: load at the design day, latent part and margin included,
# rounded up to the next half ton of refrigeration.
DESIGN_OUTDOOR_C, DESIGN_INDOOR_C, DESIGN_SOLAR_KW_PER_M2 = 36.0, 23.9, 0.8
HALF_TON_KW = 1.7584


@attrs.frozen
class Home:
    """One customer: place in the network, dwelling, habits and devices."""

    usage_point: str
    """Meter, "h001" and on, with another letter or word before the number if it is chosen."""
    transformer: str
    """Service transformer, "t01" and on, likewise; four or five homes share one."""
    transformer_rating_kva: float
    """Rating of that transformer. [kVA]"""
    house: HouseParameters
    comfort: Comfort
    load: HouseholdLoadParameters
    battery: BatteryParameters | None
    photovoltaic: PhotovoltaicParameters | None


def homes(
    count: int,
    seed: int,
    *,
    photovoltaic_share: float = 0.3,
    battery_share: float = 0.2,
    prefix: str = "h",
    feeder: str = "t",
) -> tuple[Home, ...]:
    """Homes of a suburb in a hot summer; home i depends on the seed and i alone, not on the count or its name.

    A home's other draws do not depend on the shares either: a higher share adds devices to the same homes. Its name is
    the prefix and a number, that of its transformer the feeder's prefix and one.

    Raises: ValueError for a negative count or seed and for a share outside 0..1.
    """
    if count < 0:
        raise ValueError(f"a population has 0 homes or more, not {count}")
    for share in (photovoltaic_share, battery_share):
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"a share lies within 0..1, {share} does not")
    made = (_home(index, seed, photovoltaic_share, battery_share) for index in range(count))
    return tuple(
        attrs.evolve(home, usage_point=f"{prefix}{home.usage_point}", transformer=f"{feeder}{home.transformer}")
        for home in made
    )


def _home(index: int, seed: int, photovoltaic_share: float, battery_share: float) -> Home:
    rng = np.random.default_rng(np.random.SeedSequence([seed, index]))
    pair, place = divmod(index, HOMES_PER_PAIR)
    is_first = place < HOMES_ON_FIRST
    load = _load(rng)
    house, floor_m2 = _house(rng, load)
    comfort = _comfort(rng)
    # Every home draws every device, so that a share changes nothing but who has it.
    has_photovoltaic, photovoltaic = rng.random() < photovoltaic_share, _photovoltaic(rng, floor_m2)
    has_battery, battery = rng.random() < battery_share, _battery(rng)
    # Last, so that it changes no other draw; of the home and not of its name, so that twins live alike.
    load = attrs.evolve(load, noise_seed=int(rng.integers(2**63)))
    return Home(
        usage_point=f"{index + 1:03d}",
        transformer=f"{2 * pair + (1 if is_first else 2):02d}",
        transformer_rating_kva=FIRST_RATING_KVA if is_first else SECOND_RATING_KVA,
        house=house,
        comfort=comfort,
        load=load,
        battery=battery if has_battery else None,
        photovoltaic=photovoltaic if has_photovoltaic else None,
    )


def _load(rng: np.random.Generator) -> HouseholdLoadParameters:
    """Daily energy uniform in 14..20 kWh; habits later or earlier by a normal of 0.8 h, at most 2 h."""
    return HouseholdLoadParameters(daily_kwh=rng.uniform(14.0, 20.0), delay_h=min(max(rng.normal(0.0, 0.8), -2.0), 2.0))


def _house(rng: np.random.Generator, load: HouseholdLoadParameters) -> tuple[HouseParameters, float]:
    """Envelope from floor area, insulation and thermal mass; the air conditioner is sized for it.

    Floor area lognormal about 186 m2 (2000 ft2) within 90..370; conductance lognormal about 1.4 W/m2/degC of
    floor, air exchange included; mass 2..4 Btu/degF/ft2; aperture 1.3..2.3 % of floor; COP 3.2..4.4.
    """
    floor_m2 = min(max(186.0 * math.exp(rng.normal(0.0, 0.28)), 90.0), 370.0)
    ua_kw_per_c = 1.4e-3 * math.exp(rng.normal(0.0, 0.2)) * floor_m2
    mass_capacity = rng.uniform(2.0, 4.0) * KWH_PER_M2_C_PER_BTU_PER_FT2_F * floor_m2
    aperture_m2 = rng.uniform(0.013, 0.023) * floor_m2
    cop = rng.uniform(3.2, 4.4)
    # Most of the appliances' energy ends as heat indoors; a quarter of a kW for the people.
    gain_kw = 0.8 * load.daily_kwh / 24.0 + 0.25
    house = HouseParameters(
        ua_kw_per_c=ua_kw_per_c,
        air_capacity_kwh_per_c=AIR_MULTIPLE * AIR_KWH_PER_M3_C * CEILING_M * floor_m2,
        mass_coupling_kw_per_c=SURFACE_KW_PER_M2_C * SURFACE_PER_FLOOR * floor_m2,
        mass_capacity_kwh_per_c=mass_capacity,
        solar_aperture_m2=aperture_m2,
        rated_kw=1.0,
        cop=cop,
        internal_gain_kw=gain_kw,
    )
    return attrs.evolve(house, rated_kw=_rated_kw(house, oversize=rng.uniform(1.0, 1.25))), floor_m2


def _rated_kw(house: HouseParameters, oversize: float) -> float:
    sensible_kw = (
        house.ua_kw_per_c * (DESIGN_OUTDOOR_C - DESIGN_INDOOR_C)
        + house.internal_gain_kw
        + house.solar_aperture_m2 * DESIGN_SOLAR_KW_PER_M2
    )
    # Tons are rated at 35 degC, but the design day may be hotter.
    thermal_kw = oversize * sensible_kw * house.cop / house.sensible_cop(DESIGN_OUTDOOR_C)
    return math.ceil(thermal_kw / HALF_TON_KW) * HALF_TON_KW / house.cop


def _comfort(rng: np.random.Generator) -> Comfort:
    """Set-point uniform in 22..25 degC, 0.8..1.7 down and 1.5..2.8 up; slider 0.4..1, DSO+T's for HVAC."""
    setpoint_c = rng.uniform(22.0, 25.0)
    return Comfort(
        setpoint_c=setpoint_c,
        lowest_c=setpoint_c - rng.uniform(0.8, 1.7),
        highest_c=setpoint_c + rng.uniform(1.5, 2.8),
        slider=rng.uniform(0.4, 1.0),
    )


def _photovoltaic(rng: np.random.Generator, floor_m2: float) -> PhotovoltaicParameters:
    """Rating 2.2..3.8 kW per 100 m2 of floor, tilt 15..35 deg, azimuth normal about south by 45 deg."""
    dc_rated_kw = rng.uniform(0.022, 0.038) * floor_m2
    return PhotovoltaicParameters(
        tilt_deg=rng.uniform(15.0, 35.0),
        azimuth_deg=180.0 + min(max(rng.normal(0.0, 45.0), -110.0), 110.0),
        dc_rated_kw=dc_rated_kw,
        ac_rated_kw=dc_rated_kw / 1.2,
    )


def _battery(rng: np.random.Generator) -> BatteryParameters:
    """10 or 13.5 kWh at 5 kW, 90..95 % efficient in each direction, a fifth of the capacity in reserve."""
    capacity_kwh = 13.5 if rng.random() < 0.6 else 10.0
    efficiency = rng.uniform(0.90, 0.95)
    return BatteryParameters(
        capacity_kwh=capacity_kwh,
        rated_kw=5.0,
        charge_efficiency=efficiency,
        discharge_efficiency=efficiency,
        reserve_kwh=0.2 * capacity_kwh,
    )
