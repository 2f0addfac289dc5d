"""Agencies that refuse, redirect, ask for patience, say nothing or say too much. The first two need an operator at
once; the others are tried again under the same key until it takes effect, once."""

import time
from functools import partial

import pytest

from linkage.simulators.proxy import NO_FAULT, Fault, FaultProxy, http_reply
from tests.chaos.room import until

pytestmark = [pytest.mark.live, pytest.mark.slow]

RETRY_AFTER_S = 4


def relay_all(room, count, agency):
    if agency == "fire119":
        return room.report(count)
    numbers = room.report(count, "CRM-04")
    for number in numbers:
        room.relay(number, agency)
    return numbers


def before_the_operator(room, numbers):
    """Seconds from each relay's request until it stood before the operator; empty while one does not."""
    rows = room.rows(
        "SELECT extract(epoch FROM r.attention_at - d.created_at)::float, r.state, r.attention_reason FROM linkage_relay r "
        "JOIN linkage_delivery d ON d.relay_id = r.id WHERE r.subject = ANY(%s) AND r.attention_at IS NOT NULL",
        numbers,
    )
    return rows if len(rows) == len(numbers) else []


def test_what_an_agency_will_never_take_is_before_an_operator_at_once(room, figures):
    """I6, I2. 4xx and redirects are final; nobody follows a redirect; asking again sends the same message."""
    trap = FaultProxy(("127.0.0.1", 9))
    room.backstage.run(trap.start())
    room.fault(trap, Fault("blackhole"))
    moved = http_reply(307, Location=f"http://127.0.0.1:{trap.port}/incidents")
    with room.proxies("fire119", "police112", "disaster") as proxies:
        answers = {"fire119": moved, "police112": http_reply(422, b"no"), "disaster": http_reply(404)}
        for proxy, answer in zip(proxies, answers.values(), strict=True):
            room.fault(proxy, Fault("answer", reply=answer))
        told = {agency: relay_all(room, 5, agency) for agency in answers}
        for agency, numbers in told.items():
            rows = until(partial(before_the_operator, room, numbers), 15, f"{agency}: not before an operator")
            assert {state for _, state, _ in rows} == {"failed"}
            figures(
                f"{agency} answers {answers[agency].split()[1].decode()}: before an operator after at most "
                f"{max(row[0] for row in rows):.1f} s ({rows[0][2]})"
            )
        assert trap.struck == 0, "a redirect was followed"
        for proxy in proxies:
            room.fault(proxy)
        for agency, numbers in told.items():
            for number in numbers:
                room.relay(number, agency)  # the operator asks again
        room.expect_books_agree()
    room.backstage.run(trap.stop())


def test_an_agency_that_asks_for_patience_gets_it(room):
    """429 with Retry-After: no arrival sooner than it asked."""
    with room.proxies("fire119") as (proxy,):
        room.fault(proxy, Fault("answer", reply=http_reply(429, Retry_After=str(RETRY_AFTER_S))))
        numbers = room.report(5)
        until(lambda: proxy.struck >= 5, 15, "no attempt was made")
        room.fault(proxy)
        room.expect_books_agree(seconds=60)
    sooner = room.rows(
        "SELECT d.id, extract(epoch FROM b.started_at - a.started_at) FROM linkage_attempt a JOIN linkage_attempt b "
        "ON b.delivery_id = a.delivery_id AND b.number = a.number + 1 JOIN linkage_delivery d ON d.id = a.delivery_id "
        "JOIN linkage_relay r ON r.id = d.relay_id WHERE r.subject = ANY(%s) AND a.status = 429 "
        "AND b.started_at < a.started_at + make_interval(secs => %s)", numbers, RETRY_AFTER_S,
    )  # fmt: skip
    assert sooner == []


def test_answers_of_a_hundred_megabytes_and_of_rubbish(room, figures):
    """I2. The message took effect though its receipt was unreadable: tried again, it is the same effect."""
    faults = {"disaster": "oversize", "justice": "malformed"}
    for agency, mode in faults.items():
        room.set_fault(agency, mode)
    try:
        told = {agency: relay_all(room, 4, agency) for agency in faults}
        for agency, numbers in told.items():
            until(lambda a=agency, n=numbers: len(room.arrived(n, a)) == 4, 20, f"{agency} got nothing")
            until(lambda n=numbers: all(row[1] for row in room.relays(n)), 20, "no attempt was settled")
            assert {row[0] for row in room.relays(numbers)} == {"queued"}, "taken for a receipt"
    finally:
        for agency in faults:
            room.set_fault(agency, "none")
    balance, _ = room.expect_books_agree(seconds=60)
    slowest = room.value(
        "SELECT max(a.duration_ms) FROM linkage_attempt a JOIN linkage_delivery d ON d.id = a.delivery_id "
        "JOIN linkage_relay r ON r.id = d.relay_id WHERE r.subject = ANY(%s)", told["disaster"],
    )  # fmt: skip
    assert slowest < 5_000, "read to the end"
    figures(
        f"100 MB and rubbish for an answer: {balance.relays} relays, {balance.arrivals} arrivals, slowest {slowest} ms"
    )


def test_one_black_hole_delays_no_other_and_is_before_an_operator_in_time(room, figures):
    """I5, I6."""
    with room.proxies("fire119", "police112") as (hole, open_way):
        room.fault(hole, Fault("blackhole"))
        lost = room.report(20)
        took = []
        for _ in range(10):
            (number,) = room.report(1, "CRM-04")
            started = time.monotonic()
            room.relay(number, "police112")
            until(partial(room.arrived, [number], "police112"), 10, "another agency waits for the black hole")
            took.append(time.monotonic() - started)
        rows = until(partial(before_the_operator, room, lost), 25, "not before an operator")
        assert max(seconds for seconds, _, _ in rows) <= 15
        room.fault(hole, NO_FAULT)
        room.expect_books_agree(seconds=90)
    worried = room.value(
        "SELECT count(*) FROM linkage_relay WHERE subject = ANY(%s) AND attention_at IS NOT NULL", lost
    )
    assert worried == 0, "delivered, yet still before the operator"
    figures(
        f"119 a black hole with 20 relays: before an operator after at most {max(row[0] for row in rows):.1f} s; "
        f"10 relays to 112 meanwhile: median {sorted(took)[5]:.2f} s, at most {max(took):.2f} s"
    )
