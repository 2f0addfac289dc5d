"""The URL map. Each app keeps its own; this page only says where they hang."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path, re_path
from django.views.i18n import JavaScriptCatalog
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from incidents.api.map import BaseMap
from incidents.api.problems import no_such_address
from incidents.api.tiles import TileArchive
from incidents.api.urls import urlpatterns as incidents_api
from incidents.views import Console, ConsoleWindow, HealthPage, WallPage, WindowPage
from ocenter.admin_site import admin_site
from ocenter.health import healthz, readyz
from ocenter.metrics import metrics
from services.procedures.urls import urlpatterns as procedures_api
from services.shifts.api import ShiftNow
from services.shifts.views import ShiftPage
from services.video.urls import urlpatterns as video_api

urlpatterns = [
    path("", Console.as_view(), name="console"),
    path("window/<str:part>/", ConsoleWindow.as_view(), name="console-window"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("jsi18n/", JavaScriptCatalog.as_view(), name="javascript-catalog"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("wall/", WallPage.as_view(), name="wall-page"),
    path("window/", WindowPage.as_view(), name="window-page"),
    path("health/", HealthPage.as_view(), name="health-page"),
    path("shift/", ShiftPage.as_view(), name="shift-page"),
    path("admin/", admin_site.urls),
    path("basemap/tiles.pmtiles", TileArchive.as_view(), name="tile-archive"),
    path("basemap/<str:code>.json", BaseMap.as_view(), name="basemap"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include([*incidents_api, *procedures_api, *video_api])),
    path("api/v1/shift", ShiftNow.as_view(), name="shift-now"),
    path("api/v1/shift/", include("services.shifts.urls")),
    re_path(r"^api/v1/", no_such_address),  # after every app's own
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
