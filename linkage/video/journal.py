"""What the gateway writes into the database: that it is there, what runs, how each stream is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import F

from linkage import health
from linkage.models import VideoGateway, VideoStream
from linkage.video.sessions import GATEWAY


class Figures(NamedTuple):
    """How many ffmpegs may run, how many do, and how many were started and failed since this was last told."""

    limit: int
    running: int
    starts: int
    failures: int


def begin() -> None:
    """A gateway begins: what the last one said of its streams holds no longer."""
    with transaction.atomic():
        VideoStream.objects.all().delete()
        VideoGateway.objects.get_or_create(pk=1)
        health.heartbeat(GATEWAY)


def write(rows: Sequence[tuple[str, str, datetime, str]], gone: Sequence[str], figures: Figures) -> None:
    """Its sign of life, the streams that changed, those that ended, and the counts."""
    with transaction.atomic():
        health.heartbeat(GATEWAY)
        if gone:
            VideoStream.objects.filter(pk__in=gone).delete()
        streams = [VideoStream(key=key, state=state, since=since, reason=reason) for key, state, since, reason in rows]
        if streams:
            VideoStream.objects.bulk_create(
                streams, update_conflicts=True, unique_fields=["key"], update_fields=["state", "since", "reason"]
            )
        VideoGateway.objects.filter(pk=1).update(
            limit=figures.limit, running=figures.running,
            starts=F("starts") + figures.starts, failures=F("failures") + figures.failures,
        )  # fmt: skip
