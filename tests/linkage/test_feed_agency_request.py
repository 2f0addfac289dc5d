"""The common envelope: every field has its place, every wrong one its name and remedy."""

import json

import pytest
from django.utils import timezone

from incidents.reports import understand
from linkage.feeds import FEEDS, recognise
from linkage.feeds.agency_request import AgencyRequest
from linkage.feeds.base import NotADocument, NotUsable

ENVELOPE = {
    "msg_id": "112-20261123-000017-1", "msg_type": "NEW", "source_org": "112", "source_event_no": "112-20261123-000017",
    "event_code": "CRM-02", "occurred_at": "2026-11-23T10:04:13+09:00", "address_road": "대전광역시 서구 둔산로 100",
    "address_jibun": "대전광역시 서구 둔산동 1420", "lat": 36.3504, "lon": 127.3845, "loc_method": "CELL", "loc_accuracy_m": 150,
    "summary": "편의점 강도", "legal_basis": "112신고처리", "requester": {"org": "대전경찰청", "user_id": "112-0042"},
    "request": {"radius_m": 300, "max_cams": 3, "duration_s": 1800, "camera_ids": [17]},
    "callback_url": "https://112.example.kr/cases/17", "code_112": 0, "caller_tel_masked": "010-****-1234", "suspect_desc": "검은 모자",
}  # fmt: skip


def read(**changes):
    envelope = {name: value for name, value in {**ENVELOPE, **changes}.items() if value is not ...}
    return FEEDS["agency_request"].normalise(envelope)


def refusal(**changes):
    with pytest.raises(NotUsable) as refused:
        read(**changes)
    return str(refused.value)


def test_an_envelope_becomes_an_event_of_its_case():
    event = read()
    assert (event["id"], event["subject"], event["action"]) == (ENVELOPE["msg_id"], ENVELOPE["source_event_no"], "report")
    assert (event["code"], event["grade"], event["address"]) == ("CRM-02", "G1", "대전광역시 서구 둔산로 100")
    kept = event["attributes"]
    assert kept["code_112"] == 0 and kept["request"] == ENVELOPE["request"] and kept["callback_url"] == ENVELOPE["callback_url"]
    assert kept["msg_type"] == "NEW" and kept["address_jibun"] and "lat" not in kept and "msg_id" not in kept
    assert understand(event, timezone.now()).subject == ENVELOPE["source_event_no"]


@pytest.mark.parametrize(("kind", "action"), [("NEW", "report"), ("UPDATE", "report"), ("CANCEL", "cancel"), ("CLOSE", "end")])
def test_the_four_messages(kind, action):
    assert read(msg_type=kind)["action"] == action


def test_reading_twice_gives_the_same():
    assert read() == read()


@pytest.mark.parametrize(("code", "grade"), [(0, "G1"), (1, "G2"), (2, "G3"), (3, "G4"), (4, "G5")])
def test_112s_own_code_is_the_grade_unless_one_is_given(code, grade):
    assert read(code_112=code)["grade"] == grade
    assert read(code_112=code, grade="G3")["grade"] == "G3"
    assert "grade" not in read(code_112=...)


def test_the_least_that_is_needed():
    least = {name: ENVELOPE[name] for name in ("msg_id", "msg_type", "source_org", "source_event_no", "event_code", "occurred_at")}
    event = FEEDS["agency_request"].normalise(least)
    assert (event["lat"], event["lon"], event["summary"]) == (None, None, "")
    assert understand(event, timezone.now())


def test_an_area_comes_along():
    area = {"type": "Polygon", "coordinates": [[[127.38, 36.35], [127.39, 36.35], [127.39, 36.36], [127.38, 36.35]]]}
    assert read(area_polygon=area)["area"] == area
    assert "area_polygon: must be a GeoJSON" in refusal(area_polygon=[[127.38, 36.35]])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"msg_id": ...}, "msg_id: is missing"),
        ({"msg_type": "OPEN"}, "msg_type: must be one of NEW, UPDATE, CANCEL, CLOSE"),
        ({"msg_type": ["NEW"]}, "msg_type: must be one of"),
        ({"source_event_no": " "}, "source_event_no: must be"),
        ({"occurred_at": "2026-11-23T10:04:13"}, "occurred_at: must be ISO 8601 with an offset"),
        ({"occurred_at": 1700000000}, "occurred_at: must be ISO 8601"),
        ({"lat": "36.35"}, "lat: must be WGS84 degrees"),
        ({"lat": 136}, "lat: must be WGS84 degrees"),
        ({"lon": None}, "lon: give both lat and lon"),
        ({"loc_method": "PHONE"}, "loc_method: must be one of GPS, WIFI, CELL, MANUAL"),
        ({"loc_accuracy_m": -1}, "loc_accuracy_m: must be metres"),
        ({"grade": "1"}, "grade: must be one of G1"),
        ({"callback_url": "ftp://112.example.kr"}, "callback_url: must be an http(s) address"),
        ({"callback_url": "http://user:secret@112.example.kr"}, "callback_url: must be"),
        ({"callback_url": "http://[::1"}, "callback_url: must be"),
        ({"callbak_url": "http://x"}, "callbak_url: no such field; did you mean callback_url?"),
        ({"zzz": 1}, "zzz: no such field; put what is your own under extra"),
        ({"request": {"max_cam": 5}}, "request.max_cam: no such field; did you mean request.max_cams?"),
        ({"request": {"max_cams": 0}}, "request.max_cams: must be a whole number from 1 to 50"),
        ({"request": {"max_cams": True}}, "request.max_cams: must be"),
        ({"request": {"camera_ids": ["a"]}}, "request.camera_ids: must be a list"),
        ({"request": "all"}, "request: must be an object"),
        ({"requester": {"org": ""}}, "requester.org: must be"),
        ({"code_112": 9}, "code_112: must be a whole number from 0 to 4"),
        ({"summary": "가" * 501}, "summary: must be a text of at most 500"),
    ],
)
def test_each_mistake_is_named_with_its_remedy(changes, said):
    assert said in refusal(**changes)


def test_all_mistakes_are_named_at_once():
    said = refusal(grade="X", lat=400, foo=1)
    assert all(name in said for name in ("grade:", "lat:", "foo:"))


def test_documents_are_one_envelope_or_several():
    feed = AgencyRequest()
    one, many = json.dumps(ENVELOPE).encode(), json.dumps([ENVELOPE, ENVELOPE]).encode()
    assert (len(list(feed.records(one))), len(list(feed.records(many)))) == (1, 2)
    assert recognise(one).name == recognise(many).name == "agency_request"
    for broken in (b"{", b"7", b'"text"', b"\xff", b"[" * 100_000):
        with pytest.raises(NotADocument):
            list(feed.records(broken))
    for raw in (None, 7, [], "x"):
        with pytest.raises(NotUsable):
            feed.normalise(raw)
