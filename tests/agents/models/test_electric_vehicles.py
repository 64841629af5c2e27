import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.agents.models.electric_vehicles import ElectricVehicleParameters, ElectricVehicles
from gridbus.agents.models.trips import TripParameters, Trips
from gridbus.kernel import HOUR, MINUTE

V1G = ElectricVehicleParameters(capacity_kwh=60.0, charge_rated_kw=7.0, charge_efficiency=0.9)
V2G = attrs.evolve(V1G, discharge_rated_kw=5.0, discharge_efficiency=0.8, reserve_kwh=10.0)
COMMUTE = TripParameters(vehicle=0, departure=8 * HOUR, arrival=17 * HOUR, energy_kwh=12.0, required_kwh=50.0)
STAYS = TripParameters(*(np.empty(0) for _ in range(5)))


def vehicle(
    parameters: ElectricVehicleParameters, energy_kwh: float, trips: TripParameters = COMMUTE
) -> ElectricVehicles:
    return ElectricVehicles(parameters, Trips.of(parameters.count, trips), energy_kwh)


@st.composite
def fleets(draw: st.DrawFn) -> tuple[ElectricVehicles, TripParameters]:
    """One vehicle of any kind with up to six trips, long and short, in the first two days."""
    parameters = ElectricVehicleParameters(
        capacity_kwh=draw(st.floats(20.0, 90.0)),
        charge_rated_kw=draw(st.floats(1.5, 19.0)),
        discharge_rated_kw=draw(st.just(0.0) | st.floats(0.0, 15.0)),
        charge_efficiency=draw(st.floats(0.7, 1.0)),
        discharge_efficiency=draw(st.floats(0.7, 1.0)),
        reserve_kwh=draw(st.floats(0.0, 15.0)),
        timer_start_h=draw(st.floats(0.0, 24.0)),
        timer_stop_h=draw(st.floats(0.0, 24.0)),
    )
    minutes = sorted(draw(st.lists(st.integers(0, 48 * 60), max_size=12, unique=True)))
    departures, arrivals = minutes[0 : len(minutes) // 2 * 2 : 2], minutes[1::2]
    count = len(departures)
    energies = draw(st.lists(st.floats(0.0, 40.0), min_size=count, max_size=count))
    wanted = draw(st.lists(st.floats(0.0, 1.0), min_size=count, max_size=count))
    required_kwh = np.array(wanted) * parameters.capacity_kwh
    trips = TripParameters(
        np.zeros(count, dtype=np.int64),
        np.array(departures) * MINUTE,
        np.array(arrivals) * MINUTE,
        np.array(energies),
        required_kwh,
    )
    return vehicle(parameters, draw(st.floats(0.0, 1.0)) * parameters.capacity_kwh, trips), trips


schedules = st.lists(
    st.tuples(st.just(np.nan) | st.floats(-25.0, 25.0), st.sampled_from([60.0, 300.0, 900.0, 3600.0, 7200.0])),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(fleets(), schedules, st.booleans())
def test_energy_stays_within_bounds_and_is_what_went_in_less_what_went_out_and_was_driven(fleet, schedule, keeps):
    vehicles, trips = fleet
    parameters = vehicles.parameters
    expected_kwh = float(vehicles.energy_kwh[0])

    for power_kw, duration_s in schedule:
        start, before_kwh = vehicles.now, float(vehicles.energy_kwh[0])
        if keeps and not np.isnan(power_kw):
            power_kw = np.minimum(np.maximum(power_kw, vehicles.limits(duration_s)[0]), vehicles.limits(duration_s)[1])
        held_kw = float(vehicles.step(duration_s, start / HOUR % 24.0, power_kw)[0])

        exchanged_kwh = held_kw * duration_s / 3600
        into, out_of = float(parameters.charge_efficiency[0]), float(parameters.discharge_efficiency[0])
        expected_kwh += exchanged_kwh * into if held_kw > 0 else exchanged_kwh / out_of
        driven_kwh = trips.energy_kwh[trips.departure < vehicles.now].sum() - float(vehicles.missing_kwh[0])
        assert vehicles.energy_kwh == pytest.approx(expected_kwh - driven_kwh, abs=1e-9)
        assert 0.0 <= vehicles.energy_kwh <= parameters.capacity_kwh
        assert -parameters.discharge_rated_kw - 1e-9 <= held_kw <= parameters.charge_rated_kw + 1e-9
        if held_kw < 0 and not ((trips.departure >= start) & (trips.departure < vehicles.now)).any():
            assert vehicles.energy_kwh >= min(before_kwh, float(parameters.reserve_kwh[0])) - 1e-9


@settings(max_examples=200, deadline=None)
@given(fleets(), st.integers(1, 48 * 60), st.floats(0.0, 1.0), schedules)
def test_any_schedule_within_the_limits_keeps_the_energy_of_a_departure_where_that_is_possible(
    fleet, minute, share, schedule
):
    kind = fleet[0].parameters
    # A trip that takes nothing leaves the energy of the departure to be seen after it.
    departure, required_kwh = minute * MINUTE, share * float(kind.capacity_kwh[0])
    vehicles = vehicle(kind, fleet[0].energy_kwh, TripParameters(0, departure, 9999 * HOUR, 0.0, required_kwh))
    full_kw = float(kind.charge_rated_kw[0] * kind.charge_efficiency[0])
    possible_kwh = min(float(vehicles.energy_kwh[0]) + full_kw * departure / HOUR, float(kind.capacity_kwh[0]))

    for power_kw, duration_s in [*schedule, *[(-25.0, 7200.0)] * 30]:
        least_kw, most_kw = vehicles.limits(duration_s)
        assert least_kw <= most_kw
        vehicles.step(duration_s, 3.0, np.minimum(np.maximum(power_kw, least_kw), most_kw))

    assert vehicles.now > departure
    assert vehicles.energy_kwh >= min(required_kwh, possible_kwh) - 1e-9


def test_charging_waits_until_the_departure_needs_it():
    vehicles = vehicle(V1G, 30.0)
    powers_kw = []
    for _ in range(16):
        least_kw, _ = vehicles.limits(1800.0)
        powers_kw.append(vehicles.step(1800.0, 0.0, least_kw)[0])

    # 20 kWh at 6.3 kW take 3.17 h: nothing before 4.5 h, a third of the next half hour, then all there is.
    assert powers_kw[:9] == [0.0] * 9
    assert powers_kw[9:] == pytest.approx([7.0 * (20 / 6.3 - 3.0) / 0.5, *[7.0] * 6])
    assert vehicles.energy_kwh == pytest.approx(50.0)


def test_a_vehicle_that_gives_back_is_charged_again_in_time():
    vehicles = vehicle(V2G, 55.0)

    assert vehicles.limits(3600.0)[0] == pytest.approx(-5.0)
    for _ in range(8):
        vehicles.step(3600.0, 0.0, vehicles.limits(3600.0)[0])
    assert vehicles.energy_kwh == pytest.approx(50.0)
    assert vehicle(V2G, 10.5, STAYS).limits(3600.0)[0] == pytest.approx(-0.4)


def test_a_trip_takes_its_energy_and_the_vehicle_answers_to_nothing_while_it_is_away():
    vehicles = vehicle(V1G, 55.0)
    for _ in range(8):
        vehicles.step(3600.0, 0.0, 0.0)
    assert vehicles.energy_kwh == 55.0
    assert not vehicles.whereabouts.is_away

    held_kw = [vehicles.step(3600.0, 12.0, 7.0)[0] for _ in range(9)]

    assert held_kw == [0.0] * 9
    assert vehicles.energy_kwh == 43.0
    assert vehicles.whereabouts.is_away
    assert vehicles.step(3600.0, 17.0, 7.0) == pytest.approx(7.0)
    assert vehicles.energy_kwh == pytest.approx(49.3)


def test_the_average_of_a_step_counts_the_time_at_home_only():
    vehicles = vehicle(V1G, 20.0, TripParameters(0, 15 * MINUTE, 45 * MINUTE, 5.0, 0.0))

    assert vehicles.limits(3600.0)[1] == pytest.approx(3.5)
    assert vehicles.step(3600.0, 0.0, 2.0) == pytest.approx(2.0)
    assert vehicles.energy_kwh == pytest.approx(20.0 + 2.0 * 0.9 - 5.0)


def test_two_departures_in_one_step_both_have_their_energy():
    trips = TripParameters(
        np.array([0, 0]),
        np.array([30, 90]) * MINUTE,
        np.array([60, 999]) * MINUTE,
        np.array([4.0, 1.0]),
        np.array([21.0, 20.0]),
    )
    vehicles = vehicle(V1G, 20.0, trips)
    least_kw, most_kw = vehicles.limits(7200.0)

    # 1 kWh in the first half hour for the one, 4 kWh in both for the other: 4 kW stored while at home.
    assert least_kw == pytest.approx(4.0 / 0.9 / 2)
    assert most_kw == pytest.approx(7.0 / 2)
    vehicles.step(7200.0, 0.0, least_kw)
    assert vehicles.energy_kwh == pytest.approx(19.0)


def test_a_trip_that_the_store_does_not_hold_is_driven_all_the_same():
    vehicles = vehicle(V1G, 5.0, TripParameters(0, HOUR, 2 * HOUR, 9.0, 0.0))

    vehicles.step(3 * 3600.0, 0.0, 0.0)

    assert vehicles.energy_kwh == 0.0
    assert vehicles.missing_kwh == 4.0


def test_without_an_award_a_vehicle_charges_at_once_or_by_its_timer_but_always_in_time():
    parameters = ElectricVehicleParameters(
        60.0,
        7.0,
        charge_efficiency=0.9,
        timer_start_h=np.array([0.0, 23.0, 9.0, 9.0]),
        timer_stop_h=np.array([24.0, 5.0, 10.0, 10.0]),
    )
    trips = attrs.evolve(COMMUTE, vehicle=np.array([0, 1, 2]))
    evening, night, late = (vehicle(parameters, 49.0, trips) for _ in range(3))
    late.now = 7 * HOUR

    assert evening.default_kw(3600.0, 20.0) == pytest.approx([7.0, 0.0, 0.0, 0.0])
    assert night.default_kw(3600.0, 4.5) == pytest.approx([7.0, 7.0, 0.0, 0.0])
    assert late.step(3600.0, 7.0) == pytest.approx([7.0, 1.0 / 0.9, 1.0 / 0.9, 0.0])
    assert night.step(3600.0, 23.5, np.array([1.0, np.nan, np.nan, 2.0])) == pytest.approx([1.0, 7.0, 0.0, 2.0])


def test_a_copy_looks_ahead_without_moving_the_vehicle():
    vehicles = vehicle(V1G, 55.0)

    vehicles.copy().step(10 * 3600.0, 0.0, 7.0)

    assert (vehicles.now, vehicles.energy_kwh.tolist(), vehicles.whereabouts.is_away.tolist()) == (0, [55.0], [False])


def test_refuses_what_has_no_meaning():
    with pytest.raises(ValueError, match="a number below 1"):
        vehicle(V1G, 5.0, attrs.evolve(COMMUTE, vehicle=1))
    with pytest.raises(ValueError, match="reserve_kwh"):
        attrs.evolve(V1G, reserve_kwh=61.0)
    with pytest.raises(ValueError, match="longer than 0 s"):
        vehicle(V1G, 5.0).step(0.0, 0.0, 1.0)
