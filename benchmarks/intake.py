"""How many events a second the intake takes over HTTP, beside what PostgreSQL alone takes of the same rows.

    python -m benchmarks.intake [--rounds 3] [--batches 100] [--singles 3000] [--updates 300]

Events are spread over the city and the code families; deduplication, correlation, ledger and live push are
on. Updates are batches of later messages about 300 incidents that go on: the last quarter beside the first says whether
a message costs more the more came before it. Client and servers share the machine. The raw rows go into a plain table
with the columns of `incidents_event`, no index, one commit a 100 rows: the limit no intake can pass.
"""

from __future__ import annotations

import asyncio
import io
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
from psycopg2.extras import execute_values

from benchmarks import bench
from tests.stack import Stack

BATCH = 100
SENDERS = 4  # of batches at once
CONNECTIONS = 32  # of single events at once
SUBJECTS = 300  # incidents that go on
COLUMNS = (
    "municipality_id", "system_id", "source_id", "subject", "action", "incident_id", "code", "grade", "occurred_at", "received_at",
    "lat", "lon", "summary", "address", "device_id", "attributes",
)  # fmt: skip


async def over_http(stack: Stack, bodies: list[bytes], at_once: int) -> tuple[float, list[float]]:
    """Posts the bodies over `at_once` connections; seconds it took, and each request's."""
    waiting, took = iter(bodies), []

    async def send(session: aiohttp.ClientSession) -> None:
        for body in waiting:
            started = time.perf_counter()
            async with session.post("/api/v1/events", data=body) as answer:
                said = orjson.loads(await answer.read())
                assert answer.status == 202 and not said["rejected"], said
            took.append(time.perf_counter() - started)

    async with bench.client(stack, at_once) as session:
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(send(session))
        return time.perf_counter() - started, took


def updates(count: int, chance: random.Random, mark: str) -> list[bytes]:
    """Batches of messages about incidents that go on, in the order in which they are to be sent."""
    places = [bench.event("", chance) for _ in range(SUBJECTS)]
    subjects = [(f"{mark}-{n}", {name: places[n][name] for name in ("code", "lat", "lon")}) for n in range(SUBJECTS)]
    drawn = [chance.sample(subjects, BATCH) for _ in range(count)]
    return [
        orjson.dumps([bench.event(f"{subject}-{b}", chance, subject=subject, **place) for subject, place in batch])
        for b, batch in enumerate(drawn)
    ]


def raw_rows(count: int, chance: random.Random) -> list[tuple[Any, ...]]:
    """The same events as rows."""
    rows = []
    for n in range(count):
        one = bench.event(f"raw-{n}", chance)
        rows.append(
            (1, 1, one["id"], "", "report", 1, one["code"], "G3", one["occurred_at"], one["occurred_at"], one["lat"], one["lon"],
             one["summary"], "", one["device_id"], orjson.dumps(one["attributes"]).decode())
        )  # fmt: skip
    return rows


def into_postgres(stack: Stack, rows: list[tuple[Any, ...]], write: Callable[[Any, list[Any]], None]) -> float:
    """Rows a second that psycopg2 writes, 100 a commit."""
    connection = bench.connect(stack)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS bench_event")
            cursor.execute("CREATE TABLE bench_event (LIKE incidents_event INCLUDING DEFAULTS INCLUDING IDENTITY)")
        started = time.perf_counter()
        for n in range(0, len(rows), BATCH):
            with connection, connection.cursor() as cursor:
                write(cursor, rows[n : n + BATCH])
        return len(rows) / (time.perf_counter() - started)
    finally:
        connection.close()


def insert(cursor: Any, rows: list[Any]) -> None:
    """One multi-row INSERT."""
    execute_values(cursor, f"INSERT INTO bench_event ({', '.join(COLUMNS)}) VALUES %s", rows, page_size=BATCH)


def copy(cursor: Any, rows: list[Any]) -> None:
    """One COPY."""
    text = "".join("\t".join(str(value).replace("\\", "\\\\") for value in row) + "\n" for row in rows)
    cursor.copy_expert(f"COPY bench_event ({', '.join(COLUMNS)}) FROM STDIN", io.StringIO(text))


def measure(stack: Stack, given: Any, number: int) -> dict[str, float]:
    """One round of everything."""
    chance, mark = random.Random(number), uuid.uuid4().hex[:8]
    batches = [
        orjson.dumps([bench.event(f"{mark}-b{b}-{n}", chance) for n in range(BATCH)]) for b in range(given.batches)
    ]
    singles = [orjson.dumps(bench.event(f"{mark}-s{n}", chance)) for n in range(given.singles)]
    rows = raw_rows(len(batches) * BATCH, chance)
    inserted, copied = into_postgres(stack, rows, insert), into_postgres(stack, rows, copy)
    batch_seconds, per_batch = asyncio.run(over_http(stack, batches, SENDERS))
    single_seconds, per_single = asyncio.run(over_http(stack, singles, CONNECTIONS))
    followed = updates(given.updates, chance, mark)
    follow_seconds, per_follow = asyncio.run(over_http(stack, followed, 1))
    quarter = len(per_follow) // 4
    return {
        "insert": inserted,
        "copy": copied,
        "batched": len(rows) / batch_seconds,
        "batch_p99": bench.percentile(per_batch, 0.99),
        "singly": len(singles) / single_seconds,
        "single_p99": bench.percentile(per_single, 0.99),
        "followed": len(followed) * BATCH / follow_seconds,
        "growth": bench.median(per_follow[-quarter:]) / bench.median(per_follow[:quarter]),
    }


def main() -> None:
    """Runs the rounds and prints medians."""
    given = bench.options(__doc__ or "", rounds=3, batches=100, singles=3000, updates=300)
    with bench.running_stack() as stack:
        rounds = [measure(stack, given, number) for number in range(given.rounds + 1)][1:]  # the first warms up
    middle = {name: bench.median([one[name] for one in rounds]) for name in rounds[0]}
    bench.say("psycopg2 execute_values, 100 rows a commit", f"{middle['insert']:8.0f} rows/s")
    bench.say("psycopg2 COPY, 100 rows a commit", f"{middle['copy']:8.0f} rows/s")
    bench.say(
        f"POST /events, batches of {BATCH}, {SENDERS} connections",
        f"{middle['batched']:8.0f} events/s = {middle['batched'] / middle['insert']:.1%} of INSERT, "
        f"{middle['batched'] / middle['copy']:.1%} of COPY; p99 {1000 * middle['batch_p99']:.0f} ms a batch",
    )
    bench.say(
        f"POST /events, single events, {CONNECTIONS} connections",
        f"{middle['singly']:8.0f} events/s; p99 {1000 * middle['single_p99']:.0f} ms",
    )
    bench.say(
        f"POST /events, updates of {SUBJECTS} incidents, batches of {BATCH}, 1 connection",
        f"{middle['followed']:8.0f} events/s; the last quarter takes {middle['growth']:.2f} of the first",
    )


if __name__ == "__main__":
    main()
