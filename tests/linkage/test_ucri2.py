"""Relays going out by UCRI2, against a module of our own (`ucri2_wires.Module`) that refuses what the
specification does not allow. The public reference server has its own file."""

import asyncio
import base64
import io
import json
import uuid
from datetime import timedelta
from html import unescape

import pytest
from aiohttp import web
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from linkage import admin_actions, relays
from linkage.transports.ucri2 import client
from ocenter.accounts.principal import SYSTEM_ACTOR
from tests.accounts.cast import make_city
from tests.linkage.ucri2_wires import OURS, PASSWORD, THEIRS, Key, data_of, digest, make_partner, module, relay_to
from tests.linkage.wires import delivery_of, drain, fresh, make_due, queue

pytestmark = pytest.mark.usefixtures("lanes")


@pytest.fixture(autouse=True)
def no_tokens():
    client._tokens.clear()


@pytest.fixture
def ucrm():
    with module() as one:
        yield one


@pytest.fixture
def partner(daejeon, ucrm):
    return make_partner(daejeon, ucrm.base, ucrm.keys[OURS])


def said_to_partner(ucrm):
    return [data_of(one) for one in ucrm.boxes[THEIRS]]


def cut(request, answer):
    """The module has done it, and its reply is lost."""
    request.transport.close()
    return answer


def html(status):
    return lambda request, answer: web.Response(status=status, text="<h1>nginx</h1>", content_type="text/html")


def test_a_relay_arrives_signed_and_in_the_protocols_words(ucrm, partner):
    relay = relay_to(partner)
    drain(partner)

    (envelope,) = ucrm.boxes[THEIRS]
    assert (envelope["source"], envelope["destination"], envelope["ack"]) == (OURS, THEIRS, "ALL")
    assert envelope["messageId"] == str(delivery_of(relay).pk)
    assert ucrm.keys[OURS].accepts(envelope) and not ucrm.keys[THEIRS].accepts(envelope)
    said = data_of(envelope)
    assert said["sharedIncidentId"] == str(relay.pk) and said["internalId"] == relay.subject
    assert said["classifications"] == ["FIR-01", "G1"] and said["flashingLights"] is True
    assert said["issue"] == "화재 · 3층에서 연기" and said["startTimestamp"] == "2026-11-23T03:00:00Z"
    assert said["missionLocation"]["coordinate"] == {"lat": 36.35, "lon": 127.38}
    assert said["missionLocation"]["address"] == {"street": "대전 서구 둔산로 100", "country": "KR"}
    assert said["protocolRemarks"][0]["message"] == "2층에 사람이 있음"
    assert fresh(relay).state == "sent" and fresh(relay).receipt == envelope["messageId"]


def test_a_place_nobody_knows_is_said_and_holds_nothing_up(ucrm, partner):
    relay = relay_to(partner, lat=None, lon=None, address="", place="")
    drain(partner)

    assert said_to_partner(ucrm)[0]["missionLocation"] == {"address": {"street": "위치 미상", "country": "KR"}}
    assert fresh(relay).state == "sent"


def test_a_signature_exactly_as_the_specification_words_it(ucrm, daejeon):
    relay_to(make_partner(daejeon, ucrm.base, ucrm.keys[OURS], signature="rfc8785"))
    drain(*daejeon.systems.all())

    (envelope,) = ucrm.boxes[THEIRS]
    assert not ucrm.keys[OURS].accepts(envelope)
    said = envelope["signature"].split(".")[1]
    assert base64.urlsafe_b64decode(said + "==").decode() == digest(envelope, twice=False)


def test_a_lost_reply_is_repeated_under_the_same_ids(ucrm, partner):
    relay = relay_to(partner)
    ucrm.plan["send"] = [cut]
    drain(partner)
    assert fresh(relay).state == "queued"
    make_due(relay)
    drain(partner)

    first, second = ucrm.boxes[THEIRS]
    assert first["messageId"] == second["messageId"]
    assert data_of(first)["sharedIncidentId"] == data_of(second)["sharedIncidentId"]
    assert fresh(relay).state == "sent" and fresh(relay).attempts == 2


def test_one_token_serves_many_messages_until_shortly_before_its_end(ucrm, partner, monkeypatch):
    for _ in range(3):
        relay_to(partner)
        drain(partner)
    assert ucrm.calls.count("token") == 1

    hour = client.time.time() + 3600 - client.RENEW_BEFORE_S
    monkeypatch.setattr(client.time, "time", lambda: hour + 1)
    relay_to(partner)
    drain(partner)
    assert ucrm.calls.count("token") == 2 and len(ucrm.boxes[THEIRS]) == 4


def test_a_token_the_module_has_forgotten_costs_no_attempt(ucrm, partner):
    relay_to(partner)
    drain(partner)
    ucrm.forget_tokens()
    relay = relay_to(partner)
    drain(partner)

    assert fresh(relay).state == "sent" and fresh(relay).attempts == 1
    assert ucrm.calls == ["token", "send", "send", "token", "send"]


