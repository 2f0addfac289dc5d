"""The public services' formats: read faithfully, told apart by subject and version, and fetched without a gap."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf import text_format
from google.transit import gtfs_realtime_pb2 as gtfs

from incidents.reports import understand
from linkage.feeds import FEEDS, recognise
from linkage.feeds.base import Link, NotADocument, NotUsable
from linkage.feeds.fetching import NotFetched

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
NOW = datetime.fromisoformat("2026-11-23T10:00:00+09:00")
LINK = Link("http://127.0.0.1/source", NOW)


def read(name, document, link=LINK):
    """The events of a document as the intake gets them; every one must be one of the contract."""
    feed = FEEDS[name]
    events = [feed.normalise(record.raw, link) for record in feed.split(document, link)]
    for event in events:
        assert understand(event, link.now).source_id == event["id"]
    return events


class Service:
    """Answers a format's GETs out of a function of the query; `asked` keeps the queries."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    async def __call__(self, url, *, params=None, headers=None):
        self.asked.append(dict(params or {}))
        return self.answer(dict(params or {})), "application/json"


def poll(name, service, state=None, now=NOW, **options):
    """One poll: what was fetched, in order."""

    async def run():
        link = Link("http://127.0.0.1/source", now, "secret-key", options, {}, state or {})
        return [one async for one in FEEDS[name].fetch(service, link)]

    return asyncio.run(run())


ITEM = {
    "type": "국도", "eventType": "공사", "eventDetailType": "작업", "startDate": "20261123093000", "coordX": "127.38",
    "coordY": "36.35", "linkId": "1850324300", "roadName": "계룡로", "roadNo": "", "roadDrcType": "", "message": "차로 통제",
    "lanesBlockType": "", "lanesBlocked": "", "endDate": "",
}  # fmt: skip


def its(*items, total=None, **more):
    total = len(items) if total is None else total
    return json.dumps({"body": {"totalCount": total, "items": list(items)}, **more}, ensure_ascii=False).encode()


class TestIts:
    def test_works_announced_for_tomorrow_come_when_they_begin(self):
        tomorrow = {**ITEM, "startDate": "20261124090000"}
        assert len(read("its", its(ITEM, tomorrow))) == 1
        later = Link("", NOW + timedelta(days=1))
        assert len(read("its", its(ITEM, tomorrow), later)) == 2

    def test_an_end_date_ahead_is_when_it_expires_and_one_past_ends_it(self):
        ahead, past = {**ITEM, "endDate": "20261123180000"}, {**ITEM, "endDate": "20261123095000"}
        (going_on,), (over,) = read("its", its(ahead)), read("its", its(past))
        assert going_on["expires_at"] == "2026-11-23T18:00:00+09:00" and "action" not in going_on
        assert over["action"] == "end" and over["subject"] == going_on["subject"] and over["id"] != going_on["id"]

    @pytest.mark.parametrize(
        ("document", "why"),
        [
            (its(ITEM, total=3), "Not whole: totalCount is 3, and there are 1 items"),
            (its(header={"resultCode": "9", "resultMsg": "NO KEY"}), "The source answers 9: NO KEY"),
            (b'{"body": {"totalCount": 1}}', "no body with items"),
            (b"<html>maintenance</html>", "No JSON"),
            (b"[" * 100_000, "No JSON"),
        ],
    )
    def test_an_answer_that_is_not_whole_is_no_document(self, document, why):
        with pytest.raises(NotADocument, match=why):
            list(FEEDS["its"].records(document))

    @pytest.mark.parametrize("items", [[], None, ""])
    def test_nothing_going_on_is_a_document(self, items):
        assert read("its", json.dumps({"body": {"totalCount": 0, "items": items}}).encode()) == []

    def test_the_key_and_the_box_are_asked_for_as_the_api_wants(self):
        service = Service(lambda query: its())
        poll("its", service, params={"minX": "127.2", "eventType": "acc"})
        assert service.asked == [
            {"type": "all", "eventType": "acc", "getType": "json", "apiKey": "secret-key", "minX": "127.2"}
        ]


