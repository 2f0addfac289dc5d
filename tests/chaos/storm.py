"""The storm itself: 10,000 events a minute, seven of ten sent before, and alone among them a G1 now and then."""

import asyncio
import random
import time

from ocenter.soak.clients import Sender, SentLog, event_apart, event_at

PER_MINUTE, REPEATS, BATCH = 10_000, 0.7, 25
CODES = ("BEL-01", "VCA-01", "TRF-1", "CRM-04", "ORD-02", "EMS-01")


async def storm(stack, log, mark, seconds):
    """Batches at an even pace, none of which waits for another."""
    chance, known, number, began = random.Random(mark), [], 0, time.monotonic()
    count = int(PER_MINUTE / 60 * seconds / BATCH)
    async with Sender(stack, log) as sender, asyncio.TaskGroup() as group:
        for n in range(count):
            batch = {}
            while len(batch) < BATCH:
                if known and chance.random() < REPEATS:
                    one = chance.choice(known)
                else:
                    number += 1
                    place = chance.uniform(36.28, 36.42), chance.uniform(127.33, 127.47)
                    one = event_at(f"{mark}-s", number, chance.choice(CODES), *place)
                    known.append(one)
                batch[one["id"]] = one
            group.create_task(sender.send(list(batch.values())))
            await asyncio.sleep(max(0, began + (n + 1) * seconds / count - time.monotonic()))


def alarm(mark):
    """A G1 far from everything else."""
    return event_apart(f"{mark}-g1", "CRM-01") | {"grade": "G1"}


async def alarms(stack, mark, stop):
    """An alarm every half second, until told to stop; the log of it."""
    async with Sender(stack, SentLog()) as sender:
        while not stop():
            await sender.send([alarm(mark)])
            await asyncio.sleep(0.5)
    return sender.log
