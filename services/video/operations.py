"""Beginning, keeping up and ending a look at a camera. Each is one transaction with its entry in the audit chain."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from incidents.models import Camera
from linkage.video.sessions import StreamState, session_open, sessions_end, sessions_prune, stream_state
from linkage.video.states import SHOWING
from ocenter.accounts import audit
from ocenter.accounts.principal import Principal
from ocenter.accounts.roles import actions_of
from services.video.models import VideoView
from services.video.purpose import Purpose

WATCH: Final = "watch"
SILENT_SECONDS: Final = 20.0  # a view whose page is not heard for this long is over
# Pages say every five seconds that they are there; a longer gap was no viewing.
COUNTED_SECONDS: Final = 10.0
VIEW_HOURS: Final = 4.0

Ending = VideoView.Ending


class NoStream(Exception):
    """The camera has no video that could be shown."""


class ViewOver(Exception):
    """There is no such view of the caller's, or it has ended."""


class Alive(NamedTuple):
    """How a view is: its stream's state, and the seconds viewed so far."""

    stream: StreamState
    seconds: float


@transaction.atomic
def view_begin(*, camera: Camera, by: Principal, purpose: Purpose) -> VideoView:
    """Begins a look. Not idempotent: two tiles are two views.

    Raises NoStream, and what `linkage.video.sessions.session_open` raises: LimitReached, GatewayAway.
    """
    stream, network = _stream_of(camera)
    assert by.user is not None  # only people watch
    now = timezone.now()
    view = VideoView(
        municipality_id=camera.municipality_id, camera=camera, user=by.user, incident=purpose.incident,
        reason=purpose.reason, address=audit.normal_address(by.address), begun_at=now, heard_at=now,
        expires_at=now + timedelta(hours=VIEW_HOURS),
    )  # fmt: skip
    session_open(
        session=view.pk, key=key_of(camera), stream=stream, allowed_network=network, expires_at=view.expires_at
    )
    view.save(force_insert=True)
    audit.record_many([_entry("video.begin", view, purpose.as_json())])
    return view


@transaction.atomic
def view_alive(*, view: uuid.UUID, by: Principal) -> Alive:
    """The page is still there. Raises ViewOver. Repeating is safe: time is counted once."""
    row = VideoView.objects.select_for_update(of=("self",)).filter(pk=view, user=by.user, ended_at=None).first()
    now = timezone.now()
    if row is None or row.expires_at <= now:
        raise ViewOver
    stream = _count(row, now)
    row.save(update_fields=["heard_at", "seconds", "first_picture_at"])
    return Alive(stream, row.seconds)


@transaction.atomic
def view_end(*, view: uuid.UUID, by: Principal) -> None:
    """The viewer looks away. Raises ViewOver where it never was theirs; repeating is safe."""
    row = _whole_views().select_for_update(of=("self",)).filter(pk=view, user=by.user).first()
    if row is None:
        raise ViewOver
    if row.ended_at is None:
        now = timezone.now()
        _count(row, now)
        _end([(row, Ending.VIEWER)], now)


def views_expire() -> int:
    """The sweeper's duty: ends views whose page is gone, whose time is over, or whose viewer may no longer watch."""
    now = timezone.now()
    with transaction.atomic():
        rows = list(_whole_views().select_for_update(of=("self",), skip_locked=True).filter(_suspects(now)))
        ended = [(row, ending) for row in rows if (ending := _ending(row, now))]
        _end(ended, now)
    return len(ended)


def sessions_forget() -> int:
    """The sweeper's duty: forgets, now and then, what the gateway no longer needs to know."""
    return sessions_prune()


@transaction.atomic
def denial_record(*, camera: Camera, by: Principal, action: str) -> None:
    """Logs that somebody was not let look at a camera, or turn it."""
    audit.record(
        actor=f"{by.actor['kind']}:{by.actor['name']}", action="video.denied", subject=f"camera:{camera.pk}",
        detail={"name": camera.name, "wanted": action}, municipality_id=camera.municipality_id, address=by.address,
    )  # fmt: skip


def key_of(camera: Camera) -> str:
    """The camera's name at the gateway."""
    return f"camera:{camera.pk}"


def _stream_of(camera: Camera) -> tuple[str, str]:
    system = camera.system
    if not camera.has_video or system is None or not system.enabled:
        raise NoStream
    try:
        return camera.stream, system.allowed_network
    except InvalidToken as error:
        raise NoStream from error


def _count(row: VideoView, now: datetime) -> StreamState:
    """Adds the time since the view was last heard, where there is a picture."""
    stream = stream_state(key_of(row.camera) if row.camera_id else "", asked_at=row.begun_at)
    if stream.state in SHOWING:
        began = row.first_picture_at or max(row.begun_at, stream.since)
        since = max(row.heard_at, began)
        row.seconds += min(max(0.0, (now - since).total_seconds()), COUNTED_SECONDS)
        row.first_picture_at = began
    row.heard_at = now
    return stream


def _whole_views():  # type: ignore[no-untyped-def]
    return VideoView.objects.select_related("camera", "user", "incident")


def _suspects(now: datetime) -> Q:
    gone = Q(user__is_active=False) | Q(user__expires_at__lte=now) | ~Q(user__role__in=_watching_roles())
    return Q(ended_at=None) & (Q(heard_at__lt=now - timedelta(seconds=SILENT_SECONDS)) | Q(expires_at__lte=now) | gone)


def _watching_roles() -> list[str]:
    return [role for role in VideoView._meta.get_field("user").related_model.Role.values if WATCH in actions_of(role)]


def _ending(row: VideoView, now: datetime) -> str:
    if not row.user.is_current() or WATCH not in actions_of(row.user.role):
        return Ending.ACCESS
    return Ending.EXPIRY if row.expires_at <= now else Ending.SILENCE


def _end(ended: Iterable[tuple[VideoView, str]], now: datetime) -> None:
    rows = []
    for row, ending in ended:
        row.ended_at, row.ended_by = now, ending
        rows.append(row)
    if not rows:
        return
    VideoView.objects.bulk_update(rows, ["ended_at", "ended_by", "seconds", "heard_at", "first_picture_at"])
    sessions_end(sessions=[row.pk for row in rows])
    audit.record_many(_entry("video.end", row, {"seconds": round(row.seconds, 1), "by": row.ended_by}) for row in rows)


def _entry(action: str, view: VideoView, detail: dict[str, Any]) -> audit.Entry:
    return audit.Entry(
        actor=f"user:{view.user.username}", action=action, subject=f"camera:{view.camera_id}",
        detail={"view": str(view.pk), "name": view.camera.name, **detail},
        municipality_id=view.municipality_id, address=view.address,
    )  # fmt: skip