def test_a_password_is_changed_without_a_gap(ucrm, daejeon, partner):
    partner.sealed_previous_secret = partner.sealed_secret
    partner.previous_secret_until = timezone.now() + timedelta(hours=1)
    partner.secret = json.dumps({"password": "neu", "key": ucrm.keys[OURS].jwk(private=True)})
    partner.save()
    relay = relay_to(partner)
    drain(partner)
    assert fresh(relay).state == "sent", "the old password is still in force"

    client._tokens.clear()
    ucrm.passwords["ocenter"] = {"neu"}
    relay = relay_to(partner)
    drain(partner)
    assert fresh(relay).state == "sent"


def test_wrong_credentials_go_to_the_operator_at_once(ucrm, partner):
    ucrm.passwords["ocenter"] = {"another"}
    relay = relay_to(partner)
    drain(partner)

    assert fresh(relay).state == "failed"
    assert "credentials" in fresh(relay).attention_reason
    assert ucrm.calls == ["token"]


@pytest.mark.parametrize(
    ("options", "word"),
    [({"own_oid": ""}, "own_oid"), ({"partner_oid": "police"}, "partner_oid"), ({"timeout_s": 5}, "timeout_s"),
     ({"username": "a:b"}, "colon"), ({"language": "fr"}, "language"), ({"country": "Korea"}, "country")],
)  # fmt: skip
def test_settings_that_cannot_work_are_named_and_nothing_is_sent(ucrm, daejeon, options, word):
    agency = make_partner(daejeon, ucrm.base, ucrm.keys[OURS], **options)
    relay = relay_to(agency)
    drain(agency)

    assert fresh(relay).state == "failed" and word in fresh(relay).attention_reason
    assert ucrm.calls == []


def test_unsigned_only_where_an_administrator_says_so(ucrm, daejeon):
    silent = make_partner(daejeon, ucrm.base, None, "silent")
    plain = make_partner(daejeon, ucrm.base, None, "plain", unsigned=True)
    refused, sent = relay_to(silent), relay_to(plain)
    drain(silent, plain)

    assert fresh(refused).state == "failed" and "signing key" in fresh(refused).attention_reason
    assert fresh(sent).state == "sent" and "signature" not in ucrm.boxes[THEIRS][0]


def test_the_password_alone_is_a_secret_too(ucrm, daejeon):
    agency = make_partner(daejeon, ucrm.base, None, unsigned=True)
    agency.secret = PASSWORD
    agency.save()
    relay = relay_to(agency)
    drain(agency)
    assert fresh(relay).state == "sent"


def test_what_the_partner_does_not_take_goes_to_the_operator(ucrm, partner):
    ucrm.apps[THEIRS] = []
    relay = relay_to(partner)
    drain(partner)

    assert fresh(relay).state == "failed"
    assert "UCRI2 466: the partner does not take this app" in fresh(relay).attention_reason


def test_an_unknown_partner_is_a_refusal_unless_the_module_is_starting(ucrm, daejeon, partner):
    ucrm.state = 1
    waits = relay_to(partner)
    drain(partner)
    assert fresh(waits).state == "queued" and delivery_of(waits).state == "pending"

    ucrm.state = 0
    make_due(waits)
    stranger = make_partner(daejeon, ucrm.base, ucrm.keys[OURS], "stranger", partner_oid="1.2.276.1.99")
    refused = relay_to(stranger)
    drain(partner, stranger)
    assert fresh(waits).state == "sent"
    assert fresh(refused).state == "failed" and "does not know the partner" in fresh(refused).attention_reason


@pytest.mark.parametrize("fault", [html(500), html(502), html(429), cut, lambda r, a: web.json_response([]), html(200)])
def test_what_may_pass_is_tried_again(ucrm, partner, fault):
    relay = relay_to(partner)
    ucrm.plan["send"] = [fault]
    drain(partner)
    assert delivery_of(relay).state == "pending"
    make_due(relay)
    drain(partner)
    assert fresh(relay).state == "sent"


def test_the_whole_attempt_has_one_deadline(ucrm, daejeon):
    agency = make_partner(daejeon, ucrm.base, ucrm.keys[OURS])
    agency.deadline_s = 1
    agency.save()

    async def late(request, answer):
        await asyncio.sleep(0.7)
        return answer

    ucrm.plan = {"token": [late], "send": [late]}  # each within the deadline, together beyond it
    relay = relay_to(agency)
    drain(agency)
    assert delivery_of(relay).state == "pending"
    assert relay.deliveries.get().tries.get().error == "no answer within 1 s"


@pytest.mark.parametrize(("message", "word"), [("update", "변경"), ("cancel", "취소"), ("close", "종료")])
def test_what_has_no_message_of_its_own_goes_as_a_text(ucrm, partner, message, word):
    relay = relay_to(partner)
    queue(relay, message)
    drain(partner)

    envelope = ucrm.boxes[THEIRS][1]
    assert (envelope["payload"]["appId"], envelope["payload"]["schemaId"]) == ("notification_text", "notification")
    said = data_of(envelope)
    assert said["sharedIncidentId"] == str(relay.pk)
    assert said["notifications"][0]["message"].startswith(f"{word}: {relay.subject}")
    assert said["notifications"][0]["category"] == message
    assert uuid.UUID(envelope["messageId"]) == delivery_of(relay, 2).pk


