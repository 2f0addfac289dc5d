"""/healthz says the process lives; /readyz says whether the whole works, part by part."""

from collections.abc import Callable

import redis
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from linkage.health import COLLECTOR, seen_at, sweeper_seen_at
from linkage.video.sessions import GATEWAY as VIDEO
from linkage.vitals import QUIET_SECONDS, ping_bell

BELL_TIMEOUT_SECONDS = 1
BESIDE = {COLLECTOR: "the collector", VIDEO: "the media gateway"}
SWEEPER_QUIET_SECONDS = 10


class NotReady(Exception):
    """A part does not work; the text says why."""


def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all; touches nothing else."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, bell and sweeper work, else 503 with the reason by name.

    Where a collector or a media gateway has ever run, it is named too; a silent one, like a silent feed, makes no web
    process unready.
    """
    parts = {name: _state(check) for name, check in CHECKS.items()}
    ready = all(part["ok"] for part in parts.values())
    parts |= {name: state for name in BESIDE if (state := _beside(name))}
    answer = JsonResponse({"status": "ready" if ready else "not ready", "checks": parts}, status=200 if ready else 503)
    answer["Cache-Control"] = "no-store"
    return answer


def check_database() -> None:
    """Ask the database something trivial."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        raise NotReady(f"PostgreSQL does not answer: {_first_line(error)}") from error


def check_bell() -> None:
    """Ping Redis. Without it everything still happens, but a second later."""
    try:
        ping_bell(BELL_TIMEOUT_SECONDS)
    except redis.RedisError as error:
        raise NotReady(f"Redis does not answer: {_first_line(error)}") from error


def check_sweeper() -> None:
    """The sweeper writes its heartbeat to the database; a silent one delivers nothing that was missed."""
    try:
        seen_at = sweeper_seen_at()
    except Error as error:
        raise NotReady(f"unknown, for PostgreSQL does not answer: {_first_line(error)}") from error
    if seen_at is None:
        raise NotReady("the sweeper has never run")
    quiet_s = (timezone.now() - seen_at).total_seconds()
    if quiet_s > SWEEPER_QUIET_SECONDS:
        raise NotReady(f"the sweeper was last seen {quiet_s:.0f} s ago")


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "bell": check_bell,
    "sweeper": check_sweeper,
}


def _beside(name: str) -> dict[str, bool | str] | None:
    """A process whose silence makes nobody unready; None where it has never run."""
    try:
        at = seen_at(name)
    except Error:
        return None  # the database says so for itself
    if at is None:
        return None
    quiet_s = (timezone.now() - at).total_seconds()
    if quiet_s > QUIET_SECONDS[name]:
        return {"ok": False, "reason": f"{BESIDE[name]} was last seen {quiet_s:.0f} s ago"}
    return {"ok": True}


def _state(check: Callable[[], None]) -> dict[str, bool | str]:
    try:
        check()
    except NotReady as error:
        return {"ok": False, "reason": str(error)}
    return {"ok": True}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
