"""What a feed says: understood whole, or refused field by field, and never anything else."""

import json
import math
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from incidents.codes import CODES, Grade
from incidents.reports import FIELDS, NotUnderstood, Report, understand

NOW = datetime(2026, 11, 23, 11, 4, 13, tzinfo=UTC)
GOOD = {"id": "e-1", "code": "BEL-01", "occurred_at": "2026-11-23T20:04:13+09:00", "lat": 36.35, "lon": 127.38}


def refused_fields(**fields):
    """The names of the fields refused in an event that is good but for `fields` (... leaves one out)."""
    raw = {name: value for name, value in {**GOOD, **fields}.items() if value is not ...}
    with pytest.raises(NotUnderstood) as refusal:
        understand(raw, NOW)
    assert all(one["message"] for one in refusal.value.errors)
    return [one["field"] for one in refusal.value.errors]


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def test_a_bare_event_is_understood():
    assert understand(GOOD, NOW) == Report(
        "e-1", "BEL-01", "G2", datetime(2026, 11, 23, 11, 4, 13, tzinfo=UTC), 36.35, 127.38, "", "", "", {}
    )


def test_every_field_is_kept():
    report = understand(
        {**GOOD, "grade": "G1", "summary": " 도와주세요 ", "address": "대전 서구", "device_id": "B-7", "attributes": {"a": [1]}}, NOW
    )
    assert (report.grade, report.summary, report.address) == ("G1", "도와주세요", "대전 서구")
    assert (report.device_id, report.attributes, report.family) == ("B-7", {"a": [1]}, "BEL")


def test_times_are_kept_in_utc_so_that_the_ledger_and_the_database_write_them_alike():
    assert understand(GOOD, NOW).occurred_at.isoformat() == "2026-11-23T11:04:13+00:00"


def test_a_number_as_id_is_taken_as_text():
    assert understand({**GOOD, "id": 4711}, NOW).source_id == "4711"


def test_an_unknown_place_is_null_for_both():
    report = understand({**GOOD, "lat": None, "lon": None}, NOW)
    assert (report.lat, report.lon) == (None, None)


@pytest.mark.parametrize("lat, lon", [(90, 180), (-90, -180), (0, 0), (-0.0, 1e-300)])
def test_the_bounds_of_the_globe_belong_to_it(lat, lon):
    report = understand({**GOOD, "lat": lat, "lon": lon}, NOW)
    assert (report.lat, report.lon) == (lat, lon) and isinstance(report.lat, float)


@pytest.mark.parametrize("value", [..., None, "", "  ", True, 1.5, [], {}, "x" * 201, "a\0b", "\ud800", 10**5000], ids=type)
def test_id_is_refused(value):
    assert refused_fields(id=value) == ["id"]


@pytest.mark.parametrize("value", [..., None, "", "BEL", "bel-01", "BEL-99", 1, True, ["BEL-01"], {}, "BEL-01\0"])
def test_code_is_refused(value):
    assert refused_fields(code=value) == ["code"]


@pytest.mark.parametrize("value", ["", "G0", "G6", "g1", 1, True, ["G1"], {}])
def test_grade_is_refused(value):
    assert refused_fields(grade=value) == ["grade"]


