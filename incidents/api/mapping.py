"""What operators ask of the map: places by name, the heat of the last hours, geofences."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from incidents.api import schema
from incidents.api.base import CallerView, fields_of, json_response, moment_of, text_of, whole_of
from incidents.gazetteer import places_named
from incidents.geofences import geofence_create, geofence_payload, geofence_remove, visible_geofences
from incidents.heat import heat_of
from incidents.operations import Invalid

QUERY_LENGTH: Final = 100
HOURS_AT_MOST: Final = 168


class Places(CallerView):
    """Places by name."""

    @extend_schema(
        parameters=[OpenApiParameter("q", OpenApiTypes.STR, description="At most 100 characters")],
        responses={200: schema.PLACES},
    )
    def get(self, request: Request) -> HttpResponse:
        """What a text may mean: coordinates `36.35,127.38`, an incident's number or its end, a dong, a camera or device by
        number, name or address. Nothing leaves this server."""
        text = request.query_params.get("q", "")
        if len(text) > QUERY_LENGTH:
            raise Invalid("q", _("A text of at most 100 characters is needed."))
        return json_response({"places": places_named(self.caller, text)})


class HeatMap(CallerView):
    """How many incidents where."""

    @extend_schema(
        parameters=[
            OpenApiParameter("hours", OpenApiTypes.INT, description="1 to 168; 6 where absent"),
            OpenApiParameter("until", OpenApiTypes.DATETIME, description="The end of these hours; now where absent"),
        ],
        responses={200: schema.HEAT},
    )
    def get(self, request: Request) -> HttpResponse:
        """Incidents of the `hours` before `until` in the cells of a grid: `[row, column, incidents, worst grade]`."""
        hours = whole_of(request.query_params, "hours", 6, 1, HOURS_AT_MOST)
        return json_response(heat_of(self.caller, hours, moment_of(request.query_params, "until")))


class GeofenceList(CallerView):
    """The municipality's geofences."""

    @extend_schema(operation_id="geofences_list", responses={200: schema.GEOFENCES})
    def get(self, request: Request) -> HttpResponse:
        """All of them."""
        return json_response({"geofences": [geofence_payload(one) for one in visible_geofences(self.caller)]})

    @extend_schema(request=schema.json_body(schema.NEW_GEOFENCE), responses={201: schema.GEOFENCE})
    def post(self, request: Request) -> HttpResponse:
        """Makes one (supervisors): `name`, and `area` as a GeoJSON Polygon or MultiPolygon."""
        self.require("geofence")
        user = self.caller.user
        if user is None or user.municipality is None:
            raise PermissionDenied(_("Your account belongs to no municipality."))
        fields = fields_of(request, "name", "area")
        made = geofence_create(
            municipality=user.municipality, name=text_of(fields, "name", ""), area=fields.get("area"), by=self.caller
        )
        return json_response(geofence_payload(made), 201)


class GeofenceDetail(CallerView):
    """One geofence."""

    @extend_schema(operation_id="geofences_retrieve", responses={200: schema.GEOFENCE})
    def get(self, request: Request, geofence_id: int) -> HttpResponse:
        """It alone."""
        return json_response(geofence_payload(visible_geofences(self.caller).get(pk=geofence_id)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, geofence_id: int) -> HttpResponse:
        """Removes it (supervisors). 404 where there is none, or no longer."""
        self.require("geofence")
        geofence_remove(geofence_id=geofence_id, by=self.caller)
        return HttpResponse(status=204)
