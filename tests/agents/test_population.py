from collections import Counter

import attrs
import numpy as np
import pytest

from gridbus.agents.models.house import House
from gridbus.agents.population import homes

HOMES = homes(400, 11)


def test_a_home_does_not_depend_on_the_count():
    assert homes(25, 11) == HOMES[:25]


def test_seeds_give_other_homes():
    assert not {home.house for home in homes(25, 11)} & {home.house for home in homes(25, 12)}


def test_usage_points_are_numbered_and_unique():
    assert [home.usage_point for home in HOMES[:2]] == ["h001", "h002"]
    assert len({home.usage_point for home in HOMES}) == 400


def test_four_or_five_homes_share_a_transformer_of_one_rating():
    whole = HOMES[: 9 * 44]
    sizes = Counter(home.transformer for home in whole)
    ratings = {(home.transformer, home.transformer_rating_kva) for home in whole}

    assert set(sizes.values()) == {4, 5}
    assert list(sizes)[:3] == ["t01", "t02", "t03"]
    assert len(ratings) == len(sizes)
    assert {rating for _, rating in ratings} <= {25.0, 37.5, 50.0}


def test_shares_are_kept():
    assert sum(home.photovoltaic is not None for home in HOMES) / 400 == pytest.approx(0.3, abs=0.07)
    assert sum(home.battery is not None for home in HOMES) / 400 == pytest.approx(0.2, abs=0.06)


def test_a_higher_share_adds_devices_and_changes_nothing_else():
    few = homes(60, 11, photovoltaic_share=0.0, battery_share=0.2)
    many = homes(60, 11, photovoltaic_share=1.0, battery_share=0.2)

    assert all(home.photovoltaic is None for home in few)
    assert all(home.photovoltaic is not None for home in many)
    assert [(home.house, home.comfort, home.load, home.battery) for home in few] == [
        (home.house, home.comfort, home.load, home.battery) for home in many
    ]


def test_distributions_lie_where_they_are_documented():
    comforts = [home.comfort for home in HOMES]

    assert all(22.0 <= comfort.setpoint_c <= 25.0 for comfort in comforts)
    assert all(comfort.lowest_c < comfort.setpoint_c < comfort.highest_c for comfort in comforts)
    assert all(14.0 <= home.load.daily_kwh <= 20.0 for home in HOMES)
    assert 0.2 < np.median([home.house.ua_kw_per_c for home in HOMES]) < 0.32
    assert 2.0 < np.median([home.house.rated_kw for home in HOMES]) < 3.5


def test_every_air_conditioner_holds_its_set_point_on_the_design_day():
    for home in HOMES:
        house = House(home.house, 23.9)
        house.step(100 * 3600.0, 36.0, 0.8, home.house.rated_kw)
        assert house.air_temperature_c < 23.9


def test_twins_differ_in_nothing_but_their_names():
    for home, twin in zip(homes(20, 1), homes(20, 1, prefix="a", feeder="u"), strict=True):
        assert (twin.usage_point, twin.transformer) == (f"a{home.usage_point[1:]}", f"u{home.transformer[1:]}")
        assert attrs.evolve(twin, usage_point=home.usage_point, transformer=home.transformer) == home


def test_every_household_has_its_own_noise():
    assert len({home.load.noise_seed for home in HOMES}) == len(HOMES)


def test_nobody_lives_in_an_empty_population():
    assert homes(0, 1) == ()


@pytest.mark.parametrize(("count", "seed", "share"), [(-1, 0, 0.3), (1, -1, 0.3), (1, 0, 1.1), (1, 0, float("nan"))])
def test_refuses_what_has_no_meaning(count, seed, share):
    with pytest.raises(ValueError, match=r".+"):
        homes(count, seed, battery_share=share)
