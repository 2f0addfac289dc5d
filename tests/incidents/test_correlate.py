"""Which open incident an event joins: the boundaries of space, time, family and grade."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from incidents.correlate import Candidate, Index, Rule, Rules
from incidents.geo import distance_m
from incidents.models import CorrelationRule
from tests.incidents.cast import METRE

AT = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
LAT, LON = 36.35, 127.38


def candidate(key=1, *, family="BEL", grade="G2", north_m=0.0, at=AT, until=None, lat=LAT, lon=LON):
    return Candidate(key, family, grade, lat + north_m * METRE, lon, at, until or at)


def match(index, *, code="BEL-01", grade="G2", north_m=0.0, after_s=0.0, lat=LAT, lon=LON):
    return index.match(
        code=code, family=code.partition("-")[0], grade=grade,
        lat=lat + north_m * METRE, lon=lon, at=AT + timedelta(seconds=after_s),
    )  # fmt: skip


def one(rules=None, **fields):
    return Index(Rules(rules or {}), [candidate(**fields)])


@pytest.mark.parametrize("north_m, joins", [(0, True), (149.5, True), (150.5, False), (-149.5, True), (-150.5, False)])
def test_the_default_radius_is_150_metres(north_m, joins):
    assert bool(match(one(), north_m=north_m)) is joins


@pytest.mark.parametrize("after_s, joins", [(0, True), (300, True), (300.001, False), (-300, True), (-300.001, False)])
def test_the_default_window_is_five_minutes_either_way(after_s, joins):
    assert bool(match(one(), after_s=after_s)) is joins


def test_a_match_says_how_near_it_was_and_by_which_rule():
    found = match(one(), north_m=100, after_s=-20)
    assert (found.key, round(found.distance_m), found.gap_s, found.rule) == (1, 100, 20.0, Rule(150, 300))


def test_a_code_may_have_a_rule_of_its_own():
    index = one({"BEL-01": Rule(1000, 60)})
    assert match(index, north_m=990) and not match(index, north_m=1010)
    assert match(index, after_s=60) and not match(index, after_s=121)
    narrow = one({"BEL-01": Rule(20, 300)})
    assert match(narrow, north_m=19) and not match(narrow, north_m=21)


def test_the_events_own_rule_counts_not_the_widest():
    index = Index(Rules({"VCA-02": Rule(1000, 3600)}), [candidate(family="VCA", grade="G3")])
    assert match(index, code="VCA-02", grade="G3", north_m=900, after_s=3000)
    assert not match(index, code="VCA-01", grade="G3", north_m=900)


def test_a_rule_of_nothing_joins_only_the_same_place_and_moment():
    index = one({"BEL-01": Rule(0, 0)})
    assert match(index) and not match(index, north_m=1) and not match(index, after_s=1)


def test_only_the_same_family_joins():
    assert not match(one(family="CRM"))
    assert match(one(family="VCA", grade="G3"), code="VCA-06", grade="G3")


@pytest.mark.parametrize("event, incident, joins", [("G1", "G2", False), ("G2", "G2", True), ("G3", "G2", True), ("G2", "G3", False)])
def test_an_event_never_joins_an_incident_of_lesser_grade(event, incident, joins):
    assert bool(match(one(grade=incident), grade=event)) is joins


def test_the_nearest_one_that_may_take_it_does():
    index = Index(Rules({}), [
        candidate(1, north_m=100), candidate(2, north_m=50), candidate(3, north_m=10, grade="G3"),
        candidate(4, north_m=5, family="CRM"), candidate(5, north_m=20, at=AT - timedelta(minutes=6)),
    ])  # fmt: skip
    assert match(index).key == 2


def test_a_joined_incidents_clock_moves_on_but_not_back():
    index = one()
    assert match(index, after_s=250) and match(index, after_s=500)
    assert match(index, after_s=450) and match(index, after_s=790)


def test_a_late_event_from_the_middle_of_a_long_incident_joins_it():
    index = one(until=AT + timedelta(hours=1))
    assert match(index, after_s=1800).gap_s == 0
    assert match(index, after_s=-300) and not match(index, after_s=-301)


def test_an_added_candidate_takes_later_events():
    index = Index(Rules({}))
    assert match(index) is None
    index.add(candidate(-1))
    assert match(index, north_m=10).key == -1


@pytest.mark.parametrize("lat", [90, -90, 89.9999999, -89.9999999, 0, -0.0])
@pytest.mark.parametrize("lon", [180, -180, 179.9999999, 0])
def test_poles_and_the_antimeridian_are_places_like_others(lat, lon):
    index = Index(Rules({"BEL-01": Rule(10_000, 300)}), [candidate(lat=lat, lon=lon)])
    assert match(index, lat=lat, lon=lon).distance_m == 0


degrees = st.floats(-0.03, 0.03)


@settings(max_examples=300, deadline=None)
@example(-2.8e-218, 0.0, 1, [(0.0078125, 0.0)])
@given(
    st.floats(-85, 85), st.floats(-179, 179), st.sampled_from([1, 150, 3_000, 10_000]),
    st.lists(st.tuples(degrees, degrees), min_size=1, max_size=20),
)  # fmt: skip
def test_the_grid_finds_what_looking_at_every_candidate_would(lat, lon, radius_m, offsets):
    scale = radius_m / 1_000
    places = [(lat + dlat * scale, lon + dlon * scale) for dlat, dlon in offsets]
    index = Index(Rules({"BEL-01": Rule(radius_m, 300)}), [candidate(n, lat=a, lon=b) for n, (a, b) in enumerate(places)])
    distances = [distance_m(lat, lon, a, b) for a, b in places]
    found = match(index, lat=lat, lon=lon)
    assert (found.distance_m if found else None) == min((one for one in distances if one <= radius_m), default=None)


def test_rules_are_the_municipalitys_own(town, other):
    CorrelationRule.objects.create(municipality=town.municipality, code="BEL-01", radius_m=700, window_s=60)
    assert Rules.load(town.municipality.pk).of("BEL-01") == Rule(700, 60)
    assert Rules.load(town.municipality.pk).widest_radius_m == 700
    assert Rules.load(other.municipality.pk).of("BEL-01") == Rule(150, 300)
