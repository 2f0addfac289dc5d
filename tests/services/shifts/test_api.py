"""The shift over REST: the whole story, its refusals in one form, and the borders around it."""

import hashlib

import pytest
from django.urls import get_resolver

from services.shifts.models import Handover, Notice, ShiftDuty
from tests.accounts.cast import make_superuser, make_user
from tests.incidents.api.conftest import problem_of, wrong_fields
from tests.incidents.cast import make_central, open_incident
from tests.services.shifts.cast import signed

ROOT = "/api/v1/shift"
LATER = "2126-01-01T00:00:00+09:00"
BODIES = {
    "shift-duty": {"crew": "A"}, "shift-duty-sound": {"heard": True}, "shift-duty-end": {}, "shift-handovers": {},
    "shift-handover-notes": {"notes": "x", "version": 1}, "shift-handover-sign": {"version": 1},
    "shift-handover-countersign": {"digest": "0" * 64}, "shift-handover-return": {"reason": "x"},
    "shift-notices": {"text": "x", "until": LATER}, "shift-notice-read": {}, "shift-notice-withdraw": {},
}  # fmt: skip


def endpoints():
    """(name, path) of everything of the shift."""
    patterns = {str(one.pattern): one for one in get_resolver().url_patterns}
    inner = patterns["api/v1/shift/"].url_patterns
    return [("shift-now", ROOT), *((one.name, f"{ROOT}/{one.pattern}") for one in inner)]


ENDPOINTS = endpoints()


def filled(path, pk=1):
    return path.replace("<id:handover_id>", str(pk)).replace("<id:notice_id>", str(pk))


def everything(caller, pk=1):
    """Each endpoint with each of its methods: (name, response)."""
    for name, path in ENDPOINTS:
        if name not in BODIES or name in ("shift-handovers", "shift-notices"):
            yield name, caller.get(filled(path, pk))
        if name in BODIES:
            yield name, caller.send(filled(path, pk), BODIES[name])


def test_the_story_of_a_shift(calls, town, clock):
    clock("2026-11-27T05:30:00+09:00")
    kim, park = calls(town.kim), calls(town.park)
    state = kim.get(ROOT).json()
    assert state["now"]["shift"] == "night" and state["next"]["shift"] == "day" and state["crews"] == ["A", "B", "C", "D"]
    assert state["starts"] == [{"shift": "day", "at": "06:00"}, {"shift": "evening", "at": "14:00"}, {"shift": "night", "at": "22:00"}]
    assert state["duty"] is None and state["handover"] == {"open": None, "latest": None}
    begun = kim.send(f"{ROOT}/duty", {"crew": "B", "sound": "heard"})
    assert begun.status_code == 201 and begun.json()["duty"]["crew"] == "B"
    assert kim.send(f"{ROOT}/duty", {"crew": "B"}).status_code == 200
    assert park.send(f"{ROOT}/duty", {"crew": "A", "shift": "day"}).json()["duty"]["day"] == "2026-11-27"
    assert kim.send(f"{ROOT}/duty/sound", {"heard": False}).json()["duty"]["sound"] == "not_heard"

    incident = open_incident(town)
    written = kim.send(f"{ROOT}/handovers")
    assert written.status_code == 201 and kim.send(f"{ROOT}/handovers").status_code == 200
    pk = written.json()["id"]
    noted = kim.send(f"{ROOT}/handovers/{pk}/notes", {"notes": "조용함", "version": 2}).json()
    assert (noted["notes"], noted["version"], noted["state"], noted["wrong"]) == ("조용함", 3, "draft", [])
    problem_of(kim.get(f"{ROOT}/handovers/{pk}/document"), 404)
    frozen = kim.send(f"{ROOT}/handovers/{pk}/sign", {"version": 3}).json()
    assert frozen["state"] == "signed" and frozen["outgoing"]["username"] == "kim" and frozen["outgoing"]["crew"] == "B"
    assert park.get(ROOT).json()["handover"]["open"]["id"] == pk
    done = park.send(f"{ROOT}/handovers/{pk}/countersign", {"digest": frozen["digest"]}).json()
    assert done["state"] == "archived" and done["incoming"]["username"] == "park" and done["wrong"] == []
    document = park.get(f"{ROOT}/handovers/{pk}/document")
    assert hashlib.sha256(document.content).hexdigest() == done["digest"] and incident.number in document.content.decode()
    state = kim.get(ROOT).json()
    assert state["handover"]["open"] is None and state["handover"]["latest"]["id"] == pk
    assert {(one["username"], one["shift"]) for one in state["on_duty"]} == {("kim", "night"), ("park", "day")}
    assert kim.send(f"{ROOT}/duty/end").json()["duty"]["ended"] == "signed_out"
    assert kim.send(f"{ROOT}/duty/end").json() == {"duty": None}


