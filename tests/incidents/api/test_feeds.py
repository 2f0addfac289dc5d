"""Raw documents at `POST feeds/{format}`: taken in, or kept in quarantine with their bytes until somebody reruns them."""

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from incidents import documents, intake_queue
from incidents.models import Event, Incident
from linkage import quarantine
from linkage.feeds import FEEDS
from linkage.models import Quarantined
from ocenter.accounts.models import AuditEntry
from tests.incidents.api.conftest import problem_of
from tests.incidents.cast import assert_ledger_is_whole, event

pytestmark = pytest.mark.usefixtures("intake_door")
KST = timedelta(hours=9)


def item(n, *, minutes_ago=10, **fields):
    at = timezone.now() + KST - timedelta(minutes=minutes_ago)
    return {
        "type": "ex", "eventType": "교통사고", "eventDetailType": "추돌사고", "startDate": f"{at:%Y%m%d%H%M%S}",
        "coordX": str(127.3845 + n / 10), "coordY": "36.3504", "linkId": f"18400{n}", "roadName": "한밭대로",
        "roadNo": "", "roadDrcType": "", "lanesBlockType": "", "lanesBlocked": "", "message": "1차로 차단", "endDate": "",
        **fields,
    }  # fmt: skip


def document(*items):
    return {"body": {"totalCount": len(items), "items": list(items)}}


@pytest.fixture
def post(calls, town):
    caller = calls(town.sensors)

    def send(body, name="its"):
        raw = body if isinstance(body, bytes) else json.dumps(body)
        return caller.post(f"/api/v1/feeds/{name}", raw, content_type="application/json")

    return send


def taken(response):
    assert response.status_code == 202, response.content
    return response.json()


def test_a_document_is_taken_in_like_events_and_may_be_sent_again(post, town):
    body = document(item(1), item(2))
    answer = taken(post(body))
    assert (answer["accepted"], answer["rejected"]) == (2, 0)
    assert Incident.objects.filter(code="TRF-1", municipality=town.municipality).count() == 2
    assert taken(post(body))["duplicates"] == 2 and Incident.objects.count() == 2
    assert_ledger_is_whole(town)


def test_a_bad_record_rejects_itself_and_lies_in_quarantine_as_it_came(post, town):
    bad = item(2, coordX="east")
    answer = taken(post(document(item(1), bad)))
    assert (answer["accepted"], answer["rejected"]) == (1, 1) and answer["results"][1]["errors"]
    row = Quarantined.objects.get()
    assert json.loads(bytes(row.raw)) == bad and not row.is_document
    assert (row.system, row.format, row.times, row.state) == (town.sensors, "its", 1, "waiting")
    assert "coordX" in row.errors[0]["message"]


def test_the_same_mistake_again_is_counted_not_piled_up(post):
    wrong = document(item(2, coordX="east"))  # once: the next second's would be another mistake
    for _ in range(3):
        post(wrong)
    assert Quarantined.objects.get().times == 3


@pytest.mark.parametrize("broken", [b"", b"<xml/>", b"\x00\xff\xfe", b'{"body": {}}', b"[" * 100_000])
def test_a_broken_document_is_refused_with_the_reason_and_kept_whole(post, broken):
    problem_of(post(broken), 400)
    row = Quarantined.objects.get()
    assert bytes(row.raw) == broken and row.is_document and row.errors[0]["message"]


def test_refused_events_of_the_plain_door_are_kept_too(calls, town):
    bad = event(grade="G9")
    answer = taken(calls(town.bells).send("/api/v1/events", [event(), bad]))
    assert answer["rejected"] == 1
    row = Quarantined.objects.get()
    assert (json.loads(bytes(row.raw)), row.format) == (bad, documents.EVENTS_FORMAT)


def test_a_rerun_takes_in_what_is_understood_by_now(post, town, monkeypatch):
    post(document(item(2, coordX="127,3845")))
    row = Quarantined.objects.get()
    outcome = quarantine.rerun(row, town.admin)
    assert not outcome.understood and outcome.errors and Quarantined.objects.get().state == "waiting"
    its = FEEDS["its"]
    old = its.normalise
    monkeypatch.setattr(its, "normalise", lambda raw, link=None: old({**raw, "coordX": raw["coordX"].replace(",", ".")}, link))
    outcome = quarantine.rerun(row, town.admin)
    row.refresh_from_db()
    assert outcome.understood and outcome.incidents == (Incident.objects.get().number,)
    assert (row.state, row.settled_by) == ("understood", "admin")
    assert AuditEntry.objects.filter(action="quarantine.understood", actor="user:admin").exists()
    assert quarantine.rerun(row, town.admin).understood and Event.objects.count() == 1