def utic(*records, head='<?xml version="1.0" encoding="UTF-8"?>', encoding="utf-8"):
    def one(record):
        return "<record>" + "".join(f"<{name}>{value}</{name}>" for name, value in record.items()) + "</record>"

    return f"{head}<result>{''.join(map(one, records))}</result>".encode(encoding)


RECORD = {
    "incidentId": "2610230001", "incidenteTypeCd": "1", "incidenteSubTypeCd": "01", "addressJibun": "대전광역시 서구 둔산동 1",
    "addressNew": "", "linkId": "1870199600", "locationDataX": "127.384", "locationDataY": "36.351",
    "incidenteTrafficCd": "2", "incidenteGradeCd": "A", "incidentTitle": "[사고] 둔산대로 3중 추돌",
    "startDate": "2026년 11월 23일 09시 41분", "endDate": "2026년 11월 23일 11시 00분", "lane": "2", "roadName": "둔산대로",
    "controlType": "부분통제", "updateDate": "2026년 11월 23일 09시 50분",
}  # fmt: skip


class TestUtic:
    def test_an_accident_becomes_an_event_of_the_contract(self):
        (event,) = read("utic", utic(RECORD))
        assert (event["code"], event["grade"], event["subject"]) == ("TRF-1", "G3", "utic-2610230001")
        assert (event["occurred_at"], event["expires_at"]) == ("2026-11-23T09:41:00+09:00", "2026-11-23T11:00:00+09:00")
        assert (event["lat"], event["lon"], event["address"]) == (36.351, 127.384, "대전광역시 서구 둔산동 1")
        assert event["summary"] == "[사고] 둔산대로 3중 추돌" and event["attributes"]["incidenteTrafficCd"] == "2"

    def test_an_update_is_another_version_of_the_same_subject(self):
        (first,), (second,) = read("utic", utic(RECORD)), read("utic", utic({**RECORD, "lane": "1"}))
        assert first["subject"] == second["subject"] and first["id"] != second["id"]

    def test_it_is_read_in_the_encoding_it_declares(self):
        document = utic(RECORD, head='<?xml version="1.0" encoding="EUC-KR"?>', encoding="euc-kr")
        assert recognise(document).name == "utic"
        assert read("utic", document) == read("utic", utic(RECORD))

    @pytest.mark.parametrize(
        "text",
        ["20261123094100", "202611230941", "2026-11-23 09:41", "2026/11/23 09:41:00", "2026년 11월 23일 9시 41분"],
    )
    def test_times_are_read_however_they_are_written(self, text):
        (event,) = read("utic", utic({**RECORD, "startDate": text}))
        assert event["occurred_at"] == "2026-11-23T09:41:00+09:00"

    def test_only_the_regions_asked_for_and_only_what_has_begun(self):
        records = [
            RECORD,
            {**RECORD, "incidentId": "2", "addressJibun": "서울특별시 중구"},
            {**RECORD, "incidentId": "3", "startDate": "2026년 12월 01일 09시 00분"},
        ]
        link = Link("", NOW, options={"regions": ["대전"]})
        assert [one["subject"] for one in read("utic", utic(*records), link)] == ["utic-2610230001"]

    @pytest.mark.parametrize(
        "place", [{"locationDataX": "", "locationDataY": ""}, {"locationDataX": "0", "locationDataY": "0.0"}]
    )
    def test_a_record_without_a_position_keeps_its_address(self, place):
        (event,) = read("utic", utic({**RECORD, **place}))
        assert event["lat"] is None and event["address"]

    @pytest.mark.parametrize(
        "damage", [{"incidenteTypeCd": "7"}, {"incidentId": ""}, {"startDate": "내일"}, {"locationDataX": "동"}]
    )
    def test_a_damaged_record_says_which_field(self, damage):
        with pytest.raises(NotUsable, match=next(iter(damage))):
            read("utic", utic({**RECORD, **damage}))

    @pytest.mark.parametrize(
        ("document", "why"),
        [
            (utic(RECORD)[:-20], "No XML"),
            (b"<result><msg>key expired</msg></result>", "key expired"),
            (b"<html><body>error</body></html>", "not <result>"),
            (
                b'<!DOCTYPE r [<!ENTITY a "b">]><result><record><incidentId>&a;</incidentId></record></result>',
                "document type",
            ),
            (b"<result>" + b"<a>" * 5000, "No XML"),
            (b"<result>" + b" " * 9_000_000 + b"</result>", "8 MiB"),
        ],
    )
    def test_what_is_broken_or_hostile_is_refused(self, document, why):
        with pytest.raises(NotADocument, match=why):
            list(FEEDS["utic"].records(document))

    def test_a_file_named_by_an_entity_is_never_read(self, tmp_path):
        (tmp_path / "secret").write_text("top secret")
        head = f'<!DOCTYPE r [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'
        with pytest.raises(NotADocument) as refused:
            read("utic", utic({**RECORD, "incidentTitle": "&x;"}, head=head))
        assert "top secret" not in str(refused.value)


