"""Feed formats: recognised, split into records, and turned into events of the contract."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from incidents.reports import understand
from linkage.feeds import FEEDS, recognise
from linkage.feeds.base import NotADocument, NotUsable

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
NOW = datetime.fromisoformat("2026-11-23T10:00:00+09:00")

ITS_ITEM = {
    "type": "고속도로", "eventType": "교통사고", "eventDetailType": "충돌사고", "startDate": "20221220091000",
    "coordX": "127.3174", "coordY": "36.2905", "linkId": "1850324300", "roadName": "호남지선", "roadNo": "251",
    "roadDrcType": "기점", "lanesBlockType": "", "lanesBlocked": "1차로 차단", "message": "승용차 단독사고", "endDate": "",
}  # fmt: skip
CALL_HEADER = "lat,lng,desc,zip,title,timeStamp,twp,addr,e"
CALL = '40.1,-75.3,"A & B; TOWN; 2015-12-10",19401,Fire: GAS-ODOR/LEAK,2015-12-10 17:40:00,TOWN,A & B,1'


def its(*items) -> bytes:
    return json.dumps({"body": {"totalCount": len(items), "items": list(items)}}, ensure_ascii=False).encode()


def events_of(document: bytes) -> list[dict]:
    feed = recognise(document)
    return [feed.normalise(record.raw) for record in feed.records(document)]


class TestIts:
    def test_an_accident_becomes_an_event_of_the_contract(self):
        (event,) = events_of(its(ITS_ITEM))
        assert (event["code"], event["grade"], event["occurred_at"]) == ("TRF-1", "G3", "2022-12-20T09:10:00+09:00")
        assert (event["lat"], event["lon"]) == (36.2905, 127.3174)
        assert event["summary"] == "호남지선 기점: 승용차 단독사고"
        assert event["attributes"]["lanesBlocked"] == "1차로 차단" and "endDate" not in event["attributes"]

    @pytest.mark.parametrize(
        ("kind", "code"),
        [("작업", "TRF-2"), ("공사", "TRF-2"), ("기타돌발", "TRF-1"), ("기상", "TRF-4"), ("행사", "TRF-3"), ("새 종류", "TRF-1")],
    )
    def test_kinds_map_to_codes(self, kind, code):
        assert events_of(its({**ITS_ITEM, "eventType": kind}))[0]["code"] == code

    def test_link_start_and_detail_are_the_subject_and_each_thing_said_of_it_is_a_version(self):
        first, same, changed, other = events_of(
            its(ITS_ITEM, {**ITS_ITEM}, {**ITS_ITEM, "message": "처리중"}, {**ITS_ITEM, "startDate": "20221220091100"})
        )
        assert first["subject"] == changed["subject"] != other["subject"]
        assert first["id"] == same["id"] != changed["id"]
        assert len({one["id"] for one in (first, changed, other)}) == 3

    def test_a_single_result_may_be_an_object(self):
        document = json.dumps({"body": {"totalCount": 1, "items": ITS_ITEM}}).encode()
        assert len(events_of(document)) == 1

    @pytest.mark.parametrize("damage", [{"coordX": ""}, {"coordY": "북"}, {"startDate": "20221399"}, {"startDate": None}])
    def test_a_damaged_item_is_not_usable_and_says_which_field(self, damage):
        with pytest.raises(NotUsable, match=next(iter(damage))):
            events_of(its({**ITS_ITEM, **damage}))

    def test_something_else_than_an_object_is_not_usable(self):
        with pytest.raises(NotUsable):
            FEEDS["its"].normalise("text")


class TestMontgomery911:
    def test_a_fire_call_becomes_an_event_with_its_local_time(self):
        (event,) = events_of(f"{CALL_HEADER}\n{CALL}\n".encode())
        assert (event["code"], event["occurred_at"]) == ("FIR-01", "2015-12-10T17:40:00-05:00")
        assert (event["lat"], event["lon"], event["address"]) == (40.1, -75.3, "A & B, TOWN")
        assert event["summary"] == "Fire: GAS-ODOR/LEAK"

    @pytest.mark.parametrize(("title", "code"), [("EMS: FALL VICTIM", "EMS-01"), ("Traffic: VEHICLE ACCIDENT -", "TRF-1")])
    def test_services_map_to_codes(self, title, code):
        (event,) = events_of(f"{CALL_HEADER}\n{CALL.replace('Fire: GAS-ODOR/LEAK', title)}".encode())
        assert event["code"] == code and not event["summary"].endswith("-")

    def test_summer_time_is_summer_time(self):
        (event,) = events_of(f"{CALL_HEADER}\n{CALL.replace('2015-12-10 17', '2015-07-10 17')}".encode())
        assert event["occurred_at"].endswith("-04:00")

    def test_the_id_is_the_rows(self):
        one, same, other = events_of(f"{CALL_HEADER}\n{CALL}\n{CALL}\n{CALL.replace('40.1', '40.2')}\n".encode())
        assert one["id"] == same["id"] != other["id"]

    @pytest.mark.parametrize(
        ("row", "why"),
        [
            ("40.0,-75.2,WYNNEWOOD,19096,EMS: CARDIAC EMERGENCY,2016-01-04 ", "cut off: 6 of 9"),
            (CALL.replace("Fire:", "Snow:"), "title"),
            (CALL.replace("17:40", "??"), "timeStamp"),
            (CALL.replace("40.1", ""), "lat"),
            (CALL.replace("40.1", "nan"), "lat"),
        ],
    )
    def test_a_damaged_row_is_not_usable_and_says_why(self, row, why):
        feed = FEEDS["montgomery_911"]
        (record,) = feed.records(f"{CALL_HEADER}\n{row}".encode())
        assert record.position == 2
        with pytest.raises(NotUsable, match=why):
            feed.normalise(record.raw)


class TestEventsJson:
    EVENT = {"id": "1", "code": "FIR-01", "occurred_at": "2026-11-23T09:00:00+09:00", "lat": 36.3, "lon": 127.3}

    def test_lines_and_arrays_are_read_alike(self):
        lines = "\n".join(json.dumps({**self.EVENT, "id": str(n)}) for n in range(3)).encode()
        array = json.dumps([{**self.EVENT, "id": str(n)} for n in range(3)]).encode()
        assert events_of(lines) == events_of(array) == [{**self.EVENT, "id": str(n)} for n in range(3)]

    @pytest.mark.parametrize("line", [b'{"id": "1", "co', b"[1]", b'{"id": "1"}'])
    def test_a_damaged_line_is_not_usable(self, line):
        with pytest.raises(NotUsable):
            FEEDS["events_json"].normalise(line)

    def test_a_time_without_offset_is_not_usable(self):
        with pytest.raises(NotUsable, match="offset"):
            FEEDS["events_json"].normalise({**self.EVENT, "occurred_at": "2026-11-23T09:00:00"})


@pytest.mark.parametrize("document", [b"", b"a,b\n1,2", b"<xml/>", b"{}", b"\xff\xfe\x00"])
def test_an_unknown_format_is_refused_with_those_there_are(document):
    with pytest.raises(NotADocument, match="its, montgomery_911, events_json"):
        recognise(document)


@pytest.mark.parametrize("document", [b'{"body": {"items": [', b"[{", f"{CALL_HEADER}\n".encode() + b"\xff\xfe"])
def test_a_broken_document_is_refused(document):
    feed = recognise(document)
    with pytest.raises(NotADocument):
        list(feed.records(document))


@pytest.mark.parametrize(
    ("name", "whole", "bad"),
    [("kr_its_events_daejeon_2022.json", 11, []), ("us_911_montgomery_2015.csv", 9226, [9228])],
)
def test_the_real_recordings(name, whole, bad):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the sample file {name} is not beside the repository")
    document = path.read_bytes()
    feed = recognise(document)
    events, unusable = [], []
    for record in feed.records(document):
        try:
            events.append(feed.normalise(record.raw))
        except NotUsable:
            unusable.append(record.position)
    assert len({event["id"] for event in events}) == len(events) == whole
    assert unusable == bad
    for event in events:
        assert understand(event, NOW).source_id == event["id"]
