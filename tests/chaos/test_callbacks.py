"""Callbacks on the running stack: a hundred at once, every order, forged, stale."""

import asyncio
import itertools
import json
import time
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from standardwebhooks import Webhook

from linkage.signing import make_secret
from tests.chaos.room import until

pytestmark = [pytest.mark.live, pytest.mark.slow]

WAY = ("accepted", "dispatched", "arrived", "closed")


@pytest.fixture
def secret(room):
    """What the 119 of the demo city signs with."""
    return json.loads((room.stack.data_dir / "simulators.json").read_text())["agencies"]["fire119"]["secret"]


def signed(secret, message_id, status, at=None):
    """Body and headers of one callback."""
    now = at or datetime.now(UTC)
    body = json.dumps({"status": status, "at": datetime.now(UTC).isoformat()})
    return body, {
        "content-type": "application/json", "webhook-id": message_id, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }  # fmt: skip


def call_all(room, calls):
    """Makes the calls (relay, body, headers) at once; status and body of each."""

    async def one(session, relay, body, headers):
        async with session.post(f"/api/v1/relays/{relay}/status", data=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def together():
        async with aiohttp.ClientSession(
            base_url=room.stack.base_url, connector=aiohttp.TCPConnector(limit=0)
        ) as session:
            return await asyncio.gather(*(one(session, *call) for call in calls))

    return room.backstage.run(together())


def sent_relays(room, count):
    """So many relays that 119 has taken."""
    numbers = room.report(count)
    room.settle()
    return [row[0] for row in room.rows("SELECT id::text FROM linkage_relay WHERE subject = ANY(%s)", numbers)]


def said(room, relay):
    """The ledger's words on the relay, in order."""
    return [
        row[0].removeprefix("relay.")
        for row in room.rows(
            "SELECT kind FROM incidents_change WHERE body->'detail'->>'relay' = %s AND kind LIKE 'relay.%%' ORDER BY seq",
            relay,
        )
    ]


def state(room, relay):
    return room.value("SELECT state FROM linkage_relay WHERE id = %s", relay)


def test_the_same_callback_a_hundred_times_at_once(room, secret, figures):
    """I3. One change, a hundred times the same answer; sockets hear of it once."""
    (relay,) = sent_relays(room, 1)
    with room.socket() as heard:
        body, headers = signed(secret, "the-one", "accepted")
        answers = call_all(room, [(relay, body, headers)] * 100)
        until(lambda: heard.last >= room.auditor.head(), 10, "the socket is behind")
    assert [status for status, _ in answers] == [200] * 100
    assert len({json.dumps(answer, sort_keys=True) for _, answer in answers}) == 1
    assert said(room, relay).count("accepted") == 1
    assert (heard.gaps, heard.twice) == ([], 0)
    figures("one callback 100 times at once: 100 × 200 with the same body, one ledger row")


def test_callbacks_in_every_order_all_at_once(room, secret, figures):
    """I3. 24 relays, each told its four facts in another order, all 96 calls racing: each ends closed, none moved back."""
    orders = list(itertools.permutations(WAY))
    relays = sent_relays(room, len(orders))
    calls = [
        (relay, *signed(secret, f"{relay}.{status}", status))
        for relay, order in zip(relays, orders, strict=True)
        for status in order
    ]
    assert {status for status, _ in call_all(room, calls)} == {200}
    rank = {word: n for n, word in enumerate(("requested", "sent", *WAY))}
    for relay in relays:
        words = said(room, relay)
        assert state(room, relay) == "closed"
        assert [rank[word] for word in words] == sorted({rank[word] for word in words}), words
    figures(f"{len(calls)} callbacks of {len(orders)} relays in every order at once: all closed, no state moved back")


def test_forged_and_stale_callbacks_change_nothing(room, secret):
    """Ten minutes wrong either way, another's secret, another's body, another's id: 401 each, and nothing moves."""
    (relay,) = sent_relays(room, 1)
    before, now = said(room, relay), datetime.now(UTC)
    good_body, good_headers = signed(secret, "good", "accepted")
    calls = [
        (relay, *signed(secret, "late", "accepted", now - timedelta(minutes=10))),
        (relay, *signed(secret, "early", "accepted", now + timedelta(minutes=10))),
        (relay, *signed(make_secret(), "stranger", "accepted")),
        (relay, good_body.replace("accepted", "declined"), good_headers),
        (relay, good_body, {**good_headers, "webhook-id": "other"}),
        (relay, good_body, {"content-type": "application/json"}),
    ]
    assert [status for status, _ in call_all(room, calls)] == [401] * len(calls)
    assert (state(room, relay), said(room, relay)) == ("sent", before)
    assert call_all(room, [(relay, good_body, good_headers)])[0][0] == 200
    assert state(room, relay) == "accepted"


def kill_webs(room):
    """kill -9 of every web process; what brings them back must be waited for."""
    return {name: room.kill(name) for name in room.stack.names if name.startswith("web-")}


def unanswered(room, calling):
    """Whether the connection of a call under way ended without an answer."""
    try:
        calling.result(30)
    except aiohttp.ClientError:
        return True
    return False


def calling(room, call):
    """Starts one call; the future of its status."""
    relay, body, headers = call

    async def one():
        async with (
            aiohttp.ClientSession(base_url=room.stack.base_url) as session,
            session.post(f"/api/v1/relays/{relay}/status", data=body, headers=headers) as answer,
        ):
            return answer.status

    return room.backstage.start(one())


@pytest.mark.parametrize("committed", [False, True], ids=["before the commit", "after the commit"])
def test_web_dies_while_it_takes_a_callback(room, secret, figures, committed):
    """I1, I3. The relay's row is locked by us, or Redis answers nobody after the commit: the web is killed there.
    The agency hears nothing, says it again, and it counts once."""
    (relay,) = sent_relays(room, 1)
    call = (relay, *signed(secret, f"again-{committed}", "accepted"))
    with room.socket() as heard:
        if committed:
            room.freeze("redis")
            try:
                under_way = calling(room, call)
                until(lambda: state(room, relay) == "accepted", 10, "the callback was not stored")
                assert not under_way.done(), "the answer was out before the kill: it met nothing"
                pids = kill_webs(room)
            finally:
                room.thaw("redis")
        else:
            with room.transaction() as ours:
                ours.execute("SELECT 1 FROM linkage_relay WHERE id = %s FOR UPDATE", [relay])
                under_way = calling(room, call)
                until(room.waiting_for_locks, 10, "the callback did not wait")
                pids = kill_webs(room)
        killed = time.monotonic()
        assert unanswered(room, under_way)
        for name, pid in pids.items():
            room.stack.wait_for_restart(name, pid)
        assert state(room, relay) == ("accepted" if committed else "sent")
        assert call_all(room, [call])[0][0] == 200
        until(lambda: heard.last >= room.auditor.head(), 30, "the socket is behind")
    assert said(room, relay) == ["requested", "sent", "accepted"]
    assert (heard.gaps, heard.twice) == ([], 0)
    when = "after" if committed else "before"
    figures(f"web killed -9 {when} the commit of a callback: said again, one ledger row, {time.monotonic() - killed:.1f} s later")
