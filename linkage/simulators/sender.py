"""A feed's outbox: events in small batches, the same id again until they are answered, and a heartbeat.

Everything is written to the *sender's log* (``city.log.jsonl``), one JSON object a line:

``{"what": "due", "at", "feed", "event": {…}, "happening", "truth"}``   before an event is first sent
``{"what": "answer", "at", "feed", "id", "http", "status", "incident"}``  when ocenter has answered for it

An event that is due without an answer belongs to the next start: the log is the queue on disk.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import aiohttp

log = logging.getLogger(__name__)

Event = dict[str, Any]

KST = timezone(timedelta(hours=9))
HEARTBEAT_SECONDS = 20.0
BATCH = 100
DEADLINE = aiohttp.ClientTimeout(total=15)
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
FINAL = frozenset({"accepted", "duplicate", "rejected"})
REFUSED_FOR_ITSELF = frozenset({400, 413, 422})
"""Answers that sending the same again cannot change."""


def now_kst() -> str:
    """This moment in ISO 8601, Korean time."""
    return datetime.now(KST).isoformat(timespec="milliseconds")


class Log:
    """The sender's log. Lines reach the kernel at once, so a killed city loses none."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        cut_short = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
        self._file = path.open("a", encoding="utf-8", buffering=1)
        if cut_short:  # by a power cut: the next line must not be lost with it
            self._file.write("\n")

    def due(self, feed: str, event: Event, *, happening: str, truth: str) -> None:
        """Note an event before it is first sent."""
        self._write(what="due", feed=feed, event=event, happening=happening, truth=truth)

    def answer(self, feed: str, event_id: str, *, http: int, status: str, incident: str | None) -> None:
        """Note the final answer for one event."""
        self._write(what="answer", feed=feed, id=event_id, http=http, status=status, incident=incident)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, **line: Any) -> None:
        self._file.write(json.dumps({"at": now_kst(), **line}, ensure_ascii=False) + "\n")


def unanswered(path: Path) -> list[tuple[str, Event]]:
    """Feed and event of everything an earlier city still owes; a line cut short by a crash is passed over."""
    owed: dict[tuple[str, str], Event] = {}
    for line in _lines(path):
        if line["what"] == "due":
            owed[line["feed"], line["event"]["id"]] = line["event"]
        else:
            owed.pop((line["feed"], line["id"]), None)
    return [(feed, event) for (feed, _), event in owed.items()]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                log.warning("%s: passing over a damaged line", path)


@dataclass(frozen=True)
class Reply:
    """What one POST came to: a status (0 when nothing came back), the results, how long to wait."""

    http: int
    results: list[dict[str, Any]]
    retry_after_s: float | None = None


class Feed:
    """One feed of the city, with a queue, a key and a pulse of its own."""

    def __init__(
        self,
        slug: str,
        *,
        client: aiohttp.ClientSession,
        url: str,
        key: Callable[[], str | None],
        journal: Log,
        heartbeat_s: float = HEARTBEAT_SECONDS,
    ) -> None:
        self.slug = slug
        self._client = client
        self._url = url
        self._key = key
        self._log = journal
        self._heartbeat_s = heartbeat_s
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, event: Event) -> None:
        """Queue an event that the log already holds as due."""
        self._waiting.append(event)
        self._news.set()
        self._idle.clear()

    async def drained(self) -> None:
        """Wait until every event put so far has its final answer."""
        await self._idle.wait()

    @property
    def owed(self) -> int:
        """Events without a final answer."""
        return len(self._waiting)

    async def run(self) -> None:
        """Send what comes, for ever; an empty array now and then while nothing does."""
        while True:
            if not self._waiting and not await self._news_in_time():
                await self._post([])
                continue
            await self._send_waiting()

    async def _news_in_time(self) -> bool:
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), self._heartbeat_s)
        except TimeoutError:
            return False
        return True

    async def _send_waiting(self) -> None:
        """Send until nothing waits, backing off while ocenter does not answer."""
        pause, size = FIRST_PAUSE_SECONDS, BATCH
        while self._waiting:
            batch = list(self._waiting)[:size]
            reply = await self._post(batch)
            if self._settle(batch, reply):
                pause, size = FIRST_PAUSE_SECONDS, BATCH
            elif reply.http in REFUSED_FOR_ITSELF and len(batch) > 1:
                size = 1  # find the one it is about
            else:
                await asyncio.sleep(reply.retry_after_s or pause * random.uniform(0.8, 1.2))
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
        self._idle.set()

    def _settle(self, batch: list[Event], reply: Reply) -> bool:
        """Log and forget the events this reply is final for; whether there was any."""
        if reply.http in REFUSED_FOR_ITSELF and len(batch) == 1:
            final = {batch[0]["id"]: {"status": "refused"}}
        else:
            final = {r["id"]: r for r in reply.results if r.get("status") in FINAL}
        answered = [event for event in batch if event["id"] in final]
        for event in answered:
            result = final[event["id"]]
            incident = result.get("incident")
            self._log.answer(self.slug, event["id"], http=reply.http, status=result["status"], incident=incident)
        gone = {event["id"] for event in answered}
        self._waiting = deque(event for event in self._waiting if event["id"] not in gone)
        return bool(answered)

    async def _post(self, events: list[Event]) -> Reply:
        """POST once; whatever goes wrong on the way is a reply with status 0."""
        headers = {"Authorization": f"Bearer {self._key() or ''}"}
        try:
            async with self._client.post(
                self._url, json=events, headers=headers, timeout=DEADLINE, allow_redirects=False
            ) as answer:
                results = (await answer.json()).get("results", []) if answer.status < 300 else []
                return Reply(answer.status, results, _retry_after(answer))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError) as problem:
            log.debug("%s: %r", self.slug, problem)
            return Reply(0, [])


def _retry_after(answer: aiohttp.ClientResponse) -> float | None:
    """Seconds of Retry-After, at most our own longest pause; None without a usable one."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), LONGEST_PAUSE_SECONDS) if text.isdigit() and text != "0" else None