def test_a_whole_document_is_rerun_whole_or_not_at_all(post, town):
    post(b'{"body": {"totalCount": 3, "items": []}}')
    row = Quarantined.objects.get()
    assert not quarantine.rerun(row, town.admin).understood
    Quarantined.objects.update(raw=json.dumps(document(item(1), item(2, coordX="east"))).encode(), size=1)
    assert not quarantine.rerun(Quarantined.objects.get(), town.admin).understood and not Event.objects.exists()
    Quarantined.objects.update(raw=json.dumps(document(item(1), item(2))).encode())
    assert len(quarantine.rerun(Quarantined.objects.get(), town.admin).incidents) == 2


def test_a_discarded_row_comes_back_when_the_mistake_does(post, town):
    wrong = document(item(2, coordX="east"))
    post(wrong)
    quarantine.discard(Quarantined.objects.get(), town.admin, "시험")
    assert Quarantined.objects.get().state == "discarded"
    post(wrong)
    assert Quarantined.objects.get().state == "waiting"


def statuses():
    return sorted(Incident.objects.values_list("status", flat=True))


def test_what_two_lists_no_longer_name_has_ended_unless_a_list_is_doubtful(post):
    one, two = item(1), item(2)
    post(document(one, two))
    for _ in range(2):
        assert taken(post(document(one, item(3, coordX="east"))))["rejected"] == 1
    assert statuses() == ["open", "open"], "a list one cannot read ends nothing"
    assert taken(post(document(one)))["ended"] == 0 and statuses() == ["open", "open"]
    assert taken(post(document(one)))["ended"] == 1 and statuses() == ["cancelled", "open"]
    assert taken(post(document(one)))["ended"] == 0


@pytest.mark.parametrize("change", [{}, {"message": "2차로도 차단"}])
def test_what_a_list_names_again_is_opened_again(post, change):
    one, two = item(1), item(2)
    for listed in ([one, two], [one], [one]):
        post(document(*listed))
    answer = taken(post(document(one, {**two, **change})))
    assert answer["returned"] == 1 - len(change) and statuses() == ["cancelled", "open", "open"]
    post(document(one, {**two, **change}))
    assert statuses() == ["cancelled", "open", "open"]


def test_another_feed_with_the_same_format_ends_nothing_of_this_one(post, calls, town):
    post(document(item(1)))
    for _ in range(2):
        calls(town.bells).send("/api/v1/feeds/its", document(item(2)))
    assert set(Incident.objects.values_list("status", flat=True)) == {"open"}


def test_who_may_post_what(post, calls, town):
    problem_of(post(document(), name="nothing"), 404)
    problem_of(calls(town.police).send("/api/v1/feeds/its", document()), 403)
    problem_of(calls(town.bells).send("/api/v1/feeds/agency_request", {}), 403)
    problem_of(calls().send("/api/v1/feeds/its", document()), 401)
    problem_of(calls(town.kim).send("/api/v1/feeds/its", document()), 401)
    problem_of(post(b" " * (1024 * 1024 + 2048)), 413)


def test_a_database_that_fails_is_503_and_nothing_is_half_taken(post, monkeypatch):
    def fail(**_):
        raise DatabaseError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(intake_queue, "events_receive", fail)
        response = post(document(item(1)))
        assert problem_of(response, 503) and response["Retry-After"]
    assert not Event.objects.exists() and not Quarantined.objects.exists()
    assert taken(post(document(item(1))))["accepted"] == 1


def test_settled_rows_go_after_a_month_and_a_flood_keeps_its_newest(post, town, monkeypatch):
    for n in range(4):
        post(document(item(n, coordX="east")))
    rows = list(Quarantined.objects.order_by("pk"))
    quarantine.discard(rows[0], town.admin, "old")
    Quarantined.objects.filter(pk=rows[0].pk).update(settled_at=timezone.now() - timedelta(days=31))
    monkeypatch.setattr(quarantine, "ROWS_AT_MOST", 2)
    assert quarantine.prune() == 2
    assert list(Quarantined.objects.order_by("pk").values_list("pk", flat=True)) == [rows[2].pk, rows[3].pk]
