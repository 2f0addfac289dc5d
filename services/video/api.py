"""Views and PTZ over REST."""

from __future__ import annotations

import math
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from incidents.api.base import CallerView, fields_of, json_response, moment_of, text_of, whole_of
from incidents.api.problems import problem
from incidents.models import Camera
from incidents.work import Invalid
from linkage.feeds.kisa_vms.client import VmsError
from linkage.video.sessions import GatewayAway, LimitReached, refusal_count
from linkage.video.tokens import make_token
from ocenter.accounts.principal import Principal
from services.video import operations, schema
from services.video.models import VideoView
from services.video.operations import NoStream, ViewOver
from services.video.purpose import Purpose, purpose_of
from services.video.selectors import view_payload, views_of
from services.video.turning import CannotTurn, Movement, camera_turn

PROBLEM: Final = "urn:ocenter:problem:"
RETRY_SECONDS: Final = 5
PAGE_SIZE: Final = 100
PAGE_SIZE_AT_MOST: Final = 1_000
SECONDS_AT_MOST: Final = 5
AXES: Final = ("pan", "tilt", "zoom")


class CameraViews(CallerView):
    """Looking at a camera."""

    @extend_schema(operation_id="views_begin", request=schema.PURPOSE_BODY, responses=schema.BEGIN_ANSWERS)
    def post(self, request: Request, camera: int) -> HttpResponse:
        """Begins a look: the address of its video, to be kept up by `POST views/{view}/alive` every five seconds.

        It needs an active incident of the own municipality, or a reason; both are logged, with operator and seconds.
        """
        found = camera_for(self.caller, camera, "watch")
        purpose = _purpose(found, self.caller, fields_of(request, "incident", "reason"))
        try:
            view = operations.view_begin(camera=found, by=self.caller, purpose=purpose)
        except NoStream:
            return problem(409, _("No video of this camera is known."), type=f"{PROBLEM}no-stream")
        except LimitReached as full:
            refusal_count()
            return problem(
                503, _("As many cameras are being watched as can be shown at once. Close one first."),
                headers={"Retry-After": str(RETRY_SECONDS)}, type=f"{PROBLEM}video-limit", limit=full.limit, in_use=full.in_use,
            )  # fmt: skip
        except GatewayAway:
            refusal_count()
            return problem(
                503, _("The media gateway does not answer."), headers={"Retry-After": str(RETRY_SECONDS)},
                type=f"{PROBLEM}video-away",
            )  # fmt: skip
        return json_response(_begun(view), 201)


class ViewAlive(CallerView):
    """A look that goes on."""

    @extend_schema(operation_id="views_alive", request=None, responses={200: schema.ALIVE})
    def post(self, request: Request, view: UUID) -> HttpResponse:
        """The page is still there: how the stream is, and the seconds viewed. 404 once the view has ended."""
        self.require("watch")
        try:
            alive = operations.view_alive(view=view, by=self.caller)
        except ViewOver as over:
            raise Http404 from over
        stream = alive.stream
        return json_response(
            {"state": stream.state, "since": stream.since.isoformat(), "seconds": round(alive.seconds, 1)}
        )


class ViewDetail(CallerView):
    """One look."""

    @extend_schema(operation_id="views_end", responses={204: None})
    def delete(self, request: Request, view: UUID) -> HttpResponse:
        """Ends it. Safe to repeat."""
        try:
            operations.view_end(view=view, by=self.caller)
        except ViewOver as over:
            raise Http404 from over
        return HttpResponse(status=204)


class ViewList(CallerView):
    """Who watched what."""

    @extend_schema(operation_id="views_list", parameters=schema.VIEW_FILTERS, responses={200: schema.VIEW_PAGE})
    def get(self, request: Request) -> HttpResponse:
        """For auditors: views, newest first. With `since` and `until`, those that went on at any moment between."""
        self.require("audit")
        params = request.query_params
        size = whole_of(params, "page_size", PAGE_SIZE, 1, PAGE_SIZE_AT_MOST)
        start = whole_of(params, "cursor", 0, 0, 2**31)
        camera = whole_of(params, "camera", 0, 1, 2**62) if params.get("camera") else None
        found = views_of(
            self.caller.municipalities, camera=camera, username=params.get("user", ""), incident=params.get("incident", ""),
            since=moment_of(params, "since"), until=moment_of(params, "until"),
        )  # fmt: skip
        rows = list(found[start : start + size + 1])
        cursor = str(start + size) if len(rows) > size else None
        return json_response(
            {"views": [view_payload(one) for one in rows[:size]], "cursor": cursor, "more": cursor is not None}
        )


class CameraPtz(CallerView):
    """Turning a camera."""

    @extend_schema(operation_id="cameras_ptz", request=schema.PTZ_BODY, responses=schema.PTZ_ANSWERS)
    def post(self, request: Request, camera: int) -> HttpResponse:
        """Has it move for some seconds, or stop. It needs an incident or a reason, as looking does; both are logged."""
        found = camera_for(self.caller, camera, "ptz")
        fields = fields_of(request, *AXES, "seconds", "stop", "incident", "reason")
        purpose, movement = _purpose(found, self.caller, fields), _movement(fields)
        try:
            camera_turn(camera=found, by=self.caller, purpose=purpose, movement=movement)
        except CannotTurn:
            return problem(409, _("This camera cannot be turned from here."), type=f"{PROBLEM}no-ptz")
        except TimeoutError:
            return problem(503, _("The video system did not answer in time."), headers={"Retry-After": "1"})
        except VmsError as error:
            detail = _("The video system did not do it: %s") % error
            return problem(502, detail) if error.permanent else problem(503, detail, headers={"Retry-After": "1"})
        return json_response({"camera": found.pk, **movement.as_json()}, 202)


def camera_for(caller: Principal, camera: int, action: str) -> Camera:
    """A camera of the caller's own municipality, to do `action` with. Raises Http404, and PermissionDenied, which is
    logged where the camera is theirs: machines watch by grant, and some roles not at all."""
    found = Camera.objects.select_related("system").filter(pk=camera, municipality_id__in=caller.municipalities).first()
    if caller.user is None or not caller.may(action):
        if found is not None:
            operations.denial_record(camera=found, by=caller, action=action)
        raise PermissionDenied(_("Your role may not do this."))
    if found is None:
        raise Http404
    return found


def _purpose(camera: Camera, by: Principal, fields: dict[str, Any]) -> Purpose:
    return purpose_of(camera, by, incident=text_of(fields, "incident", ""), reason=text_of(fields, "reason", ""))


def _movement(fields: dict[str, Any]) -> Movement:
    if fields.get("stop") is True:
        return Movement(stop=True)
    speeds = {axis: _speed(fields, axis) for axis in AXES}
    if not any(speeds.values()):
        raise Invalid("pan", _("Name a speed for pan, tilt or zoom, or stop."))
    return Movement(**speeds, seconds=whole_of(fields, "seconds", 1, 1, SECONDS_AT_MOST))


def _speed(fields: dict[str, Any], axis: str) -> float:
    value = fields.get(axis, 0)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or abs(value) > 1:
        raise Invalid(axis, _("A number from -1 to 1 is needed."))
    return value


def _begun(view: VideoView) -> dict[str, Any]:
    token = make_token(view.pk, view.expires_at)
    return {
        "view": str(view.pk), "camera": view.camera_id, "hls": f"/video/{token}/index.m3u8",
        "snapshot": f"/video/{token}/snapshot.jpg", "expires_at": view.expires_at.isoformat(),
    }  # fmt: skip
