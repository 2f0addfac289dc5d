"""Callbacks on the running stack: a hundred at once, every order, forged, stale."""

import asyncio
import itertools
import json
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
