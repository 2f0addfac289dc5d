"""A handover's life: written, signed, frozen, countersigned or sent back; who may, in which order, and what shows."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from incidents import operations as op
from incidents.work import Invalid
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry
from services.shifts import documents, handovers
from services.shifts.duties import Refused
from services.shifts.models import Handover
from services.shifts.payloads import handover_payload
from tests.incidents.cast import assert_ledger_is_whole, by, kinds, open_incident
from tests.services.shifts.cast import at_once, begin, countersign, draft, send_back, sign, signed


def again(handover):
    return Handover.objects.select_related("municipality", "written_by", "outgoing", "incoming", "returned_by").get(pk=handover.pk)


def tamper(handover, **columns):
    """Changes a row behind the trigger's back, as only the table's owner could."""
    changes = ", ".join(f"{name} = %s" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shifts_handover DISABLE TRIGGER handover_stays")
        cursor.execute(f"UPDATE shifts_handover SET {changes} WHERE id = %s", [*columns.values(), handover.pk])
        cursor.execute("ALTER TABLE shifts_handover ENABLE TRIGGER handover_stays")


def refusal_of(call, *args, **named):
    with pytest.raises(Refused) as refusal:
        call(*args, **named)
    return refusal.value


def test_it_is_written_from_the_present_at_one_cursor(town):
    begin(town.kim)
    incident = open_incident(town)
    handover = draft(town.kim)
    assert (handover.state, handover.crew, handover.version, handover.written_by) == ("draft", "A", 1, town.kim)
    # The incident's row was the last; the handover's own comes after what it tells of.
    assert handover.content["cursor"].rpartition(":")[2] == str(incident.version)
    assert kinds(town)[-1] == "shift.handover_written"
    (row,) = next(one["rows"] for one in handover.content["sections"] if one["name"] == "open")
    assert row["subject"] == incident.number and row["last"]["kind"] == "incident.opened"


def test_writing_again_refreshes_and_keeps_the_notes(town):
    begin(town.kim)
    first = draft(town.kim)
    noted = handovers.handover_note(handover_id=first.pk, by=by(town.kim), version=1, notes="  정문 열쇠는 서랍에  ")
    open_incident(town)
    fresh = draft(town.kim)
    assert (fresh.pk, fresh.version, fresh.notes) == (first.pk, 3, "정문 열쇠는 서랍에") and noted.version == 2
    assert fresh.content["sections"] != first.content["sections"]
    assert Handover.objects.count() == 1


def test_who_is_not_on_duty_writes_and_signs_nothing(town):
    assert refusal_of(draft, town.kim).handover is None
    handover = signed(town)
    refusal_of(countersign, town.auditor, handover)
    refusal_of(send_back, town.auditor, handover)
    assert not AuditEntry.objects.filter(action=documents.COUNTERSIGNED).exists()


def test_both_sign_and_it_is_archived(town):
    handover = signed(town)
    assert handover.state == "signed" and handover.content == {}
    assert handover.digest == hashlib.sha256(handover.frozen.encode()).hexdigest()
    document = json.loads(handover.frozen)
    assert document["outgoing"]["username"] == "kim" and document["municipality"] == "30000" and document["sections"]
    archived = countersign(town.park, handover)
    assert (archived.state, archived.incoming, archived.incoming_crew) == ("archived", town.park, "B")
    assert archived.digest == handover.digest and archived.seal and documents.check(again(archived)) == []
    entries = {one.action: one for one in AuditEntry.objects.filter(subject=f"handover:{handover.pk}")}
    assert entries[documents.SIGNED].detail == {"digest": handover.digest} and entries[documents.SIGNED].actor == "user:kim"
    assert entries[documents.COUNTERSIGNED].detail == {"digest": handover.digest, "seal": archived.seal}
    assert audit.verify().whole
    assert kinds(town)[-2:] == [documents.SIGNED, documents.COUNTERSIGNED]
    assert_ledger_is_whole(town)


def test_what_happens_afterwards_is_not_in_what_was_signed(town):
    handover = signed(town)
    open_incident(town)
    town.kim.display_name = "another name"
    town.kim.save()
    payload = handover_payload(again(handover))
    assert payload["outgoing"]["name"] == "kim" and payload["wrong"] == []
    assert next(one["total"] for one in payload["sections"] if one["name"] == "open") == 0
    archived = countersign(town.park, handover)
    town.park.display_name = "renamed"
    town.park.save()
    payload = handover_payload(again(archived))
    assert payload["incoming"]["name"] == "park" and payload["incoming"]["crew"] == "B" and payload["wrong"] == []


def test_one_person_cannot_sign_twice(town):
    handover = signed(town)
    begin(town.kim, "B")
    refusal = refusal_of(countersign, town.kim, handover)
    assert refusal.handover.pk == handover.pk and again(handover).state == "signed"


def test_the_shift_that_hands_over_does_not_take_over(town):
    handover = signed(town)
    refusal_of(countersign, town.lee, handover)
    assert again(handover).state == "signed"


def test_another_shift_neither_writes_nor_signs_for_the_outgoing(town):
    begin(town.kim, "A"), begin(town.park, "B")
    handover = draft(town.kim)
    refusal_of(sign, town.park, handover)
    refusal_of(handovers.handover_note, handover_id=handover.pk, by=by(town.park), version=1, notes="x")
    assert again(handover).version == 1


def test_a_signature_names_what_it_has_read(town):
    begin(town.kim), begin(town.park, "B")
    read = draft(town.kim)
    draft(town.kim)
    assert refusal_of(sign, town.kim, read).handover.version == 2
    handover = sign(town.kim, again(read))
    refusal_of(handovers.handover_countersign, handover_id=handover.pk, by=by(town.park), digest="0" * 64)
    assert again(handover).state == "signed"


def test_an_old_draft_is_refreshed_before_it_is_signed(town):
    begin(town.kim)
    handover = draft(town.kim)
    Handover.objects.update(written_at=timezone.now() - timedelta(minutes=15, seconds=1))
    refusal_of(sign, town.kim, handover)
    assert sign(town.kim, draft(town.kim)).state == "signed"


def test_nothing_is_signed_twice_and_nothing_before_its_turn(town):
    begin(town.kim), begin(town.park, "B")
    handover = draft(town.kim)
    refusal_of(countersign, town.park, handover)
    refusal_of(send_back, town.park, handover)
    handover = sign(town.kim, handover)
    refusal_of(sign, town.kim, handover)
    refusal_of(handovers.handover_note, handover_id=handover.pk, by=by(town.kim), version=1, notes="late")
    assert refusal_of(draft, town.park).handover.pk == handover.pk
    archived = countersign(town.park, handover)
    for call in (sign, countersign, send_back):
        refusal_of(call, town.lee if call is sign else town.park, archived)
    assert again(handover).seal == archived.seal
    assert draft(town.park).pk != handover.pk


def test_sent_back_it_is_written_anew_with_its_notes(town):
    begin(town.kim), begin(town.park, "B")
    handover = draft(town.kim)
    handover = handovers.handover_note(handover_id=handover.pk, by=by(town.kim), version=1, notes="열쇠는 서랍에")
    handover = sign(town.kim, handover)
    open_incident(town)
    fresh = send_back(town.park, handover)
    old = again(handover)
    assert (old.state, old.returned_by, old.reason) == ("returned", town.park, "카메라 고장이 빠졌음") and documents.check(old) == []
    assert (fresh.state, fresh.replaces_id, fresh.notes, fresh.crew) == ("draft", old.pk, "열쇠는 서랍에", "A")
    assert next(one["total"] for one in fresh.content["sections"] if one["name"] == "open") == 1
    assert countersign(town.park, sign(town.kim, fresh)).state == "archived"
    assert audit.verify().whole


def test_sending_back_needs_a_reason(town):
    handover = signed(town)
    for reason in ("", "   ", "x" * 301, "a\0b"):
        with pytest.raises(Invalid):
            send_back(town.park, handover, reason)
    assert again(handover).state == "signed" and Handover.objects.count() == 1


def test_what_is_frozen_the_database_refuses_to_change(town):
    handover = signed(town)
    for changes in ({"frozen": "{}"}, {"digest": "0" * 64}, {"notes": "x"}, {"outgoing": town.lee}, {"crew": "C"}, {"state": "draft"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Handover.objects.filter(pk=handover.pk).update(**changes)
    archived = countersign(town.park, handover)
    for changes in ({"seal": "0" * 64}, {"incoming": town.lee}, {"state": "signed"}, {"reason": "x"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Handover.objects.filter(pk=archived.pk).update(**changes)
    with pytest.raises(DatabaseError), transaction.atomic():
        Handover.objects.filter(pk=archived.pk).delete()
    assert documents.check(again(archived)) == []


def test_tampering_shows(town):
    archived = countersign(town.park, signed(town))
    frozen = archived.frozen
    changed = frozen.replace('"crew":"A"', '"crew":"C"')
    assert changed != frozen
    tamper(archived, frozen=changed)
    assert documents.check(again(archived)) == ["document"]
    # With a digest to fit, the countersignature and the audit chain still know better.
    tamper(archived, digest=documents.digest_of(changed))
    assert documents.check(again(archived)) == ["seal", "audit"]
    forged = archived.countersigned.replace(archived.digest, documents.digest_of(changed))
    tamper(archived, countersigned=forged, seal=documents.digest_of(forged))
    assert documents.check(again(archived)) == ["audit"]
    tamper(archived, frozen=frozen, digest=archived.digest, countersigned=archived.countersigned.replace("park", "lee"))
    assert "seal" in documents.check(again(archived))


def test_a_document_that_was_changed_is_not_countersigned(town):
    handover = signed(town)
    tamper(handover, frozen=handover.frozen.replace('"crew":"A"', '"crew":"C"'))
    refusal_of(countersign, town.park, handover)
    assert again(handover).state == "signed"


def test_of_several_who_sign_at_once_one_does(town):
    begin(town.kim), begin(town.lee), begin(town.park, "B")
    handover = draft(town.kim)
    results = at_once(lambda: sign(town.kim, handover), lambda: sign(town.lee, handover), lambda: sign(town.kim, handover))
    done = [one for one in results if isinstance(one, Handover)]
    lost = [one for one in results if isinstance(one, Refused)]
    assert len(done) == 1 and len(lost) == 2
    assert all(one.handover.state == "signed" and one.handover.outgoing == done[0].outgoing for one in lost)
    assert AuditEntry.objects.filter(action=documents.SIGNED).count() == 1


def test_taking_over_and_sending_back_at_once_are_settled(town):
    handover = signed(town)
    begin(town.auditor, "B")
    results = at_once(
        lambda: countersign(town.park, handover), lambda: countersign(town.auditor, handover), lambda: send_back(town.lee, handover)
    )
    assert sum(isinstance(one, Handover) for one in results) == 1
    assert [type(one) for one in results if not isinstance(one, Handover)] == [Refused, Refused]
    assert again(handover).state in ("archived", "returned") and documents.check(again(handover)) == []
    assert Handover.objects.filter(state="draft").count() == (again(handover).state == "returned")


def test_two_who_write_at_once_share_one_draft(town):
    begin(town.kim), begin(town.lee)
    results = at_once(lambda: draft(town.kim), lambda: draft(town.lee), lambda: draft(town.kim))
    assert {one.pk for one in results} == {Handover.objects.get().pk} and Handover.objects.get().version == 3


def test_towns_do_not_wait_for_each_other(town, other):
    first, second = signed(town), signed(other)
    assert first.pk != second.pk
    for call in (countersign, send_back):
        with pytest.raises(Handover.DoesNotExist):
            call(other.park, first)
    with pytest.raises(Handover.DoesNotExist):
        sign(other.kim, first)


def test_it_is_true_at_its_cursor_while_the_room_goes_on(town):
    """Somebody acknowledges all the while: whatever the draft says of an incident is its last row up to the cursor."""
    begin(town.lee)
    incidents = [open_incident(town) for _ in range(6)]

    def work():
        for one in incidents:
            op.incident_acknowledge(number=one.number, by=by(town.kim))

    _, written = at_once(work, lambda: [draft(town.lee) for _ in range(4)])
    for handover in written:
        rows = next(one["rows"] for one in handover.content["sections"] if one["name"] == "open")
        upto = int(handover.content["cursor"].rpartition(":")[2])
        for row in rows:
            newest = op.Incident.objects.get(number=row["subject"]).changes.filter(seq__lte=upto).order_by("-seq").first()
            assert row["last"]["kind"] == newest.kind
            assert row["who"] == ("kim" if newest.kind == "incident.acknowledged" else "")
