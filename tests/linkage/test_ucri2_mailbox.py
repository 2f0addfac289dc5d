"""What comes back by UCRI2: receive, apply in PostgreSQL, and only then commit. Against a module of our own."""

import asyncio
import threading
import uuid
from contextlib import contextmanager

import orjson
import pytest
from django.db import connection, transaction
from django.utils import timezone

from incidents import documents
from incidents.intake_queue import IntakeQueue
from incidents.models import Incident
from linkage import cases
from linkage.feeds import FEEDS, collector
from linkage.feeds.base import NotUsable
from linkage.models import Attempt, LinkedSystem, Quarantined, Relay
from linkage.transports.ucri2 import client, mailbox
from tests.linkage.ucri2_wires import (
    MODULE,
    OTHERS,
    OURS,
    THEIRS,
    PartnerClient,
    data_of,
    make_partner,
    module,
    now,
    relay_to,
)
from tests.linkage.wires import delivery_of, drain, eventually, fresh, kinds, make_incident

pytestmark = pytest.mark.usefixtures("lanes")
MISSION = {
    "internalId": "E-4711", "classifications": ["B3"], "issue": "Wohnungsbrand", "flashingLights": True,
    "additionalInformation": "2 Personen vermisst", "startTimestamp": "2026-11-23T03:00:00Z",
    "missionLocation": {
        "coordinate": {"lat": 36.35, "lon": 127.38}, "floor": "3. OG",
        "address": {"street": "Lindenweg", "houseNumber": "7", "postalCode": "99000", "city": "Neustadt"},
    },
    "informers": [{"name": "Kim", "phone": "+82 10 1234 5678"}],
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    client._tokens.clear()
    monkeypatch.setattr(mailbox, "PAUSES_S", (0.05,))
    monkeypatch.setattr(mailbox, "WAIT_S", 1)


@pytest.fixture
def ucrm():
    with module() as one:
        yield one


@pytest.fixture
def partner(daejeon, ucrm):
    return make_partner(daejeon, ucrm.base, ucrm.keys[OURS])


@pytest.fixture
def room(ucrm):
    """The partner's own client."""
    return PartnerClient(ucrm.base, THEIRS, "partner", key=ucrm.keys[THEIRS])


async def accepting(document, content_type):
    raise AssertionError("no incident was expected")


@contextmanager
def intake(system):
    """The way into the real intake, as the collector gives it to a format."""
    queue = IntakeQueue()

    async def take(document, content_type):
        return await documents.document_take(
            queue, system=system, format_name="ucri2", document=document, content_type=content_type
        )

    yield take
    asyncio.run(queue._database.close())


@contextmanager
def listening(*systems, take=accepting):
    """The collector's part: each system's format listens, on a loop of its own, until the block ends."""
    loop, ended = asyncio.new_event_loop(), []

    async def one(system):
        try:
            await FEEDS["ucri2"].listen(documents.link_of(system), take)
        except Exception as error:
            ended.append(error)

    def run():
        asyncio.set_event_loop(loop)
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())
        connection.close()

    tasks = [loop.create_task(one(system)) for system in systems]
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield ended
    finally:
        for task in tasks:
            loop.call_soon_threadsafe(task.cancel)
        thread.join(5)
        assert not thread.is_alive()
        loop.close()


def sent_relay(partner, **more):
    relay = relay_to(partner, **more)
    drain(partner)
    assert fresh(relay).state == "sent"
    return relay


def emptied(ucrm, oid=OURS):
    return eventually(lambda: not ucrm.boxes[oid], what="the mailbox was not emptied")


def reasons():
    return [row.errors[0]["message"] for row in Quarantined.objects.order_by("pk")]


def test_a_relay_is_accepted_and_completed(ucrm, partner, room):
    relay = sent_relay(partner)
    with listening(partner):
        room.acknowledge(OURS, str(relay.pk), cause="Einsatz F-99 eröffnet")
        eventually(lambda: fresh(relay).state == "accepted")
        room.complete(OURS, str(relay.pk), additionalInformation="Feuer aus")
        eventually(lambda: fresh(relay).state == "closed")
        emptied(ucrm)

    relay = fresh(relay)
    assert (relay.result_code, relay.note) == ("RC-01", "Feuer aus")
    assert kinds(relay) == ["relay.requested", "relay.sent", "relay.accepted", "relay.closed"]
    assert LinkedSystem.objects.get().last_error == ""


