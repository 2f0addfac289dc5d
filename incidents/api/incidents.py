"""Reading incidents, and what operators do with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from incidents import handover, operations, regrouping
from incidents.api import schema
from incidents.api.base import CallerView, fields_of, json_response, moment_of, text_of, whole_of
from incidents.api.problems import problem
from incidents.codes import SERVICE_BY_FAMILY, Grade
from incidents.models import Change, Incident
from incidents.operations import NOTE_LENGTH, Invalid, Result
from incidents.payloads import IncidentPayload, incident_payload, incident_payloads
from incidents.relaying import RelayRequest, compose
from incidents.reports import NotUnderstood, storable, understand
from incidents.selectors import relays_by_subject, visible_incidents
from incidents.states import Status
from linkage.models import LinkedSystem
from ocenter.accounts.principal import Principal

GEOJSON: Final = "application/geo+json"
PAGE_SIZE: Final = 100
PAGE_SIZE_AT_MOST: Final = 1_000

Params = Any


def _choices(params: Params, name: str, known: list[str]) -> list[str]:
    wanted = [one for one in params.get(name, "").split(",") if one]
    for one in wanted:
        if one not in known:
            raise Invalid(name, _("%(one)s is not one of: %(known)s") % {"one": one, "known": ", ".join(known)})
    return wanted


def _box(params: Params) -> tuple[float, float, float, float] | None:
    text = params.get("bbox")
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = math.nan
    if not all(abs(one) <= 360 for one in (west, south, east, north)):
        raise Invalid("bbox", _("Four numbers are needed: west,south,east,north in WGS84 degrees."))
    return south, west, north, east


def filtered(incidents: QuerySet[Incident], params: Params) -> QuerySet[Incident]:
    """Applies the contract's filters: status, grade, code, service, since, until, bbox, q. Raises Invalid."""
    if statuses := _choices(params, "status", Status.values):
        incidents = incidents.filter(status__in=statuses)
    if grades := _choices(params, "grade", Grade.values):
        incidents = incidents.filter(grade__in=grades)
    if codes := [one for one in params.get("code", "").split(",") if one]:
        incidents = incidents.filter(Q(code__in=codes) | Q(family__in=codes))
    if services := _choices(params, "service", sorted(set(SERVICE_BY_FAMILY.values()))):
        incidents = incidents.filter(family__in=[f for f, service in SERVICE_BY_FAMILY.items() if service in services])
    if since := moment_of(params, "since"):
        incidents = incidents.filter(received_at__gte=since)
    if until := moment_of(params, "until"):
        incidents = incidents.filter(received_at__lt=until)
    if box := _box(params):
        incidents = incidents.filter(lat__range=(box[0], box[2]), lon__range=(box[1], box[3]))
    if words := params.get("q", "").replace("\x00", "").strip():
        found = Q(number__icontains=words) | Q(summary__icontains=words) | Q(address__icontains=words)
        incidents = incidents.filter(found | Q(place__icontains=words))
    return incidents


