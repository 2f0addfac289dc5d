"""Who may see what now: the rows that grant it, written by the app above, read by the gateway."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from linkage.health import seen_at
from linkage.models import VideoGateway, VideoSession, VideoStream
from linkage.video.states import CONNECTING, LOST
from ocenter.accounts.secretbox import seal

GATEWAY: Final = "video"
QUIET_SECONDS: Final = 10.0
_LOCK: Final = 0x0CE7_71DE
KEPT_ENDED: Final = timedelta(days=1)
PRUNE_SECONDS: Final = 600.0

_pruned = float("-inf")


class LimitReached(Exception):
    """As many streams run as may; `in_use` of `limit`. Somebody has to stop watching first."""

    def __init__(self, limit: int, in_use: int) -> None:
        super().__init__(f"{in_use} of {limit} streams are in use")
        self.limit, self.in_use = limit, in_use


class GatewayAway(Exception):
    """The media gateway does not run."""


@dataclass(frozen=True)
class StreamState:
    """How a stream is, since when; `reason` says why it is lost, in the gateway's words."""

    state: str
    since: datetime
    reason: str = ""


@transaction.atomic
def session_open(
    *, session: uuid.UUID, key: str, stream: str, allowed_network: str, expires_at: datetime
) -> VideoSession:
    """Grants one viewer one stream. In the caller's transaction, where there is one, as its last lock but the audit's.

    Raises LimitReached where the stream would be one too many, counted over all who watch and exactly, also
    when many ask at once; GatewayAway where nobody would serve it.
    """
    if not gateway_is_there():
        raise GatewayAway
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    in_use = set(_open().values_list("key", flat=True).distinct())
    if key not in in_use and len(in_use) >= settings.VIDEO_STREAMS:
        raise LimitReached(settings.VIDEO_STREAMS, len(in_use))
    return VideoSession.objects.create(
        id=session, key=key, sealed_stream=seal(stream), allowed_network=allowed_network, expires_at=expires_at
    )


def refusal_count() -> None:
    """Counts a refusal; outside the transaction that was refused."""
    VideoGateway.objects.get_or_create(pk=1)
    VideoGateway.objects.filter(pk=1).update(refused=F("refused") + 1)


def sessions_end(*, sessions: Iterable[uuid.UUID]) -> int:
    """Ends them; the gateway stops serving them within seconds. Safe to repeat. Their addresses are forgotten."""
    now = timezone.now()
    return _open().filter(pk__in=list(sessions)).update(ended_at=now, sealed_stream="")


def sessions_prune() -> int:
    """Forgets sessions that ended long ago: what they were for is kept by who opened them. Does so now and then only,
    however often it is called."""
    global _pruned
    if time.monotonic() - _pruned < PRUNE_SECONDS:
        return 0
    _pruned = time.monotonic()
    return VideoSession.objects.filter(ended_at__lt=timezone.now() - KEPT_ENDED).delete()[0]


def stream_state(key: str, *, asked_at: datetime) -> StreamState:
    """How a stream is that was asked for at `asked_at`. Without the gateway nothing is shown: lost."""
    seen = seen_at(GATEWAY)
    if seen is None or (timezone.now() - seen).total_seconds() > QUIET_SECONDS:
        return StreamState(LOST, seen or asked_at, "the media gateway does not answer")
    row = VideoStream.objects.filter(pk=key).first()
    return StreamState(row.state, row.since, row.reason) if row else StreamState(CONNECTING, asked_at)


def gateway_is_there() -> bool:
    """Whether the gateway has been heard of lately."""
    seen = seen_at(GATEWAY)
    return seen is not None and (timezone.now() - seen).total_seconds() <= QUIET_SECONDS


def open_sessions(ids: Collection[uuid.UUID]) -> list[VideoSession]:
    """Those of them that are open."""
    return list(_open().filter(pk__in=list(ids)))


def _open():  # type: ignore[no-untyped-def]
    return VideoSession.objects.filter(ended_at=None, expires_at__gt=timezone.now())
