"""The bell: "municipality M is at ledger number N", over Redis, and nothing else.

A ring may be lost, doubled or late: readers also look once a second. So ringing never fails and never
waits long: after a failure the bell rests for a while instead of costing every commit a time-out.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Final

import redis
import redis.asyncio
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

CHANNEL: Final = "ocenter:bell"
CONNECT_SECONDS: Final = 0.3
REST_SECONDS: Final = 2.0


class _Ringer:
    """This process's connection pool to Redis, and when it may be tried again."""

    def __init__(self) -> None:
        self._client: redis.Redis | None = None
        self._rests_until = 0.0

    def publish(self, message: str) -> None:
        if time.monotonic() < self._rests_until:
            return
        try:
            self._connected().publish(CHANNEL, message)
        except redis.RedisError as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            log.warning("bell.silent", error=str(error))

    def _connected(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis.from_url(
                settings.REDIS_URL, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS
            )
        return self._client


_ringer = _Ringer()


def ring(municipality_id: int, seq: int) -> None:
    """Tells every web process that the municipality's ledger has reached `seq`. Never raises."""
    _ringer.publish(f"{municipality_id} {seq}")


async def listen() -> AsyncIterator[tuple[int, int]]:
    """Rings as (municipality id, number), until Redis goes: then raises `redis.RedisError`."""
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=CONNECT_SECONDS)
    try:
        async with client.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(CHANNEL)
            async for message in channel.listen():
                municipality_id, _, seq = message["data"].decode().partition(" ")
                yield int(municipality_id), int(seq)
    finally:
        await client.aclose()