WARNING = {
    "stnId": "133", "tmFc": "202611221500", "tmSeq": "7", "areaCode": "L1030100", "areaName": "대전광역시", "warnVar": "2",
    "warnStress": "0", "command": "1", "startTime": "202611221800", "endTime": "0", "allEndTime": "0", "cancel": "0",
}  # fmt: skip


def weather(*items, total=None, code="00", page=1):
    body = {"dataType": "JSON", "items": {"item": list(items)}, "pageNo": page, "numOfRows": 500}
    header = {"resultCode": code, "resultMsg": "NORMAL_SERVICE"}
    body["totalCount"] = len(items) if total is None else total
    return json.dumps({"response": {"header": header, "body": body}}, ensure_ascii=False).encode()


def after(hours, command, **more):
    at = datetime(2026, 11, 22, 15) + timedelta(hours=hours)
    return {
        **WARNING,
        "tmFc": f"{at:%Y%m%d%H%M}",
        "tmSeq": str(7 + hours),
        "command": command,
        "startTime": "0",
        **more,
    }


class TestWeather:
    def test_an_advisory_is_issued_extended_raised_and_lifted_as_one_subject(self):
        life = [
            after(9, "2", endTime="202611230000"),
            after(6, "7", warnStress="1"), after(6, "8"),
            after(3, "3", endTime="202611231200"),
            WARNING,
        ]  # fmt: skip
        feed = FEEDS["weather"]
        events = [feed.normalise(one.raw, LINK) for one in feed.records(weather(*life))]
        assert [(one["action"], one["grade"]) for one in events] == [
            ("report", "G3"), ("report", "G3"), ("report", "G2"), ("end", "G3"),
        ]  # fmt: skip
        assert {one["subject"] for one in events} == {"kma-L1030100-2"}
        assert len({one["id"] for one in events}) == 4
        assert [one["occurred_at"][11:13] for one in events] == ["15", "18", "21", "00"]
        assert events[0]["code"] == "DIS-01" and events[0]["summary"] == "대전광역시 호우주의보 발표"
        assert events[1]["expires_at"] == "2026-11-23T12:00:00+09:00"
        assert events[2]["summary"] == "대전광역시 호우경보 변경발표"

    def test_what_has_come_and_gone_is_told_after_its_end(self):
        again = after(17, "1")
        life = [again, after(9, "2", endTime="202611230000"), after(3, "3"), WARNING, {**WARNING, "warnVar": "8"}]
        events = read("weather", weather(*life))
        assert [(one["subject"][-1], one["action"], one["occurred_at"][11:13]) for one in events] == [
            ("2", "end", "00"), ("2", "report", "15"), ("8", "report", "15"), ("2", "report", "18"), ("2", "report", "08"),
        ]  # fmt: skip

    def test_a_lift_announced_for_later_expires_then_and_is_the_end_once_its_time_has_come(self):
        lift = after(18, "2", endTime="202611231300")
        (before,) = read("weather", weather(lift))
        (once,) = read("weather", weather(lift), Link("", NOW + timedelta(hours=4)))
        assert (before["action"], before["expires_at"]) == ("report", "2026-11-23T13:00:00+09:00")
        assert (once["action"], once["occurred_at"]) == ("end", "2026-11-23T13:00:00+09:00")
        assert before["id"] != once["id"] and before["subject"] == once["subject"]

    @pytest.mark.parametrize(
        ("command", "action"), [("1", "cancel"), ("2", "report"), ("3", "report"), ("7", "report")]
    )
    def test_a_cancelled_message_undoes_itself_alone(self, command, action):
        plain, cancelled = read("weather", weather(after(3, command), after(3, command, cancel="1")))
        assert cancelled["action"] == action and cancelled["id"] != plain["id"]
        assert cancelled["summary"].endswith("취소")

    @pytest.mark.parametrize(
        ("kind", "code"),
        [
            ("1", "DIS-04"),
            ("7", "DIS-02"),
            ("8", "DIS-03"),
            ("12", "DIS-05"),
            ("4", "DIS-99"),
            ("9", "DIS-99"),
            ("5", "DIS-09"),
        ],
    )
    def test_kinds_map_to_codes_and_stay_named(self, kind, code):
        (event,) = read("weather", weather({**WARNING, "warnVar": kind}))
        assert event["code"] == code and event["attributes"]["warnVar"] == kind

    def test_where_a_zone_is_known_it_gives_place_and_area_else_neither(self):
        area = {"type": "Polygon", "coordinates": [[[127, 36], [128, 36], [128, 37], [127, 36]]]}
        link = Link("", NOW, options={"areas": {"L1030100": {"lat": 36.35, "lon": 127.38, "area": area}}})
        ((known,), (unknown,)) = read("weather", weather(WARNING), link), read("weather", weather(WARNING))
        assert (known["lat"], known["area"]) == (36.35, area)
        assert unknown["lat"] is None and "area" not in unknown

    def test_no_data_is_an_empty_answer_and_errors_are_none(self):
        assert read("weather", weather(code="03")) == []
        with pytest.raises(NotADocument, match="22"):
            read("weather", weather(code="22"))
        with pytest.raises(NotADocument, match="SERVICE_KEY"):
            read("weather", b"<OpenAPI_ServiceResponse><returnAuthMsg>SERVICE_KEY_IS_NOT_REGISTERED</returnAuthMsg>")

    @pytest.mark.parametrize("damage", [{"warnVar": "77"}, {"command": "5"}, {"tmFc": "2026"}, {"areaCode": ""}])
    def test_a_damaged_message_says_which_field(self, damage):
        with pytest.raises(NotUsable, match=next(iter(damage))):
            read("weather", weather({**WARNING, **damage}))

    def test_a_poll_goes_on_a_day_before_the_newest_known_and_through_all_pages(self):
        service = Service(
            lambda query: weather(after(int(query["pageNo"]), "3"), total=1200, page=int(query["pageNo"]))
        )
        fetched = poll("weather", service, {"tmFc": "202611220300"}, areaCodes=["L1030100"])
        assert [one["pageNo"] for one in service.asked] == ["1", "2", "3"]
        assert {(one["fromTmFc"], one["toTmFc"], one["areaCode"]) for one in service.asked} == {
            ("20261121", "20261123", "L1030100")
        }
        assert [one.state for one in fetched] == [None, None, {"tmFc": "202611221800"}]

    def test_what_has_once_lain_ahead_does_not_hide_what_comes_after(self):
        service = Service(lambda query: weather(WARNING, {**WARNING, "tmFc": "209912312359"}))
        assert poll("weather", service)[-1].state == {"tmFc": "202611221500"}
        poll("weather", service, {"tmFc": "nonsense"})
        assert service.asked[-1]["fromTmFc"] == "20261118", "five days back"

    def test_with_several_zones_the_state_waits_for_the_last(self):
        service = Service(lambda query: weather({**WARNING, "areaCode": query["areaCode"]}))
        fetched = poll("weather", service, areaCodes=["L1030100", "L1030200"])
        assert [one.state for one in fetched] == [None, {"tmFc": "202611221500"}]

    def test_an_error_is_handed_over_to_be_kept_with_its_reason(self):
        (only,) = poll("weather", Service(lambda query: b"<html>"), areaCodes=["L1030100"])
        assert only.document == b"<html>" and only.state is None


