"""What a person likes is kept for that person alone, and nothing else."""

import json

import pytest

from incidents.api import preferences
from ocenter.accounts.models import Preference
from tests.incidents.api.conftest import problem_of, wrong_fields

ROOT = "/api/v1/me/preferences"


def put(caller, name, value):
    return caller.put(f"{ROOT}/{name}", json.dumps(value), content_type="application/json")


def test_what_was_kept_comes_back_and_the_last_one_stays(calls, town):
    kim = calls(town.kim)
    layout = {"grid": 9, "cameras": [1, 2, 3], "name": "시청 앞"}
    for value in ([], False, layout, layout):
        answer = put(kim, "wall.layouts", value)
        assert (answer.status_code, answer.json()) == (200, {"name": "wall.layouts", "value": value})
    assert kim.get(ROOT).json() == {"preferences": {"wall.layouts": layout}}
    assert Preference.objects.count() == 1


def test_each_person_has_their_own(calls, town):
    put(calls(town.kim), "map", {"zoom": 12})
    put(calls(town.lee), "map", {"zoom": 15})
    assert calls(town.kim).get(ROOT).json()["preferences"] == {"map": {"zoom": 12}}
    calls(town.kim).delete(f"{ROOT}/map")
    assert calls(town.lee).get(ROOT).json()["preferences"] == {"map": {"zoom": 15}}


def test_forgetting_may_be_repeated(calls, town):
    kim = calls(town.kim)
    put(kim, "map", 1)
    assert [kim.delete(f"{ROOT}/map").status_code for _ in range(2)] == [204, 204]
    assert kim.get(ROOT).json() == {"preferences": {}}


@pytest.mark.parametrize("name", ["Map", "map views", "ㅁ", "m" * 41, ".map"])
def test_a_name_that_is_none_is_named(calls, town, name):
    assert wrong_fields(put(calls(town.kim), name, 1)) == ["name"]


def test_too_much_under_a_name_is_refused_and_the_old_value_stays(calls, town):
    kim = calls(town.kim)
    put(kim, "map", "old")
    assert wrong_fields(put(kim, "map", "가" * 6_000)) == [""]
    assert wrong_fields(put(kim, "map", "a\x00b")) == [""]
    assert kim.get(ROOT).json()["preferences"] == {"map": "old"}


def test_too_many_names_are_refused_but_known_ones_may_change(calls, town):
    kim = calls(town.kim)
    Preference.objects.bulk_create(Preference(user=town.kim, name=f"n{n}", value=1) for n in range(preferences.NAMES_AT_MOST))
    assert wrong_fields(put(kim, "one-more", 1)) == ["name"]
    assert put(kim, "n1", 2).status_code == 200


def test_machines_have_none(calls, town):
    problem_of(calls(town.bells).get(ROOT), 403)
    problem_of(put(calls(town.police), "map", 1), 403)
