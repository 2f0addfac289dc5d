"""The state of everything, as the health page, `GET /api/v1/health` and `/metrics` show it: each link with its
standing and figures, and our own parts: database, bell, sweeper, collector, worker."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone

from linkage.figures import Figures, Window, figures_of
from linkage.health import COLLECTOR, WORKER, LinkState, iso, link_state
from linkage.models import Heartbeat, LinkedSystem, VideoGateway
from linkage.standing import Standing, quiet_limit_s, standings, watched_systems
from linkage.sweeper import HEARTBEAT_NAME as SWEEPER
from linkage.video.sessions import GATEWAY as VIDEO
from linkage.video.sessions import QUIET_SECONDS as VIDEO_QUIET_SECONDS

BELL_TIMEOUT_SECONDS: Final = 0.5
# After this long without a heartbeat a process counts as gone: its own period and some patience.
QUIET_SECONDS: Final = {SWEEPER: 10.0, COLLECTOR: 15.0, WORKER: 45.0, VIDEO: VIDEO_QUIET_SECONDS}


class FeedReport(TypedDict):
    """What only a feed has. Ages and limits in seconds; a limit of 0 is none."""

    format: str
    poll_interval_s: int | None
    events_last_min: int
    events_total: int
    last_event_at: str | None
    delay_s: float | None
    quiet_limit_s: int
    late_limit_s: int
    noisy_limit_per_min: int


class BreakerReport(TypedDict):
    """The circuit breaker: "closed", "open" (nothing is sent) or "half_open" (one message tries)."""

    state: str
    failures: int
    until: str | None


class MaintenanceReport(TypedDict):
    """A maintenance window that holds now."""

    until: str | None
    reason: str


class AgencyReport(TypedDict):
    """What only an agency has. `queue` are undelivered messages, `under_way` those on the wire."""

    transport: str
    queue: int
    oldest_at: str | None
    under_way: int
    at_once: int
    deadline_s: int
    breaker: BreakerReport
    second_endpoint_until: str | None
    maintenance: MaintenanceReport | None
    last_15_min: Window
    last_24_h: Window


class LinkReport(LinkState):
    """One link, all of it. `quarantined` are records that wait for somebody, counted up to 10,000."""

    id: int
    municipality: str
    last_error: str | None
    last_error_at: str | None
    quarantined: int
    feed: FeedReport | None
    agency: AgencyReport | None


class PartReport(TypedDict):
    """One of our own parts. `age_s`: since its last sign of life; `took_ms`: how long it took to answer."""

    name: str
    ok: bool
    age_s: float | None
    took_ms: float | None
    reason: str | None


class VideoReport(TypedDict):
    """What the media gateway does: ffmpegs running of those that may; the rest counts since ever."""

    limit: int
    running: int
    starts: int
    failures: int
    refused: int


class HealthReport(TypedDict):
    """Everything, as of `at`. `clock_skew_ms` is the database's clock minus this process's; `video` is null where no
    media gateway has ever run."""

    at: str
    parts: list[PartReport]
    clock_skew_ms: float
    links: list[LinkReport]
    video: VideoReport | None


def health_report(municipality_ids: Collection[int]) -> HealthReport:
    """How everything is in these municipalities. Raises what the database raises."""
    database, skew_ms = database_part()
    return {
        "at": timezone.now().isoformat(),
        "parts": [database, bell_part(), *process_parts()],
        "clock_skew_ms": skew_ms,
        "links": link_reports(municipality_ids),
        "video": video_report(),
    }


def video_report() -> VideoReport | None:
    """The gateway's figures as it last wrote them."""
    return VideoGateway.objects.values("limit", "running", "starts", "failures", "refused").first()  # type: ignore[return-value]


def link_reports(municipality_ids: Collection[int]) -> list[LinkReport]:
    """Each linked system of these municipalities, the switched-off ones too."""
    mine = watched_systems().filter(municipality_id__in=list(municipality_ids))
    systems = list(mine.select_related("municipality").defer(*_UNREAD))
    found, figures = standings(systems), figures_of(one.pk for one in systems)
    return [_link(one, found[one.pk], figures[one.pk]) for one in systems]


# `defer` starts anew with `select_related`: what `watched_systems` leaves out, and the boundary, which is large.
_UNREAD: Final = ("mapping", "options", "state", "sealed_secret", "sealed_previous_secret", "municipality__boundary")


