"""Procedures over REST: what each answers, to whom, and what it refuses."""

import pytest

from incidents import operations as op
from incidents.models import Change
from services.procedures.models import StepMark
from tests.incidents.api.conftest import Caller, problem_of, wrong_fields
from tests.incidents.cast import ago, by, key_of, open_incident

URL = "/api/v1/incidents"


@pytest.fixture
def calls():
    return lambda who: Caller(user=who) if hasattr(who, "username") else Caller(secret=key_of(who))


@pytest.fixture
def kim(calls, town):
    return calls(town.kim)


@pytest.fixture
def bell(town):
    incident = open_incident(town)
    op.incident_acknowledge(number=incident.number, by=by(town.kim))
    return incident


def path(incident, step="", verb=""):
    return "/".join(part for part in (f"{URL}/{incident.number}/procedure", step, verb) if part)


def test_before_the_acknowledgement_it_shows_what_will_be_asked(kim, town):
    body = kim.get(path(open_incident(town))).json()
    assert (body["state"], body["applies_to"], body["current"], body["began_at"]) == ("waiting", "BEL", None, None)
    assert [one["id"] for one in body["steps"]] == ["voice", "cameras", "police"] and body["hidden"] == 3
    assert body["title"] == {"ko": "비상벨 호출 대응", "en": "Emergency bell"}


def test_it_is_followed_step_by_step(kim, town, bell):
    body = kim.get(path(bell)).json()
    assert (body["state"], body["current"], body["blocking"], body["settled"], body["total"]) == ("open", "voice", ["cameras", "police"], 0, 3)
    voice = body["steps"][0]
    assert voice["due_at"] > voice["since"] and [one["id"] for one in voice["options"]] == ["danger", "silent", "mistake"]
    steps = [
        ("voice", "choose", {"choice": "silent"}, "cameras"), ("cameras", "do", None, "police"),
        ("cameras", "undo", None, "cameras"), ("cameras", "skip", {"reason": "fog"}, "police"),
        ("police", "choose", {"choice": "none"}, "around"),
    ]  # fmt: skip
    for step, verb, sent, current in steps:
        answer = kim.send(path(bell, step, verb), sent)
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert set(body) == {"incident", "seq", "procedure"} and body["procedure"]["current"] == current
        assert body["seq"] == body["incident"]["version"] == Change.objects.order_by("-seq").first().seq
        assert body["procedure"] == kim.get(path(bell)).json()
    assert body["procedure"]["state"] == "complete" and body["procedure"]["total"] == 4
    done = {one["id"]: (one["state"], one["by"], one["reason"], one["choice"]) for one in body["procedure"]["steps"]}
    assert done["cameras"] == ("skipped", "kim", "fog", None) and done["police"] == ("done", "kim", None, "none")


def test_a_procedure_of_the_past(kim, town, bell):
    before = kim.get(path(bell)).json()
    at = Change.objects.get(kind="incident.acknowledged").at.isoformat()
    kim.send(path(bell, "voice", "choose"), {"choice": "danger"})
    assert kim.get(path(bell), {"at": at}).json() == before
    assert wrong_fields(kim.get(path(bell), {"at": "yesterday"})) == ["at"]