def test_an_operators_further_words_come_first(ucrm, partner):
    relay = relay_to(partner)
    with transaction.atomic():
        payload = {**delivery_of(relay).payload, "text": "2명 구조됨"}
        relays.relay_open(system=partner, subject=relay.subject, payload=payload, actor=SYSTEM_ACTOR, detail={})
    drain(partner)
    assert said_to_partner(ucrm)[1]["notifications"][0]["message"].startswith(f"변경: {relay.subject} · 2명 구조됨 · FIR-01")


def test_a_partner_that_takes_no_texts_is_telephoned(ucrm, partner):
    ucrm.apps[THEIRS] = ["incident_transfer"]
    relay = relay_to(partner)
    queue(relay, "cancel")
    drain(partner)

    assert len(ucrm.boxes[THEIRS]) == 1
    assert fresh(relay).state == "sent" and "UCRI2 466" in fresh(relay).attention_reason


def test_keys_of_no_use_are_refused_by_name(daejeon, ucrm):
    public = make_partner(daejeon, ucrm.base, ucrm.keys[OURS])
    public.secret = json.dumps({"password": PASSWORD, "key": Key().jwk()})
    public.save()
    relay = relay_to(public)
    drain(public)
    assert "public half" in fresh(relay).attention_reason


def credentials(system, typed, monkeypatch, *arguments):
    """Runs the command with a line of standard input; returns the public key it prints."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    said = io.StringIO()
    call_command("ucri2_credentials", f"30000:{system.slug}", *arguments, stdout=said, stderr=io.StringIO())
    return json.loads(said.getvalue())


def test_credentials_are_set_sealed_and_kept_where_not_given_anew(ucrm, daejeon, monkeypatch, tmp_path):
    agency = make_partner(daejeon, ucrm.base, None)
    agency.secret = ""
    agency.save()
    first = credentials(agency, f"{PASSWORD}\n", monkeypatch)
    assert set(first) >= {"kty", "n", "e"} and not set(first) & {"d", "p", "q"}
    assert credentials(agency, "\n", monkeypatch) == first
    assert credentials(agency, "\n", monkeypatch, "--new-key") != first

    file = tmp_path / "key.json"
    file.write_text(json.dumps(ucrm.keys[OURS].jwk(private=True)))
    assert credentials(agency, "\n", monkeypatch, "--key", str(file))["n"] == ucrm.keys[OURS].jwk()["n"]
    relay = relay_to(agency)
    drain(agency)
    assert fresh(relay).state == "sent" and ucrm.keys[OURS].accepts(ucrm.boxes[THEIRS][0])
    agency.refresh_from_db()
    assert PASSWORD not in agency.sealed_secret and "kty" not in agency.sealed_secret


@pytest.mark.parametrize(("arguments", "word"), [(("--key", "/nowhere"), "nowhere"), ((), "password")])
def test_credentials_that_cannot_be_used_are_refused(ucrm, daejeon, monkeypatch, arguments, word):
    agency = make_partner(daejeon, ucrm.base, None)
    agency.secret = ""
    agency.save()
    with pytest.raises(CommandError, match=word):
        credentials(agency, "\n" if word == "password" else "x\n", monkeypatch, *arguments)
    agency.transport = "http_json"
    agency.save()
    with pytest.raises(CommandError, match="UCRI2"):
        credentials(agency, "x\n", monkeypatch)


def test_a_connection_test_asks_for_a_page_the_module_has(ucrm, partner):
    (result,) = asyncio.run(admin_actions._probe_all([partner]))
    assert result.ok and result.status == 401 and ucrm.calls == ["info"]


def test_the_admin_names_settings_that_cannot_work_and_keeps_the_key_beside_a_new_password(client, ucrm):
    city = make_city()
    partner = make_partner(city.municipality, ucrm.base, ucrm.keys[OURS])
    client.force_login(city.administrator)
    client.cookies["django_language"] = "en"
    page = reverse("admin:linkage_linkedsystem_change", args=[partner.pk])
    said = client.post(page, {
        "enabled": "on", "name_ko": "이웃", "name_en": "Neighbour", "transport": "ucri2", "endpoint": ucrm.base,
        "allowed_network": "127.0.0.0/8", "max_concurrent": "8", "deadline_s": "10", "options": '{"own_oid": "x"}',
    })  # fmt: skip
    assert "UCRI2 cannot work with these settings: the setting partner_oid is missing." in unescape(said.content.decode())

    client.post(reverse("admin:linkage_linkedsystem_set_secret", args=[partner.pk]), {"secret": "neu"})
    partner.refresh_from_db()
    held = json.loads(partner.secret)
    assert held["password"] == "neu" and held["key"]["n"] == ucrm.keys[OURS].jwk()["n"]
