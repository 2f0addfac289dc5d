"""Over REST: why each event is in its incident, what it could be merged with, and undoing what was merged or split."""

from datetime import datetime

import pytest

from incidents import regrouping
from incidents.models import CorrelationRule, Incident
from tests.incidents.api.conftest import problem_of, wrong_fields
from tests.incidents.cast import LAT, METRE, ago, by, event, make_central, open_incident, receive

URL = "/api/v1/incidents"


@pytest.fixture
def kim(calls, town):
    return calls(town.kim)


def events_of(caller, number, query=""):
    response = caller.get(f"{URL}/{number}/events{query}")
    assert response.status_code == 200, response.content
    return response.json()


def gather(town):
    """Three events in one incident: the opener, one that joined by a rule of its own, one by the default."""
    CorrelationRule.objects.create(municipality=town.municipality, code="VCA-02", radius_m=80, window_s=120)
    at = ago(minutes=1)
    raws = [
        event("VCA-06", id="a", at=at, device_id="cam-1", summary="쓰러짐"),
        event("VCA-02", id="b", at=at.replace(microsecond=0), north_m=60, attributes={"phone": "010-0000-0000"}),
        event("VCA-06", id="c", at=ago(seconds=20), north_m=-120),
    ]
    (number,) = {one.incident for one in receive(town, *raws)}
    return number


def test_every_event_says_why_it_is_there(kim, town):
    body = events_of(kim, gather(town))
    assert [one["id"] for one in body["events"]] == ["a", "b", "c"] and body["more"] is False and body["cursor"] is None
    first, second, third = body["events"]
    nothing = {"by": None, "at": None, "other": None}
    assert first["why"] == {"how": "opened", "distance_m": None, "gap_s": None, "radius_m": None, "window_s": None, **nothing}
    assert (first["system"], first["system_name"]["ko"], first["device_id"], first["summary"]) == ("bells", town.bells.name_ko, "cam-1", "쓰러짐")
    assert first["title"] == {"ko": "쓰러짐 감지", "en": "Collapse detected"} and datetime.fromisoformat(first["occurred_at"])
    assert (second["why"]["how"], second["why"]["radius_m"], second["why"]["window_s"]) == ("rule", 80, 120)
    assert round(second["why"]["distance_m"]) == 60 and second["why"]["gap_s"] < 1.1
    assert (third["why"]["radius_m"], third["why"]["window_s"], round(third["why"]["distance_m"])) == (150, 300, 120)
    assert third["lat"] == pytest.approx(LAT - 120 * METRE) and 38 < third["why"]["gap_s"] < 42


def test_what_a_source_added_for_itself_stays_inside(kim, town):
    assert b"010-0000-0000" not in kim.get(f"{URL}/{gather(town)}/events").content


def test_what_people_moved_says_who_and_from_where(kim, town, calls):
    whole, part = Incident.objects.get(number=gather(town)), open_incident(town, "VCA-02")
    mine = part.events.get().source_id
    regrouping.incident_merge(number=part.number, by=by(town.lee), into=whole.number)
    why = {one["id"]: one["why"] for one in events_of(kim, whole.number)["events"]}
    assert (why[mine]["how"], why[mine]["by"], why[mine]["other"]) == ("merge", "lee", part.number) and why[mine]["at"]
    out = kim.send(f"{URL}/{whole.number}/split", {"events": ["b"]}).json()["incident"]["number"]
    (split,) = events_of(kim, out)["events"]
    assert (split["why"]["how"], split["why"]["by"], split["why"]["other"]) == ("split", "kim", whole.number)
    assert calls(town.park).send(f"{URL}/{out}/unsplit").status_code == 200
    why = {one["id"]: one["why"] for one in events_of(kim, whole.number)["events"]}
    assert (why["b"]["how"], why["b"]["by"]) == ("undo", "park") and round(why["b"]["distance_m"]) == 60


def test_what_continues_a_subject_says_so(kim, town):
    raws = [event("DIS-01", subject="warning", id="w1"), event("DIS-01", subject="warning", id="w2")]
    (number,) = {receive(town, raw)[0].incident for raw in raws}
    assert [one["why"]["how"] for one in events_of(kim, number)["events"]] == ["opened", "same_subject"]


def test_pages(kim, town):
    number = gather(town)
    first = events_of(kim, number, "?page_size=2")
    assert [one["id"] for one in first["events"]] == ["a", "b"] and first["more"] is True
    second = events_of(kim, number, f"?page_size=2&cursor={first['cursor']}")
    assert [one["id"] for one in second["events"]] == ["c"] and second["more"] is False
    assert second["events"][0]["why"]["how"] == "rule"
    for query, field in (("page_size=0", "page_size"), ("page_size=1001", "page_size"), ("cursor=x", "cursor")):
        assert wrong_fields(kim.get(f"{URL}/{number}/events?{query}")) == [field]


