"""What an incident is made of, and what it could be merged with."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from incidents.api import schema
from incidents.api.base import CallerView, json_response, whole_of
from incidents.belonging import event_payloads, events_of, neighbours_named, neighbours_of, regroupings_of
from incidents.selectors import visible_incidents

PAGE_SIZE: Final = 100
PAGE_SIZE_AT_MOST: Final = 1_000


class IncidentEvents(CallerView):
    """The events of one incident."""

    @extend_schema(parameters=schema.EVENT_PAGING, responses={200: schema.EVENT_PAGE})
    def get(self, request: Request, number: str) -> HttpResponse:
        """A page of its events in the order they came, each with why it is there, and the merges and splits that
        could be undone; `cursor` of one page asks for the next."""
        params = request.query_params
        incident = visible_incidents(self.caller).get(number=number)
        size = whole_of(params, "page_size", PAGE_SIZE, 1, PAGE_SIZE_AT_MOST)
        events = events_of(incident)
        if params.get("cursor"):
            events = events.filter(id__gt=whole_of(params, "cursor", 0, 1, 2**62))
        rows = list(events[: size + 1])
        more = len(rows) > size
        body = {
            "events": event_payloads(incident, rows[:size]),
            "regroupings": regroupings_of(incident) if self.caller.may("merge") else [],
            "cursor": str(rows[size - 1].pk) if more else None,
            "more": more,
        }
        return json_response(body)


class IncidentNeighbours(CallerView):
    """What might be the same happening."""

    @extend_schema(
        parameters=[OpenApiParameter("number", OpenApiTypes.STR, description="One incident instead of the nearest")],
        responses={200: schema.NEIGHBOURS},
    )
    def get(self, request: Request, number: str) -> HttpResponse:
        """Active incidents within 1 km and an hour, the likeliest first, each with what would stand against merging."""
        self.require("merge")
        seen = visible_incidents(self.caller)
        incident = seen.get(number=number)
        if named := request.query_params.get("number"):
            found = neighbours_named(incident, seen.filter(number=named))
        else:
            found = neighbours_of(incident, seen)
        return json_response({"neighbours": found})
