"""What holds a lane: its breaker, its second way, its limit, a pause, a maintenance window; and that nothing is given up."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web
from django.utils import timezone
from standardwebhooks import Webhook

from linkage import breaker, outbox, relays
from linkage.models import Attempt, Delivery, LinkedSystem, MaintenanceWindow
from linkage.signing import make_secret
from ocenter.accounts.principal import SYSTEM_ACTOR
from tests.linkage.wires import (
    delivery_of,
    drain,
    fresh,
    kinds,
    make_agency,
    make_due,
    open_relay,
    peer,
    queue,
    receipt,
    status,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("lanes")]


def now_as(system):
    system.refresh_from_db()
    return breaker.state_of(system, timezone.now())


def later(system, **fields):
    LinkedSystem.objects.filter(pk=system.pk).update(**fields)


def raise_late():
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    return relays.relays_raise_attention()


class Moody:
    """An agency that is away or there, as told."""

    def __init__(self):
        self.away = True

    def __call__(self, request, body):
        return web.Response(status=503) if self.away else receipt(request, body)


def test_five_failures_in_a_row_open_it_and_nothing_more_is_sent(daejeon):
    with peer(status(503)) as agency:
        police = make_agency(daejeon, agency.url, max_concurrent=1)
        waiting = [open_relay(police) for _ in range(8)]
        drain(police)
        assert len(agency.arrivals) == breaker.OPENS_AFTER and now_as(police) == "open"
        drain(police)
        assert len(agency.arrivals) == breaker.OPENS_AFTER
    assert outbox.overdue_lanes(-60) == []
    assert raise_late() == 8 and {fresh(one).attention_reason for one in waiting} == {"HTTP 503 Service Unavailable"}


def test_half_open_one_message_tries_and_the_agency_that_is_back_gets_everything_at_once(daejeon):
    mood = Moody()
    with peer(mood) as agency:
        police = make_agency(daejeon, agency.url)
        waiting = [open_relay(police) for _ in range(12)]
        drain(police)
        tried = len(agency.arrivals)
        later(police, breaker_until=timezone.now() - timedelta(seconds=1))
        make_due()
        drain(police)
        assert len(agency.arrivals) == tried + 1 and now_as(police) == "open"
        mood.away = False
        later(police, breaker_until=timezone.now() - timedelta(seconds=1))
        make_due(waiting[0])
        drain(police)
        assert {fresh(one).state for one in waiting} == {"sent"} and now_as(police) == "closed"


def test_it_stays_open_longer_each_time(daejeon):
    police, at = make_agency(daejeon), timezone.now()
    spans = []
    for _ in range(breaker.OPENS_AFTER + 4):
        breaker.learn(police, [breaker.Try(False, police.endpoint)], at)
        if police.breaker_until:
            spans.append(round((police.breaker_until - at).total_seconds()))
            at = police.breaker_until
    assert spans == [5, 10, 20, 30, 30]
    assert breaker.learn(police, [breaker.Try(True, police.endpoint)], at) and police.breaker_failures == 0


def test_a_refusal_is_an_answer_and_keeps_it_closed(daejeon):
    with peer(status(422)) as agency:
        police = make_agency(daejeon, agency.url)
        for _ in range(7):
            open_relay(police)
        drain(police)
    assert len(agency.arrivals) == 7 and now_as(police) == "closed"


def test_one_that_says_when_to_come_again_is_there_and_is_not_asked_sooner(daejeon):
    with peer(status(429, headers={"Retry-After": "40"})) as agency:
        police = make_agency(daejeon, agency.url)
        for _ in range(7):
            open_relay(police)
        drain(police)
        drain(police)
    assert len(agency.arrivals) == 7 and now_as(police) == "closed"
    assert min(one.due_at for one in Delivery.objects.all()) > timezone.now() + timedelta(seconds=30)


def test_another_agencys_breaker_is_its_own(daejeon):
    with peer(status(500)) as bad, peer() as good:
        fire, police = make_agency(daejeon, bad.url), make_agency(daejeon, good.url)
        for _ in range(6):
            open_relay(fire)
        relay = open_relay(police)
        drain(fire, police)
    assert now_as(fire) == "open" and fresh(relay).state == "sent"


def test_the_second_endpoint_is_taken_when_the_first_does_not_answer_and_the_key_is_the_same(daejeon):
    with peer(status(502)) as first, peer() as second:
        police = make_agency(daejeon, first.url, secondary_endpoint=second.url)
        relay, following = open_relay(police), None
        drain(police)
        assert first.keys == second.keys == [str(delivery_of(relay).pk)] and fresh(relay).state == "sent"
        following = open_relay(police)
        drain(police)
        assert len(first.arrivals) == 1, "the lane stays on the second way for a while"
    assert fresh(following).state == "sent"
    assert list(Attempt.objects.order_by("pk").values_list("endpoint", flat=True)) == [first.url, second.url, second.url]


def test_after_a_while_the_first_way_is_tried_again(daejeon):
    with peer() as first, peer() as second:
        police = make_agency(daejeon, first.url, secondary_endpoint=second.url)
        later(police, secondary_until=timezone.now() - timedelta(seconds=1))
        open_relay(police)
        drain(police)
    assert (len(first.arrivals), len(second.arrivals)) == (1, 0)


def test_with_both_ways_dead_it_opens_and_nothing_is_given_up(daejeon):
    with peer(status(500)) as first, peer(status(500)) as second:
        police = make_agency(daejeon, first.url, secondary_endpoint=second.url)
        relay = open_relay(police)
        for _ in range(breaker.OPENS_AFTER):
            make_due()
            drain(police)
        assert now_as(police) == "open" and first.arrivals and second.arrivals
    assert delivery_of(relay).state == "pending" and raise_late() == 1


@pytest.mark.parametrize(
    ("hold", "reason"),
    [
        (lambda agency: later(agency, paused_at=timezone.now(), paused_by="admin"), "paused by admin"),
        (lambda agency: later(agency, enabled=False), "disabled"),
        (
            lambda agency: MaintenanceWindow.objects.create(
                system=agency, starts_at=timezone.now() - timedelta(minutes=1),
                ends_at=timezone.now() + timedelta(minutes=1), reason="교체",
            ),
            "maintenance until",
        ),
    ],
)  # fmt: skip
def test_a_lane_that_is_held_waits_in_front_of_an_operator(daejeon, hold, reason):
    with peer() as agency:
        police = make_agency(daejeon, agency.url)
        hold(police)
        relay = open_relay(police)
        assert drain(police) == [0] and outbox.overdue_lanes(-60) == []
        assert raise_late() == 1 and fresh(relay).attention_reason.startswith(reason)
        later(police, paused_at=None, enabled=True)
        MaintenanceWindow.objects.update(ends_at=timezone.now())
        drain(police)
    assert fresh(relay).state == "sent" and fresh(relay).attention_at is None


def test_a_window_that_is_over_or_yet_to_come_holds_nothing(daejeon):
    hour = timedelta(hours=1)
    with peer() as agency:
        police = make_agency(daejeon, agency.url)
        for start in (timezone.now() - 2 * hour, timezone.now() + hour):
            MaintenanceWindow.objects.create(system=police, starts_at=start, ends_at=start + hour, reason="x")
        open_relay(police)
        assert drain(police) == [1]


def test_never_more_at_once_than_the_agency_takes_whoever_sends(daejeon):
    at_once, most = 0, 0

    async def measured(request, body):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        return receipt(request, body)

    with peer(measured) as agency:
        police = make_agency(daejeon, agency.url, max_concurrent=3)
        for _ in range(12):
            open_relay(police)
        elsewhere = outbox.claim(police.pk, 2)  # another process has two on the wire
        drain(police)
        assert len(elsewhere) == 2 and most == 1
        Delivery.objects.update(lease_until=None)
        for _ in range(4):
            open_relay(police)
        drain(police)
    assert most == 3 and len(set(agency.keys)) == 16


def test_messages_of_a_relay_arrive_in_order_though_the_lane_is_wide(daejeon):
    seen = {}

    async def slow_first(request, body):
        message = Webhook(police.secret).verify(body, dict(request.headers))
        await asyncio.sleep(0.03 if message["message"] == "create" else 0)
        seen.setdefault(message["relay"], []).append(message["message"])
        return receipt(request, body)

    with peer(slow_first) as agency:
        police = make_agency(daejeon, agency.url)
        opened = [open_relay(police) for _ in range(6)]
        for message in ("update", "update", "close"):
            for relay in opened:
                queue(relay, message)
        drain(police)
    assert list(seen.values()) == [["create", "update", "update", "close"]] * 6
    assert kinds(opened[0]) == ["relay.requested", "relay.sent", "relay.updated", "relay.updated", "relay.updated"]


def test_while_a_secret_is_rotated_both_hold_and_afterwards_only_the_new_one(daejeon):
    old, new = make_secret(), make_secret()
    with peer() as agency:
        police = make_agency(daejeon, agency.url, secret=old)
        police.sealed_previous_secret, police.secret = police.sealed_secret, new
        police.previous_secret_until = timezone.now() + timedelta(hours=1)
        police.save()
        open_relay(police)
        drain(police)
        sent = agency.arrivals[0]
        for secret in (old, new):
            Webhook(secret).verify(sent["body"], sent["headers"])
        later(police, previous_secret_until=timezone.now())
        open_relay(police)
        drain(police)
    Webhook(new).verify(agency.arrivals[1]["body"], agency.arrivals[1]["headers"])
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(old).verify(agency.arrivals[1]["body"], agency.arrivals[1]["headers"])


def test_answers_are_settled_together_and_one_that_cannot_be_does_not_hold_the_others(daejeon):
    with peer() as agency:
        police = make_agency(daejeon, agency.url)
        good, bad = open_relay(police), open_relay(police)

        def refuse(*, changes, **_):
            if any(one.relay.pk == bad.pk and one.kind == "relay.sent" for one in changes):
                raise RuntimeError("no ledger for this one")

        relays.relays_changed.connect(refuse)
        try:
            drain(police)
        finally:
            relays.relays_changed.disconnect(refuse)
        assert (fresh(good).state, fresh(bad).state) == ("sent", "queued")
        Delivery.objects.update(lease_until=None)
        drain(police)
    assert fresh(bad).state == "sent" and kinds(bad) == ["relay.requested", "relay.sent"]


def test_called_by_hand_settles_what_waits_behind_an_open_breaker(daejeon):
    police = make_agency(daejeon)
    later(police, breaker_until=timezone.now() + timedelta(minutes=1), breaker_failures=5)
    relay = open_relay(police)
    raise_late()
    relays.relay_call_by_hand(relay_id=relay.pk, actor=SYSTEM_ACTOR, called_by="김운영", note="전화함")
    assert fresh(relay).state == "by_hand" and delivery_of(relay).state == "dropped" and drain(police) == [0]
