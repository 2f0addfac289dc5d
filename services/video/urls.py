"""The URL map of views and PTZ, under /api/v1/."""

from django.urls import path

from services.video import api

urlpatterns = [
    path("cameras/<int:camera>/views", api.CameraViews.as_view(), name="camera-views"),
    path("cameras/<int:camera>/ptz", api.CameraPtz.as_view(), name="camera-ptz"),
    path("views", api.ViewList.as_view(), name="views"),
    path("views/<uuid:view>/alive", api.ViewAlive.as_view(), name="view-alive"),
    path("views/<uuid:view>", api.ViewDetail.as_view(), name="view"),
]