MESSAGE = {
    "SN": 215001, "CRT_DT": "2026/11/23 09:12:33", "MSG_CN": "[대전광역시] 호우로 하상도로 통제 중, 우회 바랍니다.",
    "RCPTN_RGN_NM": "대전광역시 서구 ,대전광역시 유성구 ", "EMRG_STEP_NM": "안전안내", "DST_SE_NM": "호우",
    "REG_YMD": "2026-11-23", "MDFCN_YMD": "2026-11-23",
}  # fmt: skip


def messages(*items, total=None, code="00"):
    header = {"resultCode": code, "resultMsg": "NORMAL SERVICE", "errorMsg": None}
    total = len(items) if total is None else total
    return json.dumps({"header": header, "body": list(items), "totalCount": total}, ensure_ascii=False).encode()


class TestDisasterMessage:
    def test_a_message_becomes_an_event_of_the_contract_without_a_position(self):
        (event,) = read("disaster_message", messages(MESSAGE))
        assert (event["subject"], event["code"], event["grade"]) == ("dms-215001", "DIS-01", "G4")
        assert (event["occurred_at"], event["expires_at"]) == ("2026-11-23T09:12:33+09:00", "2026-11-23T15:12:33+09:00")
        assert event["address"] == "대전광역시 서구, 대전광역시 유성구" and event["lat"] is event["lon"] is None

    @pytest.mark.parametrize(
        ("step", "grade"), [("위급재난", "G1"), ("긴급재난", "G2"), ("긴급", "G2"), ("안전 안내", "G4")]
    )
    def test_how_urgent_it_is_gives_the_grade(self, step, grade):
        assert read("disaster_message", messages({**MESSAGE, "EMRG_STEP_NM": step}))[0]["grade"] == grade

    @pytest.mark.parametrize(
        ("kind", "code"),
        [("지진", "DIS-07"), ("산불", "DIS-99"), ("화재", "DIS-99"), ("실종", "VUL-02"), ("", "DIS-99")],
    )
    def test_a_kind_without_a_code_is_another_disaster_and_never_a_fire_that_119_would_be_called_to(self, kind, code):
        assert read("disaster_message", messages({**MESSAGE, "DST_SE_NM": kind}))[0]["code"] == code

    def test_one_whose_time_is_past_is_over(self):
        (over,) = read("disaster_message", messages(MESSAGE), Link("", NOW + timedelta(hours=7)))
        assert over["action"] == "end" and over["subject"] == "dms-215001"

    def test_other_regions_are_left_out(self):
        link = Link("", NOW, options={"regions": ["대전광역시"]})
        other = {**MESSAGE, "SN": 2, "RCPTN_RGN_NM": "서울특별시 전체"}
        assert [one["subject"] for one in read("disaster_message", messages(other, MESSAGE), link)] == ["dms-215001"]

    @pytest.mark.parametrize("damage", [{"SN": None}, {"CRT_DT": "어제"}, {"EMRG_STEP_NM": "농담"}])
    def test_a_damaged_message_says_which_field(self, damage):
        with pytest.raises(NotUsable, match=next(iter(damage))):
            read("disaster_message", messages({**MESSAGE, **damage}))

    def test_polling_pages_through_and_hands_over_only_what_is_new(self):
        stored = [{**MESSAGE, "SN": n, "CRT_DT": f"2026/11/2{1 + n // 150} 10:00:00"} for n in range(1, 251)]

        def answer(query):
            since = datetime.strptime(query["crtDt"], "%Y%m%d")
            found = [one for one in stored if datetime.strptime(one["CRT_DT"][:10], "%Y/%m/%d") >= since][::-1]
            page, rows = int(query["pageNo"]), int(query["numOfRows"])
            return messages(*found[(page - 1) * rows : page * rows], total=len(found))

        service = Service(answer)
        first = poll("disaster_message", service, {"day": "20261122", "seen": {}})
        assert [one["pageNo"] for one in service.asked] == ["1", "2", "3"]
        assert sum(len(read("disaster_message", one.document)) for one in first) == 250
        assert [one.state is None for one in first] == [True, True, False]
        kept = first[-1].state
        assert kept["day"] == "20261122" and poll("disaster_message", service, kept) == []
        stored.append({**MESSAGE, "SN": 999})
        (page, last) = poll("disaster_message", service, kept)
        assert "dms-999" in {one["subject"] for one in read("disaster_message", page.document)}
        assert last.state["day"] == "20261123" and poll("disaster_message", service, last.state) == []

    def test_a_day_that_lies_ahead_does_not_hide_what_comes_before_it(self):
        service = Service(lambda query: messages({**MESSAGE, "CRT_DT": "2099/01/01 00:00:00"}))
        assert poll("disaster_message", service)[-1].state["day"] == "20261123"