def test_an_agency_sees_the_events_of_what_it_may_see_and_nothing_to_undo(calls, town):
    fire = open_incident(town, "RES-01")
    body = events_of(calls(town.fire), fire.number)
    assert len(body["events"]) == 1 and body["regroupings"] == []
    problem_of(calls(town.police).get(f"{URL}/{fire.number}/events"), 404)


def test_what_can_be_undone_is_said_with_what_stands_against_it(kim, town):
    part, whole = open_incident(town), open_incident(town)
    mine = part.events.get().source_id
    assert kim.send(f"{URL}/{part.number}/merge", {"into": whole.number}).json()["incident"]["number"] == whole.number
    for number in (part.number, whole.number):
        (one,) = events_of(kim, number)["regroupings"]
        assert (one["kind"], one["part"], one["whole"], one["events"], one["by"]) == ("merge", part.number, whole.number, [mine], "kim")
        assert (one["undo"], one["refusal"]) == ("unmerge", None)
    kim.send(f"{URL}/{whole.number}/false-alarm", {"reason": "FA-01"})
    (one,) = events_of(kim, part.number)["regroupings"]
    assert whole.number in one["refusal"]
    assert problem_of(kim.send(f"{URL}/{part.number}/unmerge"), 409)["detail"] == one["refusal"]
    kim.send(f"{URL}/{whole.number}/reopen", {"reason": "no"})
    answer = kim.send(f"{URL}/{part.number}/unmerge").json()
    assert (answer["incident"]["number"], answer["incident"]["status"]) == (part.number, "open")
    assert answer["seq"] == answer["incident"]["version"]
    assert events_of(kim, part.number)["regroupings"] == []
    assert problem_of(kim.send(f"{URL}/{part.number}/unmerge"), 409)["current"]["status"] == "open"


def test_a_merged_incident_offers_to_come_back(kim, town):
    part, whole = open_incident(town), open_incident(town)
    kim.send(f"{URL}/{part.number}/merge", {"into": whole.number})
    assert "unmerge" in kim.get(f"{URL}/{part.number}").json()["moves"]
    assert "unmerge" not in kim.get(f"{URL}/{whole.number}").json()["moves"]


# ── Neighbours ─────────────────────────────────────────────────────────────────────────────────────


def neighbours(caller, number, query=""):
    response = caller.get(f"{URL}/{number}/neighbours{query}")
    assert response.status_code == 200, response.content
    return response.json()["neighbours"]


def test_the_likeliest_come_first(kim, town, other):
    codes = [("BEL-01", 0), ("CRM-02", 50), ("BEL-01", 700), ("BEL-01", 400), ("BEL-01", 1_200)]
    numbers = [receive(town, event(code, north_m=north))[0].incident for code, north in codes]
    receive(other, event("BEL-01"))
    receive(town, event("BEL-01", north_m=-400, at=ago(hours=2)))
    found = neighbours(kim, numbers[0])
    assert [one["incident"]["number"] for one in found] == [numbers[3], numbers[2], numbers[1]]
    assert [round(one["distance_m"]) for one in found] == [400, 700, 50] and found[0]["gap_s"] < 60
    assert [one["same_family"] for one in found] == [True, True, False]


def test_they_say_what_stands_against_merging_either_way(kim, town):
    urgent, lesser = open_incident(town, "CRM-01"), open_incident(town, "ORD-01")
    (one,) = neighbours(kim, urgent.number, f"?number={lesser.number}")
    assert one["refusal"] and one["refusal_other_way"] is None
    assert problem_of(kim.send(f"{URL}/{urgent.number}/merge", {"into": lesser.number}), 409)["detail"] == one["refusal"]
    kim.send(f"{URL}/{lesser.number}/relay", {"agency": "police112"})
    (one,) = neighbours(kim, urgent.number, f"?number={lesser.number}")
    assert one["refusal_other_way"]


def test_a_named_one_may_be_far_or_over_but_not_elsewhere(kim, town, other):
    mine, far = open_incident(town), open_incident(town, status="closed")
    (one,) = neighbours(kim, mine.number, f"?number={far.number}")
    assert one["incident"]["status"] == "closed" and one["refusal"]
    for number in (mine.number, open_incident(other).number, "nothing"):
        assert neighbours(kim, mine.number, f"?number={number}") == []


def test_without_a_place_its_own_family_is_near(kim, town):
    lost, also = open_incident(town, lat=None, lon=None), open_incident(town, lat=None, lon=None)
    open_incident(town, "CRM-01")
    (one,) = neighbours(kim, lost.number)
    assert one["incident"]["number"] == also.number and one["distance_m"] is None


def test_only_operators_ask_for_neighbours(calls, town):
    number = open_incident(town).number
    for who in (town.auditor, town.admin, town.police, town.bells, make_central(town)):
        problem_of(calls(who).get(f"{URL}/{number}/neighbours"), 403)
