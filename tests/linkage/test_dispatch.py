"""Draining lanes over real HTTP: at least once on the wire, once in effect, and no lane in another's way."""

import asyncio
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from aiohttp import web
from django.db import OperationalError
from django.utils import timezone

from linkage import dispatch, outbox, relays
from linkage.models import Attempt, Delivery, LinkedSystem, Relay
from linkage.transports import TRANSPORTS
from tests.linkage.wires import (
    delivery_of,
    drain,
    eventually,
    fresh,
    in_turn,
    kinds,
    make_agency,
    make_due,
    meanwhile,
    open_relay,
    peer,
    queue,
    receipt,
    status,
)  # fmt: skip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("lanes")]


def test_what_is_due_is_sent_and_settled(daejeon):
    with peer() as agency:
        police = make_agency(daejeon, agency.url)
        relay = open_relay(police)
        assert drain(police) == [1]
    assert agency.keys == [str(delivery_of(relay).pk)]
    assert agency.messages[0]["message"] == "create"
    assert (fresh(relay).state, fresh(relay).receipt) == ("sent", "R-" + agency.keys[0][:8])
    assert kinds(relay) == ["relay.requested", "relay.sent"]


def test_an_empty_lane_calls_nobody(daejeon):
    with peer() as agency:
        assert drain(make_agency(daejeon, agency.url)) == [0]
    assert not agency.arrivals


def test_the_key_is_the_same_at_every_attempt_and_every_attempt_is_kept(daejeon):
    def lose(request, body):
        request.transport.abort()
        return web.Response()

    with peer(in_turn(status(503), lose, status(429), receipt)) as agency:
        police = make_agency(daejeon, agency.url)
        relay = open_relay(police)
        for _ in range(4):
            make_due()
            drain(police)
    assert len(agency.keys) == 4
    assert set(agency.keys) == {str(delivery_of(relay).pk)}
    tries = Attempt.objects.order_by("number")
    assert [one.number for one in tries] == [1, 2, 3, 4]
    assert [one.status for one in tries] == [503, None, 429, 202]
    assert (fresh(relay).state, fresh(relay).attempts) == ("sent", 4)


def test_a_refusal_fails_at_once_and_again_sends_the_same_key(daejeon):
    with peer(in_turn(status(404), receipt)) as agency:
        police = make_agency(daejeon, agency.url)
        relay = open_relay(police)
        drain(police)
        assert (fresh(relay).state, fresh(relay).attention_reason) == ("failed", "HTTP 404 Not Found")
        assert drain(police) == [0]
        again = open_relay(police, type("Known", (), {"number": relay.subject}))
        assert again.pk == relay.pk
        drain(police)
    assert len(agency.keys) == 2 and len(set(agency.keys)) == 1
    assert (fresh(relay).state, fresh(relay).attention_at) == ("sent", None)


def test_messages_of_one_relay_arrive_in_order(daejeon):
    def slow_first(request, body):
        time.sleep(0.2 if not arrived else 0)
        arrived.append(1)
        return receipt(request, body)

    arrived = []
    with peer(slow_first) as agency:
        police = make_agency(daejeon, agency.url)
        relay = open_relay(police)
        queue(relay, "update")
        queue(relay, "cancel")
        assert drain(police) == [3]
    assert [one["message"] for one in agency.messages] == ["create", "update", "cancel"]


def test_a_backlog_goes_out_each_once_and_several_at_a_time(daejeon):
    at_once, most = [0], [0]

    async def measured(request, body):
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        await asyncio.sleep(0.02)
        at_once[0] -= 1
        return receipt(request, body)

    with peer(measured) as agency:
        police = make_agency(daejeon, agency.url)
        keys = {str(delivery_of(open_relay(police)).pk) for _ in range(40)}
        assert drain(police) == [40]
    assert Counter(agency.keys) == Counter(keys)
    assert 2 <= most[0] <= 8
    assert set(Relay.objects.values_list("state", flat=True)) == {"sent"}


def test_one_dead_agency_delays_no_other(daejeon):
    async def hole(request, body):
        await asyncio.sleep(60)

    with peer(hole) as dead, peer() as alive:
        fire, police = make_agency(daejeon, dead.url, deadline_s=6), make_agency(daejeon, alive.url)
        for _ in range(8 + 4):
            open_relay(fire)
        urgent = [open_relay(police) for _ in range(5)]
        draining = threading.Thread(target=drain, args=(fire, police))
        draining.start()
        eventually(lambda: {fresh(one).state for one in urgent} == {"sent"}, 10)
        assert not Attempt.objects.filter(delivery__system=fire).exists(), "the dead one has not even timed out"
        Delivery.objects.filter(system=fire, lease_until=None).update(state="dropped")
        draining.join(20)
    assert Attempt.objects.filter(delivery__system=fire, error="no answer within 6 s").count() == 8


def test_a_lane_asked_for_twice_is_drained_by_one(daejeon):
    async def slowly(request, body):
        await asyncio.sleep(0.2)
        return receipt(request, body)

    with peer(slowly) as agency:
        police = make_agency(daejeon, agency.url)
        open_relay(police)
        assert sorted(drain(police, police)) == [0, 1]
    assert len(agency.arrivals) == 1


def test_what_is_queued_while_the_lane_is_drained_goes_along(daejeon):
    with peer() as agency:
        police = make_agency(daejeon, agency.url)
        open_relay(police)
        late = []
        agency.answer = meanwhile(lambda: late or late.append(open_relay(police)))
        assert drain(police) == [2]
    assert fresh(late[0]).state == "sent"