def test_a_refusal_says_why_and_an_aborted_mission_resolves_nothing(ucrm, partner, room):
    refused, aborted = sent_relay(partner), sent_relay(partner)
    room.acknowledge(OURS, str(refused.pk), "rejected", cause="nicht zuständig")
    room.complete(OURS, str(aborted.pk), "aborted")
    with listening(partner):
        emptied(ucrm)

    assert (fresh(refused).state, fresh(refused).note) == ("declined", "nicht zuständig")
    assert (fresh(aborted).state, fresh(aborted).result_code) == ("cancelled", "")


def test_nothing_is_committed_before_it_is_applied(ucrm, partner, room):
    relay, seen = sent_relay(partner), []

    def look(request, answer):
        worker = threading.Thread(target=lambda: (seen.append(fresh(relay).state), connection.close()))
        worker.start()
        worker.join()
        return answer

    ucrm.plan["commit"] = [look]
    room.acknowledge(OURS, str(relay.pk))
    with listening(partner):
        eventually(lambda: seen)
    assert seen == ["accepted"]


def test_killed_before_the_commit_everything_comes_again_and_changes_nothing(ucrm, partner, room):
    relay = sent_relay(partner)

    async def hang(request, answer):
        await asyncio.sleep(30)

    kept_commit, ucrm._commit = ucrm._commit, hang
    room.acknowledge(OURS, str(relay.pk))
    for _ in range(2):
        with listening(partner):
            before = ucrm.calls.count("commit")
            eventually(lambda: ucrm.calls.count("commit") > before)
        assert fresh(relay).state == "accepted" and len(ucrm.boxes[OURS]) == 1
    ucrm._commit = kept_commit
    with listening(partner):
        emptied(ucrm)
    assert kinds(relay).count("relay.accepted") == 1


def test_a_module_in_trouble_is_waited_for_and_shown(ucrm, partner, room):
    relay = sent_relay(partner)

    def broken(request, answer):
        raise RuntimeError

    ucrm.plan["receive"] = [broken] * 3
    room.acknowledge(OURS, str(relay.pk))
    with listening(partner):
        eventually(lambda: "mailbox: HTTP 500" in LinkedSystem.objects.get().last_error)
        eventually(lambda: fresh(relay).state == "accepted")
        eventually(lambda: LinkedSystem.objects.get().last_error == "")


def test_what_is_forged_changes_nothing_and_is_kept(ucrm, daejeon, partner, room):
    relay, other = sent_relay(partner), make_partner(daejeon, ucrm.base, ucrm.keys[OURS], "other", partner_oid=OTHERS)
    stranger = PartnerClient(ucrm.base, OTHERS, "other", key=ucrm.keys[OTHERS])
    said = {"sharedIncidentId": str(relay.pk), "acknowledgedByDispatcherAt": now(), "status": "accepted"}
    genuine = room.envelope(OURS, "incident_transfer", "acknowledgement", said)
    changed = {**genuine, "payload": {**genuine["payload"], "data": orjson.dumps({**said, "cause": "x"}).decode()}}
    report = room.envelope(
        OURS, "transport_layer_messages", "message_delivery_status",
        {"refMessageId": str(delivery_of(relay).pk), "destination": THEIRS, "statusCode": 504},
    )  # fmt: skip
    unsigned = {name: value for name, value in genuine.items() if name != "signature"}
    for one in (unsigned, changed, {**genuine, "source": OTHERS}, report, {**genuine, "source": "1.2.3"}):
        ucrm.deliver(OURS, one)
    stranger.acknowledge(OURS, str(relay.pk))  # genuine, but of a relay that is not theirs
    with listening(partner):
        emptied(ucrm)

    assert (fresh(relay).state, fresh(relay).attention_reason) == ("sent", "")
    assert [reason.split(" (")[0] for reason in reasons()] == [
        "it is not signed", "it was changed after it was signed", "its signature is not the sender's",
        "a report on deliveries comes from modules alone", "the registry knows no participant 1.2.3",
        f"{relay.pk} is no relay of ours to this partner",
    ]  # fmt: skip
    assert Quarantined.objects.filter(system=other).count() == 2, "each with the partner it names"


def test_a_partner_registered_as_not_signing_is_believed(ucrm, partner, room):
    relay, room.key = sent_relay(partner), None
    ucrm.unsigned.add(THEIRS)
    room.acknowledge(OURS, str(relay.pk))
    with listening(partner):
        eventually(lambda: fresh(relay).state == "accepted")


