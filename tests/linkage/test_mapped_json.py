"""Mapped JSON: a mapping is understood or says what is wrong with it, and reads documents the same way every time."""

import copy
import json
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from incidents.reports import understand
from linkage.feeds import FEEDS
from linkage.feeds.base import Link, NotADocument, NotUsable
from linkage.feeds.mapped_json import BadMapping, apply, parse, read_json

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MAPPING = {
    "records": "body.items",
    "fields": {
        "subject": {"hash": ["linkId", "startDate"]},
        "occurred_at": {"path": "startDate"},
        "lat": {"path": "coordY"},
        "lon": {"path": "coordX"},
        "code": {"path": "eventType"},
        "summary": {"path": "[roadName, message]", "default": "돌발"},
    },
    "attributes": {"road": "roadNo", "closed": "lanesBlocked"},
    "codes": {
        "table": {"교통사고": {"code": "TRF-1", "grade": "G3"}, "작업": "TRF-2", "행사": "TRF-3"},
        "otherwise": "refuse",
    },
    "time": {"format": "yyyyMMddHHmmss", "zone": "Asia/Seoul"},
}
ITEM = {
    "eventType": "교통사고", "startDate": "20221220091000", "coordX": "127.3174", "coordY": "36.2905",
    "linkId": "1850324300", "roadName": "호남지선", "roadNo": "251", "lanesBlocked": "", "message": "승용차 단독사고",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def mapping(**changes):
    """MAPPING with parts replaced: `fields__code=…` goes into `fields`; None takes away."""
    made = copy.deepcopy(MAPPING)
    for name, value in changes.items():
        *way, last = name.split("__")
        part = made
        for step in way:
            part = part.setdefault(step, {})
        if value is None:
            part.pop(last, None)
        else:
            part[last] = value
    return made


def read(*items, **changes):
    return apply(parse(mapping(**changes)), {"body": {"items": list(items)}})


def one(item=ITEM, **changes):
    (outcome,) = read(item, **changes).outcomes
    assert outcome.problems == []
    return outcome.event


def trouble(item, **changes):
    (outcome,) = read(item, **changes).outcomes
    assert outcome.event is None
    return {problem.field: problem.message for problem in outcome.problems}


def wrong(**changes):
    with pytest.raises(BadMapping) as caught:
        parse(mapping(**changes))
    return {problem.field: problem.message for problem in caught.value.problems}


# --- events ---


def test_a_record_becomes_an_event_that_the_intake_takes():
    event = one()
    assert (event["code"], event["grade"], event["occurred_at"]) == ("TRF-1", "G3", "2022-12-20T09:10:00+09:00")
    assert (event["lat"], event["lon"], event["summary"]) == (36.2905, 127.3174, "호남지선 승용차 단독사고")
    assert event["attributes"] == {"road": "251"}, "what is empty is left out"
    assert understand({name: value for name, value in event.items() if name != "subject"}, now()).code == "TRF-1"


def test_the_same_record_is_the_same_event_and_a_changed_one_is_news_of_the_same_subject():
    first, again, changed = one(), one(dict(reversed(ITEM.items()))), one({**ITEM, "message": "처리중"})
    assert first["id"] == again["id"] != changed["id"]
    assert first["subject"] == changed["subject"]


def test_the_real_road_events_are_read_as_the_built_in_format_reads_them():
    source = DATA / "kr_its_events_daejeon_2022.json"
    if not source.exists():
        pytest.skip(f"no sample data at {source}")
    made = mapping(codes__table__공사="TRF-2", codes__otherwise={"code": "TRF-1", "grade": "G4"})
    found = apply(parse(made), read_json(source.read_bytes()))
    its = FEEDS["its"]
    expected = [its.normalise(record.raw) for record in its.records(source.read_bytes())]
    assert found.is_whole and len(found.events) == 11
    for ours, theirs in zip(found.events, expected, strict=True):
        assert [ours[name] for name in ("code", "lat", "lon", "occurred_at")] == [
            theirs[name] for name in ("code", "lat", "lon", "occurred_at")
        ]


def test_a_single_object_is_one_record_and_an_empty_list_is_none():
    assert len(apply(parse(MAPPING), {"body": {"items": ITEM}}).events) == 1
    empty = apply(parse(MAPPING), {"body": {"items": []}})
    assert empty.outcomes == [] and not empty.is_whole


@pytest.mark.parametrize("content", [{"body": {}}, {"body": {"items": 3}}, [], None])
def test_a_document_without_records_says_where_it_looked(content):
    with pytest.raises(NotADocument, match=r"path"):
        apply(parse(MAPPING), content)


@pytest.mark.parametrize(
    ("damage", "field", "says"),
    [
        ({"coordX": "동쪽"}, "lat", "not a number"), ({"coordX": 0, "coordY": 0}, "lat", "No position"),
        ({"coordX": "36.3", "coordY": "127.3"}, "lat", "check the coordinate system"),
        ({"startDate": "2022122009100"}, "occurred_at", "yyyyMMddHHmmss"), ({"startDate": None}, "occurred_at", "nothing"),
        ({"eventType": "화산"}, "code", "'화산' stands in no table"), ({"eventType": ""}, "code", "yields nothing"),
        ({"linkId": "", "startDate": ""}, "subject", "told from others"),
    ],
)  # fmt: skip
def test_a_damaged_record_names_the_field_and_the_remedy(damage, field, says):
    assert says in trouble({**ITEM, **damage})[field]


def test_one_bad_record_leaves_the_others_alone():
    found = read({**ITEM, "coordX": ""}, ITEM, "text")
    assert [outcome.event is not None for outcome in found.outcomes] == [False, True, False]


def test_a_device_or_a_permission_stands_in_for_a_place():
    nowhere = {**ITEM, "coordX": "", "coordY": "", "bell": "B-1"}
    event = one(nowhere, fields__device_id="bell")
    assert (event["lat"], event["lon"], event["device_id"]) == (None, None, "B-1")
    assert one(nowhere, position={"missing": "unknown"})["lat"] is None


def test_actions_and_expiry_come_through():
    made = {"fields__action": "status", "actions": {"table": {"해제": "end"}}, "fields__expires_at": "endDate"}
    event = one({**ITEM, "status": "해제", "endDate": "20221220120000"}, **made)
    assert event["action"] == "end" and event["expires_at"] == "2022-12-20T12:00:00+09:00"
    assert "action" not in one({**ITEM, "status": "진행"}, **made), "whatever else is a report"


# --- times ---


@pytest.mark.parametrize(
    ("format", "zone", "value", "expected"),
    [
        ("iso", "Asia/Seoul", "2026-11-23T20:04:13", "2026-11-23T20:04:13+09:00"),
        ("iso", "Asia/Seoul", "2026-11-23T20:04:13Z", "2026-11-23T20:04:13+00:00"),
        ("epoch_s", "Asia/Seoul", 1_700_000_000, "2023-11-15T07:13:20+09:00"),
        ("epoch_ms", "Asia/Seoul", "1700000000500", "2023-11-15T07:13:20.500000+09:00"),
        ("yyyyMMddHHmmssSSS", "Asia/Seoul", "20261123200413125", "2026-11-23T20:04:13.125000+09:00"),
        ("%d.%m.%Y %H:%M", "Europe/Berlin", "01.07.2026 12:00", "2026-07-01T12:00:00+02:00"),
        ("%d.%m.%Y %H:%M", "Europe/Berlin", "01.12.2026 12:00", "2026-12-01T12:00:00+01:00"),
        # The hour that comes twice, and the one that never comes.
        ("%d.%m.%Y %H:%M", "Europe/Berlin", "25.10.2026 02:30", "2026-10-25T02:30:00+02:00"),
        ("%d.%m.%Y %H:%M", "Europe/Berlin", "29.03.2026 02:30", "2026-03-29T02:30:00+01:00"),
        # Korea had summer time in 1988, too.
        ("yyyyMMddHHmmss", "Asia/Seoul", "19880701120000", "1988-07-01T12:00:00+10:00"),
    ],
)  # fmt: skip
def test_times_are_read_in_their_zone(format, zone, value, expected):
    event = one({**ITEM, "startDate": value}, time={"format": format, "zone": zone}, fields__subject="linkId")
    assert event["occurred_at"] == expected


def test_the_second_of_a_repeated_hour_can_be_chosen():
    time = {"format": "yyyyMMddHHmmss", "zone": "Europe/Berlin", "ambiguous": "later"}
    assert one({**ITEM, "startDate": "20261025023000"}, time=time)["occurred_at"] == "2026-10-25T02:30:00+01:00"


@pytest.mark.parametrize(
    ("format", "value", "says"),
    [("epoch_s", 1_700_000_000_000, "milliseconds"), ("epoch_s", True, "no number"), ("iso", "gestern", "ISO 8601"),
     ("epoch_ms", "1e400", "no number"), ("%Y%m%d", "2026112", "%Y%m%d")],
)  # fmt: skip
def test_a_time_in_another_form_says_which_was_expected(format, value, says):
    assert says in trouble({**ITEM, "startDate": value}, time={"format": format})["occurred_at"]


# --- places ---


@pytest.mark.parametrize(
    ("crs", "x", "y"),
    [("EPSG:5179", 989636.50, 1817005.25), ("EPSG:5186", 234514.00, 416994.47), ("EPSG:5174", 234442.52, 316687.69),
     ("EPSG:3857", 14180377.67, 4348943.61)],
)  # fmt: skip
def test_korean_grids_come_out_in_daejeon(crs, x, y):
    event = one({**ITEM, "coordX": str(x), "coordY": y}, position={"crs": crs})
    assert event["lat"] == pytest.approx(36.3504, abs=1e-5) and event["lon"] == pytest.approx(127.3845, abs=1e-5)


def test_swapped_axes_of_a_grid_are_noticed():
    says = trouble({**ITEM, "coordX": "416994", "coordY": "234514"}, position={"crs": "EPSG:5186"})["lat"]
    assert "order" in says


@pytest.mark.parametrize(
    ("value", "order"),
    [({"type": "Point", "coordinates": [127.3, 36.3]}, "lonlat"), ([127.3, 36.3], "lonlat"), ("36.3, 127.3", "latlon"),
     ({"type": "Feature", "geometry": {"type": "Point", "coordinates": [127.3, 36.3, 50]}}, "lonlat")],
)  # fmt: skip
def test_geometries_and_pairs_give_a_position(value, order):
    made = {"fields__lat": None, "fields__lon": None, "fields__geometry": "where", "position": {"order": order}}
    event = one({**ITEM, "where": value}, **made)
    assert (event["lat"], event["lon"]) == (36.3, 127.3)


def test_an_area_comes_along_and_gives_a_position_inside():
    square = {"type": "Polygon", "coordinates": [[[127, 36], [128, 36], [128, 37], [127, 37], [127, 36]]]}
    event = one({**ITEM, "where": square}, fields__lat=None, fields__lon=None, fields__geometry="where")
    assert event["area"]["type"] == "Polygon" and len(event["area"]["coordinates"][0]) == 5
    assert 36 < event["lat"] < 37 and 127 < event["lon"] < 128


@pytest.mark.parametrize(
    "value", [{"type": "Polygon", "coordinates": "x"}, {"type": "Nonsense"}, "somewhere", [1], {"type": "Polygon", "coordinates": []}]
)
def test_a_geometry_nobody_can_read_is_refused_with_a_reason(value):
    assert trouble({**ITEM, "where": value}, fields__lat=None, fields__lon=None, fields__geometry="where")["geometry"]


# --- what each rule met ---


def test_every_rule_says_in_how_many_records_it_found_something():
    found = read(ITEM, {**ITEM, "roadNo": ""}, fields__address={"path": "adress"})
    hits = {rule.rule: (rule.hits, rule.of) for rule in found.rules}
    assert hits["lat"] == (2, 2) and hits["attributes.road"] == (1, 2)
    assert hits["address"] == (0, 2), "a path that matches nothing says so"
    assert hits["attributes.closed"] == (0, 2)
    assert next(rule.example for rule in found.rules if rule.rule == "lon") == "127.3174"


def test_table_entries_nobody_needed_and_values_in_no_table_are_named():
    found = read(ITEM, {**ITEM, "eventType": "화산"}, {**ITEM, "eventType": "화산"})
    assert found.unused == {"codes": ["작업", "행사"]} and found.unknown == {"codes": {"화산": 2}}


def test_ids_that_repeat_within_a_document_are_named():
    assert read(ITEM, ITEM, fields__id="linkId").repeats == ["1850324300"]


# --- mappings that are none ---


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"fields__code": None}, "fields.code", "needs it"), ({"fields__subject": None}, "fields.id", "hash"),
        ({"fields__lon": None}, "fields.lon", "both"), ({"fields__geometry": "g"}, "fields.geometry", "either"),
        ({"fields__lat": None, "fields__lon": None}, "fields.lat", "unknown places"),
        ({"fields__lat": "위도"}, "fields.lat.path", '"위도"'), ({"records": "a b"}, "records", '"a b"'),
        ({"records": "body.items["}, "records", "JMESPath"), ({"fields__summary": {}}, "fields.summary", "one of path"),
        ({"fields__subject": {"constant": "x"}}, "fields.subject", "same for every record"),
        ({"fields__lat": {"hash": ["a"]}}, "fields.lat", "Only id and subject"), ({"fields__spam": "x"}, "fields.spam", "summary"),
        ({"codes__table": {"a": "XX"}}, "codes.table.a", "no event code"), ({"codes__table": []}, None, ""),
        ({"codes__table": {"a": {"code": "TRF-1", "grade": "G9"}}}, "codes.table.a", "G1"),
        ({"time__zone": "Korea"}, "time.zone", "IANA"), ({"time__format": "yy.m.d"}, "time.format", "yyyy"),
        ({"time__format": "%H:%M"}, "time.format", "whole date"), ({"position": {"crs": "EPSG:99999"}}, "position.crs", "EPSG"),
        ({"position": {"crs": "GRS80"}}, "position.crs", "EPSG:5179"), ({"position": {"order": "xy"}}, "position.order", "latlon"),
        ({"fields__action": {"constant": "stop"}}, "fields.action", "cancel"), ({"spam": 1}, "spam", "records"),
        ({"fields": "x"}, "fields", "object"), ({"records": 3}, "records", "text"),
    ],
)  # fmt: skip
def test_a_mapping_that_is_none_names_the_field_and_the_remedy(changes, field, says):
    if field is None:
        assert parse(mapping(**changes)).codes.entries == {}
    else:
        assert says in wrong(**changes)[field]


