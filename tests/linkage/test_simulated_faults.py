"""Every fault does what it says, to the share of requests it says, and is gone when it is lifted."""

import asyncio
import json
import time

import aiohttp
import pytest

from linkage.simulators.faults import OVERSIZE_BYTES, Faults
from tests.linkage.simulated import AgenciesProcess, message, sender_to, write_installation

SLUG = "fire119"


@pytest.fixture(scope="module")
def agencies(tmp_path_factory):
    directory = tmp_path_factory.mktemp("faults")
    write_installation(directory)
    running = AgenciesProcess(directory, "--passive").start()
    yield running
    running.stop()


@pytest.fixture
async def sender(agencies):
    async with sender_to(agencies.url) as sender:
        yield sender
        await sender.set_faults(SLUG, "none")


async def received(sender, key):
    """How often the key arrived, None when it has no effect."""
    return next((e["received"] for e in await sender.ledger(SLUG) if e["key"] == key), None)


async def recovers(sender, key):
    """Lift the fault, send again, and return how often the key had arrived by then."""
    await sender.set_faults(SLUG, "none")
    await sender.relay(SLUG, key, message(1, relay=key))
    return await received(sender, key)


async def test_refuse_resets_the_connection_before_any_effect(sender):
    await sender.set_faults(SLUG, "refuse")
    with pytest.raises(aiohttp.ClientError):
        await sender.send(SLUG, "refuse", message(1, relay="refuse"))
    assert await received(sender, "refuse") is None
    assert await recovers(sender, "refuse") == 1


async def test_error_answers_500_or_503_without_effect(sender):
    await sender.set_faults(SLUG, "error")
    statuses = {(await sender.send(SLUG, "error", message(1, relay="error")))[0] for _ in range(20)}
    assert statuses == {500, 503}
    assert await received(sender, "error") is None
    assert await recovers(sender, "error") == 21


async def test_timeout_never_answers_and_has_no_effect(sender):
    await sender.set_faults(SLUG, "timeout")
    with pytest.raises(TimeoutError):
        await sender.send(SLUG, "timeout", message(1, relay="timeout"), timeout_s=1)
    assert await received(sender, "timeout") is None
    assert await recovers(sender, "timeout") == 2


async def test_drip_takes_effect_and_answers_a_byte_a_second(sender):
    await sender.set_faults(SLUG, "drip")
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await sender.send(SLUG, "drip", message(1, relay="drip"), timeout_s=2.5)
    assert time.monotonic() - began > 2.4
    assert await received(sender, "drip") == 1
    assert await recovers(sender, "drip") == 2


async def test_ackloss_takes_effect_and_says_nothing(sender):
    await sender.set_faults(SLUG, "ackloss")
    with pytest.raises(aiohttp.ClientError):
        await sender.send(SLUG, "ackloss", message(1, relay="ackloss"))
    assert await received(sender, "ackloss") == 1
    assert await recovers(sender, "ackloss") == 2


async def test_malformed_takes_effect_and_answers_garbage(sender):
    await sender.set_faults(SLUG, "malformed")
    for _ in range(12):
        status, raw = await sender.send(SLUG, "malformed", message(1, relay="malformed"))
        assert status == 202
        with pytest.raises((ValueError, TypeError, AssertionError)):
            assert isinstance(json.loads(raw)["receipt"], str)
    assert await recovers(sender, "malformed") == 13


async def test_oversize_answers_a_hundred_megabytes(sender):
    await sender.set_faults(SLUG, "oversize")
    status, raw = await sender.send(SLUG, "oversize", message(1, relay="oversize"), timeout_s=60)
    assert (status, len(raw)) == (202, OVERSIZE_BYTES)
    assert await recovers(sender, "oversize") == 2


async def test_oversize_can_be_hung_up_on(sender):
    await sender.set_faults(SLUG, "oversize")
    status, _ = await sender.send(SLUG, "hung-up", message(1, relay="hung-up"), read=False)
    assert status == 202
    assert await recovers(sender, "hung-up") == 2


async def test_redirect_points_elsewhere_on_this_machine(sender):
    await sender.set_faults(SLUG, "redirect")
    async with sender.session.post(f"{sender.url}/{SLUG}/elsewhere") as answer:
        assert (await answer.json()) == {"receipt": "followed"}
    assert (await sender.send(SLUG, "redirect", message(1, relay="redirect")))[0] == 307
    assert await received(sender, "redirect") is None
    assert await recovers(sender, "redirect") == 2


async def test_reject_refuses_for_good(sender):
    await sender.set_faults(SLUG, "reject")
    assert (await sender.send(SLUG, "reject", message(1, relay="reject")))[0] == 422
    assert await received(sender, "reject") is None


async def test_a_fault_hits_its_agency_alone(sender):
    await sender.set_faults(SLUG, "reject")
    await sender.relay("police112", "spared", message(1))


async def test_a_seed_decides_which_requests_are_hit(sender):
    async def answers():
        await sender.set_faults(SLUG, "error", rate=0.4, seed=7)
        return [(await sender.send(SLUG, f"rate-{n}", message(n)))[0] for n in range(60)]

    first = await answers()
    assert first == await answers()
    assert 12 <= sum(status != 202 for status in first) <= 36


def test_the_rate_holds_in_the_long_run():
    faults = Faults("error", 0.3, seed=5)
    hit = sum(faults.strike() == "error" for _ in range(10_000))
    assert 2_800 < hit < 3_200


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"mode": "weird"},
        {"mode": "error", "rate": 2},
        {"mode": "error", "rate": "1"},
        {"mode": "error", "seed": "a"},
        [],
    ],
)
async def test_a_fault_that_is_none_is_refused(sender, document):
    async with sender.session.put(f"{sender.url}/{SLUG}/faults", json=document) as answer:
        assert answer.status == 400
    async with sender.session.get(f"{sender.url}/{SLUG}/faults") as answer:
        assert (await answer.json())["mode"] == "none"


async def test_repeats_through_losses_have_one_effect_each(sender):
    await sender.set_faults(SLUG, "ackloss", rate=0.5, seed=3)

    async def until_answered(key):
        for _ in range(50):
            try:
                status, raw = await sender.send(SLUG, key, message(1, relay=key))
                if status == 202:
                    return json.loads(raw)["receipt"]
            except aiohttp.ClientError:
                continue
        raise AssertionError("never answered")

    keys = [f"loss-{n}" for n in range(100)]
    receipts = await asyncio.gather(*map(until_answered, keys))
    held = {e["key"]: e for e in await sender.ledger(SLUG) if e["key"].startswith("loss-")}
    assert {key: held[key]["messages"][0]["receipt"] for key in keys} == dict(zip(keys, receipts, strict=True))
    assert sum(e["received"] for e in held.values()) > 150
