"""Alarm management over REST: who may ask, what is answered, how it is refused."""

import pytest

from incidents import suppression
from incidents.models import Suppression
from tests.incidents.api.conftest import problem_of, wrong_fields
from tests.incidents.cast import by, open_incident
from tests.incidents.test_alarm_flood import alarms, on_duty

STAFF_ONLY = ["load", "nuisances", "floods", "colleagues", "suppressions"]


@pytest.mark.parametrize("what", STAFF_ONLY)
def test_people_read_it_and_machines_do_not(calls, town, what):
    for who in (town.kim, town.park, town.auditor, town.admin):
        assert calls(who).get(f"/api/v1/{what}").status_code == 200
    for machine in (town.police, town.bells):
        problem_of(calls(machine).get(f"/api/v1/{what}"), 403)
    problem_of(calls().get(f"/api/v1/{what}"), 401)


def test_colleagues_are_who_may_hold_an_incident_here(calls, town, other):
    on_duty(town.lee)
    rows = calls(town.kim).get("/api/v1/colleagues").json()["colleagues"]
    assert [(one["username"], one["role"], one["present"]) for one in rows] == [
        ("kim", "operator", False), ("lee", "operator", True), ("park", "supervisor", False),
    ]  # fmt: skip


def test_the_load_says_its_norms(calls, town):
    alarms(town, 3)
    body = calls(town.kim).get("/api/v1/load?hours=1").json()
    assert (body["recent"], body["hours"], body["norms"]["flood_above"], body["norms"]["source"]) == (3, 1, 10, "EEMUA 191 / ISA-18.2")


@pytest.mark.parametrize("query, field", [("load?hours=0", "hours"), ("load?hours=x", "hours"), ("nuisances?times=1", "times"),
                                          ("nuisances?minutes=61", "minutes"), ("nuisances?stale_hours=0", "stale_hours")])  # fmt: skip
def test_a_wrong_question_names_its_field(calls, town, query, field):
    assert wrong_fields(calls(town.kim).get(f"/api/v1/{query}")) == [field]


def suppress(caller, **more):
    return caller.send("/api/v1/suppressions", {"system": "sensors", "device_id": "S-1", "reason": "broken", "minutes": 30, **more})


def test_a_supervisor_suppresses_and_ends_and_everybody_sees_it(calls, town):
    park = calls(town.park)
    made = suppress(park)
    assert made.status_code == 201 and made.json()["by"]["username"] == "park"
    listed = calls(town.kim).get("/api/v1/suppressions").json()["suppressions"]
    assert [(one["device_id"], one["incidents"], one["ended_at"]) for one in listed] == [("S-1", 0, None)]
    path = f"/api/v1/suppressions/{made.json()['id']}/end"
    ended = park.send(path)
    assert ended.status_code == 200 and ended.json()["ending"] == "hand"
    problem_of(park.send(path), 409)
    assert wrong_fields(suppress(park, minutes=481)) == ["minutes"] and wrong_fields(suppress(park, code="X")) == ["code"]
    problem_of(park.send("/api/v1/suppressions/99999/end"), 404)


@pytest.mark.parametrize("who", ["kim", "auditor", "admin", "police"])
def test_nobody_else_suppresses_or_ends(calls, town, who):
    pk = suppression.source_suppress(municipality=town.municipality, by=by(town.park), system="bells", device_id="", reason="x", minutes=5)
    caller = calls(getattr(town, who))
    problem_of(suppress(caller), 403)
    problem_of(caller.send(f"/api/v1/suppressions/{pk}/end"), 403)
    assert Suppression.objects.get().ended_at is None


def test_another_towns_suppression_is_not_there(calls, town, other):
    pk = suppression.source_suppress(municipality=town.municipality, by=by(town.park), system="bells", device_id="", reason="x", minutes=5)
    problem_of(calls(other.park).send(f"/api/v1/suppressions/{pk}/end"), 404)
    assert calls(other.park).get("/api/v1/suppressions").json() == {"suppressions": []}


def test_a_hand_over_by_rest(calls, town):
    incident = open_incident(town)
    path = f"/api/v1/incidents/{incident.number}"
    kim, lee = calls(town.kim), calls(town.lee)
    kim.send(f"{path}/acknowledge")
    assert kim.send(f"{path}/offer", {"username": "lee"}).json()["incident"]["offer"]["asked"] == "lee"
    assert problem_of(kim.send(f"{path}/accept"), 409)["current"]["offer"]["asked"] == "lee"
    assert lee.send(f"{path}/accept").json()["incident"]["holder"]["username"] == "lee"
    assert problem_of(kim.send(f"{path}/assign"), 409)["current"]["holder"]["username"] == "lee"
    assert wrong_fields(lee.send(f"{path}/offer", {"username": "nobody"})) == ["username"]