def test_a_key_changed_meanwhile_is_no_forgery(ucrm, partner, room):
    first, second = sent_relay(partner), sent_relay(partner)
    with listening(partner):
        room.acknowledge(OURS, str(first.pk))
        eventually(lambda: fresh(first).state == "accepted")
        ucrm.keys[THEIRS] = room.key = ucrm.keys[MODULE]
        room.acknowledge(OURS, str(second.pk))
        eventually(lambda: fresh(second).state == "accepted")


def test_what_nobody_understands_holds_nothing_up(ucrm, partner, room):
    relay = sent_relay(partner)
    room.send(OURS, "incident_transfer", "acknowledgement", {**_ack(relay), "status": "maybe"})
    room.send(OURS, "notification_text", "notification", {"sharedIncidentId": str(relay.pk), "notifications": "text"})
    ucrm.deliver(OURS, {**room.envelope(OURS, "incident_transfer", "acknowledgement", _ack(relay)), "payload": None})
    room.acknowledge(OURS, str(relay.pk), cause="NUL \x00 dazwischen")
    with listening(partner):
        emptied(ucrm)

    assert fresh(relay).state == "accepted" and fresh(relay).note == "NUL � dazwischen"
    assert len(reasons()) == 3


@pytest.mark.parametrize("poison", [{"description": "\ud800"}, {"x": {"sequenceId": 999}, "y": "\udfff"}])
def test_what_cannot_even_be_read_does_not_stop_the_mailbox(ucrm, partner, room, poison):
    first, second = sent_relay(partner), sent_relay(partner)
    room.acknowledge(OURS, str(first.pk))
    ucrm.deliver(OURS, {**room.envelope(OURS, "incident_transfer", "acknowledgement", _ack(first)), **poison})
    room.acknowledge(OURS, str(second.pk))
    with listening(partner):
        emptied(ucrm)

    assert (fresh(first).state, fresh(second).state) == ("accepted", "accepted")
    assert len(reasons()) == 1


def _ack(relay):
    return {"sharedIncidentId": str(relay.pk), "acknowledgedByDispatcherAt": now(), "status": "accepted"}


def test_a_text_is_noted_once(ucrm, partner, room):
    relay = sent_relay(partner)
    note = {"timestamp": now(), "message": "Zufahrt über Hof", "category": "information"}
    for _ in range(2):
        room.send(OURS, "notification_text", "notification", {"sharedIncidentId": str(relay.pk), "notifications": [note]})
    with listening(partner):
        emptied(ucrm)

    assert fresh(relay).note == "Zufahrt über Hof"
    assert kinds(relay) == ["relay.requested", "relay.sent", "relay.note"]


def test_what_the_module_could_not_hand_over_calls_an_operator_and_is_sent_again(ucrm, partner):
    relay = sent_relay(partner)
    key = str(delivery_of(relay).pk)
    with listening(partner):
        ucrm.report(OURS, key, 504, statusMessage="not within 10 seconds")
        eventually(lambda: len(ucrm.boxes[THEIRS]) == 2)
        emptied(ucrm)
        first, again = ucrm.boxes[THEIRS]
        assert first["messageId"] == again["messageId"] == key and again["timeout"] == mailbox.KEEP_S
        assert fresh(relay).attention_reason == "UCRI2: create not handed over: not within 10 seconds (504)"
        assert Attempt.objects.filter(delivery_id=key).count() == 2

        ucrm.report(OURS, key, 200)
        eventually(lambda: not fresh(relay).attention_at)
    assert kinds(relay) == ["relay.requested", "relay.sent", "relay.attention", "relay.sent"]


def test_a_report_that_crosses_the_partners_answer_calls_nobody(ucrm, partner, room):
    relay = sent_relay(partner)
    room.acknowledge(OURS, str(relay.pk))
    ucrm.report(OURS, str(delivery_of(relay).pk), 504)
    ucrm.report(OURS, str(uuid.uuid4()), 504)
    with listening(partner):
        emptied(ucrm)
    assert (fresh(relay).state, fresh(relay).attention_at, len(ucrm.boxes[THEIRS])) == ("accepted", None, 1)


