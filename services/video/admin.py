"""Viewings in the admin site, to read: administrators and auditors within their municipality."""

from __future__ import annotations

from typing import Final

from django.contrib.admin import EmptyFieldListFilter
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from ocenter.accounts.admin_base import VIEW, ReadOnlyAdmin
from services.video.models import VideoView


class VideoViewAdmin(ReadOnlyAdmin):
    """Who watched which camera, when, for how long, and why."""

    auditors_may = VIEW
    date_hierarchy = "begun_at"
    list_display = ("begun_at", "user", "camera", "incident", "reason", "viewed", "ended_at")
    list_filter = ("begun_at", ("incident", EmptyFieldListFilter), ("ended_at", EmptyFieldListFilter), "ended_by")
    list_select_related = ("user", "camera", "incident")
    search_fields = ("user__username", "camera__name", "camera__site_number", "incident__number", "reason")
    fields = (
        ("camera", "user"), ("incident", "reason"), "address", ("begun_at", "first_picture_at"), ("ended_at", "ended_by"),
        "seconds", ("heard_at", "expires_at"), "municipality",
    )  # fmt: skip

    @display(description=_("seconds viewed"), ordering="seconds")
    def viewed(self, view: VideoView) -> str:
        """With a picture."""
        return f"{view.seconds:.0f}"


PAGES: Final = ((VideoView, VideoViewAdmin),)
