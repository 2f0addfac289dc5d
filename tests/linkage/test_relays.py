"""Writes to a relay: opened once, heard in any order, settled by hand, never going backward in silence."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.models import Change, Incident
from linkage import outbox, relays
from linkage.models import Delivery, Relay
from linkage.relays import AgencyReport
from linkage.states import CALLBACK_STATES, RANK, RelayState
from ocenter.accounts.principal import SYSTEM_ACTOR
from tests.linkage.wires import delivery_of, fresh, kinds, make_agency, make_incident, open_relay, queue

pytestmark = pytest.mark.django_db

KIM = {"kind": "user", "name": "kim"}


@pytest.fixture
def police(daejeon):
    return make_agency(daejeon, slug="police112")


def report(status, *, at=None, **more):
    return AgencyReport(status, at or timezone.now(), **more)


def hear(relay, status, **more):
    return relays.relay_hear(relay_id=relay.pk, report=report(status, **more))


def settle(relay, *, position=1, **outcome):
    """Settles a delivery as if it had been sent."""
    row = delivery_of(relay, position)
    row.attempts += 1
    row.save()
    claimed = outbox.Claim(row.pk, relay.pk, row.message, "", {}, row.attempts)
    outbox.settle(claimed, outbox.Outcome(timezone.now(), 5, **outcome))


def deliver(relay, position=1):
    settle(relay, position=position, receipt="R-1", status=202)


def refuse(relay, position=1):
    settle(relay, position=position, error="HTTP 422 Unprocessable Entity", permanent=True, status=422)


def by_hand(relay, note="told"):
    return relays.relay_call_by_hand(relay_id=relay.pk, actor=KIM, called_by="Kim", note=note)


def grow_old(relay, seconds=11):
    Delivery.objects.filter(relay=relay).update(created_at=timezone.now() - timedelta(seconds=seconds))


class TestOpening:
    def test_it_queues_one_create_message_and_tells_the_ledger(self, police):
        relay = open_relay(police)
        row = delivery_of(relay)
        assert (row.message, row.state, row.attempts) == ("create", "pending", 0)
        assert row.payload["relay"] == str(relay.pk)
        assert row.payload["callback_url"] == f"http://127.0.0.1:9/api/v1/relays/{relay.pk}/status"
        assert kinds(relay) == ["relay.requested"]

    def test_again_is_the_same_relay_and_sends_nothing(self, police):
        incident = make_incident(police.municipality)
        first, second = open_relay(police, incident), open_relay(police, incident)
        assert first.pk == second.pk
        assert Delivery.objects.count() == 1
        assert kinds(first) == ["relay.requested"]

    def test_after_a_failure_the_same_message_goes_under_the_same_key(self, police):
        incident = make_incident(police.municipality)
        relay = open_relay(police, incident)
        key = delivery_of(relay).pk
        refuse(relay)
        assert fresh(relay).state == "failed"
        open_relay(police, incident)
        assert (delivery_of(relay).pk, delivery_of(relay).state) == (key, "pending")
        assert (fresh(relay).state, fresh(relay).attention_at) == ("queued", None)
        assert kinds(relay) == ["relay.requested", "relay.attention", "relay.requested"]

    def test_two_agencies_are_told_apart(self, police, daejeon):
        incident = make_incident(daejeon)
        assert open_relay(police, incident).pk != open_relay(make_agency(daejeon), incident).pk


class TestHearing:
    def test_each_step_forward_is_one_ledger_row(self, police):
        relay = open_relay(police)
        deliver(relay)
        for status in ("accepted", "dispatched", "arrived", "closed"):
            assert hear(relay, status).state == status
        assert kinds(relay) == [
            "relay.requested", "relay.sent", "relay.accepted", "relay.dispatched", "relay.arrived", "relay.closed",
        ]  # fmt: skip

    def test_a_callback_may_overtake_the_receipt(self, police):
        relay = open_relay(police)
        hear(relay, "accepted")
        deliver(relay)
        assert (fresh(relay).state, fresh(relay).receipt) == ("accepted", "R-1")

    def test_repeated_and_late_ones_change_nothing(self, police):
        relay = open_relay(police)
        hear(relay, "arrived", unit="P-1")
        before, rows = fresh(relay), Change.objects.count()
        for status in ("arrived", "accepted", "dispatched"):
            hear(relay, status, unit="P-2", note="late")
        after = fresh(relay)
        assert (after.state, after.unit, after.note) == (before.state, "P-1", "")
        assert Change.objects.count() == rows

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(series=st.lists(st.sampled_from(sorted(CALLBACK_STATES)), min_size=1, max_size=12))
    def test_whatever_comes_in_whatever_order_the_state_climbs(self, police, series):
        relay = open_relay(police)
        deliver(relay)
        states = [hear(relay, status).state for status in series]
        ranks = [RANK[state] for state in states]
        assert ranks == sorted(ranks)
        real = len({RelayState.SENT, *states}) - 1
        assert len(kinds(relay)) == 2 + real
        assert states[-1] == fresh(relay).state

    def test_a_newer_position_of_the_unit_is_news(self, police):
        relay, now = open_relay(police), timezone.now()
        hear(relay, "dispatched", at=now, unit="P-1", lat=36.3, lon=127.3, eta_s=60)
        hear(relay, "dispatched", at=now + timedelta(seconds=2), lat=36.31, lon=127.31, eta_s=40)
        found = fresh(relay)
        assert (found.lat, found.lon, found.eta_s, found.unit) == (36.31, 127.31, 40, "P-1")
        assert kinds(relay)[-2:] == ["relay.dispatched", "relay.unit"]

    def test_an_older_position_is_none(self, police):
        relay, now = open_relay(police), timezone.now()
        hear(relay, "dispatched", at=now, lat=36.3, lon=127.3)
        hear(relay, "dispatched", at=now - timedelta(seconds=2), lat=36.9, lon=127.9)
        hear(relay, "dispatched", at=now, lat=36.9, lon=127.9)
        assert fresh(relay).lat == 36.3
        assert kinds(relay)[-1] == "relay.dispatched"

    def test_a_position_after_arrival_is_late(self, police):
        relay = open_relay(police)
        hear(relay, "arrived")
        hear(relay, "dispatched", lat=36.3, lon=127.3)
        assert fresh(relay).lat is None

    def test_an_unknown_relay_is_named_so(self, police):
        with pytest.raises(Relay.DoesNotExist):
            relays.relay_hear(relay_id="00000000-0000-0000-0000-000000000000", report=report("accepted"))

    def test_a_confirmed_incident_follows_its_agency(self, police):
        incident = make_incident(police.municipality)
        Incident.objects.filter(pk=incident.pk).update(status="confirmed")
        relay = open_relay(police, incident)
        seen = []
        for status in ("accepted", "dispatched", "closed"):
            hear(relay, status, result_code="RC-01")
            seen.append(Incident.objects.get(pk=incident.pk).status)
        assert seen == ["notified", "responding", "resolved"]


class TestAttention:
    def test_undelivered_for_ten_seconds_it_is_raised_once(self, police):
        relay = open_relay(police)
        assert relays.relays_raise_attention() == 0
        grow_old(relay)
        assert relays.relays_raise_attention() == 1
        assert relays.relays_raise_attention() == 0
        assert fresh(relay).attention_reason == "no answer"
        assert kinds(relay) == ["relay.requested", "relay.attention"]

    def test_the_last_error_says_why(self, police):
        relay = open_relay(police)
        settle(relay, error="HTTP 503 Service Unavailable", status=503)
        grow_old(relay)
        relays.relays_raise_attention()
        assert fresh(relay).attention_reason == "HTTP 503 Service Unavailable"

    def test_a_disabled_agency_is_named_as_the_reason(self, police):
        relay = open_relay(police)
        type(police).objects.filter(pk=police.pk).update(enabled=False)
        grow_old(relay)
        relays.relays_raise_attention()
        assert fresh(relay).attention_reason == "disabled"

    def test_delivery_clears_it(self, police):
        relay = open_relay(police)
        grow_old(relay)
        relays.relays_raise_attention()
        deliver(relay)
        assert (fresh(relay).attention_at, fresh(relay).attention_reason, fresh(relay).state) == (None, "", "sent")
        assert relays.relays_raise_attention() == 0

    def test_a_refusal_raises_it_at_once(self, police):
        relay = open_relay(police)
        refuse(relay)
        assert (fresh(relay).state, fresh(relay).attention_reason) == ("failed", "HTTP 422 Unprocessable Entity")

    def test_an_agency_that_answers_all_the_same_has_the_message(self, police):
        relay = open_relay(police)
        refuse(relay)
        hear(relay, "accepted")
        assert (fresh(relay).state, fresh(relay).attention_at) == ("accepted", None)
        assert delivery_of(relay).state == "delivered"

    def test_a_cancel_that_does_not_arrive_stays_in_sight_whatever_the_agency_says(self, police):
        relay = open_relay(police)
        deliver(relay)
        queue(relay, "cancel")
        refuse(relay, position=2)
        hear(relay, "dispatched")
        assert fresh(relay).attention_reason == "HTTP 422 Unprocessable Entity"

    def test_a_close_that_is_refused_by_an_agency_that_has_closed_needs_nobody(self, police):
        relay = open_relay(police)
        deliver(relay)
        queue(relay, "close")
        hear(relay, "closed")
        refuse(relay, position=2)
        assert (fresh(relay).state, fresh(relay).attention_at) == ("closed", None)

    def test_ended_it_is_left_alone(self, police):
        relay = open_relay(police)
        hear(relay, "declined")
        grow_old(relay)
        assert relays.relays_raise_attention() == 0


class TestByHand:
    def test_what_is_on_its_way_is_dropped(self, police):
        relay = open_relay(police)
        queue(relay, "update")
        grow_old(relay)
        relays.relays_raise_attention()
        by_hand(relay, note="Sergeant Lee took it")
        assert set(Delivery.objects.values_list("state", flat=True)) == {"dropped"}
        found = fresh(relay)
        assert (found.state, found.called_by, found.note) == ("by_hand", "Kim", "Sergeant Lee took it")
        assert found.attention_at is None
        assert kinds(relay)[-1] == "relay.by_hand"

    def test_a_failed_message_is_dropped_too(self, police):
        relay = open_relay(police)
        refuse(relay)
        by_hand(relay)
        assert (fresh(relay).state, delivery_of(relay).state) == ("by_hand", "dropped")

    def test_again_changes_nothing(self, police):
        relay = open_relay(police)
        by_hand(relay)
        rows = Change.objects.count()
        by_hand(relay, note="another")
        assert (fresh(relay).note, Change.objects.count()) == ("told", rows)

    def test_an_attempt_that_was_under_way_is_kept_but_changes_nothing(self, police):
        relay = open_relay(police)
        by_hand(relay)
        rows = Change.objects.count()
        deliver(relay)
        assert (fresh(relay).state, delivery_of(relay).state) == ("by_hand", "dropped")
        assert (fresh(relay).attempts, Change.objects.count()) == (1, rows)

    def test_the_agency_may_still_close_the_case(self, police):
        relay = open_relay(police)
        by_hand(relay)
        hear(relay, "accepted")
        assert fresh(relay).state == "by_hand"
        hear(relay, "closed", result_code="RC-01")
        assert fresh(relay).state == "closed"

    def test_after_the_agencys_end_there_is_nothing_to_call_about(self, police):
        relay = open_relay(police)
        hear(relay, "closed")
        by_hand(relay)
        assert fresh(relay).state == "closed"


def test_a_receiver_that_fails_undoes_the_change(police, monkeypatch):
    relay = open_relay(police)

    def break_down(**_):
        raise RuntimeError("no ledger")

    relays.relays_changed.connect(break_down)
    try:
        with pytest.raises(RuntimeError):
            hear(relay, "accepted")
    finally:
        relays.relays_changed.disconnect(break_down)
    assert fresh(relay).state == "queued"


def test_the_actor_of_a_row_is_who_did_it(police):
    relay = open_relay(police)
    hear(relay, "accepted")
    by_hand(relay)
    actors = [row.body["actor"] for row in Change.objects.order_by("seq")]
    assert actors == [SYSTEM_ACTOR, {"kind": "agency", "name": "police112"}, KIM]


class TestUpdates:
    def test_another_text_is_an_update_and_the_same_text_is_nothing(self, police):
        relay = open_relay(police, text="1층 연기")
        incident = Incident.objects.get(number=relay.subject)
        for text in ("1층 연기", "2층까지", "2층까지", ""):
            open_relay(police, incident, text=text)
        assert [one.message for one in relay.deliveries.order_by("position")] == ["create", "update"]
        assert delivery_of(relay, 2).payload["text"] == "2층까지"
        assert kinds(relay) == ["relay.requested"] * 2

    def test_an_ended_case_gets_none(self, police):
        relay = open_relay(police)
        hear(relay, "closed")
        open_relay(police, Incident.objects.get(number=relay.subject), text="again")
        assert relay.deliveries.count() == 1
