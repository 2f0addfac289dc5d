"""Relays: what agencies were told, what they answer, and settling one by telephone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from incidents.api import schema
from incidents.api.base import CallerView, fields_of, json_response, moment_of, text_of, whole_of
from incidents.api.problems import problem
from incidents.operations import NOTE_LENGTH, Invalid
from incidents.payloads import relay_payload
from incidents.reports import storable
from incidents.selectors import visible_relays
from linkage import relays, signing
from linkage.models import Relay
from linkage.relays import AgencyReport
from linkage.states import CALLBACK_STATES

PAGE_SIZE = 100


class RelayList(CallerView):
    """Relays, newest first."""

    @extend_schema(operation_id="relays_list", parameters=schema.RELAY_FILTERS, responses={200: schema.RELAY_PAGE})
    def get(self, request: Request) -> HttpResponse:
        """A page of the relays the caller may see; `attention=1` only those that need an operator."""
        params = request.query_params
        size, offset = whole_of(params, "page_size", PAGE_SIZE, 1, 1000), whole_of(params, "cursor", 0, 0, 10**9)
        found = visible_relays(self.caller)
        if params.get("incident"):
            found = found.filter(subject=params["incident"])
        if params.get("attention"):
            found = found.filter(attention_at__isnull=False)
        rows = list(found[offset : offset + size + 1])
        cursor = str(offset + size) if len(rows) > size else None
        body = {"relays": [relay_payload(one) for one in rows[:size]], "cursor": cursor, "more": cursor is not None}
        return json_response(body)


class RelayDetail(CallerView):
    """One relay."""

    @extend_schema(responses={200: schema.RELAY})
    def get(self, request: Request, relay_id: UUID) -> HttpResponse:
        """The relay as it is now."""
        return json_response(relay_payload(visible_relays(self.caller).get(pk=relay_id)))


class RelayByHand(CallerView):
    """Settling a relay by telephone."""

    @extend_schema(request=schema.json_body(schema.BY_HAND), responses={200: schema.RELAY})
    def post(self, request: Request, relay_id: UUID) -> HttpResponse:
        """Records who called the agency; what is still on its way is dropped. Repeating changes nothing."""
        self.require("called-by-hand")
        relay = visible_relays(self.caller).get(pk=relay_id)
        fields = fields_of(request, "note", "called_at")
        note, called_at = _short(fields, "note", NOTE_LENGTH), moment_of({"called_at": text_of(fields, "called_at", "")}, "called_at")
        if called_at and not relay.created_at - timedelta(minutes=1) <= called_at <= timezone.now() + timedelta(minutes=1):
            raise Invalid("called_at", _("Between the relay's beginning and now."))
        called_by = self.caller.user.label if self.caller.user else self.caller.actor["name"]
        relays.relay_call_by_hand(
            relay_id=relay_id, actor=self.caller.actor, called_by=called_by, note=note, called_at=called_at
        )
        return json_response(relay_payload(visible_relays(self.caller).get(pk=relay_id)))


class RelayStatus(CallerView):
    """An agency's callback, authenticated by its signature (Standard Webhooks)."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(request=schema.json_body(schema.CALLBACK), responses={200: schema.CALLBACK_ANSWER, 401: schema.PROBLEM}, auth=[])
    def post(self, request: Request, relay_id: UUID) -> HttpResponse:
        """Applies what the agency says. Repeated, late and out-of-order callbacks change nothing and get
        the same answer. 401 for a signature that is not the agency's or older than five minutes."""
        relay = Relay.objects.select_related("system").get(pk=relay_id)
        if refusal := _refusal(relay, request._request):
            return refusal
        report = _report(request.data)
        relays.relay_hear(relay_id=relay_id, report=report)
        return json_response({"relay": str(relay_id), "status": report.status, "received": True})


def _refusal(relay: Relay, request: HttpRequest) -> HttpResponse | None:
    try:
        signing.verify(relay.system.secrets, request.headers, request.body)
    except signing.WebhookVerificationError as error:
        return problem(401, _("The signature does not hold: %s") % error, headers={"WWW-Authenticate": "Webhook"})
    return None


def _report(body: Any) -> AgencyReport:
    """The callback's body, understood. Raises Invalid. Unknown fields are let pass: agencies may add some."""
    if not isinstance(body, dict):
        raise Invalid("", _("The body is an object."))
    status = text_of(body, "status", "")
    if status not in CALLBACK_STATES:
        raise Invalid("status", _("One of: %s") % ", ".join(sorted(CALLBACK_STATES)))
    at = moment_of({"at": text_of(body, "at", "")}, "at")
    if at is None:
        raise Invalid("at", _("A time in ISO 8601 with an offset is needed, such as 2026-11-23T20:04:13+09:00."))
    eta = None if body.get("eta_s") is None else whole_of(body, "eta_s", 0, 0, 86_400)
    return AgencyReport(
        status, at, _short(body, "unit", 60), eta, _degrees(body, "lat", 90), _degrees(body, "lon", 180),
        _short(body, "result_code", 20), _short(body, "note", NOTE_LENGTH),
    )  # fmt: skip


def _short(body: dict[str, Any], name: str, limit: int) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit or not storable(value):
        raise Invalid(name, _("A text of at most %d characters is needed.") % limit)
    return value


def _degrees(body: dict[str, Any], name: str, bound: float) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -bound <= value <= bound:
        raise Invalid(name, _("A number in degrees (WGS84) is needed."))
    return float(value)
