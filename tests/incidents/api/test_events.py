"""The intake's door: 202 with what became of each event, or a refusal that says whether to come back."""

import json

import pytest
from django.db import DatabaseError

from incidents import intake, intake_queue
from incidents.api import events as door
from incidents.models import Event, Incident
from linkage.models import LinkedSystem
from tests.incidents.api.conftest import problem_of
from tests.incidents.cast import assert_ledger_is_whole, event, key_of

URL = "/api/v1/events"

pytestmark = pytest.mark.usefixtures("intake_door")


@pytest.fixture
def feed(calls, town):
    return calls(town.bells)


def post(caller, body, **more):
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return caller.post(URL, raw, content_type="application/json", **more)


def taken(response):
    assert response.status_code == 202, response.content
    return response.json()


def test_one_event(feed, town):
    raw = event()
    answer = taken(post(feed, raw))
    (incident,) = Incident.objects.all()
    assert answer == {
        "accepted": 1, "duplicates": 0, "rejected": 0,
        "results": [{"id": raw["id"], "status": "accepted", "incident": incident.number}],
    }  # fmt: skip
    assert taken(post(feed, raw))["results"] == [{"id": raw["id"], "status": "duplicate", "incident": incident.number}]


def test_a_batch_with_duplicates_joins_and_a_bad_one(feed, town):
    one, far = event(), event(north_m=5_000)
    joined, bad = event(north_m=10), event(lat="x", grade="G9")
    answer = taken(post(feed, [one, bad, far, joined, one, "nonsense", None, {"id": 7}]))
    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (3, 1, 4)
    results = answer["results"]
    assert [one["status"] for one in results] == [
        "accepted", "rejected", "accepted", "accepted", "duplicate", "rejected", "rejected", "rejected",
    ]  # fmt: skip
    assert results[0]["incident"] == results[3]["incident"] == results[4]["incident"] != results[2]["incident"]
    assert results[1]["incident"] is None and {e["field"] for e in results[1]["errors"]} == {"lat", "grade"}
    assert (results[5]["id"], results[6]["id"], results[7]["id"]) == (None, None, "7")
    assert Event.objects.count() == 3 and Incident.objects.count() == 2
    assert_ledger_is_whole(town)


def test_an_event_nested_beyond_reason_spoils_nobody_elses(feed, town):
    deep = event(attributes=json.loads('{"a":' + "[" * 900 + "]" * 900 + "}"))
    answer = taken(post(feed, [event(), deep, event("ORD-01")]))
    assert [one["status"] for one in answer["results"]] == ["accepted", "rejected", "accepted"]


def test_a_thousand_at_once(feed, town):
    raws = [event(north_m=n % 100 * 1_000) for n in range(1_000)]
    assert taken(post(feed, raws))["accepted"] == 1_000
    assert Incident.objects.count() == 100
    assert_ledger_is_whole(town)


def test_an_empty_batch_is_a_sign_of_life(feed, town):
    assert taken(post(feed, [])) == {"accepted": 0, "duplicates": 0, "rejected": 0, "results": []}
    town.bells.refresh_from_db()
    assert town.bells.last_contact_at


def test_a_feed_that_reported_was_heard(feed, town):
    post(feed, event())
    town.bells.refresh_from_db()
    assert town.bells.last_contact_at


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b"\xff", b"5", b'"x"', b"null", b"true", b"[NaN]", b'{"a":1e999}', b"[" * 2000], ids=range(11)
)
def test_what_is_no_event_is_400(feed, body):
    problem_of(post(feed, body), 400)


def test_too_many_or_too_much_is_413(feed, town):
    problem_of(post(feed, [event()] * 1_001), 413)
    problem_of(post(feed, b"[" + b" " * 1_048_576 + b"]"), 413)
    problem_of(post(feed, b"[" + b" " * 1_048_577 * 2 + b"]"), 413)
    assert taken(post(feed, b"[" + b" " * 1_048_574 + b"]"))["accepted"] == 0
    assert not Event.objects.exists()


@pytest.mark.parametrize("slug", ["police112", "fire119"])
def test_only_feeds_report(calls, town, slug):
    problem_of(post(calls(LinkedSystem.objects.get(slug=slug)), event()), 403)


def test_a_person_reports_nothing(calls, town):
    problem_of(post(calls(town.park), event()), 401)


def test_a_disabled_feed_is_refused(calls, town):
    town.bells.enabled = False
    town.bells.save()
    problem_of(post(calls(town.bells), event()), 401)


def test_a_feed_writes_into_its_own_town(calls, town, other):
    answer = taken(post(calls(other.bells), event()))
    assert answer["results"][0]["incident"].startswith("36110-")


def test_the_scheme_is_case_insensitive(client, town):
    response = post(client, event(), headers={"authorization": f"bearer {key_of(town.bells)}"})
    assert response.status_code == 202


def test_a_database_that_fails_is_503_and_everything_may_be_sent_again(feed, town, monkeypatch):
    raw = event()
    with monkeypatch.context() as broken:

        def fail(**arguments):
            raise DatabaseError("away")

        broken.setattr(intake_queue, "events_receive", fail)
        response = post(feed, raw)
        problem_of(response, 503)
        assert int(response["Retry-After"]) >= 1
    assert taken(post(feed, raw))["accepted"] == 1


def test_an_overloaded_door_is_503(feed, town, monkeypatch):
    monkeypatch.setattr(intake_queue, "WAITING_AT_MOST", 0)
    response = post(feed, event())
    problem_of(response, 503)
    assert int(response["Retry-After"]) >= 1


def test_a_broken_connection_is_tried_again_before_anybody_hears_of_it(feed, town, monkeypatch):
    from django.db import OperationalError

    tries = []

    def sometimes(**arguments):
        tries.append(1)
        if len(tries) < intake_queue.TRIES:
            raise OperationalError("server closed the connection")
        return intake.events_receive(**arguments)

    monkeypatch.setattr(intake_queue, "events_receive", sometimes)
    assert taken(post(feed, event()))["accepted"] == 1 and len(tries) == intake_queue.TRIES


def test_what_the_database_alone_refuses_rejects_itself_alone(feed, town, monkeypatch):
    """Whatever slips past the reader must not hold up the others for ever."""
    from django.db import DataError

    def picky(*, municipality, arrivals):
        if any(one.report.summary == "poison" for one in arrivals):
            raise DataError("cannot hold it")
        return intake.events_receive(municipality=municipality, arrivals=arrivals)

    monkeypatch.setattr(intake_queue, "events_receive", picky)
    raws = [event(north_m=1_000 * n, summary="poison" if n == 5 else "") for n in range(9)]
    answer = taken(post(feed, raws))
    assert (answer["accepted"], answer["rejected"]) == (8, 1)
    assert answer["results"][5]["status"] == "rejected" and answer["results"][5]["errors"]


async def test_a_sender_that_hangs_up_undoes_nothing(town):
    import asyncio

    from channels.db import database_sync_to_async
    from django.utils import timezone

    from incidents.reports import understand

    arrival = intake.Arrival(town.bells, understand(event(), timezone.now()))
    sending = asyncio.create_task(door.QUEUE.submit([arrival]))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await door.QUEUE._writer
    assert await database_sync_to_async(Event.objects.count)() == 1