def test_everything_wrong_is_said_at_once():
    assert {"fields.code", "time.zone", "records"} <= wrong(fields__code=None, time__zone="x", records="[").keys()


def test_known_codes_are_checked_where_they_are_known():
    parse(MAPPING, codes={"TRF-1", "TRF-2", "TRF-3"})
    with pytest.raises(BadMapping, match="TRF-3"):
        parse(MAPPING, codes={"TRF-1", "TRF-2"})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["fields", "records", "path", "hash", "code", "codes", "table", "time", "zone", "lat", "x"]), inner, max_size=4)))  # fmt: skip
def test_whatever_is_given_is_a_mapping_or_a_list_of_problems(document):
    with translation.override("en"):
        try:
            parse(document)
        except BadMapping as error:
            assert error.problems


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)))  # fmt: skip
def test_whatever_a_record_holds_it_is_an_event_or_has_reasons(value):
    with translation.override("en"):
        rules = parse(mapping(fields__geometry="g", fields__lat=None, fields__lon=None))
        for raw in (value, dict.fromkeys([*ITEM, "g"], value), {**ITEM, "g": value}):
            (outcome,) = apply(rules, {"body": {"items": [raw]}}).outcomes
            assert (outcome.event is None) == bool(outcome.problems)


# --- as a feed format ---


