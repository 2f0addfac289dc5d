"""Our relays through the public UCRI2 reference server and back: software nobody here wrote.

Skipped where `OCENTER_UCRI2_SOURCE` names no checkout of it; see `ucri2_reference.py`.
"""

import urllib.error
import uuid

import pytest

from incidents.models import Incident
from linkage.models import Quarantined
from linkage.transports.ucri2 import client, mailbox
from tests.linkage.test_ucri2_mailbox import MISSION, intake, listening
from tests.linkage.ucri2_reference import reference
from tests.linkage.ucri2_wires import OURS, THEIRS, PartnerClient, data_of, make_partner, now, relay_to
from tests.linkage.wires import delivery_of, drain, eventually, fresh, kinds, make_due, queue

pytestmark = pytest.mark.usefixtures("lanes")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    client._tokens.clear()
    monkeypatch.setattr(mailbox, "PAUSES_S", (0.1,))
    # Its check of who waits runs ten times a second; a listener that ends soon keeps the tests short.
    monkeypatch.setattr(mailbox, "WAIT_S", 2)


@pytest.fixture(scope="module")
def ucrm(tmp_path_factory):
    with reference(tmp_path_factory.mktemp("ucrm")) as one:
        yield one


@pytest.fixture
def partner(daejeon, ucrm):
    return make_partner(daejeon, ucrm.base, ucrm.keys[OURS])


@pytest.fixture
def room(ucrm):
    """A partner's own client; what earlier tests left in the mailboxes is taken out first."""
    one = PartnerClient(ucrm.base, THEIRS, "partner", key=ucrm.keys[THEIRS])
    ours = PartnerClient(ucrm.base, OURS, "ocenter", key=ucrm.keys[OURS])
    for mail in (one, ours):
        while left := mail.receive():
            mail.commit(left[-1]["sequenceId"])
    return one


def test_a_relay_goes_through_it_and_comes_back_accepted_and_completed(ucrm, partner, room):
    relay = relay_to(partner)
    drain(partner)
    assert fresh(relay).state == "sent"

    with listening(partner):
        (envelope,) = eventually(room.receive)
        assert ucrm.keys[OURS].accepts(envelope) and envelope["messageId"] == str(delivery_of(relay).pk)
        room.commit(envelope["sequenceId"])
        shared = data_of(envelope)["sharedIncidentId"]
        room.acknowledge(OURS, shared, cause="Einsatz F-99")
        eventually(lambda: fresh(relay).state == "accepted")
        room.complete(OURS, shared, additionalInformation="Feuer aus")
        eventually(lambda: fresh(relay).state == "closed")

    assert kinds(relay) == ["relay.requested", "relay.sent", "relay.accepted", "relay.closed"]
    assert not Quarantined.objects.exists()
    assert f"sending delivery success message for messageId {delivery_of(relay).pk}" in ucrm.says()


def test_every_message_of_ours_passes_its_schemas(ucrm, partner, room):
    nowhere = relay_to(partner, lat=None, lon=None, address="", place="", grade="G4")
    for message in ("update", "cancel", "close"):
        queue(nowhere, message)
    for _ in range(4):
        drain(partner)
    assert [one.state for one in nowhere.deliveries.all()] == ["delivered"] * 4
    assert [one["payload"]["schemaId"] for one in room.receive()] == ["incident"] + ["notification"] * 3


def test_it_passes_a_repeat_on_under_the_same_id(ucrm, partner, room):
    relay = relay_to(partner)
    drain(partner)
    delivery = delivery_of(relay)
    delivery.state = "pending"  # as after a reply that was lost
    delivery.save()
    make_due(relay)
    drain(partner)

    first, again = room.receive()
    assert first["messageId"] == again["messageId"] and first["sequenceId"] < again["sequenceId"]


def test_a_partner_that_is_away_calls_the_operator_and_gets_it_later(ucrm, partner, room):
    relay = relay_to(partner)
    with listening(partner):
        drain(partner)
        eventually(lambda: fresh(relay).attention_reason.endswith("(504)"), seconds=15)
        first, again = eventually(lambda: (found := room.receive())[1:] and found)
        assert first["messageId"] == again["messageId"]
        room.commit(again["sequenceId"])
        eventually(lambda: not fresh(relay).attention_at)
    assert kinds(relay) == ["relay.requested", "relay.sent", "relay.attention", "relay.sent"]


def test_restarted_it_has_forgotten_our_token_and_nothing_is_noticed(ucrm, partner, room):
    drain(partner)
    relay_to(partner)
    drain(partner)
    held = dict(client._tokens)
    ucrm.kill()
    waits = relay_to(partner)
    drain(partner)
    assert fresh(waits).state == "queued"
    ucrm.start()
    make_due(waits)
    # Its configuration keeps the secret, so the token would do; one of before another secret would not.
    for account, token in held.items():
        client._tokens[account] = client._Token(token.text[:-2] + "AA", token.renew_at)
    drain(partner)
    assert fresh(waits).state == "sent" and fresh(waits).attempts == 2


def test_it_refuses_what_it_does_not_know_in_words_an_operator_reads(ucrm, daejeon):
    stranger = make_partner(daejeon, ucrm.base, ucrm.keys[OURS], "stranger", partner_oid="1.2.276.1.99")
    foreign = make_partner(daejeon, ucrm.base, ucrm.keys[OURS], "foreign", own_oid=THEIRS)
    locked = make_partner(daejeon, ucrm.base, ucrm.keys[OURS], "locked", password="wrong")
    relays = [relay_to(one) for one in (stranger, foreign, locked)]
    drain(stranger, foreign, locked)
    assert [fresh(one).attention_reason.split(":")[0] for one in relays] == ["UCRI2 470", "UCRI2 478", "UCRI2 475"]


def test_a_partners_incident_comes_in_and_is_answered(ucrm, partner, room):
    shared = str(uuid.uuid4())
    with intake(partner) as take, listening(partner, take=take):
        said = {"sharedIncidentId": shared, "sentByDispatcherAt": now(), **MISSION}
        room.send(OURS, "incident_transfer", "incident", said)
        incident = eventually(lambda: Incident.objects.first())
    assert (incident.code, incident.system) == ("FIR-01", partner)
    drain(partner)
    (answer,) = room.receive()
    assert ucrm.keys[OURS].accepts(answer)
    assert (data_of(answer)["sharedIncidentId"], data_of(answer)["status"]) == (shared, "accepted")


def test_the_partner_of_these_tests_is_held_to_the_schemas_too(ucrm, room):
    with pytest.raises(urllib.error.HTTPError) as refused:
        room.acknowledge(OURS, str(uuid.uuid4()), "perhaps")
    assert refused.value.code == 400
