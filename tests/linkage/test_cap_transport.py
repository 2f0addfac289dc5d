"""Relays as CAP over real HTTP: what arrives fits the standard's schema, is signed, and is the same at every attempt."""

import asyncio
from datetime import UTC, datetime

import pytest
from aiohttp import web
from django.db import transaction
from lxml import etree
from standardwebhooks import Webhook

from incidents.relaying import compose, tell_agencies
from linkage import relays
from linkage.cap.incident import sender_of
from linkage.cap.model import NAMESPACE
from linkage.feeds import FEEDS
from linkage.signing import make_secret
from linkage.transports import TRANSPORTS, wire
from linkage.transports.base import NotSent, Outgoing, Target
from ocenter.accounts.principal import SYSTEM_ACTOR
from tests.linkage.caps import alert, xsd
from tests.linkage.wires import delivery_of, drain, fresh, in_turn, make_agency, make_due, make_incident, peer, status

SECRET = make_secret()
RELAY = "5f0e0b1c-0000-4000-8000-000000000001"


class Receiver:
    """A CAP receiver of somebody else's making: the standard's schema and XPath, nothing of ours."""

    def __init__(self, answer=None):
        self.answer = answer or (lambda: web.Response(status=201))
        self.messages = []

    def __call__(self, request, body):
        document = etree.fromstring(body)
        if request.content_type != "application/cap+xml" or not xsd().validate(document):
            return web.Response(status=422, text=str(xsd().error_log))
        self.messages.append(document)
        return self.answer()

    def said(self, name):
        return [one.findtext(f"{{{NAMESPACE}}}{name}") for one in self.messages]


def payload(message="create", **fields):
    incident = {
        "number": "30000-20261123-0007", "municipality": "30000", "code": "FIR-01", "family": "FIR", "grade": "G1", "status": "confirmed",
        "title": {"ko": "화재", "en": "Fire"}, "summary": "둔산동 상가 <화재> & 연기", "address": "대전 서구 둔산동", "place": "둔산동", "service": "dispatch_119",
        "lat": 36.35, "lon": 127.38, "occurred_at": "2026-11-23T01:00:00+00:00", **fields,
    }  # fmt: skip
    return {"relay": RELAY, "message": message, "incident": incident, "at": "2026-11-23T01:05:00+00:00", "opened_at": "2026-11-23T01:01:00+00:00"}


def post(endpoint, message="create", *, key="key-1", body=None, options=None):
    async def once():
        target = Target(1, "fire119", "cap", (SECRET,), "127.0.0.0/8", 5.0, options or {})
        async with wire.open_session(target) as session:
            return await TRANSPORTS["cap"].send(session, target, Outgoing(key, message, body or payload(message), endpoint))

    return asyncio.run(once())


def test_a_create_is_a_signed_alert_that_a_stranger_understands():
    receiver = Receiver()
    with peer(receiver) as agency:
        answer = post(agency.url, body=payload() | {"text": "사다리차 필요"})
    headers, body = agency.arrivals[0]["headers"], agency.arrivals[0]["body"]
    assert headers["Idempotency-Key"] == headers["webhook-id"] == "key-1"
    Webhook(SECRET).verify(body, headers, json_parse=False)
    (found,) = receiver.messages
    said = {one.tag.partition("}")[2]: one.text for one in found if len(one) == 0}
    assert said == {
        "identifier": f"30000-20261123-0007.{RELAY}", "sender": "ocenter.30000", "sent": "2026-11-23T10:01:00+09:00", "status": "Actual",
        "msgType": "Alert", "source": "ocenter", "scope": "Private", "addresses": "fire119", "code": "대한민국정부1.0",
        "note": "사다리차 필요", "incidents": "30000-20261123-0007",
    }  # fmt: skip
    ns = {"c": NAMESPACE}
    assert found.xpath("c:info/c:language/text()", namespaces=ns) == ["ko-KR", "en-US"]
    assert found.xpath("c:info[1]/c:eventCode/c:value/text()", namespaces=ns) == ["FIR-01", "FRW"]
    assert found.xpath("c:info[1]/c:area/c:circle/text()", namespaces=ns) == ["36.350000,127.380000 0.15"]
    assert found.xpath("c:info[1]/c:area/c:geocode/c:value/text()", namespaces=ns) == ["3000000000"]
    assert found.xpath("c:info[2]/c:event/text()", namespaces=ns) == ["Fire"]
    assert found.xpath("c:info[1]/c:description/text()", namespaces=ns) == ["둔산동 상가 <화재> & 연기"]
    assert answer.receipt == said["identifier"]


