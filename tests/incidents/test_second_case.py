"""A second case at an agency that has ended its first: asked for by an operator, once, and followed by the incident."""

import pytest
from django.db import IntegrityError, transaction

from incidents import operations as op
from incidents.operations import NotAllowedNow
from incidents.relaying import compose
from linkage import cases, relays
from linkage.models import Delivery, Relay
from ocenter.accounts.principal import SYSTEM_ACTOR
from tests.incidents.cast import assert_ledger_is_whole, by, hear, kinds, last_change, open_incident

ENDS = ["closed", "declined", "cancelled"]


def tell(town, incident, *, anew=False, agency=None, text=""):
    request = compose(incident, agency or town.police, text=text)
    return op.incident_relay(number=incident.number, by=by(town.kim), request=request, anew=anew).incident


def told(incident):
    return list(Relay.objects.filter(subject=incident.number).order_by("created_at"))


@pytest.fixture
def theft(town):
    """An incident that 112 was told of, and that somebody has confirmed."""
    incident = open_incident(town, "CRM-02")
    tell(town, incident)
    op.incident_confirm(number=incident.number, by=by(town.kim))
    return incident


@pytest.mark.parametrize("word", ENDS)
def test_a_new_case_has_an_id_a_key_and_a_message_of_its_own(town, theft, word):
    hear(told(theft)[0], word, result_code="RC-02")
    if word == "closed":
        op.incident_reopen(number=theft.number, by=by(town.kim), reason="again")
    shown = tell(town, theft, anew=True)["relays"]
    assert [one["state"] for one in shown] == [word, "queued"] and shown[0]["id"] != shown[1]["id"]
    first, second = Delivery.objects.filter(message="create").order_by("created_at")
    assert first.pk != second.pk and second.payload["relay"] == shown[1]["id"] and second.payload["follows"] == shown[0]["id"]
    assert "follows" not in first.payload and second.position == 1
    assert second.payload["callback_url"].endswith(f"/relays/{shown[1]['id']}/status")
    assert last_change(theft).body["detail"]["anew"] is True
    assert_ledger_is_whole(town)


def test_called_by_hand_it_may_be_told_again(town, theft):
    relays.relay_call_by_hand(relay_id=told(theft)[0].pk, actor=by(town.kim).actor, called_by="kim", note="")
    assert [one["state"] for one in tell(town, theft, anew=True)["relays"]] == ["by_hand", "queued"]
    hear(told(theft)[0], "closed")
    assert [one.state for one in told(theft)] == ["closed", "queued"]


def test_without_anew_nothing_is_opened(town, theft):
    hear(told(theft)[0], "declined")
    with pytest.raises(NotAllowedNow) as refusal:
        tell(town, theft)
    assert "042-112" in refusal.value.detail and len(told(theft)) == 1


def test_anew_while_a_case_is_open_is_a_repeat(town, theft):
    rows = kinds(theft)
    for _ in range(2):
        tell(town, theft, anew=True)
    assert len(told(theft)) == 1 and Delivery.objects.count() == 1 and kinds(theft) == rows
    hear(told(theft)[0], "declined")
    tell(town, theft, anew=True)
    tell(town, theft, anew=True)
    assert len(told(theft)) == 2 and Delivery.objects.count() == 2


def test_words_to_the_second_case_are_an_update_of_it(town, theft):
    hear(told(theft)[0], "declined")
    tell(town, theft, anew=True)
    tell(town, theft, text="they are back")
    assert list(told(theft)[1].deliveries.order_by("position").values_list("message", flat=True)) == ["create", "update"]
    assert told(theft)[0].deliveries.count() == 1


def test_the_database_knows_one_open_case(town, theft):
    with pytest.raises(IntegrityError), transaction.atomic():
        Relay.objects.create(system=town.police, subject=theft.number, municipality=town.municipality)
    hear(told(theft)[0], "closed")
    Relay.objects.create(system=town.police, subject=theft.number, municipality=town.municipality)


def test_a_late_word_of_the_first_case_changes_nothing_of_the_second(town, theft):
    first = told(theft)[0]
    hear(first, "declined")
    tell(town, theft, anew=True)
    for word in ("accepted", "arrived", "closed"):
        hear(first, word)
    assert [one.state for one in told(theft)] == ["declined", "queued"]
    hear(told(theft)[1], "dispatched")
    assert [one.state for one in told(theft)] == ["declined", "dispatched"]


def status(incident):
    incident.refresh_from_db()
    return incident.status


def test_a_reopened_incident_follows_the_new_case_alone(town, theft):
    hear(told(theft)[0], "closed", result_code="RC-02")
    assert status(theft) == "resolved"
    caller = {"number": theft.number, "by": by(town.kim)}
    op.incident_reopen(**caller, reason="again")
    op.incident_acknowledge(**caller)
    op.incident_confirm(**caller)
    assert status(theft) == "confirmed"
    tell(town, theft, anew=True)
    hear(told(theft)[1], "accepted")
    assert status(theft) == "notified"
    hear(told(theft)[1], "arrived")
    assert status(theft) == "responding"
    hear(told(theft)[1], "closed", result_code="RC-05")
    assert (status(theft), theft.result_code) == ("resolved", "RC-05")


def test_an_agencys_own_case_ends_without_ending_ours(town, theft):
    """112 closes a case it opened here; what we opened there since goes on."""
    own = cases.case_open(
        system=town.disaster, subject=theft.number, reference="D-1", status_url="", actor=SYSTEM_ACTOR, detail={}
    )
    cases.case_end(relay=own, state="closed", result_code="", actor=SYSTEM_ACTOR)
    tell(town, theft, anew=True, agency=town.disaster)
    assert cases.case_relay(town.disaster, theft.number).pk == own.pk
    assert relays.relay_of(town.disaster, theft.number).pk != own.pk


def test_closing_waits_for_the_second_case(town, theft):
    hear(told(theft)[0], "declined")
    tell(town, theft, anew=True)
    with pytest.raises(NotAllowedNow):
        op.incident_close(number=theft.number, by=by(town.kim), result_code="RC-01")
    hear(told(theft)[1], "closed")
    assert op.incident_close(number=theft.number, by=by(town.kim), result_code="RC-01").incident["status"] == "closed"