@pytest.mark.parametrize(
    "step, verb, body, field",
    [
        ("cameras", "skip", {}, "reason"), ("cameras", "skip", {"reason": " "}, "reason"), ("cameras", "skip", {"reason": 5}, "reason"),
        ("cameras", "skip", {"reason": "a\0b"}, "reason"), ("cameras", "skip", {"reason": "x" * 301}, "reason"), ("cameras", "skip", {"why": "x"}, "why"),
        ("voice", "choose", {}, "choice"), ("voice", "choose", {"choice": "x"}, "choice"), ("voice", "choose", {"choice": None}, "choice"),
        ("cameras", "do", {"x": 1}, "x"), ("cameras", "do", [], ""), ("cameras", "undo", {"x": 1}, "x"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_understood_is_refused_by_field(kim, bell, step, verb, body, field):
    assert wrong_fields(kim.send(path(bell, step, verb), body)) == [field]
    assert not StepMark.objects.exists()


def test_what_does_not_fit_is_409_with_the_current_state(kim, calls, town, bell):
    kim.send(path(bell, "cameras", "do"))
    again = problem_of(calls(town.lee).send(path(bell, "cameras", "do")), 409)
    assert "kim" in again["detail"] and again["current"]["number"] == bell.number
    for step, verb, body in (("voice", "do", None), ("maintain", "do", None), ("cameras", "choose", {"choice": "danger"}), ("police", "undo", None)):
        problem_of(kim.send(path(bell, step, verb), body), 409)
    problem_of(kim.send(path(open_incident(town), "cameras", "do")), 409)


def test_an_unknown_step_is_404(kim, bell):
    for verb, body in (("do", None), ("undo", None), ("skip", {"reason": "x"}), ("choose", {"choice": "x"})):
        problem_of(kim.send(path(bell, "nothing", verb), body), 404)
    problem_of(kim.send(path(bell, "cameras", "explode"), {}), 404)


def test_a_supervisor_waives_and_nobody_else(kim, calls, town, bell):
    for who in (town.kim, town.admin, town.auditor, town.police):
        problem_of(calls(who).send(path(bell, "waive"), {"reason": "storm"}), 403)
    park = calls(town.park)
    assert wrong_fields(park.send(path(bell, "waive"), {})) == ["reason"]
    body = park.send(path(bell, "waive"), {"reason": "storm"}).json()["procedure"]
    assert body["state"] == "waived" and body["waived"]["by"] == "park" and body["waived"]["reason"] == "storm" and body["blocking"] == []
    problem_of(park.send(path(bell, "waive"), {"reason": "storm"}), 409)


def test_closing_is_409_and_names_the_open_steps(kim, town, bell):
    kim.send(f"{URL}/{bell.number}/confirm")
    refusal = problem_of(kim.send(f"{URL}/{bell.number}/close", {"result_code": "RC-05"}), 409)
    assert [one["id"] for one in refusal["open_steps"]] == ["police"] and refusal["current"]["status"] == "confirmed"
    assert refusal["open_steps"][0]["text"]["en"] in refusal["detail"]
    kim.send(path(bell, "police", "choose"), {"choice": "none"})
    assert kim.send(f"{URL}/{bell.number}/close", {"result_code": "RC-05"}).status_code == 200


def test_people_may_read_machines_may_not_and_another_town_sees_nothing(calls, town, other, bell):
    for who in (town.kim, town.park, town.admin, town.auditor):
        assert calls(who).get(path(bell)).status_code == 200
    for who in (town.police, town.bells):
        problem_of(calls(who).get(path(bell)), 403)
        problem_of(calls(who).send(path(bell, "cameras", "do")), 403)
    for who in (town.admin, town.auditor):
        problem_of(calls(who).send(path(bell, "cameras", "do")), 403)
    theirs = calls(other.park)
    problem_of(theirs.get(path(bell)), 404)
    for step, verb, body in (("cameras", "do", None), ("cameras", "skip", {"reason": "x"}), ("voice", "choose", {"choice": "danger"}), ("", "waive", {"reason": "x"})):
        problem_of(theirs.send(path(bell, step, verb), body), 404)
    assert not StepMark.objects.exists()


def test_supervisors_are_told_what_was_left_out(kim, calls, town, other, bell):
    park = calls(town.park)
    assert park.get("/api/v1/procedures/notices").json() == {"notices": []}
    kim.send(path(bell, "cameras", "do"))
    kim.send(path(bell, "police", "skip"), {"reason": "the bell is broken"})
    (notice,) = park.get("/api/v1/procedures/notices").json()["notices"]
    assert (notice["kind"], notice["incident"], notice["step"], notice["by"], notice["reason"]) == (
        "skipped", bell.number, "police", "kim", "the bell is broken",
    )  # fmt: skip
    assert notice["step_text"]["en"] == "Do the police know?" and notice["title"]["en"] == "Emergency bell pressed"
    assert park.get("/api/v1/procedures/notices", {"after": notice["id"]}).json() == {"notices": []}
    assert calls(other.park).get("/api/v1/procedures/notices").json() == {"notices": []}
    problem_of(kim.get("/api/v1/procedures/notices"), 403)
    assert wrong_fields(park.get("/api/v1/procedures/notices", {"after": "x"})) == ["after"]


def test_usage_counts_how_steps_went(kim, calls, town, other):
    for n in range(3):
        one = open_incident(town)
        op.incident_acknowledge(number=one.number, by=by(town.kim))
        if n:
            kim.send(path(one, "cameras", "do"))
    kim.send(path(one, "police", "skip"), {"reason": "x"})
    op.incident_verify(number=one.number, by=by(town.kim))
    body = kim.get("/api/v1/procedures/usage").json()
    (bells,) = body["procedures"]
    assert (bells["applies_to"], bells["version"], bells["own"], bells["checklists"], body["complete"]) == ("BEL", 1, False, 3, True)
    steps = {step["id"]: step for step in bells["steps"]}
    assert (steps["cameras"]["shown"], steps["cameras"]["done"], steps["police"]["skipped"], steps["maintain"]["shown"]) == (3, 2, 1, 0)
    assert 0 <= steps["cameras"]["minutes"] < 1 and steps["police"]["minutes"] is None
    assert calls(other.kim).get("/api/v1/procedures/usage").json()["procedures"] == []
    assert kim.get("/api/v1/procedures/usage", {"to": ago(days=1).isoformat()}).json()["procedures"] == []
    assert wrong_fields(kim.get("/api/v1/procedures/usage", {"from": ago(days=-1).isoformat()})) == ["from"]
    problem_of(calls(town.police).get("/api/v1/procedures/usage"), 403)
