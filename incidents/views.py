"""The pages: the operator's room, the big screen, windows of their own, and health."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.generic import TemplateView
from leaflet import app_settings as leaflet

from ocenter.accounts.models import Municipality
from ocenter.accounts.roles import actions_of

STYLE_SHEETS: Final = ("layout", "header", "queue", "incident", "overview", "relay", "procedure", "dialog", "axis", "map", "video", "wall", "shift", "small", "windows", "print", "events", "register", "alarms")  # fmt: skip
# What can have a window of its own, beside the whole console.
PARTS: Final = {"queue": _lazy("Incident queue"), "map": _lazy("Map"), "panel": _lazy("Selected incident")}
# What the points' worker imports; an import map does not reach it.
POINTS_MODULES: Final = ("packed", "grid", "painting")


class Console(LoginRequiredMixin, TemplateView):
    """The page `/`: an empty room, which the scripts furnish from the REST and the socket."""

    template_name = "console.html"
    part = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The centre's name, the style sheets, and the addresses that the scripts cannot know."""
        return super().get_context_data(**kwargs) | {
            "centre_name": centre_name(self.request.user.municipality),
            "sheets": _sheets(STYLE_SHEETS),
            "boot": _boot() | {"health": reverse("health-page"), "shift": reverse("shift-page"), "window": self.part},
            "part": self.part,
            "part_name": PARTS.get(self.part),
        }


class ConsoleWindow(Console):
    """The page `/window/PART/`: the queue, the map or the incident panel alone, with a live line of its own."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """404 for a part that there is not."""
        self.part = kwargs["part"]
        if self.part not in PARTS:
            raise Http404
        return super().dispatch(request, *args, **kwargs)


class WallPage(LoginRequiredMixin, TemplateView):
    """The page `/wall/` for the big screen: map, worst incidents, pictures. It acts on nothing."""

    template_name = "wall.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The centre's name, the style sheets, and the addresses that the scripts cannot know."""
        return super().get_context_data(**kwargs) | {
            "centre_name": centre_name(self.request.user.municipality),
            "sheets": _sheets(("header", "map", "dialog", "video", "wall", "screen")),
            "boot": _boot(),
        }


class WindowPage(LoginRequiredMixin, TemplateView):
    """The page `/window/`: one camera or the video wall in a window of its own, for another monitor."""

    template_name = "window.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The style sheets and the addresses that the scripts cannot know."""
        sheets = _sheets(("layout", "header", "queue", "dialog", "video", "wall"))
        return super().get_context_data(**kwargs) | {"sheets": sheets, "boot": _boot()}


class HealthPage(LoginRequiredMixin, TemplateView):
    """The page `/health/`: how every link and every part is, for everybody who works here. Scripts fill it from
    `GET /api/v1/health` and keep it fresh."""

    template_name = "health.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The centre's name, and for those who may configure links the way to each."""
        user = self.request.user
        administers = user.is_superuser or "administrate" in actions_of(user.role)
        # The page puts a link's number in place of 0.
        boot = {
            "link": reverse("admin:linkage_linkedsystem_change", args=[0]) if administers else None,
            "quarantine": _quarantine_address() if administers else None,
        }
        return super().get_context_data(**kwargs) | {"centre_name": centre_name(user.municipality), "boot": boot}


def _quarantine_address() -> str | None:
    try:
        return reverse("admin:linkage_quarantined_changelist") + "?system__id__exact=0"
    except NoReverseMatch:
        return None


def _boot() -> dict[str, Any]:
    """What a page with the live line and the map is told before its scripts begin."""
    return {
        "socket": "/ws/live/",
        "basemap": "/basemap/",
        "points": {
            "worker": static("js/points-worker.js"),
            "modules": [static(f"js/map/{name}.js") for name in POINTS_MODULES],
            "points": reverse("map-points"),
        },
        "map": _map_options(),
        "build": settings.BUILD,
    }


def _sheets(names: Iterable[str]) -> list[str]:
    return [static(f"css/{name}.css") for name in names]


def _map_options() -> dict[str, Any]:
    """Leaflet's options, from the one place django-leaflet keeps them (`LEAFLET_CONFIG`)."""
    return {
        "minZoom": leaflet["MIN_ZOOM"],
        "maxZoom": leaflet["MAX_ZOOM"],
        "center": leaflet["DEFAULT_CENTER"],
        "zoom": leaflet["DEFAULT_ZOOM"],
        "tiles": _tiles(),
    }


def _tiles() -> dict[str, Any] | None:
    """The base map of tiles that the settings choose, None for the boundaries alone."""
    if settings.BASEMAP_KIND == "builtin":
        return None
    ours = settings.BASEMAP_KIND == "pmtiles"
    return {
        "kind": settings.BASEMAP_KIND,
        "url": reverse("tile-archive") if ours else settings.BASEMAP_SOURCE,
        "attribution": settings.BASEMAP_ATTRIBUTION,
        "libraries": {"pmtiles": static("vendor/pmtiles/pmtiles.js"), "protomaps": static("vendor/protomaps-leaflet/protomaps-leaflet.js")},
    }


def centre_name(municipality: Municipality | None) -> str:
    """What the header says; an account without a municipality sees the product's name."""
    if municipality is None:
        return "ocenter"
    name = municipality.name_en if get_language() == "en" else municipality.name_ko
    return _("%(name)s operations centre") % {"name": name}
