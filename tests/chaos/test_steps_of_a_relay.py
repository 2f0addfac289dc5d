"""kill -9 at each step of a relay. Where a process stands is decided by what it waits for: a reply the proxy holds,
a lock the test holds, a Redis that answers nobody."""

import time
from contextlib import contextmanager

import pytest

from linkage.simulators.proxy import Fault
from tests.chaos.room import until

pytestmark = [pytest.mark.live, pytest.mark.slow]

EACH = 3


@contextmanager
def working_alone(room, name):
    """The worker works alone while its nudges come at once; the sweeper does once the worker stands still."""
    if name == "sweeper":
        room.freeze("worker")
    try:
        yield
    finally:
        if name == "sweeper":
            room.thaw("worker")


@pytest.mark.parametrize("name", ["worker", "sweeper"])
def test_the_sender_dies_at_every_step_between_claim_and_commit(room, figures, name):
    """I2. Three agencies stand at three steps when the process is killed: nothing of the request there yet; request
    taken and reply lost; reply read, its commit waiting for our lock."""
    with room.proxies("fire119", "police112", "disaster") as (before, unanswered, uncommitted):
        with working_alone(room, name):
            room.fault(before, Fault("hold_request"))
            room.fault(unanswered, Fault("hold_reply"))
            room.fault(uncommitted, Fault("hold_reply"))
            told = {"fire119": room.report(EACH), "police112": room.report(EACH, "CRM-04")}
            told["disaster"] = room.report(EACH, "CRM-04")
            for agency in ("police112", "disaster"):
                for number in told[agency]:
                    room.relay(number, agency)
            for proxy in (before, unanswered, uncommitted):
                until(lambda proxy=proxy: proxy.holding == EACH, 20, lambda: f"{proxy.holding} of {EACH} held")
            with room.transaction() as ours:
                ours.execute(
                    "SELECT 1 FROM linkage_delivery d JOIN linkage_relay r ON r.id = d.relay_id "
                    "WHERE r.subject = ANY(%s) FOR UPDATE", [told["disaster"]],
                )  # fmt: skip
                room.fault(uncommitted)
                until(room.waiting_for_locks, 10, "nobody reached the commit")
                pid, killed = room.kill(name), time.monotonic()
            for proxy in (before, unanswered):
                room.backstage.run(proxy.reset())
                room.fault(proxy)
            room.stack.wait_for_restart(name, pid)
        balance, _ = room.expect_books_agree(seconds=60)
    received = {
        agency: sum(one["received"] for one in room.arrived(numbers, agency)) for agency, numbers in told.items()
    }
    assert received["fire119"] == EACH, "a request that was never there was counted"
    assert received["police112"] >= EACH + 1, "no message went out again: the kill met nothing"
    figures(
        f"{name} killed -9 with {EACH} relays each before HTTP, unanswered, uncommitted: {balance.relays.in_effect} effects of "
        f"{balance.relays.sent}, {balance.relays.doubled} twice; arrivals {received}; all known {time.monotonic() - killed:.0f} s later"
    )


def test_web_dies_after_the_commit_before_anybody_is_told(room, figures):
    """I1, I2, I4. Redis answers nobody, so whoever commits stands at the nudge: committed, unannounced, unanswered."""
    with room.socket() as heard:
        webs = sorted(name for name in room.stack.names if name.startswith("web-"))
        room.freeze("redis")
        try:
            sending = room.sending(EACH)
            until(lambda: room.auditor.stored(room.log.sent), 10, "not stored")
            pids = {name: room.kill(name) for name in webs}
            answered = bool(room.log.answers)
        finally:
            room.thaw("redis")
        killed = time.monotonic()
        for name, pid in pids.items():
            room.stack.wait_for_restart(name, pid)
        assert sending.result(60)
        room.expect_books_agree(heard, seconds=60)
        assert not answered, "the answer was out before the kill: it met nothing"
        assert room.log.duplicates == EACH, "the sender's repeat was not known"
        figures(
            f"web killed -9 after the commit, before nudge, bell and answer: {EACH} events once, {EACH} effects, socket "
            f"without gap ({heard.connects} connections); all known {time.monotonic() - killed:.1f} s later"
        )


def test_web_dies_before_the_commit(room, figures):
    """I1. The intake waits for a lock the test holds; nothing is stored, nothing was promised, the repeat is taken."""
    with room.socket() as heard:
        with room.transaction() as ours:
            ours.execute("SELECT pg_advisory_xact_lock(%s, id::int) FROM accounts_municipality", [0x0CE7])
            sending = room.sending(EACH)
            until(room.waiting_for_locks, 10, "the intake did not wait")
            pids = {name: room.kill(name) for name in room.stack.names if name.startswith("web-")}
        for name, pid in pids.items():
            room.stack.wait_for_restart(name, pid)
        assert sending.result(60)
        balance, _ = room.expect_books_agree(heard)
        assert (room.log.again > 0, room.log.duplicates) == (True, 0)
        figures(f"web killed -9 before the commit: {balance.events} events, {balance.relays} relays")


def test_a_crash_with_a_full_lane_holds_up_nothing_new(room, figures):
    """I5, I6. The worker dies with as many messages on the wire as the agency takes at once: the next fire does not
    wait for their leases to end."""
    room.stack.wait_for_restart("worker", 0)
    most = room.value("SELECT max_concurrent FROM linkage_linkedsystem WHERE slug = 'fire119' LIMIT 1")
    with room.proxies("fire119") as (proxy,):
        room.fault(proxy, Fault("hold_request"))
        room.report(most)
        until(lambda: proxy.holding == most, 20, lambda: f"{proxy.holding} of {most} held")
        pid = room.kill("worker")
        room.backstage.run(proxy.reset())
        room.fault(proxy)
        (number,) = room.report(1)
        started = time.monotonic()
        until(lambda: room.arrived([number]), 30, "the next fire was not relayed")
        took = time.monotonic() - started
        room.stack.wait_for_restart("worker", pid)
        room.expect_books_agree(seconds=60)
    figures(f"worker killed -9 with all {most} of 119's places taken: the next fire is there {took:.1f} s later")
    assert took < 10, "before an operator sooner than at the agency"
