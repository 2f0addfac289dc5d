"""An agency's own line to ocenter: its envelopes, each case's in order, again until they are answered."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp

from linkage.simulators import casebook
from linkage.simulators.callbacks import AT_ONCE, DEADLINE, TRY_AGAIN
from linkage.simulators.casebook import Owed
from linkage.simulators.config import Installation
from linkage.simulators.journal import Journal
from linkage.simulators.pump import Pumps

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
        self._pumps = Pumps(self._try, self._settle)

    async def resume(self) -> None:
        """Take up what an earlier process still owed."""
        for message in await self._journal.run(casebook.owed_messages):
            self.send(message)

    def send(self, message: Owed) -> None:
        """Send a message that is already in the casebook, after those of its case sent before."""
        self._pumps.put(message.case, message)

    async def close(self) -> None:
        """Stop sending; what is owed stays in the casebook for the next start."""
        await self._pumps.close()

    async def _settle(self, message: Owed, answered: Answer) -> None:
        outcome, answer = answered
        await self._journal.run(
            partial(casebook.settle_message, message_id=message.id, outcome=outcome, answer=answer)
        )

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
