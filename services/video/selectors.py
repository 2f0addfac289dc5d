"""Who watched what, for those who have to answer for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from services.video.models import VideoView


def views_of(
    municipality_ids: Iterable[int], *, camera: int | None = None, username: str = "", incident: str = "",
    since: datetime | None = None, until: datetime | None = None,
) -> QuerySet[VideoView]:  # fmt: skip
    """Views of these municipalities, newest first; with times, those that went on at any moment between them."""
    found = VideoView.objects.filter(municipality_id__in=list(municipality_ids)).select_related(
        "camera", "user", "incident"
    )
    if camera is not None:
        found = found.filter(camera_id=camera)
    if username:
        found = found.filter(user__username=username)
    if incident:
        found = found.filter(incident__number=incident)
    if since:
        found = found.filter(Q(ended_at=None) | Q(ended_at__gte=since))
    if until:
        found = found.filter(begun_at__lt=until)
    return found.order_by("-begun_at", "-pk")


def view_payload(view: VideoView) -> dict[str, Any]:
    """One view as the REST gives it."""
    return {
        "view": str(view.pk),
        "camera": {"id": view.camera_id, "name": view.camera.name},
        "user": view.user.username,
        "address": view.address,
        "incident": view.incident.number if view.incident else None,
        "reason": view.reason or None,
        "begun_at": view.begun_at.isoformat(),
        "first_picture_at": view.first_picture_at.isoformat() if view.first_picture_at else None,
        "ended_at": view.ended_at.isoformat() if view.ended_at else None,
        "ended_by": view.ended_by or None,
        "seconds": round(view.seconds, 1),
    }