def test_a_refusal_carries_the_handover_as_it_stands(calls, town):
    handover = signed(town)
    body = problem_of(calls(town.kim).send(f"{ROOT}/handovers/{handover.pk}/sign", {"version": 1}), 409)
    assert body["current"]["id"] == handover.pk and body["current"]["state"] == "signed"
    assert problem_of(calls(town.auditor).send(f"{ROOT}/handovers"), 403)
    body = problem_of(calls(town.park).send(f"{ROOT}/handovers"), 409)
    assert body["current"]["outgoing"]["name"] == "kim"
    back = calls(town.park).send(f"{ROOT}/handovers/{handover.pk}/return", {"reason": "빠짐"})
    assert back.status_code == 201 and back.json()["replaces"] == handover.pk
    old = calls(town.kim).get(f"{ROOT}/handovers/{handover.pk}").json()
    assert old["returned"]["reason"] == "빠짐" and old["returned"]["name"] == "park"


def test_without_a_duty_there_is_no_handover(calls, town):
    assert problem_of(calls(town.kim).send(f"{ROOT}/handovers"), 409)["current"] is None
    problem_of(calls(town.kim).send(f"{ROOT}/duty/sound", {"heard": True}), 409)


@pytest.mark.parametrize("path, body, field", [
    ("duty", {}, "crew"), ("duty", {"crew": 1}, "crew"), ("duty", {"crew": "A", "sound": "loud"}, "sound"), ("duty", {"crew": "A", "x": 1}, "x"),
    ("duty/sound", {"heard": "yes"}, "heard"), ("notices", {"text": "x", "until": "soon"}, "until"), ("notices", {"text": "x", "until": ""}, "until"),
    ("notices", {"text": "x", "until": LATER}, "until"), ("notices", {"text": "", "until": LATER}, "text"),
    ("handovers/1/sign", {"version": "one"}, "version"), ("handovers/1/return", {"reason": " "}, "reason"),
    ("handovers/1/countersign", {}, "digest"),
])  # fmt: skip
def test_wrong_input_is_named(calls, town, path, body, field):
    assert wrong_fields(calls(town.park).send(f"{ROOT}/{path}", body)) == [field]


def test_the_archive_is_filtered_and_paged(calls, town, other):
    caller = calls(town.kim)
    rows = [
        Handover.objects.create(
            municipality=town.municipality, state="returned", shift="day", day=f"2026-11-0{n}", crew="A", written_by=town.kim,
            written_at=f"2026-11-0{n}T15:00:00+09:00",
        )
        for n in range(1, 6)
    ]  # fmt: skip
    page = caller.get(f"{ROOT}/handovers", {"page_size": 2}).json()
    assert [one["id"] for one in page["handovers"]] == [rows[4].pk, rows[3].pk] and page["cursor"] == rows[3].pk
    page = caller.get(f"{ROOT}/handovers", {"page_size": 3, "cursor": page["cursor"]}).json()
    assert [one["id"] for one in page["handovers"]] == [rows[2].pk, rows[1].pk, rows[0].pk] and page["cursor"] is None
    since, until = "2026-11-02T00:00:00+09:00", "2026-11-04T00:00:00+09:00"
    found = caller.get(f"{ROOT}/handovers", {"since": since, "until": until}).json()["handovers"]
    assert [one["day"] for one in found] == ["2026-11-03", "2026-11-02"]
    assert caller.get(f"{ROOT}/handovers", {"state": "archived,signed"}).json()["handovers"] == []
    assert calls(other.kim).get(f"{ROOT}/handovers").json()["handovers"] == []
    for query, field in (({"state": "lost"}, "state"), ({"page_size": 201}, "page_size"), ({"since": "x"}, "since"), ({"cursor": "x"}, "cursor")):
        assert wrong_fields(caller.get(f"{ROOT}/handovers", query)) == [field]


