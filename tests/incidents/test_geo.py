"""Distances, bearings and boxes on the globe."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.geo import METRES_PER_DEGREE, bearing_deg, box_around, distance_m

LATITUDES = st.floats(-80, 80)
LONGITUDES = st.floats(-179, 179)
CITY_HALL = (36.3504, 127.3845)
STATION = (36.3324, 127.4347)


def test_a_known_distance():
    assert distance_m(*CITY_HALL, *STATION) == pytest.approx(4_922, abs=10)


def test_a_degree_of_latitude_is_111_kilometres():
    assert distance_m(36, 127, 37, 127) == pytest.approx(METRES_PER_DEGREE) == pytest.approx(111_195, abs=1)


def test_the_smallest_distances_do_not_vanish():
    assert distance_m(36.35, 127.38, 36.35, 127.38 + 1e-7) == pytest.approx(0.00896, rel=0.01)


@pytest.mark.parametrize(("to", "bearing"), [((37, 127), 0), ((36, 128), 89.7), ((35, 127), 180), ((36, 126), 270.3)])
def test_bearings_turn_clockwise_from_north(to, bearing):
    assert bearing_deg(36, 127, *to) == pytest.approx(bearing, abs=0.1)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_distance_is_the_same_both_ways_and_never_more_than_half_the_globe(lat1, lon1, lat2, lon2):
    there = distance_m(lat1, lon1, lat2, lon2)
    assert there == pytest.approx(distance_m(lat2, lon2, lat1, lon1), abs=1e-6)
    assert 0 <= there <= 180 * METRES_PER_DEGREE + 1


@given(LATITUDES, LONGITUDES, st.floats(0, 360), st.floats(1, 20_000))
def test_a_box_misses_nothing_within_the_radius(lat, lon, towards, radius_m):
    angle, reach = math.radians(towards), radius_m * 0.999 / METRES_PER_DEGREE
    point = (lat + reach * math.cos(angle), lon + reach * math.sin(angle) / math.cos(math.radians(lat)))
    south, west, north, east = box_around(lat, lon, radius_m)
    if distance_m(lat, lon, *point) <= radius_m:
        assert south <= point[0] <= north
        assert west - 1e-9 <= point[1] <= east + 1e-9