def alerts(*entities, timestamp=None, **header):
    message = gtfs.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = int((timestamp or NOW).timestamp())
    for name, value in header.items():
        setattr(message.header, name, value)
    for entity in entities:
        message.entity.append(text_format.Parse(entity, gtfs.FeedEntity()))
    return message.SerializeToString()


def alert(number="a1", periods="", cause="CONSTRUCTION", effect="DETOUR", extra="", text="공사로 우회 운행합니다"):
    header = f'header_text {{ translation {{ text: "Detour" language: "en" }} translation {{ text: "{text}" language: "ko" }} }}'
    return f'id: "{number}" alert {{ {periods} cause: {cause} effect: {effect} {header} {extra} informed_entity {{ route_id: "102" }} }}'


def period(start=None, end=None):
    at = {"start": start, "end": end}
    return (
        "active_period {"
        + " ".join(f"{name}: {int((NOW + timedelta(hours=h)).timestamp())}" for name, h in at.items() if h is not None)
        + "}"
    )


class TestGtfsRt:
    def test_an_alert_becomes_an_event_without_a_position(self):
        (event,) = read("gtfs_rt", alerts(alert(periods=period(-2, 3))))
        assert (event["code"], event["grade"], event["summary"]) == ("TRF-2", "G4", "공사로 우회 운행합니다")
        assert event["lat"] is event["lon"] is None
        assert event["attributes"]["informed"] == [{"route_id": "102"}]
        assert event["attributes"]["languages"] == {"en": "Detour", "ko": "공사로 우회 운행합니다"}
        assert datetime.fromisoformat(event["occurred_at"]) == NOW, "the document's own time is how late we are"
        assert datetime.fromisoformat(event["expires_at"]) == NOW + timedelta(hours=3)

    def test_the_sample_is_read_alike_as_text_and_as_protobuf(self):
        path = DATA / "gtfs_rt_alerts.asciipb"
        if not path.exists():
            pytest.skip("the sample file gtfs_rt_alerts.asciipb is not beside the repository")
        document = path.read_bytes()
        message = text_format.Parse(document, gtfs.FeedMessage())
        then = Link("", datetime.fromtimestamp(1284457500, UTC))
        assert recognise(document).name == recognise(message.SerializeToString()).name == "gtfs_rt"
        (event,) = read("gtfs_rt", document, then)
        assert read("gtfs_rt", message.SerializeToString(), then) == [event]
        assert event["summary"] == "Stop at Elm street is closed, temporary stop at Oak street"
        assert event["expires_at"] == "2010-09-14T12:41:12+00:00" and "action" not in event
        assert [one["action"] for one in read("gtfs_rt", document)] == ["end"], "it is over by now"

    def test_the_same_alert_written_again_is_the_same_message_and_a_changed_one_another_version(self):
        later = NOW + timedelta(minutes=5)
        ((first,), (again,), (changed,)) = (
            read("gtfs_rt", alerts(alert())),
            read("gtfs_rt", alerts(alert(), timestamp=later), Link("", later)),
            read("gtfs_rt", alerts(alert(text="정상 운행합니다"))),
        )
        assert first["id"] == again["id"] != changed["id"] and first["subject"] == changed["subject"]

    def test_an_alert_waits_for_its_period_and_each_period_is_a_message_of_its_own(self):
        nights = period(-10, -2) + period(14, 22)
        evening = NOW + timedelta(hours=15)
        night_before = NOW - timedelta(hours=5)
        assert read("gtfs_rt", alerts(alert(periods=nights))) == []
        (first,) = read("gtfs_rt", alerts(alert(periods=nights), timestamp=night_before), Link("", night_before))
        (second,) = read("gtfs_rt", alerts(alert(periods=nights), timestamp=evening), Link("", evening))
        assert first["subject"] == second["subject"] and first["id"] != second["id"]

    @pytest.mark.parametrize(
        ("says", "code", "grade"),
        [
            ({"cause": "ACCIDENT", "effect": "NO_SERVICE"}, "TRF-1", "G3"),
            ({"cause": "WEATHER", "effect": "SIGNIFICANT_DELAYS"}, "TRF-4", "G3"),
            ({"cause": "STRIKE", "effect": "ADDITIONAL_SERVICE"}, "TRF-3", "G5"),
            ({"cause": "UNKNOWN_CAUSE", "effect": "OTHER_EFFECT"}, "TRF-5", "G4"),
            ({"effect": "DETOUR", "extra": "severity_level: SEVERE"}, "TRF-2", "G3"),
        ],
    )
    def test_cause_effect_and_severity_give_code_and_grade(self, says, code, grade):
        (event,) = read("gtfs_rt", alerts(alert(**says)))
        assert (event["code"], event["grade"]) == (code, grade)

    def test_a_huge_alert_still_fits(self):
        informed = "".join(f'informed_entity {{ stop_id: "{n:040}" }}' for n in range(5000))
        read("gtfs_rt", alerts(alert(extra=informed, text="가" * 5000, periods=period(-1, 1) * 300)))

    @pytest.mark.parametrize(
        "document", [b"\x0a\xff\xff", b"", alerts(alert())[:-3], b'gtfs_realtime_version: "2.0" nonsense']
    )
    def test_what_is_broken_is_refused(self, document):
        with pytest.raises(NotADocument):
            list(FEEDS["gtfs_rt"].records(document))

    def test_a_differential_document_is_no_list_of_what_there_is(self):
        with pytest.raises(NotADocument, match="differential"):
            list(FEEDS["gtfs_rt"].records(alerts(alert(), incrementality=gtfs.FeedHeader.DIFFERENTIAL)))

    def test_a_source_that_stopped_writing_is_stale_but_what_it_says_is_taken(self):
        service = Service(lambda query: alerts(alert(), timestamp=NOW - timedelta(minutes=20)))
        taken = []

        async def run():
            async for one in FEEDS["gtfs_rt"].fetch(service, LINK):
                taken.append(one)

        with pytest.raises(NotFetched, match="stale: it wrote its document 1200 s ago"):
            asyncio.run(run())
        assert len(taken) == 1

    def test_posix_times_mean_the_same_moment_on_both_sides_of_summer_time(self):
        """New York put its clocks back on 1 November 2026 at 06:00 UTC: 01:30 came twice."""
        first, second = (datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6))
        (one,), (two,) = (read("gtfs_rt", alerts(alert(), timestamp=at), Link("", at)) for at in (first, second))
        gap = datetime.fromisoformat(two["occurred_at"]) - datetime.fromisoformat(one["occurred_at"])
        assert gap == timedelta(hours=1)


def test_korean_times_are_nine_hours_ahead_whatever_this_machine_thinks(monkeypatch):
    import time

    events = {}
    for zone in ("UTC", "America/New_York", "Asia/Seoul"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        events[zone] = [
            *read("its", its(ITEM)), *read("utic", utic(RECORD)), *read("weather", weather(WARNING)),
            *read("disaster_message", messages(MESSAGE)),
        ]  # fmt: skip
    monkeypatch.undo()
    time.tzset()
    assert events["UTC"] == events["America/New_York"] == events["Asia/Seoul"]
    assert all(one["occurred_at"].endswith("+09:00") for one in events["UTC"])


@pytest.mark.parametrize("name", sorted(FEEDS))
def test_every_format_has_its_page(name):
    """Except what is documented elsewhere: our own events, a recording to replay, and a transport's way in."""
    docs = Path(__file__).resolve().parents[2] / "docs" / "feeds"
    assert f"`{name}`" in (docs / "README.md").read_text(encoding="utf-8")
    assert name in ("events_json", "montgomery_911", "ucri2") or (docs / f"{name}.md").exists()
