"""The quarantine in the admin: masked, run again through the real intake, discarded with a reason, each in the audit."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from incidents.models import Incident
from linkage.admin.quarantine import decoded, hex_head
from linkage.models import LinkedSystem, Quarantined
from linkage.quarantine import Misunderstood, keep
from ocenter.accounts.models import AuditEntry
from tests.accounts.cast import make_city

MAPPING = {
    "fields": {
        "id": "no", "occurred_at": "at", "code": {"path": "kind"}, "lat": "y", "lon": "x", "summary": {"path": "text"},
    },
    "codes": {"table": {"fire": "FIR-01"}, "otherwise": "refuse"},
}  # fmt: skip


@pytest.fixture
def city(db):
    found = make_city()
    LinkedSystem.objects.filter(pk=found.feed.pk).update(feed_format="mapped_json", mapping=MAPPING)
    found.feed.refresh_from_db()
    Quarantined.objects.all().delete()
    return found


@pytest.fixture
def page(client, city):
    client.force_login(city.administrator)
    client.cookies["django_language"] = "en"
    return client


def record(**changes):
    return {"no": "1", "at": timezone.now().isoformat(), "kind": "fire", "x": 127.38, "y": 36.35, "text": "call 010-1234-5678", **changes}


def keep_one(system, raw, reason="no"):
    keep(system=system, format_name="mapped_json", found=[Misunderstood(raw, [{"field": "code", "message": reason}])])
    return Quarantined.objects.order_by("-pk").first()


def do(name, *args):
    return reverse(f"admin:linkage_quarantined_{name}", args=args)


def test_the_list_and_the_page_show_what_came_and_why_without_personal_data(page, city):
    row = keep_one(city.feed, record(caller_name="x", caller_tel="02-123-4567"), "no code for 010-9999-8888")
    for address in (do("changelist"), do("change", row.pk)):
        shown = page.get(address).content.decode()
        assert "no code for" in shown
        assert not any(number in shown for number in ("010-1234-5678", "02-123-4567", "010-9999-8888")), address
    assert "fire" in page.get(do("change", row.pk)).content.decode()


def test_showing_it_as_it_came_is_a_step_of_its_own_and_in_the_audit(page, city):
    row = keep_one(city.feed, record())
    assert page.get(do("show", row.pk)).status_code == 405
    answer = page.post(do("show", row.pk))
    assert "010-1234-5678" in answer.content.decode() and "no-store" in answer.headers["Cache-Control"]
    entry = AuditEntry.objects.first()
    assert entry.action == "quarantine.shown" and entry.detail["row"] == row.pk and entry.actor == "administrator"


def test_running_again_after_the_mapping_was_mended_opens_the_incident(page, city):
    before = Incident.objects.count()
    row = keep_one(city.feed, record(kind="blaze"))
    answer = page.post(do("rerun", row.pk), follow=True)
    row.refresh_from_db()
    assert row.state == "waiting" and "Still not understood" in answer.content.decode()
    assert Incident.objects.count() == before and "blaze" in str(row.errors)
    mended = {**MAPPING, "codes": {"table": {"blaze": "FIR-01"}}}
    LinkedSystem.objects.filter(pk=city.feed.pk).update(mapping=mended)
    answer = page.post(do("rerun", row.pk), follow=True)
    row.refresh_from_db()
    incident = Incident.objects.order_by("-pk").first()
    assert row.state == "understood" and incident.code == "FIR-01" and incident.number in answer.content.decode()


def test_running_again_twice_takes_it_in_once(page, city):
    row = keep_one(city.feed, record())
    page.post(do("rerun", row.pk))
    count = Incident.objects.count()
    page.post(do("rerun", row.pk))
    assert Incident.objects.count() == count


def test_the_chosen_are_run_again_each_by_itself(page, city):
    good, bad = keep_one(city.feed, record(no="2")), keep_one(city.feed, record(no="3", kind="storm"))
    chosen = {"action": "rerun_selected", "_selected_action": [good.pk, bad.pk]}
    shown = page.post(do("changelist"), chosen, follow=True).content.decode()
    assert "1 of 2 understood" in shown
    assert {row.pk: row.state for row in Quarantined.objects.all()} == {good.pk: "understood", bad.pk: "waiting"}


def test_discarding_needs_a_reason_and_is_audited(page, city):
    row = keep_one(city.feed, record())
    assert page.get(do("discard", row.pk)).status_code == 200
    page.post(do("discard", row.pk), {"reason": ""})
    row.refresh_from_db()
    assert row.state == "waiting"
    assert page.post(do("discard", row.pk), {"reason": "a drill of theirs"}).status_code == 302
    row.refresh_from_db()
    entry = AuditEntry.objects.first()
    assert row.state == "discarded" and row.settled_by == "administrator"
    assert entry.action == "quarantine.discarded" and entry.detail["reason"] == "a drill of theirs"


def test_several_are_discarded_with_one_reason(page, city):
    rows = [keep_one(city.feed, record(no=str(number))) for number in (4, 5)]
    chosen = {"action": "discard_selected", "_selected_action": [row.pk for row in rows]}
    asked = page.post(do("changelist"), chosen)
    assert asked.status_code == 200 and 'name="reason"' in asked.content.decode()
    page.post(do("changelist"), {**chosen, "reason": "noise"}, follow=True)
    assert set(Quarantined.objects.values_list("state", flat=True)) == {"discarded"}


@pytest.mark.parametrize("name", ["rerun", "discard", "show"])
def test_anothers_rows_are_not_there(page, city, name):
    other = make_city(code="36110", name_ko="세종", name_en="Sejong", prefix="other-")
    row = Quarantined.objects.get(system=other.feed)
    assert page.post(do(name, row.pk), {"reason": "x"}).status_code == 404
    assert page.get(do("change", row.pk)).status_code == 404
    chosen = {"action": "discard_selected", "_selected_action": [row.pk], "reason": "x"}
    page.post(do("changelist"), chosen, follow=True)
    row.refresh_from_db()
    assert row.state == "waiting" and not AuditEntry.objects.filter(action__startswith="quarantine").exists()


def test_an_auditor_looks_and_does_nothing(client, city):
    row = keep_one(city.feed, record())
    client.force_login(city.auditor)
    assert client.get(do("change", row.pk)).status_code == 200
    for name in ("rerun", "discard", "show"):
        assert client.post(do(name, row.pk), {"reason": "x"}).status_code == 403
    client.post(do("changelist"), {"action": "discard_selected", "_selected_action": [row.pk], "reason": "x"})
    row.refresh_from_db()
    assert row.state == "waiting"


@pytest.mark.parametrize(
    ("raw", "text", "encoding"),
    [
        ("화재".encode(), "화재", "UTF-8"), ("화재".encode("cp949"), "화재", "CP949"), (b"\xef\xbb\xbfa", "a", "UTF-8"),
        ("화재".encode("utf-16"), "화재", "UTF-16"), (b"\x00\xff\x81", None, None), (b"a\x1b[31mb", "a·[31mb", "UTF-8"),
    ],
)  # fmt: skip
def test_bytes_are_shown_in_their_likely_encoding_and_no_control_character_gets_through(raw, text, encoding):
    found = decoded(raw)
    if text is not None:
        assert found == (text, encoding)
    assert all(one.isprintable() for one in found[0])
    assert json.dumps(hex_head(raw, 16)) and raw[:1].hex() in hex_head(raw, 16)
