from types import SimpleNamespace

import attrs
import numpy as np
import pytest

from gridbus.agents.models.batteries import Batteries, BatteryParameters
from gridbus.agents.models.household_loads import HouseholdLoadParameters
from gridbus.agents.models.houses import ThermostatParameters
from gridbus.agents.models.trips import TripParameters

THREE = BatteryParameters(capacity_kwh=np.array([10.0, 13.5, 5.0]), rated_kw=5.0)


def test_one_value_stands_for_all_devices_and_takes_no_room():
    assert THREE.count == 3
    assert THREE.rated_kw.tolist() == [5.0, 5.0, 5.0]
    assert THREE.rated_kw.strides == (0,)


def test_what_is_frozen_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        THREE.capacity_kwh[0] = 1.0
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        THREE.rated_kw = np.ones(3)


def test_the_array_that_was_given_remains_the_callers():
    capacity_kwh = np.array([10.0, 13.5])
    parameters = BatteryParameters(capacity_kwh, 5.0)

    capacity_kwh[0] = -1.0

    assert parameters.capacity_kwh.tolist() == [10.0, 13.5]


def test_takes_devices_by_number_and_in_order():
    assert THREE.take(np.array([2, 0])).capacity_kwh.tolist() == [5.0, 10.0]


def test_is_built_from_objects_with_the_same_attributes():
    homes = [SimpleNamespace(capacity_kwh=10.0, rated_kw=5.0), SimpleNamespace(capacity_kwh=8.0, rated_kw=3.0)]
    seeds = [SimpleNamespace(noise_seed=2**63 - 1), SimpleNamespace(noise_seed=2**62 + 1)]

    parameters = BatteryParameters.from_each(homes)

    assert parameters.rated_kw.tolist() == [5.0, 3.0]
    assert parameters.charge_efficiency.tolist() == [0.95, 0.95]
    assert HouseholdLoadParameters.from_each(seeds).noise_seed.tolist() == [2**63 - 1, 2**62 + 1]


def test_there_may_be_no_devices_at_all():
    nobody = BatteryParameters.from_each([])

    assert nobody.count == 0
    assert Batteries(nobody, 0.0).step(300.0, 1.0).tolist() == []


def test_all_faults_are_told_at_once_with_their_devices():
    with pytest.raises(ValueError, match="capacity_kwh") as caught:
        BatteryParameters(
            capacity_kwh=np.array([1.0, -1.0, 0.0]), rated_kw=np.nan, charge_efficiency=1.1, reserve_kwh=0.5
        )

    assert str(caught.value).splitlines() == [
        "capacity_kwh: expected above 0, device 1 and 1 more has -1",
        "rated_kw: expected a finite number, device 0 and 2 more has nan",
        "rated_kw: expected above 0, device 0 and 2 more has nan",
        "charge_efficiency: expected at most 1, device 0 and 2 more has 1.1",
        "reserve_kwh: expected at most capacity_kwh, device 1 and 1 more has 0.5",
    ]


def test_refuses_arrays_of_different_lengths():
    with pytest.raises(ValueError, match="one length for all arrays"):
        BatteryParameters(capacity_kwh=np.ones(3), rated_kw=np.ones(2))


def test_refuses_deadbands_that_overlap_and_trips_that_do():
    with pytest.raises(ValueError, match="at least deadband_c below"):
        ThermostatParameters(cooling_setpoint_c=22.0, heating_setpoint_c=21.5)
    with pytest.raises(ValueError, match="an instant after departure"):
        TripParameters(vehicle=0, departure=5, arrival=5, energy_kwh=1.0, required_kwh=1.0)
    with pytest.raises(ValueError, match="an instant after the trip before"):
        TripParameters(np.array([0, 1, 0]), np.array([6, 6, 1]), np.array([9, 9, 7]), 1.0, 1.0)


@pytest.mark.parametrize("energy_kwh", [-0.1, np.array([1.0, 13.6, 5.0]), np.nan])
def test_refuses_a_state_that_does_not_fit(energy_kwh: float):
    with pytest.raises(ValueError, match=r"energy_kwh: expected 0\.\.(10|13\.5) kWh"):
        Batteries(THREE, energy_kwh)
