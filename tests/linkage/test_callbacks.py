"""What agencies call: `POST /api/v1/relays/{id}/status`, over HTTP, signed, in any order, as often as they like."""

import itertools
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from incidents.models import Change
from linkage.models import LinkedSystem
from linkage.signing import make_secret
from linkage.states import CALLBACK_STATES, RANK
from tests.accounts.cast import make_user
from tests.linkage.wires import fresh, kinds, make_agency, open_relay, queue

pytestmark = pytest.mark.django_db

_ids = itertools.count(1)


@pytest.fixture
def police(daejeon):
    return make_agency(daejeon, slug="police112")


@pytest.fixture
def relay(police):
    return open_relay(police)


def body_of(status, **more):
    return {"status": status, "at": timezone.now().isoformat(), **more}


def call(client, relay, body, *, secret=None, at=None, headers=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    now, message_id = at or datetime.now(UTC), f"cb-{next(_ids)}"
    signature = Webhook(secret or relay.system.secret).sign(message_id, now, raw.decode("utf-8", "replace"))
    signed = {
        "webhook-id": message_id, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature
    }  # fmt: skip
    url = f"/api/v1/relays/{relay.pk}/status"
    return client.post(url, raw, content_type="application/json", headers=signed if headers is None else headers)


def test_a_signed_report_is_applied(client, relay):
    answer = call(client, relay, body_of("dispatched", unit="순23", eta_s=90, lat=36.3, lon=127.4, note="출동"))
    assert (answer.status_code, answer.json()) == (
        200, {"relay": str(relay.pk), "status": "dispatched", "received": True},
    )  # fmt: skip
    found = fresh(relay)
    assert (found.state, found.unit, found.eta_s, found.lat, found.note) == ("dispatched", "순23", 90, 36.3, "출동")
    assert Change.objects.last() is not None
    assert kinds(relay)[-1] == "relay.dispatched"


def test_repeated_late_and_disordered_ones_get_the_same_answer(client, relay):
    call(client, relay, body_of("closed", result_code="RC-01"))
    rows = Change.objects.count()
    for status in sorted(CALLBACK_STATES):
        answer = call(client, relay, body_of(status))
        assert (answer.status_code, answer.json()["received"]) == (200, True)
    assert (fresh(relay).state, Change.objects.count()) == ("closed", rows)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(series=st.lists(st.sampled_from(sorted(CALLBACK_STATES)), min_size=1, max_size=8))
def test_any_series_over_http_ends_at_its_furthest(client, police, series):
    relay = open_relay(police)
    answers = {call(client, relay, body_of(status)).status_code for status in series}
    assert answers == {200}
    ends = [status for status in series if RANK[status] == RANK["closed"]]
    furthest = ends[0] if ends else max(series, key=RANK.__getitem__)
    assert fresh(relay).state == furthest


def test_a_callback_ends_an_operators_worry(client, relay):
    relay.attention_reason, relay.attention_at = "no answer", timezone.now()
    relay.save()
    call(client, relay, body_of("accepted"))
    assert fresh(relay).attention_at is None


def test_but_not_about_a_message_the_agency_has_not_got(client, relay):
    cancel = queue(relay, "cancel")
    cancel.state = "failed"
    cancel.save()
    relay.attention_reason, relay.attention_at = "HTTP 500", timezone.now()
    relay.save()
    call(client, relay, body_of("accepted"))
    assert (fresh(relay).state, fresh(relay).attention_reason) == ("accepted", "HTTP 500")


class TestRefused:
    def test_a_forged_signature(self, client, relay):
        answer = call(client, relay, body_of("accepted"), secret=make_secret())
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
        assert fresh(relay).state == "queued"

    def test_another_agencys_signature(self, client, relay, daejeon):
        assert call(client, relay, body_of("accepted"), secret=make_agency(daejeon).secret).status_code == 401

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_a_stale_or_future_one(self, client, relay, minutes):
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        assert call(client, relay, body_of("accepted"), at=at).status_code == 401
        assert fresh(relay).state == "queued"

    @pytest.mark.parametrize(
        "headers",
        [{}, {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,"},
         {"webhook-id": "x", "webhook-timestamp": "nan", "webhook-signature": "junk"}],
    )  # fmt: skip
    def test_no_signature_to_speak_of(self, client, relay, headers):
        assert call(client, relay, body_of("accepted"), headers=headers).status_code == 401

    def test_a_body_changed_on_the_way(self, client, relay):
        good, at = json.dumps(body_of("accepted")), datetime.now(UTC)
        headers = {
            "webhook-id": "m", "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(relay.system.secret).sign("m", at, good),
        }  # fmt: skip
        assert call(client, relay, body_of("closed"), headers=headers).status_code == 401

    def test_an_agency_without_a_secret_is_not_believed(self, client, relay):
        secret = relay.system.secret
        LinkedSystem.objects.update(sealed_secret="")
        assert call(client, relay, body_of("accepted"), secret=secret).status_code == 401

    def test_a_session_or_a_key_is_no_signature(self, client, relay, daejeon):
        client.force_login(make_user("kim", daejeon))
        assert call(client, relay, body_of("accepted"), headers={}).status_code == 401

    def test_an_unknown_relay(self, client, relay):
        relay.pk = uuid.uuid4()
        assert call(client, relay, body_of("accepted")).status_code == 404

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"status": "sent"}, "status"), ({"status": None}, "status"), ({"at": "now"}, "at"), ({"at": None}, "at"),
            ({"at": "2026-11-23T10:00:00"}, "at"), ({"eta_s": -1}, "eta_s"), ({"eta_s": "soon"}, "eta_s"),
            ({"lat": 91}, "lat"), ({"lat": True}, "lat"), ({"lon": "127"}, "lon"), ({"unit": "x" * 61}, "unit"),
            ({"note": "a\x00b"}, "note"), ({"result_code": "x" * 21}, "result_code"),
        ],
    )  # fmt: skip
    def test_what_is_no_report_is_refused_by_field(self, client, relay, change, field):
        answer = call(client, relay, {**body_of("accepted"), **change})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == field
        assert fresh(relay).state == "queued"

    @pytest.mark.parametrize("raw", [b"", b"not json", b"[]", b'"accepted"', b"{}"])
    def test_what_is_no_object_is_refused(self, client, relay, raw):
        assert call(client, relay, raw).status_code == 400


def test_what_an_agency_adds_of_its_own_is_let_pass(client, relay):
    assert call(client, relay, body_of("accepted", crew=4)).status_code == 200


def test_a_disabled_agency_may_still_say_how_it_ended(client, relay):
    LinkedSystem.objects.update(enabled=False)
    assert call(client, relay, body_of("accepted")).status_code == 200