def _link(system: LinkedSystem, standing: Standing, figures: Figures) -> LinkReport:
    return {
        **link_state(system, standing),
        "id": system.pk,
        "municipality": system.municipality.code,
        "last_error": system.last_error or None,
        "last_error_at": iso(system.last_error_at),
        "quarantined": figures.quarantined,
        "feed": _feed(system, standing) if system.kind == LinkedSystem.Kind.FEED else None,
        "agency": _agency(system, standing, figures) if system.kind == LinkedSystem.Kind.AGENCY else None,
    }


def _feed(feed: LinkedSystem, standing: Standing) -> FeedReport:
    return {
        "format": feed.feed_format or "events",
        "poll_interval_s": feed.poll_interval_s,
        "events_last_min": standing.signs.events_last_min,
        "events_total": feed.events_total,
        "last_event_at": iso(feed.last_event_at),
        "delay_s": None if feed.last_delay_s is None else round(feed.last_delay_s, 2),
        "quiet_limit_s": quiet_limit_s(feed),
        "late_limit_s": feed.late_limit_s,
        "noisy_limit_per_min": feed.noisy_limit_per_min,
    }


def _agency(agency: LinkedSystem, standing: Standing, figures: Figures) -> AgencyReport:
    signs, now = standing.signs, timezone.now()
    maintenance: MaintenanceReport = {"until": iso(signs.window_until), "reason": signs.window_reason}
    second = agency.secondary_until
    return {
        "transport": agency.transport,
        "queue": signs.queue,
        "oldest_at": iso(signs.queue_since),
        "under_way": figures.under_way,
        "at_once": agency.max_concurrent,
        "deadline_s": agency.deadline_s,
        "breaker": breaker_report(agency, now),
        "second_endpoint_until": iso(second) if second and second > now else None,
        "maintenance": maintenance if signs.window_until else None,
        "last_15_min": figures.windows["last_15_min"],
        "last_24_h": figures.windows["last_24_h"],
    }


def breaker_report(agency: LinkedSystem, now: datetime) -> BreakerReport:
    """The agency's breaker as of `now`."""
    until = agency.breaker_until
    state = "closed" if until is None else "open" if until > now else "half_open"
    return {"state": state, "failures": agency.breaker_failures, "until": iso(until)}


def database_part() -> tuple[PartReport, float]:
    """The database, which has to answer, and how many milliseconds its clock is ahead of ours."""
    clock = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone()
    took_ms = (time.perf_counter() - clock) * 1000
    ours = timezone.now() - timedelta(milliseconds=took_ms / 2)
    skew_ms = round((theirs - ours).total_seconds() * 1000, 1)
    return _part("database", ok=True, took_ms=round(took_ms, 1)), skew_ms


def bell_part() -> PartReport:
    """Redis, asked now. Without it everything still happens, a second later."""
    try:
        return _part("bell", ok=True, took_ms=round(ping_bell() * 1000, 1))
    except redis.RedisError as error:
        return _part("bell", ok=False, reason=str(error).strip().splitlines()[0] if str(error) else type(error).__name__)


def ping_bell(timeout_s: float = BELL_TIMEOUT_SECONDS) -> float:
    """Seconds Redis took to answer. Raises redis.RedisError."""
    clock = time.perf_counter()
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=timeout_s, socket_timeout=timeout_s, retry=None
    ) as client:
        client.ping()
    return time.perf_counter() - clock


def process_parts() -> list[PartReport]:
    """The processes that write a heartbeat, each by its name. The sweeper must be there; of the others, those that
    have ever run here."""
    seen = dict(Heartbeat.objects.values_list("name", "at"))
    now = timezone.now()
    return [_process(name, seen.get(name), now) for name in (SWEEPER, *sorted(seen.keys() - {SWEEPER}))]


def _process(name: str, at: datetime | None, now: datetime) -> PartReport:
    if at is None:
        return _part(name, ok=False, reason="never seen")
    age_s = max(0.0, (now - at).total_seconds())
    ok = age_s <= QUIET_SECONDS.get(name, QUIET_SECONDS[WORKER])
    return _part(name, ok=ok, age_s=round(age_s, 1), reason=None if ok else f"last seen {age_s:.0f} s ago")


def _part(name: str, *, ok: bool, **more: Any) -> PartReport:
    return {"name": name, "ok": ok, "age_s": None, "took_ms": None, "reason": None, **more}  # type: ignore[typeddict-item]
