import attrs
import numpy as np
import pytest
from pvlib import inverter, irradiance, pvsystem, temperature

from gridbus.agents.models.photovoltaic import Photovoltaic, PhotovoltaicParameters

PARAMETERS = PhotovoltaicParameters(tilt_deg=25.0, azimuth_deg=200.0, dc_rated_kw=6.0, ac_rated_kw=4.5)
ORIENTATIONS = [(0.0, 180.0), (25.0, 200.0), (35.0, 90.0), (90.0, 270.0)]


def weather(count: int) -> tuple[np.ndarray, ...]:
    """Suns above and below the horizon, clear and cloudy, hot and cold, calm and windy."""
    rng = np.random.default_rng(7)
    zenith, azimuth = rng.uniform(0, 110, count), rng.uniform(0, 360, count)
    dni, dhi = rng.uniform(0, 1000, count), rng.uniform(0, 400, count)
    dni[:50], dhi[:50] = 0.0, 0.0
    ghi = dhi + dni * np.maximum(np.cos(np.radians(zenith)), 0)
    return zenith, azimuth, dni, ghi, dhi, rng.uniform(-10, 42, count), rng.uniform(0, 15, count)


def by_pvlib(parameters: PhotovoltaicParameters, *columns: np.ndarray) -> np.ndarray:
    zenith, azimuth, dni, ghi, dhi, outdoor_c, wind = columns
    plane = irradiance.get_total_irradiance(
        parameters.tilt_deg,
        parameters.azimuth_deg,
        zenith,
        azimuth,
        dni,
        ghi,
        dhi,
        albedo=parameters.albedo,
        model="isotropic",
    )["poa_global"]
    mounting = temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["close_mount_glass_glass"]
    cell_c = temperature.sapm_cell(plane, outdoor_c, wind, **mounting)
    dc_kw = pvsystem.pvwatts_dc(plane, cell_c, parameters.dc_rated_kw, -0.0035)
    return inverter.pvwatts(dc_kw * (1 - parameters.loss_fraction), parameters.ac_rated_kw / 0.96)


@pytest.mark.parametrize(("tilt_deg", "azimuth_deg"), ORIENTATIONS)
def test_equals_pvlibs_vectorised_functions(tilt_deg, azimuth_deg):
    parameters = attrs.evolve(PARAMETERS, tilt_deg=tilt_deg, azimuth_deg=azimuth_deg)
    columns = weather(1000)
    system = Photovoltaic(parameters)

    power_kw = [system.power_kw(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

    assert power_kw == pytest.approx(-by_pvlib(parameters, *columns), abs=1e-9)
    assert min(power_kw) < -0.5
    assert max(power_kw) == 0.0


def test_a_clear_noon_gives_most_of_the_rating_and_the_inverter_caps_it():
    noon = (25.0, 200.0, 900.0, 930.0, 110.0, 30.0, 2.0)

    assert -5.0 < Photovoltaic(attrs.evolve(PARAMETERS, ac_rated_kw=6.0)).power_kw(*noon) < -4.0
    assert Photovoltaic(attrs.evolve(PARAMETERS, ac_rated_kw=3.0)).power_kw(*noon) == -3.0


def test_night_gives_nothing():
    assert str(Photovoltaic(PARAMETERS).power_kw(120.0, 10.0, 0.0, 0.0, 0.0, 20.0, 1.0)) == "0.0"


@pytest.mark.parametrize("fault", [{"tilt_deg": 91.0}, {"azimuth_deg": -1.0}, {"dc_rated_kw": 0.0}])
def test_refuses_parameters_without_meaning(fault):
    with pytest.raises(ValueError, match=next(iter(fault))):
        attrs.evolve(PARAMETERS, **fault)
