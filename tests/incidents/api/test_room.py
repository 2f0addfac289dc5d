"""What the page asks beside the incidents: who am I, what words exist, how busy was it, what was then."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from incidents import operations as op
from incidents.codes import CODES
from incidents.models import Incident
from tests.incidents.api.conftest import wrong_fields
from tests.incidents.cast import ago, by, event, make_central, open_incident, receive


def test_me_as_a_person(calls, town):
    body = calls(town.park).get("/api/v1/me").json()
    assert (body["kind"], body["username"], body["role"], body["families"]) == ("user", "park", "supervisor", "all")
    assert body["municipality"]["code"] == "30000" and body["municipality"]["name"]["ko"] == "대전광역시"
    assert body["municipalities"] == ["30000"] and {"acknowledge", "override"} <= set(body["actions"])
    assert len(body["municipality"]["bounds"]) == 4 and body["language"]


@pytest.mark.parametrize(
    "who, can", [("kim", {"acknowledge", "relay"}), ("auditor", {"audit"}), ("admin", {"administrate"})]
)
def test_me_says_what_one_may(calls, town, who, can):
    actions = set(calls(getattr(town, who)).get("/api/v1/me").json()["actions"])
    assert can <= actions and ("override" in actions) is False


def test_me_as_a_machine(calls, town, other):
    feed = calls(town.bells).get("/api/v1/me").json()
    assert (feed["kind"], feed["username"], feed["families"], feed["actions"]) == ("system", "bells", [], ["report"])
    agency = calls(town.fire).get("/api/v1/me").json()
    assert agency["families"] == ["EMS", "FIR", "RES"] and agency["actions"] == ["request"]
    central = calls(make_central(town, other)).get("/api/v1/me").json()
    assert central["municipality"] is None and central["municipalities"] == ["30000", "36110"]


def test_the_catalogue_holds_the_words(calls, town, other):
    other.police.phone = "044"
    other.police.save()
    body = calls(town.kim).get("/api/v1/catalogue").json()
    assert len(body["codes"]) == len(CODES)
    assert {"code": "FIR-01", "family": "FIR", "service": "dispatch_119", "name": {"ko": "화재", "en": "Fire"}, "grade": "G1"} in body["codes"]
    assert {"code": "RC-02", "name": {"ko": "검거", "en": "Arrest"}} in body["result_codes"]
    assert any(one["code"] == "FA-06" for one in body["false_alarm_reasons"])
    assert body["ack_targets_s"] == {"G1": 15, "G2": 30, "G3": 120, "G4": 600}
    assert [(one["slug"], one["phone"]) for one in body["agencies"]] == [(s, "042-112") for s in ("disaster", "fire119", "police112")]


def test_activity_counts_every_grade_in_every_span(calls, town, other):
    receive(town, event("FIR-01"), event("BEL-01"), event("BEL-01", north_m=3_000), event("TRF-5"))
    open_incident(other)
    Incident.objects.filter(code="FIR-01").update(received_at=ago(minutes=50))
    Incident.objects.filter(code="TRF-5").update(received_at=ago(hours=1, minutes=1))
    body = calls(town.kim).get("/api/v1/activity?hours=1&buckets=4").json()
    counts = [{name: n for name, n in one.items() if name != "at"} for one in body["buckets"]]
    nothing = dict.fromkeys(("G1", "G2", "G3", "G4", "G5"), 0)
    assert counts == [{**nothing, "G1": 1}, nothing, nothing, {**nothing, "G2": 2}]
    assert body["since"] == body["buckets"][0]["at"] < body["buckets"][1]["at"] < body["until"]


@pytest.mark.parametrize("query, field", [("hours=0", "hours"), ("hours=169", "hours"), ("buckets=501", "buckets"), ("hours=x", "hours")])
def test_activity_is_bounded(calls, town, query, field):
    assert wrong_fields(calls(town.kim).get(f"/api/v1/activity?{query}")) == [field]


@pytest.fixture
def clock(monkeypatch):
    """Time as the test says: `clock(minutes)` after noon."""

    def at(minutes):
        moment = datetime(2026, 11, 23, 3, 0, tzinfo=UTC) + timedelta(minutes=minutes)
        monkeypatch.setattr(timezone, "now", lambda: moment)
        return moment

    return at


def test_history_shows_the_room_as_it_was(calls, town, other, clock):
    clock(0)
    first = open_incident(town, at=clock(0))
    clock(10)
    op.incident_acknowledge(number=first.number, by=by(town.kim))
    second = open_incident(town, at=clock(10))
    open_incident(other, at=clock(10))
    clock(20)
    op.incident_false_alarm(number=first.number, by=by(town.kim), reason="FA-01")
    clock(30)
    caller = calls(town.kim)

    def shown(minutes):
        at = datetime(2026, 11, 23, 3, 0, tzinfo=UTC) + timedelta(minutes=minutes)
        body = caller.get("/api/v1/history", {"at": at.isoformat()}).json()
        assert datetime.fromisoformat(body["at"]) == at
        return [(one["number"], one["status"]) for one in body["incidents"]]

    assert shown(-1) == []
    assert shown(0) == shown(9) == [(first.number, "open")]
    assert shown(10) == shown(19) == [(second.number, "open"), (first.number, "acked")]
    assert shown(20) == shown(30) == [(second.number, "open")]


def test_history_shows_an_agency_its_own(calls, town):
    open_incident(town), open_incident(town, "RES-01")
    body = calls(town.fire).get("/api/v1/history", {"at": timezone.now().isoformat()}).json()
    assert [one["code"] for one in body["incidents"]] == ["RES-01"]


@pytest.mark.parametrize("at", ["", "yesterday", "2026-11-23T00:00:00", "0001-01-01T00:00:00+14:00", "x\0"])
def test_history_needs_a_moment(calls, town, at):
    assert wrong_fields(calls(town.kim).get("/api/v1/history", {"at": at})) == ["at"]