def document(*items, encoding="utf-8"):
    return json.dumps({"body": {"items": list(items)}}, ensure_ascii=False).encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_the_format_reads_documents_by_its_links_mapping(encoding):
    feed, link = FEEDS["mapped_json"], Link(endpoint="", now=now(), mapping=MAPPING)
    records = list(feed.split(document(ITEM, ITEM, encoding=encoding), link))
    assert [record.position for record in records] == [1, 2]
    assert feed.normalise(records[0].raw, link) == one()


@pytest.mark.parametrize("broken", [b"", b"\xff\xff", b'{"a": NaN}', b"[" * 100_000, b"<html>"])
def test_what_is_no_json_is_refused(broken):
    with pytest.raises(NotADocument):
        list(FEEDS["mapped_json"].split(broken, Link(endpoint="", now=now(), mapping=MAPPING)))


def test_without_a_mapping_nothing_is_understood():
    empty = Link(endpoint="", now=now())
    with pytest.raises(NotADocument):
        list(FEEDS["mapped_json"].split(document(ITEM), empty))
    with pytest.raises(NotUsable):
        FEEDS["mapped_json"].normalise(ITEM, empty)


def test_an_edited_mapping_is_used_at_once():
    feed, edited = FEEDS["mapped_json"], mapping(fields__summary={"constant": "새 요약"})
    for made, summary in ((MAPPING, "호남지선 승용차 단독사고"), (edited, "새 요약")):
        assert feed.normalise(ITEM, Link(endpoint="", now=now(), mapping=made))["summary"] == summary
