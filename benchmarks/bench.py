"""What the benchmarks share: the stack to measure, its database, statistics, a table."""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import aiohttp
import psycopg2

from ocenter.embedded.state import RUNNING_FILE, read_json
from tests.stack import Stack

KST = timezone(timedelta(hours=9))
# Of every family, none of which a rule relays by itself.
CODES = ("BEL-01", "VCA-01", "VCA-03", "TRF-1", "TRF-4", "CRM-04", "ORD-01", "ORD-02", "EMS-01", "DIS-01")
SOUTH, WEST, NORTH, EAST = 36.28, 127.33, 36.42, 127.47


def options(description: str, **defaults: int) -> argparse.Namespace:
    """Command line options: one whole number each, named like the defaults."""
    parser = argparse.ArgumentParser(description=description)
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value, help=f"default {value}")
    return parser.parse_args()


@contextmanager
def running_stack(**environment: str) -> Iterator[Stack]:
    """A stack of its own: silent city, agencies that answer but do not act within the measurement."""
    stack = Stack(OCENTER_CITY_RATE="0", OCENTER_AGENCIES_SPEED="0.01", OCENTER_LOG_LEVEL="WARNING", **environment)
    try:
        yield stack.start()
    finally:
        stack.remove()


def connect(stack: Stack) -> Any:
    """A plain psycopg2 connection to the stack's own database."""
    return psycopg2.connect(read_json(stack.data_dir / RUNNING_FILE)["environment"]["OCENTER_DATABASE_URL"])


def client(stack: Stack, connections: int = 32) -> aiohttp.ClientSession:
    """An HTTP client that speaks as the demo's feed."""
    return aiohttp.ClientSession(
        base_url=stack.base_url,
        headers={"Authorization": f"Bearer {stack.demo['keys']['feed']}", "Content-Type": "application/json"},
        connector=aiohttp.TCPConnector(limit=connections),
    )


def event(source_id: str, chance: random.Random, **more: Any) -> dict[str, Any]:
    """An event somewhere in the city, now."""
    return {
        "id": source_id,
        "code": chance.choice(CODES),
        "occurred_at": datetime.now(KST).isoformat(timespec="milliseconds"),
        "lat": round(chance.uniform(SOUTH, NORTH), 6),
        "lon": round(chance.uniform(WEST, EAST), 6),
        "summary": "비상벨이 눌렸습니다 (시험)",
        "device_id": f"BELL-{chance.randrange(2000):04d}",
        "attributes": {"battery": chance.randrange(100), "voice": "none"},
        **more,
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; the nearest rank."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def spread_ms(seconds: Sequence[float]) -> str:
    """Median, p95 and p99 of durations in seconds, as milliseconds."""
    return " / ".join(f"{1000 * percentile(seconds, share):.1f}" for share in (0.5, 0.95, 0.99))


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def say(name: str, value: str) -> None:
    """One line of the result."""
    print(f"{name:<62} {value}", flush=True)
