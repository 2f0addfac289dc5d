"""The page on which an administrator maps a feed's JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import Http404, HttpRequest, HttpResponse

EventErrors = Callable[[Any], list[dict[str, str]]]


def mapping_page(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """To come."""
    raise Http404


mapping_preview = mapping_page
