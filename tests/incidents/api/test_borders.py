"""The whole URL map, walked by everybody who must not get in: nobody, the wrong role, the other town."""

import uuid

import pytest

from incidents import operations as op
from incidents.api import incidents
from incidents.models import Camera
from incidents.relaying import compose
from linkage.models import Relay
from tests.accounts.cast import make_superuser, make_user
from tests.incidents.api.conftest import problem_of
from tests.incidents.api.routes import ENDPOINTS, POST_ONLY
from tests.incidents.cast import ago, by, key_of, make_central, open_incident

BODIES = {
    "false-alarm": {"reason": "FA-01"}, "relay": {"agency": "police112"}, "close": {"result_code": "RC-01"},
    "reopen": {"reason": "x"}, "note": {"note": "x"}, "shelve": {"reason": "x"}, "split": {"events": ["x"]},
    "camera-views": {"reason": "long enough"},
}  # fmt: skip


ACTIONS = list(incidents.ACTIONS)
# Lists that some callers have no part in: they hear so, and nothing else.
NOT_FOR_ALL = {
    "health", "preferences", "views", "load", "nuisances", "floods", "colleagues", "suppressions", "procedures-usage",
    "procedures-notices",
}  # fmt: skip


@pytest.fixture
def bell(town):
    """An incident of town 30000 with a relay, and the ids that go into addresses."""
    incident = open_incident(town)
    op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.police))
    return incident


def filled(path, incident):
    relay = Relay.objects.filter(subject=incident.number).first()
    relay_id = str(relay.pk) if relay else str(uuid.uuid4())
    camera = Camera.objects.filter(municipality=incident.municipality).values_list("pk", flat=True).first()
    path = path.replace("<int:camera>", str(camera or 1)).replace("<uuid:view>", str(uuid.uuid4()))
    path = path.replace("<str:number>", incident.number).replace("<uuid:relay_id>", relay_id).replace("<slug:name>", "its")
    return path.replace("<str:name>", "wall").replace("<int:geofence_id>", "1").replace("<int:suppression_id>", "1").replace("<slug:step>", "voice")


def ask(caller, name, path):
    if name == "relay-preview":
        path += "?agency=police112"
    if name == "history":
        path += "?at=2026-11-23T00:00:00Z"
    if name == "view":
        return caller.delete(path)
    action = name.removeprefix("incident-")
    return caller.send(path, BODIES.get(action, {})) if name in POST_ONLY else caller.get(path)


def test_the_walk_covers_the_contract():
    names = {name for name, _ in ENDPOINTS}
    assert len(ACTIONS) == 20 and {"events", "incidents", "changes", "relays", "me", "cameras", "devices"} <= names


def test_nobody_gets_401_with_a_challenge(calls, bell):
    caller = calls()
    for name, path in ENDPOINTS:
        response = ask(caller, name, filled(path, bell))
        problem_of(response, 401)
        assert response["WWW-Authenticate"], name


def test_a_key_that_does_not_hold_gets_401(client, town, bell):
    client.send = lambda path, body: client.post(path, body, content_type="application/json")
    gone = [key_of(town.police, revoked_at=ago(days=1)), key_of(town.police, expires_at=ago(days=1))]
    for secret in ("oc_000000000000_" + "x" * 43, "oc_000000000000_", "nonsense", "oc_é", *gone):
        client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
        for name, path in ENDPOINTS:
            problem_of(ask(client, name, filled(path, bell)), 401)


def test_a_session_ends_with_its_account(calls, town, bell):
    caller = calls(town.lee)
    town.lee.expires_at = ago(seconds=1)
    town.lee.save()
    for name, path in ENDPOINTS:
        problem_of(ask(caller, name, filled(path, bell)), 401)


@pytest.mark.parametrize("who", ["park", "police", "fire", "bells"])
def test_another_towns_things_are_not_there(calls, other, bell, who):
    """404 and never 403 for people, so that nothing is learnt of what exists; machines may not act at all."""
    caller = calls(getattr(other, who))
    for name, path in ENDPOINTS:
        if "<" in path and name not in ("relay-status", "feeds"):
            response = ask(caller, name, filled(path, bell))
            assert response.status_code in ((404,) if who == "park" else (403, 404)), name
            assert bell.number not in response.content.decode()


def test_lists_show_nothing_of_another_town(calls, other, bell):
    for who in (other.kim, other.auditor, other.police, make_central(other, reads=["BEL"])):
        caller = calls(who)
        for name, path in ENDPOINTS:
            if "<" not in path and name not in POST_ONLY:
                response = ask(caller, name, path)
                allowed = (200, 403) if name in NOT_FOR_ALL else (200,)
                assert response.status_code in allowed and b"30000" not in response.content, name


