"""Units go from the nearest station by street to the incident, and the nearer arrives sooner."""

import random

import pytest

from linkage.simulators.geometry import Point, along, length, metres_between
from linkage.simulators.places import FIRE_STATIONS, POLICE_STATIONS
from linkage.simulators.units import Fleet, Kind, drive_seconds, route

CITY_HALL = Point(36.3504, 127.3845)


def draw(seed=1):
    return random.Random(seed)


def test_the_nearest_free_unit_goes_and_is_then_out():
    fleet = Fleet(Kind.FIRE)
    first, second = fleet.take(CITY_HALL, "FIR-01"), fleet.take(CITY_HALL, "FIR-01")
    nearest = min(FIRE_STATIONS, key=lambda station: metres_between(station.at, CITY_HALL))
    assert first.home == nearest
    assert first.name != second.name
    fleet.release(first.name)
    assert fleet.take(CITY_HALL, "FIR-01") == first


def test_an_ambulance_goes_to_the_sick_and_an_engine_to_a_fire():
    fleet = Fleet(Kind.FIRE)
    assert "구급" in fleet.take(CITY_HALL, "EMS-01").name
    assert "펌프" in fleet.take(CITY_HALL, "FIR-01").name


def test_a_fleet_never_runs_out_and_never_sends_a_unit_twice():
    fleet = Fleet(Kind.POLICE)
    names = [fleet.take(CITY_HALL, "BEL-01").name for _ in range(2 * len(POLICE_STATIONS) + 30)]
    assert len(set(names)) == len(names)


def test_far_from_daejeon_stations_are_made_up_nearby_and_stay():
    abroad = Point(40.1212, -75.3412)
    unit = Fleet(Kind.FIRE).take(abroad, "FIR-01")
    assert metres_between(unit.home.at, abroad) < 15_000
    assert unit == Fleet(Kind.FIRE).take(abroad, "FIR-01")


@pytest.mark.parametrize("seed", range(20))
def test_a_route_begins_and_ends_where_it_should_and_follows_streets(seed):
    chance = draw(seed)
    start = chance.choice(FIRE_STATIONS).at
    end = Point(chance.uniform(36.28, 36.45), chance.uniform(127.30, 127.48))
    path, direct = route(start, end, chance), metres_between(start, end)
    assert (path[0], path[-1]) == (start, end)
    assert direct * 1.02 < length(path) < direct * 1.8 + 300
    assert max(metres_between(a, b) for a, b in zip(path, path[1:], strict=False)) < 2_500


def test_a_route_to_where_one_stands_is_harmless():
    path = route(CITY_HALL, CITY_HALL, draw())
    assert along(path, 0.5) is not None
    assert 12 <= drive_seconds(path, draw()) < 20


def test_a_unit_moves_evenly_along_its_path():
    path = route(FIRE_STATIONS[0].at, CITY_HALL, draw())
    spots = [along(path, share / 50) for share in range(51)]
    steps = [metres_between(a, b) for a, b in zip(spots, spots[1:], strict=False)]
    assert (spots[0], spots[-1]) == (path[0], CITY_HALL)
    assert max(steps) <= length(path) / 50 * 1.01


def test_a_drive_takes_longer_from_afar_but_never_more_than_seventy_seconds():
    times = [
        drive_seconds(route(CITY_HALL, Point(36.3504 + metres / 111_320, 127.3845), draw()), draw())
        for metres in (100, 1_000, 3_000, 10_000, 100_000)
    ]
    assert times == sorted(times)
    assert times[0] < 25
    assert times[-1] <= 70
