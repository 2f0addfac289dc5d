"""Telling ocenter what a unit does: signed, one case's facts in order, again until it answers."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp
from standardwebhooks import Webhook

from linkage.simulators import ledger
from linkage.simulators.config import Installation
from linkage.simulators.journal import Journal
from linkage.simulators.ledger import Callback
from linkage.simulators.pump import Pumps

log = logging.getLogger(__name__)

DEADLINE = aiohttp.ClientTimeout(total=10)
POSITION_DEADLINE = aiohttp.ClientTimeout(total=2)
AT_ONCE = 32
"""Callbacks in flight: as many as a busy desk's own link would carry."""
TRY_AGAIN = frozenset({408, 425, 429})

Headers = dict[str, str]


def signed(secret: str, message_id: str, body: str) -> Headers:
    """Standard Webhooks headers for ``body``."""
    # The library floors whatever it is given as if it were UTC, so it must be UTC.
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }


class Caller:
    """An agency's outgoing line. Milestones are durable and ordered by relay; positions are not."""

    def __init__(
        self,
        slug: str,
        journal: Journal,
        client: aiohttp.ClientSession,
        installation: Callable[[], Installation],
    ) -> None:
        self.slug = slug
        self._journal = journal
        self._client = client
        self._installation = installation
        self._free_lines = asyncio.Semaphore(AT_ONCE)
        self._pumps = Pumps(partial(self._call, deadline=DEADLINE), self._settle)

    async def resume(self) -> None:
        """Take up what an earlier process still owed."""
        for callback in await self._journal.run(ledger.owed_callbacks):
            self.tell(callback)

    def tell(self, callback: Callback) -> None:
        """Send a milestone that is already in the journal, after those of its relay told before."""
        self._pumps.put(callback.relay, callback)

    async def tell_position(self, relay: str, url: str, body: dict[str, Any]) -> None:
        """Send a position once. It is dropped where it would wait or when it fails: the next is fresher."""
        if relay not in self._pumps and not self._free_lines.locked():
            position = Callback(f"{relay}.position.{time.time_ns()}", relay, url, json.dumps(body))
            await self._call(position, POSITION_DEADLINE)

    async def close(self) -> None:
        """Stop calling; what is owed stays in the journal for the next start."""
        await self._pumps.close()

    async def _settle(self, callback: Callback, outcome: str) -> None:
        await self._journal.run(partial(ledger.settle_callback, callback_id=callback.id, outcome=outcome))

    async def _call(self, callback: Callback, deadline: aiohttp.ClientTimeout) -> str | None:
        """Call once. How it ended (``"204"``, ``"refused 404"``, …), or None where trying again may help."""
        installation = self._installation()
        secret = installation.secrets.get(self.slug)
        if not installation.may_call(callback.url):
            log.warning("%s: %s is not this installation's address; not called", self.slug, callback.url)
            return "not called"
        if secret is None:
            return None
        try:
            status = await self._post(callback, signed(secret, callback.id, callback.body), deadline)
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            log.debug("%s: %s failed: %r", self.slug, callback.id, problem)
            return None
        if status >= 500 or status in TRY_AGAIN:
            return None
        if status >= 300:
            log.warning("%s: %s refused with %s", self.slug, callback.id, status)
            return f"refused {status}"
        return str(status)

    async def _post(self, callback: Callback, headers: Headers, deadline: aiohttp.ClientTimeout) -> int:
        async with self._free_lines:
            async with self._client.post(
                callback.url,
                data=callback.body.encode(),
                headers=headers,
                timeout=deadline,
                allow_redirects=False,
            ) as answer:
                return answer.status
