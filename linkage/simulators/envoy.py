"""An agency's own line to ocenter: its envelopes, each case's in order, again until they are answered."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp

from linkage.simulators import casebook
from linkage.simulators.callbacks import AT_ONCE, DEADLINE, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, TRY_AGAIN
from linkage.simulators.casebook import Owed
from linkage.simulators.config import Installation
from linkage.simulators.journal import Journal

log = logging.getLogger(__name__)

ENVELOPES = "/api/v1/feeds/agency_request"
ANSWER_BYTES = 4000
"""How much of an answer is kept."""
ASK = "ASK"

Answer = tuple[str, Any]


class Envoy:
    """Sends what the casebook owes. Messages are durable and ordered by case."""

    def __init__(
        self, slug: str, journal: Journal, client: aiohttp.ClientSession, installation: Callable[[], Installation]
    ) -> None:
        self.slug = slug
        self._journal = journal
        self._client = client
        self._installation = installation
        self._free_lines = asyncio.Semaphore(AT_ONCE)
        self._owed: dict[str, deque[Owed]] = {}
        self._pumps: set[asyncio.Task[None]] = set()

    async def resume(self) -> None:
        """Take up what an earlier process still owed."""
        for message in await self._journal.run(casebook.owed_messages):
            self.send(message)

    def send(self, message: Owed) -> None:
        """Send a message that is already in the casebook, after those of its case sent before."""
        if message.case in self._owed:
            self._owed[message.case].append(message)
            return
        self._owed[message.case] = deque([message])
        pump = asyncio.create_task(self._pump(message.case))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)

    async def close(self) -> None:
        """Stop sending; what is owed stays in the casebook for the next start."""
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _pump(self, case: str) -> None:
        waiting = self._owed[case]
        while waiting:
            outcome, answer = await self._send_until_answered(waiting[0])
            settle = partial(casebook.settle_message, message_id=waiting[0].id, outcome=outcome, answer=answer)
            await self._journal.run(settle)
            waiting.popleft()
        del self._owed[case]

    async def _send_until_answered(self, message: Owed) -> Answer:
        pause = FIRST_PAUSE_SECONDS
        while True:
            answer = await self._try(message)
            if answer is not None:
                return answer
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    async def _try(self, message: Owed) -> Answer | None:
        """Send once. How it ended and what was answered, or None where trying again may help."""
        installation = self._installation()
        key = installation.agency_keys.get(self.slug)
        if key is None:
            return None
        await self._journal.run(partial(casebook.count_try, message_id=message.id))
        try:
            status, raw = await self._exchange(installation.base_url, key, message)
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            log.debug("%s: %s failed: %r", self.slug, message.id, problem)
            return None
        if status >= 500 or status in TRY_AGAIN:
            return None
        if status >= 300:
            log.warning("%s: %s refused with %s", self.slug, message.id, status)
            return f"refused {status}", _shortened(raw)
        return str(status), _asked(message, raw) if message.type == ASK else _shortened(raw)

    async def _exchange(self, base_url: str, key: str, message: Owed) -> tuple[int, bytes]:
        how: dict[str, Any] = {
            "headers": {"Authorization": f"Bearer {key}"},
            "timeout": DEADLINE,
            "allow_redirects": False,
        }
        if message.type == ASK:
            call = self._client.get(base_url + message.body["path"], params=message.body["params"], **how)
        else:
            call = self._client.post(base_url + ENVELOPES, json=message.body, **how)
        async with self._free_lines, call as answer:
            return answer.status, await answer.read()


def _shortened(raw: bytes) -> Any:
    """The answer as JSON where it is some, else the beginning of its text."""
    try:
        return json.loads(raw) if len(raw) <= ANSWER_BYTES else raw[:ANSWER_BYTES].decode("utf-8", "replace")
    except ValueError:
        return raw[:ANSWER_BYTES].decode("utf-8", "replace")


def _asked(message: Owed, raw: bytes) -> dict[str, Any]:
    """Of a question's answer only the figures: how many, and of which grade."""
    try:
        document = json.loads(raw)
    except ValueError:
        return {"what": message.body["what"], "count": None}
    rows = next((value for value in document.values() if isinstance(value, list)), [])
    grades: dict[str, int] = {}
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("grade"), str):
            grades[row["grade"]] = grades.get(row["grade"], 0) + 1
    return {"what": message.body["what"], "count": len(rows), **({"grades": grades} if grades else {})}