@pytest.mark.parametrize(
    "value",
    [
        ..., None, "", "yesterday", 1764500000, True, [], "2026-11-23", "2026-11-23T20:04:13", "2026-13-01T00:00:00Z",
        "2026-11-23T20:15:14+09:00", "1969-12-31T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    ],
)  # fmt: skip
def test_occurred_at_is_refused(value):
    assert refused_fields(occurred_at=value) == ["occurred_at"]


def test_a_clock_ten_minutes_ahead_is_let_pass_and_a_record_may_be_old():
    assert understand({**GOOD, "occurred_at": (NOW + timedelta(minutes=10)).isoformat()}, NOW)
    assert understand({**GOOD, "occurred_at": "2015-12-10T17:40:00-05:00"}, NOW)


@pytest.mark.parametrize("field, beyond", [("lat", 90.000001), ("lon", 180.000001)])
@pytest.mark.parametrize("value", [..., "36.35", True, [], {}, math.nan, math.inf, -math.inf, 10**400, 10**5000, "beyond"], ids=type)
def test_position_is_refused(field, beyond, value):
    assert refused_fields(**{field: beyond if value == "beyond" else value}) == [field]


@pytest.mark.parametrize("given, missing", [("lat", "lon"), ("lon", "lat")])
def test_half_a_position_is_refused(given, missing):
    assert refused_fields(**{missing: None}) == [missing]


@pytest.mark.parametrize("field, limit", [("summary", 500), ("address", 300), ("device_id", 120)])
def test_texts_are_refused(field, limit):
    for value in (5, True, [], {}, "x" * (limit + 1), "a\0b", "\udfff"):
        assert refused_fields(**{field: value}) == [field]
    assert understand({**GOOD, field: "가" * limit}, NOW)


@pytest.mark.parametrize(
    "value",
    [
        [], "x", 5, True, {"a": "b\0"}, {"a\0": 1}, {"a": ["\ud800"]}, {"a": math.nan}, {"a": -math.inf}, {"a": "x" * 16_384},
        {"a": nested(40)}, {"a": nested(990)}, {"a": 10**5000}, {1: 2}, {"a": {1, 2}},
    ],
    ids=type,
)  # fmt: skip
def test_attributes_are_refused(value):
    assert refused_fields(attributes=value) == ["attributes"]


def test_attributes_may_hold_any_json_of_moderate_size():
    attributes = {"a": [1, 2.5, None, True, "\\x00 is not a NUL", {"나": nested(20)}], "b": "가" * 4_000}
    assert understand({**GOOD, "attributes": attributes}, NOW).attributes == attributes


def test_an_unknown_field_is_refused_by_name():
    assert refused_fields(Grade="G1") == ["Grade"]


@pytest.mark.parametrize("raw", [None, [], "x", 5, True, [GOOD]])
def test_what_is_no_object_is_refused(raw):
    with pytest.raises(NotUnderstood):
        understand(raw, NOW)


def test_everything_wrong_is_said_at_once():
    assert set(refused_fields(id="", code="?", occurred_at="?", lat="?", grade="?", summary=5, more=1)) == {
        "id", "code", "occurred_at", "lat", "grade", "summary", "more",
    }  # fmt: skip


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
almost = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text(max_size=210) | st.integers() | anything,
        "code": st.sampled_from(sorted(CODES)) | anything,
        "occurred_at": st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()) | anything,
        "lat": st.floats() | st.integers() | anything,
        "lon": st.floats() | st.integers() | anything,
        "grade": st.sampled_from(Grade.values) | anything,
        "summary": st.text(max_size=510) | anything,
        "address": anything,
        "device_id": anything,
        "attributes": st.dictionaries(st.text(), anything, max_size=4) | anything,
        "other": anything,
    },
)


@settings(max_examples=400, deadline=None)
@given(almost | anything)
@example({**GOOD, "lat": 10**400, "lon": math.nan})
@example({**GOOD, "attributes": {"a": nested(950)}})
def test_whatever_comes_is_a_storable_report_or_not_understood(raw):
    try:
        report = understand(raw, NOW)
    except NotUnderstood as refusal:
        known = {"", *FIELDS, *(raw if isinstance(raw, dict) else ())}
        assert refusal.errors and {one["field"] for one in refusal.errors} <= known
        return
    assert report.code in CODES and report.grade in Grade.values and report.source_id
    assert report.occurred_at.utcoffset() == timedelta(0)
    assert (report.lat is None) == (report.lon is None)
    texts = (report.source_id, report.summary, report.address, report.device_id)
    assert not any("\0" in text for text in texts) and "".join(texts).encode()
    assert orjson.loads(orjson.dumps(report.attributes)) == json.loads(json.dumps(report.attributes))