def test_another_modules_refusal_is_shown_in_its_words_and_not_repeated(ucrm, partner):
    relay = sent_relay(partner)
    ucrm.report(OURS, str(delivery_of(relay).pk), 502, cause={"code": 466, "reason": "unsupported app"})
    with listening(partner):
        emptied(ucrm)
    assert fresh(relay).attention_reason == "UCRI2: create not handed over: unsupported app (502)"
    assert len(ucrm.boxes[THEIRS]) == 1


def test_a_partners_incident_opens_one_here_and_is_answered(ucrm, partner, room):
    shared = str(uuid.uuid4())
    said = {"sharedIncidentId": shared, "sentByDispatcherAt": now(), **MISSION}
    ids = {"message_id": str(uuid.uuid4())}
    for _ in range(2):  # the second is a repeat of the first
        room.send(OURS, "incident_transfer", "incident", said, **ids)
    with intake(partner) as take, listening(partner, take=take):
        emptied(ucrm)

    incident = Incident.objects.get()
    assert (incident.code, incident.system, incident.lat) == ("FIR-01", partner, 36.35)
    assert incident.summary == "Wohnungsbrand · 2 Personen vermisst · 3. OG"
    assert incident.address == "Lindenweg 7, 99000 Neustadt"
    event = incident.events.get()
    assert event.attributes["caller_tel_masked"] == "821-****-5678" and "1234" not in str(event.attributes)

    case = Relay.objects.get()
    assert (case.reference, case.state) == (shared, "accepted")
    drain(partner)
    (answer,) = room.receive()
    assert ucrm.keys[OURS].accepts(answer) and answer["messageId"] == str(delivery_of(case).pk)
    assert data_of(answer)["sharedIncidentId"] == shared and data_of(answer)["status"] == "accepted"


@pytest.mark.parametrize(("status", "end"), [("CLOSED", "completed_sucessfully"), ("CANCELLED", "aborted")])
def test_a_partners_case_is_told_how_it_goes_here(ucrm, partner, room, status, end):
    reference = str(uuid.uuid4())
    with transaction.atomic():
        number = make_incident(partner.municipality).number
        relay = cases.case_open(
            system=partner, subject=number, reference=reference, status_url=ucrm.base,
            actor={"kind": "agency", "name": "control-room"}, detail={},
        )  # fmt: skip
        for one in ("RECEIVED", "DISPATCHED", status):
            cases.status_queue(relay=relay, reference=reference, address=ucrm.base, status=one)
    drain(partner)

    accepted, text, ended = map(data_of, room.receive())
    assert {one["sharedIncidentId"] for one in (accepted, text, ended)} == {reference}
    assert (accepted["status"], text["notifications"][0]["category"], ended["status"]) == ("accepted", "dispatched", end)


def test_a_partner_without_an_ear_for_its_case_needs_no_operator(ucrm, partner):
    ucrm.apps[THEIRS] = ["incident_transfer"]
    with transaction.atomic():
        relay = cases.case_open(
            system=partner, subject=make_incident(partner.municipality).number, reference=str(uuid.uuid4()),
            status_url=ucrm.base, actor={"kind": "agency", "name": "control-room"}, detail={},
        )  # fmt: skip
        for one in ("RECEIVED", "DISPATCHED", "CLOSED"):
            cases.status_queue(relay=relay, reference=relay.reference, address=ucrm.base, status=one)
    drain(partner)
    assert fresh(relay).attention_at is None and len(ucrm.boxes[THEIRS]) == 2


def test_an_incident_that_cannot_be_taken_stays_the_partners(ucrm, partner, room):
    async def take(document, content_type):
        errors = [{"field": "lat", "message": "Out of range"}]
        return {"results": [{"id": "x", "status": "rejected", "incident": None, "errors": errors}]}

    said = {"sharedIncidentId": str(uuid.uuid4()), "sentByDispatcherAt": now(), **MISSION}
    sent = room.send(OURS, "incident_transfer", "incident", said)
    with listening(partner, take=take):
        emptied(ucrm)
    (answer,) = room.receive()
    assert answer["messageId"] == str(mailbox.refusal_id(uuid.UUID(sent["messageId"])))
    assert (data_of(answer)["status"], data_of(answer)["cause"]) == ("rejected", "lat: Out of range")


