"""Claims are leases in order, settlements happen once, and retries keep to their ladder."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from linkage import outbox
from linkage.models import Attempt, Delivery, LinkedSystem
from tests.linkage.wires import delivery_of, fresh, kinds, make_agency, open_relay, queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def police(daejeon):
    return make_agency(daejeon, slug="police112")


def outcome(**more):
    return outbox.Outcome(timezone.now(), 7, **more)


TAKEN = {"receipt": "R-1", "status": 202, "response": '{"receipt": "R-1"}'}
AWAY = {"error": "HTTP 503 Service Unavailable", "status": 503}
REFUSED = {"error": "HTTP 404 Not Found", "status": 404, "permanent": True}


class TestClaiming:
    def test_what_is_due_is_leased_and_counted(self, police):
        relay = open_relay(police)
        (claimed,) = outbox.claim(police.pk, 8)
        assert (claimed.id, claimed.relay_id, claimed.attempt) == (delivery_of(relay).pk, relay.pk, 1)
        assert claimed.payload["relay"] == str(relay.pk)
        left = delivery_of(relay).lease_until - timezone.now()
        assert timedelta(seconds=outbox.LEASE_SECONDS - 2) < left <= timedelta(seconds=outbox.LEASE_SECONDS)

    def test_what_is_leased_is_not_claimed_again(self, police):
        open_relay(police)
        outbox.claim(police.pk, 8)
        assert outbox.claim(police.pk, 8) == []

    def test_a_lease_that_has_ended_hands_it_on_under_the_same_key(self, police):
        relay = open_relay(police)
        (first,) = outbox.claim(police.pk, 8)
        Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        (second,) = outbox.claim(police.pk, 8)
        assert (second.id, second.attempt) == (first.id, 2)
        assert delivery_of(relay).attempts == 2

    def test_what_is_not_due_waits(self, police):
        open_relay(police)
        Delivery.objects.update(due_at=timezone.now() + timedelta(seconds=5), attempts=1)
        assert outbox.claim(police.pk, 8) == []

    def test_a_clock_that_runs_ahead_delays_no_first_attempt(self, police):
        open_relay(police)
        Delivery.objects.update(due_at=timezone.now() + timedelta(seconds=5))
        assert len(outbox.claim(police.pk, 8)) == 1

    def test_oldest_first_and_no_more_than_asked(self, police):
        relays = [open_relay(police) for _ in range(3)]
        assert [one.relay_id for one in outbox.claim(police.pk, 2)] == [one.pk for one in relays[:2]]

    def test_within_a_relay_only_the_first_unsettled_one(self, police):
        relay = open_relay(police)
        cancel = queue(relay, "cancel")
        (create,) = outbox.claim(police.pk, 8)
        assert create.id == delivery_of(relay, 1).pk
        assert outbox.claim(police.pk, 8) == []
        outbox.settle(create, outcome(**TAKEN))
        assert [one.id for one in outbox.claim(police.pk, 8)] == [cancel.pk]

    def test_nothing_overtakes_what_failed(self, police):
        relay = open_relay(police)
        queue(relay, "update")
        (create,) = outbox.claim(police.pk, 8)
        outbox.settle(create, outcome(**REFUSED))
        assert outbox.claim(police.pk, 8) == []

    def test_another_relay_does_not_wait_for_it(self, police):
        open_relay(police)
        (create,) = outbox.claim(police.pk, 8)
        outbox.settle(create, outcome(**AWAY))
        other = open_relay(police)
        assert [one.relay_id for one in outbox.claim(police.pk, 8)] == [other.pk]

    def test_a_disabled_agencys_lane_yields_nothing_until_it_is_enabled(self, police):
        open_relay(police)
        LinkedSystem.objects.update(enabled=False)
        assert outbox.claim(police.pk, 8) == []
        assert outbox.overdue_lanes(0) == []
        LinkedSystem.objects.update(enabled=True)
        assert len(outbox.claim(police.pk, 8)) == 1


class TestSettling:
    def test_taken_is_delivered_with_its_receipt_and_the_attempt_kept(self, police):
        relay = open_relay(police)
        (claimed,) = outbox.claim(police.pk, 8)
        outbox.settle(claimed, outcome(**TAKEN))
        row, found = delivery_of(relay), fresh(relay)
        assert (row.state, row.lease_until) == ("delivered", None)
        assert row.settled_at is not None
        assert (found.state, found.receipt, found.attempts) == ("sent", "R-1", 1)
        attempt = Attempt.objects.get()
        assert (attempt.number, attempt.status, attempt.duration_ms, attempt.error) == (1, 202, 7, "")
        assert LinkedSystem.objects.get(pk=police.pk).last_contact_at is not None

    def test_what_may_pass_is_put_off(self, police):
        relay = open_relay(police)
        (claimed,) = outbox.claim(police.pk, 8)
        outbox.settle(claimed, outcome(**AWAY))
        row = delivery_of(relay)
        assert (row.state, row.lease_until) == ("pending", None)
        assert timedelta(0) < row.due_at - timezone.now() < timedelta(seconds=1.3)
        assert (fresh(relay).state, fresh(relay).attention_at) == ("queued", None)
        assert LinkedSystem.objects.get(pk=police.pk).last_error == AWAY["error"]

    def test_what_is_refused_stands_before_an_operator_at_once(self, police):
        relay = open_relay(police)
        (claimed,) = outbox.claim(police.pk, 8)
        outbox.settle(claimed, outcome(**REFUSED))
        assert (delivery_of(relay).state, fresh(relay).state) == ("failed", "failed")
        assert fresh(relay).attention_reason == REFUSED["error"]
        assert kinds(relay) == ["relay.requested", "relay.attention"]

    def test_settled_twice_it_changes_nothing_but_keeps_both_attempts(self, police):
        relay = open_relay(police)
        (claimed,) = outbox.claim(police.pk, 8)
        outbox.settle(claimed, outcome(**TAKEN))
        for late in (TAKEN, AWAY, REFUSED):
            outbox.settle(claimed, outcome(**late))
        assert (delivery_of(relay).state, fresh(relay).state, fresh(relay).attempts) == ("delivered", "sent", 4)
        assert Attempt.objects.count() == 4
        assert kinds(relay) == ["relay.requested", "relay.sent"]

    def test_what_the_peer_said_is_kept_short_and_storable(self, police):
        open_relay(police)
        (claimed,) = outbox.claim(police.pk, 8)
        outbox.settle(claimed, outcome(error="x" * 1000, status=500, response="a\x00b" + "y" * 10_000))
        attempt = Attempt.objects.get()
        assert len(attempt.error) == 300
        assert attempt.response.startswith("a�b")
        assert len(attempt.response) == outbox.RESPONSE_KEPT


class TestContact:
    def contact(self, police, **more):
        open_relay(police)
        outbox.settle(outbox.claim(police.pk, 1)[0], outcome(**more))
        return LinkedSystem.objects.get(pk=police.pk)

    def test_an_answer_ends_an_error_at_once(self, police):
        assert self.contact(police, **AWAY).last_error == AWAY["error"]
        answered = self.contact(police, **TAKEN)
        assert answered.last_error == ""
        assert answered.last_contact_at is not None

    def test_the_same_news_is_written_every_few_seconds_only(self, police):
        first = self.contact(police, **TAKEN).last_contact_at
        assert self.contact(police, **TAKEN).last_contact_at == first
        LinkedSystem.objects.update(last_contact_at=first - outbox.CONTACT_EVERY)
        assert self.contact(police, **TAKEN).last_contact_at > first

    def test_another_error_is_news(self, police):
        self.contact(police, **AWAY)
        assert self.contact(police, **REFUSED).last_error == REFUSED["error"]


class TestRetries:
    @pytest.mark.parametrize(
        ("attempt", "seconds"), [(1, 1), (2, 2), (3, 5), (4, 10), (5, 20), (6, 30), (7, 30), (100, 30)]
    )
    def test_the_ladder(self, attempt, seconds):
        delays = [outbox.retry_delay_s(attempt) for _ in range(200)]
        assert seconds * 0.8 <= min(delays) < max(delays) <= seconds * 1.2
        assert len({round(one, 6) for one in delays}) > 100, "agencies that come back are not called all at once"

    def test_the_agencys_own_wish_is_kept(self):
        assert outbox.retry_delay_s(1, 45) == 45
        assert outbox.retry_delay_s(6, 1) >= 24, "never sooner than the ladder"

    def test_but_not_for_ever(self):
        assert outbox.retry_delay_s(1, float("inf")) == 300

    def test_it_is_written_as_the_next_due_time(self, police):
        relay = open_relay(police)
        (claimed,) = outbox.claim(police.pk, 8)
        outbox.settle(claimed, outcome(**AWAY, retry_after_s=45.0))
        assert timedelta(seconds=40) < delivery_of(relay).due_at - timezone.now() <= timedelta(seconds=45)


class TestOverdueLanes:
    def test_new_deliveries_are_the_workers_for_a_moment(self, police):
        open_relay(police)
        assert outbox.overdue_lanes(1.0) == []
        Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=2))
        assert outbox.overdue_lanes(1.0) == [police.pk]

    def test_retries_are_nobodys_but_the_sweepers(self, police):
        open_relay(police)
        Delivery.objects.update(attempts=1)
        assert outbox.overdue_lanes(1.0) == [police.pk]

    def test_a_living_lease_is_left_alone_and_an_ended_one_is_not(self, police):
        open_relay(police)
        outbox.claim(police.pk, 8)
        assert outbox.overdue_lanes(0) == []
        Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert outbox.overdue_lanes(1.0) == [police.pk]

    def test_each_lane_is_named_once(self, police, daejeon):
        fire = make_agency(daejeon)
        for agency in (police, police, fire):
            open_relay(agency)
        assert outbox.overdue_lanes(-1) == sorted([police.pk, fire.pk])


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_drainers_never_claim_the_same(self, police):
        LinkedSystem.objects.filter(pk=police.pk).update(max_concurrent=64)
        keys = {delivery_of(open_relay(police)).pk for _ in range(40)}
        gate = threading.Barrier(4)

        def take(_):
            gate.wait()
            try:
                taken = []
                while claims := outbox.claim(police.pk, 3):
                    taken += [one.id for one in claims]
                return taken
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            taken = [key for one in pool.map(take, range(4)) for key in one]
        assert sorted(taken) == sorted(keys)

    def test_two_answers_to_the_same_settle_it_once(self, police):
        relay = open_relay(police)
        (claimed,) = outbox.claim(police.pk, 8)
        gate = threading.Barrier(2)

        def settle(_):
            gate.wait()
            try:
                outbox.settle(claimed, outcome(**TAKEN))
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(settle, range(2)))
        assert kinds(relay) == ["relay.requested", "relay.sent"]
        assert (fresh(relay).attempts, Attempt.objects.count()) == (2, 2)