@pytest.mark.parametrize(("message", "kind"), [("update", "Update"), ("cancel", "Cancel"), ("close", "Cancel")])
def test_later_messages_name_the_alert_and_have_an_identity_of_their_own(message, kind):
    receiver = Receiver()
    bare = payload(message) | {"incident": {"number": "30000-20261123-0007", "status": "cancelled", "reason": "오인"}}
    with peer(receiver) as agency:
        post(agency.url)
        post(agency.url, message, key="key-2", body=payload(message) if message == "update" else bare)
        post(agency.url, message, key="key-2", body=payload(message) if message == "update" else bare)
    assert receiver.said("msgType") == ["Alert", kind, kind]
    first = f"ocenter.30000,30000-20261123-0007.{RELAY},2026-11-23T10:01:00+09:00"
    assert receiver.said("references") == [None, first, first]
    assert receiver.said("identifier")[1:] == ["30000-20261123-0007.key-2"] * 2
    assert agency.arrivals[1]["body"] == agency.arrivals[2]["body"]


def test_the_agency_may_know_us_by_another_name():
    receiver = Receiver()
    options = {"sender": "centre@daejeon.example", "sender_name": "대전", "addresses": "119 room"}
    with peer(receiver) as agency:
        post(agency.url, options=options)
    assert (receiver.said("sender"), receiver.said("addresses")) == (["centre@daejeon.example"], ["119 room"])


def test_a_demonstration_says_that_it_is_one_and_its_own_feed_would_not_believe_it(settings):
    settings.DEMO = True
    receiver = Receiver()
    with peer(receiver) as agency:
        post(agency.url)
    assert receiver.said("status") == ["Exercise"]
    assert list(FEEDS["cap"].records(agency.arrivals[0]["body"])) == []


ACK = alert(kind="Ack", identifier="ACK-1", references="a,b,2026-11-23T10:00:00+09:00")


@pytest.mark.parametrize(
    ("answer", "receipt"),
    [
        (lambda: web.json_response({"receipt": "R-1"}, status=202), "R-1"),
        (lambda: web.Response(status=201, headers={"Location": "/alerts/77"}), "/alerts/77"),
        (lambda: web.Response(body=ACK, content_type="application/cap+xml"), "ACK-1"),
        (lambda: web.Response(status=204), f"30000-20261123-0007.{RELAY}"),
        (lambda: web.Response(text="<html>" + "x" * 200_000), f"30000-20261123-0007.{RELAY}"),
        (lambda: web.json_response({"receipt": 5}), f"30000-20261123-0007.{RELAY}"),
    ],
)
def test_the_receipt_is_what_the_agency_calls_it_or_our_own_identifier(answer, receipt):
    with peer(Receiver(answer)) as agency:
        assert post(agency.url).receipt == receipt


def test_a_refusal_in_either_language_is_permanent():
    error = alert(kind="Error", references="a,b,2026-11-23T10:00:00+09:00", before="").replace(b"<references>", b"<note>unknown area</note><references>")
    for answer in (web.Response(body=error, content_type="application/cap+xml"), web.Response(status=422)):
        with peer(lambda request, body, said=answer: said) as agency, pytest.raises(NotSent) as caught:
            post(agency.url)
        assert caught.value.permanent
    with peer(status(503)) as agency, pytest.raises(NotSent) as caught:
        post(agency.url)
    assert not caught.value.permanent


def test_what_cannot_be_told_is_put_before_an_operator_and_not_tried_for_ever():
    with pytest.raises(NotSent) as caught:
        post("http://127.0.0.1:9/", body={"relay": RELAY, "incident": {}})
    assert caught.value.permanent and "cannot be told as CAP" in caught.value.reason


@pytest.mark.django_db(transaction=True)
def test_through_the_outbox_a_relay_is_opened_changed_and_withdrawn_in_order(daejeon, lanes):
    receiver = Receiver()
    faulty = in_turn(status(503), receiver)
    with peer(faulty) as there:
        agency = make_agency(daejeon, endpoint=there.url, transport="cap")
        incident = make_incident(daejeon, code="FIR-01")
        body = compose(incident, agency).payload
        with transaction.atomic():
            relay = relays.relay_open(system=agency, subject=incident.number, payload=body, actor=SYSTEM_ACTOR, detail={})
        drain(agency)
        make_due()
        drain(agency)
        assert there.arrivals[0]["body"] == there.arrivals[1]["body"]
        with_lock(lambda: tell_agencies(incident, "update"), incident)
        drain(agency)
        with_lock(lambda: tell_agencies(incident, "cancel", {"reason": "오인 신고"}), incident)
        drain(agency)
    assert receiver.said("msgType") == ["Alert", "Update", "Cancel"]
    assert receiver.said("references")[1] == receiver.said("references")[2]
    first = receiver.messages[0]
    sent = first.findtext(f"{{{NAMESPACE}}}sent")
    assert receiver.said("references")[1] == f"{sender_of(incident.number)},{incident.number}.{relay.pk},{sent}"
    assert abs((datetime.fromisoformat(sent) - datetime.now(UTC)).total_seconds()) < 60
    assert fresh(relay).receipt == f"{incident.number}.{relay.pk}" and delivery_of(relay, 3).state == "delivered"


def with_lock(work, incident):
    with transaction.atomic():
        relays.lock_subject(incident.number)
        work()
