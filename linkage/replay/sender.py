"""Sends recorded events when they are due, in batches, until each has an answer.

A batch that was not taken (no connection, 429, 5xx) is sent again with the same ids: the intake knows them,
so nothing is counted twice and nothing is left out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import aiohttp
import orjson

from linkage.replay.recording import Recorded

EVENTS_PATH: Final = "/api/v1/events"
BATCH: Final = 100
# Events due within this time of one another share a request: nobody sees the difference.
GATHER_SECONDS: Final = 0.05
REQUEST_SECONDS: Final = 30
RETRY_SECONDS: Final = (0.5, 1, 2, 5, 10)
RETRY_AFTER_AT_MOST_SECONDS: Final = 60
PATIENCE_SECONDS: Final = 600
RETRIED: Final = frozenset({408, 425, 429})

Progress = Callable[[Recorded, int], None]


class Refusal(NamedTuple):
    """One event the intake rejected, with its reasons."""

    position: int
    event_id: str
    why: str


@dataclass
class Tally:
    """What became of the events: `sent` were answered, each as accepted, duplicate or rejected."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    retries: int = 0
    refusals: list[Refusal] = field(default_factory=list)


class Undelivered(Exception):
    """The intake refuses us for good, or has not answered for `PATIENCE_SECONDS`; what is not sent is safe to replay."""


class _Refused(Exception):
    """An answer that sending again may cure; `after_s` is the server's wish."""

    def __init__(self, what: str, after_s: float | None = None) -> None:
        super().__init__(what)
        self.after_s = after_s


async def send_all(
    events: Sequence[Recorded], *, base_url: str, key: str, speed: float, tally: Tally, progress: Progress
) -> None:
    """Sends everything in order; `speed` 600 plays ten minutes in a second, 0 knows no pauses.

    `tally` is kept up to date throughout, so that it is right also after an interruption. Raises Undelivered.
    """
    waiting = deque(events)
    loop = asyncio.get_running_loop()
    started = loop.time()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        while waiting:
            pause = _due_in(waiting[0], events[0], speed) - (loop.time() - started)
            if pause > 0:
                await asyncio.sleep(pause)
            batch = _take(waiting, events[0], speed, loop.time() - started + GATHER_SECONDS)
            answer = await _deliver(session, base_url.rstrip("/") + EVENTS_PATH, batch, tally)
            _count(tally, batch, answer)
            progress(batch[-1], len(batch))


def _due_in(one: Recorded, first: Recorded, speed: float) -> float:
    return (one.at - first.at).total_seconds() / speed if speed else 0.0


def _take(waiting: deque[Recorded], first: Recorded, speed: float, until: float) -> list[Recorded]:
    batch = [waiting.popleft()]
    while waiting and len(batch) < BATCH and _due_in(waiting[0], first, speed) <= until:
        batch.append(waiting.popleft())
    return batch


async def _deliver(session: aiohttp.ClientSession, url: str, batch: list[Recorded], tally: Tally) -> dict[str, Any]:
    body = orjson.dumps([one.event for one in batch])
    loop = asyncio.get_running_loop()
    give_up = loop.time() + PATIENCE_SECONDS
    attempt = 0
    while True:
        try:
            return await _post(session, url, body)
        except (_Refused, aiohttp.ClientError, TimeoutError) as error:
            if loop.time() > give_up:
                raise Undelivered(f"{url} has not taken a batch for {PATIENCE_SECONDS} s: {error!r}") from error
            wished = error.after_s if isinstance(error, _Refused) else None
            delay = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)] if wished is None else wished
            attempt += 1
            tally.retries += 1
            await asyncio.sleep(delay)


async def _post(session: aiohttp.ClientSession, url: str, body: bytes) -> dict[str, Any]:
    async with session.post(url, data=body, allow_redirects=False) as response:
        content = await response.read()
        if response.status in RETRIED or response.status >= 500:
            raise _Refused(f"{response.status}", _retry_after(response.headers.get("Retry-After")))
        if response.status != 202:
            raise Undelivered(f"{url} answered {response.status}: {content[:300].decode(errors='replace')}")
        return orjson.loads(content)  # type: ignore[no-any-return]


def _retry_after(text: str | None) -> float | None:
    try:
        return min(max(float(text or ""), 0.0), RETRY_AFTER_AT_MOST_SECONDS)
    except ValueError:
        return None


def _count(tally: Tally, batch: list[Recorded], answer: dict[str, Any]) -> None:
    tally.sent += len(batch)
    tally.accepted += answer["accepted"]
    tally.duplicates += answer["duplicates"]
    tally.rejected += answer["rejected"]
    for one, result in zip(batch, answer["results"], strict=True):
        if result["status"] == "rejected":
            why = "; ".join(f"{error['field']}: {error['message']}" for error in result.get("errors", ()))
            tally.refusals.append(Refusal(one.position, one.event["id"], why))
