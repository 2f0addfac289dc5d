"""Poison inside good batches: each bad event is refused by itself, and the good ones around it are taken."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.live, pytest.mark.slow]

# What replaces a field of an otherwise good event, or the event itself.
POISON = {
    "NUL in the id": {"id": "a\x00b"},
    "NUL in a text": {"summary": "비상\x00벨"},
    "NUL deep inside": {"attributes": {"a": [{"b": "\x00"}]}},
    "NUL in a key": {"attributes": {"\x00": 1}},
    "an empty id": {"id": ""},
    "an id of a megabyte's tenth": {"id": "x" * 100_000},
    "nothing for an id": {"id": None},
    "an unknown code": {"code": "XXX-99"},
    "a list for a code": {"code": ["FIR-01"]},
    "an unknown grade": {"grade": "G0"},
    "a time without offset": {"occurred_at": "2026-11-23T10:00:00"},
    "the thirtieth of February": {"occurred_at": "2026-02-30T10:00:00+09:00"},
    "a time of the year 99999": {"occurred_at": "99999-01-01T00:00:00+09:00"},
    "a number for a time": {"occurred_at": 1e300},
    "a latitude beyond the pole": {"lat": 90.1},
    "a huge latitude": {"lat": 1e308},
    "a text for a latitude": {"lat": "36.3"},
    "true for a latitude": {"lat": True},
    "half a position": {"lon": None},
    "an unknown field": {"sumary": "typo"},
    "attributes that are a list": {"attributes": [1]},
    "a summary of 100,000 characters": {"summary": "가" * 100_000},
    "an array": [],
    "a string": "event",
    "a number": 12,
    "null": None,
}
# Bytes that are no JSON document at all: nothing of the batch can be told apart.
BROKEN = {
    "a lone surrogate": b'"\\ud800"',
    "bytes that are no UTF-8": b'"\xff\xfe"',
    "not a number": b"NaN",
    "an integer of 400 digits": b"9" * 400,
    "an array of 100,000 levels": b"[" * 100_000 + b"]" * 100_000,
    "half a document": b'{"id": "x',
    "a control character": b'"\x01"',
}


def post(room, body):
    """Status and body of one batch, sent once."""
    connection = http.client.HTTPConnection(urlsplit(room.stack.base_url).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {room.stack.demo['keys']['feed']}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/events", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    return answer.status, json.loads(said)


def test_each_poison_is_refused_alone(room, figures):
    """I1. One batch with every poison between good events: as many taken as are good, each refusal with its reason."""
    good, batch = [], []
    for change in POISON.values():
        good.append(room.event("BEL-01"))
        bad = {**room.event("BEL-01"), **change} if isinstance(change, dict) else change
        batch += [good[-1], bad]
    for first in range(0, len(batch), 8):
        part = batch[first : first + 8]
        status, said = post(room, json.dumps(part))
        assert status == 202, (status, said)
        assert [one["status"] for one in said["results"]] == ["accepted", "rejected"] * (len(part) // 2), said
        assert all(one["errors"] for one in said["results"][1::2])
    assert set(room.auditor.stored(one["id"] for one in good)) == {one["id"] for one in good}
    figures(
        f"{len(POISON)} poisoned events between {len(good)} good ones: {len(good)} stored, {len(POISON)} refused with reason"
    )


@pytest.mark.parametrize("name", BROKEN)
def test_a_document_that_is_none_promises_nothing(room, name):
    """400 and nothing stored, never a 500; the good events, sent again without it, are taken."""
    good = [room.event("BEL-01"), room.event("BEL-01")]
    parts = [json.dumps(good[0]).encode(), b'{"id": ' + BROKEN[name] + b"}", json.dumps(good[1]).encode()]
    status, said = post(room, b"[" + b", ".join(parts) + b"]")
    if status == 202:  # understood after all: then the bad one alone is refused
        assert [one["status"] for one in said["results"]] == ["accepted", "rejected", "accepted"]
        return
    assert (status, said["status"]) == (400, 400)
    assert room.auditor.stored(one["id"] for one in good) == {}
    assert post(room, json.dumps(good))[0] == 202