class IncidentList(CallerView):
    """Incidents, newest first."""

    @extend_schema(
        operation_id="incidents_list", parameters=schema.INCIDENT_FILTERS,
        responses={(200, "application/json"): schema.INCIDENT_PAGE, (200, GEOJSON): OpenApiTypes.OBJECT},
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """A page of what the caller may see, newest first; `cursor` of one page asks for the next.

        With `Accept: application/geo+json` the same page as a GeoJSON FeatureCollection.
        """
        params = request.query_params
        size = whole_of(params, "page_size", PAGE_SIZE, 1, PAGE_SIZE_AT_MOST)
        incidents = filtered(visible_incidents(self.caller), params).order_by("-id")
        if params.get("cursor"):
            incidents = incidents.filter(id__lt=whole_of(params, "cursor", 0, 1, 2**62))
        rows = list(incidents[: size + 1])
        page = rows[:size]
        payloads = incident_payloads(page, relays_by_subject([one.number for one in page]))
        more = len(rows) > size
        cursor = str(page[-1].pk) if more else None
        if GEOJSON in request.headers.get("Accept", ""):
            return json_response(_collection(payloads, cursor), content_type=GEOJSON)
        return json_response({"incidents": payloads, "cursor": cursor, "more": more})

    @extend_schema(request=schema.json_body(schema.REGISTRATION), responses={201: schema.ACTION_RESULT})
    def post(self, request: Request) -> HttpResponse:
        """Registers an incident by hand: code, lat, lon, and grade, summary, address, occurred_at, caller where known.

        A telephone number in `caller` is covered. 400 names every field that is wrong.
        """
        self.require("register")
        user = self.caller.user
        if user is None or user.municipality is None:
            raise PermissionDenied(_("Your account belongs to no municipality."))
        fields = fields_of(request, "code", "lat", "lon", "grade", "summary", "address", "occurred_at", "caller")
        told_by = text_of(fields, "caller", "")
        fields.pop("caller", None)
        now = timezone.now()
        try:
            report = understand({"id": "manual", "occurred_at": now.isoformat(), **fields}, now)
        except NotUnderstood as error:
            return problem(400, error.errors[0]["message"], errors=error.errors)
        result = operations.incident_register(municipality=user.municipality, report=report, by=self.caller, caller=told_by)
        return _answer(result, 201)


class IncidentDetail(CallerView):
    """One incident."""

    @extend_schema(responses={(200, "application/json"): schema.INCIDENT, (200, GEOJSON): OpenApiTypes.OBJECT})
    def get(self, request: Request, number: str) -> HttpResponse:
        """The incident as it is now; GeoJSON on request."""
        payload = _payload(_visible(self.caller, number))
        if GEOJSON in request.headers.get("Accept", ""):
            return json_response(_feature(payload), content_type=GEOJSON)
        return json_response(payload)


class IncidentTimeline(CallerView):
    """What happened to one incident."""

    @extend_schema(responses={200: schema.TIMELINE})
    def get(self, request: Request, number: str) -> HttpResponse:
        """Its ledger rows in order, without the incident's body."""
        incident = _visible(self.caller, number)
        rows = Change.objects.filter(incident=incident).order_by("seq").values_list("body", flat=True)
        return json_response({"changes": [{k: v for k, v in row.items() if k != "incident"} for row in rows]})


class RelayPreview(CallerView):
    """What an agency would be told."""

    @extend_schema(parameters=schema.PREVIEW_PARAMETERS, responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, number: str) -> HttpResponse:
        """The recipient and the exact payload, for the operator to read before confirming."""
        self.require("relay")
        incident, params = _visible(self.caller, number), request.query_params
        agency = _agency(incident, params.get("agency", ""))
        cameras = _ids(params["cameras"]) if "cameras" in params else None
        composed = _composed(incident, agency, params.get("message", ""), cameras)
        recipient = {"slug": agency.slug, "name": agency.name, "phone": agency.phone, "enabled": agency.enabled}
        return json_response({"agency": recipient, "payload": {"message": "create", **composed.payload}})


Action = Callable[[str, Principal, Request], Result]


def _relay(number: str, by: Principal, request: Request) -> Result:
    fields = fields_of(request, "agency", "message", "cameras", "anew")
    incident = _visible(by, number)
    agency = _agency(incident, text_of(fields, "agency"))
    composed = _composed(incident, agency, text_of(fields, "message", ""), fields.get("cameras"))
    return operations.incident_relay(number=number, by=by, request=composed, anew=fields.get("anew") is True)


def _composed(incident: Incident, agency: LinkedSystem, text: str, cameras: Any) -> RelayRequest:
    if cameras is not None and not (isinstance(cameras, list) and all(_is_id(one) for one in cameras)):
        raise Invalid("cameras", _("A list of camera ids is needed."))
    if len(text) > NOTE_LENGTH:
        raise Invalid("message", _("At most 2,000 characters, without NUL."))
    return compose(incident, agency, text=text, cameras=cameras)


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**63


def _ids(text: str) -> list[Any]:
    """The ids of a comma-separated list; what is no number stays a text, and is refused as one."""
    return [int(one) if one.isascii() and one.isdigit() else one for one in text.split(",") if one]


def _close(number: str, by: Principal, request: Request) -> Result:
    fields = fields_of(request, "result_code", "note", "override")
    return operations.incident_close(
        number=number, by=by, result_code=text_of(fields, "result_code", ""), note=text_of(fields, "note", ""),
        override=fields.get("override") is True,
    )  # fmt: skip


def _shelve(number: str, by: Principal, request: Request) -> Result:
    fields = fields_of(request, "reason", "minutes")
    minutes = whole_of(fields, "minutes", 60, 1, 60)
    return operations.incident_shelve(number=number, by=by, reason=text_of(fields, "reason", ""), minutes=minutes)


def _note(number: str, by: Principal, request: Request) -> Result:
    return operations.incident_note(number=number, by=by, text=text_of(fields_of(request, "note"), "note", ""))


def _assign(number: str, by: Principal, request: Request) -> Result:
    username = text_of(fields_of(request, "username"), "username", "")
    return operations.incident_assign(number=number, by=by, username=username)


def _offer(number: str, by: Principal, request: Request) -> Result:
    username = text_of(fields_of(request, "username"), "username", "")
    return handover.incident_offer(number=number, by=by, username=username)


def _resolve(number: str, by: Principal, request: Request) -> Result:
    return operations.incident_resolve(number=number, by=by, note=text_of(fields_of(request, "note"), "note", ""))


def _merge(number: str, by: Principal, request: Request) -> Result:
    into = text_of(fields_of(request, "into"), "into", "")
    _visible(by, into)
    return regrouping.incident_merge(number=number, by=by, into=into)


def _split(number: str, by: Principal, request: Request) -> Result:
    events = fields_of(request, "events").get("events")
    if not isinstance(events, list) or not all(isinstance(one, str) and storable(one) for one in events):
        raise Invalid("events", _("Name events of this incident by their ids."))
    return regrouping.incident_split(number=number, by=by, events=events)


def _plain(operation: Callable[..., Result]) -> Action:
    def act(number: str, by: Principal, request: Request) -> Result:
        fields_of(request)
        return operation(number=number, by=by)

    return act


def _with_reason(operation: Callable[..., Result]) -> Action:
    def act(number: str, by: Principal, request: Request) -> Result:
        return operation(number=number, by=by, reason=text_of(fields_of(request, "reason"), "reason", ""))

    return act


ACTIONS: Final[dict[str, Action]] = {
    "acknowledge": _plain(operations.incident_acknowledge),
    "verify": _plain(operations.incident_verify),
    "confirm": _plain(operations.incident_confirm),
    "false-alarm": _with_reason(operations.incident_false_alarm),
    "relay": _relay,
    "respond": _plain(operations.incident_respond),
    "resolve": _resolve,
    "close": _close,
    "reopen": _with_reason(operations.incident_reopen),
    "assign": _assign,
    "offer": _offer,
    "accept": _plain(handover.incident_accept),
    "decline": _plain(handover.incident_decline),
    "note": _note,
    "shelve": _shelve,
    "unshelve": _plain(operations.incident_unshelve),
    "merge": _merge,
    "split": _split,
    "unmerge": _plain(regrouping.incident_unmerge),
    "unsplit": _plain(regrouping.incident_unsplit),
}


class IncidentAction(CallerView):
    """What an operator does: one of `ACTIONS`."""

    action = ""  # set by the URL map

    @extend_schema(request=None, responses={200: schema.ACTION_RESULT, 409: schema.PROBLEM})  # see schema.complete
    def post(self, request: Request, number: str) -> HttpResponse:
        """Does it and answers the incident as it is now with the ledger's number; 409 with the current
        state where the move is not allowed."""
        self.require(self.action)
        _visible(self.caller, number)
        return _answer(ACTIONS[self.action](number, self.caller, request))


def _visible(caller: Principal, number: str) -> Incident:
    return visible_incidents(caller).get(number=number)


def _agency(incident: Incident, slug: str) -> LinkedSystem:
    agency = LinkedSystem.objects.filter(
        municipality_id=incident.municipality_id, kind=LinkedSystem.Kind.AGENCY, slug=slug
    ).first()
    if agency is None:
        raise Invalid("agency", _("No agency of that name is linked; GET /api/v1/catalogue lists them."))
    return agency


def _payload(incident: Incident) -> IncidentPayload:
    return incident_payload(incident, relays_by_subject([incident.number])[incident.number])


def _answer(result: Result, status: int = 200) -> HttpResponse:
    return json_response({"incident": result.incident, "seq": result.seq}, status)


def _feature(payload: IncidentPayload) -> dict[str, Any]:
    place = [payload["lon"], payload["lat"]]
    geometry = None if payload["lat"] is None else {"type": "Point", "coordinates": place}
    return {"type": "Feature", "id": payload["number"], "geometry": geometry, "properties": payload}


def _collection(payloads: list[IncidentPayload], cursor: str | None) -> dict[str, Any]:
    """RFC 7946; `cursor` is a foreign member, as GeoJSON allows."""
    return {"type": "FeatureCollection", "features": [_feature(one) for one in payloads], "cursor": cursor}
