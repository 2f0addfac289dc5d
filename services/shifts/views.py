"""The page `/shift/`: handovers written, signed, archived and printed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.generic import TemplateView

from incidents.views import centre_name
from ocenter.accounts.roles import actions_of


class ShiftPage(LoginRequiredMixin, TemplateView):
    """For operators and supervisors of a municipality; scripts fill it from `/api/v1/shift`."""

    template_name = "shift.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page; 403 for a role that works no shifts."""
        user = request.user
        if user.is_authenticated and not (user.municipality_id and "shift" in actions_of(user.role)):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The centre's name, for the header and for the sheet."""
        name = centre_name(self.request.user.municipality)
        return super().get_context_data(**kwargs) | {"centre_name": name, "boot": {"centre": name}}
