"""An agency takes each message once, keeps it whatever happens, and refuses what is not right."""

import asyncio
import json

import pytest

from tests.linkage.simulated import (
    OTHER_SECRET,
    AgenciesProcess,
    eventually,
    message,
    sender_to,
    write_installation,
)


@pytest.fixture(scope="module")
def agencies(tmp_path_factory):
    directory = tmp_path_factory.mktemp("agencies")
    write_installation(directory)
    running = AgenciesProcess(directory, "--passive").start()
    yield running
    running.stop()


@pytest.fixture
async def sender(agencies):
    async with sender_to(agencies.url) as sender:
        yield sender


async def entry(sender, slug, key):
    (found,) = [entry for entry in await sender.ledger(slug) if entry["key"] == key]
    return found


async def test_a_message_is_answered_with_its_receipt_and_entered(sender):
    receipt = await sender.relay("police112", "enter-1", message(1))
    found = await entry(sender, "police112", "enter-1")
    assert found["relay"] == "relay-1"
    assert found["incident"] == "30000-20261123-0001"
    assert [(m["message"], m["receipt"]) for m in found["messages"]] == [("create", receipt)]
    assert found["messages"][0]["at"].endswith("+09:00")
    assert found["received"] == 1


async def test_a_repeated_key_gets_the_same_receipt_and_no_second_effect(sender):
    receipts = [await sender.relay("police112", "repeat-1", message(2)) for _ in range(3)]
    found = await entry(sender, "police112", "repeat-1")
    assert len(set(receipts)) == 1
    assert len(found["messages"]) == 1
    assert found["received"] == 3


async def test_fifty_racing_repeats_have_one_effect(sender):
    receipts = await asyncio.gather(*(sender.relay("police112", "race-1", message(3)) for _ in range(50)))
    found = await entry(sender, "police112", "race-1")
    assert len(set(receipts)) == 1
    assert (len(found["messages"]), found["received"]) == (1, 50)


async def test_a_key_that_stood_for_another_message_is_a_conflict(sender):
    await sender.relay("police112", "reused-1", message(4))
    status, _ = await sender.send("police112", "reused-1", message(4, "cancel"))
    assert status == 409
    assert len((await entry(sender, "police112", "reused-1"))["messages"]) == 1


async def test_agencies_keep_ledgers_of_their_own(sender):
    await sender.relay("fire119", "own-1", message(5))
    assert not [e for e in await sender.ledger("disaster") if e["key"] == "own-1"]


async def test_a_wrong_signature_is_refused_and_leaves_no_trace(sender):
    status, _ = await sender.send("justice", "forged-1", message(6), secret=OTHER_SECRET)
    assert status == 401
    assert await sender.ledger("justice") == []


async def test_a_message_without_signature_is_refused(sender):
    async with sender.session.post(
        f"{sender.url}/justice/incidents", json=message(6), headers={"Idempotency-Key": "bare-1"}
    ) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("signature", ["v1", "v1,not base64!", "v1,,", "", "v2,AAAA"])
async def test_a_damaged_signature_is_refused_not_an_error(sender, signature):
    headers = {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": signature}
    async with sender.session.post(f"{sender.url}/justice/incidents", data=b"{}", headers=headers) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"relay": ""}, "relay"),
        ({"message": "destroy"}, "message"),
        ({"message": ["create"]}, "message"),
        ({"incident": {}}, "incident.number"),
        ({"incident": "30000-1"}, "incident.number"),
        ({"incident": {"number": "1", "lat": 91, "lon": 1}}, "incident.lat"),
        ({"cameras": None}, "cameras"),
        ({"callback_url": "ftp://somewhere"}, "callback_url"),
        ({"callback_url": None}, "callback_url"),
    ],
)
async def test_a_bad_body_is_refused_by_field(sender, change, field):
    status, raw = await sender.send("justice", "bad-1", message(7) | change)
    assert status == 422
    assert field in [error["field"] for error in json.loads(raw)["errors"]]


@pytest.mark.parametrize(("raw", "status"), [(b"{", 400), (b"[]", 422), (b"x" * 1_100_000, 413)])
async def test_a_body_that_is_no_message_is_refused(sender, raw, status):
    assert (await sender.send("justice", "bad-2", raw))[0] == status


async def test_an_unknown_agency_is_not_found(sender):
    assert (await sender.send("nobody", "key", message(8)))[0] == 404


async def test_an_agency_without_a_secret_asks_to_come_back(sender):
    assert (await sender.send("other-police112", "key", message(8)))[0] == 503


async def test_the_status_page_lists_every_agency(sender):
    async with sender.session.get(sender.url) as answer:
        page = await answer.text()
    assert answer.status == 200
    assert all(slug in page for slug in ("police112", "fire119", "disaster", "justice", "other-police112"))


@pytest.mark.parametrize("speed", [0, -1, "fast", None, True, 1e9])
async def test_a_pace_that_is_none_is_refused(sender, speed):
    async with sender.session.put(f"{sender.url}/justice/pace", json={"speed": speed}) as answer:
        assert answer.status == 400


async def test_everything_answered_survives_kill_9(tmp_path):
    write_installation(tmp_path)
    agencies = AgenciesProcess(tmp_path, "--passive").start()
    answered = {}

    async def keep_sending(sender, lane):
        for n in range(10_000):
            key = f"{lane}-{n}"
            answered[key] = await sender.relay("fire119", key, message(n, relay=key))

    try:
        async with sender_to(agencies.url) as sender:
            lanes = [asyncio.create_task(keep_sending(sender, lane)) for lane in range(8)]
            await eventually(lambda: len(answered) >= 300)
            agencies.kill()
            await asyncio.gather(*lanes, return_exceptions=True)
            agencies.start()
            held = {e["key"]: e["messages"][0]["receipt"] for e in await sender.ledger("fire119")}
            again = {key: await sender.relay("fire119", key, message(1, relay=key)) for key in list(answered)[:20]}
        assert held.items() >= answered.items()
        assert again.items() <= answered.items()
    finally:
        agencies.stop()


async def test_a_burst_of_relays_is_answered_quickly(sender):
    answered = await asyncio.gather(
        *(sender.relay("disaster", f"burst-{n}", message(n, relay=f"burst-{n}")) for n in range(500))
    )
    assert len(set(answered)) == 500
    assert len([e for e in await sender.ledger("disaster") if e["key"].startswith("burst-")]) == 500


async def test_it_stops_promptly_when_asked(tmp_path):
    write_installation(tmp_path)
    assert AgenciesProcess(tmp_path).start().stop() == 0
