"""Hypothesis looks for an order of callbacks that would move a relay back. In this process, by the real endpoint."""

import json
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from linkage.states import CALLBACK_STATES, RANK
from ocenter.accounts.models import Municipality
from tests.linkage.wires import fresh, kinds, make_agency, open_relay

pytestmark = pytest.mark.django_db

ENDS = {"closed", "declined", "cancelled"}


@pytest.fixture
def police(db):
    town = Municipality.objects.create(code="30000", name_ko="대전광역시", name_en="Daejeon", lat=36.35, lon=127.38)
    return make_agency(town, slug="police112")


def call(client, relay, status, message_id):
    now, body = datetime.now(UTC), json.dumps({"status": status, "at": "2026-11-23T20:04:13+09:00"})
    headers = {
        "webhook-id": message_id, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(relay.system.secret).sign(message_id, now, body),
    }  # fmt: skip
    answer = client.post(f"/api/v1/relays/{relay.pk}/status", body, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(sorted(CALLBACK_STATES)),
    repeats=st.lists(st.sampled_from(sorted(CALLBACK_STATES)), max_size=6),
)
def test_no_order_moves_a_relay_back(client, police, order, repeats):
    relay = open_relay(police)
    series = [*order, *repeats]
    ids = {status: f"msg-{uuid.uuid4()}" for status in order}
    answers = [call(client, relay, status, ids[status]) for status in series]
    assert all(code == 200 and body["status"] == status for (code, body), status in zip(answers, series, strict=True))
    assert len({json.dumps(body) for _, body in answers}) == len(order), "a repeat got another answer"
    # The first end that is told stays the end, whatever comes after.
    assert fresh(relay).state == next(status for status in order if status in ENDS)
    told = [RANK.get(kind.removeprefix("relay."), 0) for kind in kinds(relay)]
    assert told == sorted(set(told))
