import attrs
import numpy as np
import pytest
from pvlib import inverter, irradiance, pvsystem, temperature

from gridbus.agents.models.photovoltaics import PhotovoltaicParameters, Photovoltaics

PARAMETERS = PhotovoltaicParameters(
    tilt_deg=np.array([0.0, 25.0, 35.0, 90.0]),
    azimuth_deg=np.array([180.0, 200.0, 90.0, 270.0]),
    dc_rated_kw=np.array([6.0, 6.0, 3.0, 9.0]),
    ac_rated_kw=np.array([4.5, 6.0, 2.5, 7.5]),
    albedo=np.array([0.2, 0.2, 0.5, 0.0]),
    loss_fraction=np.array([0.14, 0.14, 0.0, 0.3]),
)
NOON = (25.0, 200.0, 900.0, 930.0, 110.0, 30.0, 2.0)


def weather(count: int) -> list[np.ndarray]:
    """Suns above and below the horizon, clear and cloudy, hot and cold, calm and windy."""
    rng = np.random.default_rng(7)
    zenith, azimuth = rng.uniform(0, 110, count), rng.uniform(0, 360, count)
    dni, dhi = rng.uniform(0, 1000, count), rng.uniform(0, 400, count)
    dni[:50], dhi[:50] = 0.0, 0.0
    ghi = dhi + dni * np.maximum(np.cos(np.radians(zenith)), 0)
    return [zenith, azimuth, dni, ghi, dhi, rng.uniform(-10, 42, count), rng.uniform(0, 15, count)]


def by_pvlib(system: int, *columns: np.ndarray) -> np.ndarray:
    zenith, azimuth, dni, ghi, dhi, outdoor_c, wind = columns
    tilt, facing, dc_rated_kw, ac_rated_kw, albedo, loss = (
        float(getattr(PARAMETERS, field.name)[system]) for field in attrs.fields(PhotovoltaicParameters)
    )
    plane = irradiance.get_total_irradiance(
        tilt, facing, zenith, azimuth, dni, ghi, dhi, albedo=albedo, model="isotropic"
    )["poa_global"]
    mounting = temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["close_mount_glass_glass"]
    cell_c = temperature.sapm_cell(plane, outdoor_c, wind, **mounting)
    dc_kw = pvsystem.pvwatts_dc(plane, cell_c, dc_rated_kw, -0.0035)
    return inverter.pvwatts(dc_kw * (1 - loss), ac_rated_kw / 0.96)


def test_equals_pvlibs_functions_for_all_systems_at_once():
    columns = weather(1000)
    systems = Photovoltaics(PARAMETERS)

    power_kw = np.array([systems.power_kw(*row) for row in zip(*columns, strict=True)])

    for system in range(PARAMETERS.count):
        np.testing.assert_allclose(power_kw[:, system], -by_pvlib(system, *columns), rtol=0, atol=1e-9)
    assert (power_kw.min(axis=0) < -0.5).all()
    assert (power_kw.max(axis=0) == 0.0).all()


def test_each_system_may_have_weather_of_its_own():
    columns = weather(4)
    systems = Photovoltaics(PARAMETERS)

    here = systems.power_kw(*columns)

    assert here.tolist() == [systems.power_kw(*row)[place] for place, row in enumerate(zip(*columns, strict=True))]


def test_the_inverter_caps_a_clear_noon():
    strong = attrs.evolve(PARAMETERS, ac_rated_kw=1.0)

    assert Photovoltaics(strong).power_kw(*NOON)[:3].tolist() == [-1.0, -1.0, -1.0]


def test_night_gives_nothing_and_no_negative_zero():
    power_kw = Photovoltaics(PARAMETERS).power_kw(120.0, 10.0, 0.0, 0.0, 0.0, 20.0, 1.0)

    assert str(power_kw.tolist()) == "[0.0, 0.0, 0.0, 0.0]"


@pytest.mark.parametrize("fault", [{"tilt_deg": 91.0}, {"azimuth_deg": -1.0}, {"dc_rated_kw": 0.0}])
def test_refuses_parameters_without_meaning(fault: dict[str, float]):
    with pytest.raises(ValueError, match=next(iter(fault))):
        attrs.evolve(PARAMETERS, **fault)