def test_notices_are_a_supervisors_and_read_by_everyone(calls, town, clock):
    clock("2026-11-27T05:30:00+09:00")
    body = {"text": "서버실 공사", "until": "2026-11-27T18:00:00+09:00", "importance": "important"}
    problem_of(calls(town.kim).send(f"{ROOT}/notices", body), 403)
    notice = calls(town.park).send(f"{ROOT}/notices", body)
    assert notice.status_code == 201 and notice.json()["readers"] == []
    address = f"{ROOT}/notices/{notice.json()['id']}"
    assert calls(town.kim).send(f"{address}/read").json()["read_at"]
    (seen,) = calls(town.lee).get(f"{ROOT}/notices").json()["notices"]
    assert seen["read_at"] is None and seen["readers"] == ["kim"] and seen["text"] == "서버실 공사"
    problem_of(calls(town.kim).send(f"{address}/withdraw"), 403)
    assert calls(town.park).send(f"{address}/withdraw").json()["withdrawn_at"]
    assert calls(town.kim).get(ROOT).json()["notices"] == []


def test_for_others_it_does_not_exist(calls, town, other):
    """Other roles, machines and accounts without a municipality are refused everywhere, and nothing is written."""
    handover = signed(town)
    before = ShiftDuty.objects.count()
    strangers = [town.admin, town.auditor, town.bells, town.police, make_central(town, other), make_superuser(), make_user("nowhere", None)]
    for who in strangers:
        caller = calls(who)
        for _name, response in everything(caller, handover.pk):
            problem_of(response, 403)
    assert (ShiftDuty.objects.count(), Notice.objects.count()) == (before, 0)
    for _name, response in everything(calls(), handover.pk):
        problem_of(response, 401)


def test_another_towns_is_not_there(calls, town, other):
    handover = signed(town)
    caller = calls(other.park)
    for name, path in ENDPOINTS:
        if "<id:" in path:
            method = caller.send if name in BODIES else caller.get
            args = (BODIES[name],) if name in BODIES else ()
            problem_of(method(filled(path, handover.pk), *args), 404)
    assert "kim" not in caller.get(ROOT).content.decode() and caller.get(f"{ROOT}/handovers").json()["handovers"] == []
    handover.refresh_from_db()
    assert handover.state == "signed"


def test_the_page_is_for_those_who_work_shifts(client, town, calls):
    answer = client.get("/shift/")
    assert answer.status_code == 302 and "/login/" in answer["Location"]
    for who, status in ((town.kim, 200), (town.park, 200), (town.admin, 403), (town.auditor, 403), (make_user("nowhere", None), 403)):
        client.force_login(who)
        assert client.get("/shift/").status_code == status, who
    assert calls(town.kim).get(ROOT)["Cache-Control"] == "no-store"


def test_wrong_addresses_and_methods_are_problems(calls, town):
    caller = calls(town.kim)
    for path in ("/nothing", "/handovers/0", "/handovers/9223372036854775808", "/handovers/x", "/handovers/1/explode", "/"):
        problem_of(caller.get(ROOT + path), 404)
    for name, path in ENDPOINTS:
        problem_of(caller.delete(filled(path)), 405), name


def test_a_session_writes_only_with_its_csrf_token(calls, town):
    caller = calls(town.kim, enforce_csrf_checks=True)
    problem_of(caller.send(f"{ROOT}/duty", {"crew": "A"}), 403)
    assert not ShiftDuty.objects.exists()