@pytest.mark.parametrize("action", [*ACTIONS, "by-hand"])
@pytest.mark.parametrize("who", ["admin", "auditor", "bells", "police"])
def test_only_operators_and_supervisors_act(calls, town, bell, who, action):
    path = dict(ENDPOINTS)["relay-by-hand" if action == "by-hand" else f"incident-{action}"]
    before = op.Incident.objects.get(pk=bell.pk).version
    problem_of(calls(getattr(town, who)).send(filled(path, bell), BODIES.get(action, {})), 403)
    bell.refresh_from_db()
    assert bell.version == before


@pytest.mark.parametrize("who", ["admin", "auditor", "bells", "police"])
def test_only_operators_register_and_preview(calls, town, bell, who):
    caller = calls(getattr(town, who))
    problem_of(caller.send("/api/v1/incidents", {"code": "ORD-01", "lat": None, "lon": None}), 403)
    problem_of(caller.get(f"/api/v1/incidents/{bell.number}/relay-preview?agency=police112"), 403)


def test_an_auditor_and_an_administrator_may_read_their_town(calls, town, bell):
    for who in (town.auditor, town.admin):
        assert calls(who).get(f"/api/v1/incidents/{bell.number}").status_code == 200


def test_an_account_without_a_municipality_sees_and_registers_nothing(calls, bell):
    for user in (make_superuser(), make_user("nowhere", None)):
        caller = calls(user)
        assert caller.get("/api/v1/incidents").json()["incidents"] == []
        assert caller.get("/api/v1/changes").json()["changes"] == []
        assert caller.get("/api/v1/me").json()["municipality"] is None
        problem_of(caller.get(f"/api/v1/incidents/{bell.number}"), 404)
        problem_of(caller.send("/api/v1/incidents", {"code": "ORD-01", "lat": None, "lon": None}), 403)


def test_a_wrong_method_is_405_with_what_is_allowed(calls, town, bell):
    caller = calls(town.kim)
    for name, path in ENDPOINTS:
        method = caller.get if name in POST_ONLY else caller.patch
        response = method(filled(path, bell))
        problem_of(response, 405)
        assert ("POST" if name in POST_ONLY else "DELETE" if name == "view" else "GET") in response["Allow"], name


def test_a_session_writes_only_with_its_csrf_token(calls, town, bell):
    caller = calls(town.kim, enforce_csrf_checks=True)
    for action in ACTIONS:
        problem_of(caller.send(f"/api/v1/incidents/{bell.number}/{action}", BODIES.get(action, {})), 403)


def test_a_csrf_token_opens_and_a_key_needs_none(calls, town, bell):
    caller = calls(town.kim, enforce_csrf_checks=True)
    caller.cookies["csrftoken"] = token = "x" * 32
    path = f"/api/v1/incidents/{bell.number}/note"
    assert caller.send(path, {"note": "seen"}, headers={"X-CSRFToken": token}).status_code == 200
    problem_of(calls(town.police, enforce_csrf_checks=True).send(path, {"note": "x"}), 403)


@pytest.mark.parametrize("number", ["nothing", "%00", "a%00b", "%F0%9F%94%A5", "' OR 1=1--", "x" * 300])
def test_an_unknown_number_is_404(calls, town, number):
    caller = calls(town.park)
    for name, path in ENDPOINTS:
        if "<str:number>" in path:
            problem_of(ask(caller, name, path.replace("<str:number>", number)), 404)


@pytest.mark.parametrize("path", ["nothing", "incidents/", "relays/not-a-uuid", "incidents/x/explode", "", "incidents/a/b/c"])
def test_an_unknown_address_is_a_problem_too(calls, town, path):
    problem_of(calls(town.kim).get(f"/api/v1/{path}"), 404)
    problem_of(calls(enforce_csrf_checks=True).send(f"/api/v1/{path}", {}), 404)


def test_a_read_only_key_sees_its_families_and_what_was_relayed(calls, town, bell):
    fire, theft = open_incident(town, "RES-01"), open_incident(town, "CRM-04")
    police, station = calls(town.police), calls(town.fire)
    assert [one["number"] for one in police.get("/api/v1/incidents").json()["incidents"]] == [theft.number, bell.number]
    assert [one["number"] for one in station.get("/api/v1/incidents").json()["incidents"]] == [fire.number]
    problem_of(station.get(f"/api/v1/incidents/{bell.number}"), 404)
    problem_of(station.get(f"/api/v1/incidents/{bell.number}/timeline"), 404)
    relay = Relay.objects.get()
    assert police.get(f"/api/v1/relays/{relay.pk}").status_code == 200
    problem_of(station.get(f"/api/v1/relays/{relay.pk}"), 404)
    assert station.get("/api/v1/relays").json()["relays"] == []


def test_a_central_key_reads_every_town_it_covers(calls, town, other, bell):
    theirs = open_incident(other)
    caller = calls(make_central(town, other))
    assert {one["number"] for one in caller.get("/api/v1/incidents").json()["incidents"]} == {bell.number, theirs.number}
    assert caller.get("/api/v1/me").json()["municipalities"] == ["30000", "36110"]
