"""A storm of 10,000 events a minute, seven of ten sent before, with G1s in it that must not wait."""

import asyncio
import os
import random
import time

import pytest

from ocenter.soak.clients import Sender, event_apart, event_at
from tests.chaos.room import until

pytestmark = [pytest.mark.live, pytest.mark.slow]

SECONDS = float(os.environ.get("OCENTER_CHAOS_STORM_S", "20"))
PER_MINUTE, REPEATS, BATCH = 10_000, 0.7, 25
CODES = ("BEL-01", "VCA-01", "TRF-1", "CRM-04", "ORD-02", "EMS-01")


def percentile(values, share):
    return sorted(values)[int(share * (len(values) - 1))]


async def storm(room):
    """Batches at an even pace, each as its own sender: none waits for another."""
    chance, known, number, began = random.Random(room.mark), [], 0, time.monotonic()
    count = int(PER_MINUTE / 60 * SECONDS / BATCH)
    async with Sender(room.stack, room.log) as sender, asyncio.TaskGroup() as group:
        for n in range(count):
            batch = {}
            while len(batch) < BATCH:
                if known and chance.random() < REPEATS:
                    one = chance.choice(known)
                else:
                    number += 1
                    place = chance.uniform(36.28, 36.42), chance.uniform(127.33, 127.47)
                    one = event_at(f"{room.mark}-s", number, chance.choice(CODES), *place)
                    known.append(one)
                batch[one["id"]] = one
            group.create_task(sender.send(list(batch.values())))
            await asyncio.sleep(max(0, began + (n + 1) * SECONDS / count - time.monotonic()))


async def alarms(room, stop, log):
    """A G1 every half second, alone, until told to stop."""
    async with Sender(room.stack, log) as sender:
        while not stop():
            await sender.send([event_apart(f"{room.mark}-g1", "CRM-01") | {"grade": "G1"}])
            await asyncio.sleep(0.5)


def test_a_storm_loses_nothing_and_hides_no_alarm(room, figures):
    """I1, I4, I9."""
    alarm_log = type(room.log)()
    with room.socket() as heard:
        raging = room.backstage.start(storm(room))
        alarming = room.backstage.start(alarms(room, raging.done, alarm_log))
        raging.result(SECONDS + 60)
        alarming.result(30)
        until(lambda: heard.last >= room.auditor.head(), 15, "the socket is behind")
        balance, _ = room.expect_books_agree(heard)
        alarm_balance = room.auditor.balance(alarm_log, heard=heard)
    assert alarm_balance.broken == []
    assert {heard.grades[one] for one in alarm_log.sent} == {"G1"}
    waits = [heard.event_at[one] - alarm_log.sent_at[one] for one in alarm_log.sent]
    share = room.log.duplicates / (balance.events.sent + room.log.duplicates)
    figures(
        f"storm of {PER_MINUTE} events a minute for {SECONDS:g} s, {share:.0%} repeats: {balance.events} events; intake p99 "
        f"of a batch of {BATCH} {1000 * percentile(room.log.seconds, 0.99):.0f} ms; {len(waits)} G1 event → socket median "
        f"{1000 * percentile(waits, 0.5):.0f} ms, p95 {1000 * percentile(waits, 0.95):.0f} ms"
    )
    assert percentile(waits, 0.95) < 2