def test_an_intake_that_cannot_store_now_gets_the_incident_again(ucrm, partner, room):
    tries = []

    async def take(document, content_type):
        tries.append(document)
        if len(tries) < 3:
            raise RuntimeError("the database is away")
        return {"results": [{"id": "x", "status": "accepted", "incident": "n"}]}

    said = {"sharedIncidentId": str(uuid.uuid4()), "sentByDispatcherAt": now(), **MISSION}
    room.send(OURS, "incident_transfer", "incident", said)
    with listening(partner, take=take):
        emptied(ucrm)
    assert len(tries) == 3


def test_partners_share_a_mailbox_and_the_next_reads_on(ucrm, daejeon, partner, room):
    other = make_partner(daejeon, ucrm.base, ucrm.keys[OURS], "other", partner_oid=OTHERS)
    stranger = PartnerClient(ucrm.base, OTHERS, "other", key=ucrm.keys[OTHERS])
    ours, theirs = sent_relay(partner), sent_relay(other)
    room.acknowledge(OURS, str(ours.pk))
    stranger.acknowledge(OURS, str(theirs.pk))
    with listening(partner, other):
        emptied(ucrm)
        assert (fresh(ours).state, fresh(theirs).state) == ("accepted", "accepted")
        assert ucrm.calls.count("receive") <= 3, "one of the two reads for both"
        loop = next(iter(mailbox._mailboxes))[0]
        first = next(one for one in asyncio.all_tasks(loop) if one.get_coro().cr_frame.f_locals["system"] == partner)
        loop.call_soon_threadsafe(first.cancel)
        stranger.complete(OURS, str(theirs.pk))
        eventually(lambda: fresh(theirs).state == "closed")


def test_settings_that_cannot_work_end_the_listening_with_their_reason(ucrm, daejeon):
    bad = make_partner(daejeon, ucrm.base, ucrm.keys[OURS], own_oid="")
    with listening(bad) as ended:
        eventually(lambda: ended)
    assert "own_oid" in str(ended[0])


@pytest.mark.parametrize(
    ("said", "code"),
    [({"issue": "Wohnungsbrand"}, "FIR-01"), ({"issue": "Tragehilfe für Feuerwehr"}, "RES-01"),
     ({"issue": "Hilfe gebraucht in Brandenburg"}, "RES-01"), ({"classifications": ["VU"]}, "TRF-1"),
     ({"issue": "VU, Person eingeklemmt"}, "RES-01"), ({"issue": "Hochwasser"}, "DIS-09"),
     ({"issue": "Reanimation"}, "EMS-01"), ({"classifications": ["X9"], "issue": "Feuer"}, "DIS-10")],
)  # fmt: skip
def test_a_code_is_found_by_keywords_and_the_administrators_go_first(said, code):
    raw = {
        "messageId": str(uuid.uuid4()), "sequenceId": 1, "source": THEIRS, "destination": OURS,
        "payload": {
            "appId": "incident_transfer", "appVersion": "1.0", "schemaId": "incident",
            "contentType": "application/json",
            "data": orjson.dumps({**{"sharedIncidentId": str(uuid.uuid4()), "sentByDispatcherAt": "2026-11-23T03:00:00"}, **said}).decode(),
        },
    }  # fmt: skip
    feed = FEEDS["ucri2"]
    assert feed.recognises(orjson.dumps(raw)) and [one.raw for one in feed.records(orjson.dumps([raw]))] == [raw]
    link = documents.link_of(LinkedSystem(options={"codes": {"X9": "DIS-10"}}), timezone.now())
    event = feed.normalise(raw, link)
    assert (event["code"], event["lat"], event["occurred_at"]) == (code, None, "2026-11-23T03:00:00+00:00")
    with pytest.raises(NotUsable, match="appVersion|version"):
        feed.normalise({**raw, "payload": {**raw["payload"], "appVersion": "2.0"}}, link)


def test_the_collector_listens_to_a_partner_without_being_told_twice(ucrm, partner, room):
    relay, stop = sent_relay(partner), threading.Event()

    async def collecting():
        over = asyncio.Event()
        work = asyncio.create_task(collector.collect(over, lambda system: accepting))
        await asyncio.to_thread(stop.wait, 20)
        over.set()
        await work

    thread = threading.Thread(target=lambda: asyncio.run(collecting()), daemon=True)
    thread.start()
    try:
        room.acknowledge(OURS, str(relay.pk))
        eventually(lambda: fresh(relay).state == "accepted")
        assert partner.feed_format == ""
    finally:
        stop.set()
        thread.join(10)