def test_an_agency_that_moves_while_its_lane_is_drained_loses_nothing(daejeon):
    """The lane was read when only the old place was allowed; what is claimed meanwhile goes to the new one."""
    with peer() as before, peer(host="127.0.0.2") as after:
        police = make_agency(daejeon, before.url, allowed_network="127.0.0.1/32")
        open_relay(police)
        late = []

        def move():
            LinkedSystem.objects.filter(pk=police.pk).update(endpoint=after.url, allowed_network="127.0.0.2/32")
            late.append(open_relay(police))

        before.answer = meanwhile(move)
        assert drain(police) == [2]
        police.refresh_from_db()
        assert police.breaker_failures == 0  # the agency has done nothing wrong
        assert (fresh(late[0]).state, delivery_of(late[0]).state) == ("queued", "pending")
        make_due()
        assert drain(police) == [1]
        assert after.keys == [str(delivery_of(late[0]).pk)]
    assert fresh(late[0]).state == "sent"


def test_a_message_claimed_for_the_old_address_is_not_judged_by_the_new_network(daejeon, monkeypatch):
    with peer(host="127.0.0.2") as after:
        police = make_agency(daejeon, "http://127.0.0.1:9/incidents", allowed_network="127.0.0.1/32")
        relay = open_relay(police)
        read = dispatch._target

        def moved_first(system_id):
            LinkedSystem.objects.filter(pk=system_id).update(endpoint=after.url, allowed_network="127.0.0.2/32")
            return read(system_id)

        monkeypatch.setattr(dispatch, "_target", moved_first)
        assert drain(police) == [1]
        assert delivery_of(relay).state == "pending"
        make_due()
        assert drain(police) == [1]
    assert fresh(relay).state == "sent"


def test_what_the_settings_forbid_is_before_an_operator_at_once(daejeon):
    police = make_agency(daejeon, "http://192.0.2.1/incidents", allowed_network="127.0.0.0/8")
    relay = open_relay(police)
    assert drain(police) == [1]
    assert delivery_of(relay).state == "failed"
    assert fresh(relay).attention_at is not None


def test_a_dead_workers_delivery_is_handed_on(daejeon):
    with peer() as agency:
        police = make_agency(daejeon, agency.url)
        relay = open_relay(police)
        outbox.claim(police.pk, 8)  # by a worker that dies now
        assert drain(police) == [0]
        Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert drain(police) == [1]
    assert fresh(relay).state == "sent"
    assert delivery_of(relay).attempts == 2


def test_an_answer_that_cannot_be_stored_is_asked_for_again(daejeon, monkeypatch):
    settle = outbox.settle_all
    failures = [OperationalError("gone")]

    def fragile(*arguments):
        if failures:
            raise failures.pop()
        return settle(*arguments)

    monkeypatch.setattr(outbox, "settle_all", fragile)
    with peer() as agency:
        police = make_agency(daejeon, agency.url)
        relay = open_relay(police)
        drain(police)
        assert (fresh(relay).state, delivery_of(relay).state) == ("queued", "pending")
        Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        drain(police)
    assert agency.keys == [agency.keys[0]] * 2
    assert fresh(relay).state == "sent"


def test_a_fault_of_our_own_takes_no_other_delivery_along(daejeon, monkeypatch):
    real, broken = TRANSPORTS["http_json"], []

    class Fragile:
        async def send(self, session, target, outgoing):
            if outgoing.key in broken:
                raise RuntimeError("a bug")
            return await real.send(session, target, outgoing)

    monkeypatch.setitem(TRANSPORTS, "http_json", Fragile())
    with peer() as agency:
        police = make_agency(daejeon, agency.url)
        bad, good = open_relay(police), open_relay(police)
        broken.append(str(delivery_of(bad).pk))
        assert drain(police) == [2]
    assert (fresh(bad).state, fresh(good).state) == ("queued", "sent")
    assert Attempt.objects.get(delivery__relay=bad).error == "RuntimeError"


def test_called_by_hand_while_it_is_on_the_wire_it_is_not_sent_again(daejeon):
    with peer() as agency:
        police = make_agency(daejeon, agency.url)
        relay = open_relay(police)
        told = {"relay_id": relay.pk, "actor": {"kind": "user", "name": "kim"}, "called_by": "Kim", "note": ""}
        agency.answer = meanwhile(lambda: relays.relay_call_by_hand(**told), status(503))
        drain(police)
        make_due()
        assert drain(police) == [0]
    assert fresh(relay).state == "by_hand"
    assert len(agency.arrivals) == 1


class TestCourier:
    def test_it_drains_without_making_anyone_wait(self, daejeon):
        async def slowly(request, body):
            await asyncio.sleep(0.3)
            return receipt(request, body)

        courier = dispatch.Courier()
        with peer(slowly) as agency:
            police = make_agency(daejeon, agency.url)
            relay = open_relay(police)
            started = time.monotonic()
            for _ in range(20):
                courier.drain_soon(police.pk)
            assert time.monotonic() - started < 0.25
            eventually(lambda: fresh(relay).state == "sent")
        assert len(agency.arrivals) == 1

    def test_told_to_finish_it_waits_for_what_is_on_the_wire_and_begins_nothing(self, daejeon, monkeypatch):
        monkeypatch.setattr(dispatch, "_lanes", dispatch._Lanes())

        async def slowly(request, body):
            await asyncio.sleep(0.5)
            return receipt(request, body)

        courier = dispatch.Courier()
        with peer(slowly) as agency:
            police = make_agency(daejeon, agency.url)
            first = open_relay(police)
            courier.drain_soon(police.pk)
            eventually(lambda: agency.arrivals)
            second = open_relay(police)
            courier.finish(5)
        assert (fresh(first).state, fresh(second).state) == ("sent", "queued")
        assert len(agency.arrivals) == 1
